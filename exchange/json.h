/* Records and summaries as JSON, with the keys that every command prints (docs/database.md).
 *
 * Objects are the caller's, freed with cJSON_Delete; NULL if memory ran out. */
#ifndef EXCHANGE_JSON_H
#define EXCHANGE_JSON_H

#include "db/db.h"
#include "json/number.h"

#include <cJSON.h>

/* A record: task, status, target, host, threads, generator, layouts, knobs, schedule, median_us,
 * min_us, spread, clock, gflops, gflops_nominal, peak_gflops, peak_fraction, max_error, verified
 * (here: false of a record that was taken in or is of another host), from (then its host, else
 * null), seed, created. `operations` and `nominal_operations` are the task's, of one call; what
 * follows from them is left out where they are 0, and times of a record that is not "ok" always. */
cJSON *record_to_json(const struct record *record, double operations, double nominal_operations);

/* One task of the database: task, target, threads, records, right, best_us (null without one). */
cJSON *task_summary_to_json(const struct task_summary *summary);

/* The value of "name=..." in a task's key, copied to the buffer; false if it has none or the buffer
 * is too small. */
bool task_key_value(const char *key, const char *name, char *buffer, size_t bytes);

#endif
