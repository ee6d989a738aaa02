/* Exported libraries as users meet them: linked by gcc and g++ against the archive alone, compiled
 * from their source by whichever compilers are there, looked at with nm and readelf. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/text.h"
#include "export/export.h"
#include "machine/description.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64];
static struct error error;

static int make_folder(void **state) {
    (void)state;
    strcpy(folder, "/tmp/dltune-export-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state) {
    char command[128];
    (void)state;
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command);
}

/* Runs a command in the folder; its output in case of failure is the test's message. */
static int run(const char *format, ...) {
    char command[1024], whole[1200];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(command, sizeof command, format, arguments);
    va_end(arguments);
    snprintf(whole, sizeof whole, "cd '%s' && (%s)", folder, command);
    return system(whole);
}

static void must(const char *format, ...) {
    char command[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(command, sizeof command, format, arguments);
    va_end(arguments);
    if (run("%s", command) != 0)
        fail_msg("failed: %s", command);
}

static bool have(const char *compiler) {
    return run("command -v %s >/dev/null 2>&1", compiler) == 0;
}

static void write_file(const char *name, const char *content) {
    char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(content, file) >= 0);
    fclose(file);
}

/* Tiles the product for a target with machine code: ragged in both directions for 7 x 21. */
static const char *tiled_trace(const char *target) {
    static char trace[512];
    struct target_description description;
    assert_int_equal(target_describe(target, &description, &error), DLT_OK);
    snprintf(trace, sizeof trace,
             "split output n %d guard\nsplit output m 4 guard\nreorder output m.o n.o k m.i n.i\n"
             "unroll output m.i\nvectorize output n.i\ntile output k\n",
             description.vector_bytes / 4);
    return trace;
}

enum {
    KERNELS = 6
};

static const char *const workloads[KERNELS] = {
    "matmul m=7 n=21 k=3 const=b",        "matmul m=7 n=21 k=3",
    "matmul m=7 n=21 k=3 post=bias,relu", "conv2d c=2 h=5 w=6 k=3 r=3 s=3 pad=1",
    "matmul m=7 n=21 k=3 accumulate=1",   "matmul m=7 n=21 k=3",
};

/* The first of the library for the machine's own target, tiled; the others in plain C, the last of
 * them for three threads. */
static dlt_status export_to(const char *subfolder, const char *name) {
    struct task *tasks[KERNELS] = {NULL};
    struct export_kernel kernels[KERNELS];
    struct target_description native;
    char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, subfolder);
    assert_int_equal(target_describe("native", &native, &error), DLT_OK);
    for (int i = 0; i < KERNELS; i++) {
        const char *target = i == 0 ? native.name : "c";
        bool parallel = i == KERNELS - 1;
        if (task_create_text(workloads[i], target, parallel ? 3 : 1, &tasks[i], &error) != DLT_OK)
            fail_msg("%s", error.message);
        kernels[i] = (struct export_kernel){tasks[i], i == 0     ? tiled_trace(target)
                                                      : parallel ? "parallel output m\n"
                                                                 : ""};
    }
    struct export_options options = {name, path, KERNELS, kernels, .comments = true};
    dlt_status status = export_library(&options, &error);
    for (int i = 0; i < KERNELS; i++)
        task_free(tasks[i]);
    return status;
}

static int export_once(void **state) {
    if (make_folder(state) != 0)
        return -1;
    if (export_to(".", "demo") == DLT_OK)
        return 0;
    print_error("%s\n", error.message);
    return -1;
}

/* A program that checks all of the interface; right as C and as C++. */
static const char program[] =
    "#include \"demo.h\"\n"
    "#include <stdio.h>\n"
    "#include <string.h>\n"
    "enum { M = 7, N = 21, K = 3 };\n"
    "#ifdef __cplusplus\n"
    "#define ALIGNED alignas(64)\n"
    "#else\n"
    "#define ALIGNED _Alignas(64)\n"
    "#endif\n"
    "static float a[M * K], b[K * N], bias[N], c[M * N];\n"
    "ALIGNED static char packed[4096], workspace[65536];\n"
    "static int differs(int with_bias) {\n"
    "    for (int m = 0; m < M; m++)\n"
    "        for (int n = 0; n < N; n++) {\n"
    "            float sum = 0;\n"
    "            for (int k = 0; k < K; k++) sum += a[m * K + k] * b[k * N + n];\n"
    "            if (with_bias) sum += bias[n];\n"
    "            if (with_bias && sum < 0) sum = 0;\n"
    "            if (c[m * N + n] != sum) return 1;\n"
    "        }\n"
    "    memset(c, 255, sizeof c);\n"
    "    return 0;\n"
    "}\n"
    "static int shares;\n"
    "static void in_three(void *context, void (*body)(void *, long, long, long), void "
    "*body_context,\n"
    "                     long count) {\n"
    "    long slot;\n"
    "    for (slot = 2; slot >= 0; slot--)\n"
    "        body(body_context, slot * count / 3, (slot + 1) * count / 3, slot);\n"
    "    *(int *)context += 3;\n"
    "}\n"
    "#define CHECK(x) if (!(x)) return printf(\"line %d: %s\\n\", __LINE__, #x), 1\n"
    "int main(void) {\n"
    "    const demo_kernel *found;\n"
    "    const void *inputs[3];\n"
    "    inputs[0] = a; inputs[1] = b; inputs[2] = bias;\n"
    "    for (int i = 0; i < M * K; i++) a[i] = (float)(i % 11 - 5);\n"
    "    for (int i = 0; i < K * N; i++) b[i] = (float)(i % 7 - 3);\n"
    "    for (int i = 0; i < N; i++) bias[i] = (float)(i % 5 - 2);\n"
    "    CHECK(demo_matmul_m7_n21_k3_const_b_df87868a_packed_bytes() <= sizeof packed);\n"
    "    CHECK(demo_matmul_m7_n21_k3_const_b_df87868a_workspace_bytes(1) <= sizeof workspace);\n"
    "    CHECK(demo_matmul_m7_n21_k3_const_b_df87868a_pack(b, packed) == demo_OK);\n"
    "    CHECK(demo_matmul_m7_n21_k3_const_b_df87868a(a, packed, c, workspace, NULL) == demo_OK);\n"
    "    CHECK(!differs(0));\n"
    "    CHECK(demo_matmul_m7_n21_k3_const_b_df87868a(a, packed + 4, c, workspace, NULL) == "
    "demo_ERROR_ALIGNMENT);\n"
    "    CHECK(demo_matmul_m7_n21_k3_c2203646(a, b, NULL, c, workspace, NULL) == demo_OK);\n"
    "    CHECK(!differs(0));\n"
    "    found = demo_find(\"matmul post=bias,relu k=3 m=7  n=21 \");\n"
    "    CHECK(found && found == demo_find(\"matmul m=7 n=21 k=3 post=bias,relu target=c\"));\n"
    "    CHECK(demo_workspace_bytes(found, 1) <= sizeof workspace);\n"
    "    CHECK(demo_pack(found, NULL, packed) == demo_OK);\n"
    "    CHECK(demo_run(found, inputs, packed, c, workspace, NULL) == demo_OK);\n"
    "    CHECK(!differs(1));\n"
    "    found = demo_find(\"matmul m=7 n=21 k=3\");\n"
    "    CHECK(found && demo_run(found, inputs, NULL, c, workspace, NULL) == demo_OK);\n"
    "    CHECK(!differs(0));\n"
    "    CHECK(demo_run(found, inputs, NULL, c, workspace, NULL) == demo_OK);\n"
    "    found = demo_find(\"matmul m=7 n=21 k=3 accumulate=1\");\n"
    "    CHECK(found && demo_run(found, inputs, NULL, c, workspace, NULL) == demo_OK);\n"
    "    for (int i = 0; i < M * N; i++) c[i] /= 2;\n"
    "    CHECK(!differs(0));\n"
    "    demo_threads threads;\n"
    "    threads.context = &shares;\n"
    "    threads.thread_count = 3;\n"
    "    threads.parallel_for = in_three;\n"
    "    found = demo_find(\"matmul m=7 n=21 k=3 threads=3\");\n"
    "    CHECK(found && demo_workspace_bytes(found, 3) <= sizeof workspace);\n"
    "    CHECK(demo_run(found, inputs, NULL, c, workspace, &threads) == demo_OK);\n"
    "    CHECK(shares == 3 && !differs(0));\n"
    "    CHECK(demo_run(found, inputs, NULL, c, workspace, NULL) == demo_OK);\n"
    "    CHECK(shares == 3 && !differs(0));\n"
    "    CHECK(!demo_find(\"\") && !demo_find(\"matmul m=7 n=2 k=3\") && !demo_find(\"matmul\"));\n"
    "    CHECK(!demo_find(\"matmul m=7 n=21 k=33\") && !demo_find(\"m=7 n=21 k=3\"));\n"
    "    CHECK(!demo_find(\"matmul m=7 n=21 k=3 target=pdp11\"));\n"
    "    return 0;\n"
    "}\n";

static void c_programs_link_the_archive_alone(void **state) {
    (void)state;
    write_file("main.c", program);
    must("gcc -std=c11 -Wall -Wextra -Werror -O1 main.c -L. -ldemo -o main && ./main");
    must("gcc -std=c11 -O1 -static main.c -L. -ldemo -o main && ./main");
    must("gcc -std=c11 -O1 -pie -fPIE -Wl,-z,text,--fatal-warnings main.c -L. -ldemo -o main && "
         "./main");
    if (have("clang"))
        must("clang -std=c11 -Wall -Wextra -Werror main.c -L. -ldemo -o main && ./main");
}

static void cxx_programs_link_the_archive_alone(void **state) {
    (void)state;
    if (!have("g++"))
        skip();
    write_file("main.cc", program);
    must("g++ -std=c++11 -Wall -Wextra -Werror main.cc -L. -ldemo -o main && ./main");
}

static void the_source_compiles_everywhere_without_a_warning(void **state) {
    (void)state;
    write_file("main.c", program);
    must("gcc -std=gnu11 -O2 -Wall -Wextra -Werror main.c demo.c -o main && ./main");
    must("gcc -std=gnu11 -O2 -flto main.c demo.c -o main && ./main");
    if (have("clang"))
        must("clang -std=gnu11 -O2 -Wall -Wextra -Werror main.c demo.c -o main && ./main");
    if (have("tcc"))
        must("tcc -Wall -Werror -c demo.c -o demo.o && gcc main.c demo.o -o main && ./main");
}

static void nothing_is_undefined_or_writable(void **state) {
    (void)state;
    must("test -z \"$(nm -u libdemo.a | grep ' U ' | grep -v _GLOBAL_OFFSET_TABLE_)\"");
    /* one word in .bss, nothing in .data, all text and constants read-only */
    must("test \"$(nm libdemo.a | grep -c -i ' [bdgsc] ')\" -le 1");
    must("nm libdemo.a | grep -q ' T demo_find'");
    must("ar t libdemo.a | grep -q -x demo.o");
    must("! readelf -SW libdemo.a | grep -w WAX");
    must("readelf -SW libdemo.a | grep -F .note.GNU-stack | grep -v -q X");
    must("gcc -shared -Wl,--fatal-warnings,-z,text,--whole-archive libdemo.a "
         "-Wl,--no-whole-archive -o whole.so");
    must("readelf -lW whole.so | grep GNU_STACK | grep -q 'RW '");
    must("test -z \"$(nm -D --defined-only whole.so | grep demo__)\"");
    must("nm -D --defined-only whole.so | grep -q demo_run");
}

static void the_same_kernels_give_the_same_bytes(void **state) {
    (void)state;
    assert_int_equal(export_to("again/deeper", "demo"), DLT_OK);
    must("for f in libdemo.a demo.h demo.c demo.pc; do cmp $f again/deeper/$f || exit 1; done");
    must("test $(ls again/deeper | wc -l) = 4");
}

/* A CPU that lacks the instructions: the call answers so and touches nothing. */
static void a_lesser_cpu_is_told(void **state) {
    (void)state;
    if (run("grep -q demo__features demo.c") != 0)
        skip(); /* the machine's own target is plain C */
    write_file(
        "lesser.c",
        "#include \"demo.c\"\n"
        "int main(void) {\n"
        "    static float a[7 * 3], b[3 * 21], c[7 * 21];\n"
        "    static _Alignas(64) char packed[4096], workspace[65536];\n"
        "    demo__features = 1;\n"
        "    c[0] = 5;\n"
        "    packed[0] = 7;\n"
        "    return demo_matmul_m7_n21_k3_const_b_df87868a_pack(b, packed) != demo_ERROR_CPU ||\n"
        "           demo_matmul_m7_n21_k3_const_b_df87868a(a, packed, c, workspace, 0) != "
        "demo_ERROR_CPU ||\n"
        "           c[0] != 5 || packed[0] != 7 ||\n"
        "           demo_matmul_m7_n21_k3_c2203646(a, b, 0, c, workspace, 0) != demo_OK;\n"
        "}\n");
    must("gcc -std=gnu11 lesser.c -o lesser && ./lesser");
}

static void pkg_config_finds_it(void **state) {
    (void)state;
    if (!have("pkg-config"))
        skip();
    write_file("main.c", program);
    must("mkdir -p sub && gcc main.c $(PKG_CONFIG_PATH=$PWD pkg-config --cflags --libs demo) "
         "-o sub/main && sub/main");
}

/* A name too long for a member's header of the archive. */
static void long_names_work(void **state) {
    const char *name = "a_name_of_forty_characters_no_more_no_le";
    (void)state;
    assert_int_equal(strlen(name), EXPORT_MAX_NAME);
    assert_int_equal(export_to(".", name), DLT_OK);
    must("ar t lib%s.a | grep -q -x %s.o", name, name);
    must("echo '#include \"%s.h\"\nint main(void) { return !%s_find(\"matmul m=7 n=21 k=3\"); }' "
         "> main.c && gcc main.c -L. -l%s -o main && ./main",
         name, name, name);
}

static void refused(struct export_options options, dlt_status status, const char *words) {
    char path[128];
    snprintf(path, sizeof path, "%s/none", folder);
    if (!options.folder)
        options.folder = path;
    assert_int_equal(export_library(&options, &error), status);
    if (!strstr(error.message, words))
        fail_msg("'%s' is not in '%s'", words, error.message);
    assert_int_equal(access(path, F_OK), -1);
}

static void bad_requests_are_refused_and_write_nothing(void **state) {
    struct task *task;
    (void)state;
    assert_int_equal(task_create_text(workloads[1], "c", 1, &task, &error), DLT_OK);
    const struct export_kernel kernels[] = {{task, ""}, {task, ""}};
    const struct export_kernel bad = {task, "unroll nothing at_all\n"};
    refused((struct export_options){"a-b", NULL, 1, kernels, false}, DLT_ERROR_ARGUMENT,
            "name: 'a-b' is no C identifier");
    refused((struct export_options){"", NULL, 1, kernels, false}, DLT_ERROR_ARGUMENT, "name: ''");
    refused((struct export_options){NULL, NULL, 1, kernels, false}, DLT_ERROR_ARGUMENT, "name: ");
    refused((struct export_options){"1a", NULL, 1, kernels, false}, DLT_ERROR_ARGUMENT, "'1a'");
    refused((struct export_options){"a_name_of_forty_characters_no_more_no_less", NULL, 1, kernels,
                                    false},
            DLT_ERROR_ARGUMENT, "1 to 40");
    refused((struct export_options){"x", "", 1, kernels, false}, DLT_ERROR_ARGUMENT, "folder");
    refused((struct export_options){"x", NULL, 0, kernels, false}, DLT_ERROR_ARGUMENT,
            "there is none");
    refused((struct export_options){"x", NULL, 2, kernels, false}, DLT_ERROR_ARGUMENT,
            "is listed twice");
    error.message[0] = 0;
    refused((struct export_options){"x", NULL, 1, &bad, false}, DLT_ERROR_ARGUMENT, "nothing");
    refused((struct export_options){"x", "/proc/nowhere", 1, kernels, false}, DLT_ERROR_SYSTEM,
            "/proc/nowhere");
    task_free(task);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, export_once, remove_folder)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(c_programs_link_the_archive_alone),
        TEST(cxx_programs_link_the_archive_alone),
        TEST(the_source_compiles_everywhere_without_a_warning),
        TEST(nothing_is_undefined_or_writable),
        TEST(the_same_kernels_give_the_same_bytes),
        TEST(a_lesser_cpu_is_told),
        TEST(pkg_config_finds_it),
        TEST(long_names_work),
        cmocka_unit_test_setup_teardown(bad_requests_are_refused_and_write_nothing, make_folder,
                                        remove_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
