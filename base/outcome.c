/* Names of outcomes; see outcome.h. */
#include "base/outcome.h"

#include <string.h>

static const char *const names[OUTCOME_COUNT] = {
    [OUTCOME_OK] = "ok",           [OUTCOME_REFUSED] = "refused", [OUTCOME_COMPILE] = "compile",
    [OUTCOME_WRONG] = "wrong",     [OUTCOME_OUTSIDE] = "outside", [OUTCOME_CRASH] = "crash",
    [OUTCOME_TIMEOUT] = "timeout", [OUTCOME_MEMORY] = "memory",   [OUTCOME_EXIT] = "exit",
};

const char *measure_outcome_name(enum measure_outcome outcome) {
    return (unsigned)outcome < OUTCOME_COUNT ? names[outcome] : "unknown";
}

enum measure_outcome measure_outcome_find(const char *name) {
    int i = 0;
    while (i < OUTCOME_COUNT && strcmp(names[i], name) != 0)
        i++;
    return (enum measure_outcome)i;
}
