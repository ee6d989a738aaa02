/* From a point to the steps of a schedule, and the constraints that a point must meet. */
#include "schedules/space_private.h"

#include <stdio.h>
#include <string.h>

enum {
    LOOP_NAME = 2 * MAX_NAME,
    TRIPS_A_THREAD = 8, /* of a parallel loop, where there are so many: evens out what threads do */
};

static int64_t number_of(const struct space *space, const int *point, int knob, int64_t otherwise) {
    return knob == NO_KNOB ? otherwise : space->knobs[knob].values[point[knob]];
}

void space_choose(const struct space *space, int index, const int *point,
                  struct group_choice *choice) {
    const struct space_rules *rules = space->rules;
    const struct group *group = &rules->structure.groups[index];
    const struct group_knobs *knobs = &rules->knobs[index];
    space_choose_vector(knobs->vector_axes[number_of(space, point, knobs->vector, 0)], choice);
    for (int i = 0; i < group->axis_count; i++) {
        choice->tile[i] =
            i == choice->vector
                ? space_vector_tile(space, group, i, number_of(space, point, knobs->vectors, 1))
                : number_of(space, point, knobs->tile[i], 1);
        choice->block[i] = number_of(space, point, knobs->block[i], 0);
    }
    for (int i = 0; i < group->reduction_count; i++) {
        choice->unroll[i] = number_of(space, point, knobs->unroll[i], 1);
        choice->split[i] = number_of(space, point, knobs->split[i], 0);
    }
    if (choice->vector_reduction >= 0) {
        int r = choice->vector_reduction;
        choice->lane_trips =
            space_lane_trips(space, group, r, number_of(space, point, knobs->vectors, 1));
        choice->unroll[r] = 1;
        choice->split[r] = 0;
    }
    choice->reduction_order =
        knobs->reduction_permutations[number_of(space, point, knobs->reduction_order, 0)];
    choice->order = knobs->order_permutations[number_of(space, point, knobs->order, 0)];
    choice->order_count = knobs->order_count;
    choice->inner_loops = space_inner_loops(space, group);
    for (int i = 0; i < group->reduction_count && choice->inner_loops; i++)
        choice->inner_loops += choice->split[i] == 1;
    for (int i = 0; i < group->read_count; i++)
        choice->pack[i] = number_of(space, point, knobs->pack[i], PACK_NO) == PACK_YES;
}

void space_canonicalise(const struct space *space, int *point) {
    const struct space_rules *rules = space->rules;
    for (int i = 0; i < rules->structure.group_count; i++) {
        const struct group *group = &rules->structure.groups[i];
        const struct group_knobs *knobs = &rules->knobs[i];
        const struct knob *vectors = &space->knobs[knobs->vectors];
        int axis = knobs->vector_axes[number_of(space, point, knobs->vector, 0)];
        if (axis >= FIRST_REDUCTION) {
            int r = axis - FIRST_REDUCTION;
            point[knobs->unroll[r]] = 0;
            if (knobs->split[r] != NO_KNOB)
                point[knobs->split[r]] = 0;
            continue;
        }
        if (axis >= 0 && knobs->tile[axis] != NO_KNOB)
            point[knobs->tile[axis]] = 0;
        for (int j = 0; j < vectors->choice_count; j++) { /* the fewest vectors of the same tile */
            int64_t chosen = vectors->values[point[knobs->vectors]];
            if (vectors->values[j] < chosen &&
                (axis < 0 || space_vector_tile(space, group, axis, vectors->values[j]) ==
                                 space_vector_tile(space, group, axis, chosen)))
                point[knobs->vectors] = j;
        }
    }
}

/* Constraints. */

/* Lanes along the vector axis must be next to each other in everything that is read. */
static bool gathers(const struct group *group, const struct group_choice *choice) {
    for (int i = 0; choice->vector >= 0 && i < group->read_count; i++) {
        int64_t stride = group->reads[i].strides[choice->vector];
        if (stride != 0 && stride != 1 && !choice->pack[i] &&
            space_can_pack(group, &group->reads[i], choice->vector))
            return true;
    }
    return false;
}

static dlt_status check_group(const struct space *space, int index,
                              const struct group_choice *choice, struct error *error) {
    const struct space_rules *rules = space->rules;
    const struct group *group = &rules->structure.groups[index];
    double cycles;
    struct tile_bound bound;
    space_bound_tile(space, group, choice, &bound);
    TRY(space_check_bound(space, &bound, error));
    if (gathers(group, choice))
        return error_set(error, DLT_ERROR_REFUSED,
                         "packing: without it the vector axis is read by gathers");
    for (int i = 0; i < group->reduction_count; i++)
        if (choice->split[i] % (choice->unroll[i] ? choice->unroll[i] : 1))
            return error_set(error, DLT_ERROR_REFUSED,
                             "split.%s: %lld is not a multiple of unroll.%s = %lld",
                             group->reductions[i].name, (long long)choice->split[i],
                             group->reductions[i].name, (long long)choice->unroll[i]);
    for (int i = 0; i < group->axis_count; i++)
        if (choice->block[i] &&
            choice->block[i] * choice->tile[i] * 2 > group->axes[i].extent + choice->tile[i])
            return error_set(error, DLT_ERROR_REFUSED,
                             "block.%s: %lld tiles of %lld leave fewer than two blocks of %lld",
                             group->axes[i].name, (long long)choice->block[i],
                             (long long)choice->tile[i], (long long)group->axes[i].extent);
    for (int i = 0; i < group->read_count; i++) {
        const struct group_read *read = &group->reads[i];
        int packed =
            choice->pack[i] && !read->is_parameter ? space_packed_axis(group, read, choice) : -1;
        if (packed >= 0 && read->strides[read->axis_of[packed]] != 1)
            return error_set(error, DLT_ERROR_REFUSED,
                             "pack.%s: its neighbours along %s are apart, copying would gather",
                             read->tensor->name, group->axes[read->axis_of[packed]].name);
    }
    cycles = space_estimate(space, group, choice, &bound);
    if (cycles > SPACE_HOPELESS * rules->least_cycles[index])
        return error_set(error, DLT_ERROR_REFUSED,
                         "tile: the model says %.3g cycles where the default takes %.3g", cycles,
                         rules->least_cycles[index]);
    return DLT_OK;
}

dlt_status space_check(const struct space *space, const int *point, struct error *error) {
    const struct space_rules *rules = space->rules;
    for (int i = 0; i < rules->structure.group_count; i++) {
        struct group_choice choice;
        space_choose(space, i, point, &choice);
        TRY(check_group(space, i, &choice, error));
    }
    return DLT_OK;
}

double space_tile_cycles(const struct space *space, const int *point) {
    const struct space_rules *rules = space->rules;
    double cycles = 0;
    for (int i = 0; i < rules->structure.group_count; i++) {
        const struct group *group = &rules->structure.groups[i];
        struct group_choice choice;
        struct tile_bound bound;
        space_choose(space, i, point, &choice);
        space_bound_tile(space, group, &choice, &bound);
        cycles += space_estimate(space, group, &choice, &bound);
    }
    return cycles;
}

/* Steps. */

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
    if (s->space->threads > 1 && at_root && !read->is_parameter)
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
        if (!read->is_parameter && s->space->threads == 1 && block_loop(s, read, loop))
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

/* Splits the reductions of the compute stage for cache blocks and for writing out. */
static dlt_status split_reductions(struct steps *s) {
    const char *stage = s->group->compute->name;
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
    while (s->space->threads > 1 && first < count && first < 1 + count - s->choice->order_count) {
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

/* The loops of one stage inside the tile: reductions if it has them, then the axes with `suffix`.
 */
static dlt_status tile_loops(struct steps *s, const char *stage, bool reductions,
                             const struct tensor *tensor, const char *suffix) {
    int order[MAX_RANK], count = tile_order(s, order), first_unrolled;
    char vector[LOOP_NAME] = "";
    if (reductions)
        add_reductions(s, false);
    first_unrolled = s->count;
    if (reductions)
        add_reductions(s, true);
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
    int64_t enough = (int64_t)s->space->threads * TRIPS_A_THREAD;
    if (s->space->threads == 1 || *outer_count == 0 || stage->loops[0].is_reduction)
        return DLT_OK;
    while (*outer_count > 1 && stage->loops[0].variable->extent < enough &&
           !stage->loops[1].is_reduction) {
        TRY(schedule_fuse(s->schedule, stage->name, stage->loops[0].variable->name,
                          stage->loops[1].variable->name, s->error));
        --*outer_count;
    }
    return schedule_parallel(s->schedule, stage->name, stage->loops[0].variable->name, s->error);
}

/* The innermost loop around the tile's code; "" if all of them are part of it. */
static void name_tile_loop(const struct steps *s, int outer_count, char *tile_loop) {
    const struct stage *stage = schedule_find(s->schedule, s->group->outer->name);
    int outside = outer_count - s->choice->inner_loops, least = s->space->threads > 1;
    outside = outside < least ? least : outside;
    tile_loop[0] = 0;
    if (outside > 0 && outer_count > 0)
        snprintf(tile_loop, LOOP_NAME + 8, "%s", stage->loops[outside - 1].variable->name);
}

static dlt_status group_steps(struct steps *s) {
    const char *outer = s->group->outer->name, *compute = s->group->compute->name;
    char tile_loop[LOOP_NAME + 8];
    int outer_count;
    TRY(pack_reads(s));
    TRY(split_axes(s));
    s->count = 0;
    if (!s->group->fused)
        TRY(split_reductions(s));
    add_outer_loops(s);
    outer_count = s->count;
    TRY(tile_loops(s, outer, !s->group->fused, s->group->outer, ".i"));
    TRY(parallel_loops(s, &outer_count));
    name_tile_loop(s, outer_count, tile_loop);
    if (s->group->fused) {
        TRY(schedule_attach(s->schedule, compute, outer, tile_loop, s->error));
        TRY(split_reductions(s));
        s->count = 0;
        TRY(tile_loops(s, compute, true, s->group->compute, ""));
    }
    TRY(place_packed(s));
    return schedule_tile(s->schedule, outer, tile_loop[0] ? tile_loop : NULL, s->error);
}

dlt_status space_schedule(const struct space *space, const int *point, struct schedule *schedule,
                          struct error *error) {
    const struct space_rules *rules = space->rules;
    for (int i = 0; i < rules->structure.inlined_count; i++)
        TRY(schedule_attach_inline(schedule, rules->structure.inlined[i]->name, error));
    for (int i = 0; i < rules->structure.group_count; i++) {
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
