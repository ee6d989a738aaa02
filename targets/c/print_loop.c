/* Loops in C: the nodes of a nest, one after the other. */
#include "targets/c/print_private.h"

#include <inttypes.h>

/* A bound a*v + rest >= 0 as the first value of v (a > 0: the quotient -rest/a rounded up) or as
 * one past the last (a < 0: rest/-a rounded down, plus one). */
static const struct affine *limit_of(struct printer *printer, const struct affine *bound,
                                     const struct variable *variable, int64_t coefficient) {
    struct arena *arena = printer->arena;
    const struct affine *v = affine_variable(arena, variable);
    const struct affine *rest = affine_subtract(arena, bound, affine_scale(arena, v, coefficient));
    if (coefficient < 0)
        return affine_add_constant(arena, affine_divide(arena, rest, -coefficient), 1);
    const struct affine *least = affine_scale(arena, rest, -1);
    return affine_divide(arena, affine_add_constant(arena, least, coefficient - 1), coefficient);
}

/* Narrows one end of a range by a limit: "if (limit > NAME_begin) NAME_begin = limit;". */
static void print_limit(struct printer *printer, const struct variable *variable,
                        const struct affine *limit, bool is_end) {
    const char *end = is_end ? "_end" : "_begin";
    print_line(printer, "if (");
    print_index(printer->out, limit);
    text_append(printer->out, is_end ? " < " : " > ");
    print_variable(printer->out, variable);
    text_format(printer->out, "%s) ", end);
    print_variable(printer->out, variable);
    text_format(printer->out, "%s = ", end);
    print_index(printer->out, limit);
    text_append(printer->out, ";\n");
}

static void print_bound(struct printer *printer, const struct variable *variable,
                        const struct affine *bound) {
    int64_t coefficient = 0;
    affine_coefficient(bound, variable, &coefficient);
    if (coefficient == 0) { /* all trips or none */
        print_line(printer, "if (");
        print_index(printer->out, bound);
        text_append(printer->out, " < 0) ");
        print_variable(printer->out, variable);
        text_append(printer->out, "_end = ");
        print_variable(printer->out, variable);
        text_append(printer->out, "_begin;\n");
        return;
    }
    const struct affine *limit = limit_of(printer, bound, variable, coefficient);
    print_limit(printer, variable, limit, coefficient < 0);
}

void print_loop_range(struct printer *printer, const struct node *loop, const char *begin,
                      const char *end) {
    const struct variable *variable = loop->variable;
    print_line(printer, "long ");
    print_variable(printer->out, variable);
    text_format(printer->out, "_begin = %s, ", begin);
    print_variable(printer->out, variable);
    text_format(printer->out, "_end = %s;\n", end);
    for (int pass = 0; pass < 2; pass++) /* the ends before what empties the whole range */
        for (int i = 0; i < loop->bound_count; i++) {
            int64_t coefficient = 0;
            affine_coefficient(loop->bounds[i], variable, &coefficient);
            if ((coefficient == 0) == (pass == 1))
                print_bound(printer, variable, loop->bounds[i]);
        }
}

static void print_for(struct printer *printer, const struct variable *variable, const char *begin,
                      const char *end, bool with_range) {
    struct text *out = printer->out;
    print_line(printer, "for (long ");
    print_variable(out, variable);
    text_append(out, " = ");
    if (with_range)
        print_variable(out, variable);
    text_append(out, with_range ? "_begin; " : begin);
    text_append(out, with_range ? "" : "; ");
    print_variable(out, variable);
    text_append(out, " < ");
    if (with_range)
        print_variable(out, variable);
    text_append(out, with_range ? "_end; " : end);
    text_append(out, with_range ? "" : "; ");
    print_variable(out, variable);
    text_append(out, "++) {\n");
}

/* The loop from `begin` to `end`, text of type long, as far as its bounds allow. */
static void print_counted(struct printer *printer, const struct node *loop, const char *begin,
                          const char *end) {
    bool with_range = loop->bound_count > 0;
    bool parallel = printer->parallel;
    printer->parallel = false;
    if (with_range) {
        print_line(printer, "{\n");
        printer->depth++;
        print_loop_range(printer, loop, begin, end);
    }
    print_for(printer, loop->variable, begin, end, with_range);
    printer->depth++;
    print_nodes(printer, loop->body);
    printer->depth--;
    print_line(printer, "}\n");
    if (with_range) {
        printer->depth--;
        print_line(printer, "}\n");
    }
    printer->parallel = parallel;
}

/* "begin" shifted by a variable's minimum. */
static const char *shifted(struct printer *printer, const char *name, int64_t minimum) {
    return minimum == 0 ? name : arena_format(printer->arena, "%s + (%" PRId64 ")", name, minimum);
}

/* The body of a parallel loop as a function of its own, among those printed before run. */
static void print_parallel_body(struct printer *printer, const struct node *loop, int number) {
    const char *prefix = printer->options->prefix;
    struct text *out = printer->out;
    int depth = printer->depth;
    text_clear(&printer->function);
    printer->out = &printer->function;
    printer->depth = 0;
    printer->in_parallel = true;
    print_line(printer,
               "static void %s_body_%d(void *body_context, long begin, long end, long slot) {\n",
               prefix, number);
    printer->depth = 1;
    print_line(printer, "const struct %s_context *context = body_context;\n", prefix);
    print_line(printer, "void *const *tensors = context->tensors;\n");
    print_line(printer, "const char *packed = context->packed;\n");
    print_line(printer, "char *workspace = context->workspace;\n");
    print_line(printer, "(void)tensors, (void)packed, (void)workspace, (void)slot;\n");
    print_buffer_pointers(printer, loop->body);
    int64_t minimum = loop->variable->minimum;
    print_counted(printer, loop, shifted(printer, "begin", minimum),
                  shifted(printer, "end", minimum));
    text_append(printer->out, "}\n\n");
    text_append(&printer->finished, text_string(&printer->function));
    printer->finished.failed |= printer->function.failed;
    printer->out = out;
    printer->depth = depth;
    printer->in_parallel = false;
}

static void print_parallel(struct printer *printer, const struct node *loop) {
    const char *prefix = printer->options->prefix;
    int number = printer->body_count++;
    print_parallel_body(printer, loop, number);
    print_line(printer, "if (threads)\n");
    print_line(printer,
               "    threads->parallel_for(threads->context, %s_body_%d, &context, %" PRId64 ");\n",
               prefix, number, loop->variable->extent);
    print_line(printer, "else\n");
    print_line(printer, "    %s_body_%d(&context, 0, %" PRId64 ", 0);\n", prefix, number,
               loop->variable->extent);
}

static void print_loop(struct printer *printer, const struct node *loop) {
    if (loop->loop == LOOP_PARALLEL && printer->parallel) {
        print_parallel(printer, loop);
        return;
    }
    int64_t minimum = loop->variable->minimum;
    print_counted(printer, loop, arena_format(printer->arena, "%" PRId64, minimum),
                  arena_format(printer->arena, "%" PRId64, minimum + loop->variable->extent));
}

void print_nodes(struct printer *printer, const struct node *node) {
    for (; node; node = node->next)
        switch (node->kind) {
        case NODE_LOOP:
            print_loop(printer, node);
            break;
        case NODE_STORE:
            print_store(printer, node);
            break;
        case NODE_TILE:
            print_tile(printer, node);
            break;
        }
}
