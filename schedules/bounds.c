/* Bounds inference: the box of a stage that one trip of a consumer's loop reads.
 *
 * A subscript of a read, over the consumer's loops, is taken apart into an outer part, an index
 * over the loops at and around the attach loop, and an inner part, of which only the range counts:
 *
 *     subscript in  outer + [lowest, highest]
 *
 * Sums come apart by terms. Where an atom mixes both (a division of o + i) it is bounded by the
 * same atom of the outer part, using that division and minimum are monotonic. All reads together
 * must have one outer part, up to a constant; the box is the union of what they span. */
#include "schedules/steps.h"

/* The variables of loops that stand still while the box is read. */
struct outer_loops {
    int count;
    const struct variable *loops[MAX_STAGES * MAX_LOOPS];
};

struct span {
    const struct affine *outer;
    int64_t lowest, highest;
};

enum uses {
    USES_OUTER = 1,
    USES_INNER = 2,
};

static bool is_outer(const struct outer_loops *outer, const struct variable *variable) {
    for (int i = 0; i < outer->count; i++)
        if (outer->loops[i] == variable)
            return true;
    return false;
}

static int uses_of(const struct affine *index, const struct outer_loops *outer) {
    int uses = 0;
    for (int i = 0; i < index->term_count; i++) {
        const struct affine_term *term = &index->terms[i];
        if (term->kind != ATOM_VARIABLE)
            uses |= uses_of(term->operand, outer);
        else
            uses |= is_outer(outer, term->variable) ? USES_OUTER : USES_INNER;
    }
    return uses;
}

static const struct affine *atom(struct arena *arena, const struct affine_term *term) {
    switch (term->kind) {
    case ATOM_DIVIDE:
        return affine_divide(arena, term->operand, term->constant);
    case ATOM_REMAINDER:
        return affine_remainder(arena, term->operand, term->constant);
    case ATOM_MINIMUM:
        return affine_minimum(arena, term->operand, term->constant);
    default:
        return affine_variable(arena, term->variable);
    }
}

static struct span take_apart(struct arena *arena, const struct affine *index,
                              const struct outer_loops *outer);

/* An atom over both kinds of loops. */
static struct span take_apart_mixed(struct arena *arena, const struct affine_term *term,
                                    const struct outer_loops *outer) {
    struct span span = take_apart(arena, term->operand, outer);
    const struct affine *from = affine_add_constant(arena, span.outer, span.lowest);
    int64_t width = span.highest - span.lowest;
    switch (term->kind) {
    case ATOM_DIVIDE: /* (a + w) / d <= a / d + (w + d - 1) / d */
        return (struct span){affine_divide(arena, from, term->constant), 0,
                             (width + term->constant - 1) / term->constant};
    case ATOM_MINIMUM:
        return (struct span){affine_minimum(arena, from, term->constant), 0, width};
    default:
        return (struct span){affine_constant(arena, 0), 0, term->constant - 1};
    }
}

static struct span take_apart(struct arena *arena, const struct affine *index,
                              const struct outer_loops *outer) {
    struct span span = {affine_constant(arena, index->constant), 0, 0};
    for (int i = 0; i < index->term_count; i++) {
        const struct affine_term *term = &index->terms[i];
        const struct affine *whole = atom(arena, term);
        struct span part = {whole, 0, 0};
        int uses = uses_of(whole, outer);
        if (uses & USES_INNER && uses & USES_OUTER) {
            part = take_apart_mixed(arena, term, outer);
        } else if (uses & USES_INNER) {
            part.outer = affine_constant(arena, 0);
            affine_range(whole, &part.lowest, &part.highest);
        }
        span.outer =
            affine_add(arena, span.outer, affine_scale(arena, part.outer, term->coefficient));
        span.lowest += term->coefficient * (term->coefficient > 0 ? part.lowest : part.highest);
        span.highest += term->coefficient * (term->coefficient > 0 ? part.highest : part.lowest);
    }
    return span;
}

struct box {
    struct arena *arena;
    const struct stage *producer;
    struct outer_loops outer;
    struct span spans[MAX_RANK];
    int reads;
    int incomparable; /* an axis whose reads have different outer parts, or -1 */
    bool overruns;    /* a stage that reads it runs past the end of its axes */
    struct binding bindings[2 * MAX_RANK]; /* of the stage that reads */
    int binding_count;
};

static void add_read(void *context, const struct value *read) {
    struct box *box = context;
    if (read->tensor != box->producer->tensor)
        return;
    for (int i = 0; i < read->tensor->rank; i++) {
        struct span *all = &box->spans[i];
        struct span span = take_apart(
            box->arena,
            affine_substitute(box->arena, read->subscripts[i], box->bindings, box->binding_count),
            &box->outer);
        int64_t distance = 0;
        if (box->reads == 0)
            *all = span;
        if (!affine_is_constant(affine_subtract(box->arena, span.outer, all->outer), &distance))
            box->incomparable = i;
        if (span.lowest + distance < all->lowest)
            all->lowest = span.lowest + distance;
        if (span.highest + distance > all->highest)
            all->highest = span.highest + distance;
    }
    box->reads++;
}

/* Whether `stage` is computed inside the loop at `position` of `consumer`. */
static bool is_inside(const struct stage *stage, const struct stage *consumer, int position) {
    while (stage != consumer) {
        if (stage->attach != ATTACH_LOOP)
            return false;
        if (stage->consumer == consumer)
            return stage_position(consumer, stage->attach_loop) >= position;
        stage = stage->consumer;
    }
    return true;
}

static void add_outer_loops(struct outer_loops *outer, const struct stage *stage, int position) {
    for (;;) {
        for (int i = 0; i <= position; i++)
            outer->loops[outer->count++] = stage->loops[i].variable;
        if (stage->attach != ATTACH_LOOP)
            return;
        position = stage_position(stage->consumer, stage->attach_loop);
        stage = stage->consumer;
    }
}

static dlt_status collect_reads(const struct schedule *schedule, struct box *box,
                                const struct stage *consumer, int position, struct error *error) {
    for (int i = 0; i < schedule->stage_count; i++) {
        const struct stage *stage = schedule->stages[i];
        if (!value_count_reads(stage->body, box->producer->tensor))
            continue;
        if (!is_inside(stage, consumer, position))
            return error_set(error, DLT_ERROR_REFUSED,
                             "stage %s reads it too and is not computed inside of loop %s of %s",
                             stage->name, consumer->loops[position].variable->name, consumer->name);
        box->binding_count = stage_bindings(stage, box->bindings);
        box->overruns |= stage->overruns;
        value_visit_reads(stage->body, add_read, box);
    }
    if (box->reads == 0)
        return error_set(error, DLT_ERROR_REFUSED, "no stage reads it");
    if (box->incomparable >= 0)
        return error_set(error, DLT_ERROR_REFUSED,
                         "axis %s: the reads of it move apart from one trip to the next, so no box "
                         "of constant size holds them",
                         box->producer->tensor->axes[box->incomparable]->name);
    return DLT_OK;
}

/* The span of one axis as a minimum and an extent. Where the minimum is constant what lies outside
 * of the tensor is cut off, and a box as large as the tensor is the tensor: the loops of the
 * producer need no constraints then. Consumers that overrun read there, though nothing that
 * counts. */
static dlt_status set_axis(struct box *box, int axis, const struct affine **minimum,
                           int64_t *extent, struct error *error) {
    const struct variable *variable = box->producer->tensor->axes[axis];
    struct span span = box->spans[axis];
    int64_t first = 0;
    bool is_constant = affine_is_constant(span.outer, &first);
    int64_t lowest = first + span.lowest, highest = first + span.highest;
    if (!box->overruns) {
        if (is_constant && lowest < 0)
            lowest = 0;
        if (is_constant && highest >= variable->extent)
            highest = variable->extent - 1;
        if (highest - lowest + 1 >= variable->extent) {
            is_constant = true;
            lowest = 0;
            highest = variable->extent - 1;
        }
    }
    if (highest < lowest)
        highest = lowest = 0; /* nothing inside the tensor is read */
    *extent = highest - lowest + 1;
    *minimum = is_constant ? affine_constant(box->arena, lowest)
                           : affine_add_constant(box->arena, span.outer, span.lowest);
    if (*extent > MAX_EXTENT)
        return error_set(error, DLT_ERROR_REFUSED, "axis %s: the box would be %lld long",
                         variable->name, (long long)*extent);
    return DLT_OK;
}

dlt_status bounds_box(const struct schedule *schedule, const struct stage *producer,
                      const struct stage *consumer, int position, const struct affine **minimum,
                      int64_t *extent, struct error *error) {
    struct box *box = ARENA_NEW(schedule->arena, struct box);
    box->arena = schedule->arena;
    box->producer = producer;
    box->incomparable = -1;
    add_outer_loops(&box->outer, consumer, position);
    TRY(collect_reads(schedule, box, consumer, position, error));
    for (int i = 0; i < producer->tensor->rank; i++)
        TRY(set_axis(box, i, &minimum[i], &extent[i], error));
    return DLT_OK;
}
