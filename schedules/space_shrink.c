/* The next smaller default of one nest, for whoever found that the present one cannot be made.
 *
 * The space's rules count registers and code before anything is lowered. A value with many parts
 * needs more than they say, and only the target that was asked to make it knows. */
#include "schedules/space_private.h"

#include <string.h>

static int64_t first_of(const struct space *space, int knob, int64_t otherwise) {
    return knob == NO_KNOB ? otherwise : space->knobs[knob].values[0];
}

/* Makes `value` the default; false if it is already, or is no choice. */
static bool set_default(struct space *space, int knob, int64_t value) {
    if (knob == NO_KNOB || space->knobs[knob].values[0] == value)
        return false;
    knob_prefer(&space->knobs[knob], value);
    return space->knobs[knob].values[0] == value;
}

/* The largest choice that is at most half of the default; false if there is none. */
static bool halve_default(struct space *space, int knob) {
    int64_t now = first_of(space, knob, 1), best = 0;
    for (int i = 1; knob != NO_KNOB && i < space->knobs[knob].choice_count; i++) {
        int64_t value = space->knobs[knob].values[i];
        if (2 * value <= now && value > best)
            best = value;
    }
    return best > 0 && set_default(space, knob, best);
}

/* What a tile can do without: loops in its code, trips written out, accumulators, blocks. */
static bool drop_extras(struct space *space, struct group *group, const struct group_knobs *knobs) {
    bool changed = space_inner_loops(group, space->threads) > 0;
    group->keeps_loops_outside = true;
    for (int i = 0; i < group->reduction_count; i++) {
        changed |= set_default(space, knobs->unroll[i], 1);
        changed |= set_default(space, knobs->split[i], 0);
    }
    for (int i = 0; i < group->axis_count; i++)
        changed |= set_default(space, knobs->block[i], 0);
    changed |= set_default(space, knobs->accumulators, 1);
    changed |= set_default(space, knobs->parts, 1);
    changed |= set_default(space, knobs->prefetch, 0);
    return changed;
}

static bool halve_rows(struct space *space, const struct group *group,
                       const struct group_knobs *knobs) {
    int largest = NO_KNOB;
    for (int i = 0; i < group->axis_count; i++) {
        bool is_vector = i == knobs->vector_axes[first_of(space, knobs->vector, 0)];
        if (!is_vector && first_of(space, knobs->tile[i], 1) > first_of(space, largest, 1))
            largest = knobs->tile[i];
    }
    return halve_default(space, largest);
}

/* The axis whose neighbours fill vectors: the next one that was not tried. */
static bool next_vector(struct space *space, struct group_knobs *knobs) {
    struct knob *knob = &space->knobs[knobs->vector];
    if (++knobs->vectors_tried >= knob->choice_count)
        return false;
    knob_prefer(knob, knob->values[knobs->vectors_tried]);
    return true;
}

static bool drop_copies(struct space *space, const struct group *group,
                        const struct group_knobs *knobs) {
    bool changed = false;
    for (int i = 0; i < group->read_count; i++)
        if (!group->reads[i].is_parameter)
            changed |= set_default(space, knobs->pack[i], PACK_NO);
    return changed;
}

bool space_shrink(struct space *space, int nest) {
    struct space_rules *rules = (struct space_rules *)space->rules;
    struct group *group = &rules->structure.groups[nest];
    struct group_knobs *knobs = &rules->knobs[nest];
    return drop_extras(space, group, knobs) || halve_rows(space, group, knobs) ||
           halve_default(space, knobs->vectors) || drop_copies(space, group, knobs) ||
           next_vector(space, knobs);
}

void space_leave_plain(struct space *space, int nest, const char *reason) {
    struct space_rules *rules = (struct space_rules *)space->rules;
    struct structure *structure = &rules->structure;
    size_t behind = (size_t)(structure->group_count - nest - 1);
    space->plain_nests =
        arena_format(space->arena, "%s%s%s: %s", space->plain_nests ? space->plain_nests : "",
                     space->plain_nests ? "; " : "", structure->groups[nest].outer->name, reason);
    space_fix_knobs(space, nest);
    memmove(&structure->groups[nest], &structure->groups[nest + 1],
            behind * sizeof structure->groups[0]);
    memmove(&rules->knobs[nest], &rules->knobs[nest + 1], behind * sizeof rules->knobs[0]);
    memmove(&rules->least_cycles[nest], &rules->least_cycles[nest + 1],
            behind * sizeof rules->least_cycles[0]);
    memmove(&rules->padded[nest], &rules->padded[nest + 1], behind * sizeof rules->padded[0]);
    structure->group_count--;
}
