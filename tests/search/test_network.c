/* Sharing time among the workloads of a network: what a slice may bring, and short runs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "search/network.h"
#include "search/strategy.h"

/* It falls with the square of the trials, what was brought lately counts, the floor limits it. */
static void test_expected_fall(void **state) {
    double early = network_expected_fall(16, 16, 0, 1), late = network_expected_fall(160, 16, 0, 1);
    (void)state;
    assert_true(early > 0.04 && early < 0.06);
    assert_true(late > 0.009 * early && late < 0.011 * early);
    assert_true(network_expected_fall(160, 16, 0.2, 1) > 20 * late);
    assert_true(network_expected_fall(16, 16, 0.2, 0.01) == 0.01);
    assert_true(network_expected_fall(16, 16, 0.2, -0.1) == 0);
    assert_true(network_expected_fall(1, 16, 0, 1) == early);
}

struct fixture {
    char folder[64], path[96];
    struct database *database;
    struct task *tasks[3];
    struct network_item items[2];
    int64_t calls[2]; /* of the progress, by item */
};

static int set_up(void **state) {
    static const char *const texts[] = {"matmul m=8 n=8 k=8", "matmul m=16 n=16 k=4",
                                        "matmul m=16 n=4 k=16"};
    struct fixture *f = calloc(1, sizeof *f);
    struct error error;
    strcpy(f->folder, "/tmp/dltune-network-XXXXXX");
    if (!mkdtemp(f->folder))
        return 1;
    snprintf(f->path, sizeof f->path, "%s/n.db", f->folder);
    if (database_open(f->path, DATABASE_WRITE, &f->database, &error) != DLT_OK)
        return 1;
    for (int i = 0; i < 3; i++)
        if (task_create_text(texts[i], "c", 1, &f->tasks[i], &error) != DLT_OK)
            return 1;
    f->items[0] = (struct network_item){.tasks = f->tasks, .task_count = 1, .calls = 3};
    f->items[1] = (struct network_item){.tasks = f->tasks + 1, .task_count = 2, .calls = 1};
    *state = f;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *f = *state;
    char command[128];
    database_close(f->database);
    for (int i = 0; i < 3; i++)
        task_free(f->tasks[i]);
    for (int i = 0; i < 2; i++)
        tuner_summary_free(&f->items[i].summary);
    snprintf(command, sizeof command, "rm -rf '%s'", f->folder);
    free(f);
    return system(command);
}

static void count_calls(void *context, const struct network_item *items, int count, int item) {
    struct fixture *f = context;
    (void)items;
    assert_int_equal(count, 2);
    f->calls[item]++;
}

static void test_trials_end_it(void **state) {
    struct fixture *f = *state;
    struct network_options options = {
        .tuner = {.trials = 6, .rough = true}, .progress = count_calls, .context = f};
    struct error error;
    if (tune_network(f->items, 2, f->database, &options, &error) != DLT_OK)
        fail_msg("%s", error.message);
    assert_int_equal(f->items[0].trials, 6);
    assert_int_equal(f->items[0].summary.trials, 6);
    assert_true(f->items[1].trials <= 6 && f->items[1].trials >= 2);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(f->items[i].status, DLT_OK);
        assert_true(f->items[i].best_us > 0);
        assert_non_null(f->items[i].summary.best.trace);
        assert_true(f->calls[i] >= f->items[i].trials);
    }
    assert_true(network_total_us(f->items, 2) == 3 * f->items[0].best_us + f->items[1].best_us);
}

/* Where the first kernels are at the floor there is no hope: only the first slices are run. */
static void test_without_hope(void **state) {
    struct fixture *f = *state;
    struct network_options options = {.tuner = {.rough = true}};
    struct error error;
    f->items[0].floor_us = f->items[1].floor_us = 1e9;
    assert_int_equal(tune_network(f->items, 2, f->database, &options, &error), DLT_OK);
    assert_true(f->items[0].trials <= 16);
    assert_true(f->items[1].trials <= 32);
    assert_true(f->items[0].best_us > 0);
}

/* One that cannot be tuned is told, and the other goes on. */
static void test_a_failure_is_the_items_own(void **state) {
    struct fixture *f = *state;
    struct network_options options = {.tuner = {.trials = 2, .rough = true}};
    struct error error;
    const char *target = f->tasks[0]->target;
    f->tasks[0]->target = "no such target";
    assert_int_equal(tune_network(f->items, 2, f->database, &options, &error), DLT_OK);
    f->tasks[0]->target = target;
    assert_true(f->items[0].status != DLT_OK);
    assert_non_null(strstr(f->items[0].error.message, "no such target"));
    assert_true(f->items[0].best_us == 0);
    assert_true(f->items[1].best_us > 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_expected_fall),
        cmocka_unit_test_setup_teardown(test_trials_end_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_without_hope, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_failure_is_the_items_own, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
