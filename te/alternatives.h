/* Workloads that leave a choice to the tuner: "layout=any".
 *
 * Such a text is no task. It stands for a list of workloads, its alternatives: ordinary texts in
 * which a value takes the place of `any`, each with tasks and records of its own. Tuning the text
 * tunes them, and what is asked for it is the best of theirs. Which values a key has to offer is
 * the operator's to say (te/ops/operators.h); of these are left out what the operator refuses for
 * these sizes, and layouts that need more memory than others because they pad. */
#ifndef TE_ALTERNATIVES_H
#define TE_ALTERNATIVES_H

#include "te/task.h"

enum {
    MAX_ALTERNATIVES = 16
};

struct alternatives {
    struct arena arena;
    const char *workload; /* canonical text, `any` as it stands */
    int64_t calls;        /* "count=" of the text */
    int count;            /* 1 for a text that leaves no choice: itself, in canonical form */
    const char *texts[MAX_ALTERNATIVES]; /* canonical, in the order of the operator */
};

/* To be freed in any case. A text of which no alternative is possible fails as the first one of
 * them does. */
dlt_status alternatives_create(const char *text, struct alternatives *alternatives,
                               struct error *error);
void alternatives_free(struct alternatives *alternatives);

#endif
