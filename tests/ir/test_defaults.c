/* Every legal workload and expression has a default that is right, as machine code where the target
 * has it, and a space with something to try.
 *
 * DLTUNE_RANDOM_DEFAULTS=count or first_seed:count tries others than the first few, and tells what
 * is refused, plain or without proposals. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "running.h"

#include "random_expression.h"
#include "random_workload.h"
#include "targets/jit/default_space.h"
#include "te/task.h"

enum {
    MOST_OPERATIONS = 600000,
    TRIES = 2000,     /* of points, until one is proposed */
    LEAST_WORK = 500, /* terms of all elements: of less there may be one way only */
};

struct count {
    int tried, refused, plain, without_proposal;
};

static bool tells_all;

static void tell(const char *what, const char *target, const char *workload, const char *why) {
    if (tells_all)
        print_message("%s for %s, seed %llu: %s\n    %s\n", what, target, trying_seed, why,
                      workload);
}

/* Whether the space proposes something beside its default, if it has anything else. */
static bool proposes(const struct space *space, struct random *random) {
    int point[MAX_KNOBS], zero[MAX_KNOBS] = {0};
    if (space->size < 2)
        return true;
    for (int i = 0; i < TRIES; i++) {
        for (int knob = 0; knob < space->knob_count; knob++)
            point[knob] =
                chance(random, 2)
                    ? 0
                    : (int)random_below(random, (uint64_t)space->knobs[knob].choice_count);
        space_canonicalise(space, point);
        if (memcmp(point, zero, sizeof *point * (size_t)space->knob_count) != 0 &&
            space_check(space, point, NULL) == DLT_OK)
            return true;
    }
    return false;
}

static double work_of(const struct task *task, const struct subject *subject) {
    return reference_cost(subject->reference) *
           (double)element_count(expression_result(task->expression));
}

static void check_default(const struct task *task, const char *target, int threads,
                          struct subject *subject, struct count *count) {
    struct target_description description;
    struct error error = {.status = DLT_OK};
    struct random random;
    struct space *space;
    struct kernel *kernel = NULL;
    struct arena arena;
    int first[MAX_KNOBS] = {0};
    count->tried++;
    trying_target = target;
    random_seed(&random, trying_seed);
    arena_initialise(&arena);
    if (arena_recover(&arena))
        fail_msg("out of memory");
    assert_int_equal(target_describe(target, &description, &error), DLT_OK);
    struct schedule *schedule = schedule_create(&arena, task->collapsed);
    if (default_space_create(&arena, task->collapsed, &description, threads, &space, &error) ||
        space_schedule(space, first, schedule, &error) ||
        kernel_create(schedule, &description, "default", &kernel, &error)) {
        tell("refused", target, task->workload, error.message);
        count->refused++;
    } else {
        trying_trace = schedule_trace(schedule);
        struct guarded result = run_kernel(subject, kernel);
        compare_with_reference(subject, result.data);
        check_storage(subject, result.data);
        guarded_free(&result);
        if (space->plain_nests) {
            tell("plain", target, task->workload, space->plain_nests);
            count->plain++;
        }
        if (work_of(task, subject) >= LEAST_WORK && !proposes(space, &random)) {
            tell("no proposal", target, task->workload, schedule_trace(schedule));
            count->without_proposal++;
        }
        kernel_free(kernel);
    }
    schedule_free(schedule);
    arena_free(&arena);
}

/* False if the workload is none, or large. */
static bool check_workload(const char *workload, uint64_t seed, struct count *counts) {
    struct error error = {.status = DLT_OK};
    struct subject subject;
    struct random random;
    struct task *task;
    bool small_enough, is_operator = strncmp(workload, "expression", 10) != 0;
    trying_seed = seed;
    trying_expression = workload;
    trying_trace = "";
    random_seed(&random, seed);
    if (task_create_text(workload, "c", 1, &task, &error) != DLT_OK)
        return false;
    small_enough = task->nominal_operations < MOST_OPERATIONS;
    if (small_enough) {
        subject_open(&subject, task->expression, &random,
                     seed % 2 && is_operator ? number_or_special : number_around_one);
        small_enough = work_of(task, &subject) < MOST_OPERATIONS;
        for (int i = 0; small_enough && target_names[i]; i++)
            if (target_runs_here(target_names[i]))
                check_default(task, target_names[i], seed % 4 ? 1 : THREADS, &subject, &counts[i]);
        subject_close(&subject);
    }
    task_free(task);
    return small_enough;
}

static void check_counts(const struct count *counts) {
    for (int i = 0; target_names[i]; i++) {
        if (tells_all)
            print_message("%s: %d tried, %d refused, %d plain, %d without a proposal\n",
                          target_names[i], counts[i].tried, counts[i].refused, counts[i].plain,
                          counts[i].without_proposal);
        assert_int_equal(counts[i].refused, 0);
        assert_int_equal(counts[i].plain, 0);
        assert_int_equal(counts[i].without_proposal, 0);
    }
}

static void write_workload(uint64_t seed, struct text *text) {
    struct random random;
    random_seed(&random, seed);
    if (chance(&random, 2))
        random_transpose(text, &random);
    else if (chance(&random, 2))
        random_convolution(text, &random);
    else
        random_product(text, &random);
}

static void write_expression(uint64_t seed, struct text *text) {
    struct generator g;
    struct text expression = {0};
    const char *line;
    generate(&g, seed, &expression);
    text_append(text, "expression text='");
    for (line = text_string(&expression); *line; line++)
        text_append_bytes(text, *line == '\n' ? ";" : line, 1);
    text->length -= text->length && text_string(text)[text->length - 1] == ';';
    text_append(text, "'");
    text_free(&expression);
}

static void check_random(void (*write)(uint64_t, struct text *), int count) {
    struct count counts[MAX_TARGETS] = {{0}};
    uint64_t first;
    int tried = 0;
    read_range("DLTUNE_RANDOM_DEFAULTS", &first, &count);
    tells_all = getenv("DLTUNE_RANDOM_DEFAULTS") != NULL;
    describe_crashes();
    for (uint64_t seed = first; seed < first + (uint64_t)count; seed++) {
        struct text text = {0};
        write(seed, &text);
        tried += check_workload(text_string(&text), seed, counts);
        text_free(&text);
    }
    print_message("%d of %d were legal and small enough\n", tried, count);
    assert_true(count < 50 || tried * 2 > count);
    check_counts(counts);
}

static void test_workloads(void **state) {
    (void)state;
    check_random(write_workload, 150);
}

static void test_expressions(void **state) {
    (void)state;
    check_random(write_expression, 100);
}

/* Each was refused, or had no proposal. */
static void test_known(void **state) {
    static const char *const workloads[] = {
        "conv2d_transpose n=1 c=1 h=13 w=9 k=8 r=5 s=1 stride=4x4 dilation=2x2 const=none",
        "conv2d_transpose n=1 c=4 h=1 w=7 k=1 r=4 s=7 stride=4x2 pad=0,0,3,0",
        "conv2d n=3 c=48 h=17 w=10 k=16 r=1 s=1 stride=1x3 groups=16 layout=n,c/4,h,w,c%4 "
        "accumulate=1",
        "expression text='input x[n=5, c=37] f32 variable; m[n=5] f32 = max(c=37) x[n, c];"
        " output[n=5] f32 = min(c=37) select_less(x[n, c], m[n], 37, index(c))'",
        "expression text='output[n=3] f32 = sum(j=70) index(n + j)'",
        "expression text='input x[n=4, c=100] f32 variable; output[n=4] f32 = sum(c=100) x[n, c] *"
        " index((c + n) % 7) + index(c / 3)'",
    };
    struct count counts[MAX_TARGETS] = {{0}};
    (void)state;
    tells_all = true;
    describe_crashes();
    for (size_t i = 0; i < sizeof workloads / sizeof workloads[0]; i++)
        assert_true(check_workload(workloads[i], i + 1, counts));
    check_counts(counts);
}

/* Eight heads of 128x64: too long to compare here, but each nest has a tile. */
static void test_attention(void **state) {
    static const char attention[] =
        "expression text='input q[h=8, m=128, d=64] f32 variable; input k[h=8, n=128, d=64] f32 "
        "variable; input v[h=8, n=128, d=64] f32 variable; s[h=8, m=128, n=128] f32 = sum(d=64) "
        "q[h, m, d] * k[h, n, d]; scaled[h=8, m=128, n=128] f32 = s[h, m, n] * 0.125; "
        "big[h=8, m=128] f32 = max(n=128) scaled[h, m, n]; e[h=8, m=128, n=128] f32 = "
        "exp(scaled[h, m, n] - big[h, m]); total[h=8, m=128] f32 = sum(n=128) e[h, m, n]; "
        "p[h=8, m=128, n=128] f32 = e[h, m, n] / total[h, m]; output[h=8, m=128, d=64] f32 = "
        "sum(n=128) p[h, m, n] * v[h, n, d]'";
    struct error error = {.status = DLT_OK};
    struct target_description description;
    struct space *space;
    struct task *task;
    (void)state;
    if (task_create_text(attention, "c", 1, &task, &error))
        fail_msg("%s", error.message);
    if (arena_recover(&task->arena))
        fail_msg("out of memory");
    for (int i = 0; target_names[i]; i++) {
        assert_int_equal(target_describe(target_names[i], &description, &error), DLT_OK);
        if (default_space_create(&task->arena, task->collapsed, &description, 1, &space, &error))
            fail_msg("%s", error.message);
        assert_null(space->plain_nests);
        assert_int_equal(space_nest_count(space), 5);
    }
    task_free(task);
}

/* Runs the default of a space; false if the target refuses it. */
static bool check_point_zero(const struct space *space, const struct target_description *target,
                             const struct subject *subject) {
    const int first[MAX_KNOBS] = {0};
    struct schedule *schedule = schedule_create(space->arena, space->expression);
    struct error error = {.status = DLT_OK};
    struct kernel *kernel;
    if (space_schedule(space, first, schedule, &error))
        fail_msg("%s: %s\n%s", trying_expression, error.message, schedule_trace(schedule));
    if (kernel_create(schedule, target, "smaller", &kernel, &error) != DLT_OK) {
        assert_int_equal(error.status, DLT_ERROR_REFUSED);
        schedule_free(schedule);
        return false;
    }
    trying_trace = schedule_trace(schedule);
    struct guarded result = run_kernel(subject, kernel);
    compare_with_reference(subject, result.data);
    guarded_free(&result);
    kernel_free(kernel);
    schedule_free(schedule);
    return true;
}

static void shrink_all(struct space *space, const struct target_description *target,
                       const struct subject *subject) {
    int steps = 0, made = 0;
    for (; space_shrink(space, 0); steps++)
        made += check_point_zero(space, target, subject);
    assert_in_range(steps, 3, 60);
    assert_true(made * 2 > steps);
}

/* Smaller and smaller defaults are right, come to an end, and then there are plain loops. */
static void check_smaller(const char *workload, const char *target) {
    struct target_description description;
    struct error error = {.status = DLT_OK};
    struct subject subject;
    struct random random;
    struct space *space;
    struct task *task;
    trying_expression = workload;
    trying_target = target;
    random_seed(&random, 1);
    assert_int_equal(target_describe(target, &description, &error), DLT_OK);
    if (task_create_text(workload, target, 1, &task, &error))
        fail_msg("%s", error.message);
    if (arena_recover(&task->arena))
        fail_msg("out of memory");
    subject_open(&subject, task->expression, &random, number_around_one);
    if (default_space_create(&task->arena, task->collapsed, &description, 1, &space, &error))
        fail_msg("%s", error.message);
    shrink_all(space, &description, &subject);
    space_leave_plain(space, 0, "for a test");
    assert_int_equal(space_nest_count(space), 0);
    assert_non_null(strstr(space->plain_nests, "output: for a test"));
    assert_true(check_point_zero(space, &description, &subject));
    subject_close(&subject);
    task_free(task);
}

static void test_smaller(void **state) {
    static const char *const workloads[] = {
        "conv2d n=1 c=5 h=9 w=9 k=13 r=3 s=3 pad=1 post=bias,relu",
        "matmul m=17 n=40 k=33",
        "conv2d_transpose n=1 c=3 h=7 w=5 k=4 r=4 s=3 stride=3x2",
    };
    (void)state;
    describe_crashes();
    for (size_t i = 0; i < sizeof workloads / sizeof workloads[0]; i++)
        for (int j = 0; target_names[j]; j++)
            if (target_runs_here(target_names[j]) && strcmp(target_names[j], "c") != 0)
                check_smaller(workloads[i], target_names[j]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known),       cmocka_unit_test(test_attention),
        cmocka_unit_test(test_smaller),     cmocka_unit_test(test_workloads),
        cmocka_unit_test(test_expressions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
