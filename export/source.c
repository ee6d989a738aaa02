/* The text of a library: what its header declares, and its source.
 *
 * A kernel's own functions take arrays of pointers; around them stand wrappers with named arguments
 * that ask for the CPU's instructions and the blocks' alignment first. Access by workload goes
 * through an opaque pointer to a number, so that no pointer has to be stored: what is constant
 * stays constant in position-independent code. */
#include "export/private.h"

#include "targets/jit/kernel.h"

#include <ctype.h>
#include <inttypes.h>

static void print_tensor_comment(const char *role, const struct tensor *tensor, const char *name,
                                 struct text *out) {
    const char *axis_names[MAX_RANK];
    int64_t extents[MAX_RANK];
    text_format(out, " *   %-10s %s [", role, name);
    for (int axis = 0; axis < tensor->rank; axis++) {
        axis_names[axis] = tensor->axes[axis]->name;
        extents[axis] = tensor->axes[axis]->extent;
        text_format(out, "%s%s=%" PRId64, axis ? ", " : "", axis_names[axis], extents[axis]);
    }
    text_format(out, "] %s, in memory `", data_types[tensor->type].name);
    layout_print(out, &tensor->layout, axis_names, extents);
    text_format(out, "`, %" PRId64 " elements\n", tensor->layout.elements);
}

/* "const float *x, const float *bias, ": inputs as arguments, each followed by a comma. */
static void print_arguments(struct arena *arena, const struct tensor *const *tensors, int count,
                            struct text *out) {
    for (int i = 0; i < count; i++)
        text_format(out, "const %s *%s, ", element_type(tensors[i]->type),
                    argument_name(arena, tensors[i]));
}

static void print_pack_head(struct library *library, const struct unit *unit, struct text *out) {
    text_format(out, "int %s_%s_pack(", library->name, unit->identifier);
    print_arguments(&library->arena, unit->parameters, unit->parameter_count, out);
    text_append(out, "void *packed)");
}

static void print_run_head(struct library *library, const struct unit *unit, struct text *out) {
    text_format(out, "int %s_%s(", library->name, unit->identifier);
    print_arguments(&library->arena, unit->variables, unit->variable_count, out);
    text_format(out, "const void *packed, %s *%s, void *workspace,\n    const %s_threads *threads)",
                element_type(unit->output->type), argument_name(&library->arena, unit->output),
                library->name);
}

static void print_unit_declarations(struct library *library, const struct unit *unit,
                                    struct text *out) {
    const char *name = library->name, *identifier = unit->identifier;
    text_format(out, "/* %s\n * for %s on %d thread%s.\n", unit->task->workload, unit->task->target,
                unit->task->threads, unit->task->threads > 1 ? "s" : "");
    for (int i = 0; i < unit->parameter_count; i++)
        print_tensor_comment("parameter", unit->parameters[i],
                             argument_name(&library->arena, unit->parameters[i]), out);
    for (int i = 0; i < unit->variable_count; i++)
        print_tensor_comment("input", unit->variables[i],
                             argument_name(&library->arena, unit->variables[i]), out);
    print_tensor_comment("output", unit->output, argument_name(&library->arena, unit->output), out);
    text_append(out, " */\n");
    text_format(out, "size_t %s_%s_packed_bytes(void);\n", name, identifier);
    text_format(out, "size_t %s_%s_workspace_bytes(int threads);\n", name, identifier);
    print_pack_head(library, unit, out);
    text_append(out, ";\n");
    print_run_head(library, unit, out);
    text_append(out, ";\n\n");
}

static void print_common_declarations(const char *name, struct text *out) {
    text_format(
        out,
        "/* What calls answer. After an error nothing was read or written. */\n"
        "enum {\n"
        "    %s_OK = 0,\n"
        "    %s_ERROR_CPU = 1,       /* the CPU lacks instructions that the kernel needs */\n"
        "    %s_ERROR_ALIGNMENT = 2, /* packed or workspace is not aligned to 64 bytes */\n"
        "    %s_ERROR_KERNEL = 3     /* no such kernel */\n"
        "};\n\n",
        name, name, name, name);
    text_format(
        out,
        "/* How parallel loops run: parallel_for calls body(body_context, begin, end, slot)\n"
        " * for shares [begin, end) that cover 0 .. count-1 once, on any threads, and returns\n"
        " * when all are done. Shares that run at the same time have different slots,\n"
        " * 0 <= slot < thread_count. */\n"
        "typedef struct %s_threads {\n"
        "    void *context; /* passed back to parallel_for */\n"
        "    int thread_count;\n"
        "    void (*parallel_for)(void *context,\n"
        "                         void (*body)(void *body_context, long begin, long end,\n"
        "                                      long slot),\n"
        "                         void *body_context, long count);\n"
        "} %s_threads;\n\n",
        name, name);
}

static void print_find_declarations(const char *name, struct text *out) {
    text_format(
        out,
        "/* Kernels by workload: the operator, then key=value words in any order, as in the\n"
        " * comments above; target= and threads= may be added to choose between versions.\n"
        " * NULL if there is none. Inputs and parameters come in the order of the functions\n"
        " * above. */\n"
        "typedef struct %s_kernel %s_kernel;\n"
        "const %s_kernel *%s_find(const char *workload);\n"
        "size_t %s_packed_bytes(const %s_kernel *kernel);\n"
        "size_t %s_workspace_bytes(const %s_kernel *kernel, int threads);\n",
        name, name, name, name, name, name, name, name);
    text_format(
        out,
        "int %s_pack(const %s_kernel *kernel, const void *const *parameters, void *packed);\n"
        "int %s_run(const %s_kernel *kernel, const void *const *inputs, const void *packed,\n"
        "    void *output, void *workspace, const %s_threads *threads);\n\n",
        name, name, name, name, name);
}

void print_declarations(struct library *library, struct text *out) {
    print_common_declarations(library->name, out);
    for (int i = 0; i < library->unit_count; i++)
        print_unit_declarations(library, &library->units[i], out);
    print_find_declarations(library->name, out);
}

static void print_checks(const struct library *library, const struct unit *unit, const char *blocks,
                         struct text *out) {
    if (unit->features)
        text_format(out, "    if ((%s__cpu() & %uu) != %uu) return %s_ERROR_CPU;\n", library->name,
                    unit->features, unit->features, library->name);
    text_format(out, "    if ((%s) & 63) return %s_ERROR_ALIGNMENT;\n", blocks, library->name);
}

static void print_sizes(const struct library *library, const struct unit *unit, struct text *out) {
    const struct program *program = unit->program;
    text_format(out, "size_t %s_%s_packed_bytes(void) {\n    return %" PRId64 ";\n}\n\n",
                library->name, unit->identifier, program->packed_bytes);
    text_format(out,
                "size_t %s_%s_workspace_bytes(int threads) {\n"
                "    return %" PRId64 " + %" PRId64
                " * (size_t)(threads > 1 ? threads : 1);\n}\n\n",
                library->name, unit->identifier, program->shared_bytes, program->private_bytes);
}

static void print_pack(struct library *library, const struct unit *unit, struct text *out) {
    print_pack_head(library, unit, out);
    text_append(out, " {\n");
    text_format(out, "    const void *tensors[%d];\n",
                unit->parameter_count ? unit->parameter_count : 1);
    print_checks(library, unit, "(size_t)packed", out);
    for (int i = 0; i < unit->parameter_count; i++)
        text_format(out, "    tensors[%d] = %s;\n", i,
                    argument_name(&library->arena, unit->parameters[i]));
    if (!unit->parameter_count)
        text_append(out, "    tensors[0] = 0;\n");
    text_format(out, "    return %s_pack(tensors, packed);\n}\n\n", unit->prefix);
}

static void print_run(struct library *library, const struct unit *unit, struct text *out) {
    print_run_head(library, unit, out);
    text_append(out, " {\n");
    text_format(out, "    void *tensors[%d];\n", unit->variable_count + 1);
    print_checks(library, unit, "(size_t)packed | (size_t)workspace", out);
    for (int i = 0; i < unit->variable_count; i++)
        text_format(out, "    tensors[%d] = (void *)%s;\n", i,
                    argument_name(&library->arena, unit->variables[i]));
    text_format(out, "    tensors[%d] = %s;\n", unit->variable_count,
                argument_name(&library->arena, unit->output));
    text_format(out, "    return %s_run(tensors, packed, workspace, threads);\n}\n\n",
                unit->prefix);
}

/* The kernel's own code, its two functions made static by declaring them so before. */
static dlt_status print_unit(struct library *library, const struct unit *unit, struct text *out,
                             struct error *error) {
    const struct kernel_source_options options = {
        .prefix = unit->prefix,
        .tiles_as_bytes = unit->target.machine_code,
        .comments = library->comments,
        .threads = arena_format(&library->arena, "%s_threads", library->name),
    };
    text_format(out, "/* ---- %s ---- */\n\n", unit->task->key);
    text_format(out,
                "static int %s_pack(const void *const *parameters, void *packed_block);\n"
                "static int %s_run(void *const *tensors, const void *packed_block,\n"
                "    void *workspace_block, const struct %s_threads *threads);\n\n",
                unit->prefix, unit->prefix, library->name);
    TRY(kernel_source(&library->arena, unit->program, &unit->target, &options, out, error));
    text_append(out, "\n");
    print_sizes(library, unit, out);
    print_pack(library, unit, out);
    print_run(library, unit, out);
    return DLT_OK;
}

/* Texts are compared as sets of words: each of the query's is in the key, and each of the
 * workload's in the query. The operator's word has no '=' and so cannot be taken for another. */
static void print_matching(const char *name, struct text *out) {
    text_format(out,
                "/* Is each word of a text among the words of another? */\n"
                "static int %s__within(const char *words, const char *all) {\n"
                "    const char *place, *word;\n"
                "    int found;\n"
                "    for (;;) {\n"
                "        while (*words == ' ') words++;\n"
                "        if (!*words) return 1;\n"
                "        for (found = 0, place = all; *place && !found;) {\n"
                "            while (*place == ' ') place++;\n"
                "            word = words;\n"
                "            while (*word && *word != ' ' && *word == *place) word++, place++;\n"
                "            found = (!*word || *word == ' ') && (!*place || *place == ' ');\n"
                "            while (*place && *place != ' ') place++;\n"
                "        }\n"
                "        if (!found) return 0;\n"
                "        while (*words && *words != ' ') words++;\n"
                "    }\n"
                "}\n\n",
                name);
}

static void print_find(const struct library *library, struct text *out) {
    const char *name = library->name;
    text_format(out, "struct %s_kernel {\n    int number;\n};\n\n", name);
    text_format(out, "static const %s_kernel %s__kernels[%d] = {", name, name, library->unit_count);
    for (int i = 0; i < library->unit_count; i++)
        text_format(out, "%s{%d}", i ? ", " : "", i);
    text_append(out, "};\n\n");
    print_matching(name, out);
    text_format(out, "const %s_kernel *%s_find(const char *workload) {\n", name, name);
    for (int i = 0; i < library->unit_count; i++)
        text_format(out,
                    "    if (%s__within(workload, \"%s\") &&\n"
                    "        %s__within(\"%s\", workload))\n"
                    "        return &%s__kernels[%d];\n",
                    name, library->units[i].task->key, name, library->units[i].task->workload, name,
                    i);
    text_append(out, "    return 0;\n}\n\n");
}

/* A function that does for the kernel of a number what that kernel's own function does. */
static void print_sizes_by_number(const struct library *library, struct text *out) {
    const char *name = library->name;
    text_format(out,
                "size_t %s_packed_bytes(const %s_kernel *kernel) {\n"
                "    switch (kernel->number) {\n",
                name, name);
    for (int i = 0; i < library->unit_count; i++)
        text_format(out, "    case %d: return %s_%s_packed_bytes();\n", i, name,
                    library->units[i].identifier);
    text_append(out, "    }\n    return 0;\n}\n\n");
    text_format(out,
                "size_t %s_workspace_bytes(const %s_kernel *kernel, int threads) {\n"
                "    switch (kernel->number) {\n",
                name, name);
    for (int i = 0; i < library->unit_count; i++)
        text_format(out, "    case %d: return %s_%s_workspace_bytes(threads);\n", i, name,
                    library->units[i].identifier);
    text_append(out, "    }\n    return 0;\n}\n\n");
}

static void print_list(const char *array, int count, struct text *out) {
    for (int i = 0; i < count; i++)
        text_format(out, "%s[%d], ", array, i);
}

static void print_calls_by_number(const struct library *library, struct text *out) {
    const char *name = library->name;
    text_format(
        out,
        "int %s_pack(const %s_kernel *kernel, const void *const *parameters, void *packed) {\n"
        "    (void)parameters;\n"
        "    switch (kernel->number) {\n",
        name, name);
    for (int i = 0; i < library->unit_count; i++) {
        text_format(out, "    case %d: return %s_%s_pack(", i, name, library->units[i].identifier);
        print_list("parameters", library->units[i].parameter_count, out);
        text_append(out, "packed);\n");
    }
    text_format(out, "    }\n    return %s_ERROR_KERNEL;\n}\n\n", name);
    text_format(
        out,
        "int %s_run(const %s_kernel *kernel, const void *const *inputs, const void *packed,\n"
        "    void *output, void *workspace, const %s_threads *threads) {\n"
        "    (void)inputs;\n"
        "    switch (kernel->number) {\n",
        name, name, name);
    for (int i = 0; i < library->unit_count; i++) {
        text_format(out, "    case %d: return %s_%s(", i, name, library->units[i].identifier);
        print_list("inputs", library->units[i].variable_count, out);
        text_append(out, "packed, output, workspace, threads);\n");
    }
    text_format(out, "    }\n    return %s_ERROR_KERNEL;\n}\n", name);
}

dlt_status print_definitions(struct library *library, struct text *out, struct error *error) {
    text_append(out, "#ifdef __TINYC__ /* others say so by themselves: the stack holds no code */\n"
                     "__asm__(\".section .note.GNU-stack,\\\"\\\",@progbits\\n.text\\n\");\n"
                     "#endif\n\n");
    print_feature_check(library, out);
    for (int i = 0; i < library->unit_count; i++)
        TRY(print_unit(library, &library->units[i], out, error));
    print_find(library, out);
    print_sizes_by_number(library, out);
    print_calls_by_number(library, out);
    return DLT_OK;
}
