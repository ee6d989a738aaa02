/* Elements a nanosecond of the functions of docs/numerics.md, on 16 KB in the L1 cache, beside
 * SLEEF's where it is installed.
 *
 * Each function is an element-wise expression, compiled as any kernel. The runs of both alternate,
 * the best of each counts, so that a change of the clock meets both. */
#include "targets/jit/kernel.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#ifdef DLTUNE_SLEEF
#include "bench/math_speed_peers.h"
#endif

enum {
    ELEMENTS = 4096,
    CALLS = 500,
    REPETITIONS = 60
};

static _Alignas(64) float input[ELEMENTS], output[ELEMENTS];

struct function {
    const char *name, *body;
    double low, high; /* of the inputs */
};

static const struct function functions[] = {
    {"exp", "exp(x[i])", -80, 80},
    {"log", "log(x[i])", 1e-3, 1e3},
    {"sqrt", "sqrt(x[i])", 0, 1e3},
    {"tanh", "tanh(x[i])", -5, 5},
    {"erf", "erf(x[i])", -3, 3},
    {"sigmoid", "1 / (1 + exp(0 - x[i]))", -20, 20},
    {"GELU", "0.5 * x[i] * (1 + erf(x[i] * 0.70710678118654752))", -5, 5},
};

enum {
    FUNCTIONS = sizeof functions / sizeof functions[0]
};

static double seconds_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static dlt_status compile(const struct function *function, const char *target, int lanes,
                          struct kernel **kernel, struct error *error) {
    struct target_description description;
    struct expression *expression;
    struct schedule *schedule;
    struct arena arena;
    char text[256];
    dlt_status status;
    arena_initialise(&arena);
    if (arena_recover(&arena))
        return DLT_ERROR_MEMORY;
    snprintf(text, sizeof text, "input x[i=%d] f32 variable\ny[i=%d] f32 = %s\n", ELEMENTS,
             ELEMENTS, function->body);
    TRY(expression_parse(&arena, text, &expression, error));
    schedule = schedule_create(&arena, expression);
    snprintf(text, sizeof text, "split y i %d\nvectorize y i.i\ntile y root\n", lanes);
    TRY(schedule_replay(schedule, text, error));
    TRY(target_describe(target, &description, error));
    status = kernel_create(schedule, &description, "math", kernel, error);
    schedule_free(schedule);
    arena_free(&arena);
    return status;
}

static double time_kernel(const struct kernel *kernel) {
    void *tensors[2] = {input, output}, *nothing = NULL;
    double start = seconds_now();
    for (int i = 0; i < CALLS; i++)
        kernel->run(tensors, &nothing, &nothing, NULL);
    return seconds_now() - start;
}

#ifdef DLTUNE_SLEEF
static double time_peer(math_peer *peer) {
    double start = seconds_now();
    for (int i = 0; i < CALLS; i++)
        peer(input, output, ELEMENTS);
    return seconds_now() - start;
}
#endif

/* What is compared on one target. */
struct contest {
    const char *target;
    int lanes;
#ifdef DLTUNE_SLEEF
    math_peer *const *peers;
#endif
};

static const struct contest contests[] = {
#ifdef DLTUNE_SLEEF
    {"x86-avx512", 16, math_peers_avx512},
    {"x86-avx2", 8, math_peers_avx2},
#else
    {"x86-avx512", 16},
    {"x86-avx2", 8},
#endif
};

/* One function, `unroll` vectors a trip. */
static int run(const struct contest *contest, int number, int unroll) {
    const struct function *function = &functions[number];
    double ours = 1e9, theirs = 1e9, seconds;
    struct kernel *kernel;
    struct error error;
    for (int i = 0; i < ELEMENTS; i++)
        input[i] = (float)(function->low + (function->high - function->low) * i / ELEMENTS);
    if (compile(function, contest->target, unroll * contest->lanes, &kernel, &error)) {
        fprintf(stderr, "math_speed: %s for %s: %s\n", function->name, contest->target,
                error.message);
        return 1;
    }
    for (int i = 0; i < REPETITIONS; i++) {
        seconds = time_kernel(kernel);
        ours = seconds < ours ? seconds : ours;
#ifdef DLTUNE_SLEEF
        seconds = time_peer(contest->peers[number]);
        theirs = seconds < theirs ? seconds : theirs;
#endif
    }
    printf("%-11s %-8s unroll %d %6.2f elements/ns", contest->target, function->name, unroll,
           1e-9 * ELEMENTS * CALLS / ours);
    if (theirs < 1e9)
        printf("   SLEEF %6.2f   ratio %5.2f", 1e-9 * ELEMENTS * CALLS / theirs, theirs / ours);
    printf("\n");
    kernel_free(kernel);
    return 0;
}

int main(void) {
    int failed = 0;
    printf("%s; f32, %d elements, one thread\n", host_name(), ELEMENTS);
    for (size_t i = 0; i < sizeof contests / sizeof contests[0]; i++)
        for (int number = 0; number < FUNCTIONS && target_runs_here(contests[i].target); number++)
            for (int unroll = 1; unroll <= 4; unroll *= 2)
                failed |= run(&contests[i], number, unroll);
    return failed;
}
