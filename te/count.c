/* Counting the operations of an expression; see expression.h.
 *
 * Each node of a body counts at the points where it is needed. Where the conditions of a select
 * below it fail, a node may fold to a constant (0 * w is 0): there it counts nothing. Where the
 * whole body folds to the combiner's identity, its term is ruled out and the combination counts
 * nothing either. Padding of a convolution is the usual case, no special one. */
#include "te/ahead.h"
#include "te/count_points.h"
#include "te/expression.h"

struct counter {
    bool nominal;
    int variable_count;
    const struct variable *variables[MAX_COUNTED_VARIABLES];
    int condition_count; /* hold at the points being counted */
    const struct affine *conditions[MAX_COUNTED_CONDITIONS];
};

static double points(const struct counter *counter) {
    return count_points(counter->variable_count, counter->variables,
                        counter->nominal ? 0 : counter->condition_count, counter->conditions);
}

static void require(struct counter *counter, const struct value *select) {
    for (int i = 0; i < select->condition_count; i++)
        if (counter->condition_count < MAX_COUNTED_CONDITIONS)
            counter->conditions[counter->condition_count++] = select->conditions[i];
}

/* The constant that `value` is where the conditions of `failed` do not hold; false if it is
 * none. */
static bool fold(const struct value *value, const struct value *failed, double *constant) {
    double operands[MAX_OPERANDS];
    int known = 0, count = operations[value->operation].operand_count;
    if (value == failed)
        return fold(value->operands[1], failed, constant);
    if (value->operation == OP_CONSTANT) {
        *constant = value->constant;
        return true;
    }
    for (int i = 0; i < count; i++) {
        bool folds = fold(value->operands[i], failed, &operands[i]);
        if (folds && operands[i] == 0 && value->operation == OP_MULTIPLY) {
            *constant = 0;
            return true;
        }
        known += folds;
    }
    if (count == 0 || known < count)
        return false;
    if (value->operation == OP_CONVERT || value->operation == OP_SELECT)
        *constant = operands[0];
    else
        *constant = operations[value->operation].evaluate(operands);
    return value->operation != OP_SELECT || operands[0] == operands[1];
}

/* Requires the conditions of those selects below `value` without which `root` folds: to the wanted
 * constant, or to any if `wanted` is NULL. */
static void require_needed(struct counter *counter, const struct value *root,
                           const struct value *value, const double *wanted) {
    double constant;
    if (value->operation == OP_SELECT && fold(root, value, &constant) &&
        (!wanted || constant == *wanted))
        require(counter, value);
    for (int i = 0; i < operations[value->operation].operand_count; i++)
        require_needed(counter, root, value->operands[i], wanted);
}

/* 1 for what computes a number, 0 for what moves, chooses or flips the sign of one. */
static int cost(enum operation operation) {
    switch (operation) {
    case OP_ADD:
    case OP_SUBTRACT:
    case OP_MULTIPLY:
    case OP_DIVIDE:
    case OP_MINIMUM:
    case OP_MAXIMUM:
    case OP_SQUARE_ROOT:
    case OP_EXPONENTIAL:
    case OP_LOGARITHM:
    case OP_TANH:
    case OP_ERF:
    case OP_SELECT_LESS:
        return 1;
    default:
        return 0;
    }
}

static double count_value(struct counter *counter, const struct value *value) {
    int before = counter->condition_count;
    double sum = 0;
    if (value->operation == OP_SELECT) { /* no = everywhere - where the conditions hold */
        double yes, both;
        if (counter->nominal)
            return count_value(counter, value->operands[0]);
        sum = count_value(counter, value->operands[1]);
        require(counter, value);
        yes = count_value(counter, value->operands[0]);
        both = sum ? count_value(counter, value->operands[1]) : 0;
        counter->condition_count = before;
        return sum + yes - both;
    }
    if (cost(value->operation)) {
        require_needed(counter, value, value, NULL);
        sum = cost(value->operation) * points(counter);
        counter->condition_count = before;
    }
    for (int i = 0; i < operations[value->operation].operand_count; i++)
        sum += count_value(counter, value->operands[i]);
    return sum;
}

static double count_tensor(const struct tensor *tensor, bool nominal) {
    struct counter counter = {.nominal = nominal};
    double combined = 0;
    for (int i = 0; i < tensor->rank; i++)
        counter.variables[counter.variable_count++] = tensor->axes[i];
    for (int i = 0; i < tensor->reduction_rank; i++)
        counter.variables[counter.variable_count++] = tensor->reduction_axes[i];
    if (tensor->combiner != COMBINE_NONE) {
        require_needed(&counter, tensor->body, tensor->body, &combiners[tensor->combiner].identity);
        combined = points(&counter);
    }
    return combined + count_value(&counter, tensor->body);
}

double expression_operations(const struct expression *expression, bool nominal) {
    bool ahead[MAX_TENSORS];
    double sum = 0;
    expression_find_ahead(expression, ahead);
    for (int i = 0; i < expression->tensor_count; i++)
        if (expression->tensors[i]->kind == TENSOR_COMPUTED && !ahead[i])
            sum += count_tensor(expression->tensors[i], nominal);
    return sum;
}
