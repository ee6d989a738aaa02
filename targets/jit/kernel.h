/* Kernels: a schedule made into native code in this process.
 *
 * A kernel is two C functions around the machine code of its tiles:
 *
 *     int pack(const void *const *parameters, void *packed)
 *     int run(void *const *tensors, const void *packed, void *workspace, const dlt_threads
 * *threads)
 *
 * `parameters` are the expression's parameters in order, `tensors` its variable inputs in order and
 * then the result, all in their layouts. Workspace: shared_bytes + threads * private_bytes.
 * Both answer 0. No page is ever writable and executable at once. A kernel is immutable: any
 * number of threads may run it, each with a workspace of its own. */
#ifndef TARGETS_JIT_KERNEL_H
#define TARGETS_JIT_KERNEL_H

#include "base/error.h"
#include "dltune/threads.h"
#include "ir/lower.h"
#include "schedules/schedule.h"
#include "targets/target.h"

typedef int kernel_pack(const void *const *parameters, void *packed);
typedef int kernel_run(void *const *tensors, const void *packed, void *workspace,
                       const dlt_threads *threads);

struct kernel {
    kernel_pack *pack;
    kernel_run *run;
    int64_t packed_bytes, shared_bytes, private_bytes;
    int variable_count, parameter_count; /* inputs; tensors has variable_count + 1 entries */
    int64_t code_bytes;                  /* of tiles */
    struct kernel_times {                /* microseconds that making it took, by step */
        double lower, encode, print, compile, link;
    } times;
    struct code_memory *memory;      /* tiles first; private but for who explains a fault */
    struct debugger_entry *debugger; /* private; NULL unless debuggers are told */
    int tile_count;                  /* pieces of machine code */
    size_t *tile_starts; /* in the memory; one more: where the functions around them start */
};

/* Compiles for a target that runs here. Profilers and debuggers see `name` before the names of its
 * functions and tiles, if the environment has DLTUNE_PERF_MAP or DLTUNE_GDB. */
dlt_status kernel_create(const struct schedule *schedule,
                         const struct target_description *description, const char *name,
                         struct kernel **kernel, struct error *error);
void kernel_free(struct kernel *kernel);

/* The C source of a kernel. With `tiles_as_bytes` each tile stands in it as a top-level asm
 * function of bytes with its disassembly as comments, so that gcc, clang and tcc compile the text
 * alone; without, tiles are `extern` functions (the JIT gives their addresses). Functions are named
 * PREFIX_pack, PREFIX_run, PREFIX_tile_N; all but pack and run are static or hidden. */
struct kernel_source_options {
    const char *prefix;
    bool tiles_as_bytes;
    bool comments;       /* disassembly as comments */
    const char *threads; /* not NULL: name of the struct of threads, declared elsewhere */
};
dlt_status kernel_source(struct arena *arena, const struct program *program,
                         const struct target_description *description,
                         const struct kernel_source_options *options, struct text *source,
                         struct error *error);

/* Machine code of the program's tiles, in the order of tile_variant.code; called by both of the
 * above and by `explain`. Sets variant->code; equal code is shared. */
struct program_code {
    int count;
    struct machine_code *codes;
};
dlt_status program_encode(struct arena *arena, const struct program *program,
                          const struct target_description *description, struct program_code *code,
                          struct error *error);

#endif
