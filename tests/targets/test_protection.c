/* No page is ever writable and executable at once. The linker leads every call of mmap and mprotect
 * in this program, libtcc's too, through the functions here, which look at what is asked for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "targets/jit/compile.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    BOTH = PROT_WRITE | PROT_EXEC
};

static int executable, both;
static int refusal; /* errno of making pages executable that were not; 0: it is allowed */

void *__real_mmap(void *address, size_t bytes, int protection, int flags, int file, off_t offset);
int __real_mprotect(void *address, size_t bytes, int protection);
void *__wrap_mmap(void *address, size_t bytes, int protection, int flags, int file, off_t offset);
int __wrap_mprotect(void *address, size_t bytes, int protection);

static void look(int protection) {
    executable += (protection & PROT_EXEC) != 0;
    both += (protection & BOTH) == BOTH;
}

void *__wrap_mmap(void *address, size_t bytes, int protection, int flags, int file, off_t offset) {
    look(protection);
    return __real_mmap(address, bytes, protection, flags, file, offset);
}

int __wrap_mprotect(void *address, size_t bytes, int protection) {
    look(protection);
    if (refusal && protection & PROT_EXEC) {
        errno = refusal;
        return -1;
    }
    return __real_mprotect(address, bytes, protection);
}

static void assert_no_page_is_both(void) {
    FILE *maps = fopen("/proc/self/maps", "r");
    char line[512];
    assert_non_null(maps);
    while (fgets(line, sizeof line, maps)) {
        char protection[5];
        assert_int_equal(sscanf(line, "%*s %4s", protection), 1);
        if (protection[1] == 'w' && protection[2] == 'x')
            fail_msg("%s", line);
    }
    fclose(maps);
}

static void code_from_bytes(void **state) {
    static const unsigned char bytes[] = {0xb8, 42, 0, 0, 0, 0xc3}; /* mov eax, 42; ret */
    struct code_memory memory;
    struct error error;
    (void)state;
    executable = both = 0;
    assert_int_equal(code_memory_create(bytes, sizeof bytes, &memory, &error), DLT_OK);
    assert_no_page_is_both();
    code_memory_free(&memory);
    assert_int_equal(executable, 1);
    assert_int_equal(both, 0);
}

static const char source[] = "static const float numbers[3] = {1, 2, 3};\n"
                             "int p_pack(void) { return 0; }\n"
                             "int p_run(int i) { return numbers[i] + p_pack(); }\n";

/* Compiles the source and runs it: 3. */
static dlt_status compile_and_run(int *result, struct error *error) {
    static const struct program_code none;
    struct compiled compiled;
    int (*run)(int);
    TRY(compile_c(source, "p", NULL, &none, &compiled, error));
    memcpy(&run, &compiled.run, sizeof run);
    *result = run(2);
    assert_no_page_is_both();
    code_memory_free(&compiled.memory);
    return DLT_OK;
}

static void compiled_code(void **state) {
    struct error error;
    int result = 0;
    (void)state;
    executable = both = 0;
    if (compile_and_run(&result, &error) != DLT_OK)
        fail_msg("%s", error.message);
    assert_int_equal(result, 3);
    assert_int_equal(executable, 1);
    assert_int_equal(both, 0);
}

/* What was written may not become executable: it is mapped from a file instead, if that is why. */
static void code_where_pages_gain_nothing(void **state) {
    static const int refusals[] = {EACCES, EPERM, ENOMEM};
    (void)state;
    for (int i = 0; i < 3; i++) {
        struct error error;
        int result = 0;
        executable = both = 0;
        refusal = refusals[i];
        dlt_status status = compile_and_run(&result, &error);
        refusal = 0;
        if (refusals[i] == ENOMEM) {
            assert_int_equal(status, DLT_ERROR_SYSTEM);
            assert_non_null(strstr(error.message, "mprotect of code to executable: "));
            continue;
        }
        assert_int_equal(status, DLT_OK);
        assert_int_equal(result, 3);
        assert_int_equal(executable, 2);
        assert_int_equal(both, 0);
    }
}

/* The same where the kernel refuses it, in a child, since that cannot be taken back. */
static void code_under_a_strict_kernel(void **state) {
    enum {
        SET_MDWE = 65, /* PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN */
        REFUSE_EXEC_GAIN = 1,
        NOT_KNOWN = 77
    };
    int status;
    (void)state;
    pid_t child = fork();
    if (child == 0) {
        struct error error;
        int result = 0;
        if (prctl(SET_MDWE, REFUSE_EXEC_GAIN, 0, 0, 0) != 0)
            _exit(NOT_KNOWN);
        _exit(compile_and_run(&result, &error) == DLT_OK && result == 3 ? 0 : 1);
    }
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == NOT_KNOWN) {
        print_message("the kernel does not know PR_SET_MDWE: skipped\n");
        skip();
    }
    assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(code_from_bytes),
        cmocka_unit_test(compiled_code),
        cmocka_unit_test(code_where_pages_gain_nothing),
        cmocka_unit_test(code_under_a_strict_kernel),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
