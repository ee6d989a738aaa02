/* The unit as a whole; see print_c.h. Functions are printed first, so that what comes before them
 * in the text holds only what they turned out to use. */
#include "targets/c/print_private.h"

#include <string.h>

void print_line(struct printer *printer, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    text_indent(printer->out, printer->depth);
    text_format_list(printer->out, format, arguments);
    va_end(arguments);
}

static bool has_parallel_loops(const struct node *node) {
    for (; node; node = node->next)
        if (node->kind == NODE_LOOP && node->loop == LOOP_PARALLEL)
            return true;
    return false;
}

static void print_types(struct printer *printer, struct text *out) {
    const char *prefix = printer->options->prefix;
    if (!printer->options->threads)
        text_format(
            out,
            "struct %s_threads {\n"
            "    void *context;\n"
            "    int thread_count;\n"
            "    void (*parallel_for)(void *context,\n"
            "                         void (*body)(void *body_context, long begin, long end, "
            "long slot),\n"
            "                         void *body_context, long count);\n"
            "};\n\n",
            prefix);
    if (has_parallel_loops(printer->program->run))
        text_format(out,
                    "struct %s_context {\n"
                    "    void *const *tensors;\n"
                    "    const char *packed;\n"
                    "    char *workspace;\n"
                    "};\n\n",
                    prefix);
}

static void print_pack(struct printer *printer) {
    printer->in_pack = true;
    printer->parallel = false;
    print_line(printer, "int %s_pack(const void *const *parameters, void *packed_block) {\n",
               printer->options->prefix);
    printer->depth = 1;
    print_line(printer, "char *packed = packed_block;\n");
    print_line(printer, "(void)parameters, (void)packed;\n");
    print_buffer_pointers(printer, printer->program->pack);
    print_nodes(printer, printer->program->pack);
    print_line(printer, "return 0;\n");
    printer->depth = 0;
    print_line(printer, "}\n\n");
    printer->in_pack = false;
}

static void print_run(struct printer *printer) {
    const char *prefix = printer->options->prefix, *threads = printer->options->threads;
    printer->parallel = true;
    print_line(printer,
               "int %s_run(void *const *tensors, const void *packed_block, void *workspace_block,\n"
               "    const struct %s%s *threads) {\n",
               prefix, threads ? threads : prefix, threads ? "" : "_threads");
    printer->depth = 1;
    print_line(printer, "const char *packed = packed_block;\n");
    print_line(printer, "char *workspace = workspace_block;\n");
    print_line(printer, "(void)tensors, (void)packed, (void)workspace, (void)threads;\n");
    print_buffer_pointers(printer, printer->program->run);
    if (has_parallel_loops(printer->program->run)) {
        print_line(printer, "struct %s_context context;\n", prefix);
        print_line(printer, "context.tensors = tensors;\n");
        print_line(printer, "context.packed = packed;\n");
        print_line(printer, "context.workspace = workspace;\n");
    }
    print_nodes(printer, printer->program->run);
    print_line(printer, "return 0;\n");
    printer->depth = 0;
    print_line(printer, "}\n");
}

/* Into the printer's texts, which the caller frees even if memory runs out on the way. */
static dlt_status print_functions(struct printer *printer, struct text *functions) {
    if (arena_recover(printer->arena))
        return DLT_ERROR_MEMORY;
    printer->out = functions;
    print_pack(printer);
    print_run(printer);
    return DLT_OK;
}

static dlt_status print_unit(struct printer *printer, struct text *functions, struct text *source) {
    const char *prefix = printer->options->prefix;
    TRY(print_functions(printer, functions));
    if (arena_recover(printer->arena))
        return DLT_ERROR_MEMORY;
    print_types(printer, source);
    print_support_functions(source, prefix, printer->support);
    print_constants(printer, source);
    print_literals(printer, source);
    if (printer->options->code_count > 0)
        print_tile_code(printer, source);
    text_append(source, text_string(&printer->finished));
    text_append(source, text_string(functions));
    return printer->finished.failed || functions->failed || source->failed ? DLT_ERROR_MEMORY
                                                                           : DLT_OK;
}

dlt_status print_c(struct arena *arena, const struct program *program,
                   const struct print_c_options *options, struct text *source,
                   struct error *error) {
    struct printer printer = {.arena = arena, .program = program, .options = options};
    struct text functions = {0};
    bool recoverable = arena->recoverable;
    jmp_buf recovery;
    memcpy(&recovery, &arena->recovery, sizeof recovery);
    dlt_status status = print_unit(&printer, &functions, source);
    memcpy(&arena->recovery, &recovery, sizeof recovery);
    arena->recoverable = recoverable;
    text_free(&functions);
    text_free(&printer.function);
    text_free(&printer.finished);
    if (status != DLT_OK)
        return error_set(error, status, "out of memory");
    return DLT_OK;
}
