/* Convolutions and matrix products of random sizes (ones, primes, one off a vector) and attributes,
 * under random schedules, compared with the reference on every target that runs here.
 *
 * DLTUNE_RANDOM_OPERATORS=count or first_seed:count tries others than the first few. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "running.h"

#include "random_workload.h"
#include "te/task.h"

enum {
    MAX_TERMS = 300000, /* of all elements */
};

static bool try_seed(uint64_t seed, struct tally *tallies) {
    struct random random;
    struct text text = {0};
    struct task *task;
    struct error error = {.status = DLT_OK};
    struct subject subject;
    random_seed(&random, seed);
    if (chance(&random, 3))
        random_product(&text, &random);
    else if (chance(&random, 4))
        random_transpose(&text, &random);
    else
        random_convolution(&text, &random);
    trying_seed = seed;
    trying_expression = text_string(&text);
    trying_trace = "";
    if (task_create_text(text_string(&text), "c", 1, &task, &error)) {
        assert_int_equal(error.status, DLT_ERROR_ARGUMENT);
        text_free(&text);
        return false;
    }
    bool small_enough = task->nominal_operations < 2 * MAX_TERMS;
    if (small_enough) {
        if (arena_recover(&task->arena))
            fail_msg("out of memory");
        const struct expression *expression =
            chance(&random, 2) ? task->collapsed : task->expression;
        struct schedule *schedule = schedule_create(&task->arena, expression);
        random_schedule(schedule, &random);
        trying_trace = schedule_trace(schedule);
        subject_open(&subject, task->expression, &random,
                     seed % 2 ? number_or_special : number_around_one);
        check_on_targets(&subject, schedule, tallies);
        subject_close(&subject);
        schedule_free(schedule);
    }
    task_free(task);
    text_free(&text);
    return small_enough;
}

static void test_random_operators(void **state) {
    struct tally tallies[MAX_TARGETS] = {{0}};
    int count = 600, valid = 0;
    uint64_t first;
    (void)state;
    describe_crashes();
    read_range("DLTUNE_RANDOM_OPERATORS", &first, &count);
    for (int i = 0; i < count; i++)
        valid += try_seed(first + (uint64_t)i, tallies);
    print_message("%d of %d workloads were legal and small enough\n", valid, count);
    if (count >= 100)
        assert_true(valid * 2 > count);
    check_tallies(tallies, count);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_operators),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
