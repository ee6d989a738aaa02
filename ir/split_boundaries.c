/* Boundaries: the conditions of stores inside tiles become code that needs no test.
 *
 * After domains were extracted, ragged splits and padding are both conditions on stores. Inside a
 * tile each is resolved by the loops that it constrains:
 *
 * 1. One serial loop of the tile and loops around it: a bound of that loop, passed at run time.
 * 2. Loops around the tile and any others inside: the part over the loops around, the *selector*,
 *    takes values between which the condition's truth changes at a few thresholds only. Each class
 * of values between thresholds gets a *variant* of the tile in which the truth of every instance is
 *    known. In a variant the selector's value is a variable that ranges over the class.
 * 3. A serial loop of the tile and unrolled or vectorised ones: the loop is split at thresholds.
 *
 * What then is left undecided differs between lanes only, and becomes a constant mask.
 *
 * Where that makes more variants than code should have, conditions on loops around alone first
 * become bounds of serial loops, which then make all trips or none. If that is not enough, the
 * selectors with the most classes are given up, and so is what mixes loops inside and outside or
 * falls into too many cases: such conditions stay, and are masks that the tile computes. */
#include "ir/bounds.h"
#include "ir/parts.h"
#include "ir/passes.h"

#include <stdlib.h>
#include <string.h>

enum {
    MAX_VARIANTS = 8,
    MAX_SELECTORS = 8,
    MAX_THRESHOLDS = 4096,
    MAX_RANGES = 16,
    MAX_BOUNDS = 64,
};

struct selection {
    const struct affine *index;
    int threshold_count, capacity;
    int64_t *thresholds; /* ascending, unique, in (lowest, highest] */
    int64_t lowest, highest;
    bool is_given_up; /* it would have too many thresholds */
};

struct splitting {
    struct program *program;
    struct arena *arena;
    struct tile *tile;
    struct inner_variables inner;
    int bound_count;
    const struct affine *bounds[MAX_BOUNDS]; /* of the loops around the tile, each >= 0 */
    bool bounds_whole_loops; /* conditions on the loops around alone become bounds too */
    int selection_count;
    struct selection selections[MAX_SELECTORS];
    struct error *error;
};

/* Every condition of a body: of stores, and of selects in their values. */
static const struct value *change_value(struct arena *arena, const struct value *value,
                                        index_change *change, void *context) {
    struct value *copy = arena_copy(arena, value, sizeof *value);
    if (value->condition_count)
        copy->conditions =
            map_indices(arena, value->condition_count, value->conditions, change, context);
    for (int i = 0; i < MAX_OPERANDS && value->operands[i]; i++)
        copy->operands[i] = change_value(arena, value->operands[i], change, context);
    return copy;
}

static void change_conditions(struct arena *arena, struct node *nodes, index_change *change,
                              void *context) {
    for (struct node *node = nodes; node; node = node->next) {
        if (node->kind == NODE_STORE) {
            node->conditions =
                map_indices(arena, node->condition_count, node->conditions, change, context);
            node->value = change_value(arena, node->value, change, context);
        }
        change_conditions(arena, node->body, change, context);
    }
}

/* 1. Bounds of serial loops. */

/* Whether something in the tile stores to the buffer where the condition fails. */
static bool is_stored_without(const struct node *nodes, const struct buffer *buffer,
                              const struct affine *condition) {
    for (; nodes; nodes = nodes->next)
        if (nodes->kind == NODE_STORE ? nodes->buffer == buffer && !store_has(nodes, condition)
                                      : is_stored_without(nodes->body, buffer, condition))
            return true;
    return false;
}

/* Whether the stores that have the condition may be left out where it fails, and their elements are
 * there all the same: what a loop adds to is loaded in front of it and stored behind it even if it
 * makes no trip. */
static bool has_elements_without(const struct splitting *s, const struct node *nodes,
                                 const struct affine *condition) {
    const struct node *all = s->tile->variants[0].body;
    for (; nodes; nodes = nodes->next) {
        if (nodes->kind != NODE_STORE) {
            if (!has_elements_without(s, nodes->body, condition))
                return false;
        } else if (store_has(nodes, condition) &&
                   !is_stored_without(all, nodes->buffer, condition)) {
            return false;
        }
    }
    return true;
}

/* True if the condition constrains this loop, at least one loop around the tile, and no other; or,
 * where that is wanted, loops around the tile only. */
static bool bounds_loop(void *context, const struct affine *condition,
                        const struct variable *variable) {
    struct splitting *s = context;
    const struct affine *outside, *inside;
    int64_t coefficient;
    return divide_index(s->arena, &s->inner, condition, &outside, &inside) &&
           outside->term_count > 0 &&
           ((affine_coefficient(inside, variable, &coefficient) && coefficient != 0 &&
             inside->term_count == 1) ||
            (s->bounds_whole_loops && inside->term_count == 0 &&
             has_elements_without(s, s->tile->variants[0].body, condition)));
}

static void find_bounds(struct splitting *s, struct node *nodes) {
    for (struct node *node = nodes; node; node = node->next) {
        if (node->kind == NODE_LOOP && node->loop == LOOP_SERIAL)
            take_bounds(s->arena, node, bounds_loop, s);
        find_bounds(s, node->body);
    }
}

/* 2. Selectors and variants. */

/* condition = factor * selector + inside, without a selector if loops inside and outside mix. The
 * selector's coefficients have no common divisor and its first is positive, so that conditions on
 * multiples of one index share one selector. */
static int64_t divide_condition(struct splitting *s, const struct affine *condition,
                                const struct affine **selector, const struct affine **inside) {
    if (!divide_index(s->arena, &s->inner, condition, selector, inside)) {
        *selector = affine_constant(s->arena, 0);
        *inside = condition;
    }
    if ((*selector)->term_count) {
        int64_t factor = index_step(*selector);
        bool is_negative = (*selector)->terms[0].coefficient < 0;
        *selector = affine_divide(
            s->arena, is_negative ? affine_scale(s->arena, *selector, -1) : *selector, factor);
        return is_negative ? -factor : factor;
    }
    return 1;
}

/* Narrows the selector's range by bounds of the loops around that are multiples of it. */
static void narrow(struct splitting *s, struct selection *selection) {
    for (int i = 0; i < s->bound_count; i++) {
        const struct affine *bound = s->bounds[i], *sum;
        const struct affine_term *first = &selection->index->terms[0];
        int64_t coefficient, factor, constant;
        if (first->kind != ATOM_VARIABLE ||
            !affine_coefficient(bound, first->variable, &coefficient) || coefficient == 0 ||
            first->coefficient % coefficient != 0)
            continue;
        factor = -first->coefficient / coefficient; /* index + factor * bound may be constant */
        sum = affine_add(s->arena, selection->index, affine_scale(s->arena, bound, factor));
        if (!affine_is_constant(sum, &constant))
            continue;
        if (factor > 0 && constant < selection->highest)
            selection->highest = constant;
        if (factor < 0 && constant > selection->lowest)
            selection->lowest = constant;
    }
}

/* NULL: there are too many. */
static struct selection *find_selection(struct splitting *s, const struct affine *index) {
    struct selection *selection;
    for (int i = 0; i < s->selection_count; i++)
        if (affine_equal(s->selections[i].index, index))
            return &s->selections[i];
    if (s->selection_count == MAX_SELECTORS)
        return NULL;
    selection = &s->selections[s->selection_count++];
    selection->index = index;
    affine_range(index, &selection->lowest, &selection->highest);
    narrow(s, selection);
    return selection;
}

/* Adds a threshold, moved up to the next value that the selector can take. */
static void add_threshold(struct splitting *s, struct selection *selection, int64_t threshold,
                          int64_t step) {
    int64_t *list = selection->thresholds;
    int at = selection->threshold_count;
    threshold = selection->lowest - floor_divide(selection->lowest - threshold, step) * step;
    if (threshold <= selection->lowest || threshold > selection->highest)
        return;
    while (at > 0 && list[at - 1] >= threshold)
        at--;
    if (at < selection->threshold_count && list[at] == threshold)
        return;
    if (selection->threshold_count == selection->capacity) {
        selection->capacity = selection->capacity ? 2 * selection->capacity : 16;
        selection->thresholds = ARENA_ARRAY(s->arena, int64_t, selection->capacity);
        if (list)
            memcpy(selection->thresholds, list, sizeof *list * (size_t)selection->threshold_count);
        list = selection->thresholds;
    }
    memmove(list + at + 1, list + at, sizeof *list * (size_t)(selection->threshold_count - at));
    list[at] = threshold;
    selection->threshold_count++;
}

/* The values at which  factor * selector + inside >= 0  changes its truth, for every value of
 * inside.
 */
static void add_thresholds(struct splitting *s, struct selection *selection, int64_t factor,
                           const struct affine *inside) {
    int64_t lowest, highest, inner_step = index_step(inside), step = index_step(selection->index);
    affine_range(inside, &lowest, &highest);
    if ((highest - lowest) / inner_step > MAX_THRESHOLDS) {
        selection->is_given_up = true;
        return;
    }
    for (int64_t value = lowest; value <= highest; value += inner_step)
        add_threshold(s, selection,
                      factor > 0 ? -floor_divide(value, factor) : floor_divide(value, -factor) + 1,
                      step);
}

static const struct affine *collect_condition(void *context, const struct affine *condition) {
    struct splitting *s = context;
    const struct affine *selector, *inside;
    int64_t factor = divide_condition(s, condition, &selector, &inside);
    if (selector->term_count) {
        struct selection *selection = find_selection(s, selector);
        if (selection)
            add_thresholds(s, selection, factor, inside);
    }
    return condition;
}

struct variant_context {
    struct splitting *s;
    const struct affine *values[MAX_SELECTORS]; /* of the selectors in this variant */
};

static const struct affine *specialise_condition(void *context, const struct affine *condition) {
    struct variant_context *v = context;
    const struct affine *selector, *inside;
    int64_t factor = divide_condition(v->s, condition, &selector, &inside);
    if (!selector->term_count)
        return condition;
    for (int i = 0; i < v->s->selection_count; i++)
        if (affine_equal(v->s->selections[i].index, selector))
            return affine_add(v->s->arena, affine_scale(v->s->arena, v->values[i], factor), inside);
    return condition;
}

/* Known by its address: a loop may be named alike. */
static const char class_name[] = "class";

/* The selector's value in one class: a constant, or a variable over the class's range. */
static const struct affine *class_value(struct splitting *s, const struct selection *selection,
                                        int class) {
    int64_t step = index_step(selection->index);
    int64_t lowest = class ? selection->thresholds[class - 1] : selection->lowest;
    int64_t highest = class < selection->threshold_count ? selection->thresholds[class] - step
                                                         : selection->highest;
    struct variable *variable;
    if (lowest >= highest)
        return affine_constant(s->arena, lowest);
    variable = ARENA_NEW(s->arena, struct variable);
    *variable =
        (struct variable){class_name, s->program->next_variable_id++, lowest, highest - lowest + 1};
    return affine_variable(s->arena, variable);
}

/* 3. Splitting serial loops. */

struct range_search {
    struct splitting *s;
    const struct variable *variable;
    int64_t thresholds[MAX_RANGES];
    int count;
    bool too_many; /* the loop stays in one piece */
};

static bool is_class(const struct variable *variable) {
    return variable->name == class_name;
}

/* In a class every value decides alike: any stands for all. */
static const struct affine *without_classes(struct arena *arena, const struct affine *index) {
    const struct affine *result = index;
    for (int i = 0; i < index->term_count; i++)
        if (index->terms[i].kind == ATOM_VARIABLE && is_class(index->terms[i].variable)) {
            struct binding binding = {index->terms[i].variable,
                                      affine_constant(arena, index->terms[i].variable->minimum)};
            result = affine_substitute(arena, result, &binding, 1);
        }
    return result;
}

/* A condition that stays open is computed, and no run knows the class's variable. */
static const struct affine *forget_class(void *context, const struct affine *condition) {
    const struct splitting *s = context;
    return without_classes(s->arena, condition);
}

static void add_range_threshold(struct range_search *r, int64_t threshold) {
    const struct variable *variable = r->variable;
    int at = r->count;
    if (threshold <= variable->minimum || threshold >= variable->minimum + variable->extent)
        return;
    while (at > 0 && r->thresholds[at - 1] >= threshold)
        at--;
    if (at < r->count && r->thresholds[at] == threshold)
        return;
    r->too_many |= r->count == MAX_RANGES;
    if (r->too_many)
        return;
    memmove(r->thresholds + at + 1, r->thresholds + at,
            sizeof *r->thresholds * (size_t)(r->count - at));
    r->thresholds[at] = threshold;
    r->count++;
}

static const struct affine *find_ranges(void *context, const struct affine *condition) {
    struct range_search *r = context;
    struct arena *arena = r->s->arena;
    const struct affine *fixed = without_classes(arena, condition), *rest;
    int64_t a, lowest, highest, step;
    if (!affine_coefficient(fixed, r->variable, &a) || a == 0)
        return condition;
    rest =
        affine_subtract(arena, fixed, affine_scale(arena, affine_variable(arena, r->variable), a));
    affine_range(rest, &lowest, &highest);
    step = index_step(rest);
    if ((highest - lowest) / step > MAX_THRESHOLDS)
        step = (highest - lowest) ? highest - lowest : 1;
    for (int64_t value = lowest; value <= highest && !r->too_many; value += step)
        add_range_threshold(r, a > 0 ? -floor_divide(value, a) : floor_divide(value, -a) + 1);
    return condition;
}

static struct node *split_loops(struct splitting *s, struct node *nodes);

/* The loop over one range: a new variable, or for a single value none. */
static struct node *range_loop(struct splitting *s, const struct node *loop, int64_t begin,
                               int64_t end) {
    struct variable *variable = ARENA_NEW(s->arena, struct variable);
    struct binding binding = {loop->variable, NULL};
    struct node *copy;
    *variable = *loop->variable;
    variable->id = s->program->next_variable_id++;
    variable->minimum = begin;
    variable->extent = end - begin;
    binding.replacement = variable->extent == 1 ? affine_constant(s->arena, begin)
                                                : affine_variable(s->arena, variable);
    copy = node_copy(s->arena, loop->body, &binding, 1);
    if (variable->extent > 1) {
        struct node *node = node_new(s->arena, NODE_LOOP);
        node->variable = variable;
        node->loop = loop->loop;
        node->body = copy;
        return node;
    }
    return copy;
}

static struct node *split_loop(struct splitting *s, struct node *loop) {
    struct range_search r = {.s = s, .variable = loop->variable};
    struct node_list list = {0};
    int64_t begin = loop->variable->minimum, end = begin + loop->variable->extent;
    loop->next = NULL;
    if (loop->loop == LOOP_SERIAL && loop->bound_count == 0)
        change_conditions(s->arena, loop->body, find_ranges, &r);
    if (r.count == 0 || r.too_many) {
        loop->body = split_loops(s, loop->body);
        return loop;
    }
    for (int i = 0; i <= r.count; i++) {
        int64_t stop = i < r.count ? r.thresholds[i] : end;
        struct node *part = range_loop(s, loop, begin, stop);
        if (stop - begin > 1)
            part->body = split_loops(s, part->body);
        else
            part = split_loops(s, part);
        node_append(&list, part);
        begin = stop;
    }
    return list.first;
}

static struct node *split_loops(struct splitting *s, struct node *nodes) {
    struct node_list list = {0};
    while (nodes) {
        struct node *node = nodes;
        nodes = node->next;
        node->next = NULL;
        node_append(&list, node->kind == NODE_LOOP ? split_loop(s, node) : node);
    }
    return list.first;
}

/* All variants of one tile: one for each combination of the selectors' classes. */
static void make_variants(struct splitting *s) {
    struct tile *tile = s->tile;
    struct node *body = tile->variants[0].body;
    int count = 1;
    for (int i = 0; i < s->selection_count; i++)
        count *= s->selections[i].threshold_count + 1;
    tile->variant_count = count;
    tile->variants = ARENA_ARRAY(s->arena, struct tile_variant, count);
    tile->selector_count = s->selection_count;
    tile->selectors = ARENA_ARRAY(s->arena, struct tile_selector, s->selection_count);
    for (int i = 0; i < s->selection_count; i++)
        tile->selectors[i] = (struct tile_selector){
            s->selections[i].index, s->selections[i].threshold_count, s->selections[i].thresholds};
    for (int variant = 0; variant < count; variant++) {
        struct variant_context v = {.s = s};
        int rest = variant;
        for (int i = s->selection_count - 1; i >= 0; i--) {
            int classes = s->selections[i].threshold_count + 1;
            v.values[i] = class_value(s, &s->selections[i], rest % classes);
            rest /= classes;
        }
        tile->variants[variant].body = node_copy(s->arena, body, NULL, 0);
        change_conditions(s->arena, tile->variants[variant].body, specialise_condition, &v);
        tile->variants[variant].body = split_loops(s, tile->variants[variant].body);
        change_conditions(s->arena, tile->variants[variant].body, forget_class, s);
    }
}

static int64_t count_variants(const struct splitting *s) {
    int64_t variants = 1;
    for (int i = 0; i < s->selection_count && variants <= MAX_VARIANTS; i++)
        variants *= s->selections[i].threshold_count + 1;
    return variants;
}

static void give_up(struct splitting *s, int selection) {
    memmove(&s->selections[selection], &s->selections[selection + 1],
            (size_t)(s->selection_count - selection - 1) * sizeof s->selections[0]);
    s->selection_count--;
}

/* Until the variants are few enough. */
static void give_up_selectors(struct splitting *s) {
    for (int i = s->selection_count - 1; i >= 0; i--)
        if (s->selections[i].is_given_up)
            give_up(s, i);
    while (count_variants(s) > MAX_VARIANTS) {
        int most = 0;
        for (int i = 1; i < s->selection_count; i++)
            if (s->selections[i].threshold_count > s->selections[most].threshold_count)
                most = i;
        give_up(s, most);
    }
}

static dlt_status find_selections(struct splitting *s) {
    struct tile *tile = s->tile;
    s->selection_count = 0;
    memset(s->selections, 0, sizeof s->selections);
    find_bounds(s, tile->variants[0].body);
    tile->word_count = 0;
    TRY(collect_words(s->program, tile, s->error));
    change_conditions(s->arena, tile->variants[0].body, collect_condition, s);
    return DLT_OK;
}

static dlt_status split_tile(struct splitting *s) {
    s->inner.count = 0;
    s->bounds_whole_loops = false;
    inner_collect(&s->inner, s->tile->variants[0].body);
    TRY(find_selections(s));
    if (count_variants(s) > MAX_VARIANTS) {
        s->bounds_whole_loops = true;
        TRY(find_selections(s));
    }
    give_up_selectors(s);
    make_variants(s);
    return DLT_OK;
}

static dlt_status split_nodes(struct splitting *s, struct node *nodes) {
    for (struct node *node = nodes; node; node = node->next) {
        int outside = s->bound_count;
        if (node->kind == NODE_TILE) {
            s->tile = node->tile;
            TRY(split_tile(s));
        } else if (node->kind == NODE_LOOP) {
            for (int i = 0; i < node->bound_count && s->bound_count < MAX_BOUNDS; i++)
                s->bounds[s->bound_count++] = node->bounds[i];
            TRY(split_nodes(s, node->body));
            s->bound_count = outside;
        }
    }
    return DLT_OK;
}

dlt_status split_boundaries(struct lowering *lowering) {
    struct program *program = lowering->program;
    struct splitting s = {.program = program, .arena = program->arena, .error = lowering->error};
    TRY(split_nodes(&s, program->pack));
    return split_nodes(&s, program->run);
}
