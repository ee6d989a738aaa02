/* A task as libraries see it: which of their functions it is, with which numbers.
 *
 * Libraries know convolutions and matrix products, not expressions. This is the one place outside
 * te/ops that reads a workload's operator by name; all that the expression itself tells (extents,
 * layouts, parameters) is taken from there, the rest from the canonical text. What no library
 * computes is refused, and so is an epilogue with steps that are not known here. */
#ifndef BENCH_PROBLEM_H
#define BENCH_PROBLEM_H

#include "te/task.h"

enum problem_kind {
    PROBLEM_CONVOLUTION,
    PROBLEM_TRANSPOSED, /* convolution */
    PROBLEM_MATMUL,
    PROBLEM_BATCH_MATMUL,
};

/* The tensors by their part. Of a matrix product a is the source, b the weights. */
enum problem_part {
    PART_SOURCE,
    PART_WEIGHTS,
    PART_BIAS,
    PART_RESIDUAL,
    PART_OUTPUT,
    PART_COUNT,
};

enum problem_step {
    STEP_BIAS,
    STEP_ADD, /* the residual */
    STEP_RELU,
};

enum {
    MAX_PROBLEM_STEPS = 16
};

struct problem {
    const struct task *task;
    enum problem_kind kind;
    const struct tensor *tensors[PART_COUNT]; /* NULL: there is none */
    const void *data[PART_COUNT];             /* of the inputs, in the tensors' layouts */
    void *output;                             /* where results go, in the output's layout */
    bool free_layout; /* activations may lie as a library likes: the layout was the tuner's choice,
                         or is neither nchw nor nhwc */

    /* a convolution: pairs are vertical, horizontal; `after` of a transposed one is less what is
     * added behind, and may be negative */
    int64_t images, channels, filters, groups;
    int64_t size[2], taps[2], outputs[2], stride[2], dilation[2], before[2], after[2];

    /* a matrix product, or a batch of them */
    int64_t batch, m, n, k;

    int step_count;
    enum problem_step steps[MAX_PROBLEM_STEPS];
};

/* `data[t]` is that of tensor t of the task's expression. Task and data are borrowed. */
dlt_status problem_read(const struct task *task, const void *const *data, void *output,
                        struct problem *problem, struct error *error);

bool problem_is_parameter(const struct problem *problem, enum problem_part part);

/* Elements from one subscript to the next along each axis; false where the layout cuts an axis. */
bool problem_strides(const struct tensor *tensor, int64_t *strides);

/* Whether the tensor lies densely in this order of its axes, outermost first. Where axes of extent
 * 1 stand does not matter. */
bool problem_is_dense(const struct tensor *tensor, const int *order);

/* The epilogue as bias, then relu, which is what the simpler libraries fuse. */
struct simple_epilogue {
    bool bias, relu;
};
dlt_status problem_simple_epilogue(const struct problem *problem, struct simple_epilogue *epilogue,
                                   struct error *error);

#endif
