/* What the parts of `dltune explain` share. */
#ifndef CLI_EXPLAIN_H
#define CLI_EXPLAIN_H

#include "cli/requests.h"

#include "ir/lower.h"
#include "schedules/space.h"
#include "targets/jit/kernel.h"

struct explain {
    struct cli *cli;
    struct arena *arena;
    struct request *request;
    const struct task *task; /* the first of the request's, or the one with the stored best */
    struct target_description target;
    struct schedule *schedule;
    const char *origin;      /* where the schedule is from, in words */
    const char *knobs;       /* its point, as text; NULL: unknown */
    double median_us;        /* stored; 0: none */
    const char *pass;        /* NULL: all */
    struct program *program; /* once lowered */
    struct program_code code;
    bool encoded;
};

struct explain_part {
    const char *name;
    dlt_status (*print)(struct explain *e, struct error *error);
};

extern const struct explain_part explain_parts[]; /* ends with a NULL name */

/* Each at most once; the parts that need them call them. */
dlt_status explain_lower(struct explain *e, struct error *error);
dlt_status explain_encode(struct explain *e, struct error *error);

dlt_status explain_roofline(struct explain *e, struct error *error);
dlt_status explain_bound(struct explain *e, struct error *error);

#endif
