/* What the time that is left affords; see effort.h. */
#include "measure/effort.h"

#define LONG_SECONDS                                                                               \
    1.0 /* of a call: hundreds of times its own disturbances, one time is enough                   \
         */
#define CHEAP_SECONDS  0.02 /* are never saved */
#define TIMING_CALLS   2    /* of a call that takes longer than batches do */
#define HURRIED_CALLS  8    /* more than what a whole candidate has */
#define PATTERNS_AFTER 1    /* timing, there is a pattern at least */

static bool affords(const struct effort *effort, double seconds, double now) {
    return seconds <= CHEAP_SECONDS ||
           (effort->call < LONG_SECONDS && now + seconds <= effort->until);
}

void effort_note_call(struct effort *effort, double seconds, double now) {
    effort->call = seconds;
    effort->is_hurried = !affords(effort, HURRIED_CALLS * seconds, now);
}

static double pattern_seconds(const struct effort *effort, int patterns, int missing) {
    return patterns * (effort->call + effort->compare) + missing * effort->inputs;
}

bool effort_affords_timing(const struct effort *effort, double now) {
    double timing = TIMING_CALLS * effort->call;
    if (timing <= CHEAP_SECONDS)
        return true;
    return affords(effort, timing + pattern_seconds(effort, PATTERNS_AFTER, PATTERNS_AFTER), now);
}

bool effort_affords_patterns(const struct effort *effort, int patterns, int missing, double now) {
    return affords(effort, pattern_seconds(effort, patterns, missing), now);
}
