/* The epilogue and the inputs that operators share; see epilogue.h. */
#include "te/ops/epilogue.h"

#include <string.h>

enum epilogue_operand {
    OPERAND_NONE,
    OPERAND_BIAS,     /* one number for each channel */
    OPERAND_RESIDUAL, /* a tensor like the output */
};

/* Each step makes a new element of the element so far and an operand, which is NULL if there is
 * none. Activations are those of ONNX; GELU is the exact one, by the error function. */
typedef const struct value *epilogue_step(struct arena *arena, const struct value *element,
                                          const struct value *operand);

static const struct value *number(struct arena *arena, const struct value *like, double constant) {
    return value_constant(arena, like->type, constant);
}

static const struct value *add(struct arena *arena, const struct value *element,
                               const struct value *operand) {
    return value_binary(arena, OP_ADD, element, operand);
}

static const struct value *clip(struct arena *arena, const struct value *element, double most) {
    element = value_binary(arena, OP_MAXIMUM, element, number(arena, element, 0));
    return value_binary(arena, OP_MINIMUM, element, number(arena, element, most));
}

static const struct value *relu(struct arena *arena, const struct value *element,
                                const struct value *operand) {
    (void)operand;
    return value_binary(arena, OP_MAXIMUM, element, number(arena, element, 0));
}

static const struct value *relu6(struct arena *arena, const struct value *element,
                                 const struct value *operand) {
    (void)operand;
    return clip(arena, element, 6);
}

/* The exponential never overflows: it is of a number below zero. */
static const struct value *sigmoid(struct arena *arena, const struct value *element,
                                   const struct value *operand) {
    const struct value *zero = number(arena, element, 0), *one = number(arena, element, 1);
    const struct value *falling =
        value_unary(arena, OP_EXPONENTIAL,
                    value_unary(arena, OP_NEGATE, value_unary(arena, OP_ABSOLUTE, element)));
    (void)operand;
    return value_binary(arena, OP_DIVIDE, value_select_less(arena, element, zero, falling, one),
                        value_binary(arena, OP_ADD, one, falling));
}

static const struct value *silu(struct arena *arena, const struct value *element,
                                const struct value *operand) {
    return value_binary(arena, OP_MULTIPLY, element, sigmoid(arena, element, operand));
}

static const struct value *hyperbolic_tangent(struct arena *arena, const struct value *element,
                                              const struct value *operand) {
    (void)operand;
    return value_unary(arena, OP_TANH, element);
}

static const struct value *gelu(struct arena *arena, const struct value *element,
                                const struct value *operand) {
    const struct value *half = number(arena, element, 0.5), *one = number(arena, element, 1);
    const struct value *scaled =
        value_binary(arena, OP_MULTIPLY, element, number(arena, element, 0.70710678118654752440));
    (void)operand;
    return value_binary(arena, OP_MULTIPLY, value_binary(arena, OP_MULTIPLY, element, half),
                        value_binary(arena, OP_ADD, one, value_unary(arena, OP_ERF, scaled)));
}

static const struct value *hardswish(struct arena *arena, const struct value *element,
                                     const struct value *operand) {
    const struct value *line = value_binary(
        arena, OP_ADD, value_binary(arena, OP_MULTIPLY, element, number(arena, element, 1.0 / 6)),
        number(arena, element, 0.5));
    (void)operand;
    return value_binary(arena, OP_MULTIPLY, element, clip(arena, line, 1));
}

static const struct {
    const char *name;
    enum epilogue_operand operand;
    epilogue_step *apply;
} steps[] = {
    {"bias", OPERAND_BIAS, add},
    {"add", OPERAND_RESIDUAL, add},
    {"relu", OPERAND_NONE, relu},
    {"relu6", OPERAND_NONE, relu6},
    {"sigmoid", OPERAND_NONE, sigmoid},
    {"silu", OPERAND_NONE, silu},
    {"tanh", OPERAND_NONE, hyperbolic_tangent},
    {"gelu", OPERAND_NONE, gelu},
    {"hardswish", OPERAND_NONE, hardswish},
};

enum {
    STEP_COUNT = sizeof steps / sizeof steps[0]
};

static dlt_status read_steps(struct operator_arguments *arguments, struct epilogue *epilogue,
                             struct error *error) {
    const char *names[STEP_COUNT];
    for (int i = 0; i < STEP_COUNT; i++)
        names[i] = steps[i].name;
    TRY(arguments_list(arguments, "post", names, STEP_COUNT, epilogue->steps, &epilogue->step_count,
                       error));
    for (int i = 0; i < epilogue->step_count; i++) {
        int row = epilogue->steps[i];
        bool *input = steps[row].operand == OPERAND_BIAS       ? &epilogue->bias
                      : steps[row].operand == OPERAND_RESIDUAL ? &epilogue->residual
                                                               : NULL;
        if (input && *input)
            return error_set(error, DLT_ERROR_ARGUMENT,
                             "post: '%s' has %s twice; there is one input for it",
                             arguments_text(arguments, "post"), steps[row].name);
        if (input)
            *input = true;
    }
    return DLT_OK;
}

dlt_status epilogue_read(struct operator_arguments *arguments, const char *first,
                         const char *second, struct epilogue *epilogue,
                         struct operator_inputs *inputs, struct error *error) {
    bool variable = false;
    int64_t accumulate;
    memset(epilogue, 0, sizeof *epilogue);
    memset(inputs, 0, sizeof *inputs);
    TRY(arguments_number(arguments, "accumulate", 0, 1, &accumulate, error));
    epilogue->accumulate = accumulate != 0;
    TRY(read_steps(arguments, epilogue, error));
    inputs->names[inputs->count++] = first;
    inputs->names[inputs->count++] = second;
    if (epilogue->bias)
        inputs->names[inputs->count++] = "bias";
    if (epilogue->residual)
        inputs->names[inputs->count++] = "residual";
    TRY(arguments_set(arguments, "const", inputs->names, inputs->count, inputs->parameter, error));
    for (int i = 0; i < inputs->count; i++)
        variable |= !inputs->parameter[i];
    if (!variable)
        return error_set(error, DLT_ERROR_ARGUMENT,
                         "const: '%s' are all inputs; at least one must differ between calls",
                         arguments_text(arguments, "const"));
    return DLT_OK;
}

static bool is_parameter(const struct operator_inputs *inputs, const char *name) {
    for (int i = 0; i < inputs->count; i++)
        if (!strcmp(inputs->names[i], name))
            return inputs->parameter[i];
    return false;
}

dlt_status operator_input(struct expression *expression, const struct operator_inputs *inputs,
                          const char *name, enum data_type type, int rank,
                          const char *const *axis_names, const int64_t *extents,
                          struct tensor **tensor, struct error *error) {
    const struct variable *axes[MAX_RANK];
    enum tensor_kind kind = is_parameter(inputs, name) ? TENSOR_PARAMETER : TENSOR_VARIABLE;
    for (int i = 0; i < rank; i++)
        axes[i] = expression_axis(expression, axis_names[i], extents[i]);
    if (expression_input(expression, kind, name, type, rank, axes, tensor, error) != DLT_OK)
        return error_prefix(error, "%s", name);
    return DLT_OK;
}

/* A like-named axis for another tensor: an axis belongs to one. */
static const struct variable *fresh_axis(struct expression *expression,
                                         const struct variable *axis) {
    return expression_axis(expression, axis->name, axis->extent);
}

dlt_status epilogue_inputs(struct expression *expression, const struct operator_inputs *inputs,
                           const struct epilogue *epilogue, const struct reduced *reduced,
                           enum data_type type, struct epilogue_tensors *tensors,
                           struct error *error) {
    const char *names[MAX_RANK];
    int64_t extents[MAX_RANK];
    memset(tensors, 0, sizeof *tensors);
    for (int i = 0; i < reduced->rank; i++) {
        names[i] = reduced->axes[i]->name;
        extents[i] = reduced->axes[i]->extent;
    }
    if (epilogue->bias)
        TRY(operator_input(expression, inputs, "bias", type, 1, &names[reduced->channel_axis],
                           &extents[reduced->channel_axis], &tensors->bias, error));
    if (epilogue->residual) {
        TRY(operator_input(expression, inputs, "residual", type, reduced->rank, names, extents,
                           &tensors->residual, error));
        if (reduced->layout)
            tensors->residual->layout = *reduced->layout;
    }
    return DLT_OK;
}

/* The element after all steps, at `subscripts`. */
static const struct value *apply_steps(struct arena *arena, const struct epilogue *epilogue,
                                       const struct epilogue_tensors *tensors,
                                       const struct tensor *reduced, int channel_axis,
                                       const struct affine *const *subscripts) {
    const struct value *element = value_read(arena, reduced, subscripts), *operand = NULL;
    if (epilogue->accumulate)
        element = value_binary(arena, OP_ADD, value_previous(arena, reduced->type), element);
    for (int i = 0; i < epilogue->step_count; i++) {
        int row = epilogue->steps[i];
        if (steps[row].operand == OPERAND_BIAS)
            operand = value_read(arena, tensors->bias, &subscripts[channel_axis]);
        else if (steps[row].operand == OPERAND_RESIDUAL)
            operand = value_read(arena, tensors->residual, subscripts);
        element = steps[row].apply(arena, element, operand);
    }
    return element;
}

dlt_status epilogue_build(struct expression *expression, const struct epilogue *epilogue,
                          const struct epilogue_tensors *tensors, const struct reduced *reduced,
                          struct error *error) {
    struct arena *arena = expression->arena;
    const struct variable *axes[MAX_RANK];
    const struct affine *subscripts[MAX_RANK];
    const struct value *body;
    struct tensor *sum, *output;
    TRY(expression_computed(expression, epilogue->step_count ? reduced->name : "output",
                            reduced->rank, reduced->axes, reduced->reduction_rank,
                            reduced->reduction_axes, COMBINE_SUM, reduced->body, &sum, error));
    if (reduced->layout)
        sum->layout = *reduced->layout;
    sum->accumulate = epilogue->accumulate && !epilogue->step_count;
    if (!epilogue->step_count)
        return DLT_OK;
    for (int i = 0; i < reduced->rank; i++) {
        axes[i] = fresh_axis(expression, reduced->axes[i]);
        subscripts[i] = affine_variable(arena, axes[i]);
    }
    body = apply_steps(arena, epilogue, tensors, sum, reduced->channel_axis, subscripts);
    TRY(expression_computed(expression, "output", reduced->rank, axes, 0, NULL, COMBINE_NONE, body,
                            &output, error));
    if (reduced->layout)
        output->layout = *reduced->layout;
    return DLT_OK;
}
