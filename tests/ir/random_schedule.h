/* Random schedules that are more than shuffled steps: loops split, ordered, then a tile whose inner
 * loops are written out and vectorised, with stages attached in and around it. Steps that are
 * refused are left out. */
#ifndef TESTS_IR_RANDOM_SCHEDULE_H
#define TESTS_IR_RANDOM_SCHEDULE_H

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/random.h"
#include "schedules/steps.h"

/* One in `of`. */
static bool chance(struct random *random, uint64_t of) {
    return random_below(random, of) == 0;
}

static int64_t between(struct random *random, int64_t lowest, int64_t highest) {
    return lowest + (int64_t)random_below(random, (uint64_t)(highest - lowest + 1));
}

__attribute__((format(printf, 2, 3))) static bool step(struct schedule *schedule,
                                                       const char *format, ...) {
    char line[1024];
    struct error error;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    return schedule_apply(schedule, line, &error) == DLT_OK;
}

static void split_loops(struct schedule *schedule, struct stage *stage, struct random *random) {
    static const int factors[] = {2, 3, 4, 5, 7, 8, 13, 16, 17, 32};
    static const char *const tails[] = {"", " guard", " guard", " shift", " round"};
    const char *names[MAX_LOOPS];
    int count = stage->loop_count;
    for (int i = 0; i < count; i++)
        names[i] = stage->loops[i].variable->name;
    for (int i = 0; i < count; i++) {
        if (chance(random, 3))
            continue;
        step(schedule, "split %s %s %d%s", stage->name, names[i], factors[random_below(random, 10)],
             tails[random_below(random, 5)]);
        if (chance(random, 5))
            step(schedule, "split %s %s.o %d", stage->name, names[i], (int)between(random, 2, 3));
    }
}

static void reorder_loops(struct schedule *schedule, const struct stage *stage,
                          struct random *random) {
    const char *names[MAX_LOOPS];
    int count = stage->loop_count;
    char line[2048];
    int used = snprintf(line, sizeof line, "reorder %s", stage->name);
    if (count < 2)
        return;
    for (int i = 0; i < count; i++)
        names[i] = stage->loops[i].variable->name;
    for (int i = count - 1; i > 0; i--) {
        int j = (int)random_below(random, (uint64_t)i + 1);
        const char *name = names[i];
        names[i] = names[j];
        names[j] = name;
    }
    /* Inner pieces mostly go inside. */
    for (int pass = 0; pass < 2 && !chance(random, 4); pass++)
        for (int i = 1; i < count; i++)
            for (int j = i; j > 0; j--) {
                bool inner = strstr(names[j], ".i") != NULL;
                if (!inner && strstr(names[j - 1], ".i") && !chance(random, 8)) {
                    const char *name = names[j];
                    names[j] = names[j - 1];
                    names[j - 1] = name;
                }
            }
    for (int i = 0; i < count; i++)
        used += snprintf(line + used, sizeof line - (size_t)used, " %s", names[i]);
    step(schedule, "%s", line);
}

/* A tile around the innermost loops, each of them serial, written out or vectorised. */
static void make_tile(struct schedule *schedule, struct stage *stage, struct random *random) {
    int depth = (int)between(random, 1, 5), count = stage->loop_count;
    int first = count - depth < 0 ? 0 : count - depth;
    int vectorised = -1;
    int64_t written_out = 1, most = INT64_C(1) << between(random, 1, 6);
    if (first == 0 || chance(random, 12)) {
        step(schedule, "tile %s root", stage->name);
        first = 0;
    } else if (!step(schedule, "tile %s %s", stage->name, stage->loops[first - 1].variable->name)) {
        return;
    }
    if (chance(random, 3))
        step(schedule, "prefetch %s", stage->name);
    if (!chance(random, 6))
        for (int i = count - 1; i >= first && vectorised < 0; i--)
            if (!chance(random, stage->loops[i].is_reduction ? 2 : 4) &&
                (!stage->loops[i].is_reduction || chance(random, 2)))
                vectorised = i;
    for (int i = count - 1; i >= first; i--) {
        const struct variable *loop = stage->loops[i].variable;
        if (i == vectorised && step(schedule, "vectorize %s %s", stage->name, loop->name))
            written_out *= (loop->extent + 15) / 16;
        else if (written_out * loop->extent <= most && !chance(random, 4) &&
                 step(schedule, "unroll %s %s", stage->name, loop->name))
            written_out *= loop->extent;
    }
}

/* Marks loops of a stage that is attached inside a tile. */
static void mark_loops(struct schedule *schedule, struct stage *stage, struct random *random) {
    bool vectorised = false;
    for (int i = stage->loop_count - 1; i >= 0; i--) {
        const char *loop = stage->loops[i].variable->name;
        if (!vectorised && !chance(random, stage->loops[i].is_reduction ? 2 : 4))
            vectorised = step(schedule, "vectorize %s %s", stage->name, loop);
        else if (!chance(random, 4))
            step(schedule, "unroll %s %s", stage->name, loop);
    }
}

static void schedule_stage(struct schedule *schedule, struct stage *stage, struct random *random) {
    split_loops(schedule, stage, random);
    if (!chance(random, 3))
        reorder_loops(schedule, stage, random);
    if (!chance(random, 8))
        make_tile(schedule, stage, random);
    if (chance(random, 3) && stage->loop_count)
        step(schedule, "parallel %s %s", stage->name, stage->loops[0].variable->name);
}

static void pack_inputs(struct schedule *schedule, struct random *random) {
    const struct expression *expression = schedule->expression;
    for (int i = 0; i < expression->tensor_count; i++) {
        const struct tensor *tensor = expression->tensors[i];
        char layout[512];
        int used = 0, block = chance(random, 2) ? 16 : (int)between(random, 2, 9), last;
        if (tensor->kind == TENSOR_COMPUTED || tensor->rank == 0 ||
            !chance(random, tensor->kind == TENSOR_PARAMETER ? 2 : 5))
            continue;
        last = (int)random_below(random, (uint64_t)tensor->rank);
        for (int j = 0; j < tensor->rank; j++)
            used +=
                sprintf(layout + used, j == last ? "%s/%d " : "%s ", tensor->axes[j]->name, block);
        sprintf(layout + used, "%s%%%d", tensor->axes[last]->name, block);
        step(schedule, "pack %s %s", tensor->name, layout);
    }
}

/* Partial results of some reductions, over whole loops and pieces of them. */
static void factor_reductions(struct schedule *schedule, struct random *random) {
    for (int i = schedule->stage_count - 1; i >= 0; i--) {
        const struct stage *stage = schedule->stages[i];
        const char *loop = NULL;
        if (!stage->tensor->combiner || !chance(random, 3))
            continue;
        for (int j = 0; j < stage->loop_count; j++)
            if (stage->loops[j].is_reduction && (!loop || chance(random, 2)))
                loop = stage->loops[j].variable->name;
        if (loop && step(schedule, "split %s %s %d", stage->name, loop, (int)between(random, 2, 9)))
            step(schedule, "rfactor %s %s.%c", stage->name, loop, chance(random, 2) ? 'o' : 'i');
    }
}

/* Rows of what schedules allocate, a few lines further apart. */
static void pad_stages(struct schedule *schedule, struct random *random) {
    for (int i = 0; i < schedule->stage_count; i++) {
        const struct stage *stage = schedule->stages[i];
        if (stage->layout.dimension_count && chance(random, 3)) {
            int dimension = (int)between(random, 0, stage->layout.dimension_count - 1);
            step(schedule, "pad %s %s %d", stage->name,
                 layout_piece_name(schedule->arena, &stage->layout, stage->tensor, dimension),
                 (int)between(random, 1, 3));
        }
    }
}

__attribute__((unused)) static void random_schedule(struct schedule *schedule,
                                                    struct random *random) {
    pack_inputs(schedule, random);
    factor_reductions(schedule, random);
    for (int i = schedule->stage_count - 1; i >= 0; i--) {
        struct stage *stage = schedule->stages[i];
        const char *name = stage->name;
        bool is_result = i == schedule->stage_count - 1;
        if (!is_result && chance(random, 3) && step(schedule, "attach %s inline", name))
            continue;
        if (!is_result && chance(random, 2)) {
            const struct stage *consumer =
                schedule->stages[between(random, i + 1, schedule->stage_count - 1)];
            if (consumer->loop_count &&
                step(schedule, "attach %s %s %s", name, consumer->name,
                     consumer->loops[random_below(random, (uint64_t)consumer->loop_count)]
                         .variable->name)) {
                if (chance(random, 2)) {
                    mark_loops(schedule, stage, random);
                    continue;
                }
            }
        }
        schedule_stage(schedule, stage, random);
        mark_loops(schedule, stage, random);
    }
    if (chance(random, 2))
        pad_stages(schedule, random);
}

#endif
