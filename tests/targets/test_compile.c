/* C text to code that runs: what the compiler says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "targets/jit/compile.h"

#include <string.h>

static void test_compiler_messages(void **state) {
    static const struct program_code none;
    struct compiled compiled;
    struct error error = {.status = DLT_OK};
    (void)state;
    assert_int_equal(
        compile_c("int p_run(void) { return x; }", "p", NULL, &none, &compiled, &error),
        DLT_ERROR_COMPILE);
    assert_non_null(strstr(error.message, "'x' undeclared"));
    assert_null(compiled.memory.code);
    assert_int_equal(
        compile_c("int p_run(void) { return y(); }", "p", NULL, &none, &compiled, &error),
        DLT_ERROR_COMPILE);
    assert_non_null(strstr(error.message, "'y'"));
    assert_int_equal(
        compile_c("int p_run(void) { return 0; }", "p", NULL, &none, &compiled, &error),
        DLT_ERROR_COMPILE);
    assert_non_null(strstr(error.message, "p_pack"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_compiler_messages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
