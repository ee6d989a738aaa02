/* Roofs of this machine: kept in the database, and said with results. */
#ifndef CLI_ROOFS_H
#define CLI_ROOFS_H

#include "db/db.h"
#include "measure/roofline.h"

#include <cJSON.h>

/* What is stored for the target on this host; all zero if nothing is. */
void roofs_read(struct database *database, const char *target, struct roofs *roofs);
dlt_status roofs_write(struct database *database, const char *target, const struct roofs *roofs,
                       struct error *error);

/* The stored ones, after measuring what is missing to say where a task's roof is. Only in a
 * database open for writing they are stored. */
void roofs_for_task(struct database *database, bool may_write, const struct task *task,
                    struct roofs *roofs);

/* The roofline of a result whose peak was measured in its own run (GFLOP/s of all its threads; 0:
 * the stored peak counts). */
struct roofline roofline_of_result(const struct task *task, const struct roofs *roofs,
                                   double peak_gflops);

/* {"operations_per_byte", "bytes", "memory", "roof_gflops", "roof_by", "roof_fraction"}; roof_...
 * are left out if the roof is not known. */
void roofline_add_json(cJSON *object, const struct task *task, const struct roofline *roofline,
                       double median_us);

/* All roofs of a target, measured: as {"peak f32": 2.8e11, ...} and in words. */
cJSON *roofs_json(const struct roofs *roofs);
void roofs_format(struct text *text, const struct roofs *roofs);

#endif
