/* Operators: each builds a tensor expression from sizes and attributes, one file each, and knows
 * nothing of how it will be computed. docs/adding-an-operator.md shows how to add one. */
#ifndef TE_OPS_OPERATORS_H
#define TE_OPS_OPERATORS_H

#include "te/expression.h"
#include "te/task.h"

/* What a key of a workload may hold; decides how it is read, checked and printed. */
struct operator_key {
    const char *name;          /* "c", "stride" */
    const char *help;          /* one line for --help: "input channels" */
    const char *default_value; /* NULL: required */
};

/* A key that may be `any`: which values that stands for (te/alternatives.h). */
struct operator_alternatives {
    const char *key;
    const char *const *values; /* ends with NULL */
};

struct operator_arguments; /* the workload's values, looked up by key; te/ops/arguments.h */

struct operator_definition {
    const char *name;                /* "conv2d" */
    const char *help;                /* one line */
    const struct operator_key *keys; /* canonical order; ends with a NULL name */
    const char *sizes;               /* keys along which the work may grow: "m n k" */
    const char *places; /* keys that say where, not what: "lda ldb ldc accumulate"; NULL: none */
    const char
        *groups; /* key of a number by which these sizes are divided, and what is done with */
    const char *grouped; /* their parts alone: "groups", "c k"; NULL: none */
    const struct operator_alternatives *alternatives; /* ends with a NULL key; NULL: none */
    /* Builds the expression. Messages name the key, what it was and what it may be. */
    dlt_status (*build)(struct operator_arguments *arguments, struct expression *expression,
                        struct error *error);
};

extern const struct operator_definition *const operator_definitions[]; /* ends with NULL */
const struct operator_definition *operator_find(const char *name);     /* or NULL */

#endif
