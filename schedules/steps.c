/* Looking up what a step names, and recording it in the trace. See steps.h. */
#include "schedules/steps.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Appends ", name" to a fixed buffer, with "..." where the list does not fit. */
static void list_name(char *list, size_t bytes, const char *name) {
    size_t used = strlen(list);
    if (used + strlen(name) + 8 < bytes)
        snprintf(list + used, bytes - used, "%s%s", used ? ", " : "", name);
    else if (used + 6 < bytes && (used < 3 || strcmp(list + used - 3, "...") != 0))
        snprintf(list + used, bytes - used, ", ...");
}

dlt_status step_stage(const struct schedule *schedule, const char *name, struct stage **stage,
                      struct error *error) {
    char list[160] = "";
    *stage = schedule_find(schedule, name);
    if (*stage)
        return DLT_OK;
    for (int i = 0; i < schedule->stage_count; i++)
        list_name(list, sizeof list, schedule->stages[i]->name);
    return error_set(error, DLT_ERROR_ARGUMENT, "stage: %.100s does not exist; there are %s", name,
                     list);
}

dlt_status step_loop(const struct stage *stage, const char *name, int *position,
                     struct error *error) {
    char list[160] = "";
    for (int i = 0; i < stage->loop_count; i++) {
        if (strcmp(stage->loops[i].variable->name, name) == 0) {
            *position = i;
            return DLT_OK;
        }
        list_name(list, sizeof list, stage->loops[i].variable->name);
    }
    return error_set(error, DLT_ERROR_ARGUMENT,
                     "loop: %.100s is not a loop of stage %s, which has %s", name, stage->name,
                     stage->loop_count ? list : "none");
}

dlt_status step_record(struct schedule *schedule, struct error *error, const char *format, ...) {
    struct text line = {0};
    va_list arguments;
    va_start(arguments, format);
    text_format_list(&line, format, arguments);
    va_end(arguments);
    text_append(&line, "\n");
    if (!line.failed)
        text_append_bytes(&schedule->trace, line.data, line.length);
    if (line.failed || schedule->trace.failed) {
        text_free(&line);
        return error_set(error, DLT_ERROR_MEMORY, "out of memory for the trace");
    }
    text_free(&line);
    return DLT_OK;
}

dlt_status step_context(dlt_status status, struct error *error, const char *format, ...) {
    char context[200];
    va_list arguments;
    if (status == DLT_OK || !error)
        return status;
    va_start(arguments, format);
    vsnprintf(context, sizeof context, format, arguments);
    va_end(arguments);
    return error_prefix(error, "%s", context);
}
