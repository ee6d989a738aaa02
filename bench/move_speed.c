/* Kernels that move more than they compute: bytes a second beside a plain vector copy.
 *
 *     bench_move_speed [NAME ...]
 *
 * Each expression is compiled with its space's default schedule. The copy is a loop of vector loads
 * and stores over the same buffers, as many streams read and written; the runs of both alternate,
 * the best of each counts. In memory, a copy whose stores go around the caches is faster by what
 * need not be read first: it is the second column there. */
#define _GNU_SOURCE
#include "measure/clock.h"
#include "measure/inputs.h"
#include "schedules/space.h"
#include "targets/jit/code_memory.h"
#include "targets/jit/kernel.h"
#include "te/task.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum {
    VECTORS = 8, /* of a stream and trip */
    REPETITIONS = 15,
    MAX_STREAMS = 4,
    STAGGER = 2112, /* between buffers: not on the same sets */
};

struct move {
    const char *name;
    int streams; /* tensors of rows x columns */
    int reads, writes;
    const char *text; /* %1$d rows, %2$d columns, both multiples of 16; %3$d %4$d two fewer */
};

#define X "input x[i=%1$d, j=%2$d] f32 variable;"

static const struct move moves[] = {
    {"copy", 2, 1, 1, X "y[i=%1$d, j=%2$d] f32 = x[i, j]"},
    {"pad", 2, 1, 1,
     "input x[i=%3$d, j=%4$d] f32 variable;"
     "y[i=%1$d, j=%2$d] f32 = select(0 <= i - 1 < %3$d, 0 <= j - 1 < %4$d, x[i - 1, j - 1], 0)"},
    {"transpose", 2, 1, 1, X "y[j=%2$d, i=%1$d] f32 = x[i, j]"},
    {"pack i/16", 2, 1, 1, X "y[i=%1$d, j=%2$d] f32 layout i/16 j i%%16 = x[i, j]"},
    {"pack j/16", 2, 1, 1, X "y[i=%1$d, j=%2$d] f32 layout j/16 i j%%16 = x[i, j]"},
    {"add", 3, 2, 1,
     X "input z[i=%1$d, j=%2$d] f32 variable;y[i=%1$d, j=%2$d] f32 = x[i, j] + z[i, j]"},
    {"relu", 2, 1, 1, X "y[i=%1$d, j=%2$d] f32 = max(x[i, j], 0)"},
    {"sum of rows", 1, 1, 0, X "y[i=%1$d] f32 = sum(j=%2$d) x[i, j]"},
    {"max of rows", 1, 1, 0, X "y[i=%1$d] f32 = max(j=%2$d) x[i, j]"},
    {"sum of columns", 1, 1, 0, X "y[j=%2$d] f32 = sum(i=%1$d) x[i, j]"},
};

static const struct {
    const char *name;
    double bytes; /* of all tensors */
    bool streams; /* compared with streaming stores too */
} footprints[] = {{"L1", 24e3, false}, {"L2", 400e3, false}, {"memory", 100e6, true}};

/* ---- the plain copy ---- */

static struct vector_instruction *access_stream(struct vector_program *program,
                                                struct vector_block *loop,
                                                enum vector_opcode opcode, int pointer,
                                                int number) {
    struct vector_instruction *instruction = vector_append(program, loop, opcode, TYPE_F32);
    instruction->address.base = pointer;
    instruction->address.displacement = (int64_t)number * program->vector_bytes;
    return instruction;
}

/* Reads of one vector of each stream, then its store; without one, sums that nobody needs. */
static void copy_vector(struct vector_program *program, struct vector_block *loop,
                        const struct move *move, enum vector_opcode store, const int *pointers,
                        int number, int sum) {
    int value = VECTOR_NONE;
    for (int i = 0; i < move->reads; i++) {
        bool first = value == VECTOR_NONE && move->writes > 0;
        struct vector_instruction *read =
            access_stream(program, loop, first ? VECTOR_LOAD : VECTOR_OR, pointers[i], number);
        if (first) {
            value = vector_value_new(program, CLASS_VECTOR, false);
        } else {
            read->sources[0] = move->writes ? value : sum;
            read->memory_source = 1;
            value = move->writes ? vector_value_new(program, CLASS_VECTOR, false) : sum;
        }
        read->destination = value;
    }
    if (move->writes)
        access_stream(program, loop, store, pointers[move->reads], number)->sources[0] = value;
}

/* Words: the streams read, the stream written, the trips. */
static struct vector_program *build_copy(struct arena *arena, const struct move *move,
                                         int vector_bytes, enum vector_opcode store) {
    int pointers[MAX_STREAMS], sums[VECTORS], streams = move->reads + 1;
    struct vector_program *program =
        vector_program_create(arena, vector_bytes, streams, streams + 1, NULL);
    struct vector_block *loop;
    for (int i = 0; i < VECTORS; i++) {
        struct vector_instruction *zero =
            vector_append(program, program->top, VECTOR_CONSTANT, TYPE_F32);
        sums[i] = zero->destination = vector_value_new(program, CLASS_VECTOR, true);
    }
    loop = vector_block_append(program, program->top, NULL, (struct vector_bound){false, 0},
                               (struct vector_bound){true, streams});
    for (int i = 0; i < move->reads + move->writes; i++)
        pointers[i] = vector_induction_new(program, loop, -1 - i, (int64_t)VECTORS * vector_bytes);
    for (int i = 0; i < VECTORS; i++)
        copy_vector(program, loop, move, store, pointers, i, sums[i]);
    for (int i = 0; i < VECTORS && !move->writes; i++)
        access_stream(program, program->top, VECTOR_STORE, -1 - move->reads, 0)->sources[0] =
            sums[i];
    return program;
}

static dlt_status make_copy(const struct move *move, const struct target_description *target,
                            enum vector_opcode store, struct code_memory *memory,
                            struct error *error) {
    struct machine_code code;
    struct arena arena;
    dlt_status status;
    arena_initialise(&arena);
    if (arena_recover(&arena))
        return DLT_ERROR_MEMORY;
    status = target_find(target->name)
                 ->encode(build_copy(&arena, move, target->vector_bytes, store), target, &arena,
                          &code, error);
    if (status == DLT_OK)
        status = code_memory_create(code.bytes, code.size, memory, error);
    arena_free(&arena);
    return status;
}

/* ---- the kernel ---- */

static dlt_status make_kernel(const struct task *task, const struct target_description *target,
                              struct kernel **kernel, struct error *error) {
    int point[MAX_KNOBS] = {0};
    struct schedule *schedule;
    struct space *space;
    struct arena arena;
    dlt_status status;
    arena_initialise(&arena);
    if (arena_recover(&arena))
        return DLT_ERROR_MEMORY;
    TRY(space_create(&arena, task->collapsed, target, 1, &space, error));
    schedule = schedule_create(&arena, task->collapsed);
    status = space_schedule(space, point, schedule, error);
    if (status == DLT_OK && getenv("MOVE_SPEED_TRACE"))
        printf("%s\n", schedule_trace(schedule));
    if (status == DLT_OK)
        status = kernel_create(schedule, target, "move", kernel, error);
    schedule_free(schedule);
    arena_free(&arena);
    return status;
}

/* ---- timing ---- */

struct contest {
    const struct kernel *kernel;
    void *tensors[MAX_STREAMS];
    void *workspace;
    void (*copies[2])(const int64_t *);
    int64_t words[MAX_STREAMS + 2];
    long calls;
};

enum {
    RUN_KERNEL,
    RUN_COPY,
    RUN_STREAM,
    RUNS
};

static double time_run(const struct contest *contest, int run) {
    double start = clock_thread_seconds();
    for (long i = 0; i < contest->calls; i++)
        if (run == RUN_KERNEL)
            contest->kernel->run(contest->tensors, NULL, contest->workspace, NULL);
        else
            contest->copies[run - RUN_COPY](contest->words);
    return (clock_thread_seconds() - start) / (double)contest->calls;
}

static void time_all(struct contest *contest, int runs, double *best) {
    contest->calls = 1;
    time_run(contest, RUN_KERNEL);
    contest->calls = (long)(500e-6 / time_run(contest, RUN_KERNEL)) + 1;
    for (int run = 0; run < runs; run++)
        best[run] = 1e9;
    for (int i = 0; i < REPETITIONS; i++)
        for (int run = 0; run < runs; run++)
            best[run] = fmin(best[run], time_run(contest, run));
}

static double prepare(const struct task *task, const struct move *move, char *memory,
                      const struct target_description *target, struct contest *contest) {
    const struct expression *expression = task->expression;
    int count = 0;
    double bytes = 0, least = INFINITY;
    memory += STAGGER; /* not at a page: masked loads that begin in the page before are slow */
    for (int i = 0; i < expression->tensor_count; i++) {
        const struct tensor *tensor = expression->tensors[i];
        double size = (double)tensor_bytes(tensor);
        contest->words[count] = (int64_t)(intptr_t)memory;
        contest->tensors[count++] = memory;
        memory += ((int64_t)size + 63) / 64 * 64 + STAGGER;
        bytes += size;
        if (i < move->reads + move->writes)
            least = fmin(least, size);
    }
    contest->workspace = memory;
    contest->words[count] = (int64_t)least / (VECTORS * target->vector_bytes);
    return bytes;
}

static dlt_status contest_run(const struct move *move, const struct target_description *target,
                              int footprint, char *memory, struct error *error) {
    double elements = footprints[footprint].bytes / 4 / move->streams, best[RUNS], bytes, moved;
    int columns = (int)(sqrt(elements) / 16) * 16, rows = (int)(elements / columns / 16) * 16;
    int runs = footprints[footprint].streams && move->writes ? RUNS : RUN_STREAM;
    struct code_memory code[2] = {{0}};
    struct contest contest = {0};
    struct kernel *kernel = NULL;
    struct task *task;
    char expression[512], text[600];
    snprintf(expression, sizeof expression, move->text, rows, columns, rows - 2, columns - 2);
    snprintf(text, sizeof text, "expression text='%s'", expression);
    TRY(task_create_text(text, target->name, 1, &task, error));
    TRY(make_kernel(task, target, &kernel, error));
    TRY(make_copy(move, target, VECTOR_STORE, &code[0], error));
    TRY(make_copy(move, target, VECTOR_STORE_STREAM, &code[1], error));
    contest.kernel = kernel;
    for (int i = 0; i < 2; i++)
        memcpy(&contest.copies[i], &code[i].code, sizeof contest.copies[i]);
    bytes = prepare(task, move, memory, target, &contest);
    time_all(&contest, runs, best);
    moved = (double)(contest.words[move->reads + 1] * VECTORS * target->vector_bytes *
                     (move->reads + move->writes));
    printf("| %-10s | %-14s | %-6s | %4dx%-4d | %6.1f | %6.1f | %5.2f |", target->name, move->name,
           footprints[footprint].name, rows, columns, bytes / best[RUN_KERNEL] * 1e-9,
           moved / best[RUN_COPY] * 1e-9, bytes / best[RUN_KERNEL] / (moved / best[RUN_COPY]));
    if (runs == RUNS)
        printf(" %6.1f | %5.2f |\n", moved / best[RUN_STREAM] * 1e-9,
               bytes / best[RUN_KERNEL] / (moved / best[RUN_STREAM]));
    else
        printf("        |       |\n");
    kernel_free(kernel);
    code_memory_free(&code[0]);
    code_memory_free(&code[1]);
    task_free(task);
    return DLT_OK;
}

static bool is_wanted(const char *name, int count, char **names) {
    for (int i = 0; i < count; i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return count == 0;
}

int main(int argument_count, char **arguments) {
    static const char *const targets[] = {"x86-avx512", "x86-avx2"};
    size_t size = 256 << 20;
    char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    struct target_description target;
    struct error error;
    int failed = 0;
    if (memory == MAP_FAILED)
        return 1;
    madvise(memory, size, MADV_HUGEPAGE);
    memset(memory, 0, size);
    printf("%s; f32, one thread\n\n| target | move | in | size | GB/s | copy | ratio | streaming "
           "copy | ratio |\n| --- | --- | --- | --- | --- | --- | --- | --- | --- |\n",
           host_name());
    for (int t = 0; t < 2; t++)
        for (size_t m = 0; m < sizeof moves / sizeof moves[0]; m++)
            for (int f = 0; f < 3; f++) {
                if (!target_runs_here(targets[t]) ||
                    !is_wanted(moves[m].name, argument_count - 1, arguments + 1))
                    continue;
                if (target_describe(targets[t], &target, &error) != DLT_OK ||
                    contest_run(&moves[m], &target, f, memory, &error) != DLT_OK) {
                    fprintf(stderr, "move_speed: %s for %s: %s\n", moves[m].name, targets[t],
                            error.message);
                    failed = 1;
                }
            }
    return failed;
}
