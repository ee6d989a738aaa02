/* Filling tensors, and judging a result; see problem.h. */
#include "problem.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What lies between rows of inputs, where nothing may be read: it would spread. */
static float poison(void) {
    return NAN;
}

/* ---- numbers ---- */

enum numbers {
    NUMBERS_EVEN,  /* -1 to 1 */
    NUMBERS_WHOLE, /* small integers */
    NUMBERS_WIDE,  /* of very different magnitudes */
    NUMBERS_POSITIVE,
    NUMBERS_COUNT,
};

static float any_number(struct random *random, enum numbers numbers) {
    double unit = 2 * random_unit(random) - 1;
    switch (numbers) {
    case NUMBERS_WHOLE:
        return (float)random_between(random, -4, 4);
    case NUMBERS_WIDE:
        return (float)ldexp(unit, (int)random_between(random, -12, 8));
    case NUMBERS_POSITIVE:
        return (float)fabs(unit);
    default:
        return (float)unit;
    }
}

static float special_number(struct random *random) {
    static const float numbers[] = {NAN, INFINITY, -INFINITY, -0.0f, 0.0f, 1e-40f, NAN};
    return numbers[random_between(random, 0, 6)];
}

/* Of a layout that cuts no axis the memory behind the last element need not exist. */
static int64_t memory_places(const struct problem *problem, const struct tensor *tensor,
                             struct random *random) {
    bool may_end = random_chance(random, 2) && !problem->options.whole;
    for (int i = 0; i < tensor->layout.count; i++)
        if (tensor->layout.dimensions[i].divisor > 1 || tensor->layout.dimensions[i].modulus)
            may_end = false;
    return may_end ? layout_end(&tensor->layout, tensor) : tensor->layout.elements;
}

/* `rate`: one element in so many is special; 0: none. */
static void fill(float *numbers, int64_t count, const struct tensor *tensor, int rate,
                 struct random *random) {
    enum numbers kind = (enum numbers)random_between(random, 0, NUMBERS_COUNT - 1);
    for (int64_t i = 0; i < count; i++) {
        switch (layout_place(&tensor->layout, tensor, i)) {
        case PLACE_ELEMENT:
            numbers[i] = rate && random_chance(random, rate) ? special_number(random)
                                                             : any_number(random, kind);
            break;
        case PLACE_LANE:
            numbers[i] = 0;
            break;
        case PLACE_GAP:
            numbers[i] = poison();
            break;
        }
    }
}

static int special_rate(bool special, const struct tensor *tensor, struct random *random) {
    int64_t elements = tensor_elements(tensor);
    if (!special || random_chance(random, 3))
        return 0;
    return (int)random_between(random, 1, elements < 4 ? 4 : 2 * elements);
}

static bool create_input(struct problem *problem, int place, bool special, struct random *random) {
    const struct tensor *tensor = &problem->definition->tensors[place];
    struct buffer *buffer = &problem->inputs[place];
    int64_t count;
    if (tensor->kind == KIND_COMPUTED || tensor->kind == KIND_LITERAL)
        return true;
    count = memory_places(problem, tensor, random);
    if (!buffer_create(buffer, (size_t)count * sizeof(float), sizeof(float), random))
        return false;
    fill((float *)buffer->data, count, tensor, special_rate(special, tensor, random), random);
    buffer_protect(buffer);
    return true;
}

/* Elements that are not read hold what must not be left over. */
static bool create_output(struct problem *problem, bool special, struct random *random) {
    const struct tensor *tensor = definition_result(problem->definition);
    bool read = definition_accumulates(problem->definition);
    problem->count = memory_places(problem, tensor, random);
    if (!buffer_create(&problem->output, (size_t)problem->count * sizeof(float), sizeof(float),
                       random))
        return false;
    problem->before = malloc((size_t)problem->count * sizeof *problem->before);
    problem->places = malloc((size_t)problem->count);
    problem->expected = calloc((size_t)problem->count, sizeof *problem->expected);
    if (!problem->before || !problem->places || !problem->expected)
        return false;
    fill(problem->before, problem->count, tensor,
         read ? special_rate(special && random_chance(random, 4), tensor, random) : 0, random);
    for (int64_t i = 0; i < problem->count; i++) {
        problem->places[i] = (unsigned char)layout_place(&tensor->layout, tensor, i);
        if (problem->places[i] == PLACE_LANE || (problem->places[i] == PLACE_ELEMENT && !read))
            problem->before[i] = poison();
    }
    return true;
}

/* ---- expectations ---- */

static bool next_element(const struct tensor *tensor, int64_t *subscripts) {
    for (int i = tensor->rank - 1; i >= 0; i--) {
        if (++subscripts[i] < tensor->axes[i].extent)
            return true;
        subscripts[i] = 0;
    }
    return false;
}

static void expect_element(struct problem *problem, struct evaluator *evaluator,
                           const int64_t *subscripts) {
    const struct tensor *tensor = definition_result(problem->definition);
    struct element *expected = &problem->expected[layout_offset(&tensor->layout, subscripts)];
    *expected = evaluator_element(evaluator, subscripts);
    problem->elements++;
    problem->free_elements += expected->free;
}

static void expect_some(struct problem *problem, struct evaluator *evaluator,
                        struct random *random) {
    const struct tensor *tensor = definition_result(problem->definition);
    int64_t subscripts[MOST_SLOTS];
    for (int64_t i = 0; i < problem->count; i++)
        problem->expected[i].free = true;
    for (int64_t i = 0; i < problem->options.sample; i++) {
        for (int axis = 0; axis < tensor->rank; axis++)
            subscripts[axis] = random_between(random, 0, tensor->axes[axis].extent - 1);
        expect_element(problem, evaluator, subscripts);
    }
}

static bool expect(struct problem *problem, struct random *random) {
    const struct tensor *tensor = definition_result(problem->definition);
    const float *inputs[MOST_TENSORS];
    int64_t subscripts[MOST_SLOTS] = {0};
    struct evaluator *evaluator;
    for (int i = 0; i < MOST_TENSORS; i++)
        inputs[i] = (const float *)problem->inputs[i].data;
    evaluator = evaluator_create(problem->definition, inputs, problem->before);
    if (!evaluator)
        return false;
    if (problem->options.sample)
        expect_some(problem, evaluator, random);
    else
        do
            expect_element(problem, evaluator, subscripts);
        while (next_element(tensor, subscripts));
    evaluator_free(evaluator);
    return true;
}

bool problem_create(struct problem *problem, const struct definition *definition,
                    const struct problem_options *options, struct random *random) {
    bool made = true;
    memset(problem, 0, sizeof *problem);
    problem->definition = definition;
    problem->options = *options;
    for (int i = 0; i < definition->tensor_count && made; i++)
        made = create_input(problem, i, options->special, random);
    if (made && create_output(problem, options->special, random) && expect(problem, random))
        return true;
    problem_free(problem);
    return false;
}

void problem_free(struct problem *problem) {
    for (int i = 0; i < MOST_TENSORS; i++)
        buffer_free(&problem->inputs[i]);
    buffer_free(&problem->output);
    free(problem->before);
    free(problem->places);
    free(problem->expected);
    memset(problem, 0, sizeof *problem);
}

/* ---- judging ---- */

void problem_prepare(struct problem *problem) {
    memcpy(problem->output.data, problem->before, problem->output.bytes);
}

bool problem_allows(const struct problem *problem, int64_t offset, float number) {
    return problem->places[offset] != PLACE_ELEMENT ||
           element_allows(&problem->expected[offset], number);
}

static void describe(const struct problem *problem, int64_t offset, float found,
                     char message[MOST_MESSAGE]) {
    static const char *const names[] = {"element", "lane", "gap"};
    const struct tensor *tensor = definition_result(problem->definition);
    const struct element *expected = &problem->expected[offset];
    int used =
        snprintf(message, MOST_MESSAGE, "%s %" PRId64 " (", names[problem->places[offset]], offset);
    for (int i = 0; i < tensor->layout.count; i++) {
        const struct dimension *d = &tensor->layout.dimensions[i];
        used += snprintf(message + used, MOST_MESSAGE - (size_t)used, "%s%s=%" PRId64, i ? " " : "",
                         tensor->axes[d->axis].name, offset / d->stride % d->extent);
    }
    if (problem->places[offset] == PLACE_ELEMENT)
        snprintf(message + used, MOST_MESSAGE - (size_t)used, ") expected %.9g +- %.3g got %.9g",
                 expected->value, expected->error, (double)found);
    else
        snprintf(message + used, MOST_MESSAGE - (size_t)used, ") expected %s got %.9g",
                 problem->places[offset] == PLACE_LANE ? "0" : "what was there", (double)found);
}

static bool is_right(const struct problem *problem, int64_t offset, float found) {
    switch (problem->places[offset]) {
    case PLACE_ELEMENT:
        return element_allows(&problem->expected[offset], found);
    case PLACE_LANE:
        return found == 0;
    default:
        return memcmp(&found, &problem->before[offset], sizeof found) == 0;
    }
}

bool problem_judge(const struct problem *problem, char message[MOST_MESSAGE]) {
    const float *numbers = (const float *)problem->output.data;
    int64_t wrong = 0, first = -1;
    for (int64_t i = 0; i < problem->count; i++)
        if (!is_right(problem, i, numbers[i])) {
            first = wrong++ ? first : i;
        }
    if (wrong) {
        describe(problem, first, numbers[first], message);
        snprintf(message + strlen(message), MOST_MESSAGE - strlen(message),
                 "; %" PRId64 " of %" PRId64 " are wrong", wrong, problem->elements);
        return false;
    }
    for (int i = 0; i < problem->definition->tensor_count; i++)
        if (problem->inputs[i].map && !buffer_is_intact(&problem->inputs[i])) {
            snprintf(message, MOST_MESSAGE, "memory beside %s was written",
                     problem->definition->tensors[i].name);
            return false;
        }
    if (!buffer_is_intact(&problem->output)) {
        snprintf(message, MOST_MESSAGE, "memory beside the output was written");
        return false;
    }
    return true;
}
