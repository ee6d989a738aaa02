/* Untuned defaults beside loop nests: random work of the sizes that networks have, dltune's default
 * kernel checked, and timed in turns with what gcc -O3 -march=native -ffast-math makes of the loops
 * as they are written and interchanged.
 *
 *     bench_naive --program build/dltune [--seed N] [--workloads N] [--expressions N] [--first N]
 *                 [--target NAME] [--jobs FOLDER]
 *
 * Prints a line a case, the worst first: the default's time over the better nest's, both times, the
 * work. No ratio should be above 3. Thread's processor time, one thread. Ctrl-C ends it with the
 * table of what is done. */
#include "nest.h"

#include "tests/differential/callable.h"
#include "tests/differential/draw.h"
#include "tests/differential/problem.h"
#include "tests/differential/program.h"

#include <dlfcn.h>
#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    BATCH = 20, /* cases compiled together */
    MOST_CASES = 20000,
    SAMPLE = 48,   /* elements that are checked */
    SECONDS = 300, /* a case takes no longer */
    ROUNDS = 5,    /* of timing in turns */
    SLOW_NANOSECONDS = 400000000,
};

struct settings {
    const char *program, *target;
    uint64_t seed;
    int first, workloads, expressions;
    double limit;
    char folder[512], database[600];
};

struct result {
    bool done, right;
    double default_us, nest_us[NEST_ORDERS];
    char message[MOST_MESSAGE];
    char work[MOST_TEXT];
};

typedef void nest_function(const float *const *inputs, float *output);

/* ---- cases ---- */

/* The first `workloads` are workloads, the others expressions. */
static void draw_case(const struct settings *s, int number, struct definition *definition,
                      struct random *random) {
    double terms;
    random->state = s->seed * UINT64_C(0x100000001b3) + (uint64_t)number;
    random_bits(random);
    if (number < s->workloads) {
        struct operator_case operator;
        terms = exp2(17 + 9 * random_unit(random));
        do
            draw_realistic_operator(random, terms, &operator);
        while (!operator_build(&operator, definition) || definition_terms(definition) < terms / 8);
    } else {
        draw_realistic_expression(random, exp2(16 + 8 * random_unit(random)), definition);
    }
}

static bool compile(const struct settings *s, int first, int count, struct definition *definition) {
    /* Linked without -ffast-math, whose start-up code would flush denormals for everyone. */
    const char *const compile_words[] = {"gcc",   "-O3", "-march=native", "-ffast-math", "-c",
                                         "-fPIC", "-w",  "nests.c",       NULL};
    const char *const link_words[] = {"gcc",     "-shared", "-o",  "nests.so",
                                      "nests.o", "-lmvec",  "-lm", NULL};
    char path[600], name[32];
    struct random random;
    FILE *file;
    snprintf(path, sizeof path, "%s/nests.c", s->folder);
    file = fopen(path, "w");
    if (!file)
        return false;
    nest_prelude(file);
    for (int i = first; i < first + count; i++) {
        draw_case(s, i, definition, &random);
        for (int order = 0; order < NEST_ORDERS; order++) {
            snprintf(name, sizeof name, "nest_%d_%d", i, order);
            nest_print(file, name, definition, (enum nest_order)order);
        }
    }
    snprintf(path, sizeof path, "%s/log", s->folder);
    return fclose(file) == 0 && program_run_in(s->folder, compile_words, path) == 0 &&
           program_run_in(s->folder, link_words, path) == 0;
}

/* ---- timing ---- */

static double nanoseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

struct contestant {
    nest_function *nest; /* NULL: the kernel */
    int calls;           /* in a round */
    double best;         /* nanoseconds of a call */
};

struct arena_of_calls {
    const struct callable *callable;
    struct problem *problem;
    const float *inputs[MOST_TENSORS];
    void *packed, *workspace;
};

static double time_calls(struct arena_of_calls *a, const struct contestant *c, int calls) {
    char message[MOST_MESSAGE];
    double start = nanoseconds();
    for (int i = 0; i < calls; i++) {
        if (c->nest)
            c->nest(a->inputs, (float *)a->problem->output.data);
        else
            callable_run(a->callable, a->problem, a->packed, a->workspace, NULL, message);
    }
    return (nanoseconds() - start) / calls;
}

/* As many calls as take a millisecond; what is slow is called once. */
static void calibrate(struct arena_of_calls *a, struct contestant *c) {
    c->best = time_calls(a, c, 1);
    c->calls = c->best > 1e6 ? 1 : (int)(1e6 / (c->best + 1)) + 1;
}

static void time_in_turns(struct arena_of_calls *a, struct contestant *contestants, int count) {
    for (int i = 0; i < count; i++)
        calibrate(a, &contestants[i]);
    for (int round = 0; round < ROUNDS; round++)
        for (int i = 0; i < count; i++) {
            double time;
            if (contestants[i].best > SLOW_NANOSECONDS)
                continue;
            time = time_calls(a, &contestants[i], contestants[i].calls);
            if (time < contestants[i].best)
                contestants[i].best = time;
        }
}

/* ---- a case, in a process of its own ---- */

static void *aligned(size_t bytes) {
    return bytes ? aligned_alloc(DLT_ALIGNMENT, (bytes / DLT_ALIGNMENT + 1) * DLT_ALIGNMENT) : NULL;
}

static void contest(struct result *result, const struct callable *callable, struct problem *problem,
                    void *object, int number) {
    struct contestant contestants[1 + NEST_ORDERS] = {0};
    struct arena_of_calls a = {callable, problem, {0}, NULL, NULL};
    for (int i = 0; i < MOST_TENSORS; i++)
        a.inputs[i] = (const float *)problem->inputs[i].data;
    a.packed = aligned(callable->packed_bytes);
    a.workspace = aligned(callable_workspace_bytes(callable, 1));
    problem_prepare(problem);
    result->right = ((!callable->has_parameters && !callable->packed_bytes) ||
                     callable_pack(callable, problem, a.packed, result->message)) &&
                    callable_run(callable, problem, a.packed, a.workspace, NULL, result->message) &&
                    problem_judge(problem, result->message);
    for (int i = 0; i < MOST_TENSORS; i++)
        buffer_open_pages(&problem->inputs[i]);
    buffer_open_pages(&problem->output);
    for (int order = 0; order < NEST_ORDERS; order++) {
        char name[32];
        snprintf(name, sizeof name, "nest_%d_%d", number, order);
        *(void **)&contestants[1 + order].nest = dlsym(object, name);
    }
    time_in_turns(&a, contestants, 1 + NEST_ORDERS);
    result->default_us = contestants[0].best / 1000;
    for (int order = 0; order < NEST_ORDERS; order++)
        result->nest_us[order] = contestants[1 + order].best / 1000;
    result->done = true;
}

static void run_case(const struct settings *s, int number, void *object, struct result *result) {
    const struct problem_options options = {.whole = true, .sample = SAMPLE};
    struct definition definition;
    struct random random;
    struct problem problem;
    struct callable callable;
    dlt_runtime *runtime;
    definition_initialise(&definition);
    draw_case(s, number, &definition, &random);
    snprintf(result->work, sizeof result->work, "%s", definition.workload);
    snprintf(result->message, sizeof result->message, "crashed or took too long");
    alarm(SECONDS);
    if (!problem_create(&problem, &definition, &options, &random))
        snprintf(result->message, sizeof result->message, "out of memory");
    else if (dlt_runtime_open(s->database, s->target, &runtime) != DLT_OK)
        snprintf(result->message, sizeof result->message, "%s", dlt_error(runtime));
    else if (callable_get(&callable, runtime, &problem, 1, false, result->message) == DLT_OK)
        contest(result, &callable, &problem, object, number);
}

static void run_batch(const struct settings *s, int first, int count, struct result *results) {
    char path[600];
    void *object;
    snprintf(path, sizeof path, "%s/nests.so", s->folder);
    object = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!object) {
        fprintf(stderr, "bench_naive: %s\n", dlerror());
        exit(1);
    }
    for (int i = first; i < first + count; i++) {
        int status;
        pid_t child = fork();
        if (child == 0) {
            signal(SIGINT, SIG_IGN);
            run_case(s, i, object, &results[i]);
            _exit(0);
        }
        waitpid(child, &status, 0);
    }
    dlclose(object);
}

/* ---- the table ---- */

static double nest_us(const struct result *result) {
    return fmin(result->nest_us[NEST_AS_WRITTEN], result->nest_us[NEST_INTERCHANGED]);
}

static double ratio(const struct result *result) {
    return result->done ? result->default_us / nest_us(result) : INFINITY;
}

static int worst_first(const void *a, const void *b) {
    double left = ratio(a), right = ratio(b);
    return left < right ? 1 : left > right ? -1 : 0;
}

static int print_table(const struct settings *s, struct result *results, int count) {
    double logarithms = 0;
    int done = 0, above = 0, bad = 0;
    qsort(results, (size_t)count, sizeof *results, worst_first);
    printf("%8s %12s %12s %12s  work\n", "ratio", "default us", "as written", "interchanged");
    for (int i = 0; i < count; i++) {
        const struct result *r = &results[i];
        if (r->done) {
            printf("%8.2f %12.2f %12.2f %12.2f  %s\n", ratio(r), r->default_us,
                   r->nest_us[NEST_AS_WRITTEN], r->nest_us[NEST_INTERCHANGED], r->work);
            logarithms += log(ratio(r));
            above += ratio(r) > s->limit;
            done++;
        }
        if (!r->done || !r->right) {
            printf("   %s: %s: %s\n", r->done ? "WRONG" : "no kernel", r->message, r->work);
            bad++;
        }
    }
    printf("%d cases; %d above %g; %d wrong or without a kernel; geometric mean of ratios %.3f\n",
           count, above, s->limit, bad, done ? exp(logarithms / done) : 0);
    return above || bad;
}

/* ---- stopping early ---- */

static volatile sig_atomic_t stopped;

static void stop(int signal_number) {
    (void)signal_number;
    stopped = 1;
}

/* ---- options ---- */

static void usage(const char *what) {
    fprintf(stderr,
            "bench_naive: %s\nusage: bench_naive --program DLTUNE [--seed N] [--workloads N]\n"
            "       [--expressions N] [--first N] [--target NAME] [--limit RATIO]\n",
            what);
    exit(2);
}

static void read_settings(struct settings *s, int count, char **arguments) {
    for (int i = 1; i + 1 < count; i += 2) {
        const char *name = arguments[i], *value = arguments[i + 1];
        if (strcmp(name, "--program") == 0)
            s->program = value;
        else if (strcmp(name, "--target") == 0)
            s->target = value;
        else if (strcmp(name, "--seed") == 0)
            s->seed = strtoull(value, NULL, 10);
        else if (strcmp(name, "--first") == 0)
            s->first = atoi(value);
        else if (strcmp(name, "--workloads") == 0)
            s->workloads = atoi(value);
        else if (strcmp(name, "--expressions") == 0)
            s->expressions = atoi(value);
        else if (strcmp(name, "--limit") == 0)
            s->limit = strtod(value, NULL);
        else
            usage(name);
    }
    if (count % 2 == 0 || !s->program)
        usage("--program is missing");
    if (s->workloads + s->expressions > MOST_CASES)
        usage("too many cases");
}

static void make_folder(struct settings *s) {
    char output[600];
    const char *const words[] = {s->program, "expression", "text=nothing[a=1] f32 = 1",
                                 "--trials", "1",          "--target",
                                 "c",        "--db",       s->database,
                                 NULL};
    snprintf(s->folder, sizeof s->folder, "/tmp/bench-naive-XXXXXX");
    if (!mkdtemp(s->folder))
        usage(strerror(errno));
    snprintf(s->database, sizeof s->database, "%s/empty.db", s->folder);
    snprintf(output, sizeof output, "%s/log", s->folder);
    program_run(words, output);
}

int main(int argument_count, char **arguments) {
    struct settings s = {
        .target = "native", .seed = 1, .workloads = 100, .expressions = 30, .limit = 3};
    struct definition definition;
    struct result *results;
    int count, status, done;
    read_settings(&s, argument_count, arguments);
    make_folder(&s);
    count = s.workloads + s.expressions;
    done = s.first;
    signal(SIGINT, stop); /* the table of what is done then */
    signal(SIGTERM, stop);
    results = mmap(NULL, (size_t)count * sizeof *results, PROT_READ | PROT_WRITE,
                   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (results == MAP_FAILED)
        usage("out of memory");
    definition_initialise(&definition);
    for (int first = s.first; first < count && !stopped; first += BATCH) {
        int size = count - first < BATCH ? count - first : BATCH;
        if (!compile(&s, first, size, &definition)) {
            fprintf(stderr, "bench_naive: gcc fails, see %s/log\n", s.folder);
            return 1;
        }
        run_batch(&s, first, size, results);
        fprintf(stderr, "\r%d of %d", first + size, count);
        done = first + size;
    }
    fputs("\n", stderr);
    status = print_table(&s, results + s.first, done - s.first);
    definition_free(&definition);
    const char *const words[] = {"rm", "-r", s.folder, NULL};
    program_run(words, "/dev/null");
    return status;
}
