/* From a point to the steps of a schedule. */
#include "schedules/space_private.h"

#include <stdio.h>
#include <string.h>

enum {
    LOOP_NAME = 2 * MAX_NAME,
};

struct steps {
    const struct space *space;
    const struct group *group;
    const struct group_choice *choice;
    struct schedule *schedule;
    struct error *error;
    int count;
    char names[MAX_LOOPS][LOOP_NAME + 8]; /* of a reorder being put together */
};

static void add_name(struct steps *s, const char *name, const char *suffix) {
    if (s->count < MAX_LOOPS)
        snprintf(s->names[s->count++], sizeof s->names[0], "%s%s", name, suffix);
}

static dlt_status reorder(struct steps *s, const char *stage) {
    const char *names[MAX_LOOPS];
    for (int i = 0; i < s->count; i++)
        names[i] = s->names[i];
    return s->count > 1 ? schedule_reorder(s->schedule, stage, s->count, names, s->error) : DLT_OK;
}

/* The axes outside in: those of one value first, then in the chosen order. */
static int axis_order(const struct steps *s, int order[MAX_RANK]) {
    int count = 0;
    for (int i = 0; i < s->group->axis_count; i++)
        if (s->group->axes[i].extent == 1)
            order[count++] = i;
    for (int i = 0; i < s->choice->order_count; i++)
        order[count++] = s->choice->order[i];
    return count;
}

/* The axes of the tile: the vector axis last. */
static int tile_order(const struct steps *s, int order[MAX_RANK]) {
    int count = 0;
    for (int i = 0; i < s->group->axis_count; i++)
        if (i != s->choice->vector)
            order[count++] = i;
    if (s->choice->vector >= 0)
        order[count++] = s->choice->vector;
    return count;
}

int space_packed_axis(const struct group *group, const struct group_read *read,
                      const struct group_choice *choice) {
    int best = -1;
    for (int i = 0; i < read->tensor->rank; i++) {
        int axis = read->axis_of[i];
        if (axis < 0 || group->axes[axis].extent == 1)
            continue;
        if (axis == choice->vector && choice->tile[axis] > 1) /* one element is no block */
            return i;
        if (choice->tile[axis] > (best < 0 ? 1 : choice->tile[read->axis_of[best]]))
            best = i;
    }
    return best;
}

/* A packed tensor: blocks of a tile outermost, then the other axes, reductions in the order of
 * their loops, the tile's elements next to each other. */
static void packed_layout(const struct steps *s, const struct group_read *read, int packed,
                          struct text *layout) {
    const struct tensor *tensor = read->tensor;
    long long tile = s->choice->tile[read->axis_of[packed]];
    text_format(layout, "%s/%lld", tensor->axes[packed]->name, tile);
    for (int i = 0; i < tensor->rank; i++)
        if (i != packed && read->reduction_of[i] < 0)
            text_format(layout, " %s", tensor->axes[i]->name);
    for (int j = 0; j < s->group->reduction_count; j++)
        for (int i = 0; i < tensor->rank; i++)
            if (i != packed && read->reduction_of[i] == s->choice->reduction_order[j])
                text_format(layout, " %s", tensor->axes[i]->name);
    text_format(layout, " %s%%%lld", tensor->axes[packed]->name, tile);
}

/* The copying stage itself: lanes along the packed axis. */
static dlt_status pack_nest(struct steps *s, const struct group_read *read, int packed) {
    const struct tensor *tensor = read->tensor;
    const char *axis = tensor->axes[packed]->name;
    char stage[LOOP_NAME], outer[LOOP_NAME], inner[LOOP_NAME];
    bool at_root;
    snprintf(stage, sizeof stage, "%s.packed", tensor->name);
    snprintf(outer, sizeof outer, "%s.o", axis);
    snprintf(inner, sizeof inner, "%s.i", axis);
    at_root = schedule_find(s->schedule, stage)->attach == ATTACH_ROOT;
    TRY(schedule_split(s->schedule, stage, axis, s->choice->tile[read->axis_of[packed]], TAIL_GUARD,
                       s->error));
    s->count = 0;
    add_name(s, outer, "");
    for (int i = 0; i < tensor->rank; i++)
        if (i != packed)
            add_name(s, tensor->axes[i]->name, "");
    add_name(s, inner, "");
    TRY(reorder(s, stage));
    TRY(schedule_vectorize(s->schedule, stage, inner, s->error));
    if (s->choice->threads > 1 && at_root && !read->is_parameter)
        TRY(schedule_parallel(s->schedule, stage, s->names[0], s->error));
    return schedule_tile(s->schedule, stage, s->count > 1 ? s->names[s->count - 2] : NULL,
                         s->error);
}

static dlt_status pack_reads(struct steps *s) {
    for (int i = 0; i < s->group->read_count; i++) {
        const struct group_read *read = &s->group->reads[i];
        int packed = s->choice->pack[i] ? space_packed_axis(s->group, read, s->choice) : -1;
        struct text layout = {0};
        dlt_status status;
        if (packed < 0)
            continue;
        packed_layout(s, read, packed, &layout);
        status = schedule_pack(s->schedule, read->tensor->name, text_string(&layout), s->error);
        text_free(&layout);
        TRY(status);
    }
    return DLT_OK;
}

/* The innermost block loop that a copied tensor depends on: there one block of it is copied, for
 * all the loops inside. False if it depends on none: then it is copied whole. */
static bool block_loop(const struct steps *s, const struct group_read *read, char *loop) {
    int order[MAX_RANK], count = axis_order(s, order);
    bool found = false;
    for (int i = 0; i < count; i++)
        if (s->choice->block[order[i]] && read->strides[order[i]] != 0) {
            snprintf(loop, LOOP_NAME, "%s.o.o", s->group->axes[order[i]].name);
            found = true;
        }
    for (int i = 0; i < s->group->reduction_count; i++)
        if (s->choice->split[i] && read->reduction_strides[i] != 0) {
            snprintf(loop, LOOP_NAME, "%s.o", s->group->reductions[i].name);
            found = true;
        }
    return found;
}

/* Puts the copies where they belong and gives them their loops. */
static dlt_status place_packed(struct steps *s) {
    for (int i = 0; i < s->group->read_count; i++) {
        const struct group_read *read = &s->group->reads[i];
        int packed = s->choice->pack[i] ? space_packed_axis(s->group, read, s->choice) : -1;
        char loop[LOOP_NAME], stage[LOOP_NAME];
        if (packed < 0)
            continue;
        snprintf(stage, sizeof stage, "%s.packed", read->tensor->name);
        if (!read->is_parameter && s->choice->threads == 1 && block_loop(s, read, loop))
            TRY(schedule_attach(s->schedule, stage, s->group->outer->name, loop, s->error));
        TRY(pack_nest(s, read, packed));
    }
    return DLT_OK;
}

static dlt_status split_axes(struct steps *s) {
    const char *stage = s->group->outer->name;
    for (int i = 0; i < s->group->axis_count; i++) {
        const char *axis = s->group->axes[i].name;
        char outer[LOOP_NAME];
        TRY(schedule_split(s->schedule, stage, axis, s->choice->tile[i], TAIL_GUARD, s->error));
        snprintf(outer, sizeof outer, "%s.o", axis);
        if (s->choice->block[i])
            TRY(schedule_split(s->schedule, stage, outer, s->choice->block[i], TAIL_GUARD,
                               s->error));
    }
    return DLT_OK;
}

/* Splits the reductions of a stage for cache blocks and for writing out. */
static dlt_status split_reductions(struct steps *s, const char *stage) {
    for (int i = 0; i < s->group->reduction_count; i++) {
        char loop[LOOP_NAME];
        snprintf(loop, sizeof loop, "%s", s->group->reductions[i].name);
        if (s->choice->split[i]) {
            TRY(schedule_split(s->schedule, stage, loop, s->choice->split[i], TAIL_GUARD,
                               s->error));
            strcat(loop, ".i");
        }
        if (i == s->choice->vector_reduction)
            TRY(schedule_split(s->schedule, stage, loop, s->choice->lane_trips, TAIL_GUARD,
                               s->error));
        if (s->choice->unroll[i] > 1 && s->choice->unroll[i] < s->group->reductions[i].extent)
            TRY(schedule_split(s->schedule, stage, loop, s->choice->unroll[i], TAIL_GUARD,
                               s->error));
    }
    return DLT_OK;
}

/* Names of the reduction loops within the tile: the counted ones, then those written out. */
static void add_reductions(struct steps *s, bool written_out) {
    for (int j = 0; j < s->group->reduction_count; j++) {
        int i = s->choice->reduction_order[j];
        const struct group_reduction *reduction = &s->group->reductions[i];
        int64_t unroll = s->choice->unroll[i];
        bool whole = unroll > 1 && unroll >= reduction->extent && !s->choice->split[i];
        bool part = unroll > 1 && !whole;
        char name[LOOP_NAME];
        if (i == s->choice->vector_reduction) {
            if (!written_out)
                add_name(s, reduction->name, ".o");
            continue;
        }
        snprintf(name, sizeof name, "%s%s", reduction->name, s->choice->split[i] ? ".i" : "");
        if (written_out ? whole : !whole && !part)
            add_name(s, name, "");
        else if (part)
            add_name(s, name, written_out ? ".i" : ".o");
    }
}

/* With several threads one loop over an axis stands outside the blocks of reductions: only such a
 * loop's trips can go to threads. */
static void add_outer_loops(struct steps *s) {
    int order[MAX_RANK], count = axis_order(s, order), first = 0;
    for (int i = 0; i < count; i++)
        if (s->choice->block[order[i]])
            add_name(s, s->group->axes[order[i]].name, ".o.o");
    while (s->choice->threads > 1 && first < count && first < 1 + count - s->choice->order_count) {
        add_name(s, s->group->axes[order[first]].name,
                 s->choice->block[order[first]] ? ".o.i" : ".o");
        first++;
    }
    for (int i = 0; i < s->group->reduction_count; i++)
        if (s->choice->split[i])
            add_name(s, s->group->reductions[i].name, ".o");
    for (int i = first; i < count; i++)
        add_name(s, s->group->axes[order[i]].name, s->choice->block[order[i]] ? ".o.i" : ".o");
}

/* Marks the loops of the tile from name number `first` on: the last `axes` of them are its axes. */
static dlt_status mark_tile(struct steps *s, const char *stage, int first_unrolled,
                            const char *vector) {
    for (int i = first_unrolled; i < s->count; i++) {
        if (vector && strcmp(s->names[i], vector) == 0)
            TRY(schedule_vectorize(s->schedule, stage, s->names[i], s->error));
        else
            TRY(schedule_unroll(s->schedule, stage, s->names[i], s->error));
    }
    return DLT_OK;
}

/* The loops of one stage inside the tile: reductions if it has them, accumulators if `part` is
 * their loop, then the axes with `suffix`. */
static dlt_status tile_loops(struct steps *s, const char *stage, bool reductions, const char *part,
                             const struct tensor *tensor, const char *suffix) {
    int order[MAX_RANK], count = tile_order(s, order), first_unrolled;
    char vector[LOOP_NAME] = "";
    if (reductions)
        add_reductions(s, false);
    first_unrolled = s->count;
    if (reductions)
        add_reductions(s, true);
    if (part)
        add_name(s, part, "");
    for (int i = 0; i < count; i++)
        add_name(s, tensor->axes[order[i]]->name, suffix);
    if (s->choice->vector >= 0)
        snprintf(vector, sizeof vector, "%s%s", tensor->axes[s->choice->vector]->name, suffix);
    if (reductions && s->choice->vector_reduction >= 0) {
        add_name(s, s->group->reductions[s->choice->vector_reduction].name, ".i");
        snprintf(vector, sizeof vector, "%s", s->names[s->count - 1]);
    }
    TRY(reorder(s, stage));
    return mark_tile(s, stage, first_unrolled, vector);
}

/* Merges the outermost loops into one long enough for all threads and gives its trips to them.
 * `outer_count` loops stand around the tile. */
static dlt_status parallel_loops(struct steps *s, int *outer_count) {
    const struct stage *stage = schedule_find(s->schedule, s->group->outer->name);
    int threads = s->choice->threads;
    if (threads == 1 || *outer_count == 0 || stage->loops[0].is_reduction)
        return DLT_OK;
    while (*outer_count > 1 && !space_enough_trips(stage->loops[0].variable->extent, threads) &&
           !stage->loops[1].is_reduction) {
        TRY(schedule_fuse(s->schedule, stage->name, stage->loops[0].variable->name,
                          stage->loops[1].variable->name, s->error));
        --*outer_count;
    }
    if (stage->loops[0].variable->extent == 1)
        return DLT_OK;
    return schedule_parallel(s->schedule, stage->name, stage->loops[0].variable->name, s->error);
}

/* The innermost loop around the tile's code; "" if all of them are part of it. */
static void name_tile_loop(const struct steps *s, int outer_count, char *tile_loop) {
    const struct stage *stage = schedule_find(s->schedule, s->group->outer->name);
    int outside = outer_count - s->choice->inner_loops, least = s->choice->threads > 1;
    outside = outside < least ? least : outside;
    tile_loop[0] = 0;
    if (outside > 0 && outer_count > 0)
        snprintf(tile_loop, LOOP_NAME + 8, "%s", stage->loops[outside - 1].variable->name);
}

/* The stage whose elements are the accumulators, and how its reductions are named and chosen. */
struct accumulating {
    char stage[LOOP_NAME], part[LOOP_NAME], rest[LOOP_NAME];
    struct group group;
    struct group_choice choice;
};

static void name_pieces(const char *loop, struct accumulating *a) {
    snprintf(a->part, sizeof a->part, "%s.i", loop);
    snprintf(a->rest, sizeof a->rest, "%s.o", loop);
}

static dlt_status factor_accumulators(struct steps *s, struct accumulating *a) {
    const char *compute = s->group->compute->name, *loops[1] = {a->part};
    int r = s->choice->longest;
    int64_t count = s->choice->accumulators;
    name_pieces(s->group->reductions[r].name, a);
    snprintf(a->stage, sizeof a->stage, "%s.partial", compute);
    TRY(schedule_split(s->schedule, compute, s->group->reductions[r].name, count, TAIL_GUARD,
                       s->error));
    TRY(schedule_rfactor(s->schedule, compute, 1, loops, s->error));
    a->group = *s->group;
    a->group.reductions[r].name = a->rest;
    a->group.reductions[r].extent = (s->group->reductions[r].extent + count - 1) / count;
    a->choice = *s->choice;
    a->choice.unroll[r] = s->choice->unroll[r] > count ? s->choice->unroll[r] / count : 1;
    return DLT_OK;
}

static dlt_status accumulate(const struct steps *s, const struct accumulating *a,
                             const char *tile_loop) {
    struct steps inner = *s;
    inner.group = &a->group;
    inner.choice = &a->choice;
    inner.count = 0;
    TRY(schedule_attach(s->schedule, a->stage, s->group->outer->name, tile_loop, s->error));
    TRY(split_reductions(&inner, a->stage));
    return tile_loops(&inner, a->stage, true, a->part, s->group->compute, "");
}

/* The reduction, attached inside of the tile of what reads it. */
static dlt_status attach_compute(struct steps *s, const char *part, const char *tile_loop) {
    const char *compute = s->group->compute->name;
    TRY(schedule_attach(s->schedule, compute, s->group->outer->name, tile_loop, s->error));
    if (!part)
        TRY(split_reductions(s, compute));
    s->count = 0;
    return tile_loops(s, compute, !part, part, s->group->compute, "");
}

static dlt_status nest_steps(struct steps *s) {
    const char *outer = s->group->outer->name, *part = NULL;
    bool fused = s->group->fused;
    struct accumulating accumulators;
    char tile_loop[LOOP_NAME + 8];
    int outer_count;
    if (s->choice->accumulators > 1) {
        TRY(factor_accumulators(s, &accumulators));
        part = accumulators.part;
    }
    TRY(split_axes(s));
    s->count = 0;
    if (!fused && !part)
        TRY(split_reductions(s, outer));
    add_outer_loops(s);
    outer_count = s->count;
    TRY(tile_loops(s, outer, !fused && !part, fused ? NULL : part, s->group->outer, ".i"));
    TRY(parallel_loops(s, &outer_count));
    name_tile_loop(s, outer_count, tile_loop);
    if (fused)
        TRY(attach_compute(s, part, tile_loop));
    if (part)
        TRY(accumulate(s, &accumulators, tile_loop));
    TRY(place_packed(s));
    TRY(schedule_tile(s->schedule, outer, tile_loop[0] ? tile_loop : NULL, s->error));
    return s->choice->prefetch ? schedule_prefetch(s->schedule, outer, s->error) : DLT_OK;
}

/* The results of parts lie as the result does, a part after the other. */
static dlt_status partial_layout(const struct steps *s, const char *stage, const char *part) {
    const struct tensor *outer = s->group->outer, *compute = s->group->compute;
    struct text layout = {0};
    const char *names[MAX_RANK];
    int64_t extents[MAX_RANK];
    dlt_status status;
    for (int i = 0; i < compute->rank; i++) {
        names[i] = compute->axes[i]->name;
        extents[i] = compute->axes[i]->extent;
    }
    text_format(&layout, "%s ", part);
    layout_print(&layout, &outer->layout, names, extents);
    status = schedule_layout(s->schedule, stage, text_string(&layout), s->error);
    text_free(&layout);
    return status;
}

/* A reduction in parts: the nest that makes partial results, and the one that combines them. */
static dlt_status part_steps(struct steps *s) {
    const char *compute = s->group->compute->name;
    int r = s->choice->longest;
    struct accumulating names;
    struct space_nest nest;
    struct steps next = *s;
    const char *loops[1] = {names.rest};
    const struct tensor *partial;
    name_pieces(s->group->reductions[r].name, &names);
    snprintf(names.stage, sizeof names.stage, "%s.partial", compute);
    space_divide(s->space, s->group, s->choice, &nest);
    TRY(schedule_split(s->schedule, compute, s->group->reductions[r].name,
                       nest.group->reductions[r].extent, TAIL_GUARD, s->error));
    TRY(schedule_rfactor(s->schedule, compute, 1, loops, s->error));
    TRY(partial_layout(s, names.stage, names.rest));
    partial = schedule_find(s->schedule, names.stage)->tensor;
    nest.partial.outer = nest.partial.compute = partial;
    nest.partial.reductions[r].name = names.part;
    for (int i = 0; i < partial->rank; i++)
        nest.partial.axes[i].name = partial->axes[i]->name;
    next.group = nest.group;
    next.choice = &nest.choice;
    TRY(nest_steps(&next));
    space_combine(s->space, s->group, s->choice, &nest);
    nest.partial.reductions[0].name = names.rest;
    next = *s;
    next.group = nest.group;
    next.choice = &nest.choice;
    return nest_steps(&next);
}

static dlt_status group_steps(struct steps *s) {
    TRY(pack_reads(s));
    return s->choice->parts > 1 ? part_steps(s) : nest_steps(s);
}

/* The nests from `first` to one before `end`. */
static dlt_status schedule_nests(const struct space *space, const int *point, int first, int end,
                                 struct schedule *schedule, struct error *error) {
    const struct space_rules *rules = space->rules;
    for (int i = 0; i < rules->structure.inlined_count; i++)
        TRY(schedule_attach_inline(schedule, rules->structure.inlined[i]->name, error));
    TRY(space_pad(space, point, schedule, error));
    for (int i = first; i < end; i++) {
        struct group_choice choice;
        struct steps s = {.space = space,
                          .group = &rules->structure.groups[i],
                          .choice = &choice,
                          .schedule = schedule,
                          .error = error};
        space_choose(space, i, point, &choice);
        TRY(group_steps(&s));
    }
    return DLT_OK;
}

dlt_status space_schedule(const struct space *space, const int *point, struct schedule *schedule,
                          struct error *error) {
    return schedule_nests(space, point, 0, space_nest_count(space), schedule, error);
}

dlt_status space_schedule_nest(const struct space *space, const int *point, int nest,
                               struct schedule *schedule, struct error *error) {
    return schedule_nests(space, point, nest, nest + 1, schedule, error);
}
