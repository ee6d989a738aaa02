/* Infinities, NaN, zeros of either sign, subnormal and huge numbers: every elementwise operation on
 * every pair of them gives on every target the bits that C gives, in full vectors, in the lanes of
 * a tail and in plain loops. NaNs need only be NaNs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "running.h"

typedef float operation_function(float a, float b);

static float add(float a, float b) {
    return a + b;
}
static float subtract(float a, float b) {
    return a - b;
}
static float multiply(float a, float b) {
    return a * b;
}
static float divide(float a, float b) {
    return a / b;
}
static float larger(float a, float b) {
    return a > b || isnan(a) ? a : b;
}
static float smaller(float a, float b) {
    return a < b || isnan(a) ? a : b;
}
static float absolute(float a, float b) {
    (void)b;
    return fabsf(a);
}
static float negated(float a, float b) {
    (void)b;
    return -a;
}
static float root(float a, float b) {
    (void)b;
    return sqrtf(a);
}
static float less(float a, float b) {
    return a < b ? b : a;
}
static float rectified(float a, float b) {
    (void)b;
    return a < 0 ? 0 : a;
}
static float clamped(float a, float b) {
    (void)b;
    return a < 0 ? 0 : a > 6 ? 6 : a;
}
static float from_first(float a, float b) {
    (void)b;
    return a;
}

struct operation_example {
    const char *text;
    operation_function *function;
};

static const struct operation_example operations_tried[] = {
    {"a[n] + b[n]", add},
    {"a[n] - b[n]", subtract},
    {"a[n] * b[n]", multiply},
    {"a[n] / b[n]", divide},
    {"max(a[n], b[n])", larger},
    {"min(a[n], b[n])", smaller},
    {"abs(a[n])", absolute},
    {"-a[n]", negated},
    {"sqrt(a[n])", root},
    {"select_less(a[n], b[n], b[n], a[n])", less},
    {"max(a[n], 0)", rectified},
    {"max(0, a[n])", rectified},
    {"min(max(a[n], 0), 6)", clamped},
    {"a[n]", from_first},
};

static const char *const traces[] = {
    "",
    "split y n 32\nvectorize y n.i\ntile y n.o\n",
    "split y n 8\nvectorize y n.i\ntile y n.o\n",
    "split y n 24\nvectorize y n.i\ntile y n.o\n",
    "split y n 5\ntile y n.o\nunroll y n.i\n",
};

static const float numbers[] = {
    0.0f,     -0.0f,     INFINITY,     -INFINITY,        NAN,     1.0f,     -1.0f,
    0x1p-149, -0x1p-149, 0x1.8p-127f,  0x1p-126f,        0x1p126, -0x1p126, 0x1.fffffep127f,
    6.0f,     1.5f,      -0x1.8p-130f, -0x1.fffffep127f, 0x1p-75,
};

enum {
    NUMBERS = sizeof numbers / sizeof numbers[0],
    ELEMENTS = NUMBERS * NUMBERS,
};

static bool same(float a, float b) {
    return (isnan(a) && isnan(b)) || memcmp(&a, &b, sizeof a) == 0;
}

static void fill(struct subject *s, const struct expression *expression) {
    memset(s, 0, sizeof *s);
    s->expression = expression;
    s->at_end = true;
    s->input_count = 2;
    for (int input = 0; input < 2; input++) {
        s->inputs[input] = guarded_allocate(ELEMENTS * 4, 4, true);
        float *data = s->inputs[input].data;
        for (int i = 0; i < ELEMENTS; i++)
            data[i] = numbers[input == 0 ? i / NUMBERS : i % NUMBERS];
    }
}

static void check_bits(const struct subject *s, const struct schedule *schedule,
                       const struct operation_example *operation, const char *target) {
    struct target_description description;
    struct error error = {.status = DLT_OK};
    struct kernel *kernel;
    trying_target = target;
    assert_int_equal(target_describe(target, &description, &error), DLT_OK);
    if (kernel_create(schedule, &description, "special", &kernel, &error))
        fail_msg("%s for %s: %s\n%s", operation->text, target, error.message, trying_trace);
    struct guarded result = run_kernel(s, kernel);
    const float *got = result.data;
    for (int i = 0; i < ELEMENTS; i++) {
        float a = numbers[i / NUMBERS], b = numbers[i % NUMBERS];
        if (!same(got[i], operation->function(a, b)))
            fail_msg("%s of %a and %a is %a, not %a, for %s\n%s", operation->text, a, b, got[i],
                     operation->function(a, b), target, trying_trace);
    }
    guarded_free(&result);
    kernel_free(kernel);
}

static void check_trace(const struct subject *s, struct arena *arena,
                        const struct expression *expression,
                        const struct operation_example *operation, const char *trace) {
    struct schedule *schedule = schedule_create(arena, expression);
    struct error error;
    trying_trace = trace;
    if (schedule_replay(schedule, trace, &error))
        fail_msg("%s", error.message);
    for (int i = 0; target_names[i]; i++)
        if (target_runs_here(target_names[i]))
            check_bits(s, schedule, operation, target_names[i]);
    schedule_free(schedule);
}

static void check_operation(void **state) {
    const struct operation_example *operation = *state;
    struct arena arena;
    struct expression *expression;
    struct subject subject;
    struct error error = {.status = DLT_OK};
    char text[512];
    describe_crashes();
    arena_initialise(&arena);
    if (arena_recover(&arena))
        fail_msg("out of memory");
    snprintf(text, sizeof text,
             "input a[n=%d] f32 variable\ninput b[n=%d] f32 variable\ny[n=%d] f32 = %s\n", ELEMENTS,
             ELEMENTS, ELEMENTS, operation->text);
    trying_expression = text;
    if (expression_parse(&arena, text, &expression, &error))
        fail_msg("%s", error.message);
    fill(&subject, expression);
    for (size_t i = 0; i < sizeof traces / sizeof traces[0]; i++)
        check_trace(&subject, &arena, expression, operation, traces[i]);
    subject_close(&subject);
    arena_free(&arena);
}

int main(void) {
    enum {
        OPERATIONS = sizeof operations_tried / sizeof operations_tried[0]
    };
    struct CMUnitTest tests[OPERATIONS];
    for (int i = 0; i < OPERATIONS; i++)
        tests[i] = (struct CMUnitTest){operations_tried[i].text, check_operation, NULL, NULL,
                                       (void *)(uintptr_t)&operations_tried[i]};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
