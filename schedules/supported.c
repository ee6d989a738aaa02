/* Types by target; see supported.h. */
#include "schedules/supported.h"

#include "machine/description.h"
#include "te/affine.h"

#include <inttypes.h>
#include <math.h>

#define MACHINE_TYPE TYPE_F32

struct support {
    const struct tensor *tensor; /* whose body is looked at */
    const struct target_description *target;
    struct error *error;
};

/* What an integer type holds. */
struct bounds {
    int64_t lowest, highest;
};

static struct bounds bounds_of(enum data_type type) {
    int64_t values = INT64_C(1) << (8 * data_types[type].bytes);
    return type == TYPE_U8 ? (struct bounds){0, values - 1}
                           : (struct bounds){-values / 2, values / 2 - 1};
}

static bool is_narrow(enum data_type type) {
    return !data_types[type].is_float && data_types[type].bytes < data_types[TYPE_S32].bytes;
}

/* ---- machine code ---- */

static dlt_status refuse_machine(const struct support *support, const char *what,
                                 enum data_type type) {
    return error_set(support->error, DLT_ERROR_ARGUMENT,
                     "tensor %s: %s %s, but the target %s computes in %s only; the target c takes "
                     "f32 f64 bf16 s32 s8 u8",
                     support->tensor->name, what, data_types[type].name, support->target->name,
                     data_types[MACHINE_TYPE].name);
}

static dlt_status check_machine_value(const struct support *support, const struct value *value) {
    if (value->type != MACHINE_TYPE)
        return refuse_machine(support, "it computes in", value->type);
    if (value->operation == OP_CONVERT)
        return refuse_machine(support, "it converts from", value->operands[0]->type);
    for (int i = 0; i < operations[value->operation].operand_count; i++)
        TRY(check_machine_value(support, value->operands[i]));
    return DLT_OK;
}

/* ---- plain loops ---- */

static dlt_status refuse_integer(const struct support *support, enum data_type type,
                                 const char *operation, const char *instead) {
    return error_set(support->error, DLT_ERROR_ARGUMENT, "tensor %s: %s in %s is not possible; %s",
                     support->tensor->name, operation, data_types[type].name, instead);
}

static dlt_status check_constant(const struct support *support, const struct value *value) {
    struct bounds bounds = bounds_of(value->type);
    if (value->constant == nearbyint(value->constant) && value->constant >= (double)bounds.lowest &&
        value->constant <= (double)bounds.highest)
        return DLT_OK;
    return error_set(support->error, DLT_ERROR_ARGUMENT,
                     "tensor %s: %.9g is no number of type %s, which holds %" PRId64 " to %" PRId64,
                     support->tensor->name, value->constant, data_types[value->type].name,
                     bounds.lowest, bounds.highest);
}

static dlt_status check_index(const struct support *support, const struct value *value) {
    struct bounds bounds = bounds_of(value->type);
    int64_t lowest, highest;
    affine_range(value->index, &lowest, &highest);
    if (lowest >= bounds.lowest && highest <= bounds.highest)
        return DLT_OK;
    return error_set(support->error, DLT_ERROR_ARGUMENT,
                     "tensor %s: an index from %" PRId64 " to %" PRId64
                     " is no number of type %s, which holds %" PRId64 " to %" PRId64,
                     support->tensor->name, lowest, highest, data_types[value->type].name,
                     bounds.lowest, bounds.highest);
}

static dlt_status check_conversion(const struct support *support, const struct value *value) {
    enum data_type from = value->operands[0]->type;
    struct bounds to = bounds_of(value->type), own = bounds_of(from);
    if (!data_types[from].is_float && own.lowest >= to.lowest && own.highest <= to.highest)
        return DLT_OK;
    return error_set(support->error, DLT_ERROR_ARGUMENT,
                     "tensor %s: convert from %s to %s is not possible, since not every %s is one; "
                     "it may be to a type that holds them all, such as %s",
                     support->tensor->name, data_types[from].name, data_types[value->type].name,
                     data_types[from].name, data_types[from].is_float ? "f32" : "s32");
}

/* One operation whose result is an integer. */
static dlt_status check_integer(const struct support *support, const struct value *value) {
    switch (value->operation) {
    case OP_CONSTANT:
        return check_constant(support, value);
    case OP_INDEX:
        return check_index(support, value);
    case OP_CONVERT:
        return check_conversion(support, value);
    case OP_DIVIDE:
        return refuse_integer(support, value->type, "/", "convert to f32 or f64 before it");
    case OP_ADD:
    case OP_SUBTRACT:
    case OP_MULTIPLY:
    case OP_NEGATE:
    case OP_ABSOLUTE:
        if (!is_narrow(value->type))
            return DLT_OK;
        return refuse_integer(support, value->type, operations[value->operation].name,
                              "convert to s32 or f32 before it");
    default:
        return DLT_OK;
    }
}

static dlt_status check_plain_value(const struct support *support, const struct value *value) {
    if (!data_types[value->type].is_float)
        TRY(check_integer(support, value));
    for (int i = 0; i < operations[value->operation].operand_count; i++)
        TRY(check_plain_value(support, value->operands[i]));
    return DLT_OK;
}

static dlt_status check_plain_tensor(const struct support *support) {
    const struct tensor *tensor = support->tensor;
    bool adds = tensor->combiner == COMBINE_SUM || tensor->combiner == COMBINE_PRODUCT;
    if (adds && is_narrow(tensor->type))
        return refuse_integer(support, tensor->type, combiners[tensor->combiner].name,
                              "convert its terms to s32 or f32");
    return check_plain_value(support, tensor->body);
}

/* ---- outside ---- */

dlt_status task_supported(const struct task *task, struct error *error) {
    struct target_description target;
    struct support support = {.target = &target, .error = error};
    TRY(target_describe(task->target, &target, error));
    for (int i = 0; i < task->expression->tensor_count; i++) {
        support.tensor = task->expression->tensors[i];
        bool computed = support.tensor->kind == TENSOR_COMPUTED;
        if (target.machine_code && support.tensor->type != MACHINE_TYPE)
            return refuse_machine(&support, "its type is", support.tensor->type);
        if (computed && target.machine_code)
            TRY(check_machine_value(&support, support.tensor->body));
        else if (computed)
            TRY(check_plain_tensor(&support));
    }
    return DLT_OK;
}
