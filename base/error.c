/* Formatting of error messages; see error.h. */
#include "base/error.h"

#include "base/plain.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

dlt_status error_set(struct error *error, dlt_status status, const char *format, ...) {
    if (error) {
        va_list arguments;
        va_start(arguments, format);
        plain_format_list(error->message, sizeof error->message, format, arguments);
        va_end(arguments);
        error->status = status;
    }
    return status;
}

dlt_status error_prefix(struct error *error, const char *format, ...) {
    char rest[sizeof error->message], whole[2 * sizeof error->message];
    va_list arguments;
    memcpy(rest, error->message, sizeof rest);
    va_start(arguments, format);
    plain_format_list(error->message, sizeof error->message, format, arguments);
    va_end(arguments);
    snprintf(whole, sizeof whole, "%s: %s", error->message, rest);
    whole[sizeof error->message - 1] = 0;
    memcpy(error->message, whole, sizeof error->message);
    return error->status;
}

const char *dlt_status_name(dlt_status status) {
    static const char *const names[] = {
        [DLT_OK] = "ok",
        [DLT_ERROR_ARGUMENT] = "argument",
        [DLT_ERROR_REFUSED] = "refused",
        [DLT_ERROR_NOT_FOUND] = "not found",
        [DLT_ERROR_DATABASE] = "database",
        [DLT_ERROR_SYSTEM] = "system",
        [DLT_ERROR_MEMORY] = "memory",
        [DLT_ERROR_COMPILE] = "compile",
        [DLT_ERROR_WRONG] = "wrong",
        [DLT_ERROR_CANCELLED] = "cancelled",
    };
    if ((unsigned)status >= sizeof names / sizeof names[0])
        return "unknown";
    return names[status];
}
