/* The example of an exported library, built and run as its comment says: the layer by the machine's
 * own target and its default schedule. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "export/export.h"
#include "schedules/space.h"
#include "te/task.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct error error;

static dlt_status default_schedule(struct arena *arena, const struct task *task,
                                   struct schedule **schedule) {
    struct target_description target;
    struct space *space;
    if (arena_recover(arena))
        return error_set(&error, DLT_ERROR_MEMORY, "out of memory");
    TRY(target_describe(task->target, &target, &error));
    TRY(space_create(arena, task->collapsed, &target, task->threads, &space, &error));
    *schedule = schedule_create(arena, task->collapsed);
    return space_schedule(space, ARENA_ARRAY(arena, int, (size_t)space->knob_count + 1), *schedule,
                          &error);
}

/* Exports the workload's default schedule as libNAME into a folder of its own, and runs a command
 * there. */
static void export_and_run(const char *workload, int threads, const char *name,
                           const char *command) {
    char folder[] = "/tmp/dltune-example-XXXXXX", line[1024];
    struct target_description native;
    struct schedule *schedule = NULL;
    struct arena arena;
    struct task *task;
    assert_non_null(mkdtemp(folder));
    assert_int_equal(target_describe("native", &native, &error), DLT_OK);
    assert_int_equal(task_create_text(workload, native.name, threads, &task, &error), DLT_OK);
    arena_initialise(&arena);
    if (default_schedule(&arena, task, &schedule) != DLT_OK)
        fail_msg("%s", error.message);
    const struct export_kernel kernel = {task, schedule_trace(schedule)};
    const struct export_options options = {name, folder, 1, &kernel, .comments = true};
    if (export_library(&options, &error) != DLT_OK)
        fail_msg("%s", error.message);
    snprintf(line, sizeof line, "cd %s && examples=%s/../../examples && %s", folder, TEST_DATA,
             command);
    assert_int_equal(system(line), 0);
    snprintf(line, sizeof line, "rm -r %s", folder);
    assert_int_equal(system(line), 0);
    schedule_free(schedule);
    arena_free(&arena);
    task_free(task);
}

static void the_example_runs(void **state) {
    (void)state;
    export_and_run(
        "conv2d c=64 h=56 w=56 k=64 r=3 s=3 pad=1", 1, "kernels",
        "cc -Wall -Wextra -Werror -O1 $examples/use_exported.c -I. -L. -lkernels -lm -o "
        "use_exported && ./use_exported && "
        "test -z \"$(nm -u libkernels.a | grep ' U ' | grep -v _GLOBAL_OFFSET_TABLE_)\"");
}

static void the_example_in_cpp_runs_on_its_own_threads(void **state) {
    (void)state;
    export_and_run(
        "matmul m=512 n=512 k=512", 4, "kernels",
        "c++ -std=c++17 -Wall -Wextra -Werror -O1 $examples/use_exported_threads.cpp -I. "
        "-L. -lkernels -pthread -o use_exported_threads && ./use_exported_threads");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_example_runs),
        cmocka_unit_test(the_example_in_cpp_runs_on_its_own_threads)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
