/* Counting what a tile keeps busy; see tile_bound.h. */
#include "schedules/footprint.h"
#include "schedules/space_private.h"

#include <math.h>

enum {
    TRANSPOSING_OPERATIONS = 3,
    PICK_REGISTERS = 2,
    LANE_INSTRUCTIONS = 2, /* to load or store one lane alone */
};

/* Tells neighbours at no constant distance from all others. */
#define APART (INT64_C(1) << 40)

double tile_issue_cycles(const struct target_description *target, double products, double loads,
                         double stores) {
    return fmax(products / target->fma_per_cycle,
                fmax(loads / target->loads_per_cycle, stores / target->stores_per_cycle));
}

int64_t space_vectors(const struct space *space, int64_t extent) {
    int lanes = space_lanes(space);
    return (extent + lanes - 1) / lanes;
}

/* ---- loads ---- */

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

/* How a tile reads a tensor: for each of its loops how far that moves the loads. Two places that
 * are the same for both fit into one load if they are one element apart and every second is
 * read. */
struct reading {
    const struct space *space;
    const struct group *group;
    const struct group_choice *choice;
    const struct group_read *read;
    struct footprint footprint; /* of the loops added so far */
    double loads;               /* of these; more than distinct ones if registers are too few */
    double free; /* registers that may hold what is loaded until it is needed again */
    bool in_pairs;
};

static double count_distinct(const struct reading *r) {
    double distinct, lines;
    footprint_count(&r->footprint, 1, &distinct, &lines);
    return distinct;
}

/* The loop around those added so far. What its trips have in common is loaded once, as far as there
 * are registers to hold what one trip loads. */
static void add_loop(struct reading *r, int64_t stride, int64_t trips) {
    double apart = r->loads * (double)trips, held;
    if (trips < 2)
        return;
    if (stride == STRIDE_NONLINEAR)
        stride = APART + r->footprint.count;
    if (r->in_pairs && stride == 1) {
        stride = EVERY_SECOND;
        trips = (trips + 1) / EVERY_SECOND;
    }
    held = count_distinct(r);
    if (stride)
        footprint_add(&r->footprint, stride, trips);
    r->loads = apart - (apart - count_distinct(r)) * fmin(1, r->free / held);
}

/* Trips of a reduction that are written out, of which one trip of the counted loops has all. */
static int64_t written_out(const struct group *group, const struct group_choice *choice,
                           int reduction) {
    int64_t trips = choice->unroll[reduction], extent = group->reductions[reduction].extent;
    if (reduction == choice->longest && trips < choice->accumulators)
        trips = choice->accumulators;
    if (reduction == choice->vector_reduction || trips < 1)
        return 1;
    return trips < extent ? trips : extent;
}

static void add_reductions(struct reading *r) {
    const struct group_choice *choice = r->choice;
    for (int j = r->group->reduction_count - 1; j >= 0; j--) {
        int i = choice->reduction_order ? choice->reduction_order[j] : j;
        if (i != choice->vector_reduction)
            add_loop(r, r->read->reduction_strides[i], written_out(r->group, choice, i));
    }
}

/* Innermost loops first. */
static double count_loads(struct reading *r, const int64_t *tile, int64_t step) {
    int v = r->choice->vector, lane = r->choice->vector_reduction;
    r->footprint.count = 0;
    r->loads = 1;
    if (v >= 0)
        add_loop(r, step, space_vectors(r->space, tile[v]));
    if (lane >= 0)
        add_loop(r, r->read->reduction_strides[lane] * space_lanes(r->space),
                 space_vectors(r->space, r->choice->lane_trips));
    for (int i = r->group->axis_count - 1; i >= 0; i--)
        if (i != v)
            add_loop(r, r->read->strides[i], tile[i]);
    add_reductions(r);
    return r->loads;
}

/* Vectors of every second element that wait in registers: those picked from loads that a trip of
 * the reduction shares with the next are all picked in the first of the two. */
static double count_waiting(const struct reading *r, const int64_t *tile) {
    int v = r->choice->vector;
    double waiting = (double)space_vectors(r->space, v >= 0 ? tile[v] : r->choice->lane_trips);
    bool shared = false;
    for (int i = 0; i < r->group->reduction_count; i++)
        shared |= r->read->reduction_strides[i] == 1 && r->choice->unroll[i] > 1;
    for (int i = 0; i < r->group->axis_count; i++)
        if (i != r->choice->vector && r->read->strides[i])
            waiting *= (double)tile[i];
    return shared ? waiting : 0;
}

/* Between lanes that are trips of a reduction, where they are picked; else 0. */
static int64_t picked_stride(const struct reading *r) {
    int lane = r->choice->vector_reduction;
    return lane >= 0 && r->read->reduction_strides[lane] > 1 ? r->read->reduction_strides[lane] : 0;
}

/* `instances`: of the tile, all terms of a trip. */
static void add_loads(struct reading *r, const int64_t *tile, double instances,
                      struct tile_bound *bound) {
    int v = r->choice->vector, lanes = space_lanes(r->space);
    int64_t stride = v >= 0 ? r->read->strides[v] : picked_stride(r);
    bool packed = v >= 0 && stride && space_can_pack(r->group, r->read, v);
    double loads = count_loads(r, tile, packed ? APART : stride * lanes);
    if (stride == EVERY_SECOND && !packed) {
        r->free = fmax(1, r->free - PICK_REGISTERS - count_waiting(r, tile));
        bound->picks += count_loads(r, tile, stride * lanes);
        r->in_pairs = true;
        loads = count_loads(r, tile, stride * lanes) * EVERY_SECOND;
    } else if (stride == EVERY_FOURTH && !packed) { /* picks of picks */
        bound->picks += (EVERY_FOURTH - 1) * loads;
        loads *= EVERY_FOURTH;
    } else if (stride && space_gathers(r->group, r->read, v)) {
        loads *= lanes;
    } else if (stride && loads == instances) { /* each has one use, which reads it itself */
        bound->folded_loads += loads;
    }
    if (stride == 1 && !packed && is_unaligned(r->space, r->group, r->read, v))
        bound->unaligned_loads += loads;
    bound->loads += loads;
}

/* ---- chains and trips ---- */

/* Until a sum's next term can be added. */
static int latency_of(const struct space *space, const struct group *group) {
    const struct tensor *compute = group->compute;
    if (compute->combiner == COMBINE_SUM)
        return compute->body->operation == OP_MULTIPLY ? space->target.fma_latency : SUM_LATENCY;
    return compute->combiner == COMBINE_PRODUCT ? SUM_LATENCY : 1;
}

/* Trips of the tile's counted loops in a call, and terms of each in one of them. */
static void count_trips(const struct group *group, const struct group_choice *choice,
                        struct tile_bound *bound, double *terms) {
    *terms = bound->trips = 1;
    for (int i = 0; i < group->reduction_count; i++) {
        int64_t extent = group->reductions[i].extent, trips = written_out(group, choice, i);
        if (choice->split[i])
            extent = choice->split[i];
        if (i == choice->vector_reduction)
            trips = choice->lane_trips;
        else
            *terms *= (double)trips;
        bound->trips *= ceil((double)extent / (double)trips);
    }
}

/* Of `instances` vectors. Where the tile has several elements along the axis that is contiguous in
 * the result, and its lanes are not, they are rows of a matrix that is transposed in registers. */
static double count_stores(const struct space *space, const struct group *group,
                           const struct group_choice *choice, const int64_t *tile,
                           double instances) {
    int64_t lanes = space_lanes(space), rows = 1;
    if (choice->vector < 0 || group->axes[choice->vector].output_stride == 1)
        return instances;
    for (int i = 0; i < group->axis_count; i++)
        if (i != choice->vector && group->axes[i].output_stride == 1)
            rows = tile[i];
    return instances / (double)rows * (double)(space_vectors(space, rows) * lanes);
}

double space_bound_slots(const struct space *space, const struct group *group,
                         const struct group_choice *choice, const int64_t *tile,
                         struct tile_bound *bound) {
    const struct target_description *target = &space->target;
    double terms, rows = 1, vectors = 1, accumulators, instances;
    *bound = (struct tile_bound){.loads = 0};
    for (int i = 0; i < group->axis_count; i++)
        if (i == choice->vector)
            vectors = (double)space_vectors(space, tile[i]);
        else
            rows *= (double)tile[i];
    bound->stores = count_stores(space, group, choice, tile, rows * vectors);
    if (choice->vector_reduction >= 0)
        vectors = (double)space_vectors(space, choice->lane_trips);
    accumulators = rows * vectors;
    if (choice->vector_reduction >= 0)
        accumulators = rows * fmin(vectors, LANE_ACCUMULATORS);
    if (choice->accumulators > 1)
        accumulators *= (double)choice->accumulators;
    count_trips(group, choice, bound, &terms);
    instances = rows * vectors * terms;
    for (int i = 0; i < group->read_count; i++) {
        const struct group_read *read = &group->reads[i];
        bool along = choice->vector >= 0
                         ? read->strides[choice->vector] != 0
                         : choice->vector_reduction >= 0 &&
                               read->reduction_strides[choice->vector_reduction] != 0;
        struct reading r;
        r.space = space;
        r.group = group;
        r.choice = choice;
        r.read = read;
        r.in_pairs = false;
        r.free =
            fmax(1, target->vector_registers - accumulators - (along || rows < 2 ? 1 : vectors));
        add_loads(&r, tile, instances, bound);
    }
    bound->accumulators = (int64_t)accumulators;
    bound->products = instances * group->products;
    bound->chain =
        group->reduction_count ? ceil(instances / accumulators) * latency_of(space, group) : 0;
    bound->trip_cycles =
        fmax(tile_issue_cycles(target, bound->products, bound->loads, 0), bound->chain);
    bound->cycles = bound->trips * bound->trip_cycles + bound->stores / target->stores_per_cycle;
    return instances;
}

/* ---- registers and code ---- */

static bool gathers_any(const struct group *group, const struct group_choice *choice) {
    for (int i = 0; choice->vector >= 0 && i < group->read_count; i++) {
        int64_t stride = group->reads[i].strides[choice->vector];
        if (stride != 0 && stride != 1 && !space_can_pack(group, &group->reads[i], choice->vector))
            return true;
    }
    return false;
}

/* Accumulators, one row of vector operands that all rows share, one broadcast; a gather holds the
 * indices of its lanes. */
int64_t space_registers(const struct space *space, const struct group *group,
                        const struct group_choice *choice) {
    int64_t vectors = 1, rows = 1;
    for (int i = 0; i < group->axis_count; i++) {
        if (i == choice->vector)
            vectors = space_vectors(space, choice->tile[i]);
        else
            rows *= choice->tile[i];
    }
    if (!group->reduction_count)
        return 4 + group->temporaries;
    if (choice->vector_reduction >= 0)
        vectors = space_vectors(space, choice->lane_trips);
    if (choice->vector_reduction >= 0 && vectors > LANE_ACCUMULATORS)
        vectors = LANE_ACCUMULATORS;
    return rows * vectors * (choice->accumulators > 1 ? choice->accumulators : 1) +
           (rows > 1 ? vectors : 1) + 1 + (gathers_any(group, choice) ? 2 : 0) + group->temporaries;
}

bool space_transposes(const struct group *group, const struct group_choice *choice) {
    int v = choice->vector;
    return v >= 0 && !group->reduction_count &&
           (group->axes[v].output_stride != 1 || gathers_any(group, choice));
}

/* Bytes of one variant: what a trip does, and around it what begins and ends each accumulator. */
static int64_t count_code(const struct space *space, const struct group *group,
                          const struct group_choice *choice, const struct tile_bound *bound,
                          double instances) {
    double accumulators = (double)bound->accumulators, instructions;
    bool alone = bound->stores >= accumulators * space_lanes(space) && space_lanes(space) > 1;
    instructions = instances * group->arithmetic + accumulators * (1 + group->epilogue_operations) +
                   bound->loads - bound->folded_loads + bound->picks +
                   bound->stores * (alone ? LANE_INSTRUCTIONS : 1);
    if (space_transposes(group, choice))
        instructions += accumulators * TRANSPOSING_OPERATIONS;
    for (int i = 0; i < group->axis_count; i++)
        instructions *= (double)space_inner_classes(group, choice, i);
    return (int64_t)instructions * space->target.instruction_bytes;
}

void space_bound_tile(const struct space *space, const struct group *group,
                      const struct group_choice *choice, struct tile_bound *bound) {
    double instances = space_bound_slots(space, group, choice, choice->tile, bound);
    bound->registers = space_registers(space, group, choice);
    bound->is_unlimited = group->is_unlimited;
    bound->variants = space_variants(group, choice);
    bound->code_bytes = count_code(space, group, choice, bound, instances);
    bound->all_code_bytes = (int64_t)((double)bound->code_bytes * space_code_share(group, choice));
}

dlt_status space_check_bound(const struct space *space, const struct tile_bound *bound,
                             struct error *error) {
    const struct target_description *target = &space->target;
    double most = SPACE_CODE_OF_ALL * target->code_bytes;
    if (bound->is_unlimited)
        return DLT_OK;
    if (bound->registers > target->vector_registers)
        return error_set(error, DLT_ERROR_REFUSED, "registers: the tile needs %lld, %s has %d",
                         (long long)bound->registers, target->name, target->vector_registers);
    if (bound->variants > SPACE_MAX_VARIANTS)
        return error_set(error, DLT_ERROR_REFUSED,
                         "borders: the tile needs %lld variants, at most %d are made",
                         (long long)bound->variants, SPACE_MAX_VARIANTS);
    if (bound->code_bytes > target->code_bytes)
        return error_set(error, DLT_ERROR_REFUSED, "code: the tile takes some %lld bytes of %d",
                         (long long)bound->code_bytes, target->code_bytes);
    if ((double)bound->all_code_bytes > most)
        return error_set(error, DLT_ERROR_REFUSED,
                         "code: the tile's %lld variants take some %lld bytes of %.0f",
                         (long long)bound->variants, (long long)bound->all_code_bytes, most);
    return DLT_OK;
}
