/* Sampled comparison; see sample.h. */
#include "bench/worker/sample.h"

#include "base/random.h"
#include "measure/elements.h"

#include <math.h>
#include <stdlib.h>

#define BUDGET_TERMS 3e6 /* some 50 ms */

enum {
    LEAST_SAMPLE = 32,
    MAX_CORNERS = 16,
};

/* Corners first: the bits of `number` choose the end of each axis. */
static void pick(const struct tensor *result, int number, struct random *random,
                 int64_t *subscripts) {
    for (int axis = 0; axis < result->rank; axis++) {
        int64_t extent = result->axes[axis]->extent;
        subscripts[axis] = number < MAX_CORNERS ? (number >> axis & 1 ? extent - 1 : 0)
                                                : (int64_t)random_below(random, (uint64_t)extent);
    }
}

static dlt_status evaluate(struct reference *reference, uint64_t seed, struct sample *sample,
                           struct error *error) {
    double wanted = BUDGET_TERMS / (reference_cost(reference) + 1);
    struct random random;
    random_seed(&random, seed);
    sample->count = wanted > MAX_SAMPLE     ? MAX_SAMPLE
                    : wanted < LEAST_SAMPLE ? LEAST_SAMPLE
                                            : (int)wanted;
    for (int i = 0; i < sample->count; i++) {
        int64_t subscripts[MAX_RANK];
        pick(sample->result, i, &random, subscripts);
        sample->offsets[i] = layout_offset_of(&sample->result->layout, subscripts);
        TRY(reference_evaluate(reference, subscripts, &sample->elements[i], error));
    }
    return DLT_OK;
}

dlt_status sample_create(const struct expression *expression, const void *const *data,
                         uint64_t seed, struct sample **sample, struct error *error) {
    struct sample *made = calloc(1, sizeof *made);
    const void *by_order[MAX_TENSORS + 1];
    struct reference *reference;
    dlt_status status;
    int count = 0;
    if (!made)
        return error_set(error, DLT_ERROR_MEMORY, "out of memory");
    made->result = expression_result(expression);
    for (int t = 0; t < expression->tensor_count; t++)
        if (expression->tensors[t]->kind != TENSOR_COMPUTED ||
            expression->tensors[t] == made->result)
            by_order[count++] = data[t];
    status = reference_create(expression, by_order, &reference, error);
    if (status == DLT_OK) {
        status = evaluate(reference, seed, made, error);
        reference_free(reference);
    }
    if (status != DLT_OK) {
        free(made);
        return status;
    }
    *sample = made;
    return DLT_OK;
}

void sample_free(struct sample *sample) {
    free(sample);
}

dlt_status sample_compare(const struct sample *sample, const void *output, double tolerance,
                          double *max_error, struct error *error) {
    enum data_type type = sample->result->type;
    *max_error = 0;
    for (int i = 0; i < sample->count; i++) {
        double have = element_load(type, output, sample->offsets[i]);
        double want = sample->elements[i].value, distance = fabs(have - want);
        double bound = reference_tolerance(&sample->elements[i], type);
        double share = distance == 0 ? 0 : bound > 0 ? distance / bound : INFINITY;
        if (!(share <= tolerance))
            return error_set(error, DLT_ERROR_WRONG,
                             "the element at offset %lld is %g, not %g: %.3g times what rounding "
                             "explains",
                             (long long)sample->offsets[i], have, want, share);
        if (share > *max_error)
            *max_error = share;
    }
    return DLT_OK;
}
