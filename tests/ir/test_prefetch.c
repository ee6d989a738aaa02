/* What a tile that prefetches asks for: each line that it stores to behind its loops, once, at its
 * start, and nothing for a tile that does not. That results stay the same is for the random
 * tiles. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ir/lower.h"
#include "ir/vectors.h"
#include "te/task.h"

/* Prefetches at the start of the last tile's only variant; stores behind its loop. */
static void count(const struct program *program, int *prefetches, int *stores) {
    const struct tile *tile = program->tiles[program->tile_count - 1];
    bool begins = true;
    *prefetches = *stores = 0;
    assert_int_equal(tile->variant_count, 1);
    for (const struct vector_item *item = tile->variants[0].vectors->top->first; item;
         item = item->next) {
        if (!item->instruction) {
            begins = false;
            continue;
        }
        if (item->instruction->opcode == VECTOR_PREFETCH) {
            assert_true(begins);
            assert_int_equal(item->instruction->destination, VECTOR_NONE);
            ++*prefetches;
        }
        *stores += vector_operations[item->instruction->opcode].writes_memory;
    }
}

static void check(const char *target_name, const char *trace, int prefetches, int stores) {
    struct target_description target;
    struct program *program;
    struct schedule *schedule;
    struct error error;
    struct arena arena;
    struct task *task;
    int asked, stored;
    assert_int_equal(target_describe(target_name, &target, NULL), DLT_OK);
    assert_int_equal(task_create_text("matmul m=8 n=64 k=16", target_name, 1, &task, NULL), DLT_OK);
    arena_initialise(&arena);
    assert_int_equal(arena_recover(&arena), 0);
    schedule = schedule_create(&arena, task->expression);
    if (schedule_replay(schedule, trace, &error) != DLT_OK ||
        lower(&arena, schedule, &target, NULL, NULL, &program, &error) != DLT_OK)
        fail_msg("%s", error.message);
    count(program, &asked, &stored);
    assert_int_equal(asked, prefetches);
    assert_int_equal(stored, stores);
    schedule_free(schedule);
    arena_free(&arena);
    task_free(task);
}

#define TILE                                                                                       \
    "split output m 4\nsplit output n 32\nreorder output m.o n.o k m.i n.i\n"                      \
    "vectorize output n.i\nunroll output m.i\ntile output n.o\n"

static void test_lines(void **state) {
    (void)state;
    check("x86-avx512", TILE, 0, 8);
    check("x86-avx512", TILE "prefetch output\n", 8, 8);
    check("x86-avx2", TILE "prefetch output\n", 8, 16); /* two vectors a line */
}

/* Stores inside of loops are of tiles that move: nothing is asked for. */
static void test_stores_in_loops(void **state) {
    (void)state;
    check("x86-avx512",
          "split output m 4\nsplit output n 32\nreorder output m.o n.o m.i k n.i\n"
          "vectorize output n.i\ntile output n.o\nprefetch output\n",
          0, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_stores_in_loops),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
