/* Elements a nanosecond of the functions of docs/numerics.md, on 16 KB in the L1 cache, beside
 * SLEEF's and oneDNN's where they are installed.
 *
 *     bench_math_speed [TARGET]
 *
 * Each function is an element-wise expression, compiled as any kernel. The runs of all alternate,
 * the best of each counts, so that a change of the clock meets all. What a call of oneDNN costs by
 * itself, as long as these few elements take, is not counted: calls for a few elements are taken
 * off. */
#include "targets/jit/kernel.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifdef DLTUNE_SLEEF
#include "bench/math_speed_peers.h"
#endif
#ifdef DLTUNE_ONEDNN
#include "bench/math_speed_onednn.h"
#endif

enum {
    ELEMENTS = 4096,
    FEW = 16,
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
    {"sigmoid", "select_less(x[i], 0, exp(-abs(x[i])), 1) / (1 + exp(-abs(x[i])))", -20, 20},
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

/* The others over the same array. */
struct peers {
    const char *sleef_name, *onednn_name; /* NULL: not there */
#ifdef DLTUNE_SLEEF
    math_peer *sleef;
#endif
#ifdef DLTUNE_ONEDNN
    struct math_onednn *onednn, *almost_nothing; /* the latter for the cost of a call */
#endif
};

static void peers_open(struct peers *peers, const char *target, int number) {
    (void)target, (void)number;
    *peers = (struct peers){.sleef_name = NULL};
#ifdef DLTUNE_SLEEF
    peers->sleef = (strcmp(target, "x86-avx2") == 0 ? math_peers_avx2 : math_peers_avx512)[number];
    peers->sleef_name = "SLEEF";
#endif
#ifdef DLTUNE_ONEDNN
    peers->onednn = math_onednn_open(number, input, output, ELEMENTS);
    peers->almost_nothing = math_onednn_open(number, input, output, FEW);
    if (peers->onednn && peers->almost_nothing)
        peers->onednn_name = "oneDNN";
#endif
}

static void peers_close(struct peers *peers) {
    (void)peers;
#ifdef DLTUNE_ONEDNN
    math_onednn_close(peers->onednn);
    math_onednn_close(peers->almost_nothing);
#endif
}

static double time_sleef(const struct peers *peers) {
    double start = seconds_now();
    (void)peers;
#ifdef DLTUNE_SLEEF
    for (int i = 0; i < CALLS; i++)
        peers->sleef(input, output, ELEMENTS);
#endif
    return seconds_now() - start;
}

static double time_onednn(const struct peers *peers, bool of_few) {
    double start = seconds_now();
    (void)peers, (void)of_few;
#ifdef DLTUNE_ONEDNN
    for (int i = 0; i < CALLS; i++)
        math_onednn_run(of_few ? peers->almost_nothing : peers->onednn);
#endif
    return seconds_now() - start;
}

static double smaller(double a, double b) {
    return a < b ? a : b;
}

struct seconds {
    double ours, sleef, onednn, onednn_few;
};

static struct seconds time_all(const struct kernel *kernel, const struct peers *peers) {
    struct seconds best = {1e9, 1e9, 1e9, 1e9};
    for (int i = 0; i < REPETITIONS; i++) {
        best.ours = smaller(best.ours, time_kernel(kernel));
        best.sleef = smaller(best.sleef, time_sleef(peers));
        best.onednn = smaller(best.onednn, time_onednn(peers, false));
        best.onednn_few = smaller(best.onednn_few, time_onednn(peers, true));
    }
    return best;
}

static void print_peer(const char *name, double elements, double seconds, double ours) {
    if (name)
        printf("   %s %6.2f   ratio %5.2f", name, 1e-9 * elements * CALLS / seconds,
               ours / (1e-9 * elements * CALLS / seconds));
}

/* One function, `unroll` vectors a trip. */
static int run(const char *target, int lanes, int number, int unroll) {
    const struct function *function = &functions[number];
    struct kernel *kernel;
    struct peers peers;
    struct error error;
    for (int i = 0; i < ELEMENTS; i++)
        input[i] = (float)(function->low + (function->high - function->low) * i / ELEMENTS);
    if (compile(function, target, unroll * lanes, &kernel, &error)) {
        fprintf(stderr, "math_speed: %s for %s: %s\n", function->name, target, error.message);
        return 1;
    }
    peers_open(&peers, target, number);
    struct seconds best = time_all(kernel, &peers);
    double ours = 1e-9 * ELEMENTS * CALLS / best.ours;
    printf("%-11s %-8s unroll %d %6.2f elements/ns", target, function->name, unroll, ours);
    print_peer(peers.sleef_name, ELEMENTS, best.sleef, ours);
    print_peer(peers.onednn_name, ELEMENTS - FEW, best.onednn - best.onednn_few, ours);
    printf("\n");
    peers_close(&peers);
    kernel_free(kernel);
    return 0;
}

static int run_all(const char *target) {
    struct target_description description;
    struct error error;
    int failed = 0;
    if (target_describe(target, &description, &error) != DLT_OK) {
        fprintf(stderr, "math_speed: %s\n", error.message);
        return 2;
    }
    for (int number = 0; number < FUNCTIONS; number++)
        for (int unroll = 1; unroll <= 4; unroll *= 2)
            failed |= run(target, description.vector_bytes / (int)sizeof(float), number, unroll);
    return failed;
}

/* Runs this program again for one target: oneDNN reads what it may use when it is loaded. */
static int run_apart(const char *program, const char *target, const char *onednn_isa) {
    int status;
    pid_t child = fork();
    if (child == 0) {
        setenv("OMP_NUM_THREADS", "1", 1);
        setenv("DNNL_MAX_CPU_ISA", onednn_isa, 1);
        setenv("ONEDNN_MAX_CPU_ISA", onednn_isa, 1);
        execl("/proc/self/exe", program, target, (char *)NULL);
        _exit(127);
    }
    if (child < 0 || waitpid(child, &status, 0) < 0 || !WIFEXITED(status))
        return 1;
    return WEXITSTATUS(status);
}

int main(int count, char **arguments) {
    static const char *const targets[][2] = {{"x86-avx512", "ALL"}, {"x86-avx2", "AVX2"}};
    int failed = 0;
    if (count > 1)
        return run_all(arguments[1]);
    printf("%s; f32, %d elements, one thread\n", host_name(), ELEMENTS);
    fflush(stdout);
    for (int i = 0; i < 2; i++)
        if (target_runs_here(targets[i][0]))
            failed |= run_apart(arguments[0], targets[i][0], targets[i][1]);
    return failed;
}
