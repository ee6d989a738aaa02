/* From a schedule to a function: lower, encode the tiles, print the C around them, compile,
 * link. */
#include "targets/jit/kernel.h"

#include "targets/c/print_c.h"
#include "targets/jit/compile.h"

#include <stdlib.h>

static const char kernel_prefix[] = "kernel";

/* What making a kernel holds beside the kernel; released by its caller, whatever happens. */
struct making {
    struct arena arena;
    struct text source;
    struct program *program;
    struct program_code code;
    struct compiled compiled;
};

static dlt_status lower_and_print(struct making *making, const struct schedule *schedule,
                                  const struct target_description *description,
                                  struct kernel_times *times, struct error *error) {
    if (arena_recover(&making->arena))
        return error_set(error, DLT_ERROR_MEMORY, "out of memory");
    double start = clock_microseconds();
    TRY(lower(&making->arena, schedule, description, NULL, NULL, &making->program, error));
    times->lower = clock_microseconds() - start;
    TRY(program_encode(&making->arena, making->program, description, &making->code, error));
    times->encode = clock_microseconds() - start - times->lower;
    const struct print_c_options options = {
        .prefix = kernel_prefix,
        .code_count = making->code.count,
        .codes = making->code.codes,
    };
    TRY(print_c(&making->arena, making->program, &options, &making->source, error));
    times->print = clock_microseconds() - start - times->lower - times->encode;
    return DLT_OK;
}

static void count_inputs(struct kernel *kernel, const struct expression *expression) {
    for (int i = 0; i < expression->tensor_count; i++) {
        kernel->variable_count += expression->tensors[i]->kind == TENSOR_VARIABLE;
        kernel->parameter_count += expression->tensors[i]->kind == TENSOR_PARAMETER;
    }
}

/* A kernel that is one call of one tile, whose words are the tensors as they are passed, needs no C
 * around it: the tile is its entry. Small kernels save a quarter of their time so. */
static bool is_one_tile(const struct program *program) {
    const struct node *run = program->run;
    if (!run || run->next || run->kind != NODE_TILE || run->tile->variant_count != 1 ||
        !run->tile->variants[0].vectors)
        return false;
    for (int i = 0; i < run->tile->word_count; i++) {
        const struct tile_word *word = &run->tile->words[i];
        int64_t offset;
        if (!word->buffer || !affine_is_constant(word->offset, &offset) || offset != 0 ||
            (word->buffer->kind != BUFFER_INPUT && word->buffer->kind != BUFFER_OUTPUT) ||
            word->buffer->argument != i)
            return false;
    }
    return true;
}

static void fill_kernel(struct kernel *kernel, const struct making *making) {
    const struct compiled *compiled = &making->compiled;
    kernel->pack = (kernel_pack *)compiled->pack;
    kernel->run = (kernel_run *)compiled->run;
    if (making->code.count && is_one_tile(making->program))
        kernel->run = (kernel_run *)((char *)compiled->memory.code +
                                     tile_offset(&making->code,
                                                 making->program->run->tile->variants[0].code));
    kernel->packed_bytes = making->program->packed_bytes;
    kernel->shared_bytes = making->program->shared_bytes;
    kernel->private_bytes = making->program->private_bytes;
    for (int i = 0; i < making->code.count; i++)
        kernel->code_bytes += (int64_t)making->code.codes[i].size;
    kernel->times.compile = compiled->compile_microseconds;
    kernel->times.link = compiled->link_microseconds;
    *kernel->memory = compiled->memory;
    kernel->debugger = compiled->debugger;
    for (int i = 0; i <= making->code.count; i++)
        kernel->tile_starts[i] = tile_offset(&making->code, i);
    kernel->tile_count = making->code.count;
}

static dlt_status make(struct making *making, const struct schedule *schedule,
                       const struct target_description *description, const char *name,
                       struct kernel *kernel, struct error *error) {
    TRY(lower_and_print(making, schedule, description, &kernel->times, error));
    kernel->tile_starts = calloc((size_t)making->code.count + 1, sizeof *kernel->tile_starts);
    if (!kernel->tile_starts)
        return error_set(error, DLT_ERROR_MEMORY, "out of memory");
    TRY(compile_c(text_string(&making->source), kernel_prefix, name, &making->code,
                  &making->compiled, error));
    count_inputs(kernel, schedule->expression);
    fill_kernel(kernel, making);
    return DLT_OK;
}

dlt_status kernel_create(const struct schedule *schedule,
                         const struct target_description *description, const char *name,
                         struct kernel **kernel, struct error *error) {
    struct making making = {.program = NULL};
    *kernel = NULL;
    if (!target_runs_here(description->name))
        return error_set(error, DLT_ERROR_REFUSED, "target: %s does not run on this machine",
                         description->name);
    struct kernel *made = calloc(1, sizeof *made);
    struct code_memory *memory = calloc(1, sizeof *memory);
    if (!made || !memory) {
        free(made);
        free(memory);
        return error_set(error, DLT_ERROR_MEMORY, "out of memory");
    }
    made->memory = memory;
    arena_initialise(&making.arena);
    dlt_status status = make(&making, schedule, description, name, made, error);
    arena_free(&making.arena);
    text_free(&making.source);
    if (status != DLT_OK)
        kernel_free(made);
    else
        *kernel = made;
    return status;
}

void kernel_free(struct kernel *kernel) {
    if (!kernel)
        return;
    debugger_forget(kernel->debugger);
    code_memory_free(kernel->memory);
    free(kernel->memory);
    free(kernel->tile_starts);
    free(kernel);
}
