/* The text of a library: what its header declares, and its source.
 *
 * A kernel's own functions take arrays of pointers; around them stand wrappers with named arguments
 * that ask for the CPU's instructions and the blocks' alignment first. Access by workload goes
 * through an opaque pointer to a number, so that no pointer has to be stored: what is constant
 * stays constant in position-independent code. */
#include "export/private.h"

#include "targets/jit/kernel.h"
#include "te/in_place.h"

#include <inttypes.h>
#include <stdio.h>

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
static void print_arguments(const struct entry *entry, const struct tensor *const *tensors,
                            int count, struct text *out) {
    for (int i = 0; i < count; i++)
        text_format(out, "const %s *%s, ", element_type(tensors[i]->type),
                    argument_name(entry, tensors[i]));
}

static void print_pack_head(struct library *library, const struct entry *entry, struct text *out) {
    text_format(out, "int %s_%s_pack(", library->name, entry->task->identifier);
    print_arguments(entry, entry->parameters, entry->parameter_count, out);
    text_append(out, "void *packed)");
}

static void print_run_head(struct library *library, const struct entry *entry, struct text *out) {
    text_format(out, "int %s_%s(", library->name, entry->task->identifier);
    print_arguments(entry, entry->variables, entry->variable_count, out);
    text_format(out, "const void *packed, %s *%s, void *workspace,\n    const %s_threads *threads)",
                element_type(entry->output->type), argument_name(entry, entry->output),
                library->name);
}

/* Whether the output may be this input itself, whichever version runs. */
static bool may_be_output(const struct entry *entry, const struct tensor *input) {
    for (int i = 0; i < entry->version_count; i++)
        if (!entry->versions[i]->stores_once)
            return false;
    return expression_in_place(entry->task->expression, input);
}

static void print_sharing(const struct entry *entry, struct text *out) {
    const char *output = argument_name(entry, entry->output);
    for (int i = 0; i < entry->variable_count; i++)
        if (may_be_output(entry, entry->variables[i]))
            text_format(out, " * %s may be %s itself, at the same address, and overwrites it.\n",
                        output, argument_name(entry, entry->variables[i]));
    if (expression_accumulates(entry->task->expression))
        text_format(out, " * What %s holds before the call is read and added to.\n", output);
}

static void print_entry_declarations(struct library *library, const struct entry *entry,
                                     struct text *out) {
    const char *name = library->name, *identifier = entry->task->identifier;
    text_format(out, "/* %s\n * for ", entry->task->workload);
    for (int i = 0; i < entry->version_count; i++)
        text_format(out, "%s%s", i ? ", " : "", entry->versions[i]->task->target);
    text_format(out, " on %d thread%s.\n", entry->task->threads,
                entry->task->threads > 1 ? "s" : "");
    for (int i = 0; i < entry->parameter_count; i++)
        print_tensor_comment("parameter", entry->parameters[i],
                             argument_name(entry, entry->parameters[i]), out);
    for (int i = 0; i < entry->variable_count; i++)
        print_tensor_comment("input", entry->variables[i],
                             argument_name(entry, entry->variables[i]), out);
    print_tensor_comment("output", entry->output, argument_name(entry, entry->output), out);
    print_sharing(entry, out);
    text_append(out, " */\n");
    text_format(out, "size_t %s_%s_packed_bytes(void);\n", name, identifier);
    text_format(out, "size_t %s_%s_workspace_bytes(int threads);\n", name, identifier);
    print_pack_head(library, entry, out);
    text_append(out, ";\n");
    print_run_head(library, entry, out);
    text_append(out, ";\n\n");
}

static void print_common_declarations(const char *name, struct text *out) {
    text_format(
        out,
        "/* Whether there is something to pack packed_bytes alone says: where it is 0, packed may "
        "be\n"
        " * NULL; else pack the parameters once and pass what was packed. */\n\n"
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
        " * comments above; threads= may be added to choose between numbers of threads.\n"
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
    for (int i = 0; i < library->entry_count; i++)
        print_entry_declarations(library, &library->entries[i], out);
    print_find_declarations(library->name, out);
}

/* "return TEXT;" for the first version whose instructions the CPU has; behind the last, what it
 * means that it has none. */
typedef void version_printer(const struct unit *unit, struct text *out);

static void print_choice(const struct library *library, const struct entry *entry,
                         version_printer *print, const char *otherwise, struct text *out) {
    for (int i = 0; i < entry->version_count; i++) {
        const struct unit *unit = entry->versions[i];
        text_append(out, "    ");
        if (unit->features)
            text_format(out, "if ((%s__cpu() & %uu) == %uu) ", library->name, unit->features,
                        unit->features);
        text_append(out, "return ");
        print(unit, out);
        text_append(out, ";\n");
        if (!unit->features) /* any CPU can do it; versions behind it are never chosen */
            return;
    }
    text_format(out, "    return %s;\n", otherwise);
}

static void print_packed_bytes(const struct unit *unit, struct text *out) {
    text_format(out, "%" PRId64, unit->program->packed_bytes);
}

static void print_workspace_bytes(const struct unit *unit, struct text *out) {
    text_format(out, "%" PRId64 " + %" PRId64 " * (size_t)(threads > 1 ? threads : 1)",
                unit->program->shared_bytes, unit->program->private_bytes);
}

static void print_pack_call(const struct unit *unit, struct text *out) {
    text_format(out, "%s_pack(tensors, packed)", unit->prefix);
}

static void print_run_call(const struct unit *unit, struct text *out) {
    text_format(out, "%s_run(tensors, packed, workspace, threads)", unit->prefix);
}

static void print_sizes(const struct library *library, const struct entry *entry,
                        struct text *out) {
    text_format(out, "size_t %s_%s_packed_bytes(void) {\n", library->name, entry->task->identifier);
    print_choice(library, entry, print_packed_bytes, "0", out);
    text_format(out, "}\n\nsize_t %s_%s_workspace_bytes(int threads) {\n    (void)threads;\n",
                library->name, entry->task->identifier);
    print_choice(library, entry, print_workspace_bytes, "0", out);
    text_append(out, "}\n\n");
}

/* Before anything else is looked at: without the instructions a call answers just that. */
static void print_checks(const struct library *library, const struct entry *entry,
                         const char *blocks, struct text *out) {
    const struct unit *least = entry->versions[entry->version_count - 1];
    if (least->features)
        text_format(out, "    if ((%s__cpu() & %uu) != %uu) return %s_ERROR_CPU;\n", library->name,
                    least->features, least->features, library->name);
    text_format(out, "    if ((%s) & 63) return %s_ERROR_ALIGNMENT;\n", blocks, library->name);
}

static void print_call(struct library *library, const struct entry *entry, version_printer *print,
                       struct text *out) {
    char otherwise[EXPORT_MAX_NAME + 16];
    snprintf(otherwise, sizeof otherwise, "%s_ERROR_CPU", library->name);
    print_choice(library, entry, print, otherwise, out);
    text_append(out, "}\n\n");
}

static void print_pack(struct library *library, const struct entry *entry, struct text *out) {
    print_pack_head(library, entry, out);
    text_append(out, " {\n");
    text_format(out, "    const void *tensors[%d];\n",
                entry->parameter_count ? entry->parameter_count : 1);
    print_checks(library, entry, "(size_t)packed", out);
    for (int i = 0; i < entry->parameter_count; i++)
        text_format(out, "    tensors[%d] = %s;\n", i, argument_name(entry, entry->parameters[i]));
    if (!entry->parameter_count)
        text_append(out, "    tensors[0] = 0;\n");
    print_call(library, entry, print_pack_call, out);
}

static void print_run(struct library *library, const struct entry *entry, struct text *out) {
    print_run_head(library, entry, out);
    text_append(out, " {\n");
    text_format(out, "    void *tensors[%d];\n", entry->variable_count + 1);
    print_checks(library, entry, "(size_t)packed | (size_t)workspace", out);
    for (int i = 0; i < entry->variable_count; i++)
        text_format(out, "    tensors[%d] = (void *)%s;\n", i,
                    argument_name(entry, entry->variables[i]));
    text_format(out, "    tensors[%d] = %s;\n", entry->variable_count,
                argument_name(entry, entry->output));
    print_call(library, entry, print_run_call, out);
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
    return DLT_OK;
}

/* Texts are compared as sets of words: each of the query's is in the key, and each of the
 * workload's in the query. The operator's word has no '=' and so cannot be taken for another.
 * Spaces within quotes belong to the word. */
static void print_matching(const char *name, struct text *out) {
    text_format(out,
                "/* The end of a word. */\n"
                "static const char *%s__end(const char *word) {\n"
                "    char quote = 0;\n"
                "    for (; *word && (quote || *word != ' '); word++)\n"
                "        if (quote ? *word == quote : *word == '\"' || *word == '\\'')\n"
                "            quote = quote ? 0 : *word;\n"
                "    return word;\n"
                "}\n\n",
                name);
    text_format(
        out,
        "/* Is each word of a text among the words of another? */\n"
        "static int %s__within(const char *words, const char *all) {\n"
        "    const char *end, *place, *place_end, *a, *b;\n"
        "    int found;\n"
        "    for (;;) {\n"
        "        while (*words == ' ') words++;\n"
        "        if (!*words) return 1;\n"
        "        end = %s__end(words);\n"
        "        for (found = 0, place = all; *place && !found; place = place_end) {\n"
        "            while (*place == ' ') place++;\n"
        "            place_end = %s__end(place);\n"
        "            for (a = words, b = place;; a++, b++) { /* ';' ends lines, or nothing */\n"
        "                while (a < end && *a == ';') a++;\n"
        "                while (b < place_end && *b == ';') b++;\n"
        "                if (a == end || b == place_end || *a != *b) break;\n"
        "            }\n"
        "            found = a == end && b == place_end;\n"
        "        }\n"
        "        if (!found) return 0;\n"
        "        words = end;\n"
        "    }\n"
        "}\n\n",
        name, name, name);
}

/* A text between the quotes of a C string. */
static void print_quoted(const char *text, struct text *out) {
    for (; *text; text++)
        text_format(out, *text == '"' || *text == '\\' ? "\\%c" : "%c", *text);
}

static void print_find(const struct library *library, struct text *out) {
    const char *name = library->name;
    text_format(out, "struct %s_kernel {\n    int number;\n};\n\n", name);
    text_format(out, "static const %s_kernel %s__kernels[%d] = {", name, name,
                library->entry_count);
    for (int i = 0; i < library->entry_count; i++)
        text_format(out, "%s{%d}", i ? ", " : "", i);
    text_append(out, "};\n\n");
    print_matching(name, out);
    text_format(out, "const %s_kernel *%s_find(const char *workload) {\n", name, name);
    for (int i = 0; i < library->entry_count; i++) {
        const struct entry *entry = &library->entries[i];
        text_format(out, "    if (%s__within(workload, \"", name);
        print_quoted(entry->task->workload, out);
        for (int v = 0; v < entry->version_count; v++)
            text_format(out, " target=%s", entry->versions[v]->task->target);
        text_format(out, " threads=%d\") &&\n        %s__within(\"", entry->task->threads, name);
        print_quoted(entry->task->workload, out);
        text_format(out, "\", workload))\n        return &%s__kernels[%d];\n", name, i);
    }
    text_append(out, "    return 0;\n}\n\n");
}

/* A function that does for the kernel of a number what that kernel's own function does. */
static void print_sizes_by_number(const struct library *library, struct text *out) {
    const char *name = library->name;
    text_format(out,
                "size_t %s_packed_bytes(const %s_kernel *kernel) {\n"
                "    switch (kernel->number) {\n",
                name, name);
    for (int i = 0; i < library->entry_count; i++)
        text_format(out, "    case %d: return %s_%s_packed_bytes();\n", i, name,
                    library->entries[i].task->identifier);
    text_append(out, "    }\n    return 0;\n}\n\n");
    text_format(out,
                "size_t %s_workspace_bytes(const %s_kernel *kernel, int threads) {\n"
                "    switch (kernel->number) {\n",
                name, name);
    for (int i = 0; i < library->entry_count; i++)
        text_format(out, "    case %d: return %s_%s_workspace_bytes(threads);\n", i, name,
                    library->entries[i].task->identifier);
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
    for (int i = 0; i < library->entry_count; i++) {
        text_format(out, "    case %d: return %s_%s_pack(", i, name,
                    library->entries[i].task->identifier);
        print_list("parameters", library->entries[i].parameter_count, out);
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
    for (int i = 0; i < library->entry_count; i++) {
        text_format(out, "    case %d: return %s_%s(", i, name,
                    library->entries[i].task->identifier);
        print_list("inputs", library->entries[i].variable_count, out);
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
    for (int i = 0; i < library->entry_count; i++) {
        print_sizes(library, &library->entries[i], out);
        print_pack(library, &library->entries[i], out);
        print_run(library, &library->entries[i], out);
    }
    print_find(library, out);
    print_sizes_by_number(library, out);
    print_calls_by_number(library, out);
    return DLT_OK;
}
