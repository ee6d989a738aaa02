/* Kernels as debuggers see them: what they are told and when, and what gdb makes of it.
 *
 * With the argument `inferior` this program makes a kernel and runs it; gdb is its parent then. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "schedules/space.h"
#include "targets/jit/code_memory.h"
#include "targets/jit/elf_object.h"
#include "targets/jit/kernel.h"
#include "te/task.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* As the interface has them; see targets/jit/debugger.c. */
struct entry {
    struct entry *next, *previous;
    char *object;
    uint64_t bytes;
};
extern struct {
    uint32_t version, action;
    struct entry *relevant, *first;
} __jit_debug_descriptor;

#define WORKLOAD "matmul m=37 n=80 k=40 const=b"

static const char *program;

/* The default kernel, on the best target of this machine. */
static dlt_status make_kernel(const char *name, struct kernel **kernel, struct error *error) {
    struct target_description target;
    struct schedule *schedule;
    struct space *space;
    struct arena arena;
    struct task *task;
    int point[MAX_KNOBS] = {0};
    arena_initialise(&arena);
    if (arena_recover(&arena))
        return DLT_ERROR_MEMORY;
    TRY(target_describe("native", &target, error));
    TRY(task_create_text(WORKLOAD, target.name, 1, &task, error));
    TRY(space_create(&arena, task->collapsed, &target, 1, &space, error));
    schedule = schedule_create(&arena, task->collapsed);
    TRY(space_schedule(space, point, schedule, error));
    dlt_status status = kernel_create(schedule, &target, name, kernel, error);
    schedule_free(schedule);
    task_free(task);
    arena_free(&arena);
    return status;
}

static struct kernel *made(const char *name) {
    struct kernel *kernel;
    struct error error;
    if (make_kernel(name, &kernel, &error) != DLT_OK)
        fail_msg("%s", error.message);
    return kernel;
}

/* --- What is told --- */

static int count_entries(void) {
    int count = 0;
    const struct entry *previous = NULL;
    for (const struct entry *at = __jit_debug_descriptor.first; at; at = at->next) {
        assert_ptr_equal(at->previous, previous);
        previous = at;
        count++;
    }
    return count;
}

/* The name of the function at an address, by the object that debuggers are given. */
static const char *name_at(const struct entry *entry, const void *address) {
    static char name[128];
    struct elf_object object;
    struct error error;
    if (elf_object_open(entry->object, entry->bytes, &object, &error) != DLT_OK)
        fail_msg("%s", error.message);
    for (size_t i = 1; i < object.symbol_count; i++) {
        const Elf64_Sym *symbol = &object.symbols[i];
        uint64_t offset = (uintptr_t)address - object.sections[symbol->st_shndx].sh_addr;
        if (offset >= symbol->st_value && offset < symbol->st_value + symbol->st_size) {
            snprintf(name, sizeof name, "%s", elf_symbol_name(&object, symbol));
            return name;
        }
    }
    return NULL;
}

static void nothing_is_told_unasked(void **state) {
    (void)state;
    unsetenv("DLTUNE_GDB");
    struct kernel *kernel = made("quiet");
    assert_null(__jit_debug_descriptor.first);
    kernel_free(kernel);
    setenv("DLTUNE_GDB", "0", 1);
    kernel = made("quiet");
    assert_null(__jit_debug_descriptor.first);
    kernel_free(kernel);
    unsetenv("DLTUNE_GDB");
}

static void what_is_told(void **state) {
    (void)state;
    setenv("DLTUNE_GDB", "1", 1);
    struct kernel *first = made("first"), *second = made("second");
    unsetenv("DLTUNE_GDB");
    assert_int_equal(__jit_debug_descriptor.version, 1);
    assert_int_equal(__jit_debug_descriptor.action, 0);
    assert_int_equal(count_entries(), 2);
    const struct entry *entry = __jit_debug_descriptor.first->next;
    void *run, *pack;
    memcpy(&run, &first->run, sizeof run);
    memcpy(&pack, &first->pack, sizeof pack);
    assert_string_equal(name_at(entry, run), "first_run");
    assert_string_equal(name_at(entry, pack), "first_pack");
    for (int i = 0; i < first->tile_count; i++) {
        char expected[64];
        snprintf(expected, sizeof expected, "first_tile_%d", i);
        assert_string_equal(name_at(entry, (char *)first->memory->code + first->tile_starts[i]),
                            expected);
    }
    memcpy(&run, &second->run, sizeof run);
    assert_null(name_at(entry, run));
    kernel_free(first);
    assert_int_equal(count_entries(), 1);
    assert_string_equal(name_at(__jit_debug_descriptor.first, run), "second_run");
    kernel_free(second);
    assert_int_equal(count_entries(), 0);
}

static void *make_and_free(void *context) {
    struct kernel *kernels[4];
    struct error error;
    for (int i = 0; i < 4; i++)
        if (make_kernel("many", &kernels[i], &error) != DLT_OK)
            return context;
    for (int i = 0; i < 4; i++)
        kernel_free(kernels[i * 3 % 4]);
    return NULL;
}

static void many_threads_tell(void **state) {
    enum {
        THREADS = 6
    };
    pthread_t threads[THREADS];
    (void)state;
    setenv("DLTUNE_GDB", "1", 1);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, make_and_free, threads), 0);
    for (int i = 0; i < THREADS; i++) {
        void *failed;
        assert_int_equal(pthread_join(threads[i], &failed), 0);
        assert_null(failed);
    }
    unsetenv("DLTUNE_GDB");
    assert_int_equal(count_entries(), 0);
}

/* --- gdb --- */

__attribute__((noinline)) static int call_kernel(const struct kernel *kernel, void *const *tensors,
                                                 const void *packed, void *workspace) {
    int result = kernel->run(tensors, packed, workspace, NULL);
    __asm__ volatile("" ::: "memory"); /* no jump instead of the call */
    return result;
}

static int inferior(void) {
    static _Alignas(64) float a[37 * 40], b[40 * 80], c[37 * 80];
    static _Alignas(64) char packed[1 << 16], workspace[1 << 16];
    const void *parameters[] = {b};
    struct kernel *kernel;
    struct error error;
    if (make_kernel("product", &kernel, &error) != DLT_OK ||
        kernel->packed_bytes > (int64_t)sizeof packed ||
        kernel->shared_bytes + kernel->private_bytes > (int64_t)sizeof workspace)
        return 1;
    kernel->pack(parameters, packed);
    call_kernel(kernel, (void *[]){a, c}, packed, workspace);
    kernel_free(kernel);
    return 0;
}

/* All that gdb says to the commands; NULL if it cannot run programs here. */
static char *gdb_says(const char *commands) {
    static char said[1 << 16];
    char script[] = "/tmp/dltune-gdb-XXXXXX", command[1024];
    int file = mkstemp(script);
    assert_true(file >= 0);
    assert_int_equal(write(file, commands, strlen(commands)), strlen(commands));
    close(file);
    snprintf(command, sizeof command,
             "ASAN_OPTIONS=detect_leaks=0 " /* which cannot be while gdb looks on */
             "DLTUNE_GDB=1 gdb -nx -batch -x %s --args %s inferior 2>&1 </dev/null",
             script, program);
    FILE *gdb = popen(command, "r");
    assert_non_null(gdb);
    said[fread(said, 1, sizeof said - 1, gdb)] = 0;
    pclose(gdb);
    remove(script);
    return strstr(said, "ptrace: ") || strstr(said, "Could not trace") ? NULL : said;
}

/* Goes forward through the text to each of the words in turn. */
static void assert_says(const char *said, const char *const *words) {
    const char *at = said;
    for (; *words; words++) {
        const char *found = strstr(at, *words);
        if (!found)
            fail_msg("no '%s' where it should be in\n%s", *words, said);
        at = found + strlen(*words);
    }
}

static void gdb_names_tiles_and_finds_callers(void **state) {
    /* at the entry, and somewhere in the body where registers are saved */
    static const char commands[] = "set breakpoint pending on\n"
                                   "set debuginfod enabled off\n"
                                   "break call_kernel\n"
                                   "run\n"
                                   "rbreak ^product_tile_\n"
                                   "delete 1\n"
                                   "continue\n"
                                   "echo \\nat entry\\n\n"
                                   "bt\n"
                                   "info symbol $pc\n"
                                   "stepi 25\n"
                                   "echo \\nwithin\\n\n"
                                   "bt\n"
                                   "info symbol $pc\n"
                                   "delete\n"
                                   "finish\n"
                                   "echo \\nback\\n\n"
                                   "info symbol $pc\n"
                                   "continue\n";
    static const char *const words[] = {"\nat entry\n",      "#0 ",
                                        " in product_tile_", "#1 ",
                                        " in product_run",   "#2 ",
                                        " in call_kernel",   "product_tile_",
                                        "\nwithin\n",        "#0 ",
                                        " in product_tile_", "#1 ",
                                        " in product_run",   "#2 ",
                                        " in call_kernel",   "#3 ",
                                        " in inferior",      "product_tile_",
                                        "\nback\n",          "product_run + ",
                                        "exited normally",   NULL};
    struct target_description target;
    struct error error;
    (void)state;
    assert_int_equal(target_describe("native", &target, &error), DLT_OK);
    if (system("command -v gdb >/dev/null") != 0 || !target.machine_code) {
        print_message("no gdb or no machine code for this processor: skipped\n");
        skip();
    }
    const char *said = gdb_says(commands);
    if (!said) {
        print_message("gdb may not trace programs here: skipped\n");
        skip();
    }
    assert_says(said, words);
}

int main(int count, char **arguments) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_told_unasked),
        cmocka_unit_test(what_is_told),
        cmocka_unit_test(many_threads_tell),
        cmocka_unit_test(gdb_names_tiles_and_finds_callers),
    };
    program = arguments[0];
    if (count > 1 && strcmp(arguments[1], "inferior") == 0)
        return inferior();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
