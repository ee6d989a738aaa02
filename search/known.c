/* What earlier runs left: their records tell the strategy where it was, and are not measured again.
 *
 * Only records of this host and this code generator are facts about the code that this run would
 * measure. A record whose knobs this version's space no longer has is skipped; its schedule is
 * still known. */
#include "search/tuner_private.h"

#include "base/hash.h"

#include <math.h>
#include <string.h>

struct reading {
    struct tuner *tuner;
    struct text printed;
    dlt_status status;
    struct error *error;
};

/* True if the space has a point with just these knobs. */
static bool find_point(struct reading *reading, const char *knobs, int *point) {
    space_parse_point(reading->tuner->space, knobs, point);
    text_clear(&reading->printed);
    space_print_point(reading->tuner->space, point, &reading->printed);
    return strcmp(text_string(&reading->printed), knobs) == 0;
}

static dlt_status keep_best(struct tuner *tuner, const struct record *record, struct error *error) {
    struct measure_result result = {.median_us = record->median_us,
                                    .minimum_us = record->minimum_us,
                                    .spread = record->spread,
                                    .max_error = record->max_error,
                                    .wall_clock = strcmp(record->clock, "wall") == 0};
    double best_us = tuner->summary->best.median_us;
    if (best_us <= 0 || record->median_us < best_us)
        TRY(tuner_set_best(tuner, record->trace, record->knobs, &result, record->finalist, error));
    return tuner_add_contender(tuner, record->trace, record->knobs, record->median_us, error);
}

static bool is_right(const struct tuner *tuner, const struct record *record) {
    double limit = tuner->options->max_error;
    return record->verified && strcmp(record->outcome, measure_outcome_name(OUTCOME_OK)) == 0 &&
           record->median_us > 0 && (limit <= 0 || record->max_error <= limit);
}

static dlt_status take(struct reading *reading, const struct record *record) {
    struct tuner *tuner = reading->tuner;
    bool right = is_right(tuner, record);
    double score = right ? log(record->median_us) : INFINITY;
    uint64_t hash = hash_string(record->trace);
    unsigned char key[MAX_KNOBS];
    int point[MAX_KNOBS];
    if (right)
        TRY(keep_best(tuner, record, reading->error));
    if (strcmp(record->outcome, measure_outcome_name(OUTCOME_REFUSED)) != 0 &&
        !seen_set(&tuner->traces, &hash, score))
        return error_set(reading->error, DLT_ERROR_MEMORY, "out of memory");
    if (!find_point(reading, record->knobs, point))
        return DLT_OK;
    point_key(tuner->space, point, key);
    if (seen_find(&tuner->points, key) < 0)
        tuner->summary->known++;
    if (!seen_set(&tuner->points, key, score))
        return error_set(reading->error, DLT_ERROR_MEMORY, "out of memory");
    tuner->strategy->observe(tuner->state, &tuner->proposals, point, score);
    return DLT_OK;
}

static bool visit(void *context, const struct record *record) {
    struct reading *reading = context;
    if (strcmp(record->host, host_name()) || strcmp(record->generator, DATABASE_GENERATOR))
        return true;
    reading->status = take(reading, record);
    return reading->status == DLT_OK;
}

dlt_status tuner_read_known(struct tuner *tuner, struct error *error) {
    struct reading reading = {.tuner = tuner, .error = error};
    double start = clock_seconds();
    dlt_status status = database_records(tuner->database, tuner->task->key, visit, &reading, error);
    tuner->summary->shares[SHARE_STORE] += clock_seconds() - start;
    text_free(&reading.printed);
    return status == DLT_OK ? reading.status : status;
}
