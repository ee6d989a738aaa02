/* Random expressions of the kinds that networks and signal processing have, of their sizes: chains
 * of element-wise steps, contractions, softmax and normalisations, pooling, stencils, moves,
 * attention, arguments of maxima. Kinds are drawn, and within them axes, orders, sizes,
 * functions. */
#include "draw.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

struct drawer {
    struct random *random;
    struct definition *d;
    double terms;
    int input_count, stage_count;
};

static bool chance(struct drawer *drawer, int of) {
    return random_chance(drawer->random, of);
}

static int64_t between(struct drawer *drawer, int64_t lowest, int64_t highest) {
    return random_between(drawer->random, lowest, highest);
}

/* ---- parts ---- */

/* An extent of about that many, often a round one. */
static int64_t near(struct drawer *drawer, double about) {
    static const int rounds[] = {1, 2, 4, 8, 16, 32, 64};
    int64_t extent = (int64_t)(about * exp2(2 * random_unit(drawer->random) - 1)) + 1;
    int64_t round = rounds[between(drawer, 0, 6)];
    if (extent > 2 * round && chance(drawer, 2))
        extent = extent / round * round;
    return extent;
}

static struct axis axis_of(const char *name, int number, int64_t extent) {
    char text[MOST_NAME];
    snprintf(text, sizeof text, "%s%d", name, number);
    return make_axis(text, extent);
}

static int new_input(struct drawer *drawer, int rank, const struct axis *axes) {
    char name[MOST_NAME];
    snprintf(name, sizeof name, "x%d", drawer->input_count++);
    return add_tensor(drawer->d, chance(drawer, 4) ? KIND_PARAMETER : KIND_VARIABLE, name, rank,
                      axes);
}

/* A computed tensor; the body is set by the caller afterwards. */
static int new_stage(struct drawer *drawer, int rank, const struct axis *axes,
                     enum combiner combiner, int reduction_rank, const struct axis *reductions,
                     const struct value *body) {
    char name[MOST_NAME];
    int place;
    struct tensor *tensor;
    snprintf(name, sizeof name, "t%d", drawer->stage_count++);
    place = add_tensor(drawer->d, KIND_COMPUTED, name, rank, axes);
    tensor = &drawer->d->tensors[place];
    if (reduction_rank)
        memcpy(tensor->axes + rank, reductions, (size_t)reduction_rank * sizeof *reductions);
    tensor->reduction_rank = reduction_rank;
    tensor->combiner = combiner;
    tensor->body = body;
    return place;
}

/* A read with the axes of these numbers as subscripts. */
static const struct value *read_axes(struct drawer *drawer, int tensor, const int *axes) {
    const struct index *subscripts[MOST_AXES];
    for (int i = 0; i < drawer->d->tensors[tensor].rank; i++)
        subscripts[i] = index_axis(drawer->d, axes[i]);
    return value_read(drawer->d, tensor, subscripts);
}

static const int in_order[MOST_SLOTS] = {0, 1, 2, 3, 4, 5, 6, 7};

static const struct value *apply(struct drawer *drawer, enum operation operation,
                                 const struct value *a, const struct value *b) {
    return value_apply(drawer->d, operation, a, b);
}

static const struct value *number(struct drawer *drawer, float number) {
    return value_constant(drawer->d, number);
}

static const struct value *some_function(struct drawer *drawer, const struct value *a) {
    switch (between(drawer, 0, 7)) {
    case 0:
        return apply(drawer, VALUE_MAXIMUM, a, number(drawer, 0));
    case 1:
        return apply(drawer, VALUE_TANH, a, NULL);
    case 2:
        return apply(drawer, VALUE_EXPONENTIAL, apply(drawer, VALUE_MINIMUM, a, number(drawer, 4)),
                     NULL);
    case 3:
        return apply(drawer, VALUE_MULTIPLY, a, a);
    case 4:
        return apply(
            drawer, VALUE_SQUARE_ROOT,
            apply(drawer, VALUE_ADD, apply(drawer, VALUE_ABSOLUTE, a, NULL), number(drawer, 0.5f)),
            NULL);
    case 5:
        return apply(drawer, VALUE_ERF, a, NULL);
    case 6:
        return apply(drawer, VALUE_MULTIPLY, a, number(drawer, 0.125f));
    default:
        return apply(drawer, VALUE_ADD, a, number(drawer, 1));
    }
}

/* ---- kinds ---- */

static void fill_axes(struct drawer *drawer, struct axis *axes, int rank, double elements) {
    for (int i = 0; i < rank; i++)
        axes[i] = axis_of("a", i, near(drawer, pow(elements, 1.0 / rank)));
}

/* Several inputs, some of them broadcast along axes. */
static void draw_elementwise(struct drawer *drawer) {
    struct axis axes[MOST_AXES];
    int rank = (int)between(drawer, 1, 4), inputs = (int)between(drawer, 1, 3);
    const struct value *value = NULL;
    fill_axes(drawer, axes, rank, drawer->terms);
    for (int i = 0; i < inputs; i++) {
        struct axis own[MOST_AXES];
        int used[MOST_AXES], count = 0;
        const struct value *read;
        for (int j = 0; j < rank; j++)
            if (i == 0 || !chance(drawer, 3)) {
                own[count] = axes[j];
                used[count++] = j;
            }
        if (!count) {
            own[count] = axes[rank - 1];
            used[count++] = rank - 1;
        }
        read = read_axes(drawer, new_input(drawer, count, own), used);
        value = value ? apply(drawer, chance(drawer, 2) ? VALUE_ADD : VALUE_MULTIPLY, value, read)
                      : read;
        if (chance(drawer, 2))
            value = some_function(drawer, value);
    }
    new_stage(drawer, rank, axes, COMBINE_NONE, 0, NULL, value);
}

/* Axes of two factors in any order: all of the result's and all that are summed, each in at least
 * one of them. */
static void draw_contraction(struct drawer *drawer) {
    struct axis axes[MOST_SLOTS];
    int rank = (int)between(drawer, 1, 4), sums = (int)between(drawer, 1, 2), place;
    const struct value *factors[2];
    for (int i = 0; i < rank + sums; i++)
        axes[i] =
            axis_of(i < rank ? "a" : "r", i, near(drawer, pow(drawer->terms, 1.0 / (rank + sums))));
    for (int f = 0; f < 2; f++) {
        struct axis own[MOST_SLOTS];
        int used[MOST_SLOTS], count = 0;
        for (int i = 0; i < rank + sums; i++) {
            bool has = i >= rank || (rank > 2 && i == 0) || i % 2 == f;
            int at = count;
            if (!has)
                continue;
            if (chance(drawer, 3))
                at = (int)between(drawer, 0, count);
            memmove(own + at + 1, own + at, (size_t)(count - at) * sizeof *own);
            memmove(used + at + 1, used + at, (size_t)(count - at) * sizeof *used);
            own[at] = axes[i];
            used[at] = i;
            count++;
        }
        factors[f] = read_axes(drawer, new_input(drawer, count, own), used);
    }
    place = new_stage(drawer, rank, axes, COMBINE_SUM, sums, axes + rank,
                      apply(drawer, VALUE_MULTIPLY, factors[0], factors[1]));
    if (chance(drawer, 2))
        new_stage(drawer, rank, axes, COMBINE_NONE, 0, NULL,
                  some_function(drawer, read_axes(drawer, place, in_order)));
}

/* A tensor reduced along one axis, and the axes that remain, with their numbers for a reader of all
 * axes. */
static int reduce_along(struct drawer *drawer, int rank, const struct axis *axes, int along,
                        enum combiner combiner, int from,
                        const struct value *(*term)(struct drawer *, const struct value *)) {
    struct axis kept[MOST_AXES];
    int used[MOST_AXES], count = 0;
    for (int i = 0; i < rank; i++) {
        used[i] = i == along ? rank - 1 : count;
        if (i != along)
            kept[count++] = axes[i];
    }
    return new_stage(drawer, count, kept, combiner, 1, &axes[along],
                     term(drawer, read_axes(drawer, from, used)));
}

static const struct value *as_is(struct drawer *drawer, const struct value *a) {
    (void)drawer;
    return a;
}

static const struct value *squared(struct drawer *drawer, const struct value *a) {
    return apply(drawer, VALUE_MULTIPLY, a, a);
}

static const struct value *read_kept(struct drawer *drawer, int tensor, int rank, int along) {
    int used[MOST_AXES], count = 0;
    for (int i = 0; i < rank; i++)
        if (i != along)
            used[count++] = i;
    return read_axes(drawer, tensor, used);
}

static int softmax_of(struct drawer *drawer, int rank, const struct axis *axes, int along,
                      int from) {
    int most = reduce_along(drawer, rank, axes, along, COMBINE_MAXIMUM, from, as_is), powers, sum;
    powers = new_stage(drawer, rank, axes, COMBINE_NONE, 0, NULL,
                       apply(drawer, VALUE_EXPONENTIAL,
                             apply(drawer, VALUE_SUBTRACT, read_axes(drawer, from, in_order),
                                   read_kept(drawer, most, rank, along)),
                             NULL));
    sum = reduce_along(drawer, rank, axes, along, COMBINE_SUM, powers, as_is);
    return new_stage(drawer, rank, axes, COMBINE_NONE, 0, NULL,
                     apply(drawer, VALUE_DIVIDE, read_axes(drawer, powers, in_order),
                           read_kept(drawer, sum, rank, along)));
}

static void draw_softmax(struct drawer *drawer) {
    struct axis axes[MOST_AXES];
    int rank = (int)between(drawer, 2, 3);
    fill_axes(drawer, axes, rank, drawer->terms / 4);
    softmax_of(drawer, rank, axes, chance(drawer, 3) ? 0 : rank - 1, new_input(drawer, rank, axes));
}

/* By the mean square, or by mean and variance. */
static void draw_normalisation(struct drawer *drawer) {
    struct axis axes[MOST_AXES];
    int rank = (int)between(drawer, 2, 3), along, x, sum, squares;
    const struct value *scale, *mean, *value;
    float share;
    fill_axes(drawer, axes, rank, drawer->terms / 4);
    along = chance(drawer, 3) ? 0 : rank - 1;
    share = 1 / (float)axes[along].extent;
    x = new_input(drawer, rank, axes);
    sum = reduce_along(drawer, rank, axes, along, COMBINE_SUM, x, as_is);
    squares = reduce_along(drawer, rank, axes, along, COMBINE_SUM, x, squared);
    mean =
        apply(drawer, VALUE_MULTIPLY, read_kept(drawer, sum, rank, along), number(drawer, share));
    scale = apply(drawer, VALUE_MULTIPLY, read_kept(drawer, squares, rank, along),
                  number(drawer, share));
    value = read_axes(drawer, x, in_order);
    if (chance(drawer, 2))
        value = apply(drawer, VALUE_SUBTRACT, value, mean);
    value = apply(drawer, VALUE_DIVIDE, value,
                  apply(drawer, VALUE_SQUARE_ROOT,
                        apply(drawer, VALUE_ADD, scale, number(drawer, 0.001f)), NULL));
    if (chance(drawer, 2))
        value = apply(drawer, VALUE_MULTIPLY, value,
                      read_axes(drawer, new_input(drawer, 1, &axes[along]), &along));
    new_stage(drawer, rank, axes, COMBINE_NONE, 0, NULL, value);
}

/* Windows over two axes, strided, padded or not; channels first or last. */
static void draw_pooling(struct drawer *drawer) {
    struct definition *d = drawer->d;
    int64_t taps = between(drawer, 2, 5), stride = between(drawer, 1, 3);
    int64_t outputs = near(drawer, cbrt(drawer->terms / (double)(taps * taps)));
    int64_t channels = near(drawer, drawer->terms / (double)(taps * taps * outputs * outputs));
    int64_t pad = chance(drawer, 2) ? taps / 2 : 0, size = (outputs - 1) * stride + taps - 2 * pad;
    bool last = chance(drawer, 2), maximum = chance(drawer, 2);
    int c = last ? 2 : 0, y = last ? 0 : 1, x;
    struct axis in[3], out[3];
    const struct axis windows[2] = {make_axis("r", taps), make_axis("s", taps)};
    const struct index *subscripts[3];
    struct condition conditions[2];
    const struct value *value;
    if (size < 1)
        size = 1;
    in[c] = out[c] = make_axis("c", channels);
    for (int i = 0; i < 2; i++) {
        in[y + i] = make_axis(i ? "w" : "h", size);
        out[y + i] = make_axis(i ? "x" : "y", outputs);
        subscripts[y + i] = index_sum(d, index_with(d, INDEX_SCALED, index_axis(d, y + i), stride),
                                      index_axis(d, 3 + i));
        subscripts[y + i] = index_add(d, subscripts[y + i], -pad);
        conditions[i] = (struct condition){subscripts[y + i], 0, size - 1};
    }
    subscripts[c] = index_axis(d, c);
    x = new_input(drawer, 3, in);
    value = value_select(d, 2, conditions, value_read(d, x, subscripts),
                         number(drawer, maximum ? -INFINITY : 0));
    new_stage(drawer, 3, out, maximum ? COMBINE_MAXIMUM : COMBINE_SUM, 2, windows, value);
}

/* The sum of neighbours with weights, zero outside. */
static void draw_stencil(struct drawer *drawer) {
    struct definition *d = drawer->d;
    struct axis axes[MOST_AXES];
    int rank = (int)between(drawer, 1, 3), points = (int)between(drawer, 2, 5), x;
    const struct value *value = NULL;
    fill_axes(drawer, axes, rank, drawer->terms / points);
    x = new_input(drawer, rank, axes);
    for (int i = 0; i < points; i++) {
        const struct index *subscripts[MOST_AXES];
        struct condition condition = {0};
        int moved = (int)between(drawer, 0, rank - 1);
        const struct value *neighbour;
        for (int j = 0; j < rank; j++)
            subscripts[j] = index_axis(d, j);
        subscripts[moved] = index_add(d, subscripts[moved], between(drawer, -2, 2));
        condition = (struct condition){subscripts[moved], 0, axes[moved].extent - 1};
        neighbour = value_select(d, 1, &condition, value_read(d, x, subscripts), number(drawer, 0));
        neighbour = apply(drawer, VALUE_MULTIPLY, neighbour,
                          number(drawer, (float)between(drawer, 1, 7) / 8));
        value = value ? apply(drawer, VALUE_ADD, value, neighbour) : neighbour;
    }
    new_stage(drawer, rank, axes, COMBINE_NONE, 0, NULL, value);
}

/* Transposes, and depth to space. */
static void draw_move(struct drawer *drawer) {
    struct definition *d = drawer->d;
    struct axis axes[MOST_AXES], in[MOST_AXES];
    int rank = (int)between(drawer, 2, 4), order[MOST_AXES];
    fill_axes(drawer, axes, rank, drawer->terms);
    for (int i = 0; i < rank; i++) {
        int j = (int)between(drawer, 0, i);
        order[i] = order[j];
        order[j] = i;
    }
    if (chance(drawer, 3)) {
        int64_t block = between(drawer, 2, 4);
        const struct axis from[] = {make_axis("b", block * block), make_axis("h", axes[0].extent),
                                    make_axis("w", axes[1].extent)};
        const struct axis to[] = {make_axis("y", axes[0].extent * block),
                                  make_axis("x", axes[1].extent * block)};
        const struct index *y = index_axis(d, 0), *x = index_axis(d, 1);
        const struct index *subscripts[] = {
            index_sum(d,
                      index_with(d, INDEX_SCALED, index_with(d, INDEX_REMAINDER, y, block), block),
                      index_with(d, INDEX_REMAINDER, x, block)),
            index_with(d, INDEX_DIVIDED, y, block), index_with(d, INDEX_DIVIDED, x, block)};
        int tensor = new_input(drawer, 3, from);
        new_stage(drawer, 2, to, COMBINE_NONE, 0, NULL, value_read(d, tensor, subscripts));
        return;
    }
    for (int i = 0; i < rank; i++)
        in[i] = axes[order[i]];
    new_stage(drawer, rank, axes, COMBINE_NONE, 0, NULL,
              read_axes(drawer, new_input(drawer, rank, in), order));
}

static void draw_attention(struct drawer *drawer) {
    int64_t depth = 16 << between(drawer, 0, 2), heads = between(drawer, 1, 8);
    int64_t length = near(drawer, sqrt(drawer->terms / (double)(2 * depth * heads)));
    const struct axis head = make_axis("h", heads), row = make_axis("m", length),
                      column = make_axis("n", length), inner = make_axis("e", depth);
    const struct axis left[] = {head, row, inner}, right[] = {head, column, inner},
                      scores[] = {head, row, column};
    static const int of_q[] = {0, 1, 3}, of_k[] = {0, 2, 3}, of_p[] = {0, 1, 3}, of_v[] = {0, 3, 2};
    int q = new_input(drawer, 3, left), k = new_input(drawer, 3, right),
        v = new_input(drawer, 3, right), score, weights;
    score = new_stage(
        drawer, 3, scores, COMBINE_SUM, 1, &inner,
        apply(drawer, VALUE_MULTIPLY, read_axes(drawer, q, of_q), read_axes(drawer, k, of_k)));
    weights = softmax_of(drawer, 3, scores, 2, score);
    new_stage(drawer, 3, left, COMBINE_SUM, 1, &column,
              apply(drawer, VALUE_MULTIPLY, read_axes(drawer, weights, of_p),
                    read_axes(drawer, v, of_v)));
}

/* The largest of each row, and where it is. */
static void draw_argument(struct drawer *drawer) {
    struct definition *d = drawer->d;
    const struct axis row = make_axis("a", near(drawer, sqrt(drawer->terms / 2)));
    const struct axis column = make_axis("r", near(drawer, drawer->terms / 2 / (double)row.extent));
    const struct axis axes[] = {row, column};
    int x = new_input(drawer, 2, axes), most;
    const struct value *read;
    most = new_stage(drawer, 1, &row, COMBINE_MAXIMUM, 1, &column, read_axes(drawer, x, in_order));
    read = read_axes(drawer, x, in_order);
    new_stage(drawer, 1, &row, COMBINE_MINIMUM, 1, &column,
              value_select_less(d, read, read_axes(drawer, most, in_order),
                                number(drawer, (float)column.extent),
                                value_index(d, index_axis(d, 1))));
}

/* Sums, products, extremes along leading, inner or all axes. */
static void draw_reduction(struct drawer *drawer) {
    struct axis axes[MOST_AXES], kept[MOST_AXES], reduced[MOST_AXES];
    int rank = (int)between(drawer, 1, 4), used[MOST_AXES], kept_count = 0, count = 0, x;
    const struct value *value;
    fill_axes(drawer, axes, rank, drawer->terms);
    for (int i = 0; i < rank; i++)
        if (chance(drawer, 2) || (i == rank - 1 && !count))
            reduced[count++] = axes[i], used[i] = -count;
        else
            kept[kept_count++] = axes[i], used[i] = kept_count - 1;
    for (int i = 0; i < rank; i++)
        if (used[i] < 0)
            used[i] = kept_count - 1 - used[i];
    x = new_input(drawer, rank, axes);
    value = read_axes(drawer, x, used);
    if (chance(drawer, 2))
        value = some_function(drawer, value);
    new_stage(drawer, kept_count, kept,
              chance(drawer, 2)   ? COMBINE_SUM
              : chance(drawer, 2) ? COMBINE_MAXIMUM
                                  : COMBINE_MINIMUM,
              count, reduced, value);
}

void draw_realistic_expression(struct random *random, double terms, struct definition *definition) {
    static void (*const kinds[])(struct drawer *) = {
        draw_elementwise,   draw_contraction, draw_contraction, draw_softmax,
        draw_normalisation, draw_pooling,     draw_stencil,     draw_move,
        draw_attention,     draw_argument,    draw_reduction};
    do {
        struct drawer drawer = {.random = random, .d = definition, .terms = terms};
        definition_clear(definition);
        kinds[random_between(random, 0, sizeof kinds / sizeof kinds[0] - 1)](&drawer);
    } while (definition_terms(definition) > 3 * terms || definition_terms(definition) < terms / 8 ||
             !expression_workload(definition));
}
