/* How near exp, log, sqrt, tanh, erf and what is made of them are to the exact results, on every
 * target that runs here, and what special values give: the bounds of docs/numerics.md.
 *
 * Inputs are numbers of every exponent with random mantissas. DLTUNE_EXHAUSTIVE=1 tries all 2^32
 * floats instead, DLTUNE_EXHAUSTIVE=NAME those of one function, on machine code only. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "running.h"
#include "schedules/space.h"

enum {
    BLOCK = 1 << 14, /* elements a call */
    KERNELS = MAX_TARGETS,
    SPECIALS = 8
};

struct function {
    const char *name, *body;
    double (*exact)(double x);
    double bound;  /* in units of the last place of the result, */
    bool of_input; /* or of x */
    /* The results of 0, -0, infinity, -infinity, NaN, -NaN, 2^-149 and -2^-149. */
    float specials[SPECIALS];
};

static double sigmoid(double x) {
    return x < 0 ? exp(x) / (1 + exp(x)) : 1 / (1 + exp(-x));
}

static double gelu(double x) {
    return x == -INFINITY ? NAN : 0.5 * x * erfc(-x * 0.70710678118654752);
}

static const struct function functions[] = {
    {"exp", "exp(x[i])", exp, 2, false, {1, 1, INFINITY, 0, NAN, NAN, 1, 1}},
    {"log",
     "log(x[i])",
     log,
     2,
     false,
     {-INFINITY, -INFINITY, INFINITY, NAN, NAN, NAN, -103.27893F, NAN}},
    {"sqrt",
     "sqrt(x[i])",
     sqrt,
     0.5,
     false,
     {0, -0.0F, INFINITY, NAN, NAN, NAN, 0x1.6a09e6p-75F, NAN}},
    {"tanh", "tanh(x[i])", tanh, 4, false, {0, -0.0F, 1, -1, NAN, NAN, 0x1p-149F, -0x1p-149F}},
    {"erf", "erf(x[i])", erf, 4, false, {0, -0.0F, 1, -1, NAN, NAN, 0x1p-149F, -0x1p-149F}},
    {"sigmoid",
     "select_less(x[i], 0, exp(-abs(x[i])), 1) / (1 + exp(-abs(x[i])))",
     sigmoid,
     4,
     false,
     {0.5F, 0.5F, 1, 0, NAN, NAN, 0.5F, 0.5F}},
    {"GELU",
     "0.5 * x[i] * (1 + erf(x[i] * 0.70710678118654752))",
     gelu,
     4,
     true,
     {0, -0.0F, INFINITY, NAN, NAN, NAN, 0, -0.0F}},
};

enum {
    FUNCTIONS = sizeof functions / sizeof functions[0]
};

static struct expression *parse(struct arena *arena, const char *text) {
    struct expression *expression;
    struct error error;
    trying_expression = text;
    if (expression_parse(arena, text, &expression, &error))
        fail_msg("%s", error.message);
    return expression;
}

static struct expression *parse_function(struct arena *arena, const struct function *function,
                                         int extent) {
    return parse(arena, arena_format(arena, "input x[i=%d] f32 variable\ny[i=%d] f32 = %s\n",
                                     extent, extent, function->body));
}

/* What one target computes of the inputs at hand, and the worst that has been seen. */
struct candidate {
    const char *target;
    struct kernel *kernel;
    float results[BLOCK];
    double worst;
    float worst_input;
};

struct trial {
    const struct function *function;
    int count;
    struct candidate candidates[KERNELS];
    float inputs[BLOCK];
};

static void candidate_open(struct candidate *candidate, struct arena *arena,
                           const struct function *function,
                           const struct target_description *description) {
    struct expression *expression = parse_function(arena, function, BLOCK);
    struct schedule *schedule = schedule_create(arena, expression);
    struct error error;
    candidate->target = description->name;
    if (schedule_replay(schedule, "split y i 32\nvectorize y i.i\ntile y root\n", &error) ||
        kernel_create(schedule, description, "math", &candidate->kernel, &error))
        fail_msg("%s for %s: %s", function->name, description->name, error.message);
    assert_int_equal(candidate->kernel->code_bytes > 0, description->machine_code);
    schedule_free(schedule);
}

static void trial_fill(struct trial *trial, struct arena *arena, bool with_c) {
    for (int i = 0; target_names[i]; i++) {
        struct target_description description;
        struct error error;
        assert_int_equal(target_describe(target_names[i], &description, &error), DLT_OK);
        if (target_runs_here(target_names[i]) && (description.machine_code || with_c))
            candidate_open(&trial->candidates[trial->count++], arena, trial->function,
                           &description);
    }
}

static void trial_open(struct trial *trial, const struct function *function, bool with_c) {
    struct arena arena;
    arena_initialise(&arena);
    if (arena_recover(&arena))
        fail_msg("out of memory");
    memset(trial, 0, sizeof *trial);
    trial->function = function;
    trial_fill(trial, &arena, with_c);
    arena_free(&arena);
}

static void trial_close(struct trial *trial) {
    for (int i = 0; i < trial->count; i++)
        kernel_free(trial->candidates[i].kernel);
}

static void compute(struct trial *trial) {
    for (int i = 0; i < trial->count; i++) {
        void *tensors[2] = {trial->inputs, trial->candidates[i].results}, *nothing = NULL;
        assert_int_equal(trial->candidates[i].kernel->run(tensors, &nothing, &nothing, NULL), 0);
    }
}

/* The distance of two floats around a number. */
static double unit_in_last_place(double number) {
    union {
        double number;
        uint64_t bits;
    } unit = {.number = number};
    int exponent = (int)(unit.bits >> 52 & 0x7ff) - 1023;
    exponent = exponent < -126 ? -126 : exponent > 127 ? 127 : exponent;
    unit.bits = (uint64_t)(exponent - 23 + 1023) << 52;
    return unit.number;
}

/* Infinity counts as 2^128, so that overflowing a bit early is an error of a bit. */
static double without_infinity(double number) {
    return number > 0x1p128 ? 0x1p128 : number < -0x1p128 ? -0x1p128 : number;
}

static void compare(struct trial *trial) {
    const struct function *function = trial->function;
    for (int i = 0; i < BLOCK; i++) {
        double x = trial->inputs[i], exact = function->exact(x);
        double unit = unit_in_last_place(function->of_input ? x : exact);
        for (int c = 0; c < trial->count; c++) {
            struct candidate *candidate = &trial->candidates[c];
            double got = candidate->results[i];
            double error = fabs(without_infinity(got) - without_infinity(exact)) / unit;
            if (isnan(exact) != isnan(got))
                fail_msg("%s(%a) is %a for %s, not %a", function->name, x, got, candidate->target,
                         exact);
            if (error > candidate->worst) {
                candidate->worst = error;
                candidate->worst_input = trial->inputs[i];
            }
        }
    }
}

static void conclude(const struct trial *trial) {
    for (int i = 0; i < trial->count; i++) {
        const struct candidate *candidate = &trial->candidates[i];
        print_message("%s, %s: at most %.3f units in the last place%s, at %a\n",
                      trial->function->name, candidate->target, candidate->worst,
                      trial->function->of_input ? " of x" : "", (double)candidate->worst_input);
        assert_true(candidate->worst <= trial->function->bound);
        assert_true(candidate->worst > 0.2); /* else nothing was compared */
    }
}

static float float_of_bits(uint32_t bits) {
    float number;
    memcpy(&number, &bits, sizeof number);
    return number;
}

/* `mantissas` numbers of each sign and exponent, infinity's among them. */
static void try_sample(struct trial *trial, int mantissas) {
    struct random random;
    int filled = 0;
    random_seed(&random, 11);
    for (int m = 0; m < mantissas; m++)
        for (uint32_t exponent = 0; exponent < 512; exponent++) {
            uint32_t mantissa = (uint32_t)random_below(&random, 1 << 23);
            trial->inputs[filled++] = float_of_bits(exponent << 23 | mantissa);
            if (filled == BLOCK) {
                compute(trial);
                compare(trial);
                filled = 0;
            }
        }
    assert_int_equal(filled, 0);
}

/* Where functions bend: all floats of an interval would be too many, random ones of it will do. */
static void try_interval(struct trial *trial, double low, double high, int blocks) {
    struct random random;
    random_seed(&random, 13);
    for (int block = 0; block < blocks; block++) {
        for (int i = 0; i < BLOCK; i++)
            trial->inputs[i] = (float)(low + (high - low) * random_unit(&random));
        compute(trial);
        compare(trial);
    }
}

static void try_all(struct trial *trial) {
    for (uint64_t bits = 0; bits <= UINT32_MAX; bits += BLOCK) {
        for (uint32_t i = 0; i < BLOCK; i++)
            trial->inputs[i] = float_of_bits((uint32_t)bits + i);
        compute(trial);
        compare(trial);
    }
}

static void test_accuracy(void **state) {
    const struct function *function = *state;
    const char *exhaustive = getenv("DLTUNE_EXHAUSTIVE");
    struct trial *trial = malloc(sizeof *trial);
    describe_crashes();
    if (exhaustive) {
        if (strcmp(exhaustive, "1") == 0 || strcmp(exhaustive, function->name) == 0) {
            trial_open(trial, function, false);
            try_all(trial);
            conclude(trial);
            trial_close(trial);
        }
    } else {
        for (int with_c = 0; with_c < 2; with_c++) {
            trial_open(trial, function, with_c);
            try_sample(trial, with_c ? 64 : 2048);
            try_interval(trial, -110, 100, with_c ? 2 : 16);
            try_interval(trial, -6, 6, with_c ? 2 : 32);
            conclude(trial);
            trial_close(trial);
        }
    }
    free(trial);
}

static void test_special_values(void **state) {
    static const float inputs[SPECIALS] = {0,   -0.0F, INFINITY,  -INFINITY,
                                           NAN, -NAN,  0x1p-149F, -0x1p-149F};
    struct trial *trial = malloc(sizeof *trial);
    (void)state;
    for (int f = 0; f < FUNCTIONS; f++) {
        trial_open(trial, &functions[f], true);
        for (int i = 0; i < BLOCK; i++)
            trial->inputs[i] = inputs[i % SPECIALS];
        /* NaNs with payloads, of which shifted exponents must not make numbers. */
        trial->inputs[SPECIALS + 4] = float_of_bits(0x7fc12345);
        trial->inputs[SPECIALS + 5] = float_of_bits(0xffffffff);
        trial->inputs[2 * SPECIALS + 4] = float_of_bits(0x7f800001);
        compute(trial);
        for (int c = 0; c < trial->count; c++)
            for (int i = 0; i < BLOCK; i++) {
                float got = trial->candidates[c].results[i];
                float wanted = functions[f].specials[i % SPECIALS];
                if (isnan(wanted) ? !isnan(got)
                                  : !(got == wanted && !signbit(got) == !signbit(wanted)))
                    fail_msg("%s(%a) is %a for %s, not %a", functions[f].name,
                             (double)trial->inputs[i], (double)got, trial->candidates[c].target,
                             (double)wanted);
            }
        trial_close(trial);
    }
    free(trial);
}

/* --- Through schedules: every extent has machine code, whatever its tail --- */

static const int extents[] = {1, 2, 7, 8, 15, 16, 17, 31, 33, 1000};
static const struct {
    const char *trace; /* NULL: the default of the space */
    int largest;       /* extent: written out, larger ones are too much code */
} ways[] = {
    {"vectorize y i\ntile y root\n", 33},
    {"split y i 16\nvectorize y i.i\ntile y root\n", 1000},
    {"split y i 16\nvectorize y i.i\ntile y i.o\n", 1000},
    {"split y i 64\nsplit y i.i 32\nvectorize y i.i.i\ntile y root\n", 1000},
    {NULL, 1000},
};

static float number_above_zero(struct random *random) {
    return (float)(0.1 + 3 * random_unit(random));
}

static void make_schedule(struct schedule *schedule, const char *trace, const char *target) {
    struct target_description description;
    struct error error;
    struct space *space;
    int point[MAX_KNOBS] = {0};
    if (trace) {
        if (schedule_replay(schedule, trace, &error) && error.status != DLT_ERROR_REFUSED)
            fail_msg("%s", error.message);
        return;
    }
    assert_int_equal(target_describe(target, &description, &error), DLT_OK);
    if (space_create(schedule->arena, schedule->expression, &description, 1, &space, &error) ||
        space_schedule(space, point, schedule, &error))
        fail_msg("%s", error.message);
}

static void try_extent(struct arena *arena, const struct function *function, int extent,
                       const char *trace, const char *target) {
    struct tally tally = {0};
    struct target_description description;
    struct schedule *schedule = schedule_create(arena, parse_function(arena, function, extent));
    struct random random;
    struct subject subject;
    struct error error;
    make_schedule(schedule, trace, target);
    trying_trace = schedule_trace(schedule);
    random_seed(&random, (uint64_t)extent);
    subject_open(&subject, schedule->expression, &random,
                 isnan(function->exact(-1)) ? number_above_zero : number_around_one);
    assert_int_equal(target_describe(target, &description, &error), DLT_OK);
    check_on_target(&subject, schedule, target, &tally);
    if (!tally.compiled || tally.with_tiles != description.machine_code)
        fail_msg("%s of %d for %s has no machine code\n%s", function->name, extent, target,
                 trying_trace);
    subject_close(&subject);
    schedule_free(schedule);
}

static void check_extent(const struct function *function, int extent, const char *trace,
                         const char *target) {
    struct arena arena;
    arena_initialise(&arena);
    if (arena_recover(&arena))
        fail_msg("out of memory");
    try_extent(&arena, function, extent, trace, target);
    arena_free(&arena);
}

static void test_extents(void **state) {
    (void)state;
    for (int f = 0; f < FUNCTIONS; f++)
        for (size_t e = 0; e < sizeof extents / sizeof extents[0]; e++)
            for (size_t way = 0; way < sizeof ways / sizeof ways[0]; way++)
                for (int i = 0; target_names[i]; i++)
                    if (target_runs_here(target_names[i]) && extents[e] <= ways[way].largest)
                        check_extent(&functions[f], extents[e], ways[way].trace, target_names[i]);
}

/* --- Lanes that a mask leaves out: functions of the zeros there must not reach the sums --- */

static const char *const masked[] = {
    "exp(x[n + r - 1])",
    "tanh(x[n + r - 1])",
    "erf(x[n + r - 1]) / x[n + r - 1]",
    "log(abs(x[n + r - 1]))",
    "tanh(x[n + r - 1]) * (1 / x[n + r - 1])",
    "sqrt(abs(x[n + r - 1])) * log(abs(x[n + r - 1]))",
    "exp(0 - x[n + r - 1] * x[n + r - 1]) * tanh(x[n + r - 1])",
};

static void try_masked(struct arena *arena, const char *term, struct tally *tallies) {
    struct random random;
    struct subject subject;
    struct error error;
    struct schedule *schedule = schedule_create(
        arena,
        parse(arena, arena_format(arena,
                                  "input x[n=13] f32 variable\n"
                                  "y[n=13] f32 = sum(r=3) select(0 <= n + r - 1 < 13, %s, 0)\n",
                                  term)));
    if (schedule_replay(schedule, "reorder y r n\nunroll y r\nvectorize y n\ntile y root\n",
                        &error))
        fail_msg("%s", error.message);
    trying_trace = schedule_trace(schedule);
    random_seed(&random, 5);
    subject_open(&subject, schedule->expression, &random, number_around_one);
    check_on_targets(&subject, schedule, tallies);
    subject_close(&subject);
    schedule_free(schedule);
}

static void check_masked(const char *term, struct tally *tallies) {
    struct arena arena;
    arena_initialise(&arena);
    if (arena_recover(&arena))
        fail_msg("out of memory");
    try_masked(&arena, term, tallies);
    arena_free(&arena);
}

static void test_masked_lanes(void **state) {
    struct tally tallies[MAX_TARGETS] = {0};
    (void)state;
    for (size_t i = 0; i < sizeof masked / sizeof masked[0]; i++)
        check_masked(masked[i], tallies);
    for (int i = 0; target_names[i]; i++)
        assert_int_equal(tallies[i].compiled, tallies[i].tried);
}

int main(void) {
    struct CMUnitTest tests[FUNCTIONS + 3];
    for (int i = 0; i < FUNCTIONS; i++)
        tests[i] = (struct CMUnitTest){functions[i].name, test_accuracy, NULL, NULL,
                                       (void *)(uintptr_t)&functions[i]};
    tests[FUNCTIONS] = (struct CMUnitTest)cmocka_unit_test(test_special_values);
    tests[FUNCTIONS + 1] = (struct CMUnitTest)cmocka_unit_test(test_extents);
    tests[FUNCTIONS + 2] = (struct CMUnitTest)cmocka_unit_test(test_masked_lanes);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
