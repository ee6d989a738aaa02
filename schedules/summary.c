/* Computing nest summaries; see summary.h.
 *
 * Footprints. An access moves by a constant stride with each loop, so the elements touched by some
 * loops are the sums of stride * counter. Taken by ascending strides, such a set stays a run
 * without holes while each stride is no longer than the run so far, which it lengthens; a longer
 * stride repeats it. */
#include "schedules/summary.h"

#include "schedules/space_private.h"

#include <string.h>

struct summarising {
    const struct space *space;
    const struct group *group;
    struct group_choice choice;
    struct nest_summary *summary;
    int numbers[SUMMARY_LOOPS]; /* of the axis or reduction axis of each loop */
};

int space_nest_count(const struct space *space) {
    const struct space_rules *rules = space->rules;
    return rules->structure.group_count;
}

/* ---- loops ---- */

static void add_loop(struct summarising *s, enum summary_place place, bool is_reduction, int number,
                     int64_t trips, int64_t step) {
    struct nest_summary *summary = s->summary;
    if (trips < 2 || summary->loop_count == SUMMARY_LOOPS)
        return;
    s->numbers[summary->loop_count] = number;
    summary->loops[summary->loop_count++] = (struct summary_loop){
        .axis = is_reduction ? s->group->reductions[number].name : s->group->axes[number].name,
        .place = place,
        .is_reduction = is_reduction,
        .trips = trips,
        .step = step,
    };
}

static int64_t divide_up(int64_t a, int64_t b) {
    return (a + b - 1) / b;
}

static void add_tiles(struct summarising *s, int i) {
    int64_t tiles = divide_up(s->group->axes[i].extent, s->choice.tile[i]);
    add_loop(s, PLACE_TILES, false, i, s->choice.block[i] ? s->choice.block[i] : tiles,
             s->choice.tile[i]);
}

/* With several threads one loop over tiles stands outside the blocks of reductions. */
static void add_outer_loops(struct summarising *s) {
    const struct group_choice *choice = &s->choice;
    int first = s->space->threads > 1 && choice->order_count > 0;
    for (int j = 0; j < choice->order_count; j++) {
        int i = choice->order[j];
        int64_t tiles = divide_up(s->group->axes[i].extent, choice->tile[i]);
        if (choice->block[i])
            add_loop(s, PLACE_BLOCK, false, i, divide_up(tiles, choice->block[i]),
                     choice->block[i] * choice->tile[i]);
    }
    if (first)
        add_tiles(s, choice->order[0]);
    for (int i = 0; i < s->group->reduction_count; i++)
        if (choice->split[i])
            add_loop(s, PLACE_SPLIT, true, i,
                     divide_up(s->group->reductions[i].extent, choice->split[i]), choice->split[i]);
    for (int j = first; j < choice->order_count; j++)
        add_tiles(s, choice->order[j]);
}

static void add_tile_loops(struct summarising *s) {
    const struct group_choice *choice = &s->choice;
    s->summary->tile_depth = s->summary->loop_count;
    for (int pass = 0; pass < 2; pass++)
        for (int j = 0; j < s->group->reduction_count; j++) {
            int i = choice->reduction_order[j];
            int64_t extent = choice->split[i] ? choice->split[i] : s->group->reductions[i].extent;
            int64_t unroll = choice->unroll[i] > 1 ? choice->unroll[i] : 1;
            unroll = unroll < extent ? unroll : extent;
            if (pass == 0)
                add_loop(s, PLACE_REDUCTION, true, i, divide_up(extent, unroll), unroll);
            else
                add_loop(s, PLACE_WRITTEN_OUT, true, i, unroll, 1);
        }
    for (int i = 0; i < s->group->axis_count; i++)
        if (i != choice->vector)
            add_loop(s, PLACE_ROWS, false, i, choice->tile[i], 1);
    if (choice->vector >= 0)
        add_loop(s, PLACE_VECTOR, false, choice->vector, choice->tile[choice->vector], 1);
}

/* ---- strides ---- */

static int64_t plain_stride(int64_t stride, int64_t step) {
    return stride == STRIDE_NONLINEAR ? step : stride * step;
}

/* The strides of a packed tensor's axes: block of a tile outermost, then the axes that are no
 * reductions, then reductions in their order, then the tile. */
static void packed_strides(const struct summarising *s, const struct group_read *read, int packed,
                           int64_t *strides) {
    const struct tensor *tensor = read->tensor;
    int64_t stride = s->choice.tile[read->axis_of[packed]];
    for (int j = s->group->reduction_count - 1; j >= 0; j--)
        for (int i = tensor->rank - 1; i >= 0; i--)
            if (i != packed && read->reduction_of[i] == s->choice.reduction_order[j]) {
                strides[i] = stride;
                stride *= tensor->axes[i]->extent;
            }
    for (int i = tensor->rank - 1; i >= 0; i--)
        if (i != packed && read->reduction_of[i] < 0) {
            strides[i] = stride;
            stride *= tensor->axes[i]->extent;
        }
    strides[packed] = stride;
}

static int64_t packed_stride(const struct summarising *s, const struct group_read *read, int packed,
                             const int64_t *strides, int loop) {
    const struct summary_loop *l = &s->summary->loops[loop];
    int number = s->numbers[loop];
    int64_t sum = 0;
    for (int i = 0; i < read->tensor->rank; i++) {
        int of = l->is_reduction ? read->reduction_of[i] : read->axis_of[i];
        if (of != number)
            continue;
        if (i != packed)
            sum += strides[i] * l->step;
        else if (l->place >= PLACE_REDUCTION)
            sum += l->step;
        else
            sum += l->step / s->choice.tile[number] * strides[i];
    }
    return sum;
}

static void add_read(struct summarising *s, int number) {
    const struct group_read *read = &s->group->reads[number];
    struct nest_summary *summary = s->summary;
    struct summary_access *access = &summary->accesses[summary->access_count++];
    int packed = s->choice.pack[number] ? space_packed_axis(s->group, read, &s->choice) : -1;
    int64_t strides[MAX_RANK];
    access->tensor = read->tensor;
    access->is_write = false;
    access->is_packed = packed >= 0;
    access->is_copied = packed >= 0 && !read->is_parameter;
    access->element_bytes = data_types[read->tensor->type].bytes;
    if (packed >= 0)
        packed_strides(s, read, packed, strides);
    for (int i = 0; i < summary->loop_count; i++) {
        const struct summary_loop *loop = &summary->loops[i];
        int64_t stride = loop->is_reduction ? read->reduction_strides[s->numbers[i]]
                                            : read->strides[s->numbers[i]];
        access->strides[i] = packed >= 0 ? packed_stride(s, read, packed, strides, i)
                                         : plain_stride(stride, loop->step);
    }
}

static void add_result(struct summarising *s) {
    struct nest_summary *summary = s->summary;
    struct summary_access *access = &summary->accesses[summary->access_count++];
    access->tensor = s->group->outer;
    access->is_write = true;
    access->is_packed = access->is_copied = false;
    access->element_bytes = data_types[s->group->outer->type].bytes;
    for (int i = 0; i < summary->loop_count; i++) {
        const struct summary_loop *loop = &summary->loops[i];
        access->strides[i] =
            loop->is_reduction
                ? 0
                : plain_stride(s->group->axes[s->numbers[i]].output_stride, loop->step);
    }
}

/* ---- footprints ---- */

struct footprint {
    int count;
    int64_t strides[SUMMARY_LOOPS], trips[SUMMARY_LOOPS]; /* by ascending strides */
};

static void insert_stride(struct footprint *f, int64_t stride, int64_t trips) {
    int at = f->count++;
    stride = stride < 0 ? -stride : stride;
    while (at > 0 && f->strides[at - 1] > stride) {
        f->strides[at] = f->strides[at - 1];
        f->trips[at] = f->trips[at - 1];
        at--;
    }
    f->strides[at] = stride;
    f->trips[at] = trips;
}

/* What was counted so far, and the multiples 0 .. number - 1 of `base` being gathered. */
struct counting {
    double elements, span; /* span: of the elements, last - first + 1 */
    double run, many;      /* runs of lines: their length in elements, how many */
    double base, number;
};

static void end_multiples(struct counting *c, double line) {
    double longer = c->span + c->base * (c->number - 1);
    c->elements *= c->number;
    c->elements = c->elements < longer ? c->elements : longer;
    c->span = longer;
    if (c->base <= c->run || c->base <= line)
        c->run += c->base * (c->number - 1);
    else
        c->many *= c->number;
}

/* Distinct elements, and lines of `line` elements, with runs that start at a line. */
static void count_footprint(const struct footprint *f, double line, double *elements,
                            double *lines) {
    struct counting c = {1, 1, 1, 1, 1, 1};
    for (int i = 0; i < f->count; i++) {
        double stride = (double)f->strides[i], trips = (double)f->trips[i];
        double ratio = stride / c.base;
        if (ratio == (double)(int64_t)ratio && ratio <= c.number) {
            c.number += ratio * (trips - 1);
            continue;
        }
        end_multiples(&c, line);
        c.base = stride;
        c.number = trips;
    }
    end_multiples(&c, line);
    *elements = c.elements;
    *lines = c.many * (double)(int64_t)((c.run + line - 1) / line);
    *lines = *lines < c.elements ? *lines : c.elements;
}

static void count_access(const struct nest_summary *summary, struct summary_access *access,
                         double line_bytes) {
    struct footprint f = {.count = 0};
    double line = line_bytes / access->element_bytes;
    access->elements[summary->loop_count] = access->lines[summary->loop_count] = 1;
    for (int i = summary->loop_count - 1; i >= 0; i--) {
        access->elements[i] = access->elements[i + 1];
        access->lines[i] = access->lines[i + 1];
        if (access->strides[i] == 0)
            continue;
        insert_stride(&f, access->strides[i], summary->loops[i].trips);
        count_footprint(&f, line, &access->elements[i], &access->lines[i]);
    }
}

static void count_accesses(struct summarising *s) {
    struct nest_summary *summary = s->summary;
    int line_bytes = s->space->target.caches[0].line_bytes;
    double line = line_bytes > 0 ? line_bytes : 64;
    for (int i = 0; i <= summary->loop_count; i++)
        summary->bytes[i] = 0;
    for (int j = 0; j < summary->access_count; j++) {
        struct summary_access *access = &summary->accesses[j];
        count_access(summary, access, line);
        for (int i = 0; i <= summary->loop_count; i++)
            summary->bytes[i] += access->lines[i] * line;
    }
}

/* ---- the tile's static bound ---- */

/* Vector loads of one trip of the counted reductions. */
static double count_loads(const struct summarising *s, const struct summary_access *access) {
    const struct nest_summary *summary = s->summary;
    double loads = 1, lanes = space_lanes(s->space);
    for (int i = summary->tile_depth; i < summary->loop_count; i++) {
        const struct summary_loop *loop = &summary->loops[i];
        if (access->strides[i] == 0 || loop->place == PLACE_REDUCTION)
            continue;
        if (loop->place != PLACE_VECTOR)
            loads *= (double)loop->trips;
        else if (access->strides[i] == 1)
            loads *= (double)divide_up(loop->trips, (int64_t)lanes);
        else
            loads *= (double)loop->trips;
    }
    return loads;
}

static void bound_tile(struct summarising *s) {
    struct nest_summary *summary = s->summary;
    const struct target_description *target = &s->space->target;
    int64_t lanes = space_lanes(s->space), instances = 1, written_out = 1;
    double loads = 0;
    summary->work = summary->calls = summary->useful = 1;
    for (int i = 0; i < s->group->axis_count; i++)
        summary->useful *= (double)s->group->axes[i].extent;
    for (int i = 0; i < s->group->reduction_count; i++)
        summary->useful *= (double)s->group->reductions[i].extent;
    summary->has_vector = s->choice.vector >= 0;
    for (int i = 0; i < summary->loop_count; i++) {
        const struct summary_loop *loop = &summary->loops[i];
        summary->work *= (double)loop->trips;
        if (i < summary->tile_depth)
            summary->calls *= (double)loop->trips;
        if (loop->place == PLACE_WRITTEN_OUT)
            written_out *= loop->trips;
        if (loop->place == PLACE_ROWS)
            instances *= loop->trips;
        if (loop->place == PLACE_VECTOR)
            instances *= divide_up(loop->trips, lanes);
    }
    for (int i = 0; i < summary->access_count; i++)
        if (!summary->accesses[i].is_write)
            loads += count_loads(s, &summary->accesses[i]);
    summary->accumulators = instances;
    summary->multiply_add_cycles = (double)(instances * written_out) / target->fma_per_cycle;
    summary->load_cycles = loads / target->loads_per_cycle;
    summary->latency_cycles =
        s->group->reduction_count ? (double)written_out * target->fma_latency : 0;
    summary->store_cycles = (double)instances / target->stores_per_cycle;
    summary->code_bytes =
        (instances * (written_out + 2) + (int64_t)loads) * target->instruction_bytes;
}

void space_summarise(const struct space *space, int nest, const int *point,
                     struct nest_summary *summary) {
    const struct space_rules *rules = space->rules;
    struct summarising s = {
        .space = space, .group = &rules->structure.groups[nest], .summary = summary};
    space_choose(space, nest, point, &s.choice);
    summary->loop_count = summary->access_count = 0;
    summary->is_reduction = s.group->reduction_count > 0;
    add_outer_loops(&s);
    add_tile_loops(&s);
    add_result(&s);
    for (int i = 0; i < s.group->read_count && summary->access_count < SUMMARY_ACCESSES; i++)
        add_read(&s, i);
    count_accesses(&s);
    bound_tile(&s);
    summary->registers = space_registers(space, s.group, &s.choice);
    summary->variants = space_variants(s.group, &s.choice);
    summary->estimate = space_estimate(space, s.group, &s.choice);
    summary->late_cycles = space_late_cycles(space, s.group, &s.choice);
}
