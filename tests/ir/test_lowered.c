/* Schedules whose lowering is easily wrong, each by its expression and trace. What must have
 * machine code says so; the others may be refused, never wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "running.h"

struct example {
    const char *name;
    bool compiles; /* for every target */
    const char *expression, *trace;
};

static const struct example examples[] = {
    {"one row of two: first written alone, then in a loop", false,
     "input x[c=3, h=2] f32 variable\n"
     "input w[c=3, r=3, k=16] f32 variable\n"
     "y[h=2, k=16] f32 = sum(c=3, r=3) select(0 <= h + r - 1 < 2, x[c, h + r - 1], 0) * w[c, r, "
     "k]\n",
     "reorder y c r h k\nvectorize y k\ntile y root\n"},
    {"the same with rows of four", false,
     "input x[c=3, h=4] f32 variable\n"
     "input w[c=3, r=5, k=16] f32 variable\n"
     "y[h=4, k=16] f32 = sum(c=3, r=5) select(0 <= h + r - 2 < 4, x[c, h + r - 2], 0) * w[c, r, "
     "k]\n",
     "reorder y r c h k\nvectorize y k\ntile y root\n"},
    {"a divisor that the mask of the dividend zeroes", true,
     "input x[n=13] f32 variable\n"
     "input b[n=13] f32 variable\n"
     "y[n=13] f32 = sum(r=3) select(0 <= n + r - 1 < 13, x[n + r - 1], 0) / b[n]\n",
     "reorder y r n\nunroll y r\nvectorize y n\ntile y root\n"},
    {"a factor that is infinite where the mask of the other zeroes", true,
     "input x[n=13] f32 variable\n"
     "input b[n=13] f32 variable\n"
     "y[n=13] f32 = sum(r=3) select(0 <= n + r - 1 < 13, x[n + r - 1], 0) * (1 / b[n])\n",
     "reorder y r n\nunroll y r\nvectorize y n\ntile y root\n"},
    {"accumulators from memory, terms in some of their lanes", true,
     "input x[q=6, n=16] f32 variable\n"
     "input b[n=16] f32 variable\n"
     "y[n=16] f32 = sum(q=6, r=3) select(0 <= n + r - 1 < 16, x[q, n + r - 1], 0) / b[n]\n",
     "split y q 2\nreorder y q.o q.i r n\nunroll y r\nvectorize y n\ntile y q.o\n"},
    {"axes named like classes", true,
     "input x[class=9, class.o=16] f32 variable\n"
     "y[n=9, k=16] f32 = sum(class=3) select(0 <= n + class - 1 < 9, x[n + class - 1, k], 0)\n",
     "split y n 3\nreorder y n.o class n.i k\nunroll y n.i\nvectorize y k\ntile y n.o\n"},
    {"one loop with two ranges: where it starts sums, where it adds", true,
     "input x[a=4, b=3, c=3] f32 variable\n"
     "y[a=4, b=3, c=3] f32 = sum(r=15, s=2) select(0 <= 3*b < 3, x[a, 3*b, c], 0)\n",
     "split y b 2 guard\nreorder y b.i s b.o a r c\ntile y b.i\nvectorize y c\nunroll y a\n"
     "unroll y s\nunroll y r\n"},
    {"a first row by itself beside all rows, in each trip of a loop", false,
     "input x[a=8, t=4] f32 variable\n"
     "y[a=8, b=9] f32 = sum(r=6, s=3, t=4) x[a, t]\n",
     "split y r 5 guard\nrfactor y r.i\nsplit y.partial r.o 8 guard\n"
     "reorder y.partial t b s r.o.o r.o.i r.i a\ntile y.partial b\nvectorize y.partial a\n"},
    {"masks that are read again", false,
     "input i0[d0=3] f32 variable\n"
     "input i1[d0=2, d1=5, d2=24] f32 parameter\n"
     "t0[a=23, b=5, c=1] f32 = max(r=2, s=2, t=2) (0 - i0[t] * i1[0, b, a])\n",
     "split t0 b 5\nsplit t0 t 4 guard\nreorder t0 r t.i b.i c t.o s b.o a\ntile t0 root\n"
     "vectorize t0 a\nunroll t0 b.i\nunroll t0 t.i\nunroll t0 r\nunroll t0 s\n"},
    {"an element behind a tensor's last one, where no lane wants it", true,
     "input w[d=3] f32 variable\n"
     "input x[i=3, j=7, k=3] f32 variable layout i:6 k j\n"
     "y[a=3, b=7, c=29, d=3] f32 = product(r=3) select(a == 0, 1, 0) / min(select_less(1, w[d], "
     "1, select(0 <= b + 1 < 8, 0 <= b < 5, 1, 0)), x[r, b, a])\n",
     "split y b 2 guard\nsplit y c 16 guard\nreorder y a b.o c.o d r b.i c.i\n"
     "unroll y b.i\nvectorize y c.i\ntile y d\n"},
    {"a stage attached to a packed one", true,
     "input w[k=5, c=4] f32 parameter\n"
     "u[k=5, c=4] f32 = w[k, c] + 1\n"
     "v[k=5, c=4] f32 = u[k, c] * u[k, c]\n"
     "input x[c=4] f32 variable\n"
     "y[k=5] f32 = sum(c=4) v[k, c] * x[c]\n",
     "attach u v k\n"},
};

static void check_target(const struct subject *s, const struct example *example,
                         const struct schedule *schedule, const char *target) {
    struct tally tally = {0};
    check_on_target(s, schedule, target, &tally);
    if (example->compiles && !tally.compiled)
        fail_msg("%s: refused for %s", example->name, target);
}

static void check_example(void **state) {
    const struct example *example = *state;
    struct arena arena;
    struct expression *expression;
    struct random random;
    struct error error = {.status = DLT_OK};
    struct subject subject;
    describe_crashes();
    arena_initialise(&arena);
    if (arena_recover(&arena))
        fail_msg("out of memory");
    if (expression_parse(&arena, example->expression, &expression, &error))
        fail_msg("%s", error.message);
    struct schedule *schedule = schedule_create(&arena, expression);
    if (schedule_replay(schedule, example->trace, &error))
        fail_msg("%s", error.message);
    trying_expression = example->expression;
    trying_trace = example->trace;
    random_seed(&random, 7);
    subject_open(&subject, expression, &random, number_around_one);
    for (int i = 0; target_names[i]; i++)
        if (target_runs_here(target_names[i]))
            check_target(&subject, example, schedule, target_names[i]);
    subject_close(&subject);
    schedule_free(schedule);
    arena_free(&arena);
}

/* Tiles of other types would be taken for vectors of f32. */
static void check_type(const char *type) {
    struct arena arena;
    struct expression *expression;
    struct program *program;
    struct target_description description;
    struct error error = {.status = DLT_OK};
    char text[256];
    snprintf(text, sizeof text, "input x[n=37] %s variable\ny[n=37] %s = x[n] + x[n]\n", type,
             type);
    arena_initialise(&arena);
    if (arena_recover(&arena))
        fail_msg("out of memory");
    assert_int_equal(expression_parse(&arena, text, &expression, &error), DLT_OK);
    struct schedule *schedule = schedule_create(&arena, expression);
    assert_int_equal(
        schedule_replay(schedule, "split y n 16\nvectorize y n.i\ntile y n.o\n", &error), DLT_OK);
    assert_int_equal(target_describe("x86-avx512", &description, &error), DLT_OK);
    assert_int_equal(lower(&arena, schedule, &description, NULL, NULL, &program, &error),
                     DLT_ERROR_REFUSED);
    assert_non_null(strstr(error.message, type));
    assert_int_equal(target_describe("c", &description, &error), DLT_OK);
    assert_int_equal(lower(&arena, schedule, &description, NULL, NULL, &program, &error), DLT_OK);
    schedule_free(schedule);
    arena_free(&arena);
}

static void test_types(void **state) {
    static const char *const types[] = {"f64", "s32", "s8", "u8", "bf16"};
    (void)state;
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        check_type(types[i]);
}

int main(void) {
    enum {
        EXAMPLES = sizeof examples / sizeof examples[0]
    };
    struct CMUnitTest tests[EXAMPLES + 1] = {[EXAMPLES] = cmocka_unit_test(test_types)};
    for (int i = 0; i < EXAMPLES; i++)
        tests[i] = (struct CMUnitTest){examples[i].name, check_example, NULL, NULL,
                                       (void *)(uintptr_t)&examples[i]};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
