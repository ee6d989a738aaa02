/* Errors as values: what failed, in words a user can act on.
 *
 * A function that can fail returns a dlt_status and takes a `struct error *` as its last argument,
 * which it fills only on failure. The message is one clause without a trailing full stop and names
 * the argument, what it was, and what it may be: "stride: -1 is not a number from 1 to 65535". */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include "dltune/status.h"

struct error {
    dlt_status status;
    char message[512];
};

/* Fills `error` (which may be NULL) and returns `status`, so callers write
 * `return error_set(...)`. */
dlt_status error_set(struct error *error, dlt_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Puts "context: " before the message already in `error`; returns its status. */
dlt_status error_prefix(struct error *error, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Propagates a failure to the caller: the one macro of control flow in the project. */
#define TRY(call)                                                                                  \
    do {                                                                                           \
        dlt_status try_status_ = (call);                                                           \
        if (try_status_ != DLT_OK)                                                                 \
            return try_status_;                                                                    \
    } while (0)

#endif
