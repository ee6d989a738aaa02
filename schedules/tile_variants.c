/* How many kinds of tiles borders and rests make: each is a variant of the tile's code. */
#include "schedules/space_private.h"

/* A border that a serial reduction meets alone becomes that loop's bounds: one class. */
static bool is_bounds(const struct group *group, const struct group_choice *choice, int axis) {
    if (choice->tile[axis] > 1 || axis == choice->vector || !group->axes[axis].borders_serially)
        return false;
    for (int i = 0; i < group->reduction_count; i++)
        if (group->axes[axis].border_reductions >> i & 1 && choice->unroll[i] > 1)
            return false;
    return true;
}

/* Whether the loop over the axis's tiles is part of the code: then it is split where what a tile
 * does changes. */
static bool is_inner(const struct group *group, const struct group_choice *choice, int axis) {
    int left = choice->inner_loops;
    if (choice->block[axis])
        return false;
    for (int i = choice->order_count - 1; choice->order && i >= 0 && left > 0; i--, left--)
        if (choice->order[i] == axis)
            return true;
    for (int i = group->axis_count - 1; !choice->order && i >= axis && left > 0; i--) {
        if (i == axis)
            return true;
        left -= group->axes[i].extent > 1;
    }
    return false;
}

/* How many kinds of tiles there are along an axis. */
static int64_t classes_along(const struct group *group, const struct group_choice *choice,
                             int number) {
    const struct group_axis *axis = &group->axes[number];
    int64_t tile = choice->tile[number], tiles = (axis->extent + tile - 1) / tile;
    int64_t low = (axis->border_low + tile - 1) / tile;
    int64_t high = (axis->border_high + tile - 1) / tile, classes;
    if (is_bounds(group, choice, number))
        return 1;
    if (high == 0)
        high = axis->extent % tile != 0;
    classes = 1 + low + high;
    return classes < tiles ? classes : tiles;
}

/* Whether the trips of a reduction are those of one loop, which may end early. */
static bool is_counted(const struct group_choice *choice, int reduction) {
    return choice->unroll[reduction] <= 1 && !choice->split[reduction] &&
           choice->vector_reduction != reduction && choice->accumulators <= 1;
}

int64_t space_variants(const struct group *group, const struct group_choice *choice) {
    int64_t variants = 1;
    for (int i = 0; i < group->axis_count; i++)
        if (!is_inner(group, choice, i))
            variants *= classes_along(group, choice, i);
    for (int i = 0; i < group->reduction_count; i++)
        if (choice->split[i]) /* the first block starts from zero, the others from memory */
            variants *= 2;
    if (choice->is_ragged && !is_counted(choice, choice->longest))
        variants *= 2;
    return variants;
}

int64_t space_inner_classes(const struct group *group, const struct group_choice *choice,
                            int axis) {
    return is_inner(group, choice, axis) ? classes_along(group, choice, axis) : 1;
}
