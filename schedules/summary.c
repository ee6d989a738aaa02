/* Computing nest summaries; see summary.h. */
#include "schedules/summary.h"

#include "schedules/footprint.h"
#include "schedules/space_private.h"

#include <string.h>

enum {
    WAYS = 8 /* where the machine does not tell */
};

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
    int first = choice->threads > 1 && choice->order_count > 0;
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
            if (i == choice->longest && unroll < choice->accumulators)
                unroll = choice->accumulators;
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

/* Whether a subscript is more than one axis, as of a window: a copy then is laid out by the
 * tensor's axes, among which those of the nest do not show. */
static bool has_window(const struct group_read *read) {
    for (int i = 0; i < read->tensor->rank; i++)
        if (read->tensor->axes[i]->extent > 1 && read->axis_of[i] < 0 && read->reduction_of[i] < 0)
            return true;
    return false;
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
    if (packed >= 0 && has_window(read))
        packed = -1; /* much as it lies */
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

static void count_access(const struct nest_summary *summary, struct summary_access *access,
                         double line_bytes) {
    struct footprint f;
    double line = line_bytes / access->element_bytes;
    f.count = 0;
    access->elements[summary->loop_count] = access->lines[summary->loop_count] = 1;
    for (int i = summary->loop_count - 1; i >= 0; i--) {
        access->elements[i] = access->elements[i + 1];
        access->lines[i] = access->lines[i + 1];
        if (access->strides[i] == 0)
            continue;
        footprint_add(&f, access->strides[i], summary->loops[i].trips);
        footprint_count(&f, line, &access->elements[i], &access->lines[i]);
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

/* How many of the first cache's sets one call of the tile meets, and lines a way of them. */
static void count_sets(const struct nest_summary *summary, struct summary_access *access,
                       const struct cache_description *cache) {
    int64_t strides[SUMMARY_LOOPS], trips[SUMMARY_LOOPS];
    int count = 0;
    for (int i = summary->tile_depth; i < summary->loop_count; i++) {
        strides[count] = access->strides[i] * access->element_bytes;
        trips[count++] = summary->loops[i].trips;
    }
    access->sets = cache_sets_met(cache, count, strides, trips);
    access->lines_a_way = access->lines[summary->tile_depth] /
                          (access->sets * (cache->ways > 0 ? cache->ways : WAYS));
}

/* Elements that the loops combine, with and without what ragged edges add. */
static void count_work(struct summarising *s) {
    struct nest_summary *summary = s->summary;
    summary->work = summary->calls = summary->useful = 1;
    for (int i = 0; i < s->group->axis_count; i++)
        summary->useful *= (double)s->group->axes[i].extent;
    for (int i = 0; i < s->group->reduction_count; i++)
        summary->useful *= (double)s->group->reductions[i].extent;
    for (int i = 0; i < summary->loop_count; i++) {
        summary->work *= (double)summary->loops[i].trips;
        if (i < summary->tile_depth)
            summary->calls *= (double)summary->loops[i].trips;
    }
}

/* ---- threads ---- */

/* The loops around the tile are merged, from the outermost on, until there are trips enough. */
static void share(struct summarising *s) {
    struct nest_summary *summary = s->summary;
    summary->threads = s->choice.threads;
    summary->parallel_trips = 1;
    for (int i = 0; i < summary->tile_depth && summary->threads > 1; i++) {
        if (summary->loops[i].is_reduction ||
            space_enough_trips(summary->parallel_trips, summary->threads))
            return;
        summary->parallel_trips *= summary->loops[i].trips;
    }
}

/* What the nest that combines partial results adds. */
static double combining_cycles(const struct space *space, int nest, const int *point) {
    const struct space_rules *rules = space->rules;
    const struct group *group = &rules->structure.groups[nest];
    struct group_choice choice;
    struct space_nest combine;
    struct tile_bound bound;
    double cycles;
    int64_t trips = 1;
    space_choose(space, nest, point, &choice);
    if (choice.parts < 2)
        return 0;
    space_combine(space, group, &choice, &combine);
    space_bound_tile(space, combine.group, &combine.choice, &bound);
    cycles = space_estimate(space, combine.group, &combine.choice, &bound);
    for (int i = 0; i < group->axis_count; i++)
        trips *= group->axes[i].extent;
    return space_shared_cycles(space, cycles, trips, combine.choice.threads);
}

void space_summarise(const struct space *space, int nest, const int *point,
                     struct nest_summary *summary) {
    struct summarising s = {.space = space, .summary = summary};
    struct space_nest chosen;
    space_choose_nest(space, nest, point, &chosen);
    s.group = chosen.group;
    s.choice = chosen.choice;
    summary->loop_count = summary->access_count = 0;
    summary->is_reduction = s.group->reduction_count > 0;
    add_outer_loops(&s);
    add_tile_loops(&s);
    add_result(&s);
    for (int i = 0; i < s.group->read_count && summary->access_count < SUMMARY_ACCESSES; i++)
        add_read(&s, i);
    count_accesses(&s);
    for (int i = 0; i < summary->access_count; i++)
        count_sets(summary, &summary->accesses[i], &space->target.caches[0]);
    count_work(&s);
    summary->prefetches = s.choice.prefetch;
    share(&s);
    summary->combining_cycles = combining_cycles(space, nest, point);
    space_bound_tile(space, s.group, &s.choice, &summary->bound);
    summary->estimate = space_estimate(space, s.group, &s.choice, &summary->bound);
    summary->late_cycles = space_late_cycles(space, s.group, &s.choice);
}
