/* Rooflines: what a machine could do at most with a task, and what share of it a time reaches.
 *
 * A task has an operational intensity: its operations over the bytes that a call moves at least
 * (every input read, the result written once). The roof is the lesser of the peak of its type and
 * what the memory that its tensors live in allows: repeated calls find them in the smallest level
 * that holds them all. docs/measuring.md tells how the numbers are measured. */
#ifndef MEASURE_ROOFLINE_H
#define MEASURE_ROOFLINE_H

#include "base/error.h"
#include "machine/description.h"
#include "measure/bandwidth.h"
#include "te/task.h"

enum {
    MEMORY_LEVELS = CACHE_LEVELS + 1,
    ROOF_NAME_BYTES = 32,
};

extern const char *const memory_level_names[MEMORY_LEVELS]; /* "l1", "l2", "l3", "dram" */

/* Of one thread. 0: not measured, or the machine has none. */
struct roofs {
    double peak[TYPE_COUNT];                        /* operations a second */
    double bandwidth[MEMORY_LEVELS][TRAFFIC_COUNT]; /* bytes a second */
    int64_t bytes[CACHE_LEVELS];                    /* that a level holds */
};

/* Measures all of them in about a second, on the calling thread. A target without machine code has
 * none: all zero. Fails only if there is no such target. */
dlt_status roofs_measure(const char *target, struct roofs *roofs, struct error *error);
/* Only the bandwidth of the level that a task's tensors live in; that level. */
dlt_status roofs_measure_for(const struct task *task, struct roofs *roofs, int *level,
                             struct error *error);

/* As named numbers, the form in which they are stored with a host: "peak f32", "bandwidth l2 copy",
 * "bytes l3". The visitor is called for each that is not 0. */
typedef dlt_status roof_visitor(void *context, const char *name, double value, struct error *error);
dlt_status roofs_visit(const struct roofs *roofs, roof_visitor *visitor, void *context,
                       struct error *error);
/* Sets one by its name; false if there is none such. */
bool roofs_set(struct roofs *roofs, const char *name, double value);
/* The same as text, a name and its value a line; what is not understood is skipped. */
void roofs_print(struct text *text, const struct roofs *roofs);
void roofs_parse(const char *text, struct roofs *roofs);

struct roofline {
    double bytes;     /* that a call moves at least */
    double intensity; /* operations a byte */
    double roof;      /* operations a second; 0: the roofs are not known */
    int level;        /* of memory_level_names, that holds the tensors */
    bool by_memory;   /* the roof is that of the memory */
};

struct roofline roofline_of(const struct task *task, const struct roofs *roofs);
/* Of the roof; 0 if it is not known. */
double roofline_share(const struct roofline *roofline, const struct task *task, double seconds);

#endif
