/* Kernels: expressions and traces as text, compiled for every target that runs here, run, and every
 * element compared with the reference. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/random.h"
#include "targets/jit/compile.h"
#include "targets/jit/kernel.h"
#include "te/reference.h"

enum {
    THREADS = 3,
    GUARD = 64, /* elements in front of and behind each result that must stay as they are */
};

struct example {
    const char *name, *expression, *trace;
};

#define MATMUL(m, n, k)                                                                            \
    "input a[m=" m ", k=" k "] f32 variable\n"                                                     \
    "input b[k=" k ", n=" n "] f32 variable\n"                                                     \
    "c[m=" m ", n=" n "] f32 = sum(k=" k ") a[m, k] * b[k, n]\n"

#define TILED_MATMUL                                                                               \
    "split c m 4\nsplit c n 16\nreorder c m.o n.o k m.i n.i\nunroll c m.i\nvectorize c n.i\n"      \
    "tile c n.o\n"

#define CONVOLUTION                                                                                \
    "input x[c=5, h=9, w=11] f32 variable\n"                                                       \
    "input weight[k=19, c=5, r=3, s=3] f32 parameter\n"                                            \
    "input bias[k=19] f32 variable\n"                                                              \
    "conv[k=19, y=9, z=11] f32 = sum(c=5, r=3, s=3)\n"                                             \
    "    select(0 <= y + r - 1 < 9, 0 <= z + s - 1 < 11, x[c, y + r - 1, z + s - 1], 0)"           \
    " * weight[k, c, r, s]\n"                                                                      \
    "output[k=19, y=9, z=11] f32 = max(conv[k, y, z] + bias[k], 0)\n"

#define POOL                                                                                       \
    "input x[c=3, h=12, w=40] f32 variable\n"                                                      \
    "y[c=3, y=6, z=20] f32 = max(r=3, s=3)\n"                                                      \
    "    select(0 <= 2*y + r - 1 < 12, 0 <= 2*z + s - 1 < 40, x[c, 2*y + r - 1, 2*z + s - 1], "    \
    "-inf)\n"

#define BIASED                                                                                     \
    MATMUL("7", "35", "12")                                                                        \
    "input bias[n=35] f32 variable\n"                                                              \
    "y[m=7, n=35] f32 = max(c[m, n] + bias[n], 0)\n"

#define SOFTMAX                                                                                    \
    "input x[i=7, j=37] f32 variable\n"                                                            \
    "top[i=7] f32 = max(j=37) x[i, j]\n"                                                           \
    "power[i=7, j=37] f32 = exp(x[i, j] - top[i])\n"                                               \
    "total[i=7] f32 = sum(j=37) power[i, j]\n"                                                     \
    "y[i=7, j=37] f32 = power[i, j] / total[i]\n"

#define ACTIVATIONS                                                                                \
    "input x[i=101] f32 variable\n"                                                                \
    "y[i=101] f32 = erf(x[i]) * tanh(x[i]) + exp(x[i]) - sqrt(abs(x[i])) + log(abs(x[i]) + 1)\n"

#define ELEMENTWISE                                                                                \
    "input x[i=101] f32 variable\n"                                                                \
    "y[i=101] f32 = max(x[i] * x[i] - 1, x[i] / (abs(x[i]) + 1))\n"

static const struct example examples[] = {
    {"one element", "input x[i=1] f32 variable\ny[i=1] f32 = x[i] + 1\n", ""},
    {"untouched matmul", MATMUL("5", "7", "3"), ""},
    {"tiled matmul", MATMUL("8", "32", "9"), TILED_MATMUL},
    {"ragged matmul", MATMUL("13", "37", "19"), TILED_MATMUL},
    {"shifted matmul", MATMUL("13", "37", "19"),
     "split c m 4 shift\nsplit c n 16 shift\nreorder c m.o n.o k m.i n.i\nunroll c m.i\n"
     "vectorize c n.i\ntile c n.o\n"},
    {"split reduction", MATMUL("6", "16", "29"),
     "split c k 8\nreorder c k.o m k.i n\nvectorize c n\ntile c k.o\n"},
    {"partial results", MATMUL("6", "18", "29"),
     "split c k 8\nrfactor c k.o\nsplit c.partial n 16\nreorder c.partial k.o n.o k.i m n.i\n"
     "unroll c.partial m\nvectorize c.partial n.i\nparallel c.partial k.o\ntile c.partial n.o\n"
     "split c n 16\nreorder c m n.o k.o n.i\nunroll c k.o\nvectorize c n.i\ntile c n.o\n"},
    {"accumulators", MATMUL("1", "20", "29"),
     "split c k 4\nrfactor c k.i\nsplit c n 16\nreorder c n.o k.i m n.i\nunroll c k.i\n"
     "unroll c m\nvectorize c n.i\nattach c.partial c n.o\nreorder c.partial k.o k.i m n\n"
     "unroll c.partial k.i\nunroll c.partial m\nvectorize c.partial n\ntile c n.o\n"},
    {"parts of a maximum", POOL,
     "split y r 2\nrfactor y r.o\nfuse y.partial r.o c\nparallel y.partial r.o.c\n"},
    {"parallel matmul", MATMUL("13", "37", "19"), TILED_MATMUL "parallel c m.o\n"},
    {"untouched convolution", CONVOLUTION, ""},
    {"tiled convolution", CONVOLUTION,
     "pack weight k/16 c r s k%16\nsplit conv k 16\nsplit conv z 4\n"
     "reorder conv k.o y z.o c r s z.i k.i\nunroll conv z.i\nvectorize conv k.i\ntile conv z.o\n"
     "parallel conv k.o\n"},
    {"fused convolution", CONVOLUTION,
     "pack weight k/16 c r s k%16\nsplit output k 16\nsplit output z 4\n"
     "reorder output k.o y z.o z.i k.i\nvectorize output k.i\nunroll output z.i\n"
     "attach conv output z.o\nreorder conv c r s z k\nunroll conv z\nvectorize conv k\n"
     "tile output z.o\nparallel output k.o\n"},
    {"untouched pool", POOL, ""},
    {"tiled pool", POOL,
     "split y z 16\nreorder y c y z.o r s z.i\nvectorize y z.i\ntile y z.o\nparallel y c\n"},
    {"packed matmul", MATMUL("9", "50", "21"),
     "pack b n/16 k n%16\nsplit b.packed n 16\nreorder b.packed n.o k n.i\nvectorize b.packed n.i\n"
     "tile b.packed k\nparallel b.packed n.o\n" TILED_MATMUL "parallel c m.o\n"},
    {"transposed matmul",
     "input a[k=17, m=10] f32 variable\ninput b[n=33, k=17] f32 variable\n"
     "c[m=10, n=33] f32 = sum(k=17) a[k, m] * b[n, k]\n",
     "split c n 16\nreorder c n.o m k n.i\nvectorize c n.i\ntile c m\n"},
    {"shared bias", BIASED,
     "split c m 4\nsplit c n 16\nreorder c m.o n.o k m.i n.i\nunroll c m.i\n"
     "vectorize c n.i\ntile c n.o\nparallel c m.o\nsplit y n 16\nvectorize y n.i\ntile y m\n"
     "parallel y m\n"},
    {"untouched softmax", SOFTMAX, ""},
    {"softmax in rows", SOFTMAX,
     "attach total y i\nattach power y i\nattach top y i\nsplit y j 16\nvectorize y j.i\n"
     "tile y j.o\nparallel y i\n"},
    {"untouched activations", ACTIVATIONS, ""},
    {"parallel activations", ACTIVATIONS, "split y i 8\nparallel y i.o\n"},
    {"vectorised elementwise", ELEMENTWISE,
     "split y i 32\nvectorize y i.i\ntile y i.o\nparallel y i.o\n"},
};

struct fixture {
    struct arena arena;
    struct expression *expression;
    struct schedule *schedule;
    int input_count;
    void *inputs[MAX_TENSORS]; /* all, in the expression's order */
    struct reference *reference;
};

static void open_fixture(struct fixture *f, const struct example *example) {
    struct error error = {.status = DLT_OK};
    struct random random;
    memset(f, 0, sizeof *f);
    arena_initialise(&f->arena);
    if (arena_recover(&f->arena))
        fail_msg("out of memory");
    random_seed(&random, 5);
    if (expression_parse(&f->arena, example->expression, &f->expression, &error))
        fail_msg("%s: %s", example->name, error.message);
    f->schedule = schedule_create(&f->arena, f->expression);
    if (schedule_replay(f->schedule, example->trace, &error))
        fail_msg("%s: %s", example->name, error.message);
    for (int i = 0; i < f->expression->tensor_count; i++) {
        const struct tensor *tensor = f->expression->tensors[i];
        if (tensor->kind == TENSOR_COMPUTED)
            continue;
        float *data = malloc((size_t)tensor->layout.elements * sizeof *data);
        for (int64_t j = 0; j < tensor->layout.elements; j++)
            data[j] = (float)(2 * random_unit(&random) - 1);
        f->inputs[f->input_count++] = data;
    }
    if (reference_create(f->expression, (const void *const *)f->inputs, &f->reference, &error))
        fail_msg("%s: %s", example->name, error.message);
}

static void close_fixture(struct fixture *f) {
    reference_free(f->reference);
    schedule_free(f->schedule);
    for (int i = 0; i < f->input_count; i++)
        free(f->inputs[i]);
    arena_free(&f->arena);
}

/* The shares of a loop, the last first, as if by different threads. */
static void share_loop(void *context, dlt_loop_body *body, void *body_context, long count) {
    (void)context;
    for (long s = THREADS - 1; s >= 0; s--)
        body(body_context, count * s / THREADS, count * (s + 1) / THREADS, s);
}

static void *aligned(int64_t bytes) {
    void *memory = aligned_alloc(64, (size_t)(bytes + 64) / 64 * 64);
    memset(memory, 0xff, (size_t)(bytes + 64) / 64 * 64); /* NaN wherever it is not written */
    return memory;
}

static void run_kernel(const struct fixture *f, const struct kernel *kernel, float *result,
                       const dlt_threads *threads) {
    void *tensors[MAX_TENSORS];
    const void *parameters[MAX_TENSORS];
    int variables = 0, parameter_count = 0, input = 0;
    for (int i = 0; i < f->expression->tensor_count; i++) {
        enum tensor_kind kind = f->expression->tensors[i]->kind;
        if (kind == TENSOR_VARIABLE)
            tensors[variables++] = f->inputs[input];
        if (kind == TENSOR_PARAMETER)
            parameters[parameter_count++] = f->inputs[input];
        input += kind != TENSOR_COMPUTED;
    }
    tensors[variables] = result;
    assert_int_equal(kernel->variable_count, variables);
    assert_int_equal(kernel->parameter_count, parameter_count);
    void *packed = aligned(kernel->packed_bytes);
    void *workspace = aligned(kernel->shared_bytes + THREADS * kernel->private_bytes);
    assert_int_equal(kernel->pack(parameters, packed), 0);
    assert_int_equal(kernel->run(tensors, packed, workspace, threads), 0);
    free(packed);
    free(workspace);
}

static void next_subscripts(const struct tensor *tensor, int64_t *subscripts) {
    for (int i = tensor->rank - 1; i >= 0 && ++subscripts[i] == tensor->axes[i]->extent; i--)
        subscripts[i] = 0;
}

static void compare(const struct fixture *f, const char *name, const float *result) {
    const struct tensor *tensor = expression_result(f->expression);
    int64_t subscripts[MAX_RANK] = {0}, elements = 1;
    for (int i = 0; i < tensor->rank; i++)
        elements *= tensor->axes[i]->extent;
    for (int64_t i = 0; i < elements; i++, next_subscripts(tensor, subscripts)) {
        struct reference_element exact;
        struct error error;
        assert_int_equal(reference_evaluate(f->reference, subscripts, &exact, &error), DLT_OK);
        float got = result[layout_offset_of(&tensor->layout, subscripts)];
        double bound = data_types[TYPE_F32].epsilon * (exact.terms + 1) * exact.magnitude;
        if (!(fabs(got - exact.value) <= bound))
            fail_msg("%s: element %lld is %.9g, not %.9g +- %g\n%s", name, (long long)i, got,
                     exact.value, bound, schedule_trace(f->schedule));
    }
}

static void check_result(const struct fixture *f, const struct kernel *kernel, const char *name,
                         const dlt_threads *threads) {
    int64_t elements = expression_result(f->expression)->layout.elements;
    float *memory = aligned((elements + 2 * GUARD) * (int64_t)sizeof(float));
    uint32_t guard = 0xffffffff;
    run_kernel(f, kernel, memory + GUARD, threads);
    compare(f, name, memory + GUARD);
    for (int i = 0; i < GUARD; i++) {
        assert_memory_equal(&memory[i], &guard, sizeof guard);
        assert_memory_equal(&memory[GUARD + elements + i], &guard, sizeof guard);
    }
    free(memory);
}

/* Refusals are right answers where `may_refuse`. */
static void check_target(const struct fixture *f, const struct example *example, const char *target,
                         bool may_refuse) {
    const dlt_threads threads = {NULL, THREADS, share_loop};
    struct target_description description;
    struct error error = {.status = DLT_OK};
    struct kernel *kernel;
    char name[128];
    snprintf(name, sizeof name, "%s for %s", example->name, target);
    assert_int_equal(target_describe(target, &description, &error), DLT_OK);
    if (kernel_create(f->schedule, &description, "test", &kernel, &error)) {
        if (may_refuse && error.status == DLT_ERROR_REFUSED)
            return;
        fail_msg("%s: %s in\n%s", name, error.message, schedule_trace(f->schedule));
    }
    check_result(f, kernel, name, NULL);
    check_result(f, kernel, name, &threads);
    if (description.machine_code && strstr(example->trace, "tile"))
        assert_true(kernel->code_bytes > 0);
    assert_true(kernel->times.compile > 0 && kernel->times.link > 0 && kernel->times.lower > 0);
    kernel_free(kernel);
}

static void check_example(void **state) {
    const struct example *example = *state;
    struct fixture f;
    open_fixture(&f, example);
    for (int i = 0; target_names[i]; i++)
        if (target_runs_here(target_names[i]))
            check_target(&f, example, target_names[i], false);
    close_fixture(&f);
}

static const char *any_loop(const struct stage *stage, struct random *random) {
    return stage->loops[random_below(random, (uint64_t)stage->loop_count)].variable->name;
}

/* One step drawn at random; most are refused, which changes nothing. */
static void random_step(struct schedule *schedule, struct random *random) {
    static const char *const formats[] = {
        "split %s %s 2",  "split %s %s 4 shift", "split %s %s 16",
        "split %s %s 3",  "unroll %s %s",        "vectorize %s %s",
        "parallel %s %s", "tile %s %s",          "attach %s inline",
    };
    enum {
        FORMATS = sizeof formats / sizeof formats[0]
    };
    const struct stage *stage =
        schedule->stages[random_below(random, (uint64_t)schedule->stage_count)];
    uint64_t kind = random_below(random, FORMATS + 4);
    char line[512];
    if (kind < FORMATS) {
        snprintf(line, sizeof line, formats[kind], stage->name, any_loop(stage, random));
    } else if (kind == FORMATS) {
        const struct stage *consumer = schedule->stages[schedule->stage_count - 1];
        snprintf(line, sizeof line, "attach %s %s %s", stage->name, consumer->name,
                 any_loop(consumer, random));
    } else if (kind == FORMATS + 1) {
        snprintf(line, sizeof line, "fuse %s %s %s", stage->name, any_loop(stage, random),
                 any_loop(stage, random));
    } else {
        snprintf(line, sizeof line, "reorder %s %s %s", stage->name, any_loop(stage, random),
                 any_loop(stage, random));
    }
    (void)schedule_apply(schedule, line, NULL);
}

static void check_random(void **state) {
    const struct example *example = *state;
    for (uint64_t seed = 0; seed < 60; seed++) {
        struct fixture f;
        struct random random;
        open_fixture(&f, example);
        random_seed(&random, seed);
        for (int i = 0; i < 30; i++)
            random_step(f.schedule, &random);
        for (int i = 0; target_names[i]; i++)
            if (target_runs_here(target_names[i]))
                check_target(&f, example, target_names[i], true);
        close_fixture(&f);
    }
}

static void test_targets_that_do_not_run(void **state) {
    struct fixture f;
    struct target_description description = {.name = "z80"};
    struct kernel *kernel;
    struct error error;
    (void)state;
    open_fixture(&f, &examples[0]);
    assert_int_equal(kernel_create(f.schedule, &description, "test", &kernel, &error),
                     DLT_ERROR_REFUSED);
    assert_non_null(strstr(error.message, "z80"));
    assert_null(kernel);
    close_fixture(&f);
}

/* The text that holds the tiles' bytes does what the kernel does. */
static void check_source_with_bytes(struct fixture *f, const char *target) {
    static const struct program_code none;
    const struct kernel_source_options options = {
        .prefix = "mine", .tiles_as_bytes = true, .comments = true};
    struct target_description description;
    struct program *program;
    struct text source = {0};
    struct compiled compiled;
    struct kernel kernel = {.variable_count = 2};
    struct error error = {.status = DLT_OK};
    assert_int_equal(target_describe(target, &description, &error), DLT_OK);
    assert_int_equal(lower(&f->arena, f->schedule, &description, NULL, NULL, &program, &error),
                     DLT_OK);
    assert_int_equal(kernel_source(&f->arena, program, &description, &options, &source, &error),
                     DLT_OK);
    assert_int_equal(strstr(text_string(&source), "vfmadd") != NULL, description.machine_code);
    assert_int_equal(strstr(text_string(&source), "\".byte ") != NULL, description.machine_code);
    if (compile_c(text_string(&source), "mine", NULL, &none, &compiled, &error))
        fail_msg("%s", error.message);
    kernel.pack = (kernel_pack *)compiled.pack;
    kernel.run = (kernel_run *)compiled.run;
    if (target_runs_here(target))
        check_result(f, &kernel, target, NULL);
    code_memory_free(&compiled.memory);
    text_free(&source);
}

static void test_source_with_bytes(void **state) {
    struct fixture f;
    (void)state;
    open_fixture(&f, &examples[3]);
    if (arena_recover(&f.arena))
        fail_msg("out of memory");
    for (int i = 0; target_names[i]; i++)
        check_source_with_bytes(&f, target_names[i]);
    close_fixture(&f);
}

/* With DLTUNE_PERF_MAP set, a profiler finds the kernel's name. */
static void test_perf_map(void **state) {
    struct fixture f;
    struct target_description description;
    struct error error = {.status = DLT_OK};
    struct kernel *kernel;
    char path[64], line[256];
    bool found = false;
    (void)state;
    open_fixture(&f, &examples[0]);
    assert_int_equal(target_describe("c", &description, &error), DLT_OK);
    setenv("DLTUNE_PERF_MAP", "1", 1);
    assert_int_equal(kernel_create(f.schedule, &description, "my_kernel", &kernel, &error), DLT_OK);
    unsetenv("DLTUNE_PERF_MAP");
    snprintf(path, sizeof path, "/tmp/perf-%ld.map", (long)getpid());
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    while (fgets(line, sizeof line, file)) {
        unsigned long start, size;
        char name[64];
        assert_int_equal(sscanf(line, "%lx %lx %63s", &start, &size, name), 3);
        unsigned long run = (unsigned long)(uintptr_t)kernel->run;
        found |= strcmp(name, "my_kernel_run") == 0 && run >= start && run < start + size;
    }
    fclose(file);
    remove(path);
    assert_true(found);
    kernel_free(kernel);
    close_fixture(&f);
}

int main(void) {
    static const struct example bases[] = {
        {"random matmul", MATMUL("9", "37", "7"), ""},
        {"random convolution", CONVOLUTION, ""},
        {"random softmax", SOFTMAX, ""},
        {"random pool", POOL, ""},
        {"random shared bias", BIASED, ""},
    };
    enum {
        EXAMPLES = sizeof examples / sizeof examples[0],
        BASES = sizeof bases / sizeof bases[0],
        ALL = EXAMPLES + BASES
    };
    struct CMUnitTest tests[ALL + 3] = {
        [ALL] = cmocka_unit_test(test_targets_that_do_not_run),
        [ALL + 1] = cmocka_unit_test(test_source_with_bytes),
        [ALL + 2] = cmocka_unit_test(test_perf_map),
    };
    for (int i = 0; i < ALL; i++) {
        const struct example *example = i < EXAMPLES ? &examples[i] : &bases[i - EXAMPLES];
        tests[i] = (struct CMUnitTest){example->name, i < EXAMPLES ? check_example : check_random,
                                       NULL, NULL, (void *)(uintptr_t)example};
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
