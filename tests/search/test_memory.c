/* Memory: points of near tasks come adapted, nearest first; a model is trained, stored, found
 * again, and not trained again for nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "search/memory.h"

struct fixture {
    char folder[64], path[96];
    struct database *database;
    struct arena arena;
    struct task *task;
    struct space *space;
};

static int set_up(void **state) {
    struct fixture *f = calloc(1, sizeof *f);
    struct target_description target;
    strcpy(f->folder, "/tmp/dltune-memory-XXXXXX");
    if (!mkdtemp(f->folder))
        return 1;
    snprintf(f->path, sizeof f->path, "%s/tune.db", f->folder);
    if (database_open(f->path, DATABASE_WRITE, &f->database, NULL) ||
        target_describe("x86-avx512", &target, NULL) ||
        task_create_text("matmul m=512 n=512 k=512 const=b", "x86-avx512", 1, &f->task, NULL))
        return 1;
    arena_initialise(&f->arena);
    if (arena_recover(&f->arena) ||
        space_create(&f->arena, f->task->collapsed, &target, 1, &f->space, NULL))
        return 1;
    *state = f;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *f = *state;
    char command[160];
    database_close(f->database);
    arena_free(&f->arena);
    task_free(f->task);
    snprintf(command, sizeof command, "rm -r %s", f->folder);
    free(f);
    return system(command[0] ? command : "true");
}

static void add(struct fixture *f, const char *workload, const char *knobs, double microseconds) {
    struct record record = {.host = host_name(),
                            .generator = DATABASE_GENERATOR,
                            .trace = workload[0] == 'm' ? "unroll output n" : "unroll output k",
                            .knobs = knobs,
                            .outcome = "ok",
                            .clock = "cpu",
                            .layouts = "",
                            .median_us = microseconds,
                            .minimum_us = microseconds,
                            .verified = true};
    struct task *task;
    struct error error;
    assert_int_equal(task_create_text(workload, "x86-avx512", 1, &task, NULL), DLT_OK);
    record.task = task->key;
    if (database_add(f->database, &record, &error) != DLT_OK)
        fail_msg("%s", error.message);
    task_free(task);
}

static void check_knobs(const struct fixture *f, const int *point, const char *words) {
    struct text text = {0};
    space_print_point(f->space, point, &text);
    if (!strstr(text_string(&text), words))
        fail_msg("%s has no '%s'", text_string(&text), words);
    text_free(&text);
}

static void test_nothing(void **state) {
    struct fixture *f = *state;
    struct memory memory;
    memory_recall(&memory, f->task, f->space, f->database);
    assert_int_equal(memory.hints.point_count, 0);
    assert_null(memory.hints.model);
    assert_int_equal(memory_learn(&memory, f->task, f->database, NULL), DLT_OK);
    memory_free(&memory);
}

static void test_points(void **state) {
    struct fixture *f = *state;
    struct memory memory;
    /* the task's own record is no hint; nor is the slower one of another task */
    add(f, "matmul m=512 n=512 k=512 const=b", "vectors=1", 1);
    add(f, "matmul m=7 n=13 k=29", "vector=n vectors=1 tile.m=7", 1);
    add(f, "matmul m=512 n=512 k=500 const=b", "vector=n vectors=2 tile.m=12 unroll.k=2", 900);
    add(f, "matmul m=512 n=512 k=500 const=b", "vector=n vectors=3 tile.m=8 unroll.k=2", 950);
    add(f, "conv2d c=64 h=56 w=56 k=64 r=3 s=3 pad=1", "vector=k vectors=4 tile.x=6", 800);
    memory_recall(&memory, f->task, f->space, f->database);
    assert_true(memory.hints.point_count >= 2);
    check_knobs(f, memory.hints.points[0], "vectors=2 tile.m=12");
    check_knobs(f, memory.hints.points[0], "unroll.k=2");
    for (int i = 0; i < memory.hints.point_count; i++)
        assert_int_equal(space_check(f->space, memory.hints.points[i], NULL), DLT_OK);
    memory_free(&memory);
}

/* For several threads: what one thread knows, and the default, each shared and not. */
static void test_one_thread(void **state) {
    struct fixture *f = *state;
    struct target_description target;
    struct memory memory;
    struct task *task = f->task, *shared;
    struct space *one = f->space;
    add(f, "matmul m=512 n=512 k=512 const=b", "vector=n vectors=3 tile.m=7", 900);
    assert_int_equal(target_describe("x86-avx512", &target, NULL), DLT_OK);
    assert_int_equal(task_create_text(task->workload, "x86-avx512", 2, &shared, NULL), DLT_OK);
    assert_int_equal(arena_recover(&f->arena), 0);
    assert_int_equal(space_create(&f->arena, shared->collapsed, &target, 2, &f->space, NULL),
                     DLT_OK);
    memory_recall(&memory, shared, f->space, f->database);
    assert_true(memory.hints.point_count >= 4);
    check_knobs(f, memory.hints.points[0], "vectors=3 tile.m=7");
    check_knobs(f, memory.hints.points[0], "parallel=no");
    check_knobs(f, memory.hints.points[1], "vectors=3 tile.m=7");
    check_knobs(f, memory.hints.points[1], "parallel=yes");
    check_knobs(f, memory.hints.points[2], "parallel=no");
    check_knobs(f, memory.hints.points[3], "parallel=yes");
    memory_free(&memory);
    task_free(shared);
    f->space = one;
}

static int64_t trained_on(struct fixture *f) {
    struct memory memory;
    int64_t records;
    memory_recall(&memory, f->task, f->space, f->database);
    records = memory.model ? memory.model_records : -1;
    memory_free(&memory);
    return records;
}

static void add_many(struct fixture *f, const char *workload, int count) {
    struct random random;
    random_seed(&random, (uint64_t)count);
    while (count > 0) {
        struct text knobs = {0};
        int point[MAX_KNOBS] = {0};
        for (int i = 0; i < f->space->knob_count; i++)
            point[i] = (int)random_below(&random, (uint64_t)f->space->knobs[i].choice_count);
        space_canonicalise(f->space, point);
        if (space_check(f->space, point, NULL) != DLT_OK)
            continue;
        space_print_point(f->space, point, &knobs);
        add(f, workload, text_string(&knobs), exp(analytic_score(f->space, point)));
        text_free(&knobs);
        count--;
    }
}

static void test_model(void **state) {
    struct fixture *f = *state;
    struct memory memory;
    if (!cost_model_available())
        skip();
    add_many(f, "matmul m=512 n=512 k=500 const=b", 100);
    assert_int_equal(trained_on(f), -1);
    memory_recall(&memory, f->task, f->space, f->database);
    assert_int_equal(memory_learn(&memory, f->task, f->database, NULL), DLT_OK);
    memory_free(&memory);
    assert_int_equal(trained_on(f), 100);
    for (int more = 10; more <= 50; more += 40) { /* 110 are not enough to train again, 160 are */
        add_many(f, "matmul m=512 n=512 k=500 const=b", more);
        memory_recall(&memory, f->task, f->space, f->database);
        assert_int_equal(memory_learn(&memory, f->task, f->database, NULL), DLT_OK);
        memory_free(&memory);
        assert_int_equal(trained_on(f), more == 10 ? 100 : 160);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_points, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_one_thread, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_model, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
