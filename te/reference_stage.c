/* Translation of tensors for the reference evaluator; see reference_stage.h. */
#include "te/reference_stage.h"

#include "te/domain.h"
#include "te/repetition.h"
#include "te/rounding.h"

#include <string.h>

struct translation {
    struct arena *arena;
    const struct expression *expression;
    struct stage *const *stages;
    const void *const *data;
    struct stage *stage;
    double epsilon; /* of the expression's result */
};

/* ---- indices ---- */

int64_t form_evaluate(const struct form *form, const int64_t *slots) {
    int64_t value = form->constant;
    for (int i = 0; i < form->term_count; i++) {
        const struct form_term *term = &form->terms[i];
        int64_t atom =
            term->kind == ATOM_VARIABLE ? slots[term->slot] : form_evaluate(term->operand, slots);
        if (term->kind == ATOM_DIVIDE)
            atom = floor_divide(atom, term->constant);
        else if (term->kind == ATOM_REMAINDER)
            atom = floor_remainder(atom, term->constant);
        else if (term->kind == ATOM_MINIMUM && atom > term->constant)
            atom = term->constant;
        value += term->coefficient * atom;
    }
    return value;
}

static int slot_of(const struct stage *stage, const struct variable *variable) {
    for (int i = 0; i < stage->slot_count; i++)
        if (stage->variables[i] == variable)
            return i;
    return 0; /* expression_check has refused foreign variables */
}

static const struct form *translate_form(struct translation *t, const struct affine *index) {
    struct form *form = ARENA_NEW(t->arena, struct form);
    struct form_term *terms = ARENA_ARRAY(t->arena, struct form_term, (size_t)index->term_count);
    for (int i = 0; i < index->term_count; i++) {
        const struct affine_term *term = &index->terms[i];
        terms[i].coefficient = term->coefficient;
        terms[i].kind = term->kind;
        terms[i].constant = term->constant;
        if (term->kind == ATOM_VARIABLE)
            terms[i].slot = slot_of(t->stage, term->variable);
        else
            terms[i].operand = translate_form(t, term->operand);
    }
    form->constant = index->constant;
    form->term_count = index->term_count;
    form->terms = terms;
    return form;
}

static struct stage_index *translate_index(struct translation *t, const struct affine *index) {
    struct stage_index *made = ARENA_NEW(t->arena, struct stage_index);
    made->form = translate_form(t, index);
    made->steps = true;
    if (t->stage->slot_count) /* the last slot is the running axis, or an axis that stands still */
        made->steps =
            affine_coefficient(index, t->stage->variables[t->stage->slot_count - 1], &made->step);
    made->next = t->stage->indices;
    t->stage->indices = made;
    return made;
}

/* ---- values ---- */

static int tensor_row(const struct expression *expression, const struct tensor *tensor) {
    int row = 0;
    while (expression->tensors[row] != tensor)
        row++;
    return row;
}

static void plain_layout(struct layout *layout, const struct tensor *tensor) {
    int64_t extents[MAX_RANK];
    for (int i = 0; i < tensor->rank; i++)
        extents[i] = tensor->axes[i]->extent;
    layout_plain(layout, tensor->rank, extents, NULL);
}

/* How many different elements one evaluation of the stage reads through these subscripts. */
static double elements_read(const struct stage *stage, const struct value *read) {
    double count = 1;
    for (int i = 0; i < stage->tensor->reduction_rank; i++) {
        const struct variable *axis = stage->tensor->reduction_axes[i];
        for (int j = 0; j < read->tensor->rank; j++)
            if (affine_uses(read->subscripts[j], axis)) {
                count *= (double)axis->extent;
                break;
            }
    }
    return count;
}

/* Inputs are read where their layout puts the element; the others lie in plain order. */
static void translate_read(struct translation *t, const struct value *value, struct node *node) {
    const struct tensor *tensor = value->tensor;
    int row = tensor_row(t->expression, tensor);
    struct layout layout = tensor->layout;
    if (tensor->kind == TENSOR_COMPUTED) {
        node->stage = t->stages[row];
        t->stage->cost += elements_read(t->stage, value) * node->stage->cost;
    } else if (tensor->kind == TENSOR_LITERAL) {
        node->literal = tensor->literal;
    } else {
        node->data = t->data[row];
    }
    node->data_type = tensor->type;
    if (!node->data)
        plain_layout(&layout, tensor);
    node->index = translate_index(t, layout_offset(t->arena, &layout, value->subscripts));
}

/* The element itself, in the data that the result held before. */
static const struct node *translate_previous(struct translation *t) {
    const struct tensor *tensor = t->stage->tensor;
    struct node *node = ARENA_NEW(t->arena, struct node);
    const struct affine *subscripts[MAX_RANK];
    for (int i = 0; i < tensor->rank; i++)
        subscripts[i] = affine_variable(t->arena, tensor->axes[i]);
    node->operation = OP_READ;
    node->data = t->data[tensor_row(t->expression, tensor)];
    node->data_type = tensor->type;
    node->index = translate_index(t, layout_offset(t->arena, &tensor->layout, subscripts));
    return node;
}

static const struct node *translate_value(struct translation *t, const struct value *value) {
    struct node *node;
    int first = 0;
    if (value->operation == OP_PREVIOUS)
        return translate_previous(t);
    node = ARENA_NEW(t->arena, struct node);
    node->operation = value->operation;
    node->weight = data_types[value->type].epsilon / t->epsilon;
    if (value->operation == OP_CONSTANT) {
        node->constant = rounding_exact(value->constant);
        if (value->type != TYPE_F64 && (double)(float)value->constant != value->constant)
            node->constant.terms = node->weight;
    } else if (value->operation == OP_INDEX) {
        node->index = translate_index(t, value->index);
    } else if (value->operation == OP_READ) {
        translate_read(t, value, node);
    }
    node->condition_count = value->condition_count;
    node->conditions = ARENA_ARRAY(t->arena, struct stage_index *, (size_t)value->condition_count);
    for (int i = 0; i < value->condition_count; i++)
        node->conditions[i] = translate_index(t, value->conditions[i]);
    if (value->operation == OP_MINIMUM || value->operation == OP_MAXIMUM)
        first = value_first_operand(value);
    for (int i = 0; i < operations[value->operation].operand_count; i++)
        node->operands[first ? 1 - i : i] = translate_value(t, value->operands[i]);
    return node;
}

/* ---- stages ---- */

/* Slots: the axes, the reduction axes, the longest of these last. */
static void assign_slots(struct stage *stage, const struct tensor *tensor) {
    int longest = 0;
    for (int i = 0; i < tensor->rank; i++)
        stage->variables[stage->slot_count++] = tensor->axes[i];
    for (int i = 1; i < tensor->reduction_rank; i++)
        if (tensor->reduction_axes[i]->extent > tensor->reduction_axes[longest]->extent)
            longest = i;
    for (int i = 0; i < tensor->reduction_rank; i++)
        if (i != longest)
            stage->variables[stage->slot_count++] = tensor->reduction_axes[i];
    if (tensor->reduction_rank)
        stage->variables[stage->slot_count++] = tensor->reduction_axes[longest];
    stage->terms = 1;
    for (int i = 0; i < tensor->reduction_rank; i++)
        stage->terms *= (double)tensor->reduction_axes[i]->extent;
}

/* The body, of a reduction as the terms that it has: elsewhere there is nothing to combine. */
static const struct value *body_of(struct arena *arena, const struct tensor *tensor) {
    struct domain domain = {.arena = arena};
    const struct value *body = tensor->body;
    if (tensor->combiner == COMBINE_NONE)
        return body;
    body = domain_extract(&domain, body, tensor->combiner);
    return domain.count ? value_select(arena, domain.count, domain.conditions, body,
                                       value_constant(arena, body->type,
                                                      combiners[tensor->combiner].identity))
                        : body;
}

struct stage *stage_translate(struct arena *arena, const struct expression *expression,
                              const struct tensor *tensor, struct stage *const *stages,
                              const void *const *data) {
    enum data_type type = expression_result(expression)->type;
    struct translation t = {
        .arena = arena, .expression = expression, .stages = stages, .data = data};
    t.epsilon = data_types[data_types[type].is_float ? type : TYPE_F32].epsilon;
    t.stage = ARENA_NEW(arena, struct stage);
    t.stage->tensor = tensor;
    assign_slots(t.stage, tensor);
    t.stage->cost = t.stage->terms;
    t.stage->repeats = reduction_repeats_terms(tensor);
    t.stage->body = translate_value(&t, body_of(arena, tensor));
    if (tensor->accumulate)
        t.stage->start = translate_previous(&t);
    return t.stage;
}
