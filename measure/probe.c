/* Bursts around a candidate's timing, and what they usually take; see probe.h. */
#include "measure/probe.h"

#include "machine/description.h"

#include <string.h>

enum {
    BURST_TRIPS = 1500, /* some 10 us: long against the clock, short against a candidate */
    BURSTS = 2,         /* the faster one counts: an interrupt is no phase */
    ATTEMPTS = 3,
};

static void run_burst(void *context) {
    fma_burst_run(context, BURST_TRIPS);
}

void probe_open(const char *target, struct probe *probe, struct fma_burst *burst) {
    struct target_description description;
    struct error error;
    bool has_code = target_describe(target, &description, &error) == DLT_OK &&
                    description.machine_code && target_runs_here(target);
    *probe = (struct probe){0};
    if (fma_burst_create(has_code ? target : "native", TYPE_F32, burst))
        *probe = (struct probe){.burst = run_burst, .context = burst};
}

static double time_bursts(const struct probe *probe, const struct clock *clock) {
    double least = 0;
    for (int i = 0; i < BURSTS; i++) {
        double start = clock->nanoseconds(clock->context), elapsed;
        probe->burst(probe->context);
        elapsed = clock->nanoseconds(clock->context) - start - clock->overhead;
        if (i == 0 || elapsed < least)
            least = elapsed;
    }
    return least > 0 ? least : 0;
}

struct timing probe_timing(const struct probe *probe, const struct clock *clock,
                           const struct timing_request *request, double usual,
                           struct probed *probed) {
    struct timing timing;
    double took;
    *probed = (struct probed){.slowdown = 1};
    if (!probe->burst)
        return timing_measure(clock, request);
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
        double before = time_bursts(probe, clock);
        double start = clock->nanoseconds(clock->context);
        timing = timing_measure(clock, request);
        took = clock->nanoseconds(clock->context) - start;
        probed->nanoseconds = (before + time_bursts(probe, clock)) / 2;
        probed->slowdown = usual > 0 ? probed->nanoseconds / usual : 1;
        if (probed->slowdown <= PROBE_SLOW_FACTOR ||
            (request->again_us != 0 && took > 1000 * request->again_us))
            break;
    }
    return timing;
}

void probe_history_add(struct probe_history *history, double nanoseconds) {
    if (nanoseconds > 0)
        history->nanoseconds[history->count++ % PROBE_HISTORY] = nanoseconds;
}

double probe_history_usual(const struct probe_history *history) {
    double sorted[PROBE_HISTORY];
    int count = history->count < PROBE_HISTORY ? (int)history->count : PROBE_HISTORY;
    if (count < PROBE_LEAST)
        return 0;
    memcpy(sorted, history->nanoseconds, sizeof sorted);
    return timing_median(sorted, count);
}
