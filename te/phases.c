/* Separating axes into steps and phases; see phases.h.
 *
 * An axis of the result is also that of the computed tensors which are read at it plainly, and is
 * separated in all of them or in none. Inputs keep theirs: where they are read with it, the index
 * that stands in its place is a sum of the two. */
#include "te/phases.h"

#include "base/divisor.h"

#include <string.h>

enum {
    MAX_PERIOD = 64,
    NO_AXIS = -1,
    NOT_READ = -2
};

struct separating {
    struct arena *arena;
    const struct expression *expression;
    struct expression *made;
    int axes[MAX_TENSORS]; /* the axis of each tensor; NO_AXIS; or NOT_READ, of which no read was
                              met yet */
    bool impossible;
    bool remains; /* some remainder by the axis is taken */
    int64_t period;
    struct binding binding; /* of the axis, in the tensor that is being made */
    const struct variable *steps, *phase;
};

/* ---- finding ---- */

/* After how many steps along `axis` everything that divides it has gone round. */
static int64_t period_of(struct separating *s, const struct affine *index,
                         const struct variable *axis) {
    int64_t period = 1;
    for (int i = 0; i < index->term_count; i++) {
        const struct affine_term *term = &index->terms[i];
        int64_t own;
        if (term->kind == ATOM_VARIABLE || !affine_uses(term->operand, axis))
            continue;
        if (term->kind == ATOM_MINIMUM || term->constant > MAX_PERIOD)
            s->impossible = true;
        own = period_of(s, term->operand, axis);
        s->remains |= term->kind == ATOM_REMAINDER;
        own = s->impossible ? 1 : own * term->constant;
        period = period / greatest_common_divisor(period, own) * own;
        if (period > MAX_PERIOD) {
            s->impossible = true;
            return 1;
        }
    }
    return period;
}

static void add_period(struct separating *s, const struct affine *index,
                       const struct variable *axis) {
    int64_t period = period_of(s, index, axis);
    s->period = s->period / greatest_common_divisor(s->period, period) * period;
    s->impossible |= s->period > MAX_PERIOD;
}

static int tensor_number(const struct expression *expression, const struct tensor *tensor) {
    int number = 0;
    while (expression->tensors[number] != tensor)
        number++;
    return number;
}

static bool is_plain(const struct affine *index, const struct variable *variable) {
    return index->term_count == 1 && index->constant == 0 &&
           index->terms[0].kind == ATOM_VARIABLE && index->terms[0].coefficient == 1 &&
           index->terms[0].variable == variable;
}

/* Which subscript of the read is the axis and no more; NO_AXIS if none is. */
static int plain_subscript(const struct value *read, const struct variable *axis) {
    int found = NO_AXIS;
    for (int i = 0; i < read->tensor->rank && axis; i++)
        if (is_plain(read->subscripts[i], axis) && found < 0 &&
            read->tensor->axes[i]->extent == axis->extent)
            found = i;
    return found;
}

static void follow(struct separating *s, const struct value *value, const struct variable *axis) {
    if (value->operation == OP_READ) {
        for (int i = 0; i < value->tensor->rank && axis; i++)
            add_period(s, value->subscripts[i], axis);
        if (value->tensor->kind == TENSOR_COMPUTED) {
            int *place = &s->axes[tensor_number(s->expression, value->tensor)];
            int found = plain_subscript(value, axis);
            s->impossible |= *place != NOT_READ && *place != found;
            *place = found;
        }
    }
    for (int i = 0; i < value->condition_count && axis; i++)
        add_period(s, value->conditions[i], axis);
    if (value->operation == OP_INDEX && axis)
        add_period(s, value->index, axis);
    for (int i = 0; i < operations[value->operation].operand_count; i++)
        follow(s, value->operands[i], axis);
}

/* Lies the axis in one whole piece? */
static bool is_whole(const struct tensor *tensor, int axis) {
    for (int i = 0; i < tensor->layout.dimension_count; i++) {
        const struct layout_dimension *d = &tensor->layout.dimensions[i];
        if (d->axis == axis && d->divisor == 1 && d->modulus == 0)
            return d->extent == tensor->axes[axis]->extent;
    }
    return false;
}

static bool has_room(const struct tensor *tensor, const char *phase) {
    if (tensor->rank == MAX_RANK || tensor->layout.dimension_count == MAX_LAYOUT_DIMENSIONS ||
        strlen(phase) >= MAX_NAME)
        return false;
    for (int i = 0; i < tensor->rank; i++)
        if (strcmp(tensor->axes[i]->name, phase) == 0)
            return false;
    for (int i = 0; i < tensor->reduction_rank; i++)
        if (strcmp(tensor->reduction_axes[i]->name, phase) == 0)
            return false;
    return true;
}

static const char *phase_name(struct arena *arena, const struct variable *axis) {
    return arena_format(arena, "%s.phase", axis->name);
}

/* Readers come after what they read: one walk from the end meets every reader before the tensor.
 * What is read in two ways is found out when the second is met. */
static bool can_separate(struct separating *s, int axis) {
    const struct expression *expression = s->expression;
    int last = expression->tensor_count - 1;
    for (int i = 0; i <= last; i++)
        s->axes[i] = NOT_READ;
    s->impossible = s->remains = false;
    s->period = 1;
    s->axes[last] = axis;
    for (int i = last; i >= 0 && !s->impossible; i--) {
        const struct tensor *tensor = expression->tensors[i];
        const struct variable *variable = s->axes[i] < 0 ? NULL : tensor->axes[s->axes[i]];
        if (tensor->kind == TENSOR_COMPUTED)
            follow(s, tensor->body, variable);
        if (variable &&
            (!is_whole(tensor, s->axes[i]) || !has_room(tensor, phase_name(s->arena, variable))))
            s->impossible = true;
    }
    return !s->impossible && s->remains && s->period > 1 &&
           expression->tensors[last]->axes[axis]->extent > s->period;
}

/* ---- making ---- */

static const struct affine *over_both(struct separating *s, const struct affine *index) {
    return s->binding.variable ? affine_substitute(s->arena, index, &s->binding, 1) : index;
}

static const struct value *change_read(struct separating *s, const struct value *value) {
    int number = tensor_number(s->expression, value->tensor), count = 0;
    int axis = s->axes[number];
    const struct tensor *tensor = s->made->tensors[number];
    const struct affine *subscripts[MAX_RANK];
    for (int i = 0; i < value->tensor->rank; i++) {
        if (i != axis) {
            subscripts[count++] = over_both(s, value->subscripts[i]);
            continue;
        }
        subscripts[count++] = affine_variable(s->arena, s->steps);
        subscripts[count++] = affine_variable(s->arena, s->phase);
    }
    return value_read(s->arena, tensor, subscripts);
}

static const struct value *change_value(void *context, const struct value *value) {
    struct separating *s = context;
    struct value *copy;
    const struct affine **conditions;
    if (value->operation == OP_READ)
        return change_read(s, value);
    if (value->operation == OP_INDEX)
        return value_index(s->arena, value->type, over_both(s, value->index));
    if (value->operation != OP_SELECT)
        return value;
    copy = arena_copy(s->arena, value, sizeof *value);
    conditions = ARENA_ARRAY(s->arena, const struct affine *, (size_t)value->condition_count);
    for (int i = 0; i < value->condition_count; i++)
        conditions[i] = over_both(s, value->conditions[i]);
    copy->conditions = conditions;
    return copy;
}

/* The axis' piece of memory as steps and, inside of them, phases; axes behind it count one more. */
static void separate_layout(struct layout *layout, int axis, int64_t period) {
    const struct layout old = *layout;
    layout->dimension_count = 0;
    for (int i = 0; i < old.dimension_count; i++) {
        struct layout_dimension d = old.dimensions[i];
        struct layout_dimension *out = &layout->dimensions[layout->dimension_count];
        d.axis += d.axis > axis;
        out[0] = d;
        layout->dimension_count++;
        if (d.axis != axis)
            continue;
        out[0].extent = (out[0].extent + period - 1) / period;
        out[0].stride *= period;
        out[1] = d;
        out[1].axis = axis + 1;
        out[1].extent = period;
        layout->dimension_count++;
    }
}

/* What is only computed on the way has room for all phases of the last step. */
static void pack_layout(struct layout *layout) {
    layout->elements = 1;
    for (int i = layout->dimension_count - 1; i >= 0; i--) {
        layout->dimensions[i].stride = layout->elements;
        layout->elements *= layout->dimensions[i].extent;
    }
}

static void separate_axis(struct separating *s, struct tensor *tensor, int axis, bool is_result) {
    const struct variable *whole = tensor->axes[axis];
    s->steps = expression_axis(s->made, whole->name, (whole->extent + s->period - 1) / s->period);
    s->phase = expression_axis(s->made, phase_name(s->arena, whole), s->period);
    s->binding.variable = whole;
    s->binding.replacement =
        affine_add(s->arena, affine_scale(s->arena, affine_variable(s->arena, s->steps), s->period),
                   affine_variable(s->arena, s->phase));
    for (int i = tensor->rank++; i > axis + 1; i--)
        tensor->axes[i] = tensor->axes[i - 1];
    tensor->axes[axis] = s->steps;
    tensor->axes[axis + 1] = s->phase;
    separate_layout(&tensor->layout, axis, s->period);
    for (int i = 0; i < tensor->domain_count; i++)
        tensor->domain[i] = over_both(s, tensor->domain[i]);
    if (whole->extent % s->period == 0 || tensor->kind != TENSOR_COMPUTED)
        return;
    if (!is_result)
        pack_layout(&tensor->layout);
    tensor->domain[tensor->domain_count++] = affine_subtract(
        s->arena, affine_constant(s->arena, whole->extent - 1), s->binding.replacement);
}

static const struct expression *separate(struct separating *s) {
    s->made = expression_create(s->arena);
    s->made->next_variable_id = s->expression->next_variable_id;
    for (int i = 0; i < s->expression->tensor_count; i++) {
        const struct tensor *tensor = s->expression->tensors[i];
        struct tensor *copy = arena_copy(s->arena, tensor, sizeof *tensor);
        s->binding.variable = NULL;
        if (s->axes[i] >= 0)
            separate_axis(s, copy, s->axes[i], i + 1 == s->expression->tensor_count);
        s->made->tensors[s->made->tensor_count++] = copy;
        if (copy->kind == TENSOR_COMPUTED)
            copy->body = value_rewrite(s->arena, tensor->body, change_value, s);
    }
    return s->made;
}

const struct expression *expression_separate(struct arena *arena,
                                             const struct expression *expression) {
    struct separating s = {.arena = arena, .expression = expression};
    for (int axis = 0; axis < expression_result(s.expression)->rank; axis++)
        if (can_separate(&s, axis))
            s.expression = separate(&s);
    return s.expression;
}
