/* What sharing a nest among threads costs and gains, before anything is measured. */
#include "schedules/space_private.h"

enum {
    TRIPS_A_THREAD = 8,       /* of a parallel loop: evens out what threads do */
    MOST_TRIPS_A_THREAD = 64, /* more only take apart what a trip has next to it */
};

/* The share of time that the thread with the most trips is alone in. */
#define LEAST_IMBALANCE 0.03

static int64_t most_trips(int64_t trips, int threads) {
    return (trips + threads - 1) / threads;
}

bool space_enough_trips(int64_t trips, int threads) {
    double most = (double)(most_trips(trips, threads) * threads);
    return trips >= (int64_t)threads * MOST_TRIPS_A_THREAD ||
           (trips >= (int64_t)threads * TRIPS_A_THREAD &&
            most <= (double)trips * (1 + LEAST_IMBALANCE));
}

double space_shared_cycles(const struct space *space, double cycles, int64_t trips, int threads) {
    if (trips < 2 || threads < 2)
        return cycles;
    return cycles * (double)most_trips(trips, threads) / (double)trips +
           space->target.fork_join_cycles;
}

/* Even at the peak of arithmetic, which is the least that the nest takes on one thread. */
bool space_may_share(const struct space *space, const struct group *group) {
    int operations = group->arithmetic > 1 ? group->arithmetic : 1;
    double cycles =
        space_trips(group) * operations / (double)space_lanes(space) / space->target.fma_per_cycle;
    return space->threads > 1 &&
           cycles * (space->threads - 1) / space->threads > space->target.fork_join_cycles;
}

void space_set_shared(const struct space *space, int *point, bool shared) {
    const struct space_rules *rules = space->rules;
    int64_t wanted = shared ? PARALLEL_YES : PARALLEL_NO;
    for (int i = 0; i < rules->structure.group_count; i++) {
        int number = rules->knobs[i].parallel;
        for (int j = 0; number != NO_KNOB && j < space->knobs[number].choice_count; j++)
            if (space->knobs[number].values[j] == wanted)
                point[number] = j;
    }
}
