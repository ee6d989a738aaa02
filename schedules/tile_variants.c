/* How many kinds of tiles borders and rests make: each is a variant of the tile's code. */
#include "schedules/space_private.h"

#include <math.h>

static bool is_written_out(const struct group_choice *choice, int axis) {
    return choice->tile[axis] > 1 || axis == choice->vector;
}

/* A border that a serial reduction meets becomes that loop's bounds, unless a tile has several
 * places along the axis or one that moves the border: one class. */
static bool is_bounds(const struct group *group, const struct group_choice *choice, int axis) {
    if (is_written_out(choice, axis) || !group->axes[axis].borders_serially)
        return false;
    for (int i = 0; i < group->axis_count; i++)
        if (group->axes[axis].border_axes >> i & 1 && is_written_out(choice, i))
            return false;
    for (int i = 0; i < group->reduction_count; i++)
        if (group->axes[axis].border_reductions >> i & 1 && choice->unroll[i] > 1)
            return false;
    return true;
}

/* Whether the loop over the axis's tiles, or those of a block, is part of the code. */
static bool is_in_code(const struct group *group, const struct group_choice *choice, int axis) {
    int left = choice->inner_loops;
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

/* Then it is split where what a tile does changes, if it has all of the axis. */
static bool is_inner(const struct group *group, const struct group_choice *choice, int axis) {
    return !choice->block[axis] && is_in_code(group, choice, axis);
}

bool space_has_ragged_block(const struct group *group, const struct group_choice *choice,
                            int axis) {
    int64_t extent = group->axes[axis].extent, tile = choice->tile[axis];
    int64_t block = choice->block[axis];
    return block && extent % tile && (extent + tile - 1) / tile % block &&
           is_in_code(group, choice, axis);
}

/* How many kinds of tiles there are along an axis, of which there are so many places. */
static int64_t classes_of(const struct group *group, const struct group_choice *choice, int number,
                          int64_t places) {
    const struct group_axis *axis = &group->axes[number];
    int64_t tile = choice->tile[number];
    int64_t low = (axis->border_low + tile - 1) / tile;
    int64_t high = (axis->border_high + tile - 1) / tile, classes;
    if (is_bounds(group, choice, number))
        return 1;
    if (high == 0)
        high = axis->extent % tile != 0;
    classes = 1 + low + high;
    return classes < places ? classes : places;
}

static int64_t tiles_along(const struct group *group, const struct group_choice *choice, int axis) {
    return (group->axes[axis].extent + choice->tile[axis] - 1) / choice->tile[axis];
}

/* Where other axes move the borders, each of their places that is no kind of its own is another
 * place of this one. */
static int64_t classes_along(const struct group *group, const struct group_choice *choice,
                             int number) {
    int64_t places = tiles_along(group, choice, number);
    for (int i = 0; i < group->axis_count; i++)
        if (group->axes[number].border_axes >> i & 1) {
            int64_t tiles = tiles_along(group, choice, i);
            int64_t kinds = classes_of(group, choice, i, tiles);
            places *= (tiles + kinds - 1) / kinds;
        }
    return classes_of(group, choice, number, places);
}

/* Whether the trips of a reduction are those of one loop, which may end early. */
static bool is_counted(const struct group_choice *choice, int reduction) {
    return choice->unroll[reduction] <= 1 && !choice->split[reduction] &&
           choice->vector_reduction != reduction && choice->accumulators <= 1;
}

/* How many kinds of blocks a split reduction has: the first starts from zero, the others from
 * memory; a shorter last one is a kind of its own if its trips are written out in parts. */
static int64_t classes_of_split(const struct group *group, const struct group_choice *choice,
                                int reduction) {
    if (!choice->split[reduction])
        return 1;
    return 2 + (group->reductions[reduction].extent % choice->split[reduction] != 0 &&
                choice->unroll[reduction] > 1);
}

/* Of all kinds of tiles, be there code for each or not. */
static int64_t count_kinds(const struct group *group, const struct group_choice *choice) {
    int64_t variants = 1;
    for (int i = 0; i < group->axis_count; i++)
        if (!is_inner(group, choice, i))
            variants *= classes_along(group, choice, i);
    for (int i = 0; i < group->reduction_count; i++)
        variants *= classes_of_split(group, choice, i);
    if (choice->is_ragged && !is_counted(choice, choice->longest))
        variants *= 2;
    return variants;
}

bool space_computes_borders(const struct group *group, const struct group_choice *choice) {
    return group->computes_borders && count_kinds(group, choice) > SPACE_MAX_VARIANTS;
}

int64_t space_variants(const struct group *group, const struct group_choice *choice) {
    int64_t variants = count_kinds(group, choice);
    return group->computes_borders && variants > SPACE_MAX_VARIANTS ? SPACE_MAX_VARIANTS : variants;
}

/* Into how many pieces a border breaks the code of a tile that meets it: a counted loop whose trips
 * leave out different elements of the tile falls apart, an unrolled one does not. */
static double pieces_at_border(const struct group *group, const struct group_choice *choice,
                               int axis) {
    for (int i = 0; i < group->reduction_count; i++)
        if (group->axes[axis].border_reductions >> i & 1 &&
            choice->unroll[i] < group->reductions[i].extent)
            return 2;
    return 1;
}

/* The code of all kinds of tiles along an axis, in tiles: a rest has less than a whole one. */
static double code_along(const struct group *group, const struct group_choice *choice, int number) {
    const struct group_axis *axis = &group->axes[number];
    double tile = (double)choice->tile[number], tiles = ceil((double)axis->extent / tile);
    double rest = (double)(axis->extent % choice->tile[number]) / tile, pieces, low, high;
    if (is_bounds(group, choice, number))
        return 1;
    pieces = pieces_at_border(group, choice, number);
    low = ceil((double)axis->border_low / tile);
    high = ceil((double)axis->border_high / tile);
    if (tiles == 1)
        return 1 + (pieces - 1) * ((low > 0) + (high > 0));
    if (rest > 0) /* the last of the tiles is a rest, at a border or not */
        return fmin(tiles,
                    1 + low * pieces + fmax(0, high - 1) * pieces + rest * (high > 0 ? pieces : 1));
    return fmin(tiles, 1 + (low + high)) + (pieces - 1) * fmin(tiles, low + high);
}

double space_code_share(const struct group *group, const struct group_choice *choice) {
    double share = 1;
    if (space_computes_borders(group, choice))
        return 1;
    for (int i = 0; i < group->axis_count; i++)
        if (!is_inner(group, choice, i))
            share *= code_along(group, choice, i);
    for (int i = 0; i < group->reduction_count; i++)
        share *= (double)classes_of_split(group, choice, i);
    if (choice->is_ragged && !is_counted(choice, choice->longest))
        share *= 2;
    return share;
}

int64_t space_inner_classes(const struct group *group, const struct group_choice *choice,
                            int axis) {
    return is_inner(group, choice, axis) ? classes_along(group, choice, axis) : 1;
}
