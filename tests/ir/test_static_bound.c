/* Static bounds of tiles whose bound is known by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ir/static_bound.h"

enum {
    DEPTH = 128
};

static const struct target_description target = {.vector_bytes = 64,
                                                 .fma_per_cycle = 2,
                                                 .loads_per_cycle = 2,
                                                 .stores_per_cycle = 1,
                                                 .fma_latency = 4,
                                                 .instruction_bytes = 8};

/* C += A B of rows x vectors with C in registers, as the passes make it. */
static struct static_bound bound_of(int rows, int vectors) {
    static const struct vector_bound from = {false, 0}, to = {false, DEPTH};
    struct vector_program *program;
    struct static_bound bound;
    struct vector_block *loop;
    struct arena arena;
    int row[8], sums[32];
    arena_initialise(&arena);
    program = vector_program_create(&arena, 64, 3, 3, NULL);
    for (int i = 0; i < rows * vectors; i++) {
        sums[i] = vector_value_new(program, CLASS_VECTOR, true);
        vector_append(program, program->top, VECTOR_LOAD, TYPE_F32)->destination = sums[i];
    }
    loop = vector_block_append(program, program->top, NULL, from, to);
    for (int v = 0; v < vectors; v++) {
        row[v] = vector_value_new(program, CLASS_VECTOR, false);
        vector_append(program, loop, VECTOR_LOAD, TYPE_F32)->destination = row[v];
    }
    for (int r = 0; r < rows; r++) {
        int element = vector_value_new(program, CLASS_VECTOR, false);
        vector_append(program, loop, VECTOR_LOAD_BROADCAST, TYPE_F32)->destination = element;
        for (int v = 0; v < vectors; v++) {
            struct vector_instruction *fma =
                vector_append(program, loop, VECTOR_MULTIPLY_ADD, TYPE_F32);
            fma->sources[0] = element;
            fma->sources[1] = row[v];
            fma->sources[2] = fma->destination = sums[r * vectors + v];
        }
    }
    for (int i = 0; i < rows * vectors; i++)
        vector_append(program, program->top, VECTOR_STORE, TYPE_F32)->sources[0] = sums[i];
    bound = static_bound_of(program, &target);
    arena_free(&arena);
    return bound;
}

static void by_arithmetic(void **state) {
    struct static_bound bound = bound_of(6, 4);
    (void)state;
    assert_true(bound.operations == 24 && bound.loads == 10 && bound.stores == 0);
    assert_true(bound.chain == 4 && bound.trip_cycles == 12);
    assert_true(bound.multiply_adds == 24 * DEPTH);
    assert_true(bound.cycles >= 12 * DEPTH && bound.cycles <= 12 * DEPTH + 24);
}

static void by_latency(void **state) {
    struct static_bound bound = bound_of(2, 2);
    (void)state;
    assert_true(bound.trip_cycles == 4);
    assert_true(bound.cycles >= 4 * DEPTH);
}

static void by_loads(void **state) {
    struct static_bound bound = bound_of(12, 1);
    (void)state;
    assert_true(bound.loads == 13);
    assert_true(bound.trip_cycles == 6.5);
}

static void without_loops(void **state) {
    struct vector_program *program;
    struct static_bound bound;
    struct arena arena;
    (void)state;
    arena_initialise(&arena);
    program = vector_program_create(&arena, 64, 1, 1, NULL);
    assert_true(static_bound_of(program, &target).cycles == 0);
    vector_append(program, program->top, VECTOR_CONSTANT, TYPE_F32)->destination =
        vector_value_new(program, CLASS_VECTOR, false);
    vector_append(program, program->top, VECTOR_STORE, TYPE_F32)->sources[0] = 0;
    bound = static_bound_of(program, &target);
    assert_true(bound.cycles == 1 && bound.trip_cycles == 1 && bound.code_bytes == 16);
    arena_free(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(by_arithmetic),
                                       cmocka_unit_test(by_latency), cmocka_unit_test(by_loads),
                                       cmocka_unit_test(without_loops)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
