/* The analytic model behind defaults: what a register tile costs before anything is compiled.
 *
 * One trip of the reduction takes as long as the busiest of: the multiply-adds, the loads, and the
 * latency of one accumulation. A tile takes that times its trips, plus its stores. Ragged edges run
 * smaller tiles: full and rest along each axis are counted on their own. */
#include "schedules/footprint.h"
#include "schedules/space_private.h"

#include <math.h>

/* Loads that the multiply-adds hide cost something all the same: some miss the first cache. */
#define LOAD_SHARE 0.25

/* A load that lies in two cache lines is two for the machine; most of an unaligned row's are. */
#define UNALIGNED_LOADS 1.6

/* Two vectors into one: two exchanges and what combines. */
#define HALVING_CYCLES 1.0

/* Stores to parts of a line, which come back to it later. */
#define PART_OF_LINE 1.25

/* A variant costs branches and code that is not in the cache, a row that lies apart a line and
 * perhaps a page of its own. */
#define VARIANT_SHARE 0.01
#define STREAM_SHARE  0.004

/* Masks that a tile computes take about as long as the arithmetic that they are for. */
#define COMPUTED_BORDERS 2.0

enum {
    TILE_OVERHEAD_CYCLES = 16,
    TRIP_OVERHEAD_CYCLES = 1, /* of a loop in the code */
    MOST_INNER_LOOPS = 2,
    SCALAR_ACCESS_CYCLES = 1,
    PICK_LOADS = 1, /* that a pick costs as much as */
    TRANSPOSED_ROW_CYCLES = 1,
    CONFLICT_CYCLES = 8,
    ACROSS_LANES_CYCLES = 4,
    PART_LANES = 4,    /* among which lanes are exchanged easily */
    LINE_ELEMENTS = 16 /* a cache line of f32 */
};

int space_lanes(const struct space *space) {
    return space->target.vector_bytes / data_types[TYPE_F32].bytes;
}

int64_t space_vector_tile(const struct space *space, const struct group *group, int axis,
                          int64_t vectors) {
    int64_t tile = vectors * space_lanes(space), alignment = group->axes[axis].alignment;
    int64_t block = group->axes[axis].output_block;
    if (block && block % space_lanes(space) != 0) /* no vector may lie in two blocks */
        alignment = block;
    if (tile > group->axes[axis].extent)
        tile = group->axes[axis].extent;
    if (alignment && tile > alignment)
        tile = alignment;
    while (alignment && alignment % tile)
        tile--;
    return tile;
}

int64_t space_lane_trips(const struct space *space, const struct group *group, int reduction,
                         int64_t vectors) {
    int64_t trips = vectors * space_lanes(space), extent = group->reductions[reduction].extent;
    return trips < extent ? trips : extent;
}

void space_choose_vector(int number, struct group_choice *choice) {
    choice->vector = number < FIRST_REDUCTION ? number : -1;
    choice->vector_reduction = number < FIRST_REDUCTION ? -1 : number - FIRST_REDUCTION;
}

bool space_can_pack(const struct group *group, const struct group_read *read, int axis) {
    (void)group;
    for (int i = 0; read->is_parameter && i < read->tensor->rank; i++)
        if (read->axis_of[i] == axis)
            return true;
    return false;
}

bool space_gathers(const struct group *group, const struct group_read *read, int axis) {
    int64_t stride = read->strides[axis];
    return stride != 0 && stride != 1 && stride != 2 && stride != 4 &&
           !space_can_pack(group, read, axis);
}

/* Whether the lines that a tile stores to along the vector axis, a constant stride apart, are more
 * in one set of the first cache than it has ways: each store then waits for its line. */
static bool stores_conflict(const struct space *space, const struct group *group,
                            const struct group_choice *choice, const int64_t *tile) {
    const struct cache_description *cache = &space->target.caches[0];
    int64_t stride = group->axes[choice->vector].output_stride;
    if (cache->bytes <= 0 || cache->ways <= 0 || stride == STRIDE_NONLINEAR)
        return false;
    stride *= data_types[TYPE_F32].bytes;
    return tile[choice->vector] > cache_places(cache, stride) * cache->ways;
}

static bool writes_parts_of_lines(const struct group *group, const struct group_choice *choice,
                                  const int64_t *tile) {
    for (int i = 0; i < group->axis_count; i++)
        if (i != choice->vector && group->axes[i].output_stride == 1)
            return tile[i] < LINE_ELEMENTS;
    return true;
}

/* Lanes of `rows` reduced vectors combined: alone, or, where results lie side by side, each time
 * two vectors into one (ir/gather_reductions.c). */
static double across_lanes_cycles(const struct space *space, const struct group *group,
                                  const int64_t *tile, double rows) {
    int64_t lanes = space_lanes(space), beside = 1, steps = 0;
    for (int i = 0; i < group->axis_count; i++)
        if (group->axes[i].output_stride == 1)
            beside = tile[i];
    if (beside < 2)
        return rows * ACROSS_LANES_CYCLES;
    for (int64_t first = 0; first < beside; first += lanes) {
        int64_t left = beside - first < lanes ? beside - first : lanes;
        int64_t parts = (left + PART_LANES - 1) / PART_LANES;
        steps += (left < PART_LANES ? left : PART_LANES) * (parts > 2 ? 3 : lanes / 8) + 3;
    }
    return rows / (double)beside * (double)steps * HALVING_CYCLES;
}

/* Cycles from the accumulators to memory. Lanes that are apart in the result are stored one by one,
 * or, where the stores say so, transposed in registers first: some exchanges a row. */
static double store_cycles(const struct space *space, const struct group *group,
                           const struct group_choice *choice, const int64_t *tile,
                           const struct tile_bound *bound) {
    const struct target_description *target = &space->target;
    double accumulators = (double)bound->accumulators, conflict, store;
    int v = choice->vector;
    if (choice->vector_reduction >= 0)
        return accumulators / target->fma_per_cycle +
               across_lanes_cycles(space, group, tile, bound->stores);
    if (v < 0 || group->axes[v].output_stride == 1)
        return bound->stores / target->stores_per_cycle;
    conflict = stores_conflict(space, group, choice, tile) ? CONFLICT_CYCLES : 0;
    if (bound->stores >= accumulators * space_lanes(space))
        return bound->stores * (SCALAR_ACCESS_CYCLES + conflict);
    store = 1.0 / target->stores_per_cycle + conflict;
    if (writes_parts_of_lines(group, choice, tile))
        store *= PART_OF_LINE;
    return bound->stores * store + accumulators * TRANSPOSED_ROW_CYCLES;
}

/* Whether each trip of the reduction goes through all tiles, whose elements wait in memory. */
static bool is_accumulated_in_memory(const struct group *group, const struct group_choice *choice) {
    for (int i = 0; i < group->reduction_count; i++)
        if (choice->split[i] == 1)
            return true;
    return false;
}

static double tile_cycles(const struct space *space, const struct group *group,
                          const struct group_choice *choice, const int64_t *tile) {
    const struct target_description *target = &space->target;
    double passes = 1, instances, loads, stores, step;
    struct tile_bound bound;
    instances = space_bound_slots(space, group, choice, tile, &bound);
    loads = bound.loads + PICK_LOADS * bound.picks + (UNALIGNED_LOADS - 1) * bound.unaligned_loads;
    step = tile_issue_cycles(target, fmax(bound.products, instances), loads, 0);
    if (is_accumulated_in_memory(group, choice))
        step = fmax(step, (loads + (double)bound.accumulators) / target->loads_per_cycle);
    else
        step = fmax(step, bound.chain);
    step += LOAD_SHARE * loads / target->loads_per_cycle;
    stores = store_cycles(space, group, choice, tile, &bound);
    if (choice->accumulators > 1) /* what makes one result of them */
        stores += fmax((double)bound.accumulators / target->fma_per_cycle,
                       (double)(choice->accumulators * target->fma_latency));
    for (int i = 0; i < group->reduction_count; i++)
        if (choice->split[i])
            passes *=
                (double)((group->reductions[i].extent + choice->split[i] - 1) / choice->split[i]);
    if (is_accumulated_in_memory(group, choice))
        return passes * (fmax(step * bound.trips, stores) + TRIP_OVERHEAD_CYCLES);
    /* Each pass over a part of the reduction but the first takes up what the one before stored. */
    return passes * (step * bound.trips + stores +
                     (choice->inner_loops ? TRIP_OVERHEAD_CYCLES : TILE_OVERHEAD_CYCLES)) +
           (passes - 1) * stores;
}

int space_inner_loops(const struct group *group, int threads) {
    int loops = threads > 1 ? -1 : 0;
    for (int i = 0; i < group->axis_count; i++)
        loops += group->axes[i].extent > 1;
    if (group->fused || group->keeps_loops_outside || !space_is_moving(group) || loops < 0)
        return 0;
    return loops < MOST_INNER_LOOPS ? loops : MOST_INNER_LOOPS;
}

/* Adds up full tiles and rests along the axes from `axis` on. */
static double sum_tiles(const struct space *space, const struct group *group,
                        const struct group_choice *choice, int axis, int64_t *tile, double count) {
    int64_t extent, full, rest;
    double cycles = 0;
    if (axis == group->axis_count)
        return count * tile_cycles(space, group, choice, tile);
    extent = group->axes[axis].extent;
    full = extent / choice->tile[axis];
    rest = extent % choice->tile[axis];
    tile[axis] = choice->tile[axis];
    if (full)
        cycles += sum_tiles(space, group, choice, axis + 1, tile, count * (double)full);
    tile[axis] = rest;
    if (rest)
        cycles += sum_tiles(space, group, choice, axis + 1, tile, count);
    return cycles;
}

/* Rows of the tile that lie far apart in memory, in all that is read and written. */
static double count_streams(const struct group *group, const struct group_choice *choice) {
    double streams = 0;
    for (int i = -1; i < group->read_count; i++) {
        double rows = 1;
        for (int j = 0; j < group->axis_count; j++) {
            int64_t stride = i < 0 ? group->axes[j].output_stride : group->reads[i].strides[j];
            if (j != choice->vector && (stride >= LINE_ELEMENTS || stride == STRIDE_NONLINEAR))
                rows *= (double)choice->tile[j];
        }
        streams += rows;
    }
    return streams;
}

double space_estimate(const struct space *space, const struct group *group,
                      const struct group_choice *choice, const struct tile_bound *bound) {
    int64_t tile[MAX_RANK] = {0};
    if (space_check_bound(space, bound, NULL) != DLT_OK)
        return INFINITY;
    return sum_tiles(space, group, choice, 0, tile, 1) *
               (space_computes_borders(group, choice) ? COMPUTED_BORDERS : 1) *
               (1 + VARIANT_SHARE * (double)(bound->variants - 1) +
                STREAM_SHARE * count_streams(group, choice)) +
           space_late_cycles(space, group, choice);
}
