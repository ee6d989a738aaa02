/* Finding groups, and the strides of their reads; see structure.h. */
#include "schedules/structure.h"

#include "base/divisor.h"
#include "te/ahead.h"

#include <string.h>

enum {
    FUNCTION_TEMPORARIES = 6 /* values and coefficients of a polynomial that live at once */
};

struct analysis {
    struct arena *arena;
    const struct expression *expression;
    struct group *group;
    const struct variable *inner; /* stands for a step along an axis within an aligned tile */
};

static bool is_reduction(const struct tensor *tensor) {
    return tensor->combiner != COMBINE_NONE;
}

static int count_readers(const struct value *value, const struct tensor *tensor) {
    int count = value->operation == OP_READ && value->tensor == tensor;
    for (int i = 0; i < MAX_OPERANDS && value->operands[i]; i++)
        count += count_readers(value->operands[i], tensor);
    return count;
}

/* True if every read of `tensor` below `value` is at the reader's own axes, in order. */
static bool reads_at_own_axes(const struct tensor *reader, const struct value *value,
                              const struct tensor *tensor) {
    if (value->operation == OP_READ && value->tensor == tensor) {
        if (reader->rank != tensor->rank)
            return false;
        for (int i = 0; i < tensor->rank; i++) {
            const struct affine *subscript = value->subscripts[i];
            bool same = reader->axes[i]->extent == tensor->axes[i]->extent;
            if (tensor->axes[i]->extent > 1)
                same = same && subscript->term_count == 1 && subscript->constant == 0 &&
                       subscript->terms[0].kind == ATOM_VARIABLE &&
                       subscript->terms[0].coefficient == 1 &&
                       subscript->terms[0].variable == reader->axes[i];
            if (!same)
                return false;
        }
    }
    for (int i = 0; i < MAX_OPERANDS && value->operands[i]; i++)
        if (!reads_at_own_axes(reader, value->operands[i], tensor))
            return false;
    return true;
}

/* The first reduction that a value reads at the reader's own axes, or that what it reads there
 * does; NULL: none. */
static const struct tensor *reduction_behind(const struct tensor *reader,
                                             const struct value *value) {
    const struct tensor *found = NULL, *tensor = value->tensor;
    if (value->operation == OP_READ && tensor->kind == TENSOR_COMPUTED &&
        reads_at_own_axes(reader, value, tensor))
        found = is_reduction(tensor) ? tensor : reduction_behind(tensor, tensor->body);
    for (int i = 0; i < MAX_OPERANDS && value->operands[i] && !found; i++)
        found = reduction_behind(reader, value->operands[i]);
    return found;
}

/* Where the elements of a tensor that is read lie: elementwise ones in the middle are inlined. */
static const struct tensor *buffer_of(const struct tensor *tensor) {
    const struct tensor *behind = NULL;
    if (tensor->kind == TENSOR_COMPUTED && !is_reduction(tensor))
        behind = reduction_behind(tensor, tensor->body);
    return behind ? behind : tensor;
}

/* The only computed tensor that reads this one, or NULL. */
static const struct tensor *only_reader(const struct expression *expression,
                                        const struct tensor *tensor) {
    const struct tensor *reader = NULL;
    for (int i = 0; i < expression->tensor_count; i++) {
        const struct tensor *other = expression->tensors[i];
        if (other->kind != TENSOR_COMPUTED || !count_readers(other->body, tensor))
            continue;
        if (reader)
            return NULL;
        reader = other;
    }
    return reader;
}

/* Strides. */

/* The greatest common divisor of the constants by which a plain use of `axis` is divided. */
static int64_t alignment_of(const struct affine *index, const struct variable *axis) {
    int64_t alignment = 0;
    for (int i = 0; i < index->term_count; i++) {
        const struct affine_term *term = &index->terms[i];
        if (term->kind == ATOM_VARIABLE || !affine_uses(term->operand, axis))
            continue;
        alignment = greatest_common_divisor(alignment, alignment_of(term->operand, axis));
        if (term->kind == ATOM_DIVIDE || term->kind == ATOM_REMAINDER)
            alignment = greatest_common_divisor(alignment, term->constant);
        else
            alignment = 1;
    }
    return alignment;
}

/* How far apart in memory neighbours along `axis` are, within a tile aligned to `alignment`. */
static int64_t stride_along(struct arena *arena, const struct affine *offset,
                            const struct variable *axis, int64_t alignment) {
    int64_t stride;
    if (alignment > 1) {
        struct variable *outer = ARENA_NEW(arena, struct variable);
        struct variable *inner = ARENA_NEW(arena, struct variable);
        struct binding binding = {axis, NULL};
        *outer = (struct variable){"outer", 1 << 28, 0, axis->extent / alignment + 1};
        *inner = (struct variable){"inner", (1 << 28) + 1, 0, alignment};
        binding.replacement =
            affine_add(arena, affine_scale(arena, affine_variable(arena, outer), alignment),
                       affine_variable(arena, inner));
        offset = affine_substitute(arena, offset, &binding, 1);
        axis = inner;
    }
    return affine_coefficient(offset, axis, &stride) ? stride : STRIDE_NONLINEAR;
}

static int plain_axis(const struct affine *subscript, const struct variable *const *axes,
                      int rank) {
    for (int i = 0; i < rank; i++)
        if (subscript->term_count == 1 && subscript->constant == 0 &&
            subscript->terms[0].kind == ATOM_VARIABLE && subscript->terms[0].coefficient == 1 &&
            subscript->terms[0].variable == axes[i])
            return i;
    return -1;
}

static void find_alignments(struct analysis *a, const struct value *value) {
    struct group *group = a->group;
    if (value->operation == OP_READ)
        for (int i = 0; i < value->tensor->rank; i++)
            for (int j = 0; j < group->axis_count; j++) {
                const struct variable *axis = group->compute->axes[j];
                group->axes[j].alignment = greatest_common_divisor(
                    group->axes[j].alignment, alignment_of(value->subscripts[i], axis));
            }
    for (int i = 0; i < MAX_OPERANDS && value->operands[i]; i++)
        find_alignments(a, value->operands[i]);
}

void structure_read_strides(struct arena *arena, const struct group *group,
                            const struct layout *layout, struct group_read *read) {
    const struct tensor *compute = group->compute;
    const struct affine *offset = layout_offset(arena, layout, read->subscripts);
    for (int i = 0; i < group->axis_count; i++)
        read->strides[i] = stride_along(arena, offset, compute->axes[i], group->axes[i].alignment);
    for (int i = 0; i < group->reduction_count; i++)
        read->reduction_strides[i] = stride_along(arena, offset, compute->reduction_axes[i], 0);
}

void structure_output_strides(struct arena *arena, const struct layout *layout,
                              struct group *group) {
    const struct affine *subscripts[MAX_RANK], *offset;
    const struct tensor *outer = group->outer;
    for (int i = 0; i < outer->rank; i++)
        subscripts[i] = affine_variable(arena, outer->axes[i]);
    offset = layout_offset(arena, layout, subscripts);
    for (int i = 0; i < outer->rank; i++)
        group->axes[i].output_stride =
            stride_along(arena, offset, outer->axes[i], group->axes[i].output_block);
}

static void add_read(struct analysis *a, const struct value *value) {
    struct group *group = a->group;
    const struct tensor *compute = group->compute, *tensor = value->tensor;
    struct group_read *read = &group->reads[group->read_count++];
    read->tensor = tensor;
    read->buffer = buffer_of(tensor);
    read->subscripts = value->subscripts;
    read->is_parameter =
        tensor->kind == TENSOR_PARAMETER ||
        (tensor->kind == TENSOR_LITERAL && expression_has_parameters(a->expression));
    structure_read_strides(a->arena, group, &tensor->layout, read);
    for (int i = 0; i < tensor->rank; i++) {
        read->axis_of[i] = plain_axis(value->subscripts[i], compute->axes, compute->rank);
        read->reduction_of[i] =
            plain_axis(value->subscripts[i], compute->reduction_axes, compute->reduction_rank);
    }
}

static void find_reads(struct analysis *a, const struct value *value) {
    if (value->operation == OP_READ && a->group->read_count < MAX_READS)
        add_read(a, value);
    for (int i = 0; i < MAX_OPERANDS && value->operands[i]; i++)
        find_reads(a, value->operands[i]);
}

/* Notes that `condition` rules out terms at one end of an axis. */
static void add_border(struct group_axis *axis, const struct affine *condition,
                       int64_t coefficient) {
    int64_t lowest, highest, values;
    affine_range(condition, &lowest, &highest);
    if (lowest >= 0 || coefficient == 0)
        return;
    if (coefficient > 0) {
        values = (-lowest + coefficient - 1) / coefficient;
        axis->border_low = values > axis->border_low ? values : axis->border_low;
    } else {
        values = (-lowest - coefficient - 1) / -coefficient;
        axis->border_high = values > axis->border_high ? values : axis->border_high;
    }
}

static void find_condition(struct group *group, const struct affine *condition) {
    const struct tensor *compute = group->compute;
    unsigned reductions = 0, axes = 0;
    for (int i = 0; i < group->axis_count; i++)
        axes |= (unsigned)affine_uses(condition, compute->axes[i]) << i;
    for (int i = 0; i < group->reduction_count; i++)
        if (affine_uses(condition, compute->reduction_axes[i])) {
            group->reductions[i].borders = true;
            reductions |= 1u << i;
        }
    for (int i = 0; i < group->axis_count; i++) {
        struct group_axis *axis = &group->axes[i];
        int64_t coefficient = 0;
        if (!affine_uses(condition, compute->axes[i]))
            continue;
        if (reductions & (reductions - 1))
            axis->borders_serially = false;
        if (affine_coefficient(condition, compute->axes[i], &coefficient))
            add_border(axis, condition, coefficient);
        else if (!(axes & (axes - 1))) /* in steps: each of its places may be another case */
            axis->border_low = axis->extent;
        axis->border_reductions |= reductions;
        axis->border_axes |= axes & ~(1u << i);
    }
}

static void find_borders(struct analysis *a, const struct value *value) {
    for (int i = 0; i < value->condition_count; i++)
        find_condition(a->group, value->conditions[i]);
    for (int i = 0; i < MAX_OPERANDS && value->operands[i]; i++)
        find_borders(a, value->operands[i]);
}

/* About how many vector operations a value takes, of which so many are products; functions are
 * polynomials (ir/math_functions.c). */
static int count_operations(const struct value *value, int *products) {
    static const struct {
        int operations, products;
    } functions[OPERATION_COUNT] = {
        [OP_EXPONENTIAL] = {20, 9}, [OP_LOGARITHM] = {28, 12}, [OP_TANH] = {22, 12},
        [OP_ERF] = {33, 18},        [OP_SQUARE_ROOT] = {2, 0}, [OP_SELECT_LESS] = {2, 0},
        [OP_MULTIPLY] = {1, 1},
    };
    int count = functions[value->operation].operations;
    if (count == 0 && value->operation != OP_CONSTANT && value->operation != OP_READ &&
        value->operation != OP_PREVIOUS)
        count = 1;
    *products += functions[value->operation].products;
    for (int i = 0; i < MAX_OPERANDS && value->operands[i]; i++)
        count += count_operations(value->operands[i], products);
    return count;
}

/* What is combined is one operation more, but for the sum of a product, which is one with it. */
static void count_arithmetic(struct group *group) {
    const struct tensor *compute = group->compute;
    int none = 0;
    group->arithmetic = count_operations(compute->body, &group->products);
    if (is_reduction(compute) &&
        (compute->combiner != COMBINE_SUM || compute->body->operation != OP_MULTIPLY))
        group->arithmetic++;
    group->products += compute->combiner == COMBINE_PRODUCT;
    group->epilogue_operations = group->fused ? count_operations(group->outer->body, &none) : 0;
}

static bool has_function(const struct value *value) {
    bool has = value->operation >= OP_EXPONENTIAL && value->operation <= OP_ERF;
    for (int i = 0; i < MAX_OPERANDS && value->operands[i]; i++)
        has |= has_function(value->operands[i]);
    return has;
}

/* The finest blocks in which an axis of the result lies; 0 if it is in one piece. */
static int64_t block_of(const struct tensor *tensor, int axis) {
    int64_t finest = 0;
    for (int i = 0; i < tensor->layout.dimension_count; i++) {
        const struct layout_dimension *piece = &tensor->layout.dimensions[i];
        if (piece->axis == axis && piece->divisor > 1 && (!finest || piece->divisor < finest))
            finest = piece->divisor;
    }
    return finest < tensor->axes[axis]->extent ? finest : 0;
}

/* Tiles are parts of a block or whole blocks. Those of 2^n elements are so if they divide 2^m. */
static int64_t alignment_to_block(int64_t block, int64_t extent) {
    bool is_power = (block & (block - 1)) == 0;
    int64_t alignment = block;
    while (block && is_power && 2 * alignment <= extent)
        alignment *= 2;
    return alignment;
}

static void describe_group(struct analysis *a) {
    struct group *group = a->group;
    const struct tensor *compute = group->compute;
    group->axis_count = compute->rank;
    group->reduction_count = compute->reduction_rank;
    for (int i = 0; i < compute->rank; i++) {
        group->axes[i].name = group->outer->axes[i]->name;
        group->axes[i].extent = compute->axes[i]->extent;
        group->axes[i].borders_serially = true;
    }
    for (int i = 0; i < compute->rank; i++) {
        int64_t block = block_of(group->outer, i);
        group->axes[i].alignment = alignment_to_block(block, compute->axes[i]->extent);
        group->axes[i].output_block = block;
    }
    structure_output_strides(a->arena, &group->outer->layout, group);
    for (int i = 0; i < compute->reduction_rank; i++) {
        group->reductions[i].name = compute->reduction_axes[i]->name;
        group->reductions[i].extent = compute->reduction_axes[i]->extent;
    }
    count_arithmetic(group);
    if (has_function(compute->body) || has_function(group->outer->body))
        group->temporaries = FUNCTION_TEMPORARIES;
    find_alignments(a, compute->body);
    find_reads(a, compute->body);
    find_borders(a, compute->body);
    for (int i = 0; i < compute->domain_count; i++)
        find_condition(group, compute->domain[i]);
}

/* ---- what is inlined ---- */

static double product_of(const struct variable *const *axes, int count) {
    double product = 1;
    for (int i = 0; i < count; i++)
        product *= (double)axes[i]->extent;
    return product;
}

/* What has functions and would be evaluated many times for each of its elements is evaluated once,
 * in a nest of its own. `times` has how often each tensor's body is evaluated, of those behind
 * it. */
enum {
    MOST_REPETITIONS = 4
};

static bool may_inline(const struct expression *expression, int number, double *times) {
    const struct tensor *tensor = expression->tensors[number];
    double elements = product_of(tensor->axes, tensor->rank);
    times[number] = 0;
    for (int i = number + 1; i < expression->tensor_count; i++)
        if (expression->tensors[i]->kind == TENSOR_COMPUTED)
            times[number] += times[i] * count_readers(expression->tensors[i]->body, tensor);
    if (!has_function(tensor->body) || times[number] <= MOST_REPETITIONS * elements)
        return true;
    times[number] = elements;
    return false;
}

dlt_status structure_find(struct arena *arena, const struct expression *expression,
                          struct structure *structure, struct error *error) {
    bool taken[MAX_TENSORS] = {false}; /* part of a later group, or inlined */
    bool ahead[MAX_TENSORS];
    double times[MAX_TENSORS];
    expression_find_ahead(expression, ahead);
    memset(structure, 0, sizeof *structure);
    for (int i = expression->tensor_count - 1; i >= 0; i--) {
        const struct tensor *tensor = expression->tensors[i];
        bool is_result = i == expression->tensor_count - 1;
        struct analysis a = {.arena = arena, .expression = expression};
        if (tensor->kind != TENSOR_COMPUTED)
            continue;
        times[i] = product_of(tensor->axes, tensor->rank) *
                   product_of(tensor->reduction_axes, tensor->reduction_rank);
        if (taken[i])
            continue;
        if (!is_result && !is_reduction(tensor) && may_inline(expression, i, times)) {
            structure->inlined[structure->inlined_count++] = tensor;
            continue;
        }
        if (structure->group_count == MAX_GROUPS)
            return error_set(error, DLT_ERROR_REFUSED, "expression: more than %d nests",
                             MAX_GROUPS);
        a.group = &structure->groups[structure->group_count++];
        a.group->outer = a.group->compute = tensor;
        a.group->is_ahead = ahead[i];
        for (int j = 0; j < i && !is_reduction(tensor) && !a.group->fused; j++) {
            const struct tensor *producer = expression->tensors[j];
            if (producer->kind == TENSOR_COMPUTED && is_reduction(producer) &&
                only_reader(expression, producer) == tensor &&
                reads_at_own_axes(tensor, tensor->body, producer)) {
                a.group->compute = producer;
                a.group->fused = true;
                taken[j] = true;
            }
        }
        describe_group(&a);
    }
    /* Producers first: groups were found from the result backwards. */
    for (int i = 0; i < structure->group_count / 2; i++) {
        struct group swap = structure->groups[i];
        structure->groups[i] = structure->groups[structure->group_count - 1 - i];
        structure->groups[structure->group_count - 1 - i] = swap;
    }
    return DLT_OK;
}
