/* No page is ever writable and executable at once. The linker leads every call of mmap and mprotect
 * in this program, libtcc's too, through the functions here, which look at what is asked for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "targets/jit/compile.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

enum {
    BOTH = PROT_WRITE | PROT_EXEC
};

static int executable, both;

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

static void compiled_code(void **state) {
    static const char source[] = "static const float numbers[3] = {1, 2, 3};\n"
                                 "int p_pack(void) { return 0; }\n"
                                 "int p_run(int i) { return numbers[i] + p_pack(); }\n";
    static const struct program_code none;
    struct compiled compiled;
    struct error error;
    int (*run)(int);
    (void)state;
    executable = both = 0;
    if (compile_c(source, "p", NULL, &none, &compiled, &error) != DLT_OK)
        fail_msg("%s", error.message);
    assert_no_page_is_both();
    memcpy(&run, &compiled.run, sizeof run);
    assert_int_equal(run(2), 3);
    code_memory_free(&compiled.memory);
    assert_int_equal(executable, 1);
    assert_int_equal(both, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(code_from_bytes),
        cmocka_unit_test(compiled_code),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
