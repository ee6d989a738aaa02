/* How near the peak a tile of the encoder runs: rows x columns of C += A B with all in the L1
 * cache.
 *
 *     bench_tile_peak          five shapes, trips of the reduction written out 1, 2 and 4 times
 *     bench_tile_peak all      a table of all shapes whose registers suffice, the best of the three
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
    REPETITIONS = 30,
    MAX_ROWS = 28,
    MAX_VECTORS = 6,
    MAX_SUMS = 32
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
    int vectors = tile->columns * 4 / program->vector_bytes, row_of_b[MAX_VECTORS];
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
    int count = tile->rows * tile->columns * 4 / vector_bytes, sums[MAX_SUMS], a, b;
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
    static _Alignas(64) float a[MAX_ROWS * DEPTH], b[DEPTH * MAX_VECTORS * 16], c[MAX_SUMS * 16];
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

struct measured {
    double rate, peak;
    size_t code_bytes;
    int registers;
};

static bool measure(const struct tile *tile, int unroll, struct measured *measured) {
    struct target_description description;
    struct machine_code code;
    struct code_memory memory;
    struct arena arena;
    struct error error;
    double after;
    arena_initialise(&arena);
    if (target_describe(tile->target, &description, &error) != DLT_OK ||
        target_find(tile->target)
                ->encode(build(&arena, tile, description.vector_bytes, unroll), &description,
                         &arena, &code, &error) != DLT_OK ||
        code_memory_create(code.bytes, code.size, &memory, &error) != DLT_OK) {
        fprintf(stderr, "tile_peak: %s\n", error.message);
        arena_free(&arena);
        return false;
    }
    measured->peak = measure_fma_peak(tile->target, TYPE_F32);
    measured->rate = time_tile(memory.code, tile);
    after = measure_fma_peak(tile->target, TYPE_F32);
    measured->peak = measured->peak > after ? measured->peak : after;
    measured->code_bytes = code.code_size;
    measured->registers = code.vector_registers;
    code_memory_free(&memory);
    arena_free(&arena);
    return true;
}

static bool run(const struct tile *tile, int unroll) {
    struct measured m;
    if (!measure(tile, unroll, &m))
        return false;
    printf("%-11s %2dx%-2d  unroll %d  %4zu bytes  %2d registers  %6.1f GFLOP/s  peak %6.1f  %5.1f "
           "%%\n",
           tile->target, tile->rows, tile->columns, unroll, m.code_bytes, m.registers, m.rate / 1e9,
           m.peak / 1e9, 100 * m.rate / m.peak);
    return true;
}

/* One cell: the best share of the peak, in percent; "-" if the registers do not suffice. */
static bool run_shape(const struct target_description *target, int rows, int vectors) {
    struct tile tile = {target->name, rows, vectors * target->vector_bytes / 4};
    double best = 0;
    if (rows * vectors + vectors + 1 > target->vector_registers) {
        printf(" - |");
        return true;
    }
    for (int unroll = 1; unroll <= 4; unroll *= 2) {
        struct measured m;
        if (!measure(&tile, unroll, &m))
            return false;
        best = m.rate / m.peak > best ? m.rate / m.peak : best;
    }
    printf(" %.0f |", 100 * best);
    fflush(stdout);
    return true;
}

static bool run_table(const char *name) {
    struct target_description target;
    struct error error;
    bool right = target_describe(name, &target, &error) == DLT_OK;
    printf("\n%s: percent of the peak (%.0f GFLOP/s)\n\n| rows |", name,
           measure_fma_peak(name, TYPE_F32) / 1e9);
    for (int vectors = 1; vectors <= MAX_VECTORS; vectors++)
        printf(" x%d |", vectors * target.vector_bytes / 4);
    printf("\n| ---: |");
    for (int vectors = 1; vectors <= MAX_VECTORS; vectors++)
        printf(" ---: |");
    for (int rows = 1; right && rows <= MAX_ROWS && rows + 2 <= target.vector_registers; rows++) {
        printf("\n| %d |", rows);
        for (int vectors = 1; right && vectors <= MAX_VECTORS; vectors++)
            right = run_shape(&target, rows, vectors);
    }
    printf("\n");
    return right;
}

int main(int argument_count, char **arguments) {
    bool right = true, all = argument_count > 1 && strcmp(arguments[1], "all") == 0;
    printf("%s; f32, K = %d, one thread\n", host_name(), DEPTH);
    for (size_t i = 0; all && i < 2; i++)
        if (target_runs_here(target_names[i]))
            right &= run_table(target_names[i]);
    for (size_t i = 0; !all && i < sizeof tiles / sizeof tiles[0]; i++)
        for (int unroll = 1; unroll <= 4 && target_runs_here(tiles[i].target); unroll *= 2)
            right &= run(&tiles[i], unroll);
    return right ? 0 : 1;
}
