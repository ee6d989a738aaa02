/* Counting, and judging what was counted; see counters.h. */
#include "measure/counters.h"

#include <papi.h>

/* Beyond these is no machine. */
#define MOST_CYCLES_A_NANOSECOND  10
#define LEAST_CYCLES_A_NANOSECOND 0.05
#define MOST_INSTRUCTIONS_A_CYCLE 16
#define MOST_MISSES_A_INSTRUCTION 64 /* gathers touch many lines, and hardware fetches ahead */

const char *const counter_names[COUNTER_COUNT] = {
    [COUNTER_CYCLES] = "cycles",       [COUNTER_INSTRUCTIONS] = "instructions",
    [COUNTER_L1_MISSES] = "l1_misses", [COUNTER_L2_MISSES] = "l2_misses",
    [COUNTER_L3_MISSES] = "l3_misses",
};

/* ---- PAPI ---- */

static const int events[COUNTER_COUNT] = {
    [COUNTER_CYCLES] = PAPI_TOT_CYC,   [COUNTER_INSTRUCTIONS] = PAPI_TOT_INS,
    [COUNTER_L1_MISSES] = PAPI_L1_DCM, [COUNTER_L2_MISSES] = PAPI_L2_TCM,
    [COUNTER_L3_MISSES] = PAPI_L3_TCM,
};

static int event_set = PAPI_NULL; /* PAPI counts for a process: one set of events at a time */

static void drop_set(void) {
    if (event_set == PAPI_NULL)
        return;
    PAPI_cleanup_eventset(event_set);
    PAPI_destroy_eventset(&event_set);
    event_set = PAPI_NULL;
}

static bool start_event(void *context, enum counter counter) {
    (void)context;
    if (PAPI_create_eventset(&event_set) != PAPI_OK)
        return false;
    if (PAPI_add_event(event_set, events[counter]) == PAPI_OK && PAPI_start(event_set) == PAPI_OK)
        return true;
    drop_set();
    return false;
}

static bool stop_event(void *context, long long *value) {
    bool stopped = PAPI_stop(event_set, value) == PAPI_OK;
    (void)context;
    drop_set();
    return stopped;
}

void counters_open(struct counter_source *source) {
    *source = (struct counter_source){.start = start_event, .stop = stop_event};
    for (int counter = 0; counter < COUNTER_COUNT; counter++)
        if (PAPI_query_event(events[counter]) == PAPI_OK)
            source->available |= 1u << counter;
}

/* ---- counting ---- */

void counters_measure(const struct counter_source *source, void (*call)(void *context),
                      void *context, long calls, double nanoseconds,
                      struct measure_counters *counters) {
    *counters = (struct measure_counters){0};
    for (int counter = 0; counter < COUNTER_COUNT; counter++) {
        long long value = 0;
        if (!(source->available >> counter & 1) ||
            !source->start(source->context, (enum counter)counter))
            continue;
        for (long i = 0; i < calls; i++)
            call(context);
        if (!source->stop(source->context, &value))
            continue;
        counters->present |= 1u << counter;
        counters->values[counter] = (double)value / (double)calls;
    }
    counters_refuse(counters, nanoseconds);
}

static bool has(const struct measure_counters *counters, enum counter counter) {
    return counters->present >> counter & 1;
}

static void refuse_unless(struct measure_counters *counters, enum counter counter, double lowest,
                          double highest) {
    double value = counters->values[counter];
    if (!has(counters, counter) || (value >= lowest && value <= highest))
        return;
    counters->present &= ~(1u << counter);
    counters->refused |= 1u << counter;
    counters->values[counter] = 0;
}

void counters_refuse(struct measure_counters *counters, double nanoseconds) {
    double cycles = MOST_CYCLES_A_NANOSECOND * nanoseconds, instructions;
    refuse_unless(counters, COUNTER_CYCLES, LEAST_CYCLES_A_NANOSECOND * nanoseconds, cycles);
    if (has(counters, COUNTER_CYCLES))
        cycles = counters->values[COUNTER_CYCLES];
    instructions = MOST_INSTRUCTIONS_A_CYCLE * cycles;
    refuse_unless(counters, COUNTER_INSTRUCTIONS, 1, instructions);
    if (has(counters, COUNTER_INSTRUCTIONS))
        instructions = counters->values[COUNTER_INSTRUCTIONS];
    for (int counter = COUNTER_L1_MISSES; counter <= COUNTER_L3_MISSES; counter++)
        refuse_unless(counters, (enum counter)counter, 0, MOST_MISSES_A_INSTRUCTION * instructions);
}

/* ---- showing ---- */

void counters_print(struct text *text, const struct measure_counters *counters) {
    const char *gap = "";
    if (!counters->present) {
        text_append(text, "none");
        return;
    }
    for (int counter = 0; counter < COUNTER_COUNT; counter++)
        if (has(counters, (enum counter)counter)) {
            text_format(text, "%s%s=%.6g", gap, counter_names[counter], counters->values[counter]);
            gap = " ";
        }
}

struct counter_rates counters_rates(const struct measure_counters *counters, double operations,
                                    int line_bytes) {
    struct counter_rates rates = {0};
    double cycles = counters->values[COUNTER_CYCLES];
    double instructions = counters->values[COUNTER_INSTRUCTIONS];
    if (cycles > 0) {
        rates.operations_a_cycle = operations / cycles;
        rates.instructions_a_cycle = instructions / cycles;
    }
    for (int counter = COUNTER_L1_MISSES; counter <= COUNTER_L3_MISSES && instructions > 0;
         counter++)
        rates.misses_a_thousand[counter] = 1000 * counters->values[counter] / instructions;
    rates.bytes_moved = counters->values[COUNTER_L3_MISSES] * line_bytes;
    return rates;
}
