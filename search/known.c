/* What earlier runs left: their records tell the strategy where it was, and are not measured again.
 *
 * Only records of this host and this code generator are facts about the code that this run would
 * measure, and only such as were measured into this database; what was taken in from other files is
 * measured again, the fastest first. A record whose knobs this version's space no longer has is
 * skipped; its schedule is still known. */
#include "search/tuner_private.h"

#include "base/hash.h"
#include "db/gate.h"

#include <math.h>
#include <string.h>

struct reading {
    struct tuner *tuner;
    struct gate gate;
    dlt_status status;
    struct error *error;
};

bool tuner_find_point(const struct tuner *tuner, const char *knobs, int *point) {
    struct text printed = {0};
    bool same;
    space_parse_point(tuner->space, knobs, point);
    space_print_point(tuner->space, point, &printed);
    same = strcmp(text_string(&printed), knobs) == 0;
    text_free(&printed);
    return same;
}

/* Whether a right record would be among the first of a list, and is one to be believed whole:
 * looking at every record's schedule would take as long as making it. */
static bool is_wanted(struct reading *reading, const struct contenders *list,
                      const struct record *record) {
    struct error problem;
    if (list->count == FINALISTS && list->all[FINALISTS - 1].median_us <= record->median_us &&
        contenders_find(list, record->trace) < 0)
        return false;
    return gate_check_record(&reading->gate, record, &problem) == DLT_OK;
}

static dlt_status keep_best(struct reading *reading, const struct record *record) {
    struct tuner *tuner = reading->tuner;
    struct error *error = reading->error;
    struct measure_result result = {.median_us = record->median_us,
                                    .minimum_us = record->minimum_us,
                                    .spread = record->spread,
                                    .max_error = record->max_error,
                                    .wall_clock = strcmp(record->clock, "wall") == 0};
    double best_us = tuner->summary->best.median_us;
    if (!is_wanted(reading, &tuner->contenders, record))
        return DLT_OK;
    if (best_us <= 0 || record->median_us < best_us)
        TRY(tuner_set_best(tuner, record->trace, record->knobs, &result, record->finalist, error));
    return contenders_add(&tuner->contenders, record->trace, record->knobs, record->median_us,
                          error);
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
        TRY(keep_best(reading, record));
    if (strcmp(record->outcome, measure_outcome_name(OUTCOME_REFUSED)) != 0 &&
        !seen_set(&tuner->traces, &hash, score))
        return error_set(reading->error, DLT_ERROR_MEMORY, "out of memory");
    if (!tuner_find_point(tuner, record->knobs, point))
        return DLT_OK;
    point_key(tuner->space, point, key);
    if (seen_find(&tuner->points, key) < 0)
        tuner->summary->known++;
    if (!seen_set(&tuner->points, key, score))
        return error_set(reading->error, DLT_ERROR_MEMORY, "out of memory");
    tuner->strategy->observe(tuner->state, &tuner->proposals, point, score);
    return DLT_OK;
}

/* Times that were taken in are hints: the fastest are measured first. */
static dlt_status take_hint(struct reading *reading, const struct record *record) {
    struct contenders *hints = &reading->tuner->imported;
    if (!is_right(reading->tuner, record) || !is_wanted(reading, hints, record))
        return DLT_OK;
    return contenders_add(hints, record->trace, record->knobs, record->median_us, reading->error);
}

static bool visit(void *context, const struct record *record) {
    struct reading *reading = context;
    if (record->imported) {
        reading->status = take_hint(reading, record);
        return reading->status == DLT_OK;
    }
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
    gate_free(&reading.gate);
    return status == DLT_OK ? reading.status : status;
}
