/* Targets are described alike on every machine, and the machine itself truthfully. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "machine/description.h"
#include "targets/jit/code_memory.h"
#include "targets/target.h"

#include <stdio.h>
#include <string.h>

static void test_every_name_is_described_and_found(void **state) {
    (void)state;
    for (int i = 0; target_names[i]; i++) {
        struct target_description description;
        struct error error;
        assert_int_equal(target_describe(target_names[i], &description, &error), DLT_OK);
        assert_string_equal(description.name, target_names[i]);
        assert_true(description.vector_registers > 0 && description.code_bytes > 0);
        assert_true(description.cores >= 1);
        for (int level = 0; level < 2; level++) {
            assert_true(description.caches[level].bytes >= 4096);
            assert_true(description.caches[level].ways >= 1);
            assert_true(description.caches[level].line_bytes >= 16);
        }
        assert_non_null(target_find(target_names[i]));
        assert_int_equal(description.machine_code, target_find(target_names[i])->encode != NULL);
    }
}

static void test_native_is_the_first_that_runs(void **state) {
    struct target_description description;
    struct error error;
    int best = 0;
    (void)state;
    while (!target_runs_here(target_names[best]))
        best++;
    assert_int_equal(target_describe("native", &description, &error), DLT_OK);
    assert_string_equal(description.name, target_names[best]);
    assert_true(target_runs_here("c"));
    assert_false(target_runs_here("vax"));
}

static void test_unknown_target(void **state) {
    struct target_description description;
    struct error error;
    (void)state;
    assert_int_equal(target_describe("vax", &description, &error), DLT_ERROR_ARGUMENT);
    assert_string_equal(error.message, "target: 'vax' is not native, x86-avx512, x86-avx2 or c");
}

/* The kernel's own list of features, where there is one: what it hides must not be used. */
static void test_features_agree_with_the_system(void **state) {
    char line[16384];
    FILE *file = fopen("/proc/cpuinfo", "r");
    (void)state;
    if (!file)
        skip();
    while (fgets(line, sizeof line, file))
        if (strncmp(line, "flags", 5) == 0) {
            bool avx2 = strstr(line, " avx2 ") && strstr(line, " fma ");
            bool avx512 = avx2 && strstr(line, " avx512f ") && strstr(line, " avx512bw ") &&
                          strstr(line, " avx512dq ") && strstr(line, " avx512vl ");
            assert_int_equal(target_runs_here("x86-avx2"), avx2);
            assert_int_equal(target_runs_here("x86-avx512"), avx512);
            break;
        }
    fclose(file);
}

static void test_host_name_is_one_line(void **state) {
    (void)state;
    assert_true(strlen(host_name()) > 10);
    assert_null(strchr(host_name(), '\n'));
    assert_ptr_equal(host_name(), host_name());
}

static void test_code_memory(void **state) {
    static const unsigned char answer[] = {0xb8, 0x2a, 0, 0, 0, 0xc3}; /* mov eax, 42; ret */
    struct code_memory memory;
    struct error error;
    (void)state;
    assert_int_equal(code_memory_create(answer, 0, &memory, &error), DLT_ERROR_ARGUMENT);
    assert_string_equal(error.message, "code: 0 bytes cannot be run");
    assert_null(memory.code);
    code_memory_free(&memory);
    assert_int_equal(code_memory_create(answer, sizeof answer, &memory, &error), DLT_OK);
    assert_int_equal((uintptr_t)memory.code % 4096, 0);
#if defined(__x86_64__)
    {
        int (*function)(void);
        memcpy(&function, &memory.code, sizeof function);
        assert_int_equal(function(), 42);
    }
#endif
    code_memory_free(&memory);
    code_memory_free(&memory);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_name_is_described_and_found),
        cmocka_unit_test(test_native_is_the_first_that_runs),
        cmocka_unit_test(test_unknown_target),
        cmocka_unit_test(test_features_agree_with_the_system),
        cmocka_unit_test(test_host_name_is_one_line),
        cmocka_unit_test(test_code_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
