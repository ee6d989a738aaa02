/* Running kernels on buffers that end where memory ends.
 *
 * Every buffer lies in a mapping of its own between two pages that may not be touched, flush with
 * one of them: a kernel that reads or writes out of range crashes. What is being tried is printed
 * when it does. */
#ifndef TESTS_IR_RUNNING_H
#define TESTS_IR_RUNNING_H

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/random.h"
#include "schedules/space.h"
#include "targets/jit/kernel.h"
#include "te/in_place.h"
#include "te/reference.h"

struct guarded {
    char *mapping;
    size_t mapped;
    void *data;
};

/* `at_end`: flush with the page behind, as far as `alignment` allows. Filled with NaNs. */
static struct guarded guarded_allocate(int64_t bytes, size_t alignment, bool at_end) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t rounded = ((size_t)bytes + alignment - 1) / alignment * alignment;
    size_t inside = (rounded + page) / page * page;
    struct guarded g = {.mapped = inside + 2 * page};
    g.mapping = mmap(NULL, g.mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(g.mapping, MAP_FAILED);
    memset(g.mapping, 0xff, g.mapped);
    assert_int_equal(mprotect(g.mapping, page, PROT_NONE), 0);
    assert_int_equal(mprotect(g.mapping + page + inside, page, PROT_NONE), 0);
    g.data = g.mapping + page + (at_end ? inside - rounded : 0);
    return g;
}

static void guarded_free(struct guarded *g) {
    if (g->mapping)
        munmap(g->mapping, g->mapped);
    g->mapping = NULL;
}

/* What is being tried, for the message of a crash. */
static const char *trying_expression = "", *trying_trace = "", *trying_target = "";
static unsigned long long trying_seed;

static void describe_crash(int number) {
    char text[16384];
    int length = snprintf(text, sizeof text, "signal %d, seed %llu, target %s\n%s\n%s\n", number,
                          trying_seed, trying_target, trying_expression, trying_trace);
    if (write(STDERR_FILENO, text, (size_t)length) < 0)
        _exit(2);
    signal(number, SIG_DFL);
    raise(number);
}

static void describe_crashes(void) {
    signal(SIGSEGV, describe_crash);
    signal(SIGBUS, describe_crash);
    signal(SIGILL, describe_crash);
    signal(SIGFPE, describe_crash);
}

/* Inputs of an expression and its reference. If it accumulates, what the result holds before is an
 * input too, behind the others. */
struct subject {
    const struct expression *expression;
    bool at_end, shared; /* among threads */
    bool accumulates;
    int input_count;
    struct guarded inputs[MAX_TENSORS + 1];
    struct reference *reference;
};

typedef float input_number(struct random *random);

/* Of either sign; products of many neither vanish nor grow. */
__attribute__((unused)) static float number_around_one(struct random *random) {
    double magnitude = 0.75 + random_unit(random) / 2;
    return (float)(random_below(random, 2) ? magnitude : -magnitude);
}

/* Now and then an infinity or a NaN, or a zero that meets them. */
__attribute__((unused)) static float number_or_special(struct random *random) {
    static const float specials[] = {INFINITY, -INFINITY, NAN, 0.0f, -0.0f};
    if (random_below(random, 40) == 0)
        return specials[random_below(random, sizeof specials / sizeof specials[0])];
    return number_around_one(random);
}

/* The bytes of a caller's tensor: what a layout leaves behind its last element need not be there. */
static size_t used_bytes(const struct tensor *tensor) {
    int64_t extents[MAX_RANK];
    for (int i = 0; i < tensor->rank; i++)
        extents[i] = tensor->axes[i]->extent;
    return (size_t)layout_used(&tensor->layout, extents) * sizeof(float);
}

/* Storage that a layout adds holds zero. */
static void fill_input(const struct tensor *tensor, float *data, struct random *random,
                       input_number *number) {
    int64_t extents[MAX_RANK], elements = 1;
    float *plain, *stored = malloc((size_t)tensor->layout.elements * sizeof *stored);
    for (int i = 0; i < tensor->rank; i++) {
        extents[i] = tensor->axes[i]->extent;
        elements *= extents[i];
    }
    plain = malloc((size_t)elements * sizeof *plain);
    for (int64_t i = 0; i < elements; i++)
        plain[i] = number(random);
    layout_store(&tensor->layout, tensor->rank, extents, sizeof *plain, plain, stored);
    memcpy(data, stored, used_bytes(tensor));
    free(stored);
    free(plain);
}

__attribute__((unused)) static void subject_open(struct subject *s,
                                                 const struct expression *expression,
                                                 struct random *random, input_number *number) {
    const void *data[MAX_TENSORS + 1];
    struct error error = {.status = DLT_OK};
    memset(s, 0, sizeof *s);
    s->expression = expression;
    s->accumulates = expression_accumulates(expression);
    s->at_end = random_below(random, 4) != 0;
    s->shared = random_below(random, 2) != 0;
    for (int i = 0; i < expression->tensor_count; i++) {
        const struct tensor *tensor = expression->tensors[i];
        bool previous = s->accumulates && tensor == expression_result(expression);
        if (tensor->kind == TENSOR_COMPUTED && !previous)
            continue;
        struct guarded *input = &s->inputs[s->input_count];
        *input = guarded_allocate((int64_t)used_bytes(tensor), 4, s->at_end);
        fill_input(tensor, input->data, random, number);
        data[s->input_count++] = input->data;
    }
    if (reference_create(expression, data, &s->reference, &error))
        fail_msg("%s", error.message);
}

static void subject_close(struct subject *s) {
    reference_free(s->reference);
    for (int i = 0; i < s->input_count; i++)
        guarded_free(&s->inputs[i]);
}

enum {
    THREADS = 3
};

/* The shares of a parallel loop, the last first, as if by different threads. */
static void share_loop(void *context, dlt_loop_body *body, void *body_context, long count) {
    (void)context;
    for (long s = THREADS - 1; s >= 0; s--)
        body(body_context, count * s / THREADS, count * (s + 1) / THREADS, s);
}

static void next_subscripts(const struct tensor *tensor, int64_t *subscripts) {
    for (int i = tensor->rank - 1; i >= 0 && ++subscripts[i] == tensor->axes[i]->extent; i--)
        subscripts[i] = 0;
}

static int64_t element_count(const struct tensor *tensor) {
    int64_t elements = 1;
    for (int i = 0; i < tensor->rank; i++)
        elements *= tensor->axes[i]->extent;
    return elements;
}

/* What the result holds before: numbers where it has elements, NaNs elsewhere. */
static void fill_previous(const struct subject *s, float *output) {
    const struct tensor *tensor = expression_result(s->expression);
    const float *previous = s->inputs[s->input_count - 1].data;
    int64_t subscripts[MAX_RANK] = {0};
    for (int64_t i = 0; i < element_count(tensor); i++, next_subscripts(tensor, subscripts)) {
        int64_t offset = layout_offset_of(&tensor->layout, subscripts);
        output[offset] = previous[offset];
    }
}

/* What an input holds, padding included, where the result will be. */
static void fill_with_input(const struct subject *s, const struct tensor *tensor, float *output) {
    int input = 0;
    for (int i = 0; s->expression->tensors[i] != tensor; i++)
        input += s->expression->tensors[i]->kind != TENSOR_COMPUTED;
    memcpy(output, s->inputs[input].data, used_bytes(tensor));
}

/* Runs a kernel; the caller frees the result. `over` is an input that the result is written over,
 * or NULL. */
static struct guarded run_kernel_over(const struct subject *s, const struct kernel *kernel,
                                      const struct tensor *over) {
    void *tensors[MAX_TENSORS];
    const void *parameters[MAX_TENSORS];
    int variables = 0, parameter_count = 0, input = 0;
    const struct tensor *result = expression_result(s->expression);
    struct guarded packed = guarded_allocate(kernel->packed_bytes, 64, s->at_end);
    const dlt_threads threads = {NULL, THREADS, share_loop};
    int64_t workspace_bytes =
        kernel->shared_bytes + (s->shared ? THREADS : 1) * kernel->private_bytes;
    struct guarded workspace = guarded_allocate(workspace_bytes, 64, s->at_end);
    struct guarded output = guarded_allocate(result->layout.elements * 4, 4, s->at_end);
    for (int i = 0; i < s->expression->tensor_count; i++) {
        enum tensor_kind kind = s->expression->tensors[i]->kind;
        if (kind == TENSOR_VARIABLE)
            tensors[variables++] =
                s->expression->tensors[i] == over ? output.data : s->inputs[input].data;
        if (kind == TENSOR_PARAMETER)
            parameters[parameter_count++] = s->inputs[input].data;
        input += kind != TENSOR_COMPUTED;
    }
    tensors[variables] = output.data;
    if (s->accumulates)
        fill_previous(s, output.data);
    if (over)
        fill_with_input(s, over, output.data);
    assert_int_equal(kernel->pack(parameters, packed.data), 0);
    assert_int_equal(kernel->run(tensors, packed.data, workspace.data, s->shared ? &threads : NULL),
                     0);
    guarded_free(&packed);
    guarded_free(&workspace);
    return output;
}

static struct guarded run_kernel(const struct subject *s, const struct kernel *kernel) {
    return run_kernel_over(s, kernel, NULL);
}

/* Random sums may add the same term again and again, whose roundings do not even out: the bound
 * that is certain then, t u M, counts too (docs/checking.md). */
static double tolerance(const struct reference_element *exact) {
    double certain = exact->terms * data_types[TYPE_F32].epsilon / 2 * exact->magnitude;
    return fmax(reference_tolerance(exact, TYPE_F32), certain);
}

/* Where infinities met in an element, its bound tells nothing: it must be close all the same. */
static bool is_right(const struct reference_element *exact, double got) {
    double difference = fabs(got - exact->value);
    if (isnan(exact->value) || got == exact->value)
        return isnan(got) || got == exact->value;
    if (!isfinite(exact->magnitude))
        return difference <= 1e-3 * (1 + fabs(exact->value));
    return difference <= tolerance(exact);
}

static void compare_with_reference(const struct subject *s, const float *result) {
    const struct tensor *tensor = expression_result(s->expression);
    int64_t subscripts[MAX_RANK] = {0};
    for (int64_t i = 0; i < element_count(tensor); i++, next_subscripts(tensor, subscripts)) {
        struct reference_element exact;
        struct error error;
        assert_int_equal(reference_evaluate(s->reference, subscripts, &exact, &error), DLT_OK);
        float got = result[layout_offset_of(&tensor->layout, subscripts)];
        if (!is_right(&exact, got))
            fail_msg("seed %llu for %s: element %lld is %.9g, not %.9g\n%s\n%s", trying_seed,
                     trying_target, (long long)i, got, exact.value, trying_expression,
                     trying_trace);
    }
}

/* Lanes that a layout adds hold zero; what lies between rows is still full of NaNs. */
static void check_storage(const struct subject *s, const float *result) {
    const struct tensor *tensor = expression_result(s->expression);
    const struct layout *layout = &tensor->layout;
    for (int64_t offset = 0; offset < layout->elements; offset++) {
        int64_t subscripts[MAX_RANK] = {0};
        bool between = false, outside = false;
        for (int i = 0; i < layout->dimension_count; i++) {
            const struct layout_dimension *d = &layout->dimensions[i];
            int64_t extent = tensor->axes[d->axis]->extent;
            int64_t piece = offset / d->stride % d->extent;
            between |= piece >= (d->modulus ? d->modulus : (extent + d->divisor - 1) / d->divisor);
            subscripts[d->axis] += piece * d->divisor;
        }
        for (int i = 0; i < tensor->rank; i++)
            outside |= subscripts[i] >= tensor->axes[i]->extent;
        if (between ? !isnan(result[offset]) : outside && result[offset] != 0)
            fail_msg("seed %llu for %s: offset %lld, %s, is %.9g\n%s\n%s", trying_seed,
                     trying_target, (long long)offset, between ? "between rows" : "a lane",
                     result[offset], trying_expression, trying_trace);
    }
}

/* Over each input that it may be, the result has the same bits. Answers how many there are. */
static int check_in_place(const struct subject *s, const struct schedule *schedule,
                          const struct kernel *kernel, const float *apart) {
    const struct tensor *result = expression_result(s->expression);
    int count = 0;
    if (!schedule_stores_once(schedule) || s->accumulates)
        return 0;
    for (int t = 0; t < s->expression->tensor_count; t++) {
        int64_t subscripts[MAX_RANK] = {0};
        if (!expression_in_place(s->expression, s->expression->tensors[t]))
            continue;
        struct guarded over = run_kernel_over(s, kernel, s->expression->tensors[t]);
        for (int64_t i = 0; i < element_count(result); i++, next_subscripts(result, subscripts)) {
            int64_t offset = layout_offset_of(&result->layout, subscripts);
            if (memcmp((float *)over.data + offset, apart + offset, sizeof *apart) != 0)
                fail_msg("seed %llu for %s: element %lld over %s is %.9g, not %.9g\n%s\n%s",
                         trying_seed, trying_target, (long long)i, s->expression->tensors[t]->name,
                         ((float *)over.data)[offset], apart[offset], trying_expression,
                         trying_trace);
        }
        guarded_free(&over);
        count++;
    }
    return count;
}

/* How often a target took part. */
struct tally {
    int tried, compiled, with_tiles, in_place;
};

enum {
    MAX_TARGETS = 8
};

/* Compiles for one target, runs and compares; refusals are counted. */
static void check_on_target(const struct subject *s, const struct schedule *schedule,
                            const char *target, struct tally *tally) {
    struct target_description description;
    struct error error = {.status = DLT_OK};
    struct kernel *kernel;
    trying_target = target;
    assert_int_equal(target_describe(target, &description, &error), DLT_OK);
    tally->tried++;
    dlt_status status = kernel_create(schedule, &description, "random", &kernel, &error);
    if (status == DLT_ERROR_REFUSED) {
        assert_true(strlen(error.message) > 10);
        if (getenv("DLTUNE_RANDOM_REFUSALS"))
            fprintf(stderr, "refused for %s, seed %llu: %s\n%s\n%s\n", target, trying_seed,
                    error.message, trying_expression, trying_trace);
        return;
    }
    if (status)
        fail_msg("seed %llu for %s: %s\n%s\n%s", trying_seed, target, error.message,
                 trying_expression, trying_trace);
    if (!kernel->parameter_count)
        assert_int_equal(kernel->packed_bytes, 0); /* nobody would know that there is something */
    struct guarded result = run_kernel(s, kernel);
    compare_with_reference(s, result.data);
    check_storage(s, result.data);
    tally->in_place += check_in_place(s, schedule, kernel, result.data);
    tally->compiled++;
    tally->with_tiles += kernel->code_bytes > 0;
    guarded_free(&result);
    kernel_free(kernel);
}

/* All targets that run here; tallies in the order of target_names. */
__attribute__((unused)) static void
check_on_targets(const struct subject *s, const struct schedule *schedule, struct tally *tallies) {
    for (int i = 0; target_names[i]; i++)
        if (target_runs_here(target_names[i]))
            check_on_target(s, schedule, target_names[i], &tallies[i]);
}

/* A point of a space, with the default in about half of its knobs; false if none was found. */
#ifdef SCHEDULES_SPACE_H
__attribute__((unused)) static bool random_point(const struct space *space, struct random *random,
                                                 int *point) {
    for (int attempt = 0; attempt < 300; attempt++) {
        for (int i = 0; i < space->knob_count; i++)
            point[i] = random_below(random, 2)
                           ? (int)random_below(random, (uint64_t)space->knobs[i].choice_count)
                           : 0;
        space_canonicalise(space, point);
        if (space_check(space, point, NULL) == DLT_OK)
            return true;
    }
    return false;
}
#endif

/* A good share of what is tried is compiled, and of that a good share has machine code. */
__attribute__((unused)) static void check_tallies(const struct tally *tallies, int cases) {
    for (int i = 0; target_names[i]; i++) {
        const struct tally *t = &tallies[i];
        if (!t->tried)
            continue;
        print_message("%s: %d tried, %d compiled, %d with machine code, %d in place\n",
                      target_names[i], t->tried, t->compiled, t->with_tiles, t->in_place);
        if (cases < 100)
            continue;
        assert_true(t->compiled * 10 > t->tried * 4);
        if (strcmp(target_names[i], "c") != 0)
            assert_true(t->with_tiles * 10 > t->compiled * 4);
    }
}

/* VARIABLE=count or VARIABLE=first_seed:count; else the default count from seed 0. */
__attribute__((unused)) static void read_range(const char *variable, uint64_t *first, int *count) {
    const char *text = getenv(variable);
    char *end;
    *first = 0;
    if (!text)
        return;
    *count = (int)strtol(text, &end, 10);
    if (*end == ':') {
        *first = (uint64_t)*count;
        *count = (int)strtol(end + 1, NULL, 10);
    }
}

#endif
