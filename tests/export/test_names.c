/* Names in exported libraries: each means the same in every library, and none meets another. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "export/export.h"
#include "te/identifier.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[64];
static struct error error;

static int make_folder(void **state) {
    (void)state;
    strcpy(folder, "/tmp/dltune-names-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state) {
    char command[128];
    (void)state;
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command);
}

static void must(const char *command) {
    char whole[1024];
    snprintf(whole, sizeof whole, "cd '%s' && (%s)", folder, command);
    if (system(whole) != 0)
        fail_msg("failed: %s", command);
}

static void write_file(const char *name, const char *content) {
    char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(content, file) >= 0);
    fclose(file);
}

/* Exports the workloads up to the first NULL, as plain loops. */
static dlt_status export_all(const char *name, const char *const *workloads) {
    struct task *tasks[4];
    struct export_kernel kernels[4];
    int count = 0;
    dlt_status status;
    for (; workloads[count]; count++) {
        if (task_create_text(workloads[count], "c", 1, &tasks[count], &error) != DLT_OK)
            fail_msg("%s", error.message);
        kernels[count] = (struct export_kernel){tasks[count], ""};
    }
    status = export_library(&(struct export_options){name, folder, count, kernels, false}, &error);
    while (count)
        task_free(tasks[--count]);
    return status;
}

static void must_export(const char *name, const char *const *workloads) {
    if (export_all(name, workloads) != DLT_OK)
        fail_msg("%s", error.message);
}

#define PLAIN "matmul m=1 n=1 k=1"
#define RELU  "matmul m=1 n=1 k=1 post=relu"

/* One program, linked with libraries that hold more kernels, in another order. */
static void names_keep_their_meaning(void **state) {
    static const char *const lists[][3] = {{PLAIN}, {PLAIN, RELU}, {RELU, PLAIN}};
    (void)state;
    write_file("main.c",
               "#include \"net.h\"\n"
               "int main(void) {\n"
               "    float a = -2, b = 3, c = 0;\n"
               "    return net_matmul_m1_n1_k1_2ae75e19(&a, &b, 0, &c, 0, 0) || c != -6;\n"
               "}\n");
    for (int i = 0; i < 3; i++) {
        must_export("net", lists[i]);
        must("gcc main.c -L. -lnet -o main && ./main");
    }
    must_export("net", (const char *[]){RELU, NULL});
    must("! gcc main.c -L. -lnet -o main 2>/dev/null");
}

/* Keywords and macros of C and C++, arguments of the wrappers, names that are equal as C, inner
 * names of the library: none of them breaks a header or the source. */
static void tensors_may_be_called_anything(void **state) {
    static const char text[] =
        "expression text='input linux[n=2] f32 variable; input a.b[n=2] f32 variable;"
        "input a_b[n=2] f32 variable; input a_b_[n=2] f32 variable;"
        "input nullptr[n=2] f32 variable; input tensors[n=2] f32 parameter;"
        "input net__within[n=2] f32 variable; input size_t[n=2] f32 parameter;"
        "xor[n=2] f32 = linux[n] + a.b[n] + a_b[n] + a_b_[n] + nullptr[n] + tensors[n]"
        " + net__within[n] + size_t[n]'";
    (void)state;
    must_export("net", (const char *[]){text, NULL});
    must("gcc -std=gnu11 -Wall -Wextra -Werror -c net.c -o net.o");
    must("for c in 'gcc -x c -std=gnu17' 'g++ -x c++ -std=gnu++20'; do"
         " $c -Wall -Wextra -Werror -fsyntax-only net.h || exit 1; done");
}

static void names_may_differ_in_case_alone(void **state) {
    (void)state;
    must_export("net", (const char *[]){PLAIN, NULL});
    must_export("NET", (const char *[]){RELU, NULL});
    write_file("both.c",
               "#include \"net.h\"\n#include \"NET.h\"\n"
               "int main(void) { return !net_find(\"" PLAIN "\") || !NET_find(\"" RELU "\"); }\n");
    must("gcc -Wall -Werror both.c -L. -lnet -lNET -o both && ./both");
}

enum {
    TRIED = 400000,
    FIRST = 1000000 /* all have as many digits */
};

struct name {
    uint32_t hash;
    int extent;
};

static int by_hash(const void *a, const void *b) {
    const struct name *first = a, *second = b;
    return first->hash < second->hash ? -1 : first->hash > second->hash;
}

static void print_clashing(char text[64], int extent) {
    snprintf(text, 64, "expression text=\"y[n=%d] f32 = 1\"", extent);
}

/* Extents that give an expression the same identifier: of 400 000 some do, as birthdays fall on the
 * same day. */
static bool find_clash(const struct expression *expression, int extents[2]) {
    struct name *names = calloc(TRIED, sizeof *names);
    bool found = false;
    assert_non_null(names);
    for (int i = 0; i < TRIED; i++) {
        char text[64], identifier[MAX_IDENTIFIER + 1];
        print_clashing(text, FIRST + i);
        task_identifier(text, expression, 1, identifier);
        names[i] =
            (struct name){(uint32_t)strtoul(strrchr(identifier, '_') + 1, NULL, 16), FIRST + i};
    }
    qsort(names, TRIED, sizeof *names, by_hash);
    for (int i = 1; i < TRIED && !found; i++) {
        found = names[i].hash == names[i - 1].hash;
        extents[0] = names[i - 1].extent;
        extents[1] = names[i].extent;
    }
    free(names);
    return found;
}

static void a_clash_is_refused(void **state) {
    char texts[2][64];
    int extents[2];
    struct task *task;
    (void)state;
    print_clashing(texts[0], FIRST);
    assert_int_equal(task_create_text(texts[0], "c", 1, &task, &error), DLT_OK);
    assert_string_equal(task->workload, texts[0]);
    assert_true(find_clash(task->expression, extents));
    task_free(task);
    print_clashing(texts[0], extents[0]);
    print_clashing(texts[1], extents[1]);
    assert_int_equal(export_all("clash", (const char *[]){texts[0], texts[1], NULL}),
                     DLT_ERROR_ARGUMENT);
    assert_non_null(strstr(error.message, texts[0]));
    assert_non_null(strstr(error.message, texts[1]));
    assert_non_null(strstr(error.message, "are both called expression_y_"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_keep_their_meaning),
        cmocka_unit_test(tensors_may_be_called_anything),
        cmocka_unit_test(names_may_differ_in_case_alone),
        cmocka_unit_test(a_clash_is_refused),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
