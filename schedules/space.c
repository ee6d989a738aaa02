/* Deriving knobs and their choices from structure and target; see space.h and space_private.h. */
#include "schedules/space.h"

#include "schedules/space_private.h"
#include "schedules/traffic.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    MAX_ROWS = 28,    /* of a register tile along an axis that is not the vector's */
    MAX_MOVED = 32,   /* the same where nothing is added up: rows need no registers */
    MAX_VECTORS = 16, /* along the vector axis */
};

/* The trips of a reduction may be lanes if something that is read lies side by side along it, and
 * all else near enough to be picked from loads: the columns of a narrow matrix. */
static bool may_be_lanes(const struct space *space, const struct group *group, int reduction) {
    bool any = false;
    for (int i = 0; i < group->read_count; i++) {
        int64_t stride = group->reads[i].reduction_strides[reduction];
        if (stride != 0 && stride != 1 && stride != EVERY_SECOND && stride != EVERY_FOURTH)
            return false;
        any |= stride == 1;
    }
    return any && space_lanes(space) > 1 && !group->reductions[reduction].borders &&
           group->reductions[reduction].extent >= space_lanes(space);
}

enum axis_rank {
    AXIS_CHEAP,     /* no read needs a gather */
    AXIS_GATHERS,   /* some do */
    AXIS_SCATTERED, /* neighbours lie at no constant distance in the result */
    AXIS_USELESS,
};

static enum axis_rank rank_axis(const struct group *group, int axis) {
    enum axis_rank rank = AXIS_CHEAP;
    if (group->axes[axis].extent < 2 || group->axes[axis].alignment == 1)
        return AXIS_USELESS;
    for (int i = 0; i < group->read_count; i++) {
        if (group->reads[i].strides[axis] == STRIDE_NONLINEAR)
            return AXIS_USELESS;
        if (space_gathers(group, &group->reads[i], axis))
            rank = AXIS_GATHERS;
    }
    return group->axes[axis].output_stride == STRIDE_NONLINEAR ? AXIS_SCATTERED : rank;
}

/* The vector axis: all those of the best rank there is. */
static void vector_knob(struct space *space, const char *prefix, const struct group *group,
                        struct group_knobs *knobs) {
    struct knob *knob = space_add_knob(
        space, prefix, "vector", "axis whose neighbours fill a vector", false, &knobs->vector);
    for (int rank = AXIS_CHEAP; rank < AXIS_USELESS && knob->choice_count == 0; rank++)
        for (int axis = 0; axis < group->axis_count; axis++)
            if ((int)rank_axis(group, axis) == rank) {
                knobs->vector_axes[knob->choice_count] = axis;
                space_add_label(knob, group->axes[axis].name);
            }
    for (int r = 0; r < group->reduction_count; r++)
        if (may_be_lanes(space, group, r) && knob->choice_count < MAX_CHOICES) {
            knobs->vector_axes[knob->choice_count] = FIRST_REDUCTION + r;
            space_add_label(knob, group->reductions[r].name);
        }
    if (knob->choice_count == 0) {
        knobs->vector_axes[0] = -1;
        space_add_label(knob, "none");
    }
}

/* Rows of a register tile along an axis that is not the vector's; only divisors of the
 * alignment. */
static void tile_knob(struct space *space, const char *prefix, const struct group *group,
                      struct group_knobs *knobs, int axis) {
    int64_t extent = group->axes[axis].extent, alignment = group->axes[axis].alignment;
    int64_t most = group->reduction_count ? MAX_ROWS : MAX_MOVED;
    char name[MAX_NAME + 8];
    struct knob *knob;
    knobs->tile[axis] = NO_KNOB;
    if (extent == 1)
        return;
    snprintf(name, sizeof name, "tile.%s", group->axes[axis].name);
    knob =
        space_add_knob(space, prefix, name, "rows of the register tile", true, &knobs->tile[axis]);
    for (int64_t rows = 1; knob && rows <= most && rows <= extent; rows++)
        if (rows <= 8 || rows % 2 == 0 || extent % rows == 0)
            if (!alignment || alignment % rows == 0)
                space_add_number(knob, rows);
}

/* How many vectors the tile has along the vector axis, whichever that is. */
static void vectors_knob(struct space *space, const char *prefix, const struct group *group,
                         struct group_knobs *knobs) {
    int64_t most = 1;
    struct knob *knob;
    for (int i = 0; i < space->knobs[knobs->vector].choice_count; i++) {
        int axis = knobs->vector_axes[i];
        int64_t extent = axis < 0 ? 1
                         : axis >= FIRST_REDUCTION
                             ? group->reductions[axis - FIRST_REDUCTION].extent
                             : group->axes[axis].extent;
        int64_t vectors = (extent + space_lanes(space) - 1) / space_lanes(space);
        most = vectors > most ? vectors : most;
    }
    knob = space_add_knob(space, prefix, "vectors", "vectors of the register tile", true,
                          &knobs->vectors);
    for (int64_t vectors = 1; knob && vectors <= most && vectors <= MAX_VECTORS; vectors++)
        if (vectors <= 8 || vectors % 4 == 0)
            space_add_number(knob, vectors);
}

static void unroll_knob(struct space *space, const char *prefix, const struct group *group,
                        struct group_knobs *knobs, int axis) {
    int64_t extent = group->reductions[axis].extent;
    char name[MAX_NAME + 8];
    struct knob *knob;
    snprintf(name, sizeof name, "unroll.%s", group->reductions[axis].name);
    knob = space_add_knob(space, prefix, name, "reduction trips written out", true,
                          &knobs->unroll[axis]);
    for (int64_t trips = 1; trips <= 8; trips *= 2)
        if (trips <= extent && extent % trips == 0)
            space_add_number(knob, trips);
    if (extent <= FULL_UNROLL)
        space_add_number(knob, extent);
}

static void split_knob(struct space *space, const char *prefix, const struct group *group,
                       struct group_knobs *knobs, int axis) {
    int64_t extent = group->reductions[axis].extent;
    bool along_rows = space_goes_along_rows(space, group, axis);
    char name[MAX_NAME + 8];
    struct knob *knob;
    knobs->split[axis] = NO_KNOB;
    if (group->fused || group->reductions[axis].borders || (extent < 128 && !along_rows))
        return;
    snprintf(name, sizeof name, "split.%s", group->reductions[axis].name);
    knob =
        space_add_knob(space, prefix, name, "trips of a cache block of the reduction; 0: not split",
                       true, &knobs->split[axis]);
    space_add_number(knob, 0);
    if (along_rows)
        space_add_number(knob, 1);
    for (int64_t trips = 64; trips <= 1024; trips *= 2)
        if (2 * trips <= extent)
            space_add_number(knob, trips);
}

static void block_knob(struct space *space, const char *prefix, const struct group *group,
                       struct group_knobs *knobs, int axis) {
    char name[MAX_NAME + 8];
    struct knob *knob;
    knobs->block[axis] = NO_KNOB;
    if (group->axes[axis].extent < 64)
        return;
    snprintf(name, sizeof name, "block.%s", group->axes[axis].name);
    knob = space_add_knob(space, prefix, name, "tiles of a cache block; 0: no blocks", true,
                          &knobs->block[axis]);
    space_add_number(knob, 0);
    for (int64_t tiles = 2; tiles <= 32 && tiles * 8 <= group->axes[axis].extent; tiles *= 2)
        space_add_number(knob, tiles);
}

static void order_knobs(struct space *space, const char *prefix, const struct group *group,
                        struct group_knobs *knobs) {
    int axes[MAX_RANK], count = 0, made;
    struct knob *knob;
    knobs->reduction_order = NO_KNOB;
    if (group->reduction_count > 0) {
        made = space_permutations(group->reduction_count, knobs->reduction_permutations);
        if (group->reduction_count > 1) {
            knob = space_add_knob(space, prefix, "order.reduction", "order of the reduction loops",
                                  false, &knobs->reduction_order);
            for (int i = 0; knob && i < made; i++) {
                struct text text = {0};
                for (int j = 0; j < group->reduction_count; j++)
                    text_format(&text, "%s%s", j ? "," : "",
                                group->reductions[knobs->reduction_permutations[i][j]].name);
                space_add_label(knob, arena_format(space->arena, "%s", text_string(&text)));
                text_free(&text);
            }
        }
    }
    for (int i = 0; i < group->axis_count; i++)
        if (group->axes[i].extent > 1)
            axes[count++] = i;
    knobs->order = NO_KNOB;
    knobs->order_count = count;
    made = space_permutations(count, knobs->order_permutations);
    for (int i = 0; i < made; i++)
        for (int j = 0; j < count; j++)
            knobs->order_permutations[i][j] = axes[knobs->order_permutations[i][j]];
    if (count < 2)
        return;
    knob = space_add_knob(space, prefix, "order", "order of the loops around the tile", false,
                          &knobs->order);
    for (int i = 0; knob && i < made; i++) {
        struct text text = {0};
        for (int j = 0; j < count; j++)
            text_format(&text, "%s%s", j ? "," : "",
                        group->axes[knobs->order_permutations[i][j]].name);
        space_add_label(knob, arena_format(space->arena, "%s", text_string(&text)));
        text_free(&text);
    }
}

static void pack_knobs(struct space *space, const char *prefix, const struct group *group,
                       struct group_knobs *knobs) {
    for (int i = 0; i < group->read_count; i++) {
        const struct group_read *read = &group->reads[i];
        bool packable = false;
        char name[MAX_NAME + 8];
        struct knob *knob;
        knobs->pack[i] = NO_KNOB;
        for (int j = 0; j < read->tensor->rank; j++)
            packable |= read->axis_of[j] >= 0 && group->axes[read->axis_of[j]].extent > 1;
        for (int j = 0; j < i; j++)
            packable &= group->reads[j].tensor != read->tensor;
        if (!packable || read->is_packed_elsewhere ||
            (!read->is_parameter && (group->reduction_count == 0 || space_reads_once(group, read))))
            continue;
        snprintf(name, sizeof name, "pack.%s", read->tensor->name);
        knob = space_add_knob(space, prefix, name, "copied to the order in which the tile reads",
                              false, &knobs->pack[i]);
        if (!knob)
            continue;
        space_add_label(knob, "no");
        space_add_label(knob, read->is_parameter ? "ahead" : "block");
        if (read->is_parameter)
            knob_prefer(knob, PACK_YES);
    }
}

/* Offered where results leave the second cache: nearer ones are there in time without it. */
static void prefetch_knob(struct space *space, const char *prefix, const struct group *group,
                          struct group_knobs *knobs) {
    double bytes = space_elements(group->outer) * data_types[group->outer->type].bytes;
    struct knob *knob;
    knobs->prefetch = NO_KNOB;
    if (group->reduction_count == 0 || space_is_moving(group) || !space->target.machine_code ||
        bytes <= (double)space->target.caches[1].bytes)
        return;
    knob = space_add_knob(space, prefix, "prefetch", "what tiles ask for when they begin", false,
                          &knobs->prefetch);
    if (!knob)
        return;
    space_add_label(knob, "none");
    space_add_label(knob, "result");
}

static void set_all(int *numbers, int count) {
    for (int i = 0; i < count; i++)
        numbers[i] = NO_KNOB;
}

/* A nest has what it cannot do without; and all the rest if there is room. */
static void group_knobs_create(struct space *space, const char *prefix, const struct group *group,
                               struct group_knobs *knobs, bool all) {
    knobs->first = space->knob_count;
    set_all(knobs->unroll, MAX_RANK);
    set_all(knobs->split, MAX_RANK);
    set_all(knobs->block, MAX_RANK);
    set_all(knobs->pack, MAX_READS);
    knobs->accumulators = knobs->parallel = knobs->parts = knobs->prefetch = NO_KNOB;
    vector_knob(space, prefix, group, knobs);
    vectors_knob(space, prefix, group, knobs);
    for (int i = 0; i < group->axis_count; i++)
        tile_knob(space, prefix, group, knobs, i);
    for (int i = 0; i < group->reduction_count && all; i++)
        unroll_knob(space, prefix, group, knobs, i);
    for (int i = 0; i < group->reduction_count && all; i++)
        split_knob(space, prefix, group, knobs, i);
    for (int i = 0; i < group->axis_count && all; i++)
        block_knob(space, prefix, group, knobs, i);
    order_knobs(space, prefix, group, knobs);
    pack_knobs(space, prefix, group, knobs);
    if (all) {
        space_add_reduction_knobs(space, prefix, group, knobs);
        prefetch_knob(space, prefix, group, knobs);
    }
    knobs->count = space->knob_count - knobs->first;
}

void space_fix_knobs(struct space *space, int nest) {
    const struct space_rules *rules = space->rules;
    const struct group_knobs *knobs = &rules->knobs[nest];
    for (int i = 0; i < knobs->count; i++)
        space->knobs[knobs->first + i].choice_count = 1;
}

/* The knobs of a nest and its default tile. Where no tile keeps to the rules they are given up, one
 * after the other. */
static void add_nest(struct space *space, struct space_rules *rules, int index, bool all) {
    struct group *group = &rules->structure.groups[index];
    struct group_knobs *knobs = &rules->knobs[index];
    const char *prefix = rules->structure.group_count > 1
                             ? arena_format(space->arena, "%s.", group->outer->name)
                             : "";
    double *cycles = &rules->least_cycles[index];
    group_knobs_create(space, prefix, group, knobs, all);
    *cycles = space_prefer_tile(space, group, knobs);
    if (!isfinite(*cycles)) {
        group->computes_borders = true;
        *cycles = space_prefer_tile(space, group, knobs);
    }
    if (!isfinite(*cycles)) { /* the first choices are the smallest tile */
        const int smallest[MAX_KNOBS] = {0};
        struct group_choice choice;
        struct tile_bound bound;
        group->is_unlimited = true;
        space_choose(space, index, smallest, &choice);
        space_bound_tile(space, group, &choice, &bound);
        *cycles = space_estimate(space, group, &choice, &bound);
    }
}

/* Knobs of a nest: with none of those it can do without, and with all. */
static int least_knobs(const struct group *group) {
    return 4 + group->axis_count + group->read_count;
}

static int most_knobs(const struct group *group) {
    return 8 + 2 * (group->axis_count + group->reduction_count) + group->read_count;
}

/* The nest that does most with a tensor: a copy in the order of its tile may be made, and there is
 * one copy of a tensor. */
static int owner_of_copy(const struct structure *structure, const struct tensor *tensor) {
    double most = -1;
    int owner = -1;
    for (int i = 0; i < structure->group_count; i++) {
        const struct group *group = &structure->groups[i];
        double trips = group->is_ahead ? 0 : space_trips(group);
        for (int j = 0; j < group->read_count; j++)
            if (group->reads[j].tensor == tensor && trips > most) {
                most = trips;
                owner = i;
            }
    }
    return owner;
}

/* To all other nests what it reads is as any input, that stays as it lies. */
static void share_copies(struct structure *structure) {
    for (int i = 0; i < structure->group_count; i++)
        for (int j = 0; j < structure->groups[i].read_count; j++) {
            struct group_read *read = &structure->groups[i].reads[j];
            read->is_packed_elsewhere = owner_of_copy(structure, read->tensor) != i;
            read->is_parameter &= !read->is_packed_elsewhere;
        }
}

dlt_status space_create(struct arena *arena, const struct expression *expression,
                        const struct target_description *target, int threads, struct space **space,
                        struct error *error) {
    struct space *made = ARENA_NEW(arena, struct space);
    struct space_rules *rules = ARENA_NEW(arena, struct space_rules);
    const int first[MAX_KNOBS] = {0};
    int needed = 0;
    made->arena = arena;
    made->expression = expression;
    made->target = *target;
    made->threads = threads;
    made->rules = rules;
    TRY(structure_find(arena, expression, &rules->structure, error));
    share_copies(&rules->structure);
    for (int i = 0; i < rules->structure.group_count; i++)
        needed += least_knobs(&rules->structure.groups[i]);
    for (int i = rules->structure.group_count - 1; i >= 0 && needed > MAX_KNOBS; i--) {
        needed -= least_knobs(&rules->structure.groups[i]);
        space_leave_plain(made, i, "there are too many nests");
    }
    for (int i = 0; i < rules->structure.group_count; i++) {
        const struct group *group = &rules->structure.groups[i];
        bool all = made->knob_count + needed + most_knobs(group) - least_knobs(group) <= MAX_KNOBS;
        needed -= least_knobs(group);
        add_nest(made, rules, i, all);
    }
    space_add_padding_knobs(made, rules);
    rules->least_score = INFINITY;
    space_prefer_by_traffic(made);
    rules->least_score = traffic_score(made, first);
    made->size = 1;
    for (int i = 0; i < made->knob_count; i++)
        made->size *= made->knobs[i].choice_count;
    *space = made;
    return DLT_OK;
}
