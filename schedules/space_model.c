/* The analytic model behind defaults: what a register tile costs before anything is compiled.
 *
 * One trip of the reduction takes as long as the busiest of: the multiply-adds, the loads, and the
 * latency of one accumulation. A tile takes that times its trips, plus its stores. Ragged edges run
 * smaller tiles: full and rest along each axis are counted on their own. */
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
    TRANSPOSING_OPERATIONS = 3,
    SCALAR_ACCESS_CYCLES = 1,
    PICK_LOADS = 3, /* every second element: two loads and a pick that costs as much as a third */
    TRANSPOSED_ROW_CYCLES = 1,
    CONFLICT_CYCLES = 8,
    ACROSS_LANES_CYCLES = 4,
    WINDOW = 7,       /* reductions up to this are taken to be written out */
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

static int64_t vectors_of(const struct space *space, int64_t extent) {
    int lanes = space_lanes(space);
    return (extent + lanes - 1) / lanes;
}

/* Rows of a window overlap: with the window's trips along them written out, T rows of the tile and
 * R of the window load T + R - 1 rows, not T * R, if they fit into registers beside the
 * accumulators. */
static double window_share(const struct space *space, const struct group *group,
                           const struct group_read *read, const struct group_choice *choice,
                           const int64_t *tile, double accumulators) {
    double share = 1;
    for (int i = 0; i < group->axis_count; i++)
        for (int r = 0; r < group->reduction_count; r++) {
            double rows = (double)tile[i], trips = (double)group->reductions[r].extent;
            bool written_out = choice->unroll[r] == 0 || choice->unroll[r] >= trips;
            if (i != choice->vector && rows > 1 && trips > 1 && trips <= WINDOW && written_out &&
                read->strides[i] != 0 && read->strides[i] == read->reduction_strides[r] &&
                accumulators + rows + 2 <= space->target.vector_registers)
                share *= (rows + trips - 1) / (rows * trips);
        }
    return share;
}

/* Whether vectors of this read begin anywhere in a cache line, so that most lie in two. */
static bool is_unaligned(const struct space *space, const struct group *group,
                         const struct group_read *read, int axis) {
    int lanes = space_lanes(space);
    if (space_can_pack(group, read, axis) && read->is_parameter)
        return false;
    for (int i = 0; i < group->axis_count; i++)
        if (i != axis && read->strides[i] % lanes != 0)
            return true;
    for (int r = 0; r < group->reduction_count; r++)
        if (read->reduction_strides[r] % lanes != 0 && group->reductions[r].extent > 1)
            return true;
    return false;
}

/* What one trip of the reduction loads for this read, in vector loads. */
static double loads_of(const struct space *space, const struct group *group,
                       const struct group_read *read, const struct group_choice *choice,
                       const int64_t *tile, double accumulators) {
    double loads = window_share(space, group, read, choice, tile, accumulators);
    int v = choice->vector, r = choice->vector_reduction;
    if (r >= 0 && read->reduction_strides[r] != 0)
        loads *= (double)vectors_of(space, choice->lane_trips);
    for (int i = 0; i < group->axis_count; i++)
        if (i != v && read->strides[i] != 0)
            loads *= (double)tile[i];
    if (v >= 0 && read->strides[v] != 0) {
        bool contiguous = read->strides[v] == 1 || space_can_pack(group, read, v);
        loads *= (double)vectors_of(space, tile[v]);
        if (space_gathers(group, read, v))
            loads *= space_lanes(space) * SCALAR_ACCESS_CYCLES;
        else if (!contiguous)
            loads *= PICK_LOADS;
        else if (is_unaligned(space, group, read, v))
            loads *= UNALIGNED_LOADS;
    }
    return loads;
}

/* Whether the lines that a tile stores to along the vector axis, a constant stride apart, are more
 * in one set of the first cache than it has ways: each store then waits for its line. */
static bool stores_conflict(const struct space *space, const struct group *group,
                            const struct group_choice *choice, const int64_t *tile) {
    const struct cache_description *cache = &space->target.caches[0];
    int64_t stride = group->axes[choice->vector].output_stride * data_types[TYPE_F32].bytes;
    int64_t span, sets;
    if (cache->bytes <= 0 || cache->ways <= 0)
        return false;
    span = cache->bytes / cache->ways; /* addresses so far apart share a set */
    for (sets = 1; sets < tile[choice->vector] && stride * sets % span;)
        sets++;
    return tile[choice->vector] > sets * cache->ways;
}

/* Stores of `accumulators` vectors whose lanes are not contiguous in the result. Where the tile has
 * several elements along the contiguous axis, they are rows of a matrix that is transposed in
 * registers: some exchanges a row, then one store a lane and as many elements as there are rows. */
static double strided_stores(const struct space *space, const struct group *group,
                             const struct group_choice *choice, const int64_t *tile,
                             double accumulators) {
    int64_t lanes = space_lanes(space), rows = 1;
    double conflict = stores_conflict(space, group, choice, tile) ? CONFLICT_CYCLES : 0;
    for (int i = 0; i < group->axis_count; i++)
        if (i != choice->vector && group->axes[i].output_stride == 1)
            rows = tile[i];
    if (rows == 1)
        return accumulators * (double)lanes * (SCALAR_ACCESS_CYCLES + conflict);
    return accumulators / (double)rows *
           ((double)(vectors_of(space, rows) * lanes) *
                (1.0 / space->target.stores_per_cycle + conflict) +
            (double)rows * TRANSPOSED_ROW_CYCLES);
}

static double tile_cycles(const struct space *space, const struct group *group,
                          const struct group_choice *choice, const int64_t *tile) {
    const struct target_description *target = &space->target;
    double accumulators = 1, loads = 0, trips = 1, passes = 1, stores, step;
    int v = choice->vector;
    for (int i = 0; i < group->axis_count; i++)
        accumulators *= (double)(i == v ? vectors_of(space, tile[i]) : tile[i]);
    for (int i = 0; i < group->read_count; i++)
        loads += loads_of(space, group, &group->reads[i], choice, tile, accumulators);
    for (int i = 0; i < group->reduction_count; i++)
        trips *= (double)group->reductions[i].extent;
    if (choice->vector_reduction >= 0) {
        int64_t extent = group->reductions[choice->vector_reduction].extent;
        accumulators *= (double)vectors_of(space, choice->lane_trips);
        trips *= (double)((extent + choice->lane_trips - 1) / choice->lane_trips) / (double)extent;
    }
    step = fmax(accumulators / target->fma_per_cycle, loads / target->loads_per_cycle);
    if (group->reduction_count)
        step = fmax(step, target->fma_latency);
    step += LOAD_SHARE * loads / target->loads_per_cycle;
    stores = accumulators / target->stores_per_cycle;
    if (choice->vector_reduction >= 0)
        stores = accumulators / target->fma_per_cycle +
                 accumulators / (double)vectors_of(space, choice->lane_trips) * ACROSS_LANES_CYCLES;
    if (v >= 0 && group->axes[v].output_stride != 1)
        stores = strided_stores(space, group, choice, tile, accumulators);
    for (int i = 0; i < group->reduction_count; i++)
        if (choice->split[i])
            passes *=
                (double)((group->reductions[i].extent + choice->split[i] - 1) / choice->split[i]);
    /* Each pass over a part of the reduction but the first takes up what the one before stored. */
    return step * trips +
           passes * (stores + (choice->inner_loops ? TRIP_OVERHEAD_CYCLES : TILE_OVERHEAD_CYCLES)) +
           (passes - 1) * stores;
}

static bool gathers_any(const struct group *group, const struct group_choice *choice) {
    for (int i = 0; choice->vector >= 0 && i < group->read_count; i++) {
        int64_t stride = group->reads[i].strides[choice->vector];
        if (stride != 0 && stride != 1 && !space_can_pack(group, &group->reads[i], choice->vector))
            return true;
    }
    return false;
}

int64_t space_registers(const struct space *space, const struct group *group,
                        const struct group_choice *choice) {
    int64_t vectors = 1, rows = 1;
    for (int i = 0; i < group->axis_count; i++) {
        if (i == choice->vector)
            vectors = vectors_of(space, choice->tile[i]);
        else
            rows *= choice->tile[i];
    }
    if (!group->reduction_count)
        return 4 + group->temporaries;
    if (choice->vector_reduction >= 0)
        vectors = vectors_of(space, choice->lane_trips);
    /* Accumulators, one row of vector operands that all rows share, one broadcast; a gather holds
     * the indices of its lanes. */
    return rows * vectors + (rows > 1 ? vectors : 1) + 1 + (gathers_any(group, choice) ? 2 : 0) +
           group->temporaries;
}

/* A border that a serial reduction meets alone becomes that loop's bounds: one class. */
static bool is_bounds(const struct group *group, const struct group_choice *choice, int axis) {
    if (choice->tile[axis] > 1 || axis == choice->vector || !group->axes[axis].borders_serially)
        return false;
    for (int i = 0; i < group->reduction_count; i++)
        if (group->axes[axis].border_reductions >> i & 1 && choice->unroll[i] > 1)
            return false;
    return true;
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

int64_t space_variants(const struct group *group, const struct group_choice *choice) {
    int64_t variants = 1;
    for (int i = 0; i < group->axis_count; i++)
        if (!is_inner(group, choice, i))
            variants *= classes_along(group, choice, i);
    for (int i = 0; i < group->reduction_count; i++)
        if (choice->split[i]) /* the first block starts from zero, the others from memory */
            variants *= 2;
    return variants;
}

/* Whether rows of the tile are columns in memory: in registers each is exchanged a few times. */
static bool is_transposed(const struct group *group, const struct group_choice *choice) {
    int v = choice->vector;
    return v >= 0 && !group->reduction_count &&
           (group->axes[v].output_stride != 1 || gathers_any(group, choice));
}

int64_t space_code(const struct space *space, const struct group *group,
                   const struct group_choice *choice) {
    int64_t instances = 1, trips = 1, operations = group->operations;
    if (choice->vector_reduction >= 0)
        instances = vectors_of(space, choice->lane_trips);
    for (int i = 0; i < group->axis_count; i++)
        instances *= i == choice->vector ? vectors_of(space, choice->tile[i]) : choice->tile[i];
    for (int i = 0; i < group->reduction_count; i++)
        trips *= choice->unroll[i] ? choice->unroll[i] : 1;
    for (int i = 0; i < group->axis_count; i++)
        if (is_inner(group, choice, i))
            instances *= classes_along(group, choice, i);
    if (is_transposed(group, choice))
        operations += TRANSPOSING_OPERATIONS;
    if (group->reduction_count) /* a product and a sum are one; most loads are shared */
        operations = operations > 3 ? operations - 2 : 1;
    return instances * (trips * operations * 3 / 2 + group->epilogue_operations + 2) *
           space->target.instruction_bytes;
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
        (is_transposed(group, choice) && elements > (double)space->target.caches[1].bytes))
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
                      const struct group_choice *choice) {
    int64_t tile[MAX_RANK] = {0};
    if (space_registers(space, group, choice) > space->target.vector_registers ||
        space_variants(group, choice) > SPACE_MAX_VARIANTS ||
        space_code(space, group, choice) > space->target.code_bytes ||
        space_code(space, group, choice) * space_variants(group, choice) >
            (int64_t)SPACE_CODE_OF_ALL * space->target.code_bytes)
        return INFINITY;
    return sum_tiles(space, group, choice, 0, tile, 1) *
               (1 + VARIANT_SHARE * (double)(space_variants(group, choice) - 1) +
                STREAM_SHARE * count_streams(group, choice)) +
           space_late_cycles(space, group, choice);
}
