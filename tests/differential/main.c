/* The differential test: random workloads and expressions, run by dltune and by an evaluator that
 * shares nothing with it.
 *
 *     differential --program build/dltune [--mode default|tuned] [--seed N] [--count N]
 *                  [--seconds S] [--targets A,B] [--threads N] [--case N] ...
 *
 * Cases run in a process that is replaced when one crashes or hangs. Each mismatch is one line that
 * tells the seed, the case and the element; the last line tells counts. The exit status is 0 if
 * there was no mismatch and no crash, and all legal work had a kernel. */
#include "check.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    CASE_SECONDS = 120,  /* then a case hangs */
    GROUP_SECONDS = 600, /* of tuning */
};

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static void usage(const char *what) {
    fprintf(
        stderr,
        "differential: %s\n"
        "usage: differential --program DLTUNE [--mode default|tuned] [--seed N] [--first N]\n"
        "       [--count N] [--case N] [--seconds S] [--targets A,B] [--threads N] [--trials N]\n"
        "       [--terms N] [--only operators|expressions] [--finite] [--whole]\n"
        "       [--no-shrink]\n",
        what);
    exit(2);
}

/* ---- one process ---- */

static void run_case(struct session *session, struct test_case *test_case) {
    char message[MOST_MESSAGE] = "";
    enum verdict verdict;
    case_draw(test_case, session->options, session->counts->current);
    set_doing(session->counts, "default kernel");
    verdict = check_default(session, test_case, message);
    conclude(session, test_case, verdict, message);
    alarm(0);
    if (verdict == VERDICT_WRONG && session->counts->mismatches <= 20)
        shrink(session, test_case);
}

/* Runs cases from the shared counter on; ends the process. */
static void run_cases(const struct options *options, struct counts *counts, double end) {
    bool tuned = strcmp(options->mode, "tuned") == 0;
    struct test_case test_case = {0};
    struct session session;
    setpgid(0, 0);
    definition_initialise(&test_case.definition);
    session_open(&session, options, counts);
    for (; counts->current < options->first + options->count; counts->current++) {
        if (options->seconds > 0 && now() > end)
            break;
        alarm(tuned ? GROUP_SECONDS : CASE_SECONDS);
        if (tuned) {
            check_tuned_group(&session, counts->current);
        } else {
            counts->cases++;
            run_case(&session, &test_case);
        }
    }
    session_close(&session);
    definition_free(&test_case.definition);
    fflush(NULL);
    _exit(0);
}

/* ---- processes ---- */

static void report_crash(const struct options *options, struct counts *counts, int status) {
    struct test_case test_case = {0};
    struct session session;
    char message[MOST_MESSAGE];
    int number = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    counts->crashes++;
    session_open(&session, options, counts);
    definition_initialise(&test_case.definition);
    case_draw(&test_case, options, counts->current);
    snprintf(message, sizeof message, "%s %d%s, %.400s", number ? "signal" : "exit status",
             number ? number : WEXITSTATUS(status), number == SIGALRM ? " (hangs)" : "",
             counts->doing);
    report(counts, options, &test_case, "CRASH", message);
    if (counts->crashes <= 10 && strcmp(options->mode, "default") == 0)
        shrink(&session, &test_case);
    definition_free(&test_case.definition);
}

static void run(const struct options *options, struct counts *counts) {
    double end = now() + options->seconds;
    counts->current = options->first;
    for (;;) {
        int status = 0;
        pid_t child;
        fflush(NULL);
        child = fork();
        if (child < 0)
            usage(strerror(errno));
        if (child == 0)
            run_cases(options, counts, end);
        while (waitpid(child, &status, 0) < 0 && errno == EINTR)
            continue;
        kill(-child, SIGKILL); /* what it left: a tuner of a case that hung */
        if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
            return;
        if (WIFEXITED(status) && WEXITSTATUS(status) == 2)
            exit(2);
        report_crash(options, counts, status);
        counts->current++;
    }
}

/* ---- options ---- */

static void split_targets(struct options *options, char *list) {
    options->target_count = 0;
    for (char *name = strtok(list, ","); name; name = strtok(NULL, ","))
        if (options->target_count < MOST_TARGETS)
            options->targets[options->target_count++] = name;
    if (!options->target_count)
        usage("--targets: names none");
}

static void read_options(struct options *options, int count, char **arguments) {
    for (int i = 1; i < count; i++) {
        const char *name = arguments[i], *value = i + 1 < count ? arguments[i + 1] : "";
        bool has_value = true;
        if (strcmp(name, "--program") == 0)
            options->program = value;
        else if (strcmp(name, "--mode") == 0)
            options->mode = value;
        else if (strcmp(name, "--seed") == 0)
            options->seed = strtoull(value, NULL, 10);
        else if (strcmp(name, "--first") == 0)
            options->first = strtoll(value, NULL, 10);
        else if (strcmp(name, "--count") == 0)
            options->count = strtoll(value, NULL, 10);
        else if (strcmp(name, "--case") == 0)
            options->first = strtoll(value, NULL, 10), options->count = 1;
        else if (strcmp(name, "--seconds") == 0)
            options->seconds = strtod(value, NULL);
        else if (strcmp(name, "--targets") == 0)
            split_targets(options, arguments[i + 1 < count ? i + 1 : i]);
        else if (strcmp(name, "--threads") == 0)
            options->threads = atoi(value);
        else if (strcmp(name, "--trials") == 0)
            options->trials = atoi(value);
        else if (strcmp(name, "--terms") == 0)
            options->terms = strtod(value, NULL);
        else if (strcmp(name, "--only") == 0)
            options->operators = strcmp(value, "operators") == 0,
            options->expressions = !options->operators;
        else if (strcmp(name, "--finite") == 0)
            options->finite = true, has_value = false;
        else if (strcmp(name, "--whole") == 0)
            options->whole = true, has_value = false;
        else if (strcmp(name, "--no-shrink") == 0)
            options->shrink = has_value = false;
        else
            usage(name);
        i += has_value;
    }
    if (!options->program)
        usage("--program is missing");
}

/* A database without anything near to a case, for the untuned defaults. */
static void make_database(struct options *options) {
    char command[3 * MOST_PATH];
    snprintf(options->folder, sizeof options->folder, "/tmp/differential-XXXXXX");
    if (!mkdtemp(options->folder))
        usage(strerror(errno));
    snprintf(options->empty_database, sizeof options->empty_database, "%s/empty.db",
             options->folder);
    snprintf(command, sizeof command,
             "'%s' expression 'text=nothing[a=1] f32 = 1' --trials 1 --quiet --target c --db '%s' "
             ">'%s/out' 2>&1",
             options->program, options->empty_database, options->folder);
    if (system(command) != 0 && access(options->empty_database, R_OK) != 0)
        usage("the program makes no database");
}

/* Leaves the targets that run on this machine. */
static void keep_runnable(struct options *options) {
    int kept = 0;
    for (int i = 0; i < options->target_count; i++) {
        dlt_runtime *runtime;
        dlt_status status =
            dlt_runtime_open(options->empty_database, options->targets[i], &runtime);
        if (status == DLT_OK)
            options->targets[kept++] = options->targets[i];
        else
            fprintf(stderr, "differential: %s\n", dlt_error(runtime));
        dlt_runtime_close(runtime);
    }
    options->target_count = kept;
    if (!kept)
        usage("no target runs here");
}

static void remove_folder(const struct options *options) {
    char command[MOST_PATH];
    snprintf(command, sizeof command, "rm -r '%s'", options->folder);
    if (system(command) != 0)
        fprintf(stderr, "differential: %s is left over\n", options->folder);
}

int main(int argument_count, char **arguments) {
    static struct options options = {.mode = "default",
                                     .seed = 1,
                                     .count = 1000,
                                     .terms = 20000,
                                     .trials = 3,
                                     .target_count = 3,
                                     .targets = {"x86-avx512", "x86-avx2", "c"},
                                     .expressions = true,
                                     .operators = true,
                                     .shrink = true};
    struct counts *counts = counts_create();
    double start = now();
    read_options(&options, argument_count, arguments);
    if (!counts)
        usage("out of memory");
    make_database(&options);
    keep_runnable(&options);
    run(&options, counts);
    remove_folder(&options);
    print_counts(counts, now() - start);
    return counts->mismatches || counts->crashes || counts->without_kernel;
}
