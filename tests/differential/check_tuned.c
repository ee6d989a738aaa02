/* Kernels that were tuned: run from the database, adapted for near workloads, and from an exported
 * library, each against the evaluator; see check.h.
 *
 * A group of workloads of one target is tuned by the program, in few trials, so that schedules are
 * run that no default would take. That a candidate of the tuner was wrong or crashed is a mismatch
 * too: the tuner should never have made it. */
#include "check.h"
#include "program.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    GROUP = 6,
    MOST_LINE = 65536,
};

struct group {
    struct session *session;
    int64_t number;
    char folder[MOST_PATH], database[MOST_PATH], list[MOST_PATH];
    int count;
    struct test_case cases[GROUP];
    struct problem problems[GROUP];
    bool tuned[GROUP];
    char canonical[GROUP][MOST_TEXT];
};

/* ---- making the group ---- */

static void path_in(char *path, const struct group *group, const char *name) {
    snprintf(path, MOST_PATH, "%.700s/%s", group->folder, name);
}

/* The `i`-th workload: the first of some that is accepted, as one line that is refused refuses a
 * list. */
static void draw_member(struct group *group, int i) {
    struct test_case *c = &group->cases[i];
    char message[MOST_MESSAGE];
    for (int64_t number = group->number * GROUP + i;; number += 1000003) {
        case_draw(c, group->session->options, number);
        c->target = group->cases[0].target;
        c->threads = group->cases[0].threads;
        if (c->is_operator && c->operator.strided) { /* what is tuned is found by its text */
            c->operator.strided = false;
            operator_build(&c->operator, & c->definition);
        }
        if (is_accepted(group->session, c, message))
            return;
        conclude(group->session, c, VERDICT_REFUSED, message);
    }
}

static void draw_group(struct group *group) {
    const struct options *options = group->session->options;
    for (int i = 0; i < GROUP; i++) {
        struct test_case *c = &group->cases[i];
        struct random random;
        definition_initialise(&c->definition);
        draw_member(group, i);
        random = case_data(c);
        const struct problem_options data = {c->special, options->whole, 0};
        if (!problem_create(&group->problems[i], &c->definition, &data, &random)) {
            fprintf(stderr, "differential: out of memory\n");
            exit(2);
        }
        group->session->counts->cases++;
        group->session->counts->elements += group->problems[i].elements;
        group->session->counts->free_elements += group->problems[i].free_elements;
    }
}

static bool write_list(const struct group *group, bool only_tuned) {
    FILE *file = fopen(group->list, "w");
    if (!file)
        return false;
    for (int i = 0; i < GROUP; i++)
        if (!only_tuned || group->tuned[i])
            fprintf(file, "%s\n", group->cases[i].definition.workload);
    return fclose(file) == 0;
}

/* ---- tuning ---- */

/* The text between the quotes behind "key":, or what begins there up to `end`. */
static bool json_text(const char *line, const char *key, char end, char *text, size_t size) {
    char pattern[64];
    const char *start;
    size_t length;
    snprintf(pattern, sizeof pattern, "\"%s\":", key);
    start = strstr(line, pattern);
    if (!start)
        return false;
    start += strlen(pattern) + 1;
    length = strcspn(start, (const char[]){end, 0});
    snprintf(text, size, "%.*s", (int)(length < size ? length : size - 1), start);
    return true;
}

/* A candidate may be refused or be too slow; but what runs has to be right. */
static bool is_fault(const char *errors) {
    static const char *const faults[] = {"wrong", "outside", "crash", "exit", "memory", "compile"};
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++)
        if (strstr(errors, faults[i]))
            return true;
    return false;
}

static void read_result(struct group *group, int i, const char *line) {
    char text[MOST_MESSAGE] = "", message[MOST_MESSAGE] = "";
    const struct test_case *c = &group->cases[i];
    json_text(line, "status", '"', text, sizeof text);
    group->tuned[i] = strcmp(text, "ok") == 0;
    if (!group->tuned[i]) {
        char first[MOST_MESSAGE] = "";
        json_text(line, "message", '"', text, sizeof text);
        json_text(line, "first_error", '}', first, sizeof first);
        snprintf(message, sizeof message, "tuning fails: %.200s %.250s", text, first);
        conclude(group->session, c,
                 strstr(text, "no candidate") ? VERDICT_WITHOUT_KERNEL : VERDICT_REFUSED, message);
        return;
    }
    if (json_text(line, "errors", '}', text, sizeof text) && is_fault(text)) {
        char first[MOST_MESSAGE] = "";
        json_text(line, "first_error", '}', first, sizeof first);
        snprintf(message, sizeof message, "tuning has errors: %.100s, first %.300s", text, first);
        conclude(group->session, c, VERDICT_WRONG, message);
    }
}

static void tune(struct group *group) {
    static const char *const strategies[] = {"model", "random", "random", "genetic"};
    const struct options *options = group->session->options;
    static char line[MOST_LINE];
    char output[MOST_PATH], trials[16], threads[16], seed[24];
    const char *const words[] = {options->program,
                                 "tune",
                                 group->list,
                                 "--trials",
                                 trials,
                                 "--threads",
                                 threads,
                                 "--seed",
                                 seed,
                                 "--target",
                                 group->cases[0].target,
                                 "--strategy",
                                 strategies[group->cases[0].seed % 4],
                                 "--db",
                                 group->database,
                                 "--json",
                                 "--quiet",
                                 NULL};
    FILE *file;
    int i = 0;
    snprintf(trials, sizeof trials, "%d", options->trials);
    snprintf(threads, sizeof threads, "%d", group->cases[0].threads);
    snprintf(seed, sizeof seed, "%" PRId64, group->number);
    path_in(output, group, "tuned");
    program_run(words, output);
    file = fopen(output, "r");
    while (file && i < GROUP && fgets(line, sizeof line, file))
        if (line[0] == '{')
            read_result(group, i++, line);
    if (i < GROUP)
        conclude(group->session, &group->cases[i], VERDICT_WRONG,
                 "tuning the list gives fewer results than it has lines");
    if (file)
        fclose(file);
}

/* ---- running ---- */

static void run_stored(struct group *group, dlt_runtime *runtime) {
    char message[MOST_MESSAGE];
    for (int i = 0; i < GROUP; i++) {
        const struct test_case *c = &group->cases[i];
        enum verdict verdict;
        set_doing(group->session->counts, "tuned kernel of %s", c->definition.workload);
        if (!group->tuned[i])
            continue;
        verdict = check_runtime(group->session, runtime, c, &group->problems[i],
                                group->canonical[i], message);
        conclude(group->session, c, verdict, message);
    }
}

static void run_neighbours(struct group *group, dlt_runtime *runtime) {
    char message[MOST_MESSAGE];
    for (int i = 0; i < 2 * GROUP; i++) {
        struct test_case near = group->cases[i / 2];
        struct random random = {near.seed + (uint64_t)i};
        struct problem problem;
        if (!near.is_operator)
            continue;
        definition_initialise(&near.definition);
        draw_neighbour(&random, &near.operator);
        operator_build(&near.operator, & near.definition);
        set_doing(group->session->counts, "adapted kernel of %s", near.definition.workload);
        if (definition_terms(&near.definition) < 10 * group->session->options->terms &&
            problem_create(&problem, &near.definition, &group->problems[i / 2].options, &random)) {
            enum verdict verdict =
                check_runtime(group->session, runtime, &near, &problem, NULL, message);
            conclude(group->session, &near, verdict, message);
            problem_free(&problem);
        }
        definition_free(&near.definition);
    }
}

/* ---- exporting ---- */

static bool export_library(struct group *group) {
    char threads[16], output[MOST_PATH];
    const char *const words[] = {group->session->options->program,
                                 "export",
                                 "--list",
                                 group->list,
                                 "--db",
                                 group->database,
                                 "--target",
                                 group->cases[0].target,
                                 "--threads",
                                 threads,
                                 "--name",
                                 "drawn",
                                 "--out",
                                 group->folder,
                                 "--quiet",
                                 NULL};
    snprintf(threads, sizeof threads, "%d", group->cases[0].threads);
    path_in(output, group, "exported");
    return write_list(group, true) && program_run(words, output) == 0;
}

struct compiler {
    const char *origin;
    const char *words[16]; /* run in the folder */
};

static const struct compiler compilers[] = {
    {"archive",
     {"gcc", "-shared", "-o", "drawn.so", "-Wl,--whole-archive", "libdrawn.a",
      "-Wl,--no-whole-archive", NULL}},
    {"exported source by gcc -O2",
     {"gcc", "-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-o", "drawn.so", "drawn.c",
      NULL}},
    {"exported source by clang -O3",
     {"clang", "-O3", "-Wall", "-shared", "-fPIC", "-o", "drawn.so", "drawn.c", NULL}},
};

static void run_library(struct group *group, const struct compiler *compiler) {
    char path[MOST_PATH], output[MOST_PATH], message[MOST_MESSAGE] = "";
    struct library library;
    path_in(path, group, "drawn.so");
    path_in(output, group, "compiled");
    if (program_run_in(group->folder, compiler->words, output) != 0) {
        snprintf(message, sizeof message, "%s does not compile", compiler->origin);
        conclude(group->session, &group->cases[0], VERDICT_WRONG, message);
        return;
    }
    if (!library_open(&library, path, "drawn", message)) {
        conclude(group->session, &group->cases[0], VERDICT_WRONG, message);
        library_close(&library);
        return;
    }
    for (int i = 0; i < GROUP; i++) {
        const struct test_case *c = &group->cases[i];
        struct random random = case_data(c);
        struct callable callable;
        bool right;
        if (!group->tuned[i])
            continue;
        set_doing(group->session->counts, "%s of %s", compiler->origin, c->definition.workload);
        group->session->counts->kernels++;
        right = callable_find(&callable, &library, compiler->origin, &group->problems[i],
                              group->canonical[i]);
        if (!right)
            snprintf(message, sizeof message, "the library does not find it");
        else
            right =
                callable_check(&callable, &group->problems[i], c->threads, NULL, &random, message);
        conclude(group->session, c, right ? VERDICT_RIGHT : VERDICT_WRONG, message);
    }
    library_close(&library);
}

/* ---- a group ---- */

static void run_group(struct group *group) {
    dlt_runtime *runtime;
    int tuned = 0;
    set_doing(group->session->counts, "tuning");
    tune(group);
    for (int i = 0; i < GROUP; i++)
        tuned += group->tuned[i];
    if (dlt_runtime_open(group->database, group->cases[0].target, &runtime) == DLT_OK) {
        run_stored(group, runtime);
        run_neighbours(group, runtime);
    } else {
        conclude(group->session, &group->cases[0], VERDICT_WRONG, dlt_error(runtime));
    }
    dlt_runtime_close(runtime);
    if (!tuned)
        return;
    set_doing(group->session->counts, "exporting");
    if (export_library(group))
        run_library(group, &compilers[group->cases[0].seed / 4 % 3]);
    else
        conclude(group->session, &group->cases[0], VERDICT_WRONG, "what was tuned is not exported");
}

void check_tuned_group(struct session *session, int64_t number) {
    struct group *group = calloc(1, sizeof *group);
    const char *remove[] = {"rm", "-rf", NULL, NULL};
    if (!group)
        exit(2);
    group->session = session;
    group->number = number;
    snprintf(group->folder, sizeof group->folder, "%s/group", session->options->folder);
    remove[2] = group->folder;
    program_run(remove, "/dev/null");
    path_in(group->database, group, "tuned.db");
    path_in(group->list, group, "list");
    draw_group(group);
    if (program_make_folder(group->folder) && write_list(group, false))
        run_group(group);
    for (int i = 0; i < GROUP; i++) {
        problem_free(&group->problems[i]);
        definition_free(&group->cases[i].definition);
    }
    free(group);
}
