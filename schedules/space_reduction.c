/* Reductions in parts: knobs, and the nests that they become.
 *
 * A reduction over few elements leaves a processor idle: a chain of additions waits for each, and
 * threads find no elements to share. Both are helped by partial results (the step rfactor). Inside
 * of the tile they are accumulators beside each other. At the root the parts are an axis of a nest
 * of their own, which threads share, and a second nest combines them. How many parts there are is
 * the point's choice, whoever runs them. */
#include "schedules/space_private.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum {
    SHORTEST_ACCUMULATED = 8, /* reductions below are over before the chain counts */
    SHORTEST_PART = 16,       /* trips */
    TILES_A_THREAD = 16,      /* with more elements than these hold, threads share elements */
    MOST_PARTS_A_THREAD = 4,
    MOST_COMBINED_VECTORS = 8,  /* of the combining tile */
    MOST_COMBINED_AT_ONCE = 16, /* parts written out in it */
    NAME_SUFFIXES = 16,         /* bytes of ".partial" twice */
};

/* Parts begin anywhere, so what is read may not lie in blocks along the reduction. */
static bool may_be_divided(const struct group *group, int reduction) {
    for (int i = 0; i < group->read_count; i++)
        if (group->reads[i].reduction_strides[reduction] == STRIDE_NONLINEAR)
            return false;
    return !group->reductions[reduction].borders;
}

int space_longest_reduction(const struct group *group) {
    int longest = -1;
    if (group->compute->domain_count > 0)
        return -1;
    for (int i = 0; i < group->reduction_count; i++)
        if (may_be_divided(group, i) &&
            (longest < 0 || group->reductions[i].extent > group->reductions[longest].extent))
            longest = i;
    return longest;
}

/* ---- knobs ---- */

static double elements_of(const struct group *group) {
    double elements = 1;
    for (int i = 0; i < group->axis_count; i++)
        elements *= (double)group->axes[i].extent;
    return elements;
}

/* Accumulators that keep all units busy while each waits for the one before. */
static double independent(const struct space *space) {
    return space->target.fma_latency * space->target.fma_per_cycle;
}

/* Offered where the largest tile that the elements allow may wait for its own sums. */
static void accumulators_knob(struct space *space, const char *prefix, const struct group *group,
                              struct group_knobs *knobs, int reduction) {
    int64_t extent = group->reductions[reduction].extent;
    char name[MAX_NAME + 16];
    struct knob *knob;
    if (extent < SHORTEST_ACCUMULATED ||
        elements_of(group) > 2 * independent(space) * space_lanes(space))
        return;
    snprintf(name, sizeof name, "accumulators.%s", group->reductions[reduction].name);
    knob = space_add_knob(space, prefix, name, "independent accumulators of each element", true,
                          &knobs->accumulators);
    for (int64_t count = 1; knob && count <= 8 && 2 * count <= extent; count *= 2)
        space_add_number(knob, count);
}

/* Offered where the elements are so few that threads could not share them evenly. */
static void parts_knob(struct space *space, const char *prefix, const struct group *group,
                       struct group_knobs *knobs, int reduction) {
    int64_t extent = group->reductions[reduction].extent;
    double tile = (double)space->target.vector_registers * space_lanes(space);
    char name[MAX_NAME + 8];
    struct knob *knob;
    if (extent < 2 * SHORTEST_PART || group->axis_count == 0 || group->axis_count >= MAX_RANK - 1 ||
        elements_of(group) > TILES_A_THREAD * tile * space->threads)
        return;
    snprintf(name, sizeof name, "parts.%s", group->reductions[reduction].name);
    knob = space_add_knob(space, prefix, name,
                          "parts of the reduction that threads share, combined afterwards; 1: none",
                          true, &knobs->parts);
    if (!knob)
        return;
    space_add_number(knob, 1);
    for (int64_t parts = space->threads;
         parts <= (int64_t)MOST_PARTS_A_THREAD * space->threads && parts * SHORTEST_PART <= extent;
         parts *= 2)
        space_add_number(knob, parts);
}

void space_add_reduction_knobs(struct space *space, const char *prefix, const struct group *group,
                               struct group_knobs *knobs) {
    int longest = space_longest_reduction(group);
    bool may_be_named = strlen(group->compute->name) + NAME_SUFFIXES < MAX_NAME;
    knobs->accumulators = knobs->parallel = knobs->parts = NO_KNOB;
    if (longest >= 0 && may_be_named && group->axis_count > 0)
        accumulators_knob(space, prefix, group, knobs, longest);
    if (!space_may_share(space, group))
        return;
    struct knob *knob = space_add_knob(space, prefix, "parallel", "whether threads share the loops",
                                       false, &knobs->parallel);
    if (!knob)
        return;
    space_add_label(knob, "yes");
    space_add_label(knob, "no");
    if (longest >= 0 && may_be_named)
        parts_knob(space, prefix, group, knobs, longest);
}

/* ---- the nest of the parts ---- */

static void insert_part(struct group_read *read, int reduction, int64_t trips) {
    memmove(read->strides + 1, read->strides, sizeof *read->strides * (MAX_RANK - 1));
    read->strides[0] = read->reduction_strides[reduction] * trips;
    for (int i = 0; i < read->tensor->rank; i++)
        if (read->axis_of[i] >= 0)
            read->axis_of[i]++;
}

static void divide_group(const struct group *group, int reduction, int64_t trips, int64_t parts,
                         struct group *partial) {
    int64_t elements = (int64_t)elements_of(group);
    *partial = *group;
    partial->outer = partial->compute = group->compute;
    partial->fused = false;
    partial->epilogue_operations = 0;
    partial->axis_count++;
    memmove(partial->axes + 1, group->axes, sizeof *group->axes * (size_t)group->axis_count);
    partial->axes[0] = (struct group_axis){.name = group->reductions[reduction].name,
                                           .extent = parts,
                                           .borders_serially = true,
                                           .output_stride = elements};
    partial->reductions[reduction].extent = trips;
    for (int i = 0; i < group->read_count; i++)
        insert_part(&partial->reads[i], reduction, trips);
}

static void divide_choice(const struct group_choice *choice, int axis_count,
                          struct space_nest *nest) {
    struct group_choice *c = &nest->choice;
    *c = *choice;
    for (int i = 0; i < axis_count; i++) {
        c->tile[i + 1] = choice->tile[i];
        c->block[i + 1] = choice->block[i];
    }
    c->tile[0] = 1;
    c->block[0] = 0;
    c->vector = choice->vector < 0 ? choice->vector : choice->vector + 1;
    nest->order[0] = 0;
    for (int i = 0; i < choice->order_count; i++)
        nest->order[i + 1] = choice->order[i] + 1;
    c->order = nest->order;
    c->order_count = choice->order_count + 1;
    c->parts = 1;
}

void space_divide(const struct space *space, const struct group *group,
                  const struct group_choice *choice, struct space_nest *nest) {
    int r = choice->longest;
    int64_t extent = group->reductions[r].extent;
    int64_t trips = (extent + choice->parts - 1) / choice->parts;
    int64_t parts = (extent + trips - 1) / trips;
    (void)space;
    divide_group(group, r, trips, parts, &nest->partial);
    nest->group = &nest->partial;
    divide_choice(choice, group->axis_count, nest);
    nest->choice.is_ragged = extent % trips != 0;
    if (r == choice->vector_reduction && nest->choice.lane_trips > trips)
        nest->choice.lane_trips = trips;
    space_choose_inner_loops(nest->group, &nest->choice);
}

void space_choose_nest(const struct space *space, int group, const int *point,
                       struct space_nest *nest) {
    struct group_choice choice;
    nest->group = space_padded_group(space, group, point, &nest->padded);
    space_choose(space, group, point, &choice);
    if (choice.parts > 1)
        space_divide(space, nest->group, &choice, nest);
    else
        nest->choice = choice;
}

/* ---- the nest that combines ---- */

static void combining_group(const struct group *group, const struct group_choice *choice,
                            struct group *combine) {
    int64_t extent = group->reductions[choice->longest].extent;
    int64_t trips = (extent + choice->parts - 1) / choice->parts;
    struct group_read *read = &combine->reads[0];
    *combine = *group;
    combine->arithmetic = 1;
    combine->products = 0;
    combine->reduction_count = 1;
    combine->reductions[0].extent = (extent + trips - 1) / trips;
    combine->read_count = 1;
    *read = (struct group_read){.tensor = group->compute};
    for (int i = 0; i < group->axis_count; i++) {
        combine->axes[i].border_low = combine->axes[i].border_high = 0;
        combine->axes[i].border_reductions = 0;
        combine->axes[i].borders_serially = true;
        read->strides[i] = group->axes[i].output_stride;
        read->axis_of[i] = i;
        read->reduction_of[i] = -1;
    }
    read->reduction_strides[0] = (int64_t)elements_of(group);
}

static double estimate(const struct space *space, const struct space_nest *nest) {
    struct tile_bound bound;
    space_bound_tile(space, nest->group, &nest->choice, &bound);
    return space_estimate(space, nest->group, &nest->choice, &bound);
}

/* The axis along which the result lies, as many vectors of it as the model likes. */
static void choose_combining_tile(const struct space *space, struct space_nest *nest) {
    struct group_choice *choice = &nest->choice, best;
    double least = INFINITY;
    for (int i = 0; i < nest->group->axis_count; i++) {
        const struct group_axis *axis = &nest->group->axes[i];
        choice->tile[i] = 1;
        choice->block[i] = 0;
        if (axis->extent > 1 && axis->output_stride == 1 && axis->alignment != 1)
            choice->vector = i;
    }
    best = *choice;
    for (int64_t vectors = 1; choice->vector >= 0 && vectors <= MOST_COMBINED_VECTORS;
         vectors *= 2) {
        double cycles;
        choice->tile[choice->vector] =
            space_vector_tile(space, nest->group, choice->vector, vectors);
        cycles = estimate(space, nest);
        if (cycles < least * 0.999) {
            least = cycles;
            best = *choice;
        }
    }
    *choice = best;
}

void space_combine(const struct space *space, const struct group *group,
                   const struct group_choice *choice, struct space_nest *nest) {
    static const int first[MAX_RANK];
    struct group_choice *c = &nest->choice;
    double cycles, elements = elements_of(group);
    combining_group(group, choice, &nest->partial);
    nest->group = &nest->partial;
    *c = (struct group_choice){.vector = -1, .vector_reduction = -1, .longest = -1};
    c->threads = c->parts = c->accumulators = 1;
    c->reduction_order = first;
    c->order = nest->order;
    for (int i = 0; i < group->axis_count; i++)
        if (group->axes[i].extent > 1)
            nest->order[c->order_count++] = i;
    c->unroll[0] = nest->group->reductions[0].extent <= MOST_COMBINED_AT_ONCE
                       ? nest->group->reductions[0].extent
                       : 1;
    space_choose_inner_loops(nest->group, c);
    choose_combining_tile(space, nest);
    cycles = estimate(space, nest);
    if (c->order_count > 0 && choice->threads > 1 &&
        space_shared_cycles(space, cycles, (int64_t)elements, choice->threads) < cycles) {
        c->threads = choice->threads;
        space_choose_inner_loops(nest->group, c);
    }
}
