/* What each pass of lowering makes of a few schedules, as text compared with tests/ir/golden/.
 *
 * A file holds the loop program after each pass and, once there are any, the vector programs of all
 * variants; a pass that changes nothing says so. With DLTUNE_UPDATE_GOLDEN=1 the files are written
 * anew instead: read the difference before keeping it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ir/lower.h"
#include "ir/vectors.h"
#include "te/task.h"

struct example {
    const char *name, *workload, *trace; /* the name is the file's, too */
};

static const struct example examples[] = {
    {"matmul_ragged", "matmul m=5 n=19 k=6",
     "split output m 2\nsplit output n 16\nreorder output m.o n.o k m.i n.i\nunroll output m.i\n"
     "vectorize output n.i\ntile output n.o\n"},
    {"matmul_split_reduction", "matmul m=4 n=16 k=10",
     "split output k 4\nreorder output k.o m k.i n\nvectorize output n\ntile output m\n"},
    {"conv2d_padded_channels", "conv2d c=2 h=4 w=4 k=18 r=3 s=2 pad=1,1,1,0",
     "pack weight k/16 c r s k%16\nsplit output k 16\nsplit output x 2\n"
     "reorder output n k.o y x.o c r s x.i k.i\nunroll output s\nunroll output x.i\n"
     "vectorize output k.i\ntile output x.o\n"},
    {"conv2d_padded_columns", "conv2d c=2 h=4 w=13 k=2 r=1 s=3 pad=0x1",
     "reorder output n y k c r s x\nunroll output s\nvectorize output x\ntile output k\n"},
    {"conv2d_blocks_of_channels", "conv2d c=10 h=2 w=4 k=3 r=1 s=1 layout=n,c/4,h,w,c%4",
     "reorder output n y c x k\nunroll output x\nvectorize output k\ntile output y\n"},
    {"conv2d_epilogue_attached", "conv2d c=4 h=4 w=4 k=16 r=1 s=1 post=bias,relu",
     "pack weight k/16 c r s k%16\nsplit output x 2\nreorder output n y x.o x.i k\n"
     "unroll output x.i\nvectorize output k\ntile output x.o\nattach conv output x.o\n"
     "reorder conv n c r s y x k\nunroll conv x\nvectorize conv k\n"},
};

enum {
    LOOPS,
    VECTORS,
    SECTIONS
};

struct dump {
    struct text text;
    struct text previous[SECTIONS]; /* as the pass before left them */
    int pass;
};

static void print_section(struct text *text, const struct program *program, int section) {
    if (section == LOOPS) {
        program_print(text, program);
        return;
    }
    for (int i = 0; i < program->tile_count; i++)
        for (int j = 0; j < program->tiles[i]->variant_count; j++)
            if (program->tiles[i]->variants[j].vectors) {
                text_format(text, "-- tile %d, variant %d\n", i, j);
                vector_program_print(text, program->tiles[i]->variants[j].vectors);
            }
}

static void observe(void *context, const char *pass, const struct program *program) {
    struct dump *dump = context;
    bool changed = false;
    text_format(&dump->text, "== %s\n", pass);
    for (int section = 0; section < SECTIONS; section++) {
        struct text *previous = &dump->previous[section], now = {0};
        print_section(&now, program, section);
        if (strcmp(text_string(&now), text_string(previous)) != 0) {
            text_append(&dump->text, text_string(&now));
            changed = true;
        }
        text_free(previous);
        *previous = now;
    }
    text_append(&dump->text, changed ? "" : "unchanged\n");
    dump->pass++;
}

static char *read_file(const char *path) {
    FILE *file = fopen(path, "rb");
    char *content;
    size_t size;
    if (!file)
        return NULL;
    fseek(file, 0, SEEK_END);
    size = (size_t)ftell(file);
    rewind(file);
    content = malloc(size + 1);
    assert_int_equal(fread(content, 1, size, file), size);
    content[size] = 0;
    fclose(file);
    return content;
}

static void write_file(const char *path, const char *content) {
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(content, 1, strlen(content), file), strlen(content));
    assert_int_equal(fclose(file), 0);
}

/* Names the first line that differs, and the pass that it belongs to. */
static void compare_lines(const char *name, const char *expected, const char *actual) {
    const char *pass = "";
    int line = 1;
    while (*expected || *actual) {
        size_t a = strcspn(expected, "\n"), b = strcspn(actual, "\n");
        if (strncmp(actual, "== ", 3) == 0)
            pass = actual;
        if (a != b || strncmp(expected, actual, a) != 0)
            fail_msg("%s.txt, line %d, after pass %.*s: it is\n%.*s\nwhere the file has\n%.*s",
                     name, line, (int)strcspn(pass, "\n"), pass, (int)b, actual, (int)a, expected);
        expected += a + (expected[a] != 0);
        actual += b + (actual[b] != 0);
        line++;
    }
}

static void dump_example(const struct example *example, struct dump *dump) {
    struct task *task;
    struct program *program;
    struct target_description description;
    struct error error = {.status = DLT_OK};
    if (task_create_text(example->workload, "x86-avx512", 1, &task, &error))
        fail_msg("%s", error.message);
    if (arena_recover(&task->arena))
        fail_msg("out of memory");
    struct schedule *schedule = schedule_create(&task->arena, task->expression);
    if (schedule_replay(schedule, example->trace, &error))
        fail_msg("%s", error.message);
    assert_int_equal(target_describe("x86-avx512", &description, &error), DLT_OK);
    text_format(&dump->text, "%s\n%s", example->workload, schedule_trace(schedule));
    if (lower(&task->arena, schedule, &description, observe, dump, &program, &error))
        fail_msg("%s", error.message);
    schedule_free(schedule);
    task_free(task);
}

static void check_example(void **state) {
    const struct example *example = *state;
    struct dump dump = {.pass = 0};
    char path[512];
    dump_example(example, &dump);
    assert_true(dump.pass > 10);
    snprintf(path, sizeof path, "%s/golden/%s.txt", TEST_DATA, example->name);
    if (getenv("DLTUNE_UPDATE_GOLDEN"))
        write_file(path, text_string(&dump.text));
    char *expected = read_file(path);
    if (!expected)
        fail_msg("%s is missing", path);
    compare_lines(example->name, expected, text_string(&dump.text));
    free(expected);
    text_free(&dump.text);
    for (int section = 0; section < SECTIONS; section++)
        text_free(&dump.previous[section]);
}

int main(void) {
    enum {
        EXAMPLES = sizeof examples / sizeof examples[0]
    };
    struct CMUnitTest tests[EXAMPLES];
    for (int i = 0; i < EXAMPLES; i++)
        tests[i] = (struct CMUnitTest){examples[i].name, check_example, NULL, NULL,
                                       (void *)(uintptr_t)&examples[i]};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
