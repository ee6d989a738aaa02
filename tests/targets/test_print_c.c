/* The printer of C: programs built by hand, their text, and what it does once TinyCC compiled it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

static int set_up(void **state) {
    struct fixture *f = calloc(1, sizeof *f);
    arena_initialise(&f->arena);
    f->program.arena = &f->arena;
    *state = f;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *f = *state;
    arena_free(&f->arena);
    free(f);
    return 0;
}

#define RECOVER(f)                                                                                 \
    if (arena_recover(&(f)->arena))                                                                \
    fail_msg("out of memory")

static const struct variable *new_variable(struct fixture *f, const char *name, int64_t minimum,
                                           int64_t extent) {
    struct variable *v = ARENA_NEW(&f->arena, struct variable);
    *v = (struct variable){name, f->program.next_variable_id++, minimum, extent};
    return v;
}

static const struct affine *index_of(struct fixture *f, const struct variable *v) {
    return affine_variable(&f->arena, v);
}

static struct buffer *new_buffer(struct fixture *f, const char *name, enum buffer_kind kind,
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

static const struct value *read_of(struct fixture *f, const struct buffer *buffer,
                                   const struct affine *offset) {
    return value_read(&f->arena, buffer->tensor, &offset);
}

static const struct value *number(struct fixture *f, double constant) {
    return value_constant(&f->arena, TYPE_F32, constant);
}

static struct node *new_store(struct fixture *f, const struct buffer *buffer,
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

static struct node *new_loop(struct fixture *f, const struct variable *v, enum loop_kind kind,
                             struct node *body) {
    struct node *node = ARENA_NEW(&f->arena, struct node);
    node->kind = NODE_LOOP;
    node->variable = v;
    node->loop = kind;
    node->body = body;
    return node;
}

static void append_run(struct fixture *f, struct node *node) {
    if (f->last)
        f->last->next = node;
    else
        f->program.run = node;
    f->last = node;
}

/* The text; the caller frees it. */
static struct text print(struct fixture *f, const struct program_code *code, bool bytes) {
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

static void compile(struct fixture *f, const struct program_code *code, bool bytes,
                    struct compiled *compiled) {
    static const struct program_code none;
    struct error error = {.status = DLT_OK};
    struct text text = print(f, code, bytes);
    if (compile_c(text_string(&text), "p", code && !bytes ? code : &none, compiled, &error))
        fail_msg("%s in\n%s", error.message, text_string(&text));
    text_free(&text);
}

static void run(struct fixture *f, void *const *tensors, void *workspace,
                const dlt_threads *threads) {
    struct compiled compiled;
    compile(f, NULL, false, &compiled);
    assert_int_equal(((kernel_run *)compiled.run)(tensors, NULL, workspace, threads), 0);
    code_memory_free(&compiled.memory);
}

/* The text of the functions of a program, without what comes before them. */
static void assert_functions(struct fixture *f, const char *expected) {
    struct text text = print(f, NULL, false);
    const char *functions = strstr(text_string(&text), "int p_run");
    assert_non_null(functions);
    assert_string_equal(functions, expected);
    text_free(&text);
}

static void test_golden_text(void **state) {
    struct fixture *f = *state;
    RECOVER(f);
    const struct buffer *x = new_buffer(f, "x", BUFFER_INPUT, TYPE_F32, 0);
    const struct buffer *y = new_buffer(f, "y.packed", BUFFER_OUTPUT, TYPE_F32, 1);
    const struct variable *i = new_variable(f, "i.o", 0, 7);
    const struct affine *at =
        affine_add_constant(&f->arena, affine_scale(&f->arena, index_of(f, i), 4), 3);
    const struct value *twice =
        value_binary(&f->arena, OP_MULTIPLY, read_of(f, x, at), number(f, 2));
    const struct value *body = value_binary(&f->arena, OP_MAXIMUM, twice, number(f, 0));
    append_run(f, new_loop(f, i, LOOP_SERIAL, new_store(f, y, index_of(f, i), COMBINE_NONE, body)));
    assert_functions(
        f, "int p_run(void *const *tensors, const void *packed_block, void *workspace_block,\n"
           "    const struct p_threads *threads) {\n"
           "    const char *packed = packed_block;\n"
           "    char *workspace = workspace_block;\n"
           "    (void)tensors, (void)packed, (void)workspace, (void)threads;\n"
           "    const float *x_b0 = tensors[0];\n"
           "    float *y_packed_b1 = tensors[1];\n"
           "    for (long i_o_2 = 0; i_o_2 < 7; i_o_2++) {\n"
           "        float t0 = x_b0[4 * i_o_2 + 3] * 2.0f;\n"
           "        y_packed_b1[i_o_2] = t0 > 0.0f ? t0 : 0.0f;\n"
           "    }\n"
           "    return 0;\n"
           "}\n");
}

static int64_t value_of(const void *context, const struct variable *variable) {
    (void)variable;
    return *(const int64_t *)context;
}

/* y[j * 64 + i - minimum] = index j, over i. */
static void test_indices(void **state) {
    struct fixture *f = *state;
    RECOVER(f);
    struct arena *arena = &f->arena;
    const struct buffer *y = new_buffer(f, "y", BUFFER_OUTPUT, TYPE_F64, 0);
    const struct variable *i = new_variable(f, "i", -20, 41);
    const struct affine *v = index_of(f, i), *minus = affine_scale(arena, v, -1);
    const struct affine *third = affine_divide(arena, affine_add_constant(arena, minus, 1), 3);
    const struct affine *cases[] = {
        affine_constant(arena, -5),
        affine_scale(arena, minus, 7),
        affine_divide(arena, v, 3),
        affine_divide(arena, v, 20),
        affine_divide(arena, affine_add_constant(arena, v, 20), 7),
        affine_scale(arena, third, -2),
        affine_remainder(arena, v, 7),
        affine_subtract(arena, affine_remainder(arena, minus, 6), third),
        affine_minimum(arena, v, 4),
        affine_scale(arena, affine_minimum(arena, affine_scale(arena, v, 2), -3), 5),
        affine_remainder(arena, affine_add(arena, third, v), 5),
        affine_divide(arena, affine_minimum(arena, v, 9), 4),
    };
    enum {
        CASES = sizeof cases / sizeof cases[0]
    };
    struct node *first = NULL, **next = &first;
    for (int c = 0; c < CASES; c++) {
        const struct affine *at = affine_add_constant(arena, v, c * ELEMENTS + 20);
        *next = new_store(f, y, at, COMBINE_NONE, value_index(arena, TYPE_F64, cases[c]));
        next = &(*next)->next;
    }
    append_run(f, new_loop(f, i, LOOP_SERIAL, first));
    double out[CASES * ELEMENTS] = {0};
    run(f, (void *[]){out}, NULL, NULL);
    for (int c = 0; c < CASES; c++)
        for (int64_t at = -20; at <= 20; at++)
            assert_int_equal(out[c * ELEMENTS + at + 20], affine_evaluate(cases[c], value_of, &at));
}

/* Counts the trips of an inner loop with bounds, and compares with trying each value. */
static void test_loop_bounds(void **state) {
    struct fixture *f = *state;
    RECOVER(f);
    struct arena *arena = &f->arena;
    const struct buffer *y = new_buffer(f, "y", BUFFER_OUTPUT, TYPE_F32, 0);
    const struct variable *i = new_variable(f, "i", 0, 30), *r = new_variable(f, "r", -2, 9);
    const struct affine *vi = index_of(f, i), *vr = index_of(f, r);
    const struct affine *bounds[] = {
        affine_add_constant(arena, affine_add(arena, affine_scale(arena, vr, 3), vi), -11),
        affine_add_constant(arena, affine_subtract(arena, vi, affine_scale(arena, vr, 4)), -2),
        affine_add_constant(arena, affine_scale(arena, vi, -1), 25), /* not about r */
    };
    struct node *inner =
        new_loop(f, r, LOOP_UNROLLED, new_store(f, y, vi, COMBINE_SUM, number(f, 1)));
    inner->bound_count = 3;
    inner->bounds = bounds;
    append_run(f, new_loop(f, i, LOOP_SERIAL, inner));
    float out[30] = {0};
    run(f, (void *[]){out}, NULL, NULL);
    for (int a = 0; a < 30; a++) {
        int trips = 0;
        for (int b = -2; b < 7; b++)
            trips += 3 * b + a - 11 >= 0 && a - 4 * b - 2 >= 0 && 25 - a >= 0;
        assert_int_equal(out[a], trips);
    }
}

static const struct value *operation(struct fixture *f, enum operation operation,
                                     const struct value *a, const struct value *b) {
    return operations[operation].operand_count == 1 ? value_unary(&f->arena, operation, a)
                                                    : value_binary(&f->arena, operation, a, b);
}

/* y[i] = operation(x[i], x[i + 1]) */
static void apply(struct fixture *f, enum operation op, const float *in, float *out,
                  int64_t count) {
    const struct buffer *x = new_buffer(f, "x", BUFFER_INPUT, TYPE_F32, 0);
    const struct buffer *y = new_buffer(f, "y", BUFFER_OUTPUT, TYPE_F32, 1);
    const struct variable *i = new_variable(f, "i", 0, count);
    const struct affine *v = index_of(f, i);
    const struct value *a = read_of(f, x, v);
    const struct value *b = read_of(f, x, affine_add_constant(&f->arena, v, 1));
    append_run(
        f, new_loop(f, i, LOOP_SERIAL, new_store(f, y, v, COMBINE_NONE, operation(f, op, a, b))));
    run(f, (void *[]){(void *)(uintptr_t)in, out}, NULL, NULL);
}

static float ulps_between(float value, double exact) {
    if (isnan(exact) || isinf((float)exact))
        return (isnan(exact) && isnan(value)) || value == (float)exact ? 0 : INFINITY;
    float magnitude = fmaxf(fabsf((float)exact), 0x1p-126f);
    return (float)(fabs((double)value - exact) / (nextafterf(magnitude, INFINITY) - magnitude));
}

/* Over inputs from -scale to scale and what is special. */
static void check_operation(enum operation op, float ulps, double scale) {
    enum {
        COUNT = 4001
    };
    static float in[COUNT + 1], out[COUNT];
    void *state;
    set_up(&state);
    struct fixture *f = state;
    RECOVER(f);
    for (int i = 0; i <= COUNT; i++)
        in[i] = (float)(scale * ((i * 7919 % COUNT) - COUNT / 2) / (COUNT / 2));
    in[3] = INFINITY, in[9] = -INFINITY, in[15] = NAN, in[21] = -0.0f, in[27] = 0;
    apply(f, op, in, out, COUNT);
    for (int i = 0; i < COUNT; i++) {
        double exact = operations[op].evaluate((double[]){in[i], in[i + 1]});
        if (ulps_between(out[i], exact) > ulps)
            fail_msg("%s(%g, %g) = %.9g, not %.9g", operations[op].name, in[i], in[i + 1], out[i],
                     exact);
    }
    tear_down(&state);
}

static void test_operations(void **state) {
    static const struct {
        enum operation operation;
        float ulps;
        double scale;
    } cases[] = {
        {OP_ADD, 0.51f, 3},
        {OP_SUBTRACT, 0.51f, 3},
        {OP_MULTIPLY, 0.51f, 3},
        {OP_DIVIDE, 0.51f, 3},
        {OP_MINIMUM, 0, 3},
        {OP_MAXIMUM, 0, 3},
        {OP_NEGATE, 0, 3},
        {OP_ABSOLUTE, 0, 3},
        {OP_SQUARE_ROOT, 0.51f, 1e30},
        {OP_SQUARE_ROOT, 0.51f, 1e-41},
        {OP_EXPONENTIAL, 2, 110},
        {OP_EXPONENTIAL, 2, 1},
        {OP_LOGARITHM, 2, 1e-40},
        {OP_LOGARITHM, 2, 1e38},
        {OP_LOGARITHM, 2, 2},
        {OP_TANH, 4, 12},
        {OP_TANH, 4, 1e-3},
        {OP_TANH, 4, 1},
        {OP_ERF, 4, 8},
        {OP_ERF, 4, 1e-3},
        {OP_ERF, 4, 1},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        check_operation(cases[i].operation, cases[i].ulps, cases[i].scale);
}

/* v = v * v - v, 40 times: 2^40 parts as a tree. */
static void test_shared_parts(void **state) {
    struct fixture *f = *state;
    RECOVER(f);
    const struct buffer *x = new_buffer(f, "x", BUFFER_INPUT, TYPE_F32, 0);
    const struct buffer *y = new_buffer(f, "y", BUFFER_OUTPUT, TYPE_F32, 1);
    const struct value *v = read_of(f, x, affine_constant(&f->arena, 5));
    float in[6] = {[5] = 0.7f}, out[1], expected = in[5];
    for (int i = 0; i < 40; i++) {
        v = operation(f, OP_SUBTRACT, operation(f, OP_MULTIPLY, v, v), v);
        expected = expected * expected - expected;
    }
    append_run(f, new_store(f, y, affine_constant(&f->arena, 0), COMBINE_NONE, v));
    run(f, (void *[]){in, out}, NULL, NULL);
    assert_true(fabsf(out[0] - expected) < 1e-4f);
}

/* What stands under a select is not read where its condition fails, also if it needs temporaries.
 */
static void test_select_guards_reads(void **state) {
    struct fixture *f = *state;
    RECOVER(f);
    struct arena *arena = &f->arena;
    const struct buffer *x = new_buffer(f, "x", BUFFER_INPUT, TYPE_F32, 0);
    const struct buffer *y = new_buffer(f, "y", BUFFER_OUTPUT, TYPE_F32, 1);
    const struct variable *i = new_variable(f, "i", 0, 10);
    const struct affine *v = index_of(f, i);
    const struct affine *far = affine_scale(arena, affine_add_constant(arena, v, -4), 1 << 30);
    const struct affine *inside[] = {affine_add_constant(arena, v, -4),
                                     affine_add_constant(arena, affine_scale(arena, v, -1), 4)};
    const struct value *read = read_of(f, x, far);
    const struct value *square = operation(f, OP_MULTIPLY, read, read);
    const struct value *select = value_select(arena, 2, inside, square, number(f, -1));
    const struct value *plain = value_select(arena, 2, inside, read_of(f, x, far), number(f, 3));
    struct node *store = new_store(
        f, y, v, COMBINE_NONE, operation(f, OP_ADD, operation(f, OP_ADD, select, select), plain));
    store->next = new_store(f, y, affine_add_constant(arena, v, 10), COMBINE_NONE, read);
    store->next->condition_count = 2;
    store->next->conditions = inside;
    append_run(f, new_loop(f, i, LOOP_SERIAL, store));
    float in[1] = {5}, out[20] = {0};
    run(f, (void *[]){in, out}, NULL, NULL);
    for (int a = 0; a < 10; a++) {
        assert_float_equal(out[a], a == 4 ? 55 : 1, 0);
        assert_float_equal(out[10 + a], a == 4 ? 5 : 0, 0);
    }
}

static void test_combiners(void **state) {
    struct fixture *f = *state;
    RECOVER(f);
    const struct buffer *x = new_buffer(f, "x", BUFFER_INPUT, TYPE_F32, 0);
    const struct buffer *y = new_buffer(f, "y", BUFFER_OUTPUT, TYPE_F32, 1);
    const struct variable *i = new_variable(f, "i", 0, 5);
    struct node *first = NULL, **next = &first;
    for (int c = COMBINE_SUM; c < COMBINER_COUNT; c++) {
        const struct affine *at = affine_constant(&f->arena, c);
        append_run(f, new_store(f, y, at, COMBINE_NONE, number(f, combiners[c].identity)));
        *next = new_store(f, y, at, (enum combiner)c, read_of(f, x, index_of(f, i)));
        next = &(*next)->next;
    }
    append_run(f, new_loop(f, i, LOOP_SERIAL, first));
    float in[5] = {3, -2, 7, 0.5f, 1}, out[COMBINER_COUNT];
    run(f, (void *[]){in, out}, NULL, NULL);
    assert_float_equal(out[COMBINE_SUM], 9.5f, 0);
    assert_float_equal(out[COMBINE_PRODUCT], -21, 0);
    assert_float_equal(out[COMBINE_MAXIMUM], 7, 0);
    assert_float_equal(out[COMBINE_MINIMUM], -2, 0);
}

struct shares {
    int calls;
};

/* Three shares, the last first, with different slots. */
static void three_shares(void *context, dlt_loop_body *body, void *body_context, long count) {
    struct shares *shares = context;
    for (long s = 2; s >= 0; s--, shares->calls++)
        body(body_context, count * s / 3, count * (s + 1) / 3, s);
}

/* private[0] = x[i]; y[i] = private[0] * 10 + shared[0] in a parallel loop from 2 on. */
static void test_parallel(void **state) {
    struct fixture *f = *state;
    RECOVER(f);
    const struct buffer *x = new_buffer(f, "x", BUFFER_INPUT, TYPE_F32, 0);
    const struct buffer *y = new_buffer(f, "y", BUFFER_OUTPUT, TYPE_F32, 1);
    const struct buffer *shared = new_buffer(f, "s", BUFFER_SHARED, TYPE_F32, 0);
    const struct buffer *private = new_buffer(f, "s", BUFFER_PRIVATE, TYPE_F32, 0);
    f->program.shared_bytes = 64;
    f->program.private_bytes = 64;
    const struct variable *i = new_variable(f, "i", 2, 11);
    const struct affine *v = index_of(f, i), *zero = affine_constant(&f->arena, 0);
    append_run(f, new_store(f, shared, zero, COMBINE_NONE, number(f, 0.5)));
    struct node *body = new_store(f, private, zero, COMBINE_NONE, read_of(f, x, v));
    const struct value *ten = operation(f, OP_MULTIPLY, read_of(f, private, zero), number(f, 10));
    body->next =
        new_store(f, y, v, COMBINE_SUM, operation(f, OP_ADD, ten, read_of(f, shared, zero)));
    struct node *loop = new_loop(f, i, LOOP_PARALLEL, body);
    const struct affine *bounds[] = {
        affine_add_constant(&f->arena, affine_scale(&f->arena, v, -1), 11)};
    loop->bound_count = 1;
    loop->bounds = bounds;
    append_run(f, loop);
    float in[13], alone[13] = {0}, together[13] = {0}, workspace[4 * 16] = {0};
    for (int a = 0; a < 13; a++)
        in[a] = (float)a;
    struct shares shares = {0};
    dlt_threads threads = {&shares, 3, three_shares};
    run(f, (void *[]){in, alone}, workspace, NULL);
    run(f, (void *[]){in, together}, workspace, &threads);
    assert_int_equal(shares.calls, 3);
    for (int a = 0; a < 13; a++) {
        assert_float_equal(alone[a], a >= 2 && a < 12 ? 10.0f * a + 0.5f : 0, 0);
        assert_float_equal(together[a], alone[a], 0);
    }
    assert_float_equal(workspace[3 * 16], 11, 0); /* the last trip of slot 2 */
}

static void test_pack_of_literals_and_parameters(void **state) {
    struct fixture *f = *state;
    RECOVER(f);
    struct compiled compiled;
    double numbers[ELEMENTS] = {0.1, -INFINITY, 1e-45, -0.0, 3};
    struct buffer *l = new_buffer(f, "l", BUFFER_LITERAL, TYPE_F32, 0);
    ((struct tensor *)(uintptr_t)l->tensor)->literal = numbers;
    const struct buffer *w = new_buffer(f, "w", BUFFER_PARAMETER, TYPE_F32, 0);
    struct buffer *p = new_buffer(f, "packed", BUFFER_PACKED, TYPE_F32, 0);
    p->offset = 64;
    const struct variable *i = new_variable(f, "i", 0, 5);
    const struct affine *v = index_of(f, i);
    const struct value *sum = operation(f, OP_ADD, read_of(f, l, v), read_of(f, w, v));
    f->program.pack = new_loop(f, i, LOOP_PARALLEL, new_store(f, p, v, COMBINE_NONE, sum));
    float weight[5] = {1, 2, 0, -0.0f, 4}, packed[32] = {0};
    compile(f, NULL, false, &compiled);
    const void *parameters[] = {weight};
    assert_int_equal(((kernel_pack *)compiled.pack)(parameters, packed), 0);
    code_memory_free(&compiled.memory);
    for (int a = 0; a < 5; a++)
        assert_true(packed[16 + a] == (float)numbers[a] + weight[a]);
    assert_true(signbit(packed[16 + 3]));
    assert_true(packed[0] == 0 && packed[21] == 0);
}

static void test_other_types(void **state) {
    struct fixture *f = *state;
    RECOVER(f);
    const struct buffer *x = new_buffer(f, "x", BUFFER_INPUT, TYPE_S8, 0);
    const struct buffer *b = new_buffer(f, "b", BUFFER_INPUT, TYPE_BF16, 1);
    const struct buffer *y = new_buffer(f, "y", BUFFER_OUTPUT, TYPE_S8, 2);
    const struct buffer *z = new_buffer(f, "z", BUFFER_OUTPUT, TYPE_BF16, 3);
    const struct buffer *s = new_buffer(f, "s", BUFFER_OUTPUT, TYPE_S32, 4);
    const struct affine *zero = affine_constant(&f->arena, 0);
    const struct value *a = read_of(f, x, zero);
    append_run(f, new_store(f, y, zero, COMBINE_NONE, operation(f, OP_ADD, a, a)));
    append_run(f, new_store(f, z, zero, COMBINE_SUM, read_of(f, b, zero)));
    append_run(f, new_store(f, z, zero, COMBINE_MAXIMUM, value_constant(&f->arena, TYPE_BF16, 2)));
    const struct value *least = value_constant(&f->arena, TYPE_S32, -INFINITY);
    append_run(f, new_store(f, s, zero, COMBINE_NONE, least));
    append_run(f, new_store(f, s, affine_constant(&f->arena, 1), COMBINE_NONE,
                            value_convert(&f->arena, TYPE_S32, read_of(f, b, zero))));
    int8_t in = 100, out = 0;
    uint16_t one_and = 0x3f81, sum = 0x3f80; /* 1.0078125 + 1 rounds to 2 */
    int32_t integers[2] = {0};
    run(f, (void *[]){&in, &one_and, &out, &sum, integers}, NULL, NULL);
    assert_int_equal(out, -56);
    assert_int_equal(sum, 0x4000);
    assert_int_equal(integers[0], INT32_MIN);
    assert_int_equal(integers[1], 1);
}

/* A tile that is not a vector program: loops around a local array. */
static struct tile *new_tile(struct fixture *f, int variants) {
    struct tile *tile = ARENA_NEW(&f->arena, struct tile);
    tile->variant_count = variants;
    tile->variants = ARENA_ARRAY(&f->arena, struct tile_variant, (size_t)variants);
    f->program.tiles[f->program.tile_count++] = tile;
    return tile;
}

static struct node *new_tile_node(struct fixture *f, struct tile *tile, struct node *body) {
    struct node *node = ARENA_NEW(&f->arena, struct node);
    node->kind = NODE_TILE;
    node->tile = tile;
    node->body = body;
    return node;
}

static void test_tile_of_loops(void **state) {
    struct fixture *f = *state;
    RECOVER(f);
    const struct buffer *x = new_buffer(f, "x", BUFFER_INPUT, TYPE_F32, 0);
    const struct buffer *y = new_buffer(f, "y", BUFFER_OUTPUT, TYPE_F32, 1);
    const struct buffer *sum = new_buffer(f, "sum", BUFFER_TILE, TYPE_F32, 0);
    const struct variable *i = new_variable(f, "i", 0, 6), *r = new_variable(f, "r", 0, 4);
    const struct affine *zero = affine_constant(&f->arena, 0);
    const struct affine *at =
        affine_add(&f->arena, affine_scale(&f->arena, index_of(f, i), 4), index_of(f, r));
    struct node *body = new_store(f, sum, zero, COMBINE_NONE, number(f, 0));
    body->next =
        new_loop(f, r, LOOP_VECTORISED, new_store(f, sum, zero, COMBINE_SUM, read_of(f, x, at)));
    body->next->next = new_store(f, y, index_of(f, i), COMBINE_NONE, read_of(f, sum, zero));
    struct tile *tile = new_tile(f, 1);
    tile->variants[0].body = body;
    append_run(f, new_loop(f, i, LOOP_SERIAL, new_tile_node(f, tile, body)));
    float in[24], out[6];
    for (int a = 0; a < 24; a++)
        in[a] = (float)a;
    run(f, (void *[]){in, out}, NULL, NULL);
    for (int a = 0; a < 6; a++)
        assert_float_equal(out[a], 16 * a + 6, 0);
}

#ifdef __x86_64__
/* mov rax,[rdi]; mov ecx,[rdi+8]; mov [rax],ecx; mov ecx,[rdi+16]; mov [rax+4],ecx;
 * mov dword [rax+8],N; ret: stores two words and a number at the pointer. */
static struct machine_code tile_bytes(struct fixture *f, unsigned char number) {
    const unsigned char bytes[] = {0x48, 0x8b,   0x07, 0x8b, 0x4f, 0x08, 0x89, 0x08,
                                   0x8b, 0x4f,   0x10, 0x89, 0x48, 0x04, 0xc7, 0x40,
                                   0x08, number, 0,    0,    0,    0xc3};
    return (struct machine_code){.bytes = arena_copy(&f->arena, bytes, sizeof bytes),
                                 .size = sizeof bytes,
                                 .code_size = sizeof bytes};
}

/* Two selectors: i >= 3, i >= 6 and j >= 1; variants 0 1 / 2 3 / 4 5, of which 3 does nothing. */
static struct program_code make_tiles(struct fixture *f, const struct buffer *y) {
    struct arena *arena = &f->arena;
    static const int64_t thresholds[] = {3, 6}, one[] = {1};
    static const int codes[] = {0, 1, 1, -1, 0, 2};
    static struct vector_program vectors;
    const struct variable *i = new_variable(f, "i", 0, 8), *j = new_variable(f, "j", 0, 2);
    const struct variable *r = new_variable(f, "r", 0, 5);
    const struct affine *vi = index_of(f, i), *vr = index_of(f, r);
    struct tile *tile = new_tile(f, 6);
    const struct affine **bounds = ARENA_ARRAY(arena, const struct affine *, 2);
    bounds[0] = affine_add_constant(arena, affine_add(arena, vr, vi), -2);
    bounds[1] = affine_add_constant(arena, affine_scale(arena, affine_add(arena, vr, vi), -1), 5);
    struct node *loop =
        new_loop(f, r, LOOP_SERIAL, new_store(f, y, vi, COMBINE_NONE, number(f, 0)));
    loop->bounds = bounds;
    loop->bound_count = 2;
    for (int v = 0; v < 6; v++)
        if (codes[v] >= 0)
            tile->variants[v] = (struct tile_variant){loop, &vectors, codes[v]};
    tile->selector_count = 2;
    tile->selectors = ARENA_ARRAY(arena, struct tile_selector, 2);
    tile->selectors[0] = (struct tile_selector){vi, 2, thresholds};
    tile->selectors[1] = (struct tile_selector){index_of(f, j), 1, one};
    tile->word_count = 3;
    tile->words = ARENA_ARRAY(arena, struct tile_word, 3);
    const struct affine *at =
        affine_add(arena, affine_scale(arena, vi, 6), affine_scale(arena, index_of(f, j), 3));
    tile->words[0] = (struct tile_word){.buffer = y, .offset = at};
    tile->words[1] = (struct tile_word){.loop = loop};
    tile->words[2] = (struct tile_word){.loop = loop, .is_end = true};
    append_run(
        f, new_loop(f, i, LOOP_SERIAL, new_loop(f, j, LOOP_SERIAL, new_tile_node(f, tile, loop))));
    struct program_code code = {3, ARENA_ARRAY(arena, struct machine_code, 3)};
    for (int c = 0; c < 3; c++)
        code.codes[c] = tile_bytes(f, (unsigned char)(10 + c));
    return code;
}

static void check_tiles(const int32_t *out) {
    static const int codes[3][2] = {{10, 11}, {11, 0}, {10, 12}};
    for (int i = 0; i < 8; i++)
        for (int j = 0; j < 2; j++) {
            const int32_t *stored = out + 6 * i + 3 * j;
            int code = codes[(i >= 3) + (i >= 6)][j];
            int begin = i < 2 ? 2 - i : 0, end = 6 - i < 5 ? 6 - i : 5;
            assert_int_equal(stored[2], code);
            assert_int_equal(stored[0], code ? begin : 0);
            assert_int_equal(stored[1], code ? (end > begin ? end : begin) : 0);
        }
}

static void test_calls_of_tiles(void **state) {
    struct fixture *f = *state;
    RECOVER(f);
    const struct buffer *y = new_buffer(f, "y", BUFFER_OUTPUT, TYPE_S32, 0);
    struct program_code code = make_tiles(f, y);
    for (int bytes = 0; bytes < 2; bytes++) {
        struct compiled compiled;
        int32_t out[48] = {0};
        compile(f, &code, bytes, &compiled);
        assert_int_equal(((kernel_run *)compiled.run)((void *[]){out}, NULL, NULL, NULL), 0);
        assert_int_equal(compiled.tile_bytes, bytes ? 0 : 3 * 64);
        code_memory_free(&compiled.memory);
        check_tiles(out);
    }
}

/* Whatever C compilers there are take the text without a warning, and keep tiles to themselves. */
static void test_other_compilers(void **state) {
    static const char *const compilers[] = {"gcc", "clang", "tcc"};
    struct fixture *f = *state;
    RECOVER(f);
    struct program_code code = make_tiles(f, new_buffer(f, "y", BUFFER_OUTPUT, TYPE_S32, 0));
    const struct buffer *x = new_buffer(f, "x", BUFFER_INPUT, TYPE_F32, 1);
    const struct buffer *z = new_buffer(f, "z", BUFFER_OUTPUT, TYPE_F32, 2);
    const struct variable *i = new_variable(f, "k", 0, 5);
    const struct value *v = read_of(f, x, index_of(f, i));
    for (int o = OP_ABSOLUTE; o <= OP_ERF; o++)
        v = operation(f, (enum operation)o, v, NULL);
    append_run(f,
               new_loop(f, i, LOOP_PARALLEL, new_store(f, z, index_of(f, i), COMBINE_MAXIMUM, v)));
    struct text text = print(f, &code, true);
    char folder[] = "/tmp/dltune-test-XXXXXX", path[64], command[512];
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/unit.c", folder);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text_string(&text), file);
    fclose(file);
    for (size_t c = 0; c < sizeof compilers / sizeof compilers[0]; c++) {
        snprintf(command, sizeof command, "command -v %s >/dev/null", compilers[c]);
        if (system(command) != 0)
            continue;
        snprintf(command, sizeof command,
                 "cd %s && %s -Wall -Wextra -Werror -fPIC -c unit.c -o unit.o && cc -shared unit.o "
                 "-o unit.so"
                 " && nm -D unit.so | grep -q p_run && ! nm -D unit.so | grep p_tile",
                 folder, compilers[c]);
        if (system(command) != 0)
            fail_msg("%s does not compile\n%s", compilers[c], text_string(&text));
    }
    snprintf(command, sizeof command, "rm -r %s", folder);
    assert_int_equal(system(command), 0);
    text_free(&text);
}
#endif

static void test_compiler_messages(void **state) {
    static const struct program_code none;
    struct compiled compiled;
    struct error error = {.status = DLT_OK};
    (void)state;
    assert_int_equal(compile_c("int p_run(void) { return x; }", "p", &none, &compiled, &error),
                     DLT_ERROR_COMPILE);
    assert_non_null(strstr(error.message, "'x' undeclared"));
    assert_null(compiled.memory.code);
    assert_int_equal(compile_c("int p_run(void) { return y(); }", "p", &none, &compiled, &error),
                     DLT_ERROR_COMPILE);
    assert_non_null(strstr(error.message, "'y'"));
    assert_int_equal(compile_c("int p_run(void) { return 0; }", "p", &none, &compiled, &error),
                     DLT_ERROR_COMPILE);
    assert_non_null(strstr(error.message, "p_pack"));
}

static void test_out_of_memory(void **state) {
    struct fixture *f = *state;
    RECOVER(f);
    const struct buffer *y = new_buffer(f, "y", BUFFER_OUTPUT, TYPE_F32, 0);
    const struct variable *i = new_variable(f, "i", 0, 7);
    append_run(f, new_loop(f, i, LOOP_PARALLEL,
                           new_store(f, y, index_of(f, i), COMBINE_NONE, number(f, 0))));
    struct print_c_options options = {.prefix = "p"};
    struct error error;
    for (size_t spare = 0; spare < 64; spare += 16) {
        struct text text = {0};
        f->arena.limit = f->arena.used + spare;
        assert_int_equal(print_c(&f->arena, &f->program, &options, &text, &error),
                         DLT_ERROR_MEMORY);
        f->arena.limit = 0;
        text_free(&text);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_golden_text, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_indices, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_loop_bounds, set_up, tear_down),
        cmocka_unit_test(test_operations),
        cmocka_unit_test_setup_teardown(test_shared_parts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_select_guards_reads, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_combiners, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_parallel, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_pack_of_literals_and_parameters, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_other_types, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_tile_of_loops, set_up, tear_down),
#ifdef __x86_64__
        cmocka_unit_test_setup_teardown(test_calls_of_tiles, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_other_compilers, set_up, tear_down),
#endif
        cmocka_unit_test(test_compiler_messages),
        cmocka_unit_test_setup_teardown(test_out_of_memory, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
