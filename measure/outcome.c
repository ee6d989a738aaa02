/* Names of outcomes, as in the JSON `errors`; see measure.h. */
#include "measure/measure.h"

const char *measure_outcome_name(enum measure_outcome outcome) {
    static const char *const names[OUTCOME_COUNT] = {
        [OUTCOME_OK] = "ok",           [OUTCOME_REFUSED] = "refused", [OUTCOME_COMPILE] = "compile",
        [OUTCOME_WRONG] = "wrong",     [OUTCOME_OUTSIDE] = "outside", [OUTCOME_CRASH] = "crash",
        [OUTCOME_TIMEOUT] = "timeout", [OUTCOME_MEMORY] = "memory",   [OUTCOME_EXIT] = "exit",
    };
    if ((unsigned)outcome >= OUTCOME_COUNT)
        return "unknown";
    return names[outcome];
}
