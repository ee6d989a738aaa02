/* What a point chooses for each group, and the constraints that it must meet. */
#include "schedules/space_private.h"
#include "schedules/traffic.h"

#include <math.h>

static int64_t number_of(const struct space *space, const int *point, int knob, int64_t otherwise) {
    return knob == NO_KNOB ? otherwise : space->knobs[knob].values[point[knob]];
}

/* Lanes are accumulators already, and blocks of a reduction are for tiles that need none. */
static bool may_accumulate(const struct group_choice *choice) {
    int r = choice->longest;
    return r >= 0 && r != choice->vector_reduction && !choice->split[r];
}

/* Threads, parts of the reduction and accumulators; what has no meaning beside the rest is as if it
 * was not chosen. */
static void choose_sharing(const struct space *space, const struct group *group,
                           const struct group_knobs *knobs, const int *point,
                           struct group_choice *choice) {
    bool parallel = number_of(space, point, knobs->parallel, PARALLEL_NO) == PARALLEL_YES;
    choice->longest = space_longest_reduction(group);
    choice->threads = parallel ? space->threads : 1;
    choice->parts = parallel ? number_of(space, point, knobs->parts, 1) : 1;
    choice->accumulators = number_of(space, point, knobs->accumulators, 1);
    choice->is_ragged = false;
    if (!may_accumulate(choice))
        choice->accumulators = 1;
}

void space_choose_inner_loops(const struct group *group, struct group_choice *choice) {
    choice->inner_loops = choice->accumulators > 1 ? 0 : space_inner_loops(group, choice->threads);
    for (int i = 0; i < group->reduction_count && choice->inner_loops; i++)
        choice->inner_loops += choice->split[i] == 1;
}

/* Where the trips of a reduction are lanes, what moves along with them stays as it lies. */
static bool keeps_lanes(const struct group_read *read, const struct group_choice *choice) {
    return choice->vector_reduction >= 0 && read->reduction_strides[choice->vector_reduction] != 0;
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
    choose_sharing(space, group, knobs, point, choice);
    space_choose_inner_loops(group, choice);
    choice->prefetch = number_of(space, point, knobs->prefetch, 0) != 0;
    for (int i = 0; i < group->read_count; i++)
        choice->pack[i] = number_of(space, point, knobs->pack[i], PACK_NO) == PACK_YES &&
                          !keeps_lanes(&group->reads[i], choice);
}

void space_canonicalise(const struct space *space, int *point) {
    const struct space_rules *rules = space->rules;
    for (int i = 0; i < rules->structure.group_count; i++) {
        const struct group *group = &rules->structure.groups[i];
        const struct group_knobs *knobs = &rules->knobs[i];
        const struct knob *vectors = &space->knobs[knobs->vectors];
        struct group_choice choice;
        space_choose(space, i, point, &choice);
        if (knobs->parts != NO_KNOB && choice.threads == 1)
            point[knobs->parts] = 0;
        if (knobs->accumulators != NO_KNOB && !may_accumulate(&choice))
            point[knobs->accumulators] = 0;
        int axis = knobs->vector_axes[number_of(space, point, knobs->vector, 0)];
        for (int j = 0; j < group->read_count; j++)
            if (knobs->pack[j] != NO_KNOB && keeps_lanes(&group->reads[j], &choice))
                point[knobs->pack[j]] = 0;
        if (axis >= FIRST_REDUCTION) {
            int r = axis - FIRST_REDUCTION;
            if (knobs->unroll[r] != NO_KNOB)
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

static dlt_status check_nest(const struct space *space, int index, const struct space_nest *nest,
                             struct error *error) {
    const struct space_rules *rules = space->rules;
    const struct group *group = nest->group;
    const struct group_choice *choice = &nest->choice;
    struct tile_bound bound;
    double cycles;
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
    if (choice->accumulators > 1 && choice->unroll[choice->longest] > choice->accumulators &&
        choice->unroll[choice->longest] % choice->accumulators)
        return error_set(error, DLT_ERROR_REFUSED,
                         "accumulators: %lld do not divide unroll.%s = %lld",
                         (long long)choice->accumulators, group->reductions[choice->longest].name,
                         (long long)choice->unroll[choice->longest]);
    for (int i = 0; i < group->reduction_count; i++)
        if (choice->split[i] && 2 * choice->split[i] > group->reductions[i].extent)
            return error_set(error, DLT_ERROR_REFUSED,
                             "split.%s: %lld leave fewer than two blocks of %lld in a part",
                             group->reductions[i].name, (long long)choice->split[i],
                             (long long)group->reductions[i].extent);
    for (int i = 0; i < group->axis_count; i++)
        if (choice->block[i] &&
            choice->block[i] * choice->tile[i] * 2 > group->axes[i].extent + choice->tile[i])
            return error_set(error, DLT_ERROR_REFUSED,
                             "block.%s: %lld tiles of %lld leave fewer than two blocks of %lld",
                             group->axes[i].name, (long long)choice->block[i],
                             (long long)choice->tile[i], (long long)group->axes[i].extent);
    for (int i = 0; i < group->axis_count; i++)
        if (space_has_ragged_block(group, choice, i))
            return error_set(error, DLT_ERROR_REFUSED,
                             "block.%s: neither tiles of %lld nor blocks of %lld divide %lld, and "
                             "the loop over the block's tiles is part of the code",
                             group->axes[i].name, (long long)choice->tile[i],
                             (long long)choice->block[i], (long long)group->axes[i].extent);
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
    double score;
    for (int i = 0; i < rules->structure.group_count; i++) {
        struct space_nest nest;
        space_choose_nest(space, i, point, &nest);
        TRY(check_nest(space, i, &nest, error));
    }
    if (!isfinite(rules->least_score))
        return DLT_OK;
    score = traffic_score(space, point);
    if (score > SPACE_HOPELESS_TRAFFIC * rules->least_score)
        return error_set(error, DLT_ERROR_REFUSED,
                         "traffic: the model says %.3g cycles where the default takes %.3g", score,
                         rules->least_score);
    return DLT_OK;
}

double space_tile_cycles(const struct space *space, const int *point) {
    const struct space_rules *rules = space->rules;
    double cycles = 0;
    for (int i = 0; i < rules->structure.group_count; i++) {
        struct space_nest nest;
        struct tile_bound bound;
        space_choose_nest(space, i, point, &nest);
        space_bound_tile(space, nest.group, &nest.choice, &bound);
        cycles += space_estimate(space, nest.group, &nest.choice, &bound);
    }
    return cycles;
}
