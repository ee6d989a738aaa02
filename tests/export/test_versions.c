/* A library with versions for several targets: the CPU decides, one that lacks instructions is
 * simulated by the library's word of features, and expressions are found by their text. */
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

#define MATMUL "matmul m=9 n=37 k=5 const=b"

enum {
    VERSIONS = 3
};

static const char *const targets[VERSIONS] = {"c", "x86-avx512", "x86-avx2"};
static struct error error;
static char folder[64];

struct version {
    struct arena arena;
    struct task *task;
    struct schedule *schedule;
};

static dlt_status schedule_default(struct version *version) {
    struct target_description target;
    struct space *space;
    if (arena_recover(&version->arena))
        return error_set(&error, DLT_ERROR_MEMORY, "out of memory");
    TRY(target_describe(version->task->target, &target, &error));
    TRY(space_create(&version->arena, version->task->collapsed, &target, 1, &space, &error));
    version->schedule = schedule_create(&version->arena, version->task->collapsed);
    return space_schedule(space, ARENA_ARRAY(&version->arena, int, (size_t)space->knob_count + 1),
                          version->schedule, &error);
}

static void make(struct version *version, const char *workload, const char *target) {
    arena_initialise(&version->arena);
    if (task_create_text(workload, target, 1, &version->task, &error) != DLT_OK ||
        schedule_default(version) != DLT_OK)
        fail_msg("%s", error.message);
}

/* Exports the workload for the targets from `first` on. */
static void export(const char *workload, int first) {
    struct version versions[VERSIONS];
    struct export_kernel kernels[VERSIONS];
    for (int i = first; i < VERSIONS; i++) {
        make(&versions[i], workload, targets[i]);
        kernels[i] = (struct export_kernel){versions[i].task, schedule_trace(versions[i].schedule)};
    }
    const struct export_options options = {"lib", folder, VERSIONS - first, kernels + first, false};
    if (export_library(&options, &error) != DLT_OK)
        fail_msg("%s", error.message);
    for (int i = first; i < VERSIONS; i++) {
        schedule_free(versions[i].schedule);
        task_free(versions[i].task);
        arena_free(&versions[i].arena);
    }
}

/* Compiles a program that includes the library's source, so that it can set the word, and runs it
 * with the features it is to pretend. */
static int run(const char *program, int features) {
    char command[512], path[96];
    FILE *file;
    snprintf(path, sizeof path, "%s/driver.c", folder);
    file = fopen(path, "w");
    assert_non_null(file);
    fputs(program, file);
    fclose(file);
    snprintf(command, sizeof command, "cd %s && cc -w -O1 driver.c -o driver && ./driver %d",
             folder, features);
    int status = system(command);
    return status == -1 ? -1 : status >> 8;
}

/* Answers 77 where the machine itself lacks what is asked for. */
#define DRIVER(NONE)                                                                               \
    "#include \"lib.c\"\n"                                                                         \
    "#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n"                               \
    "static float a[9][5], b[5][37], c[9][37];\n"                                                  \
    "static char packed[1 << 16] __attribute__((aligned(64)));\n"                                  \
    "static char space[1 << 20] __attribute__((aligned(64)));\n"                                   \
    "int main(int n, char **words) {\n"                                                            \
    "    unsigned pretended = atoi(words[1]);\n"                                                   \
    "    if ((lib__cpu() & pretended) != pretended) return 77;\n"                                  \
    "    lib__features = pretended;\n"                                                             \
    "    const lib_kernel *kernel = lib_find(\"matmul k=5 n=37 const=b m=9\");\n"                  \
    "    const void *parameters[] = {b}, *inputs[] = {a};\n"                                       \
    "    if (!kernel || lib_find(\"matmul m=9 n=37 k=6 const=b\")) return 2;\n"                    \
    "    for (int i = 0; i < 45; i++) a[0][i] = i % 7 - 3;\n"                                      \
    "    for (int i = 0; i < 185; i++) b[0][i] = i % 5 - 2;\n"                                     \
    "    memset(packed, 7, sizeof packed);\n"                                                      \
    "    if (" NONE ") {\n"                                                                        \
    "        int answer = lib_pack(kernel, parameters, packed);\n"                                 \
    "        int other = lib_run(kernel, inputs, packed, c, space, 0);\n"                          \
    "        return answer != lib_ERROR_CPU || other != lib_ERROR_CPU || packed[0] != 7 ||\n"      \
    "               lib_packed_bytes(kernel);\n"                                                   \
    "    }\n"                                                                                      \
    "    if (lib_packed_bytes(kernel) > sizeof packed) return 3;\n"                                \
    "    if (lib_workspace_bytes(kernel, 1) > sizeof space) return 4;\n"                           \
    "    if (lib_pack(kernel, parameters, packed) ||\n"                                            \
    "        lib_run(kernel, inputs, packed, c, space, 0)) return 5;\n"                            \
    "    for (int i = 0; i < 9; i++)\n"                                                            \
    "        for (int j = 0; j < 37; j++) {\n"                                                     \
    "            float sum = 0;\n"                                                                 \
    "            for (int k = 0; k < 5; k++) sum += a[i][k] * b[k][j];\n"                          \
    "            if (sum != c[i][j]) return 6;\n"                                                  \
    "        }\n"                                                                                  \
    "    return 0;\n"                                                                              \
    "}\n"

static void every_version_is_right(void **state) {
    static const int features[] = {1, 1 | 2, 1 | 2 | 4}; /* asked; AVX2; AVX-512 */
    (void)state;
    export(MATMUL, 0);
    for (int i = 0; i < 3; i++) {
        int answer = run(DRIVER("0"), features[i]);
        if (answer != 0 && !(answer == 77 && i > 0))
            fail_msg("with features %d: %d", features[i], answer);
    }
}

static void without_instructions_nothing_is_touched(void **state) {
    (void)state;
    export(MATMUL, 1);
    assert_int_equal(run(DRIVER("1"), 1), 0);
}

/* Apart, then over the residual; pretending each set of features. */
static const char in_place[] =
    "#include \"lib.c\"\n#include <stdlib.h>\n#include <string.h>\n"
    "static float a[9][5], b[5][37], r[9][37], c[9][37];\n"
    "static char space[1 << 20] __attribute__((aligned(64)));\n"
    "int main(int n, char **words) {\n"
    "    unsigned pretended = atoi(words[1]);\n"
    "    if ((lib__cpu() & pretended) != pretended) return 77;\n"
    "    lib__features = pretended;\n"
    "    const lib_kernel *kernel = lib_find(\"matmul m=9 n=37 k=5 post=add\");\n"
    "    const void *inputs[] = {a, b, r};\n"
    "    if (!kernel || lib_packed_bytes(kernel)) return 2;\n"
    "    for (int i = 0; i < 45; i++) a[0][i] = i % 7 - 3;\n"
    "    for (int i = 0; i < 185; i++) b[0][i] = i % 5 - 2;\n"
    "    for (int i = 0; i < 333; i++) r[0][i] = i % 9 - 4;\n"
    "    if (lib_run(kernel, inputs, 0, c, space, 0)) return 3;\n"
    "    if (lib_run(kernel, inputs, 0, r, space, 0)) return 4;\n"
    "    return memcmp(r, c, sizeof c) != 0;\n"
    "}\n";

static int header_says(const char *words) {
    char command[256];
    snprintf(command, sizeof command, "grep -q -- '%s' %s/lib.h", words, folder);
    return system(command) == 0;
}

static void residuals_may_be_overwritten(void **state) {
    static const int features[] = {1, 1 | 2, 1 | 2 | 4};
    (void)state;
    export("matmul m=9 n=37 k=5 post=add", 0);
    assert_true(header_says("output may be residual itself"));
    assert_false(header_says("output may be a itself"));
    for (int i = 0; i < 3; i++) {
        int answer = run(in_place, features[i]);
        if (answer != 0 && !(answer == 77 && i > 0))
            fail_msg("with features %d: %d", features[i], answer);
    }
    export(MATMUL, 0);
    assert_false(header_says("itself, at the same address"));
}

/* One version that stores elements twice is enough. */
static void what_is_stored_twice_is_not_overwritten(void **state) {
    struct task *task;
    (void)state;
    assert_int_equal(task_create_text("matmul m=9 n=37 k=5 post=add", "c", 1, &task, &error),
                     DLT_OK);
    const struct export_kernel kernel = {task, "split output n 8 shift\n"};
    const struct export_options options = {"lib", folder, 1, &kernel, false};
    if (export_library(&options, &error) != DLT_OK)
        fail_msg("%s", error.message);
    assert_true(header_says("residual"));
    assert_false(header_says("itself, at the same address"));
    task_free(task);
}

/* Also by the text of older versions, in which ';' stood behind the head of a reduction too. */
static void expressions_are_found_by_their_text(void **state) {
    static const char *const program =
        "#include \"lib.h\"\n#include \"lib.c\"\n"
        "int main(void) {\n"
        "    float x[4] = {1, 5, 2, 4}, y[3] = {9, 9, 9};\n"
        "    const void *inputs[] = {x};\n"
        "    const lib_kernel *kernel =\n"
        "        lib_find(\"expression text=\\\"input x[i=4] f32 variable; y[i=3] f32 = \"\n"
        "                 \"sum(k=2) x[i + k]\\\"\");\n"
        "    const lib_kernel *older =\n"
        "        lib_find(\"expression text=\\\"input x[i=4] f32 variable; y[i=3] f32 = \"\n"
        "                 \"sum(k=2); x[i + k]\\\"\");\n"
        "    if (!kernel || kernel != older || lib_workspace_bytes(kernel, 1)) return 1;\n"
        "    if (lib_find(\"expression text=\\\"input x[i=4] f32 variable; y[i=3] f32 = \"\n"
        "                 \"sum(k=2); x[i + k] \\\"\")) return 3;\n"
        "    if (lib_run(kernel, inputs, 0, y, 0, 0)) return 2;\n"
        "    return y[0] != 6 || y[1] != 7 || y[2] != 6;\n"
        "}\n";
    struct version version;
    (void)state;
    make(&version, "expression text='input x[i=4] f32 variable; y[i=3] f32 = sum(k=2) x[i+k]'",
         "c");
    assert_string_equal(
        version.task->workload,
        "expression text=\"input x[i=4] f32 variable; y[i=3] f32 = sum(k=2) x[i + k]\"");
    const struct export_kernel kernel = {version.task, schedule_trace(version.schedule)};
    const struct export_options options = {"lib", folder, 1, &kernel, true};
    if (export_library(&options, &error) != DLT_OK)
        fail_msg("%s", error.message);
    assert_int_equal(run(program, 0), 0);
    schedule_free(version.schedule);
    task_free(version.task);
    arena_free(&version.arena);
}

static int make_folder(void **state) {
    (void)state;
    strcpy(folder, "/tmp/dltune-versions-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state) {
    char command[96];
    (void)state;
    snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(every_version_is_right), TEST(without_instructions_nothing_is_touched),
        TEST(residuals_may_be_overwritten), TEST(what_is_stored_twice_is_not_overwritten),
        TEST(expressions_are_found_by_their_text)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
