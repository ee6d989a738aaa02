/* Comparison with the reference, whole or sampled; see check.h. */
#include "measure/check.h"

#include "base/plain.h"
#include "base/random.h"
#include "measure/clock.h"
#include "measure/elements.h"
#include "measure/inputs.h"
#include "measure/known.h"
#include "te/reference.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The reference walks about this many terms a second; budgets are counted in terms, not measured,
 * so that the same seed samples the same elements. */
#define TERMS_A_SECOND   5e7
#define COMPLETE_SECONDS 0.1 /* the whole reference is evaluated if it takes no longer */
#define FRESH_SECONDS    1.5e-4
#define LARGE_SECONDS    0.05 /* until there is a golden output */
#define THOROUGH_SECONDS 0.01 /* for finalists then, and of what is in a hurry */
#define LEAST_SECONDS    0.02 /* in which LEAST_FRESH elements have to be evaluated, or fewer are */

enum {
    MAX_COMPLETE = 1 << 22,
    MAX_SAMPLED = 1 << 14,
    LEAST_FRESH = 8,
    LEAST_FIRST = 4, /* whatever they cost, until there is a golden output */
    MOST_FRESH = 1 << 14,
    MAX_SEAMS = 32,
    MAX_ARBITRATIONS = 64,
    BLOCK = 64, /* of elements that are compared together */
};

struct checker {
    const struct tensor *result;
    struct reference *reference;
    struct known known;
    unsigned char *padding;   /* one byte an offset; NULL if there is none */
    unsigned char *evaluated; /* one bit an offset: it is among those known */
    double cost;
    bool complete;
};

/* The largest finite number: beyond it an honest result is infinite. */
static const double largest[TYPE_COUNT] = {
    [TYPE_F32] = FLT_MAX, [TYPE_F64] = DBL_MAX,  [TYPE_S32] = INT32_MAX,
    [TYPE_S8] = INT8_MAX, [TYPE_U8] = UINT8_MAX, [TYPE_BF16] = 0x1.fep127,
};

/* ---- elements ---- */

/* Evaluates the reference at an offset. Padding must be zero exactly. */
static dlt_status evaluate(struct checker *checker, int64_t offset, struct known_element *known,
                           struct error *error) {
    struct reference_element element = {0};
    int64_t subscripts[MAX_RANK];
    *known = (struct known_element){.offset = offset, .bound = DBL_MIN};
    if (!layout_subscripts(checker->result, offset, subscripts))
        return DLT_OK;
    TRY(reference_evaluate(checker->reference, subscripts, &element, error));
    known->value = element.value;
    known->bound += reference_tolerance(&element, checker->result->type);
    return DLT_OK;
}

static double error_of(const struct checker *checker, const struct known_element *known,
                       double got) {
    double error;
    if (got == known->value)
        return 0;
    if (isnan(known->value))
        return isnan(got) ? 0 : INFINITY;
    if (isinf(got) && fabs(known->value) + known->bound >= largest[checker->result->type] &&
        signbit(got) == signbit(known->value))
        return 0; /* an honest overflow */
    error = fabs(got - known->value) / known->bound;
    return isnan(error) ? INFINITY : error;
}

static void name_element(const struct tensor *result, int64_t offset, char *name, size_t bytes) {
    int64_t subscripts[MAX_RANK];
    bool real = layout_subscripts(result, offset, subscripts);
    size_t used;
    snprintf(name, bytes, "%s%s[", real ? "" : "padding of ", result->name);
    used = strlen(name);
    for (int axis = 0; axis < result->rank && used < bytes; axis++) {
        snprintf(name + used, bytes - used, "%s%lld", axis ? ", " : "",
                 (long long)subscripts[axis]);
        used += strlen(name + used);
    }
    snprintf(name + used, bytes - used, "]");
}

/* Notes the error of an element; false, with a message, if it is wrong. */
static bool judge(const struct checker *checker, const struct known_element *known,
                  const void *output, struct comparison *comparison) {
    double got = element_load(checker->result->type, output, known->offset);
    double error = error_of(checker, known, got);
    char name[128];
    if (error > comparison->max_error)
        comparison->max_error = error;
    if (error <= 1)
        return true;
    name_element(checker->result, known->offset, name, sizeof name);
    comparison->right = false;
    plain_format(comparison->message, sizeof comparison->message,
                 "%s is %.9g, should be %.9g within %.2g", name, got, known->value, known->bound);
    return false;
}

/* ---- the whole reference ---- */

static dlt_status compare_complete(struct checker *checker, const void *output,
                                   struct comparison *comparison, struct error *error) {
    struct known *known = &checker->known;
    double start = clock_seconds();
    while (known->header->count < known->capacity) {
        struct known_element element;
        TRY(evaluate(checker, known->header->count, &element, error));
        known_add(known, &element);
    }
    comparison->reference_seconds = clock_seconds() - start;
    for (int64_t i = 0; i < known->capacity; i++)
        if (!judge(checker, &known->elements[i], output, comparison))
            break;
    return DLT_OK;
}

/* ---- samples ---- */

/* Numbers in a trace are split factors and layouts: multiples of them are where tiles meet. */
static int find_seams(const char *trace, int64_t *seams) {
    int count = 0;
    for (const char *at = trace; at && *at && count < MAX_SEAMS; at++) {
        bool starts =
            *at >= '0' && *at <= '9' &&
            (at == trace || at[-1] == ' ' || at[-1] == '/' || at[-1] == '%' || at[-1] == ':');
        if (starts) {
            int64_t number = strtoll(at, NULL, 10);
            if (number > 1)
                seams[count++] = number;
        }
    }
    return count;
}

static int64_t sample_subscript(struct random *random, int64_t extent, const int64_t *seams,
                                int seam_count) {
    int64_t seam, multiples;
    switch (random_below(random, 8)) {
    case 0:
        return 0;
    case 1:
        return extent - 1;
    case 2:
    case 3:
        seam = seam_count ? seams[random_below(random, (uint64_t)seam_count)] : 16;
        multiples = (extent - 1) / seam;
        if (multiples > 0)
            return (int64_t)(random_below(random, (uint64_t)multiples) + 1) * seam -
                   (int64_t)random_below(random, 2);
        break;
    default:
        break;
    }
    return (int64_t)random_below(random, (uint64_t)extent);
}

static bool is_evaluated(const struct checker *checker, int64_t offset) {
    return checker->evaluated[offset / 8] >> offset % 8 & 1;
}

static void note_evaluated(const struct checker *checker, int64_t offset) {
    checker->evaluated[offset / 8] |= (unsigned char)(1 << offset % 8);
}

/* Evaluates one element, keeps it, and judges the output and the golden output by it. What is known
 * was judged before: nothing is evaluated twice. */
static dlt_status judge_fresh(struct checker *checker, int64_t offset, const void *output,
                              struct comparison *comparison, struct error *error) {
    struct known *known = &checker->known;
    struct known_element element;
    if (is_evaluated(checker, offset))
        return DLT_OK;
    TRY(evaluate(checker, offset, &element, error));
    if (known_add(known, &element))
        note_evaluated(checker, offset);
    judge(checker, &element, output, comparison);
    if (known->header->has_golden) {
        struct comparison golden = {.right = true};
        if (!judge(checker, &element, known->golden, &golden))
            known->header->has_golden = 0; /* it had passed by luck */
    }
    return DLT_OK;
}

/* How many fit into the seconds, but enough of those that cost little. Of elements that take longer
 * than LEAST_SECONDS, each candidate has one in so many. */
static int64_t sample_size(const struct checker *checker, double seconds, struct random *random) {
    double size = fmax(seconds * TERMS_A_SECOND / checker->cost,
                       fmin(LEAST_FRESH, LEAST_SECONDS * TERMS_A_SECOND / checker->cost));
    if (!checker->known.header->has_golden)
        size = fmax(size, LEAST_FIRST);
    if (size < 1)
        return random_unit(random) < size;
    return size > MOST_FRESH ? MOST_FRESH : (int64_t)size;
}

/* The last one first, where bounds are most often wrong; half of the sample, if that is less. */
static dlt_status judge_corners(struct checker *checker, int64_t size, const void *output,
                                struct comparison *comparison, struct error *error) {
    const struct tensor *result = checker->result;
    int corners = 1 << result->rank, most = size / 2 < corners ? (int)(size / 2) : corners;
    for (int corner = corners - 1; corner >= corners - most && comparison->right; corner--) {
        int64_t subscripts[MAX_RANK];
        for (int axis = 0; axis < result->rank; axis++)
            subscripts[axis] = corner >> axis & 1 ? result->axes[axis]->extent - 1 : 0;
        TRY(judge_fresh(checker, layout_offset_of(&result->layout, subscripts), output, comparison,
                        error));
    }
    return DLT_OK;
}

static dlt_status judge_sample(struct checker *checker, const void *output,
                               const struct check_request *request, struct comparison *comparison,
                               struct error *error) {
    const struct tensor *result = checker->result;
    bool first = !checker->known.header->has_golden;
    double seconds = first && !request->hurried   ? LARGE_SECONDS
                     : first || request->thorough ? THOROUGH_SECONDS
                                                  : FRESH_SECONDS;
    int64_t size, seams[MAX_SEAMS];
    int seam_count = find_seams(request->trace, seams);
    struct random random;
    random_seed(&random, request->seed);
    size = sample_size(checker, seconds, &random);
    if (checker->known.header->count == 0)
        TRY(judge_corners(checker, size, output, comparison, error));
    for (int64_t i = 0; i < size && comparison->right; i++) {
        int64_t subscripts[MAX_RANK];
        for (int axis = 0; axis < result->rank; axis++)
            subscripts[axis] =
                sample_subscript(&random, result->axes[axis]->extent, seams, seam_count);
        TRY(judge_fresh(checker, layout_offset_of(&result->layout, subscripts), output, comparison,
                        error));
    }
    return DLT_OK;
}

static bool judge_padding(const struct checker *checker, const void *output,
                          struct comparison *comparison) {
    if (checker->padding)
        for (int64_t i = 0; i < checker->result->layout.elements; i++)
            if (checker->padding[i]) {
                struct known_element zero = {.offset = i, .bound = DBL_MIN};
                if (!judge(checker, &zero, output, comparison))
                    return false;
            }
    return true;
}

/* A NaN agrees with a NaN. */
static bool agrees(float left, float right, float limit) {
    return (left == right) | (fabsf(left - right) <= limit) | ((left != left) & (right != right));
}

/* A block without early end, which compilers vectorise. */
static bool block_agrees(const float *left, const float *right, float limit) {
    int differ = 0;
    for (int i = 0; i < BLOCK; i++)
        differ += !agrees(left[i], right[i], limit);
    return differ == 0;
}

/* The first offset from `start` where two outputs differ by more than `tolerance`, or the end. */
static int64_t next_difference(const struct tensor *result, const void *a, const void *b,
                               double tolerance, int64_t start) {
    int64_t i = start, count = result->layout.elements;
    if (result->type == TYPE_F32) {
        const float *left = a, *right = b, limit = (float)tolerance;
        while (i + BLOCK <= count && block_agrees(left + i, right + i, limit))
            i += BLOCK;
        while (i < count && agrees(left[i], right[i], limit))
            i++;
        return i;
    }
    for (; i < count; i++) {
        double left = element_load(result->type, a, i), right = element_load(result->type, b, i);
        if (!(left == right || fabs(left - right) <= tolerance || (isnan(left) && isnan(right))))
            break;
    }
    return i;
}

static dlt_status judge_by_golden(struct checker *checker, const void *output,
                                  struct comparison *comparison, struct error *error) {
    const struct known *known = &checker->known;
    double tolerance = 2 * known->header->worst_bound;
    int arbitrations = 0;
    int64_t i = 0, count = checker->result->layout.elements;
    if (memcmp(output, known->golden, known->golden_bytes) == 0)
        return DLT_OK;
    while (comparison->right && known->header->has_golden && arbitrations++ < MAX_ARBITRATIONS) {
        i = next_difference(checker->result, output, known->golden, tolerance, i);
        if (i == count)
            break;
        TRY(judge_fresh(checker, i++, output, comparison, error));
    }
    return DLT_OK;
}

static dlt_status compare_sampled(struct checker *checker, const void *output,
                                  const struct check_request *request,
                                  struct comparison *comparison, struct error *error) {
    struct known *known = &checker->known;
    double start;
    if (!judge_padding(checker, output, comparison))
        return DLT_OK;
    for (int64_t i = 0; i < known->header->count; i++)
        if (!judge(checker, &known->elements[i], output, comparison))
            return DLT_OK;
    start = clock_seconds(); /* almost all of judging fresh elements is evaluating them */
    TRY(judge_sample(checker, output, request, comparison, error));
    comparison->reference_seconds = clock_seconds() - start;
    if (comparison->right && known->header->has_golden)
        TRY(judge_by_golden(checker, output, comparison, error));
    if (comparison->right && !known->header->has_golden) {
        memcpy(known->golden, output, known->golden_bytes);
        known->header->has_golden = 1;
    }
    return DLT_OK;
}

/* ---- outside ---- */

static dlt_status find_padding(struct checker *checker, struct error *error) {
    const struct tensor *result = checker->result;
    int64_t subscripts[MAX_RANK];
    if (checker->complete || !tensor_is_padded(result))
        return DLT_OK;
    checker->padding = malloc((size_t)result->layout.elements);
    if (!checker->padding)
        return error_set(error, DLT_ERROR_MEMORY, "out of memory");
    for (int64_t i = 0; i < result->layout.elements; i++)
        checker->padding[i] = !layout_subscripts(result, i, subscripts);
    return DLT_OK;
}

/* What earlier workers evaluated is known. */
static dlt_status note_known(struct checker *checker, struct error *error) {
    if (checker->complete)
        return DLT_OK;
    checker->evaluated = calloc((size_t)checker->result->layout.elements / 8 + 1, 1);
    if (!checker->evaluated)
        return error_set(error, DLT_ERROR_MEMORY, "out of memory");
    for (int64_t i = 0; i < checker->known.header->count; i++)
        note_evaluated(checker, checker->known.elements[i].offset);
    return DLT_OK;
}

static dlt_status fill(struct checker *checker, const struct expression *expression,
                       const void *const *inputs, int shared, struct error *error) {
    const void *by_order[MAX_TENSORS + 1];
    int64_t elements = checker->result->layout.elements;
    int count = 0;
    for (int t = 0; t < expression->tensor_count; t++)
        if (expression->tensors[t]->kind != TENSOR_COMPUTED ||
            expression->tensors[t] == checker->result)
            by_order[count++] = inputs[t];
    TRY(reference_create(expression, by_order, &checker->reference, error));
    checker->cost = fmax(reference_cost(checker->reference), 1);
    checker->complete = elements <= MAX_COMPLETE &&
                        (double)elements * checker->cost <= COMPLETE_SECONDS * TERMS_A_SECOND;
    TRY(find_padding(checker, error));
    TRY(known_map(&checker->known, shared, checker->complete ? elements : MAX_SAMPLED,
                  checker->complete ? 0 : tensor_bytes(checker->result), error));
    return note_known(checker, error);
}

dlt_status checker_create(const struct expression *expression, const void *const *inputs,
                          int shared, struct checker **result, struct error *error) {
    struct checker *checker = calloc(1, sizeof *checker);
    dlt_status status;
    *result = NULL;
    if (!checker)
        return error_set(error, DLT_ERROR_MEMORY, "out of memory");
    checker->result = expression_result(expression);
    status = fill(checker, expression, inputs, shared, error);
    if (status == DLT_OK)
        *result = checker;
    else
        checker_free(checker);
    return status;
}

void checker_free(struct checker *checker) {
    if (!checker)
        return;
    reference_free(checker->reference);
    known_unmap(&checker->known);
    free(checker->padding);
    free(checker->evaluated);
    free(checker);
}

void checker_protect(struct checker *checker, bool writable) {
    known_protect(&checker->known, writable);
}

bool checker_is_complete(const struct checker *checker) {
    return checker->complete;
}

int64_t checker_evaluated(const struct checker *checker) {
    return checker->known.header->count;
}

dlt_status checker_compare(struct checker *checker, const void *output,
                           const struct check_request *request, struct comparison *comparison,
                           struct error *error) {
    *comparison = (struct comparison){.right = true};
    if (checker->complete)
        return compare_complete(checker, output, comparison, error);
    return compare_sampled(checker, output, request, comparison, error);
}

static bool all_bytes_are(const unsigned char *bytes, int count, int value) {
    while (count > 0 && bytes[count - 1] == value)
        count--;
    return count == 0;
}

bool check_runs_agree(const struct tensor *result, const void *first, const void *second,
                      struct comparison *comparison) {
    size_t bytes = (size_t)data_types[result->type].bytes, at = 0;
    const unsigned char *a = first, *b = second;
    char name[128];
    comparison->right = true;
    if (memcmp(a, b, tensor_bytes(result)) == 0)
        return true;
    while (memcmp(a + at, b + at, bytes) == 0)
        at += bytes;
    name_element(result, (int64_t)(at / bytes), name, sizeof name);
    comparison->right = false;
    if (all_bytes_are(a + at, (int)bytes, PREFILL_FIRST) &&
        all_bytes_are(b + at, (int)bytes, PREFILL_SECOND))
        snprintf(comparison->message, sizeof comparison->message, "%s was left unwritten", name);
    else
        plain_format(comparison->message, sizeof comparison->message,
                     "%s differs between two runs on the same inputs: %.9g and %.9g", name,
                     element_load(result->type, a, (int64_t)(at / bytes)),
                     element_load(result->type, b, (int64_t)(at / bytes)));
    return false;
}
