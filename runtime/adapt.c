/* What the bests of near workloads say of one that is not stored: points of its space, the most
 * promising first; see runtime.h.
 *
 * Each knob of a neighbour's best takes the nearest choice that there is here. A register tile that
 * fitted there may leave ragged edges here, and then the default is better: such points fall out by
 * what the model says of tiles. Of the others the nearest neighbour's comes first, since measuring
 * told what the model does not know: how the caches like it. */
#include "runtime/runtime.h"

#include <string.h>

/* So many times the cycles of the default's tiles may those of an adapted point take. */
#define WORST_TILES 1.05

static bool is_known(const struct adapted_points *points, const struct space *space,
                     const int *point) {
    for (int i = 0; i < points->count; i++)
        if (memcmp(points->all[i].point, point, sizeof *point * (size_t)space->knob_count) == 0)
            return true;
    return false;
}

static void enter(struct adapted_points *points, const struct space *space, const int *point,
                  int from, double most_cycles) {
    struct adapted_point *entered = &points->all[points->count];
    if (is_known(points, space, point) || space_check(space, point, NULL) != DLT_OK ||
        space_tile_cycles(space, point) > most_cycles)
        return;
    memcpy(entered->point, point, sizeof *point * (size_t)space->knob_count);
    entered->from = from;
    points->count++;
}

void adapt_points(const struct space *space, const struct near_records *near,
                  struct adapted_points *points) {
    int point[MAX_KNOBS] = {0};
    double most_cycles = WORST_TILES * space_tile_cycles(space, point);
    points->count = 0;
    for (int i = 0; i < near->count; i++) {
        if (!*near->all[i].record.knobs)
            continue;
        space_parse_point(space, near->all[i].record.knobs, point);
        space_canonicalise(space, point);
        enter(points, space, point, i, most_cycles);
    }
}
