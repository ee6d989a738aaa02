/* What operators have in common around their reduction: parameters, and the epilogue.
 *
 * `const` names the inputs that are parameters. `post` lists the steps applied to each element of
 * the reduced tensor, in order; they form one computed tensor, "output", that reads the reduced
 * one. Without steps the reduced tensor itself is the output.
 *
 * With `accumulate` the sum starts from what the output holds: steps apply to old + sum. */
#ifndef TE_OPS_EPILOGUE_H
#define TE_OPS_EPILOGUE_H

#include "te/ops/arguments.h"

struct epilogue {
    int step_count;
    int steps[MAX_LIST]; /* rows of the table in epilogue.c */
    bool bias, residual; /* which inputs the steps read */
    bool accumulate;     /* the sum starts from what the output holds */
};

enum {
    MAX_OPERATOR_INPUTS = 4
};

/* The inputs of an operator in their order: its own two, then the epilogue's. */
struct operator_inputs {
    int count;
    const char *names[MAX_OPERATOR_INPUTS];
    bool parameter[MAX_OPERATOR_INPUTS];
};

/* Reads `accumulate`, `post` and `const`. */
dlt_status epilogue_read(struct operator_arguments *arguments, const char *first,
                         const char *second, struct epilogue *epilogue,
                         struct operator_inputs *inputs, struct error *error);

/* Creates an input with fresh axes of these names and extents. */
dlt_status operator_input(struct expression *expression, const struct operator_inputs *inputs,
                          const char *name, enum data_type type, int rank,
                          const char *const *axis_names, const int64_t *extents,
                          struct tensor **tensor, struct error *error);

/* A tensor reduced over `reduction_axes`, not yet built, and how its elements become the output. */
struct reduced {
    const char *name; /* of the reduced tensor when there is an epilogue */
    int rank, channel_axis, reduction_rank;
    const struct variable *axes[MAX_RANK], *reduction_axes[MAX_RANK];
    const struct value *body;
    const struct layout *layout; /* of reduced tensor, residual and output; NULL: plain */
};

/* Creates the epilogue's inputs. To be called before the reduced body reads its own, so that inputs
 * come first and in order. */
struct epilogue_tensors {
    struct tensor *bias, *residual;
};
dlt_status epilogue_inputs(struct expression *expression, const struct operator_inputs *inputs,
                           const struct epilogue *epilogue, const struct reduced *reduced,
                           enum data_type type, struct epilogue_tensors *tensors,
                           struct error *error);

/* Creates the reduced tensor (a sum) and the output. */
dlt_status epilogue_build(struct expression *expression, const struct epilogue *epilogue,
                          const struct epilogue_tensors *tensors, const struct reduced *reduced,
                          struct error *error);

#endif
