/* What a trial costs, and whether many of them leave anything behind.
 *
 *     bench_trials WORKLOAD [TRIALS] [STRATEGY] [synthetic]
 *
 * One tuning run, as users start it, into a database of its own that is removed: every step counts.
 * Rates are given by the wall clock and by the processor's time, since only the latter stands still
 * while others have the core. Twenty times along the way: memory, descriptors and children of the
 * tuner and of its worker. With `synthetic` nothing is compiled or timed, times are made up from
 * the traces: what is left is the search, the model and the database.
 *
 *     bench_trials 'matmul m=256 n=256 k=256' 2000
 *     bench_trials 'conv2d c=64 h=56 w=56 k=64 r=3 s=3 pad=1' 1000
 *     bench_trials 'conv2d c=16 h=12 w=12 k=32 r=3 s=3 pad=1' 20000
 *     bench_trials 'conv2d c=64 h=56 w=56 k=64 r=3 s=3 pad=1' 100000 model synthetic */
#define _GNU_SOURCE
#include "base/hash.h"
#include "search/search.h"
#include "search/strategy.h"
#include "targets/jit/default_space.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static _Noreturn void fail(const char *what) {
    fprintf(stderr, "bench_trials: %s\n", what);
    exit(1);
}

/* Its own, without what is mapped from files: the database's pages are the system's to drop. */
static long own_kilobytes(long process) {
    char path[64];
    long pages[3] = {0, 0, 0};
    FILE *file;
    snprintf(path, sizeof path, "/proc/%ld/statm", process);
    file = fopen(path, "r");
    if (file && fscanf(file, "%ld %ld %ld", &pages[0], &pages[1], &pages[2]) != 3)
        pages[1] = pages[2] = 0;
    if (file)
        fclose(file);
    return (pages[1] - pages[2]) * (sysconf(_SC_PAGESIZE) / 1024);
}

static int descriptors(long process) {
    char path[64];
    DIR *directory;
    int count = 0;
    snprintf(path, sizeof path, "/proc/%ld/fd", process);
    directory = opendir(path);
    while (directory && readdir(directory))
        count++;
    if (directory)
        closedir(directory);
    return count;
}

/* How many children there are, zombies too; the last one's number. */
static int children(long *last) {
    FILE *file = fopen("/proc/thread-self/children", "r");
    int count = 0;
    while (file && fscanf(file, "%ld", last) == 1)
        count++;
    if (file)
        fclose(file);
    return count;
}

static double processor_seconds(void) {
    struct rusage own, ended;
    getrusage(RUSAGE_SELF, &own);
    getrusage(RUSAGE_CHILDREN, &ended);
    return (double)(own.ru_utime.tv_sec + own.ru_stime.tv_sec + ended.ru_utime.tv_sec +
                    ended.ru_stime.tv_sec) +
           1e-6 * (double)(own.ru_utime.tv_usec + own.ru_stime.tv_usec + ended.ru_utime.tv_usec +
                           ended.ru_stime.tv_usec);
}

static void show(void *context, const struct tuner_summary *summary) {
    int64_t every = *(const int64_t *)context / 20;
    long worker = 0;
    int count;
    static int64_t shown;
    if (every < 1 || summary->trials % every || summary->trials == shown)
        return;
    shown = summary->trials;
    count = children(&worker);
    printf("%7lld trials %7.1f s, %7.1f s of the processor  tuner %ld KB, %d descriptors; %d "
           "child: %ld KB, %d descriptors\n",
           (long long)summary->trials, summary->seconds, processor_seconds(),
           own_kilobytes(getpid()), descriptors(getpid()), count, own_kilobytes(worker),
           descriptors(worker));
    fflush(stdout);
}

static void report(const struct tuner_summary *summary, double processor) {
    double all = (double)summary->trials;
    printf("%lld trials, %lld right, best %.4g us%s\n", (long long)summary->trials,
           (long long)summary->errors[OUTCOME_OK], summary->best.median_us,
           summary->exhausted ? "; no point is left" : "");
    printf("a second: %.1f by the wall clock, %.1f by the processor's time\n",
           all / summary->seconds, all / processor);
    printf("milliseconds a trial:");
    for (int i = 0; i < TUNER_SHARES; i++)
        printf("%s %s %.3f", i ? "," : "", tuner_share_names[i], 1e3 * summary->shares[i] / all);
    puts("");
}

/* A time that depends on the trace's lines, so that there is something to learn. */
static dlt_status make_up(void *context, const char *trace, double best_us,
                          struct measure_result *result, struct error *error) {
    double microseconds = 100;
    (void)context, (void)best_us, (void)error;
    while (*trace) {
        struct text line = {0};
        size_t length = strcspn(trace, "\n");
        text_append_bytes(&line, trace, length);
        microseconds *= 1 + (double)(hash_string(text_string(&line)) % 1000) * 1e-4;
        text_free(&line);
        trace += length + (trace[length] == '\n');
    }
    *result = (struct measure_result){
        .outcome = OUTCOME_OK, .median_us = microseconds, .minimum_us = microseconds};
    return DLT_OK;
}

static dlt_status make_up_again(void *context, int count, const char *const *traces,
                                struct measure_result *results, struct error *error) {
    for (int i = 0; i < count; i++)
        make_up(context, traces[i], 0, &results[i], error);
    return DLT_OK;
}

static dlt_status tune_synthetic(const struct task *task, const struct target_description *target,
                                 struct database *database, const struct tuner_options *options,
                                 struct tuner_summary *summary, struct error *error) {
    struct tuner_measurer seam = {NULL, make_up, make_up_again, NULL};
    struct arena arena;
    struct space *space;
    dlt_status status;
    arena_initialise(&arena);
    if (arena_recover(&arena))
        return error_set(error, DLT_ERROR_MEMORY, "out of memory");
    status = default_space_create(&arena, task->collapsed, target, 1, &space, error);
    if (status == DLT_OK)
        status = tuner_run(task, space, &seam, database, options, summary, error);
    arena_free(&arena);
    return status;
}

static void run(const char *workload, int64_t trials, const char *strategy, bool synthetic,
                const char *folder) {
    struct tuner_options options = {.trials = trials, .progress = show, .context = &trials};
    dlt_status status;
    struct target_description target;
    struct tuner_summary summary;
    struct database *database;
    struct error error;
    struct task *task;
    char path[300];
    snprintf(path, sizeof path, "%s/trials.db", folder);
    options.strategy = strategy_find(strategy);
    if (!options.strategy)
        fail("there is no such strategy");
    if (target_describe("native", &target, &error) != DLT_OK ||
        task_create_text(workload, target.name, 1, &task, &error) != DLT_OK ||
        database_open(path, DATABASE_WRITE, &database, &error) != DLT_OK)
        fail(error.message);
    printf("%s\n", task->key);
    status = synthetic ? tune_synthetic(task, &target, database, &options, &summary, &error)
                       : tune(task, database, &options, &summary, &error);
    if (status != DLT_OK)
        fail(error.message);
    report(&summary, processor_seconds());
    tuner_summary_free(&summary);
    database_close(database);
    task_free(task);
}

static void remove_folder(const char *folder) {
    static const char *const names[] = {"trials.db", "trials.db-wal", "trials.db-shm"};
    char path[300];
    for (int i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        unlink(path);
    }
    rmdir(folder);
}

int main(int argument_count, char **arguments) {
    int64_t trials = argument_count > 2 ? atoll(arguments[2]) : 1000;
    char folder[] = "/tmp/bench-trials-XXXXXX";
    if (argument_count < 2 || trials < 1)
        fail("usage: bench_trials WORKLOAD [TRIALS] [STRATEGY] [synthetic]");
    if (!mkdtemp(folder))
        fail("cannot make a folder in /tmp");
    run(arguments[1], trials, argument_count > 3 ? arguments[3] : "random",
        argument_count > 4 && !strcmp(arguments[4], "synthetic"), folder);
    remove_folder(folder);
    return 0;
}
