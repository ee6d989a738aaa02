/* A worker whose candidates do what their trace says: compute a matrix product rightly, or go wrong
 * in every way that a candidate can. They run in the process, on the buffers and under the handlers
 * of the worker that ships; only compiling is replaced. */
#define _GNU_SOURCE
#include "measure/worker.h"
#include "targets/jit/code_memory.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

static int64_t m, n, k;
static volatile long zero; /* keeps compilers from reasoning about what follows */
static long repetitions = 1;

static float *output_of(void *const *tensors) {
    return tensors[2];
}

static void multiply(void *const *tensors) {
    const float *a = tensors[0], *b = tensors[1];
    float *output = output_of(tensors);
    for (int64_t i = 0; i < m; i++)
        for (int64_t j = 0; j < n; j++) {
            float sum = 0;
            for (int64_t l = 0; l < k; l++)
                sum += a[i * k + l] * b[l * n + j];
            output[i * n + j] = sum;
        }
}

#define CANDIDATE(name)                                                                            \
    static int name(void *const *tensors, const void *packed, void *workspace,                     \
                    const dlt_threads *threads) {                                                  \
        (void)packed, (void)workspace, (void)threads;                                              \
        multiply(tensors);

CANDIDATE(right)
return 0;
}

CANDIDATE(slow)
for (long i = 0; i < repetitions; i++)
    multiply(tensors);
return 0;
}

CANDIDATE(reversed) /* another order of summation: right, but not the same bits */
const float *a = tensors[0], *b = tensors[1];
for (int64_t i = 0; i < m; i++)
    for (int64_t j = 0; j < n; j++) {
        float sum = 0;
        for (int64_t l = k - 1; l >= 0; l--)
            sum += a[i * k + l] * b[l * n + j];
        output_of(tensors)[i * n + j] = sum;
    }
return 0;
}

CANDIDATE(crash)
*(volatile int *)zero = 1;
return 0;
}

CANDIDATE(illegal)
raise(SIGILL);
return 0;
}

CANDIDATE(aborts)
abort();
}

CANDIDATE(killed)
raise(SIGKILL);
return 0;
}

static int recurse(volatile char *above) {
    volatile char frame[4096];
    frame[0] = above[0];
    if (zero)
        return 0;
    return recurse(frame) + frame[0];
}

CANDIDATE(stack)
char start = 1;
return recurse(&start) == 0;
}

CANDIDATE(loops)
while (!zero)
    ;
return 0;
}

CANDIDATE(exits)
exit(0);
}

CANDIDATE(exits_at_once)
_exit(3);
}

CANDIDATE(devours) /* asks for memory and writes to it, without looking whether it got any */
for (;;) {
    char *piece = malloc(16 << 20);
    memset(piece, 1, 16 << 20);
}
return 0;
}

CANDIDATE(devours_for_ever) /* never notices that it gets no more */
for (;;) {
    char *piece = malloc(16 << 20);
    if (piece)
        memset(piece, 1, 16 << 20);
}
return 0;
}

CANDIDATE(before)
((volatile float *)output_of(tensors))[zero - 1] = 0;
return 0;
}

CANDIDATE(behind)
((volatile float *)output_of(tensors))[m * n + zero] = 0;
return 0;
}

CANDIDATE(reads_behind)
zero = ((volatile float *)tensors[1])[k * n + zero] > 1e30f;
return 0;
}

CANDIDATE(reads_before)
zero = ((volatile float *)tensors[0])[zero - 1] > 1e30f;
return 0;
}

CANDIDATE(writes_input)
((volatile float *)tensors[1])[zero] = 1;
return 0;
}

CANDIDATE(border)
output_of(tensors)[m * n - 1] += 0.01f;
return 0;
}

CANDIDATE(overwrites_with_zero)
memset(tensors[2], 0, sizeof(float) * (size_t)(m * n));
return 0;
}

CANDIDATE(undetermined)
static float calls;
output_of(tensors)[0] += ++calls;
return 0;
}

CANDIDATE(complains)
return 7;
}

CANDIDATE(closes_socket)
close(3);
while (!zero)
    ;
return 0;
}

CANDIDATE(scribbles_socket)
send(3, "nonsense, twelve", 16, 0);
while (!zero)
    ;
return 0;
}

CANDIDATE(forks)
if (fork() == 0)
    for (;;)
        pause();
_exit(0);
}

CANDIDATE(escapes) /* a process of its own session, out of its group's reach */
if (fork() == 0) {
    setsid();
    for (;;)
        pause();
}
return 0;
}

CANDIDATE(runs_program)
execl("/bin/sleep", "sleep", "1000", (char *)NULL);
return 0;
}

static void *do_nothing(void *context) {
    return context;
}

CANDIDATE(starts_thread)
pthread_t thread;
if (pthread_create(&thread, NULL, do_nothing, NULL) != 0)
    return 1;
return pthread_join(thread, NULL);
}

CANDIDATE(uses_workspace)
memset(workspace, 0, 100);
return 0;
}

CANDIDATE(beyond_workspace)
memset(workspace, 0, 129 + (size_t)zero);
return 0;
}

static int unwritten(void *const *tensors, const void *packed, void *workspace,
                     const dlt_threads *threads) {
    const float last = output_of(tensors)[m * n - 1];
    (void)packed, (void)workspace, (void)threads;
    multiply(tensors);
    output_of(tensors)[m * n - 1] = last;
    return 0;
}

/* With b as a parameter: packed ahead as it is. */
static int pack_copy(const void *const *parameters, void *packed) {
    memcpy(packed, parameters[0], sizeof(float) * (size_t)(k * n));
    return 0;
}

static int pack_beyond(const void *const *parameters, void *packed) {
    pack_copy(parameters, packed);
    memset((char *)packed + sizeof(float) * (size_t)(k * n), 0, 64 + (size_t)zero);
    return 0;
}

static int pack_complains(const void *const *parameters, void *packed) {
    pack_copy(parameters, packed);
    return -1;
}

static int with_packed(void *const *tensors, const void *packed, void *workspace,
                       const dlt_threads *threads) {
    void *all[] = {tensors[0], (void *)packed, tensors[1]};
    return right(all, NULL, workspace, threads);
}

static int writes_packed(void *const *tensors, const void *packed, void *workspace,
                         const dlt_threads *threads) {
    ((volatile float *)packed)[zero] = 1;
    return with_packed(tensors, packed, workspace, threads);
}

static const struct {
    const char *name;
    kernel_run *run;
    kernel_pack *pack;
} candidates[] = {
    {"packs", with_packed, pack_copy},
    {"packs beyond", with_packed, pack_beyond},
    {"pack complains", with_packed, pack_complains},
    {"writes packed", writes_packed, pack_copy},
    {"right", right, NULL},
    {"slow", slow, NULL},
    {"reversed", reversed, NULL},
    {"crash", crash, NULL},
    {"illegal", illegal, NULL},
    {"aborts", aborts, NULL},
    {"killed", killed, NULL},
    {"stack", stack, NULL},
    {"loops", loops, NULL},
    {"exits", exits, NULL},
    {"exits at once", exits_at_once, NULL},
    {"devours", devours, NULL},
    {"devours for ever", devours_for_ever, NULL},
    {"before", before, NULL},
    {"behind", behind, NULL},
    {"reads behind", reads_behind, NULL},
    {"reads before", reads_before, NULL},
    {"writes input", writes_input, NULL},
    {"unwritten", unwritten, NULL},
    {"border", border, NULL},
    {"zeros", overwrites_with_zero, NULL},
    {"undetermined", undetermined, NULL},
    {"complains", complains, NULL},
    {"closes socket", closes_socket, NULL},
    {"scribbles socket", scribbles_socket, NULL},
    {"forks", forks, NULL},
    {"escapes", escapes, NULL},
    {"runs program", runs_program, NULL},
    {"starts thread", starts_thread, NULL},
    {"uses workspace", uses_workspace, NULL},
    {"beyond workspace", beyond_workspace, NULL},
};

/* Machine code that traps: two tiles of 64 bytes, then what calls the second, then an entry that
 * traps itself. */
static bool make_code(struct candidate *candidate, int64_t entry, struct error *error) {
    static const size_t tile_starts[] = {0, 64, 128};
    static struct code_memory memory;
    unsigned char bytes[256];
    memset(bytes, 0x90, sizeof bytes);
    memcpy(bytes + 64 + 3, "\x0f\x0b", 2);
    memcpy(bytes + 128, "\xe9\xbb\xff\xff\xff", 5);
    memcpy(bytes + 192 + 6, "\x0f\x0b", 2);
    if (code_memory_create(bytes, sizeof bytes, &memory, error) != DLT_OK)
        return false;
    void *start = (char *)memory.code + entry;
    memcpy(&candidate->run, &start, sizeof start);
    candidate->code = (struct fault_code){memory.code, memory.bytes, 2, tile_starts};
    return true;
}

/* "NAME" or "NAME:REPETITIONS". */
static enum measure_outcome make(void *context, const struct task *task, const char *trace,
                                 struct candidate *candidate, struct error *error) {
    const struct tensor *a = task->expression->tensors[0], *b = task->expression->tensors[1];
    const char *colon = strchr(trace, ':');
    size_t length = colon ? (size_t)(colon - trace) : strlen(trace);
    (void)context;
    m = a->axes[0]->extent, k = a->axes[1]->extent, n = b->axes[1]->extent;
    repetitions = colon ? strtol(colon + 1, NULL, 10) : 1;
    candidate->workspace_bytes = 128;
    if (strcmp(trace, "exits in make") == 0)
        exit(1);
    if (strcmp(trace, "does not compile") == 0) {
        error_set(error, DLT_ERROR_COMPILE, "line 1: no");
        return OUTCOME_COMPILE;
    }
    if (strcmp(trace, "traps in tile") == 0)
        return make_code(candidate, 128, error) ? OUTCOME_OK : OUTCOME_COMPILE;
    if (strcmp(trace, "traps around tiles") == 0)
        return make_code(candidate, 192, error) ? OUTCOME_OK : OUTCOME_COMPILE;
    for (size_t i = 0; i < sizeof candidates / sizeof candidates[0]; i++)
        if (strlen(candidates[i].name) == length &&
            strncmp(candidates[i].name, trace, length) == 0) {
            candidate->run = candidates[i].run;
            candidate->pack = candidates[i].pack;
            candidate->packed_bytes = candidates[i].pack ? 4 * k * n : 0;
            return OUTCOME_OK;
        }
    error_set(error, DLT_ERROR_REFUSED, "there is no step %s", trace);
    return OUTCOME_REFUSED;
}

static void release(void *context, struct candidate *candidate) {
    (void)context, (void)candidate;
}

int main(int argument_count, char **arguments) {
    static const struct candidate_maker maker = {.make = make, .release = release};
    return worker_serve(argument_count, arguments, &maker);
}
