/* Random expressions: several stages with reductions of all kinds, and subscripts that are made to
 * fit the tensor they read. Whatever is drawn is legal by construction. */
#include "draw.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

struct drawer {
    struct random *random;
    const struct expression_options *options;
    struct definition *d;
    struct tensor *tensor; /* that gets a body; the next place of the definition */
    int input_count;
    bool is_result;
};

static bool chance(struct drawer *drawer, int of) {
    return random_chance(drawer->random, of);
}

static int64_t between(struct drawer *drawer, int64_t lowest, int64_t highest) {
    return random_between(drawer->random, lowest, highest);
}

/* ---- indices ---- */

static const struct index *any_axis(struct drawer *drawer) {
    int count = drawer->tensor->rank + drawer->tensor->reduction_rank;
    if (!count)
        return index_constant(drawer->d, between(drawer, 0, 3));
    return index_axis(drawer->d, (int)between(drawer, 0, count - 1));
}

static const struct index *odd_index(struct drawer *drawer) {
    struct definition *d = drawer->d;
    const struct index *a = any_axis(drawer);
    switch (between(drawer, 0, 9)) {
    case 0:
        return index_with(d, INDEX_DIVIDED, a, between(drawer, 2, 4));
    case 1:
        return index_with(d, INDEX_REMAINDER, a, between(drawer, 2, 5));
    case 2:
        return index_with(d, INDEX_SCALED, a, -1);
    case 3:
        return index_with(d, INDEX_MINIMUM, a, between(drawer, 1, 9));
    case 4:
        return index_with(d, INDEX_DIVIDED,
                          index_sum(d, a, index_add(d, any_axis(drawer), between(drawer, -2, 3))),
                          between(drawer, 2, 4));
    case 5:
        return index_with(
            d, INDEX_REMAINDER,
            index_sum(d, index_with(d, INDEX_SCALED, a, between(drawer, 1, 3)), any_axis(drawer)),
            between(drawer, 2, 7));
    case 6:
        return index_constant(d, between(drawer, 0, 3));
    case 7:
        return index_with(d, INDEX_SCALED, a, between(drawer, 2, 3));
    case 8:
        return index_sum(d, index_with(d, INDEX_SCALED, a, between(drawer, 1, 3)),
                         index_with(d, INDEX_REMAINDER, any_axis(drawer), between(drawer, 2, 3)));
    default:
        return index_with(d, INDEX_DIVIDED, index_add(d, a, between(drawer, -3, 3)),
                          between(drawer, 2, 3));
    }
}

/* Mostly an axis; a window; now and then something odd. */
static const struct index *any_index(struct drawer *drawer) {
    struct definition *d = drawer->d;
    const struct index *a = any_axis(drawer);
    if (chance(drawer, 5))
        return odd_index(drawer);
    if (!chance(drawer, 4))
        return a;
    if (chance(drawer, 3))
        a = index_with(d, INDEX_SCALED, a, between(drawer, 2, 3));
    a = index_sum(d, a,
                  chance(drawer, 4)
                      ? index_with(d, INDEX_SCALED, any_axis(drawer), between(drawer, 2, 3))
                      : any_axis(drawer));
    return chance(drawer, 2) ? index_add(d, a, between(drawer, -3, 3)) : a;
}

/* Moves an index to begin at 0. */
static const struct index *from_zero(struct drawer *drawer, const struct index *index,
                                     int64_t *highest) {
    int64_t lowest;
    index_range(index, drawer->tensor, &lowest, highest);
    *highest -= lowest;
    return index_add(drawer->d, index, -lowest);
}

struct guards {
    int count;
    struct condition conditions[MOST_CONDITIONS];
};

/* Makes an index fit 0 .. extent - 1, by arithmetic or by a condition. */
static const struct index *fit(struct drawer *drawer, const struct index *index, int64_t extent,
                               struct guards *guards) {
    struct definition *d = drawer->d;
    int64_t highest;
    if (guards && guards->count < 4 && chance(drawer, 4)) {
        index = index_add(d, index, between(drawer, -2, 2));
        guards->conditions[guards->count++] = (struct condition){index, 0, extent - 1};
        return index;
    }
    index = from_zero(drawer, index, &highest);
    if (highest < extent)
        return index_add(d, index, between(drawer, 0, extent - 1 - highest));
    if (chance(drawer, 3))
        return index_with(d, INDEX_REMAINDER, index, extent);
    if (chance(drawer, 2) || !guards)
        return index_with(d, INDEX_DIVIDED, index, (highest + extent) / extent);
    if (chance(drawer, 2))
        return index_with(d, INDEX_MINIMUM, index, extent - 1);
    guards->conditions[guards->count++] = (struct condition){index, 0, extent - 1};
    return index;
}

/* ---- inputs ---- */

static void draw_layout(struct drawer *drawer, struct tensor *tensor) {
    static const int blocks[] = {2, 3, 4, 8, 16};
    int order[MOST_AXES];
    int64_t block = blocks[between(drawer, 0, 4)];
    int blocked = chance(drawer, 2) ? (int)between(drawer, 0, tensor->rank - 1) : -1;
    for (int i = 0; i < tensor->rank; i++) {
        int j = (int)between(drawer, 0, i);
        order[i] = order[j];
        order[j] = i;
    }
    tensor->layout.count = 0;
    for (int i = 0; i < tensor->rank; i++) {
        int64_t divisor = order[i] == blocked ? block : 1;
        int64_t needed = (tensor->axes[order[i]].extent + divisor - 1) / divisor;
        layout_append(&tensor->layout, tensor, order[i], divisor, 0,
                      chance(drawer, 6) ? needed + between(drawer, 1, 3) : 0);
    }
    if (blocked >= 0)
        layout_append(&tensor->layout, tensor, blocked, 1, block, 0);
    layout_finish(&tensor->layout);
    tensor->has_layout = true;
}

static void make_literal(struct drawer *drawer, struct tensor *tensor) {
    int64_t count = tensor_elements(tensor);
    float *numbers = definition_allocate(drawer->d, (size_t)count * sizeof *numbers);
    for (int64_t i = 0; i < count; i++)
        numbers[i] = (float)between(drawer, -20, 20) / (chance(drawer, 4) ? 7.0f : 4.0f);
    tensor->literal = numbers;
    tensor->kind = KIND_LITERAL;
}

/* A read of a new input, which gets the extents that the subscripts need. */
static const struct value *read_new(struct drawer *drawer) {
    struct definition *d = drawer->d;
    const struct index *subscripts[MOST_AXES];
    struct axis axes[MOST_AXES];
    char name[MOST_NAME];
    struct tensor *tensor;
    int count = drawer->tensor->rank + drawer->tensor->reduction_rank, place;
    int rank = (int)between(drawer, chance(drawer, 20) ? 0 : 1, count < 3 ? count + 1 : 3);
    double elements = 1;
    for (int i = 0; i < rank; i++) {
        int64_t highest, most = (int64_t)(drawer->options->terms / elements) + 1;
        subscripts[i] = from_zero(drawer, any_index(drawer), &highest);
        if (highest >= most) {
            subscripts[i] = index_with(d, INDEX_REMAINDER, subscripts[i], most);
            highest = most - 1;
        }
        if (chance(drawer, 5))
            highest += between(drawer, 1, 3);
        snprintf(name, sizeof name, "%c", "ijklmnop"[i]);
        axes[i] = make_axis(name, highest + 1);
        elements *= (double)(highest + 1);
    }
    snprintf(name, sizeof name, "x%d", drawer->input_count++);
    place = add_tensor(d, chance(drawer, 3) ? KIND_PARAMETER : KIND_VARIABLE, name, rank, axes);
    tensor = &d->tensors[place];
    if (rank && chance(drawer, 4))
        draw_layout(drawer, tensor);
    else if (elements <= 24 && chance(drawer, 4))
        make_literal(drawer, tensor);
    return value_read(d, place, subscripts);
}

static const struct value *other_branch(struct drawer *drawer) {
    struct definition *d = drawer->d;
    if (drawer->tensor->combiner == COMBINE_MAXIMUM && chance(drawer, 2))
        return value_constant(d, chance(drawer, 2) ? -INFINITY : -1e30f);
    if (drawer->tensor->combiner == COMBINE_MINIMUM && chance(drawer, 2))
        return value_constant(d, chance(drawer, 2) ? INFINITY : 1e30f);
    return value_constant(d, chance(drawer, 4) ? (float)between(drawer, -3, 3) / 4 : 0);
}

/* A read of a tensor that is there: its axes by their own kind where the extents agree. */
static const struct value *read_known(struct drawer *drawer, int place) {
    const struct tensor *read = &drawer->d->tensors[place];
    const struct index *subscripts[MOST_AXES];
    struct guards guards = {0};
    const struct value *value;
    for (int i = 0; i < read->rank; i++) {
        const struct index *index = any_index(drawer);
        if (i < drawer->tensor->rank && drawer->tensor->axes[i].extent <= read->axes[i].extent &&
            !chance(drawer, 4))
            index = index_axis(drawer->d, i);
        subscripts[i] = fit(drawer, index, read->axes[i].extent, &guards);
    }
    value = value_read(drawer->d, place, subscripts);
    if (guards.count)
        value =
            value_select(drawer->d, guards.count, guards.conditions, value, other_branch(drawer));
    return value;
}

/* ---- values ---- */

static const struct value *draw_value(struct drawer *drawer, int depth);

static const struct value *leaf(struct drawer *drawer) {
    struct definition *d = drawer->d;
    int choice = (int)between(drawer, 0, 19);
    if (choice == 0)
        return value_constant(d, (float)between(drawer, -12, 12) / (chance(drawer, 3) ? 10 : 4));
    if (choice == 1)
        return value_index(d, any_index(drawer));
    if (choice == 2 && drawer->is_result && drawer->tensor->combiner == COMBINE_NONE)
        return value_apply(d, VALUE_PREVIOUS, NULL, NULL);
    if (d->tensor_count && (choice < 10 || d->tensor_count > MOST_TENSORS - 6))
        return read_known(drawer, (int)between(drawer, 0, d->tensor_count - 1));
    return read_new(drawer);
}

static const struct value *positive(struct drawer *drawer, const struct value *value) {
    struct definition *d = drawer->d;
    if (chance(drawer, 8))
        return value;
    return value_apply(d, VALUE_ADD, value_apply(d, VALUE_ABSOLUTE, value, NULL),
                       value_constant(d, 0.25f));
}

static const struct value *draw_function(struct drawer *drawer, int depth) {
    struct definition *d = drawer->d;
    const struct value *a = draw_value(drawer, depth - 1);
    switch (between(drawer, 0, 6)) {
    case 0:
        return value_apply(d, VALUE_NEGATE, a, NULL);
    case 1:
        return value_apply(d, VALUE_ABSOLUTE, a, NULL);
    case 2:
        return value_apply(d, VALUE_SQUARE_ROOT, positive(drawer, a), NULL);
    case 3:
        return value_apply(
            d, VALUE_EXPONENTIAL,
            chance(drawer, 4) ? a : value_apply(d, VALUE_MINIMUM, a, value_constant(d, 3)), NULL);
    case 4:
        return value_apply(d, VALUE_LOGARITHM, positive(drawer, a), NULL);
    case 5:
        return value_apply(d, VALUE_TANH, a, NULL);
    default:
        return value_apply(d, VALUE_ERF, a, NULL);
    }
}

static const struct value *draw_select(struct drawer *drawer, int depth) {
    struct condition conditions[2];
    int count = (int)between(drawer, 1, 2);
    const struct value *yes, *no;
    for (int i = 0; i < count; i++) {
        const struct index *index = any_index(drawer);
        int64_t lowest, highest, middle;
        index_range(index, drawer->tensor, &lowest, &highest);
        middle = between(drawer, lowest, highest);
        conditions[i] = chance(drawer, 4)   ? (struct condition){index, middle, middle}
                        : chance(drawer, 2) ? (struct condition){index, middle, highest + 2}
                                            : (struct condition){index, lowest, middle};
    }
    yes = draw_value(drawer, depth - 1);
    no = chance(drawer, 2) ? other_branch(drawer) : draw_value(drawer, depth - 1);
    return value_select(drawer->d, count, conditions, yes, no);
}

static const struct value *draw_value(struct drawer *drawer, int depth) {
    static const enum operation operations[] = {VALUE_ADD,      VALUE_ADD,      VALUE_SUBTRACT,
                                                VALUE_MULTIPLY, VALUE_MULTIPLY, VALUE_MULTIPLY,
                                                VALUE_MINIMUM,  VALUE_MAXIMUM,  VALUE_DIVIDE};
    struct definition *d = drawer->d;
    enum operation operation;
    const struct value *a, *b;
    if (depth <= 0 || chance(drawer, 4))
        return leaf(drawer);
    switch (between(drawer, 0, 9)) {
    case 0:
    case 1:
        return draw_function(drawer, depth);
    case 2:
        return draw_select(drawer, depth);
    case 3:
        a = draw_value(drawer, depth - 1);
        b = draw_value(drawer, depth - 2);
        return value_select_less(d, a, b, draw_value(drawer, depth - 2),
                                 draw_value(drawer, depth - 1));
    default:
        operation = operations[between(drawer, 0, 8)];
        a = draw_value(drawer, depth - 1);
        b = draw_value(drawer, depth - 1);
        return value_apply(d, operation, a, operation == VALUE_DIVIDE ? positive(drawer, b) : b);
    }
}

/* ---- stages ---- */

static int64_t draw_extent(struct drawer *drawer, double *room) {
    static const int sizes[] = {1, 2, 3, 4, 5, 7, 8, 9, 13, 15, 16, 17, 23, 31, 32, 33, 40};
    int64_t most = drawer->options->most_extent, extent;
    extent = most > 40 ? (int64_t)exp2(random_unit(drawer->random) * log2((double)most)) + 1
                       : sizes[between(drawer, 0, 16)];
    extent = extent > most ? most : extent;
    if ((double)extent > *room)
        extent = (int64_t)*room < 1 ? 1 : (int64_t)*room;
    *room /= (double)extent;
    return extent;
}

static void draw_axes(struct drawer *drawer, struct tensor *tensor) {
    double room = drawer->options->terms;
    char name[MOST_NAME];
    int reductions = 0;
    tensor->combiner = chance(drawer, 2) ? COMBINE_NONE
                       : chance(drawer, 2)
                           ? COMBINE_SUM
                           : (enum combiner)between(drawer, COMBINE_SUM, COMBINE_MINIMUM);
    if (tensor->combiner != COMBINE_NONE)
        reductions = (int)between(drawer, 1, chance(drawer, 3) ? 3 : 2);
    tensor->rank = (int)between(drawer, chance(drawer, 15) ? 0 : 1, chance(drawer, 3) ? 4 : 2);
    tensor->reduction_rank = reductions;
    for (int i = 0; i < reductions; i++) {
        snprintf(name, sizeof name, "r%d", i);
        if (tensor->combiner == COMBINE_PRODUCT && room > 6)
            tensor->axes[tensor->rank + i] = make_axis(name, between(drawer, 1, i ? 2 : 5));
        else
            tensor->axes[tensor->rank + i] = make_axis(name, draw_extent(drawer, &room));
    }
    for (int i = 0; i < tensor->rank; i++) {
        snprintf(name, sizeof name, "%c", "abcd"[i]);
        tensor->axes[i] = make_axis(name, draw_extent(drawer, &room));
    }
}

/* Of an earlier stage the axes, so that stages follow each other element by element. */
static void copy_axes(struct drawer *drawer, struct tensor *tensor) {
    for (int i = drawer->d->tensor_count - 1; i >= 0; i--) {
        const struct tensor *earlier = &drawer->d->tensors[i];
        if (earlier->kind != KIND_COMPUTED || chance(drawer, 3))
            continue;
        memcpy(tensor->axes, earlier->axes, (size_t)earlier->rank * sizeof *tensor->axes);
        tensor->rank = earlier->rank;
        tensor->combiner = COMBINE_NONE;
        tensor->reduction_rank = 0;
        return;
    }
}

/* The body of a stage reads what the stage before it left. */
static const struct value *draw_body(struct drawer *drawer, int before) {
    int depth = (int)between(drawer, 0, 3);
    const struct value *value;
    if (drawer->tensor->combiner == COMBINE_SUM && chance(drawer, 2))
        value = value_apply(drawer->d, VALUE_MULTIPLY, draw_value(drawer, depth - 2),
                            draw_value(drawer, depth - 2));
    else
        value = draw_value(drawer, depth);
    if (before >= 0 && !chance(drawer, 10))
        value = value_apply(drawer->d,
                            chance(drawer, 3)   ? VALUE_MAXIMUM
                            : chance(drawer, 2) ? VALUE_MULTIPLY
                                                : VALUE_ADD,
                            value, read_known(drawer, before));
    return value;
}

static int draw_stage(struct drawer *drawer, int before, int number) {
    struct tensor stage = {.kind = KIND_COMPUTED};
    int place;
    draw_axes(drawer, &stage);
    if (chance(drawer, 2))
        copy_axes(drawer, &stage);
    drawer->tensor = &stage;
    stage.body = draw_body(drawer, before);
    if (drawer->is_result && stage.combiner != COMBINE_NONE && chance(drawer, 4))
        stage.accumulate = true;
    snprintf(stage.name, sizeof stage.name, "t%d", number);
    layout_plain(&stage.layout, &stage);
    if (stage.rank && drawer->is_result && chance(drawer, 4))
        draw_layout(drawer, &stage);
    place = drawer->d->tensor_count++;
    drawer->d->tensors[place] = stage;
    return place;
}

void draw_expression(struct random *random, const struct expression_options *options,
                     struct definition *definition) {
    for (;;) {
        struct drawer drawer = {.random = random, .options = options, .d = definition};
        int stages = random_chance(random, 3) ? 1 : (int)random_between(random, 2, 4), before = -1;
        definition_clear(definition);
        for (int i = 0; i < stages && definition->tensor_count < MOST_TENSORS - 8; i++) {
            drawer.is_result = i == stages - 1;
            before = draw_stage(&drawer, before, i);
        }
        if (drawer.is_result && definition_terms(definition) <= 4 * options->terms &&
            expression_workload(definition))
            return;
    }
}
