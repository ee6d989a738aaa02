/* Each operation as the printer of C writes it, against double precision. */
#include "tests/targets/printed.h"

#include <math.h>

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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_operations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
