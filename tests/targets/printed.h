/* Programs built by hand for tests of the printer of C, and what they do once TinyCC compiled
 * them. */
#ifndef TESTS_TARGETS_PRINTED_H
#define TESTS_TARGETS_PRINTED_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "targets/c/print_c.h"
#include "targets/jit/compile.h"

enum {
    ELEMENTS = 64
};

struct fixture {
    struct arena arena;
    struct program program;
    struct node *last; /* of the run program */
};

static inline int set_up(void **state) {
    struct fixture *f = calloc(1, sizeof *f);
    arena_initialise(&f->arena);
    f->program.arena = &f->arena;
    *state = f;
    return 0;
}

static inline int tear_down(void **state) {
    struct fixture *f = *state;
    arena_free(&f->arena);
    free(f);
    return 0;
}

#define RECOVER(f)                                                                                 \
    if (arena_recover(&(f)->arena))                                                                \
    fail_msg("out of memory")

static inline const struct variable *new_variable(struct fixture *f, const char *name,
                                                  int64_t minimum, int64_t extent) {
    struct variable *v = ARENA_NEW(&f->arena, struct variable);
    *v = (struct variable){name, f->program.next_variable_id++, minimum, extent};
    return v;
}

static inline const struct affine *index_of(struct fixture *f, const struct variable *v) {
    return affine_variable(&f->arena, v);
}

static inline struct buffer *new_buffer(struct fixture *f, const char *name, enum buffer_kind kind,
                                        enum data_type type, int argument) {
    struct tensor *tensor = ARENA_NEW(&f->arena, struct tensor);
    struct buffer *buffer = ARENA_NEW(&f->arena, struct buffer);
    int64_t extent = ELEMENTS;
    *tensor = (struct tensor){.name = name, .type = type, .rank = 1};
    tensor->axes[0] = new_variable(f, "i", 0, extent);
    assert_int_equal(layout_plain(&tensor->layout, 1, &extent, NULL), DLT_OK);
    *buffer = (struct buffer){.name = name,
                              .kind = kind,
                              .type = type,
                              .elements = ELEMENTS,
                              .argument = argument,
                              .tensor = tensor};
    f->program.buffers[f->program.buffer_count++] = buffer;
    return buffer;
}

static inline const struct value *read_of(struct fixture *f, const struct buffer *buffer,
                                          const struct affine *offset) {
    return value_read(&f->arena, buffer->tensor, &offset);
}

static inline const struct value *number(struct fixture *f, double constant) {
    return value_constant(&f->arena, TYPE_F32, constant);
}

static inline struct node *new_store(struct fixture *f, const struct buffer *buffer,
                                     const struct affine *offset, enum combiner combiner,
                                     const struct value *value) {
    struct node *node = ARENA_NEW(&f->arena, struct node);
    node->kind = NODE_STORE;
    node->buffer = buffer;
    node->offset = offset;
    node->combiner = combiner;
    node->value = value;
    return node;
}

static inline struct node *new_loop(struct fixture *f, const struct variable *v,
                                    enum loop_kind kind, struct node *body) {
    struct node *node = ARENA_NEW(&f->arena, struct node);
    node->kind = NODE_LOOP;
    node->variable = v;
    node->loop = kind;
    node->body = body;
    return node;
}

static inline void append_run(struct fixture *f, struct node *node) {
    if (f->last)
        f->last->next = node;
    else
        f->program.run = node;
    f->last = node;
}

/* The text; the caller frees it. */
static inline struct text print(struct fixture *f, const struct program_code *code, bool bytes) {
    struct error error = {.status = DLT_OK};
    struct text text = {0};
    struct print_c_options options = {.prefix = "p", .tiles_as_bytes = bytes};
    if (code) {
        options.code_count = code->count;
        options.codes = code->codes;
    }
    assert_int_equal(print_c(&f->arena, &f->program, &options, &text, &error), DLT_OK);
    return text;
}

static inline void compile(struct fixture *f, const struct program_code *code, bool bytes,
                           struct compiled *compiled) {
    static const struct program_code none;
    struct error error = {.status = DLT_OK};
    struct text text = print(f, code, bytes);
    if (compile_c(text_string(&text), "p", NULL, code && !bytes ? code : &none, compiled, &error))
        fail_msg("%s in\n%s", error.message, text_string(&text));
    text_free(&text);
}

static inline void run(struct fixture *f, void *const *tensors, void *workspace,
                       const dlt_threads *threads) {
    struct compiled compiled;
    compile(f, NULL, false, &compiled);
    assert_int_equal(((kernel_run *)compiled.run)(tensors, NULL, workspace, threads), 0);
    code_memory_free(&compiled.memory);
}

static inline const struct value *operation(struct fixture *f, enum operation operation,
                                            const struct value *a, const struct value *b) {
    return operations[operation].operand_count == 1 ? value_unary(&f->arena, operation, a)
                                                    : value_binary(&f->arena, operation, a, b);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#endif
