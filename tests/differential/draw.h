/* Random cases: workloads of dltune's operators, and expressions. */
#ifndef DIFFERENTIAL_DRAW_H
#define DIFFERENTIAL_DRAW_H

#include "definition.h"
#include "random.h"

/* ---- operators (operator.c, draw_operator.c) ---- */

enum operator_kind {
    OPERATOR_CONV2D,
    OPERATOR_CONV2D_TRANSPOSE,
    OPERATOR_MATMUL,
    OPERATOR_BATCH_MATMUL,
    OPERATOR_COUNT,
};

enum {
    MOST_STEPS = 6,
    MOST_PIECES = 7,
};

/* A piece of a convolution's layout, of the axes n c h w. */
struct piece {
    int axis;
    int64_t divisor, modulus;
    int64_t more; /* the extent is so much larger than both tensors need; 0: none is written */
};

/* All that a workload says. Sizes that its operator lacks are not looked at. */
struct operator_case {
    enum operator_kind kind;
    int64_t n, c, h, w, k, r, s; /* convolutions; of products n and k are too */
    int64_t b, m;
    int64_t groups, stride[2], dilation[2], pad[4], output_padding[2];
    int64_t more[3]; /* lda, ldb, ldc beyond the row */
    int piece_count; /* 0: nchw */
    struct piece pieces[MOST_PIECES];
    bool strided; /* the tensors lie so, and the workload does not say it */
    bool accumulate;
    int step_count;
    int steps[MOST_STEPS];
    bool constant_given; /* const= is written */
    unsigned constants;  /* a bit for each input */
    uint64_t order;      /* of the words */
};

/* Makes the definition and the workload's text. False if there is no such work: groups that divide
 * nothing, an output without elements. */
bool operator_build(const struct operator_case *operator, struct definition * definition);

/* `terms`: about as many products at most. */
void draw_operator(struct random *random, double terms, struct operator_case *operator);
/* The same work with one number changed. */
void draw_neighbour(struct random *random, struct operator_case *operator);
/* Larger work, as networks have it. */
void draw_realistic_operator(struct random *random, double terms, struct operator_case *operator);

/* The `index`-th simpler case; false if there are no more. */
bool simplify_operator(const struct operator_case *operator, int index,
                       struct operator_case *simpler);

/* ---- expressions (draw_expression.c) ---- */

struct expression_options {
    double terms;        /* of all tensors together */
    int64_t most_extent; /* of an axis */
};

void draw_expression(struct random *random, const struct expression_options *options,
                     struct definition *definition);

/* What networks have, of about so many terms (draw_realistic.c). */
void draw_realistic_expression(struct random *random, double terms, struct definition *definition);

/* The `index`-th simpler expression, which shares nodes with the first and may not be legal; false
 * if there are no more (simplify_expression.c). */
bool simplify_expression(const struct definition *definition, int index,
                         struct definition *simpler);
/* Writes the workload's text; false if it does not fit. */
bool expression_workload(struct definition *definition);

#endif
