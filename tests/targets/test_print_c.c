/* The printer of C: programs built by hand, their text, and what it does once TinyCC compiled
 * it. */
#include "tests/targets/printed.h"

#include <math.h>
#include <string.h>

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
           "        y_packed_b1[i_o_2] = 0.0f > t0 ? 0.0f : t0;\n"
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
            assert_true(out[c * ELEMENTS + at + 20] == affine_evaluate(cases[c], value_of, &at));
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

/* What stands under a select is not read where its condition fails, also if it needs
 * temporaries. */
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
        TEST(test_golden_text),
        TEST(test_indices),
        TEST(test_loop_bounds),
        TEST(test_shared_parts),
        TEST(test_select_guards_reads),
        TEST(test_combiners),
        TEST(test_parallel),
        TEST(test_pack_of_literals_and_parameters),
        TEST(test_other_types),
        TEST(test_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
