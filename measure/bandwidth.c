/* Programs of nothing but loads and stores, and their rates; see bandwidth.h. */
#define _GNU_SOURCE
#include "measure/bandwidth.h"

#include "measure/clock.h"
#include "targets/jit/code_memory.h"
#include "targets/target.h"

#include <string.h>
#include <sys/mman.h>

enum {
    VECTORS = 16, /* of a trip: its own instructions vanish among them */
    SUMS = 8,
    REPETITIONS = 5,
    HUGE_PAGE = 2 << 20,
    STAGGER = 2112, /* between source and destination: not on the same sets, nor the same 4 KiB */
};

enum word {
    WORD_SOURCE,
    WORD_DESTINATION,
    WORD_REPEATS,
    WORD_TRIPS,
    WORDS,
};

static const double seconds_each = 0.004;

const char *const traffic_names[TRAFFIC_COUNT] = {"read", "write", "copy"};

/* ---- the program ---- */

static int constant(struct vector_program *program, bool is_variable) {
    struct vector_instruction *instruction =
        vector_append(program, program->top, VECTOR_CONSTANT, TYPE_F32);
    instruction->constant = 1.5; /* not zero: memory may take zeros more easily */
    instruction->destination = vector_value_new(program, CLASS_VECTOR, is_variable);
    return instruction->destination;
}

static struct vector_instruction *access_memory(struct vector_program *program,
                                                struct vector_block *block,
                                                enum vector_opcode opcode, int pointer,
                                                int number) {
    struct vector_instruction *instruction = vector_append(program, block, opcode, TYPE_F32);
    instruction->address.base = pointer;
    instruction->address.displacement = (int64_t)number * program->vector_bytes;
    return instruction;
}

/* Reading combines what is read, since nobody may load what nobody uses. */
static void read_vector(struct vector_program *program, struct vector_block *loop, int pointer,
                        int number, const int *sums) {
    struct vector_instruction *combine = access_memory(program, loop, VECTOR_OR, pointer, number);
    combine->destination = combine->sources[0] = sums[number % SUMS];
    combine->memory_source = 1;
}

static int load_vector(struct vector_program *program, struct vector_block *loop, int pointer,
                       int number) {
    struct vector_instruction *load = access_memory(program, loop, VECTOR_LOAD, pointer, number);
    return load->destination = vector_value_new(program, CLASS_VECTOR, false);
}

static void fill_loop(struct vector_program *program, struct vector_block *loop,
                      enum traffic traffic, enum vector_opcode store, const int *sums) {
    int64_t step = (int64_t)VECTORS * program->vector_bytes;
    int source = 0, destination = 0;
    if (traffic != TRAFFIC_WRITE)
        source = vector_induction_new(program, loop, -1 - WORD_SOURCE, step);
    if (traffic != TRAFFIC_READ)
        destination = vector_induction_new(program, loop, -1 - WORD_DESTINATION, step);
    for (int i = 0; i < VECTORS; i++) {
        if (traffic == TRAFFIC_READ) {
            read_vector(program, loop, source, i, sums);
            continue;
        }
        int value = traffic == TRAFFIC_COPY ? load_vector(program, loop, source, i) : sums[0];
        access_memory(program, loop, store, destination, i)->sources[0] = value;
    }
}

static struct vector_program *build(struct arena *arena, int vector_bytes, enum traffic traffic,
                                    enum vector_opcode store) {
    static const struct vector_bound begin = {false, 0}, repeats = {true, WORD_REPEATS},
                                     trips = {true, WORD_TRIPS};
    struct vector_program *program = vector_program_create(arena, vector_bytes, 2, WORDS, NULL);
    struct vector_block *loop;
    int sums[SUMS];
    for (int i = 0; i < SUMS; i++)
        sums[i] = constant(program, traffic == TRAFFIC_READ);
    loop = vector_block_append(program, program->top, NULL, begin, repeats);
    loop = vector_block_append(program, loop, NULL, begin, trips);
    fill_loop(program, loop, traffic, store, sums);
    for (int i = 0; i < SUMS && traffic == TRAFFIC_READ; i++)
        access_memory(program, program->top, VECTOR_STORE, -1 - WORD_DESTINATION, i)->sources[0] =
            sums[i];
    return program;
}

static dlt_status encode(const struct target_description *description, struct arena *arena,
                         enum traffic traffic, enum vector_opcode store, struct machine_code *code,
                         struct error *error) {
    if (arena_recover(arena))
        return error_set(error, DLT_ERROR_MEMORY, "out of memory");
    return target_find(description->name)
        ->encode(build(arena, description->vector_bytes, traffic, store), description, arena, code,
                 error);
}

/* ---- timing it ---- */

static double time_repeats(const void *code, int64_t *words, int64_t repeats) {
    void (*tile)(const int64_t *);
    double start = clock_thread_seconds();
    memcpy(&tile, &code, sizeof tile);
    words[WORD_REPEATS] = repeats;
    tile(words);
    return clock_thread_seconds() - start;
}

/* Times that the whole buffer is passed, a second. */
static double best_rate(const void *code, int64_t *words) {
    int64_t repeats = 1;
    double seconds, best = 0;
    while ((seconds = time_repeats(code, words, repeats)) < seconds_each / 2)
        repeats = seconds < seconds_each / 200
                      ? repeats * 10
                      : (int64_t)((double)repeats * seconds_each / seconds) + 1;
    for (int i = 0; i < REPETITIONS; i++) {
        double rate = (double)repeats / time_repeats(code, words, repeats);
        if (rate > best)
            best = rate;
    }
    return best;
}

static double measure_with(const struct target_description *description, enum traffic traffic,
                           enum vector_opcode store, char *memory, int64_t bytes) {
    int64_t trip = (int64_t)VECTORS * description->vector_bytes;
    int64_t half = traffic == TRAFFIC_COPY ? bytes / 2 : bytes, trips = half / trip;
    int64_t words[WORDS] = {[WORD_SOURCE] = (int64_t)(intptr_t)memory, [WORD_TRIPS] = trips};
    char sums[SUMS * 64];
    struct machine_code code;
    struct code_memory native;
    struct arena arena;
    struct error error;
    double rate = 0;
    words[WORD_DESTINATION] =
        (int64_t)(intptr_t)(traffic == TRAFFIC_READ   ? sums
                            : traffic == TRAFFIC_COPY ? memory + half + STAGGER
                                                      : memory);
    arena_initialise(&arena);
    if (trips > 0 && encode(description, &arena, traffic, store, &code, &error) == DLT_OK &&
        code_memory_create(code.bytes, code.size, &native, &error) == DLT_OK) {
        int64_t moved = trips * trip * (traffic == TRAFFIC_COPY ? 2 : 1);
        rate = (double)moved * best_rate(native.code, words);
        code_memory_free(&native);
    }
    arena_free(&arena);
    return rate;
}

double measure_bandwidth(const char *name, enum traffic traffic, int64_t bytes) {
    static const enum vector_opcode stores[] = {VECTOR_STORE, VECTOR_STORE_STREAM};
    struct target_description description;
    const struct target *target;
    struct error error;
    size_t size = (size_t)(bytes + STAGGER + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
    double best = 0;
    char *memory;
    if (target_describe(name, &description, &error) != DLT_OK)
        return 0;
    target = target_find(description.name);
    if (!target || !target->encode || !target_runs_here(description.name))
        return 0;
    memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        return 0;
    madvise(memory, size, MADV_HUGEPAGE); /* a roof: walking page tables is not the memory's rate */
    memset(memory, 0, size);
    for (int i = 0; i < (traffic == TRAFFIC_READ ? 1 : 2); i++)
        if (target->supports(stores[i], TYPE_F32)) {
            double rate = measure_with(&description, traffic, stores[i], memory, bytes);
            best = rate > best ? rate : best;
        }
    munmap(memory, size);
    return best;
}
