/* Expressions: building, text both ways, what parsing and checking refuse, rewriting. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/random.h"
#include "te/expression.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct arena arena;

static struct expression *parsed(const char *text) {
    struct expression *expression = NULL;
    struct error error = {0};
    if (expression_parse(&arena, text, &expression, &error))
        fail_msg("%s", error.message);
    return expression;
}

static void expect_print(const struct expression *expression, const char *text) {
    struct text printed = {0};
    expression_print(&printed, expression);
    assert_string_equal(text_string(&printed), text);
    text_free(&printed);
}

/* The text is what printing gives, and the expression passes its checks. */
static void round_trip(const char *text) {
    struct error error = {0};
    struct expression *expression = parsed(text);
    expect_print(expression, text);
    if (expression_check(expression, &error))
        fail_msg("%s", error.message);
}

static const char convolution[] =
    "input x[n=1, c=64, h=56, w=56] f32 variable layout n c/16 h w c%16\n"
    "input weight[k=64, c=64, r=3, s=3] f32 parameter\n"
    "input bias[k=64] f32 variable\n"
    "conv[n=1, k=64, y=56, x=56] f32 = sum(c=64, r=3, s=3)\n"
    "    select(0 <= y + r - 1 < 56, 0 <= x + s - 1 < 56, x[0, c, y + r - 1, x + s - 1], 0) * "
    "weight[k, c, r, s]\n"
    "output[n=1, k=64, y=56, x=56] f32 layout n y x k = max(conv[0, k, y, x] + bias[k], 0)\n";

static void round_trips(void **state) {
    (void)state;
    round_trip(convolution);
    round_trip("input a[i=10] f32 variable\n"
               "s[] f32 = sum(i=10)\n    a[i]\n"
               "t[] f32 = product(i=10)\n    a[i] * s[]\n"
               "u[i=10] f32 = (a[i] - (s[] - t[])) / (t[] * t[]) / (s[] / t[])\n");
    round_trip("input a[i=12, j=5] f64 variable layout i:16 j\n"
               "top[j=5] f64 = max(i=12)\n    a[i, j]\n"
               "low[j=5] f64 = min(i=12)\n    a[i, j]\n"
               "e[i=12, j=5] f64 = exp(a[i, j] - top[j]) + log(abs(low[j])) + sqrt(1e-05) + "
               "tanh(negate(a[i, j])) * erf(0.1) + min(a[i, j], -inf) - max(a[i, j], -1)\n"
               "f[i=12, j=5] f64 = select_less(a[i, j], 0, e[i, j], 1)\n");
    round_trip("input a[i=60] f32 variable\n"
               "b[i=100, j=4] f32 = select(-i + 50 >= 0, 2*i - 3*j - 1 >= 0, "
               "a[j + 4*(i / 8)], a[min(i, 59)]) + index(i % 7)\n"
               "c[i=100, j=6] f32 = a[4*((3*i + j) / 77) + 10*((i + j) % 3) + min(2*j, 9)]\n");
    round_trip("input a[i=8] s8 variable\n"
               "input b[i=8] u8 variable\n"
               "c[] s32 = sum(i=8)\n    convert(s32, a[i] + 1:s8) * convert(s32, b[i]) + index(i)\n"
               "d[i=8] f32 = convert(f32, c[] + index(i):s32) * 0.5\n"
               "e[i=8] bf16 = convert(bf16, d[i])\n");
    round_trip("input g[i=2, j=3] f32 literal layout j i = {1, 0.5, -1e-30, 0, 3, 0.10000000149}\n"
               "input.0[i=2] f32 = sum(j=3)\n    g[i, j] * g[1, j]\n");
    round_trip("input v[a=9] f32 variable\nw[b=17] f32 = v[b / 2] * 2\n");
    round_trip("input v[a=9, b=3] f32 variable\n"
               "w[a=9] f32 accumulate layout a:12 = sum(b=3)\n    v[a, b]\n");
    round_trip("input previous[a=9] f32 variable\nw[a=9] f32 = previous * 2 + previous[a]\n");
}

/* Ways of writing that mean the same. */
static void spellings(void **state) {
    (void)state;
    expect_print(parsed("input x[i=9] f32 variable  y[i=9] f32 = -x[i]*x[8 - i] + (2*(1 - x[i]))"
                        "\nz[i=9]f32=select(i==3,i>1,2>=i,y[(i+i)/2],- 4)"),
                 "input x[i=9] f32 variable\n"
                 "y[i=9] f32 = negate(x[i]) * x[-i + 8] + 2 * (1 - x[i])\n"
                 "z[i=9] f32 = select(0 <= i - 3 < 1, 0 <= i - 2 < 1, y[i], -4)\n");
}

/* Numbers keep their bits, and those that are one float have one text. */
static void numbers(void **state) {
    (void)state;
    round_trip("input x[i=9] f64 variable\n"
               "y[i=9] f64 = x[i] * -0 + nan - inf * 5e-324 + 1.7976931348623157e+308\n");
    round_trip("input x[i=9] f32 variable\n"
               "y[i=9] f32 = x[i] * 1e-45 + 3.4028235e+38 * -0 - 0.7071067811865476 + nan\n");
    expect_print(parsed("input x[i=9] f32 variable\n"
                        "y[i=9] f32 = x[i] * 0.10000000149011612 + 1.401298464324817e-45 - 1e39"
                        " + .5 * 1.e1 - -nan + 1.3e-45\n"
                        "z[i=9] f64 = 0.10000000149011612\n"),
                 "input x[i=9] f32 variable\n"
                 "y[i=9] f32 = x[i] * 0.1 + 1e-45 - inf + 0.5 * 10 - nan + 1e-45\n"
                 "z[i=9] f64 = 0.10000000149011612\n");
    assert_true(parsed("y[i=9] f32 = 0.1")->tensors[0]->body->constant == (double)0.1f);
    assert_true(signbit(parsed("y[i=9] f32 = -0.0")->tensors[0]->body->constant));
}

/* ';' is as good as a line end, and as a blank within a tensor. */
static void separators(void **state) {
    (void)state;
    expect_print(parsed("input x[i=9, j=4] f32 variable layout j i; y[i=9] f32 = sum(j=4); x[i, j];"
                        ";z[i=9] f32 layout i:12 = y[i] ;"),
                 "input x[i=9, j=4] f32 variable layout j i\n"
                 "y[i=9] f32 = sum(j=4)\n    x[i, j]\n"
                 "z[i=9] f32 layout i:12 = y[i]\n");
}

static const struct affine *axis(const struct variable *variable) {
    return affine_variable(&arena, variable);
}

/* Axes made in another order than they stand print the same. */
static void building(void **state) {
    struct expression *expression = expression_create(&arena);
    const struct variable *r = expression_axis(expression, "r", 3);
    const struct variable *y = expression_axis(expression, "y", 6);
    const struct variable *h = expression_axis(expression, "h", 8);
    const struct affine *subscript = affine_add(&arena, axis(r), axis(y));
    struct error error = {0};
    struct tensor *x, *sum, *again;
    (void)state;
    assert_int_equal(
        expression_input(expression, TENSOR_VARIABLE, "x", TYPE_F32, 1, &h, &x, &error), DLT_OK);
    assert_int_equal(expression_computed(expression, "out", 1, &y, 1, &r, COMBINE_SUM,
                                         value_read(&arena, x, &subscript), &sum, &error),
                     DLT_OK);
    expect_print(expression, "input x[h=8] f32 variable\nout[y=6] f32 = sum(r=3)\n    x[y + r]\n");
    assert_int_equal(expression_check(expression, &error), DLT_OK);
    assert_ptr_equal(expression_result(expression), sum);
    assert_ptr_equal(expression_find(expression, "x"), x);
    assert_null(expression_find(expression, "nothing"));
    assert_int_equal(
        expression_input(expression, TENSOR_VARIABLE, "x", TYPE_F32, 1, &h, &again, &error),
        DLT_ERROR_ARGUMENT);
    assert_string_equal(error.message, "tensor x: there is one of that name already");
    assert_int_equal(
        expression_input(expression, TENSOR_VARIABLE, "1x", TYPE_F32, 1, &h, &again, &error),
        DLT_ERROR_ARGUMENT);
    assert_int_equal(expression_set_layout(expression, x, "h/3 h%2", &error), DLT_ERROR_ARGUMENT);
    assert_non_null(strstr(error.message, "layout of x: 'h/3 h%2': the pieces of axis h"));
    h = expression_axis(expression, "huge", MAX_EXTENT + 1);
    assert_int_equal(
        expression_input(expression, TENSOR_VARIABLE, "z", TYPE_F32, 1, &h, &again, &error),
        DLT_ERROR_ARGUMENT);
    assert_int_equal(expression_computed(expression, "z", 1, &y, 0, NULL, COMBINE_SUM, sum->body,
                                         &again, &error),
                     DLT_ERROR_ARGUMENT);
}

static void refuse(const char *text, const char *message) {
    struct expression *expression = NULL;
    struct error error = {0};
    assert_int_equal(expression_parse(&arena, text, &expression, &error), DLT_ERROR_ARGUMENT);
    if (!strstr(error.message, message))
        fail_msg("'%s' gives '%s', expected '%s'", text, error.message, message);
}

#define INPUT "input x[i=9] f32 variable\n"

static void parse_refusals(void **state) {
    (void)state;
    refuse("", "line 1, column 1: expected a tensor, found the end");
    refuse(INPUT "y[i=9 f32 = x[i]", "line 2, column 7: expected ',', found 'f32 = x[i]'");
    refuse(INPUT "y[i=0] f32 = x[i]", "line 2, column 5: 0 must be from 1 to 2147483648");
    refuse(INPUT "y[i=9, i=9] f32 = x[i]", "line 2, column 8: there is an axis i already");
    refuse(INPUT "y[i=9] f33 = x[i]", "line 2, column 8: expected a type: f32 f64 s32 s8 u8 bf16");
    refuse(INPUT "y[i=9] f32 = x[j]", "line 2, column 16: j is not an axis here; the axes are i");
    refuse(INPUT "y[i=9] f32 = z[i]", "line 2, column 14: there is no tensor z before this one");
    refuse(INPUT "y[i=9] f32 = x[i", "line 2, column 17: expected ']' after the 1 subscripts of x");
    refuse(INPUT "y[i=9] f32 = x[i, i]", "expected ']' after the 1 subscripts of x");
    refuse(INPUT "y[i=9] f32 = x[i*i]", "column 17: one side of '*' in an index must be a number");
    refuse(INPUT "y[i=9] f32 = x[i / 0]", "column 20: 0 must be from 1");
    refuse(INPUT "y[i=9] f32 = x[i / i]", "column 20: expected a divisor, found 'i]'");
    refuse(INPUT "y[i=9] f32 = x[i*1099511627776*1099511627776]", "the index grows beyond 2^53");
    /* each side of a comparison is small enough, their difference is not */
    refuse(INPUT "y[i=9] f32 = select(i * 800000000000000 < 8000000000000000 - 5 * i, x[i], 0)",
           "the index grows beyond 2^53");
    refuse(INPUT "y[i=9] f32 = x[99999999999999999999]", "must be from 0 to");
    refuse(INPUT "y[i=9] f32 = sin(x[i])", "line 2, column 14: there is no operation sin");
    refuse(INPUT "y[i=9] f32 = exp(x[i], 1)", "column 22: expected ')', found ', 1)'");
    refuse(INPUT "y[i=9] f32 = x[i] +", "column 20: expected a value, found the end");
    refuse(INPUT "y[i=9] f32 = select(0 <= i + q < 3, x[i], 0)", "column 30: q is not an axis");
    refuse(INPUT "y[i=9] f32 = select(i >= 0, x[i])", "column 33: expected ',', found ')'");
    refuse(INPUT "y[i=9] s32 = x[i]", "tensor y is declared s32, but its body is f32");
    refuse(INPUT "x[i=9] f32 = x[i]", "line 2, column 1: tensor x: there is one of that name");
    refuse(INPUT "y[i=9] f32 layout i/2 = x[i]", "layout of y: 'i/2': the pieces of axis i");
    refuse("input g[i=3] f32 literal = {1, 2}", "column 33: expected ',', found '}'");
    refuse("input g[i=2] f32 literal = {1, 2, 3}", "column 33: expected '}', found ', 3}'");
    refuse("input g[i=2147483648, j=512] f32 literal = {1}", "the text ends before");
    refuse("input g[i=2] f32 constant", "expected 'variable', 'parameter' or 'literal'");
    refuse("input a234567890123456789012345678901234567890123456789[i=1] f32 variable",
           "a name has at most 47 characters");
    refuse("x[a=1, b=1, c=1, d=1, e=1, f=1, g=1, h=1, i=1] f32 = 0", "more than 8 axes");
}

static void deep_nesting(void **state) {
    char text[3000] = "x[i=2] f32 = ", chain[20000] = "x[i=2] f32 = 0";
    (void)state;
    memset(text + strlen(text), '(', 2500);
    refuse(text, "nested more than 200 deep");
    for (size_t end = strlen(chain); end < sizeof chain - 4; end += 3)
        memcpy(chain + end, "+ 1", 4);
    refuse(chain, "a body of more than 4096 parts");
    strcpy(text, "x[i=2] f32 = index(");
    memset(text + strlen(text), '-', 2500);
    refuse(text, "nested more than 200 deep");
}

static void refuse_check(const char *text, const char *message) {
    struct error error = {0};
    struct expression *expression = parsed(text);
    assert_int_equal(expression_check(expression, &error), DLT_ERROR_ARGUMENT);
    if (!strstr(error.message, message))
        fail_msg("'%s' gives '%s', expected '%s'", text, error.message, message);
}

static void accept_check(const char *text) {
    struct error error = {0};
    if (expression_check(parsed(text), &error))
        fail_msg("%s", error.message);
}

static void checks(void **state) {
    (void)state;
    refuse_check(INPUT, "the expression has no result");
    refuse_check(INPUT "y[i=10] f32 = x[i]",
                 "tensor y: it reads x with i for axis i, which is 0 to 9, it must be 0 to 8");
    refuse_check(INPUT "y[i=9] f32 = x[i - 1]", "i - 1 for axis i, which is -1 to 7");
    refuse_check(INPUT "y[i=9] f32 = select(0 <= i - 1 < 9, x[i], x[i - 1])", "which is -1 to 7");
    refuse_check(INPUT "y[i=12] f32 = select(i - 1 >= 0, x[i - 1], 0)", "which is 0 to 10");
    refuse_check(INPUT "y[i=9] f32 = x[i] + 1:f64",
                 "tensor y: operands 1 and 2 of + are f32 and f64, they must be of one type");
    refuse_check(INPUT "y[i=9] f32 = select_less(1:s32, 2:f32, x[i], 0)", "are s32 and f32");
    refuse_check("y[i=9] s32 = exp(index(i))", "the operand of exp is s32, it must be a floating");
    refuse_check("y[a=2147483648, b=512] f32 = sum(c=16385) 1", "terms, at most 2^53 are possible");
    refuse_check(INPUT "y[] f32 accumulate = sum(i=9) x[i]\nz[j=2] f32 = y[]",
                 "tensor y: accumulate is for the result only, z");
    refuse_check(INPUT "y[i=9] f32 accumulate = x[i]",
                 "tensor y: accumulate is for a reduction; use previous in its body");
    refuse_check(INPUT "y[i=9] f32 = previous + x[i]\nz[i=9] f32 = y[i]",
                 "tensor y: its body uses previous, which only the result's may");
    refuse_check(INPUT "y[] f32 = sum(i=9) previous * x[i]",
                 "tensor y: previous is inside of a reduction; declare the tensor accumulate");
    accept_check(INPUT "y[] f32 accumulate = sum(i=9) x[i]");
    accept_check(INPUT "y[i=10] f32 = select(0 <= i - 1 < 9, x[i - 1], 0)");
    accept_check(INPUT "y[i=20] f32 = select(i < 9, x[i], select(i < 18, x[i - 9], 0))");
    accept_check(INPUT "y[i=20] f32 = select(i >= 9, 0, x[i])");
    /* the form of a transposed convolution: (i + 3 - r) / 2 */
    accept_check(INPUT "y[i=20] f32 = sum(r=4) select(0 <= i + 1 - r < 18, "
                       "0 >= (i + 1 - r) % 2, x[(i + 1 - r) / 2], 0)");
    accept_check(INPUT "y[i=20] f32 = select(2*i <= 17, x[i], x[min(i, 8)])");
    accept_check(INPUT "y[i=20] f32 = select(20 <= i < 30, x[i], 0)");
    accept_check(INPUT "y[i=20] f32 = select(-1 >= 0, x[-1] + x[i], 0)");
}

static void foreign_reads(void **state) {
    struct expression *one = parsed(INPUT "y[i=9] f32 = x[i]"), *other = expression_create(&arena);
    const struct variable *i = expression_axis(other, "i", 9), *j = expression_axis(other, "j", 9);
    struct tensor *tensor, *out;
    const struct value *body;
    struct error error;
    const struct affine *at_i = axis(i), *at_j = axis(j);
    (void)state;
    body = value_read(&arena, expression_find(one, "x"), &at_i);
    assert_int_equal(
        expression_computed(other, "out", 1, &i, 0, NULL, COMBINE_NONE, body, &out, &error), 0);
    assert_int_equal(expression_check(other, &error), DLT_ERROR_ARGUMENT);
    assert_non_null(strstr(error.message, "it reads x, which is not before it"));
    other = expression_create(&arena);
    assert_int_equal(
        expression_input(other, TENSOR_VARIABLE, "x", TYPE_F32, 1, &j, &tensor, &error), 0);
    body = value_read(&arena, tensor, &at_j);
    assert_int_equal(
        expression_computed(other, "out", 1, &i, 0, NULL, COMBINE_NONE, body, &out, &error), 0);
    assert_int_equal(expression_check(other, &error), DLT_ERROR_ARGUMENT);
    assert_non_null(strstr(error.message, "its body uses j, which is no axis of it"));
}

/* Whatever index is built, its text reads back as the same index. */
static void random_indices(void **state) {
    struct random random;
    (void)state;
    random_seed(&random, 4);
    for (int round = 0; round < 3000; round++) {
        struct arena own;
        struct expression *expression, *again = NULL;
        const struct variable *axes[2];
        const struct affine *indices[10];
        struct tensor *tensor;
        struct text text = {0};
        struct error error = {0};
        arena_initialise(&own);
        expression = expression_create(&own);
        axes[1] = expression_axis(expression, "b", 7);
        axes[0] = expression_axis(expression, "a", 40);
        indices[0] = affine_variable(&own, axes[0]);
        indices[1] = affine_variable(&own, axes[1]);
        for (int step = 2; step < 10; step++) {
            const struct affine *a = indices[random_below(&random, (uint64_t)step)];
            const struct affine *b = indices[random_below(&random, (uint64_t)step)];
            int64_t number = 2 + (int64_t)random_below(&random, 11);
            int kind = (int)random_below(&random, 5);
            b = affine_scale(&own, b, number - 7);
            indices[step] = kind == 0   ? affine_divide(&own, a, number)
                            : kind == 1 ? affine_remainder(&own, a, number)
                            : kind == 2 ? affine_minimum(&own, a, 3 * number)
                                        : affine_add_constant(&own, affine_add(&own, a, b), number);
        }
        assert_int_equal(expression_computed(expression, "t", 2, axes, 0, NULL, COMBINE_NONE,
                                             value_index(&own, TYPE_F32, indices[9]), &tensor,
                                             &error),
                         DLT_OK);
        expression_print(&text, expression);
        if (expression_parse(&own, text_string(&text), &again, &error))
            fail_msg("%s: %s", text_string(&text), error.message);
        expect_print(again, text_string(&text));
        text_free(&text);
        arena_free(&own);
    }
}

static const struct value *double_constants(void *context, const struct value *value) {
    ++*(int *)context;
    if (value->operation != OP_CONSTANT)
        return value;
    return value_constant(&arena, value->type, 2 * value->constant);
}

static void rewriting(void **state) {
    struct expression *expression = parsed(INPUT "y[i=9] f32 = max(x[i] + 1, exp(x[i])) * 3");
    const struct value *body = expression_result(expression)->body, *rewritten;
    struct text text = {0};
    int calls = 0;
    (void)state;
    rewritten = value_rewrite(&arena, body, double_constants, &calls);
    value_print(&text, rewritten);
    assert_string_equal(text_string(&text), "max(x[i] + 2, exp(x[i])) * 6");
    assert_int_equal(calls, 8);
    assert_ptr_equal(rewritten->operands[0]->operands[1], body->operands[0]->operands[1]);
    text_free(&text);
}

/* Whatever is cut off or changed in a text, parsing answers and neither crashes nor hangs. */
static void damaged_texts(void **state) {
    size_t length = strlen(convolution);
    static const char changes[] = "([{<*/-%=0\n,";
    (void)state;
    for (size_t i = 0; i < length; i++)
        for (size_t c = 0; c < sizeof changes; c++) {
            struct arena own;
            struct expression *expression;
            struct error error = {0};
            char *text = strdup(convolution);
            arena_initialise(&own);
            text[i] = changes[c];
            if (expression_parse(&own, text, &expression, &error))
                assert_true(error.message[0] != 0);
            else
                (void)expression_check(expression, &error);
            arena_free(&own);
            free(text);
        }
}

static int set_up(void **state) {
    (void)state;
    arena_initialise(&arena);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    arena_free(&arena);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(round_trips),   cmocka_unit_test(numbers),
        cmocka_unit_test(separators),    cmocka_unit_test(spellings),
        cmocka_unit_test(building),      cmocka_unit_test(parse_refusals),
        cmocka_unit_test(deep_nesting),  cmocka_unit_test(checks),
        cmocka_unit_test(foreign_reads), cmocka_unit_test(rewriting),
        cmocka_unit_test(damaged_texts), cmocka_unit_test(random_indices),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
