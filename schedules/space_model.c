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

/* A variant costs branches and code that is not in the cache, a row that lies apart a line and
 * perhaps a page of its own. */
#define VARIANT_SHARE 0.01
#define STREAM_SHARE  0.004

/* Elements read once: where a tensor has at least so many for each trip of all loops. A line that
 * was not fetched ahead takes longer from the second cache. */
#define LEAST_SHARE_ONCE 0.75
#define LATE_LINE_CYCLES 0.7
#define SHORT_RUN_BYTES  512.0
#define LONG_RUN_BYTES   2048.0

enum {
    LINE_BYTES = 64,
    TILE_OVERHEAD_CYCLES = 16,
    TRIP_OVERHEAD_CYCLES = 1, /* of a loop in the code */
    MOST_INNER_LOOPS = 2,
    SCALAR_ACCESS_CYCLES = 1,
    PICK_LOADS = 1, /* that a pick costs as much as */
    TRANSPOSED_ROW_CYCLES = 1,
    CONFLICT_CYCLES = 8,
    ACROSS_LANES_CYCLES = 4,
    FAR_ELEMENTS = 16 /* a cache line of f32 */
};

int space_lanes(const struct space *space) {
    return space->target.vector_bytes / data_types[TYPE_F32].bytes;
}

int64_t space_vector_tile(const struct space *space, const struct group *group, int axis,
                          int64_t vectors) {
    int64_t tile = vectors * space_lanes(space), alignment = group->axes[axis].alignment;
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
    return stride != 0 && stride != 1 && stride != 2 && !space_can_pack(group, read, axis);
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

/* Cycles from the accumulators to memory. Lanes that are apart in the result are stored one by one,
 * or, where the stores say so, transposed in registers first: some exchanges a row. */
static double store_cycles(const struct space *space, const struct group *group,
                           const struct group_choice *choice, const int64_t *tile,
                           const struct tile_bound *bound) {
    const struct target_description *target = &space->target;
    double accumulators = (double)bound->accumulators, conflict;
    int v = choice->vector;
    if (choice->vector_reduction >= 0)
        return accumulators / target->fma_per_cycle +
               bound->stores * ACROSS_LANES_CYCLES;
    if (v < 0 || group->axes[v].output_stride == 1)
        return bound->stores / target->stores_per_cycle;
    conflict = stores_conflict(space, group, choice, tile) ? CONFLICT_CYCLES : 0;
    if (bound->stores >= accumulators * space_lanes(space))
        return bound->stores * (SCALAR_ACCESS_CYCLES + conflict);
    return bound->stores * (1.0 / target->stores_per_cycle + conflict) +
           accumulators * TRANSPOSED_ROW_CYCLES;
}

static double tile_cycles(const struct space *space, const struct group *group,
                          const struct group_choice *choice, const int64_t *tile) {
    const struct target_description *target = &space->target;
    double passes = 1, instances, loads, stores, step;
    struct tile_bound bound;
    instances = space_bound_slots(space, group, choice, tile, &bound);
    loads = bound.loads + PICK_LOADS * bound.picks + (UNALIGNED_LOADS - 1) * bound.unaligned_loads;
    step = tile_issue_cycles(target, fmax(bound.products, instances), loads, 0);
    step = fmax(step, bound.chain) + LOAD_SHARE * loads / target->loads_per_cycle;
    stores = store_cycles(space, group, choice, tile, &bound);
    for (int i = 0; i < group->reduction_count; i++)
        if (choice->split[i])
            passes *=
                (double)((group->reductions[i].extent + choice->split[i] - 1) / choice->split[i]);
    /* Each pass over a part of the reduction but the first takes up what the one before stored. */
    return passes * (step * bound.trips + stores +
                     (choice->inner_loops ? TRIP_OVERHEAD_CYCLES : TILE_OVERHEAD_CYCLES)) +
           (passes - 1) * stores;
}

/* ---- what is moved once ---- */

static double trips_of(const struct group *group) {
    double trips = 1;
    for (int i = 0; i < group->axis_count; i++)
        trips *= (double)group->axes[i].extent;
    for (int i = 0; i < group->reduction_count; i++)
        trips *= (double)group->reductions[i].extent;
    return trips;
}

static double elements_of(const struct tensor *tensor) {
    double elements = 1;
    for (int i = 0; i < tensor->rank; i++)
        elements *= (double)tensor->axes[i]->extent;
    return elements;
}

/* Whether most of what it does is to read something once, or to write it. */
static bool is_moving(const struct group *group) {
    for (int i = 0; i < group->read_count; i++)
        if (elements_of(group->reads[i].tensor) >= trips_of(group) * LEAST_SHARE_ONCE)
            return true;
    return group->reduction_count == 0;
}

int space_inner_loops(const struct space *space, const struct group *group) {
    int loops = space->threads > 1 ? -1 : 0;
    for (int i = 0; i < group->axis_count; i++)
        loops += group->axes[i].extent > 1;
    if (group->fused || !is_moving(group) || loops < 0)
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

/* ---- lines that come late ---- */

/* The share of a run's lines that come late: 1 for short runs, 0 for long ones. */
static double late_share(double run_bytes) {
    return fmin(1, fmax(0, (LONG_RUN_BYTES - run_bytes) / (LONG_RUN_BYTES - SHORT_RUN_BYTES)));
}

/* Lines of one access that come late. What lies side by side along the vector axis is one run if no
 * other row is visited before the next vectors of this one. */
static double late_lines(const struct group *group, const struct group_choice *choice,
                         const int64_t *strides, const int64_t *reduction_strides) {
    double lines = trips_of(group) * data_types[TYPE_F32].bytes / LINE_BYTES;
    int v = choice->vector, r = choice->vector_reduction;
    int64_t width = v >= 0 ? choice->tile[v] : r >= 0 ? choice->lane_trips : 1;
    bool leaves = false;
    if (v >= 0 ? strides[v] != 1 : r < 0 || !reduction_strides || reduction_strides[r] != 1)
        return lines;
    for (int i = 0; i < group->axis_count; i++)
        leaves |= i != v && choice->tile[i] > 1 && strides[i] != 0;
    for (int i = 0; reduction_strides && i < group->reduction_count; i++)
        leaves |= i != r && group->reductions[i].extent > 1 && reduction_strides[i] != 0;
    return leaves ? lines * late_share((double)(width * data_types[TYPE_F32].bytes)) : 0;
}

/* Cycles lost where each element is read once and the next line is not the one that the cache
 * fetches ahead. What fits the first cache is there; from
 * memory a transposed tile gets whole pages of lines in any order. */
double space_late_cycles(const struct space *space, const struct group *group,
                         const struct group_choice *choice) {
    double once = trips_of(group) * LEAST_SHARE_ONCE, lines = 0, elements = 0;
    for (int i = 0; i < group->read_count; i++) {
        const struct group_read *read = &group->reads[i];
        if (read->is_parameter || elements_of(read->tensor) < once)
            continue;
        elements += elements_of(read->tensor);
        lines += late_lines(group, choice, read->strides, read->reduction_strides);
    }
    if (elements > 0 && group->reduction_count == 0) {
        int64_t strides[MAX_RANK];
        for (int i = 0; i < group->axis_count; i++)
            strides[i] = group->axes[i].output_stride;
        elements += elements_of(group->outer);
        lines += late_lines(group, choice, strides, NULL);
    }
    elements *= data_types[TYPE_F32].bytes;
    if (elements <= (double)space->target.caches[0].bytes ||
        (space_transposes(group, choice) && elements > (double)space->target.caches[1].bytes))
        return 0;
    return lines * LATE_LINE_CYCLES;
}

/* Rows of the tile that lie far apart in memory, in all that is read and written. */
static double count_streams(const struct group *group, const struct group_choice *choice) {
    double streams = 0;
    for (int i = -1; i < group->read_count; i++) {
        double rows = 1;
        for (int j = 0; j < group->axis_count; j++) {
            int64_t stride = i < 0 ? group->axes[j].output_stride : group->reads[i].strides[j];
            if (j != choice->vector && (stride >= FAR_ELEMENTS || stride == STRIDE_NONLINEAR))
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
               (1 + VARIANT_SHARE * (double)(bound->variants - 1) +
                STREAM_SHARE * count_streams(group, choice)) +
           space_late_cycles(space, group, choice);
}
