/* Taking the conditions of a reduction's terms out of its body; see domain.h. */
#include "te/domain.h"

static bool is_constant(const struct value *value, double constant) {
    return value->operation == OP_CONSTANT && value->constant == constant;
}

static void add_conditions(struct domain *domain, const struct value *select) {
    if (domain->count + select->condition_count > domain->capacity) {
        int capacity = 2 * (domain->count + select->condition_count);
        const struct affine **more = ARENA_ARRAY(domain->arena, const struct affine *, capacity);
        for (int i = 0; i < domain->count; i++)
            more[i] = domain->conditions[i];
        domain->conditions = more;
        domain->capacity = capacity;
    }
    for (int i = 0; i < select->condition_count; i++)
        domain->conditions[domain->count++] = select->conditions[i];
}

/* Only a zero passes through the operations that keep it zero. */
const struct value *domain_extract(struct domain *domain, const struct value *value,
                                   enum combiner combiner) {
    double identity = combiners[combiner].identity;
    struct value *copy;
    if (value->operation == OP_SELECT && !value->is_inlined &&
        is_constant(value->operands[1], identity)) {
        add_conditions(domain, value);
        return domain_extract(domain, value->operands[0], combiner);
    }
    if (identity != 0 || (value->operation != OP_MULTIPLY && value->operation != OP_NEGATE &&
                          value->operation != OP_DIVIDE))
        return value;
    copy = arena_copy(domain->arena, value, sizeof *value);
    copy->operands[0] = domain_extract(domain, value->operands[0], combiner);
    if (value->operation == OP_MULTIPLY)
        copy->operands[1] = domain_extract(domain, value->operands[1], combiner);
    return copy;
}
