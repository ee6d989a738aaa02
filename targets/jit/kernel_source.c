/* The C source of a kernel, for exports and for readers. */
#include "targets/c/print_c.h"
#include "targets/jit/kernel.h"

dlt_status kernel_source(struct arena *arena, const struct program *program,
                         const struct target_description *description,
                         const struct kernel_source_options *options, struct text *source,
                         struct error *error) {
    struct program_code code;
    TRY(program_encode(arena, program, description, &code, error));
    const struct print_c_options print_options = {
        .prefix = options->prefix,
        .code_count = code.count,
        .codes = code.codes,
        .tiles_as_bytes = options->tiles_as_bytes,
        .threads = options->threads,
        .target = options->comments ? target_find(description->name) : NULL,
    };
    return print_c(arena, program, &print_options, source, error);
}
