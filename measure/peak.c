/* The peak of multiply-adds: a vector program of independent chains, long enough to hide
 * latency. */
#include "measure/peak.h"

#include "measure/clock.h"
#include "targets/target.h"

#include <string.h>

/* Chains cover latency times ports of any core so far (5 x 2); a loop's own instructions vanish
 * among the multiply-adds of a trip. */
enum {
    CHAINS = 12,
    ROUNDS = 4,
    TRIPS_WORD = 1,
    WORDS = 2,
    REPETITIONS = 6
};

static int constant(struct vector_program *program, enum data_type type, double number,
                    bool is_variable) {
    struct vector_instruction *instruction =
        vector_append(program, program->top, VECTOR_CONSTANT, type);
    instruction->constant = number;
    instruction->destination = vector_value_new(program, CLASS_VECTOR, is_variable);
    return instruction->destination;
}

/* The sums are stored at the end: what nobody reads should not look worth leaving out. */
static struct vector_program *build(struct arena *arena, int vector_bytes, enum data_type type) {
    static const struct vector_bound begin = {false, 0}, end = {true, TRIPS_WORD};
    struct vector_program *program = vector_program_create(arena, vector_bytes, 1, WORDS, NULL);
    struct vector_instruction *instruction;
    struct vector_block *loop;
    int factors[2] = {constant(program, type, 0.125, false), constant(program, type, 0.01, false)};
    int sums[CHAINS];
    for (int i = 0; i < CHAINS; i++)
        sums[i] = constant(program, type, i, true);
    loop = vector_block_append(program, program->top, NULL, begin, end);
    for (int i = 0; i < CHAINS * ROUNDS; i++) {
        instruction = vector_append(program, loop, VECTOR_MULTIPLY_ADD, type);
        instruction->sources[0] = factors[0];
        instruction->sources[1] = factors[1];
        instruction->sources[2] = instruction->destination = sums[i % CHAINS];
    }
    for (int i = 0; i < CHAINS; i++) {
        instruction = vector_append(program, program->top, VECTOR_STORE, type);
        instruction->sources[0] = sums[i];
        instruction->address.base = -1;
        instruction->address.displacement = (int64_t)i * vector_bytes;
    }
    return program;
}

void fma_burst_run(const struct fma_burst *burst, int64_t trips) {
    unsigned char results[CHAINS * 64];
    int64_t words[WORDS] = {(int64_t)(intptr_t)results, trips};
    void (*tile)(const int64_t *);
    memcpy(&tile, &burst->memory.code, sizeof tile);
    tile(words);
}

static double time_trips(const struct fma_burst *burst, int64_t trips) {
    double start = clock_thread_seconds();
    fma_burst_run(burst, trips);
    return clock_thread_seconds() - start;
}

/* Trips a second: the best of several runs, each long against the clock's own cost. */
static double best_rate(const struct fma_burst *burst, double seconds_each) {
    int64_t trips = 1000;
    double seconds, best = 0;
    while ((seconds = time_trips(burst, trips)) < seconds_each / 2)
        trips = seconds < seconds_each / 200 ? trips * 10
                                             : (int64_t)((double)trips * seconds_each / seconds);
    for (int i = 0; i < REPETITIONS; i++) {
        double rate = (double)trips / time_trips(burst, trips);
        if (rate > best)
            best = rate;
    }
    return best;
}

static dlt_status encode(const char *name, enum data_type type, struct arena *arena,
                         struct target_description *description, struct machine_code *code) {
    const struct target *target = target_find(name);
    struct error error;
    if (arena_recover(arena))
        return DLT_ERROR_MEMORY;
    return target->encode(build(arena, description->vector_bytes, type), description, arena, code,
                          &error);
}

bool fma_burst_create(const char *name, enum data_type type, struct fma_burst *burst) {
    const struct target *target;
    struct target_description description;
    struct machine_code code;
    struct arena arena;
    struct error error;
    *burst = (struct fma_burst){0};
    if (target_describe(name, &description, &error) != DLT_OK)
        return false;
    target = target_find(description.name); /* "native" has its own name now */
    if (!target || !target->encode || !target_runs_here(description.name) ||
        !target->supports(VECTOR_MULTIPLY_ADD, type))
        return false;
    arena_initialise(&arena);
    if (encode(description.name, type, &arena, &description, &code) == DLT_OK)
        code_memory_create(code.bytes, code.size, &burst->memory, &error);
    arena_free(&arena);
    burst->operations = 2.0 * CHAINS * ROUNDS * (description.vector_bytes / data_types[type].bytes);
    return burst->memory.code != NULL;
}

void fma_burst_free(struct fma_burst *burst) {
    code_memory_free(&burst->memory);
}

double measure_fma_peak(const char *target, enum data_type type) {
    return measure_fma_peak_in(target, type, PEAK_SECONDS);
}

double measure_fma_peak_in(const char *target, enum data_type type, double seconds) {
    struct fma_burst burst;
    double rate;
    if (!fma_burst_create(target, type, &burst))
        return 0;
    rate = burst.operations * best_rate(&burst, seconds / (REPETITIONS + 1.5));
    fma_burst_free(&burst);
    return rate;
}
