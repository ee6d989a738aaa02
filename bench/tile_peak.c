/* How near the peak a tile of the encoder runs: rows x columns of C += A B with all in the L1
 * cache.
 *
 * The programs are built by hand, as the passes would; a difference to the peak that is seen here
 * comes from the instructions, not from schedules. Rates are relative to the peak of this run. */
#include "measure/peak.h"
#include "targets/jit/code_memory.h"
#include "targets/target.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    DEPTH = 128,
    CALLS = 2000,
    REPETITIONS = 30
};

struct tile {
    const char *target;
    int rows, columns;
};

static const struct tile tiles[] = {
    {"x86-avx512", 6, 64}, {"x86-avx512", 8, 48}, {"x86-avx512", 14, 32},
    {"x86-avx2", 6, 16},   {"x86-avx2", 4, 24},
};

static struct vector_instruction *access(struct vector_program *program, struct vector_block *block,
                                         enum vector_opcode opcode, int base,
                                         int64_t displacement) {
    struct vector_instruction *instruction = vector_append(program, block, opcode, TYPE_F32);
    instruction->address.base = base;
    instruction->address.displacement = displacement;
    return instruction;
}

/* One step of the reduction: the row of B, then each element of A's column against it. */
static void step(struct vector_program *program, struct vector_block *block,
                 const struct tile *tile, const int *sums, int a, int b, int unrolled) {
    int vectors = tile->columns * 4 / program->vector_bytes, row_of_b[16];
    for (int v = 0; v < vectors; v++) {
        row_of_b[v] = vector_value_new(program, CLASS_VECTOR, false);
        access(program, block, VECTOR_LOAD, b,
               unrolled * tile->columns * 4 + v * program->vector_bytes)
            ->destination = row_of_b[v];
    }
    for (int r = 0; r < tile->rows; r++) {
        int element = vector_value_new(program, CLASS_VECTOR, false);
        access(program, block, VECTOR_LOAD_BROADCAST, a, 4 * (r * DEPTH + unrolled))->destination =
            element;
        for (int v = 0; v < vectors; v++) {
            struct vector_instruction *instruction =
                vector_append(program, block, VECTOR_MULTIPLY_ADD, TYPE_F32);
            instruction->sources[0] = element;
            instruction->sources[1] = row_of_b[v];
            instruction->sources[2] = instruction->destination = sums[r * vectors + v];
        }
    }
}

static struct vector_program *build(struct arena *arena, const struct tile *tile, int vector_bytes,
                                    int unroll) {
    struct vector_program *program = vector_program_create(arena, vector_bytes, 3, 3, NULL);
    int count = tile->rows * tile->columns * 4 / vector_bytes, sums[64], a, b;
    struct vector_block *loop;
    for (int i = 0; i < count; i++) {
        sums[i] = vector_value_new(program, CLASS_VECTOR, true);
        access(program, program->top, VECTOR_LOAD, -3, (int64_t)i * vector_bytes)->destination =
            sums[i];
    }
    loop = vector_block_append(program, program->top, NULL, (struct vector_bound){false, 0},
                               (struct vector_bound){false, DEPTH / unroll});
    a = vector_induction_new(program, loop, -1, 4 * unroll);
    b = vector_induction_new(program, loop, -2, (int64_t)4 * unroll * tile->columns);
    for (int i = 0; i < unroll; i++)
        step(program, loop, tile, sums, a, b, i);
    for (int i = 0; i < count; i++)
        access(program, program->top, VECTOR_STORE, -3, (int64_t)i * vector_bytes)->sources[0] =
            sums[i];
    return program;
}

static double seconds_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* Operations a second: the best repetition. */
static double time_tile(const void *code, const struct tile *tile) {
    static _Alignas(64) float a[16 * DEPTH], b[DEPTH * 64], c[16 * 64];
    int64_t words[3] = {(int64_t)(intptr_t)a, (int64_t)(intptr_t)b, (int64_t)(intptr_t)c};
    void (*call)(const int64_t *);
    double best = 1e9;
    memcpy(&call, &code, sizeof call);
    for (int i = 0; i < REPETITIONS; i++) {
        double start = seconds_now(), seconds;
        for (int n = 0; n < CALLS; n++)
            call(words);
        seconds = (seconds_now() - start) / CALLS;
        if (seconds < best)
            best = seconds;
    }
    return 2.0 * tile->rows * tile->columns * DEPTH / best;
}

static int run(const struct tile *tile, int unroll) {
    struct target_description description;
    struct machine_code code;
    struct code_memory memory;
    struct arena arena;
    struct error error;
    double before, rate, after, peak;
    arena_initialise(&arena);
    if (target_describe(tile->target, &description, &error) != DLT_OK ||
        target_find(tile->target)
                ->encode(build(&arena, tile, description.vector_bytes, unroll), &description,
                         &arena, &code, &error) != DLT_OK ||
        code_memory_create(code.bytes, code.size, &memory, &error) != DLT_OK) {
        fprintf(stderr, "tile_peak: %s\n", error.message);
        arena_free(&arena);
        return 1;
    }
    before = measure_fma_peak(tile->target, TYPE_F32);
    rate = time_tile(memory.code, tile);
    after = measure_fma_peak(tile->target, TYPE_F32);
    peak = before > after ? before : after;
    printf("%-11s %2dx%-2d  unroll %d  %4zu bytes  %2d registers  %6.1f GFLOP/s  peak %6.1f  %5.1f "
           "%%\n",
           tile->target, tile->rows, tile->columns, unroll, code.code_size, code.vector_registers,
           rate / 1e9, peak / 1e9, 100 * rate / peak);
    code_memory_free(&memory);
    arena_free(&arena);
    return 0;
}

int main(void) {
    int failed = 0;
    printf("%s; f32, K = %d, one thread\n", host_name(), DEPTH);
    for (size_t i = 0; i < sizeof tiles / sizeof tiles[0]; i++)
        for (int unroll = 1; unroll <= 4 && target_runs_here(tiles[i].target); unroll *= 2)
            failed |= run(&tiles[i], unroll);
    return failed;
}
