/* Random expressions of one to three stages. A stage reduces or maps; it reads inputs and earlier
 * stages at random subscripts (strides, offsets, windows), under a select where they may leave the
 * tensor. */
#ifndef TESTS_IR_RANDOM_EXPRESSION_H
#define TESTS_IR_RANDOM_EXPRESSION_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "random_schedule.h"

enum {
    MAX_GENERATED = 12,
    MAX_WORK = 20000, /* terms of all elements */
};

struct generated_tensor {
    char name[16];
    int rank;
    int64_t extents[4];
};

struct generator {
    struct random random;
    struct text inputs, stages, conditions;
    int tensor_count, input_count, stage_count;
    struct generated_tensor tensors[MAX_GENERATED]; /* stages only */
    /* Of the stage being written: */
    const char *otherwise; /* what selects have outside of tensors, for the most part */
    int axis_count, reduction_count;
    int64_t extents[8];
    char axes[8][8];
};

static int64_t random_extent(struct generator *g) {
    switch (random_below(&g->random, 6)) {
    case 0:
        return 1;
    case 1:
        return between(&g->random, 14, 33);
    case 2:
        return chance(&g->random, 2) ? 16 : 17;
    default:
        return between(&g->random, 2, 9);
    }
}

/* A random index over the stage's axes, as text; tells its bounds. `prefer`: the axis that it is
 * made of for the most part. */
static void random_index(struct generator *g, int prefer, char text[static 64], int64_t *lowest,
                         int64_t *highest) {
    int count = g->axis_count + g->reduction_count, used = 0;
    int axis = prefer >= 0 && !chance(&g->random, 5)
                   ? prefer
                   : (int)random_below(&g->random, (uint64_t)count);
    int64_t stride = chance(&g->random, 6) ? between(&g->random, 2, 3) : 1;
    *lowest = *highest = 0;
    if (chance(&g->random, 20)) {
        *lowest = *highest = between(&g->random, 0, 3);
        sprintf(text, "%d", (int)*lowest);
        return;
    }
    used += stride == 1 ? sprintf(text, "%s", g->axes[axis])
                        : sprintf(text, "%d*%s", (int)stride, g->axes[axis]);
    *highest = stride * (g->extents[axis] - 1);
    if (axis < g->axis_count && g->reduction_count && chance(&g->random, 3)) {
        int window = g->axis_count + (int)random_below(&g->random, (uint64_t)g->reduction_count);
        int64_t dilation = chance(&g->random, 5) ? 2 : 1;
        used += sprintf(text + used, " + %d*%s", (int)dilation, g->axes[window]);
        *highest += dilation * (g->extents[window] - 1);
    }
    if (chance(&g->random, 4)) {
        int offset = (int)between(&g->random, -2, 2);
        sprintf(text + used, offset < 0 ? " - %d" : " + %d", abs(offset));
        *lowest += offset;
        *highest += offset;
    }
}

static void add_condition(struct generator *g, const char *index, int64_t extent) {
    text_format(&g->conditions, "%s0 <= %s < %d", g->conditions.length ? ", " : "", index,
                (int)extent);
}

/* A read with its subscripts; what may leave the tensor is added to g->conditions. */
static void append_stage_read(struct generator *g, struct text *out) {
    const struct generated_tensor *t =
        &g->tensors[random_below(&g->random, (uint64_t)g->stage_count)];
    if (chance(&g->random, 2))
        t = &g->tensors[g->stage_count - 1];
    text_format(out, "%s[", t->name);
    for (int i = 0; i < t->rank; i++) {
        char index[64];
        int64_t lowest, highest;
        random_index(g, i < g->axis_count ? i : -1, index, &lowest, &highest);
        if (i < g->axis_count && g->extents[i] <= t->extents[i] && !chance(&g->random, 4)) {
            sprintf(index, "%s", g->axes[i]);
            lowest = 0;
            highest = g->extents[i] - 1;
        }
        if (lowest < 0 || highest >= t->extents[i])
            add_condition(g, index, t->extents[i]);
        text_format(out, "%s%s", i ? ", " : "", index);
    }
    text_append(out, "]");
}

static void append_input_read(struct generator *g, struct text *out) {
    int rank = (int)between(&g->random, 1, 3), number = g->input_count++;
    text_format(&g->inputs, "input i%d[", number);
    text_format(out, "i%d[", number);
    for (int i = 0; i < rank; i++) {
        char index[64];
        int64_t lowest, highest, extent;
        int count = g->axis_count + g->reduction_count;
        random_index(g, (int)random_below(&g->random, (uint64_t)count), index, &lowest, &highest);
        extent = highest + 1;
        if (chance(&g->random, 5))
            extent -= between(&g->random, -1, 3);
        if (extent < 1)
            extent = 1;
        if (lowest < 0 || highest >= extent)
            add_condition(g, index, extent);
        text_format(&g->inputs, "%sd%d=%d", i ? ", " : "", i, (int)extent);
        text_format(out, "%s%s", i ? ", " : "", index);
    }
    text_append(out, "]");
    text_format(&g->inputs, "] f32 %s\n", chance(&g->random, 3) ? "parameter" : "variable");
}

/* A read, under a select where it may leave its tensor. */
static void append_read(struct generator *g, struct text *out) {
    struct text read = {0};
    text_clear(&g->conditions);
    if (g->stage_count && !chance(&g->random, 3))
        append_stage_read(g, &read);
    else if (g->input_count < 6)
        append_input_read(g, &read);
    else
        text_append(&read, "0.5");
    if (g->conditions.length)
        text_format(out, "select(%s, %s, %s)", text_string(&g->conditions), text_string(&read),
                    chance(&g->random, 4) ? "0.75" : g->otherwise);
    else
        text_append(out, text_string(&read));
    text_free(&read);
}

/* An axis as a number, now and then divided. */
static void append_index(struct generator *g, struct text *out) {
    int count = g->axis_count + g->reduction_count;
    const char *axis = g->axes[random_below(&g->random, (uint64_t)count)];
    const char *other = g->axes[random_below(&g->random, (uint64_t)count)];
    switch (random_below(&g->random, 5)) {
    case 0:
        text_format(out, "index((%s + %s) / %d)", axis, other, (int)between(&g->random, 2, 5));
        break;
    case 1:
        text_format(out, "index((2*%s + %s) %% %d)", axis, other, (int)between(&g->random, 2, 5));
        break;
    default:
        text_format(out, "index(%s)", axis);
    }
}

static void append_value(struct generator *g, struct text *out, int depth) {
    static const char *const forms[] = {
        "(~ + ~)",
        "(~ - ~)",
        "~ * ~",
        "max(~, ~)",
        "min(~, ~)",
        "abs(~)",
        "(0 - ~)",
        "-~",
        "sqrt(abs(~))",
        "~ / (abs(~) + 1)",
        "max(~ * ~ + ~, 0)",
        "~ * 0.875",
        "tanh(~)",
        "select_less(~, ~, ~, ~)",
        "erf(~)",
        "exp(max(min(~, 0.25), -0.25))",
        "log(abs(~) + 1)",
        "(~ * ~ - ~)",
    };
    const char *form;
    if (chance(&g->random, 12)) {
        append_index(g, out);
        return;
    }
    if (depth == 0 || chance(&g->random, 4)) {
        append_read(g, out);
        return;
    }
    form = forms[random_below(&g->random, sizeof forms / sizeof forms[0])];
    for (; *form; form++) {
        if (*form == '~')
            append_value(g, out, depth - 1);
        else
            text_append_bytes(out, form, 1);
    }
}

static int64_t start_axes(struct generator *g, bool reduces, bool like_previous) {
    static const char *const names[] = {"a", "b", "c"}, *const reductions[] = {"r", "s", "t"};
    const struct generated_tensor *previous =
        g->stage_count ? &g->tensors[g->stage_count - 1] : NULL;
    int64_t work = 1;
    g->axis_count = previous && like_previous ? previous->rank : (int)between(&g->random, 1, 3);
    g->reduction_count = reduces ? (int)between(&g->random, 1, 3) : 0;
    for (int i = 0; i < g->axis_count; i++) {
        strcpy(g->axes[i], names[i]);
        g->extents[i] = previous && like_previous ? previous->extents[i] : random_extent(g);
        work *= g->extents[i];
    }
    for (int i = g->axis_count; i < g->axis_count + g->reduction_count; i++) {
        strcpy(g->axes[i], reductions[i - g->axis_count]);
        g->extents[i] = between(&g->random, 1, chance(&g->random, 3) ? 17 : 4);
        work *= g->extents[i];
    }
    return work;
}

static void append_stage(struct generator *g) {
    static const struct {
        const char *name, *identity;
    } combiners_tried[] = {{"sum", "0"},    {"sum", "0"},   {"sum", "0"},    {"sum", "0"},
                           {"max", "-inf"}, {"min", "inf"}, {"product", "1"}};
    int combiner, factors;
    struct generated_tensor *tensor = &g->tensors[g->stage_count];
    bool reduces = g->stage_count ? chance(&g->random, 4) : !chance(&g->random, 4);
    bool like_previous = g->stage_count && !chance(&g->random, 4);
    struct text body = {0};
    int64_t terms = 1;
    while (start_axes(g, reduces, like_previous) > MAX_WORK)
        ;
    for (int i = g->axis_count; i < g->axis_count + g->reduction_count; i++)
        terms *= g->extents[i];
    /* Products of many factors would leave the range of f32. */
    combiner = (int)random_below(&g->random, g->stage_count == 0 && terms <= 32 ? 7 : 6);
    g->otherwise = "0";
    if (reduces && chance(&g->random, 2)) { /* a contraction */
        factors = (int)between(&g->random, 1, 3);
        if (factors == 1)
            g->otherwise = combiners_tried[combiner].identity;
        for (int i = 0; i < factors; i++) {
            text_append(&body, i ? " * " : "");
            append_read(g, &body);
        }
    } else {
        append_value(g, &body, (int)between(&g->random, 1, 2));
    }
    sprintf(tensor->name, "t%d", g->stage_count);
    tensor->rank = g->axis_count;
    text_format(&g->stages, "%s[", tensor->name);
    for (int i = 0; i < g->axis_count; i++) {
        tensor->extents[i] = g->extents[i];
        text_format(&g->stages, "%s%s=%d", i ? ", " : "", g->axes[i], (int)g->extents[i]);
    }
    text_append(&g->stages, "] f32 = ");
    if (reduces)
        text_format(&g->stages, "%s(", combiners_tried[combiner].name);
    for (int i = g->axis_count; i < g->axis_count + g->reduction_count; i++)
        text_format(&g->stages, "%s%s=%d", i > g->axis_count ? ", " : "", g->axes[i],
                    (int)g->extents[i]);
    text_format(&g->stages, "%s%s\n", reduces ? ") " : "", text_string(&body));
    g->stage_count++;
    text_free(&body);
}

static void generate(struct generator *g, uint64_t seed, struct text *expression) {
    memset(g, 0, sizeof *g);
    random_seed(&g->random, seed);
    for (int i = (int)between(&g->random, 1, 3); i > 0; i--)
        append_stage(g);
    text_append(expression, text_string(&g->inputs));
    text_append(expression, text_string(&g->stages));
    text_free(&g->inputs);
    text_free(&g->stages);
    text_free(&g->conditions);
}

#endif
