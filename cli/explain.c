/* `dltune explain`: how a workload is computed, from the expression down to the instructions.
 *
 * Each part is a row of a table: its name and the function that prints it. */
#include "cli/explain.h"
#include "targets/jit/default_space.h"

#include "search/search.h"
#include "targets/target.h"

#include <stdio.h>
#include <string.h>

static dlt_status print_text(struct text *text, struct error *error) {
    dlt_status status = DLT_OK;
    if (text->failed)
        status = error_set(error, DLT_ERROR_MEMORY, "out of memory");
    else
        fputs(text_string(text), stdout);
    text_free(text);
    return status;
}

static dlt_status print_expression(struct explain *e, struct error *error) {
    struct text text = {0};
    expression_print(&text, e->task->expression);
    return print_text(&text, error);
}

static dlt_status print_schedule(struct explain *e, struct error *error) {
    struct text text = {0};
    printf("%s\n", e->origin);
    text_append(&text, schedule_trace(e->schedule));
    text_append(&text, "\n");
    schedule_print(&text, e->schedule);
    return print_text(&text, error);
}

static dlt_status print_space(struct explain *e, struct error *error) {
    struct text text = {0};
    struct space *space;
    TRY(default_space_create(e->arena, e->task->collapsed, &e->target, e->task->threads, &space,
                             error));
    space_print(space, &text);
    return print_text(&text, error);
}

/* ---- loops and vector programs ---- */

/* The vector programs of all tiles, once there are some. */
static void append_vectors(struct text *text, const struct program *program) {
    for (int i = 0; i < program->tile_count; i++)
        for (int j = 0; j < program->tiles[i]->variant_count; j++) {
            const struct vector_program *vectors = program->tiles[i]->variants[j].vectors;
            if (!vectors)
                continue;
            text_format(text, "-- tile %d variant %d\n", program->tiles[i]->number, j);
            vector_program_print(text, vectors);
        }
}

struct passes {
    const char *wanted; /* NULL or "all": every pass */
    struct text last;   /* the program after the pass before */
    bool found;
    struct text names;
};

static void show_pass(void *context, const char *pass, const struct program *program) {
    struct passes *passes = context;
    struct text text = {0};
    bool all = !passes->wanted || !strcmp(passes->wanted, "all");
    text_format(&passes->names, " %s", pass);
    program_print(&text, program);
    if (passes->wanted) /* a whole explanation has a part of its own for them */
        append_vectors(&text, program);
    if (all || !strcmp(passes->wanted, pass)) {
        bool same = passes->last.data && !strcmp(text_string(&passes->last), text_string(&text));
        printf("-- after %s%s\n", pass, all && same ? ": unchanged" : "");
        if (!all || !same)
            fputs(text_string(&text), stdout);
        passes->found = true;
    }
    text_free(&passes->last);
    passes->last = text;
}

static dlt_status print_loops(struct explain *e, struct error *error) {
    struct passes passes = {.wanted = e->pass};
    struct program *program;
    dlt_status status =
        lower(e->arena, e->schedule, &e->target, show_pass, &passes, &program, error);
    if (status == DLT_OK && !passes.found)
        status = error_set(error, DLT_ERROR_ARGUMENT,
                           "--pass: '%s' is not a pass for %s; it may be one of: all%s", e->pass,
                           e->target.name, text_string(&passes.names));
    text_free(&passes.last);
    text_free(&passes.names);
    return status;
}

static dlt_status print_vectors(struct explain *e, struct error *error) {
    struct text text = {0};
    TRY(explain_lower(e, error));
    append_vectors(&text, e->program);
    if (!text.length)
        text_format(&text, "none: tiles for %s stay loops\n", e->target.name);
    return print_text(&text, error);
}

/* ---- C and machine code ---- */

static dlt_status print_c(struct explain *e, struct error *error) {
    const struct kernel_source_options options = {.prefix = e->task->identifier};
    struct text text = {0};
    dlt_status status;
    TRY(explain_encode(e, error));
    status = kernel_source(e->arena, e->program, &e->target, &options, &text, error);
    if (status == DLT_OK)
        return print_text(&text, error);
    text_free(&text);
    return status;
}

static dlt_status print_assembly(struct explain *e, struct error *error) {
    const struct target *target = target_find(e->target.name);
    struct text text = {0};
    TRY(explain_encode(e, error));
    if (!target || !target->disassemble) {
        text_format(&text, "none: tiles for %s stay loops\n", e->target.name);
        return print_text(&text, error);
    }
    for (int i = 0; i < e->code.count; i++) {
        const struct machine_code *code = &e->code.codes[i];
        text_format(&text, "-- code %d: %zu bytes, registers: %d vector, %d general, %d mask\n", i,
                    code->size, code->vector_registers, code->general_registers,
                    code->mask_registers);
        target->disassemble(&text, code);
    }
    return print_text(&text, error);
}

const struct explain_part explain_parts[] = {
    {"expression", print_expression},
    {"schedule", print_schedule},
    {"space", print_space},
    {"loops", print_loops},
    {"vectors", print_vectors},
    {"bound", explain_bound},
    {"c", print_c},
    {"assembly", print_assembly},
    {"roofline", explain_roofline},
    {NULL, NULL},
};
