/* Point 0 of a space: the choices that the analytic model likes best. */
#include "schedules/space_private.h"
#include "schedules/traffic.h"

#include <math.h>
#include <string.h>

enum {
    DEFAULT_ROUNDS = 3
};

/* Defaults leave the simplest choice only for a gain that the model can be trusted on. */
#define WORTH_A_CHANGE 0.98

/* Makes a value the first choice; the others keep their order. */
void knob_prefer(struct knob *knob, int64_t value) {
    for (int i = 1; i < knob->choice_count; i++)
        if (knob->values[i] == value) {
            const char *label = knob->labels[i];
            memmove(knob->values + 1, knob->values, sizeof *knob->values * (size_t)i);
            memmove(knob->labels + 1, knob->labels, sizeof *knob->labels * (size_t)i);
            knob->values[0] = value;
            knob->labels[0] = label;
            return;
        }
}

/* The default tile: the cheapest by the model among all vector axes and tiles. */

struct default_search {
    struct space *space;
    const struct group *group;
    struct group_knobs *knobs;
    struct group_choice choice, best;
    double best_cycles;
};

/* Whether writing out a reduction may gain: it meets the borders of an axis of the tile, so that
 * each of its trips leaves out other elements of the tile, or moves what rows of the tile read onto
 * the next rows. */
static bool may_write_out(const struct default_search *d, int reduction) {
    const struct group *group = d->group;
    const struct group_choice *choice = &d->choice;
    if (group->reductions[reduction].extent > FULL_UNROLL ||
        choice->vector_reduction == reduction || d->knobs->unroll[reduction] == NO_KNOB)
        return false;
    for (int i = 0; i < group->axis_count; i++) {
        if (choice->tile[i] == 1)
            continue;
        if (group->axes[i].border_reductions >> reduction & 1)
            return true;
        for (int j = 0; j < group->read_count && i != choice->vector; j++)
            if (group->reads[j].strides[i] &&
                group->reads[j].strides[i] == group->reads[j].reduction_strides[reduction])
                return true;
    }
    return false;
}

/* The chosen tile, with each set of the reductions written out that may gain by it. */
static void try_unrolling(struct default_search *d, int reduction) {
    struct tile_bound bound;
    double cycles;
    if (reduction < d->group->reduction_count) {
        d->choice.unroll[reduction] = 1;
        try_unrolling(d, reduction + 1);
        if (!may_write_out(d, reduction))
            return;
        d->choice.unroll[reduction] = d->group->reductions[reduction].extent;
        try_unrolling(d, reduction + 1);
        return;
    }
    space_bound_tile(d->space, d->group, &d->choice, &bound);
    cycles = space_estimate(d->space, d->group, &d->choice, &bound);
    if (cycles < d->best_cycles * 0.999) {
        d->best_cycles = cycles;
        d->best = d->choice;
    }
}

static void try_tiles(struct default_search *d, int axis) {
    const struct knob *knob;
    int number = axis < d->group->axis_count ? d->knobs->tile[axis] : NO_KNOB;
    if (axis == d->group->axis_count) {
        try_unrolling(d, 0);
        return;
    }
    if (axis == d->choice.vector || number == NO_KNOB) {
        try_tiles(d, axis + 1);
        return;
    }
    knob = &d->space->knobs[number];
    for (int i = 0; i < knob->choice_count; i++) {
        d->choice.tile[axis] = knob->values[i];
        for (int j = axis + 1; j < d->group->axis_count; j++)
            if (j != d->choice.vector)
                d->choice.tile[j] = 1;
        if (space_registers(d->space, d->group, &d->choice) <= d->space->target.vector_registers)
            try_tiles(d, axis + 1);
    }
}

static void try_vectors(struct default_search *d, int *best_vectors) {
    const struct knob *knob = &d->space->knobs[d->knobs->vectors];
    for (int i = 0; i < knob->choice_count; i++) {
        double before = d->best_cycles;
        for (int j = 0; j < d->group->axis_count; j++)
            d->choice.tile[j] = 1;
        if (d->choice.vector_reduction >= 0)
            d->choice.lane_trips =
                space_lane_trips(d->space, d->group, d->choice.vector_reduction, knob->values[i]);
        if (d->choice.vector >= 0)
            d->choice.tile[d->choice.vector] =
                space_vector_tile(d->space, d->group, d->choice.vector, knob->values[i]);
        try_tiles(d, 0);
        if (d->best_cycles < before)
            *best_vectors = (int)knob->values[i];
    }
}

/* A window whose rows overlap along rows of the tile goes innermost: what one of its trips loads,
 * the next finds in registers. */
static void prefer_default_order(struct space *space, const struct group *group,
                                 struct group_knobs *knobs, const struct group_choice *tile) {
    const struct knob *knob =
        knobs->reduction_order == NO_KNOB ? NULL : &space->knobs[knobs->reduction_order];
    for (int i = 0; knob && i < group->read_count; i++)
        for (int axis = 0; axis < group->axis_count; axis++)
            for (int r = 0; r < group->reduction_count; r++) {
                int64_t stride = group->reads[i].strides[axis];
                if (axis == tile->vector || tile->tile[axis] == 1 || stride == 0 ||
                    stride != group->reads[i].reduction_strides[r] ||
                    group->reductions[r].extent == 1)
                    continue;
                for (int choice = 0; choice < knob->choice_count; choice++)
                    if (knobs->reduction_permutations[choice][group->reduction_count - 1] == r) {
                        knob_prefer(&space->knobs[knobs->reduction_order], choice);
                        return;
                    }
            }
}

double space_prefer_tile(struct space *space, const struct group *group,
                         struct group_knobs *knobs) {
    struct default_search d = {.space = space, .group = group, .knobs = knobs};
    struct knob *vector = &space->knobs[knobs->vector];
    int best_vector = 0, best_vectors = 1;
    d.best_cycles = INFINITY;
    d.choice.inner_loops = space_inner_loops(group, space->threads);
    for (int i = 0; i < vector->choice_count; i++) {
        double before = d.best_cycles;
        space_choose_vector(knobs->vector_axes[i], &d.choice);
        try_vectors(&d, &best_vectors);
        if (d.best_cycles < before)
            best_vector = i;
    }
    if (!isfinite(d.best_cycles))
        return d.best_cycles;
    knob_prefer(vector, best_vector);
    knob_prefer(&space->knobs[knobs->vectors], best_vectors);
    for (int i = 0; i < group->axis_count; i++)
        if (knobs->tile[i] != NO_KNOB)
            knob_prefer(&space->knobs[knobs->tile[i]], d.best.vector == i ? 1 : d.best.tile[i]);
    for (int i = 0; i < group->reduction_count; i++)
        if (d.best.unroll[i] > 1)
            knob_prefer(&space->knobs[knobs->unroll[i]], d.best.unroll[i]);
    prefer_default_order(space, group, knobs, &d.best);
    return d.best_cycles;
}

/* Each knob in turn takes the choice that the model of arithmetic and of traffic between caches
 * likes best. */
static double improve(const struct space *space, int *best) {
    int point[MAX_KNOBS];
    double least = traffic_score(space, best);
    bool improved = true;
    for (int round = 0; round < DEFAULT_ROUNDS && improved; round++) {
        improved = false;
        for (int i = 0; i < space->knob_count; i++)
            for (int choice = 0; choice < space->knobs[i].choice_count; choice++) {
                double score;
                memcpy(point, best, sizeof point);
                point[i] = choice;
                if (space_check(space, point, NULL) != DLT_OK)
                    continue;
                score = traffic_score(space, point);
                if (score < least * WORTH_A_CHANGE) {
                    least = score;
                    memcpy(best, point, sizeof point);
                    improved = true;
                }
            }
    }
    return least;
}

/* Rows further apart are another start: taller tiles pay with them only. */
static double improve_padded(const struct space *space, double least, int *best) {
    const struct space_rules *rules = space->rules;
    int padded[MAX_KNOBS] = {0};
    double score;
    if (rules->padding_count == 0)
        return least;
    for (int i = 0; i < rules->padding_count; i++)
        padded[rules->paddings[i].knob] = 1;
    score = improve(space, padded);
    if (score >= least * WORTH_A_CHANGE)
        return least;
    memcpy(best, padded, sizeof padded);
    return score;
}

/* The rest of the default, from the default tile: of what the model likes best on one thread and on
 * all of them the simpler unless it is worth it. */
void space_prefer_by_traffic(struct space *space) {
    int serial[MAX_KNOBS] = {0}, best[MAX_KNOBS] = {0};
    const struct space_rules *rules = space->rules;
    double shared = improve_padded(space, improve(space, best), best);
    if (space->threads > 1) {
        for (int i = 0; i < rules->padding_count; i++)
            serial[rules->paddings[i].knob] = best[rules->paddings[i].knob];
        space_set_shared(space, serial, false);
        if (improve(space, serial) * WORTH_A_CHANGE <= shared)
            memcpy(best, serial, sizeof best);
    }
    for (int i = 0; i < space->knob_count; i++)
        knob_prefer(&space->knobs[i], space->knobs[i].values[best[i]]);
}
