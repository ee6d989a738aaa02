/* Checking cases, in a process that may be lost. */
#ifndef DIFFERENTIAL_CHECK_H
#define DIFFERENTIAL_CHECK_H

#include "callable.h"
#include "counts.h"

/* What a checking process keeps. */
struct session {
    const struct options *options;
    struct counts *counts;
    dlt_runtime *runtimes[MOST_TARGETS]; /* of the empty database */
    dlt_thread_pool *pools[2];           /* of two and of three threads */
};

void session_open(struct session *session, const struct options *options, struct counts *counts);
void session_close(struct session *session);

enum verdict {
    VERDICT_RIGHT,
    VERDICT_REFUSED,        /* the workload's text */
    VERDICT_WITHOUT_KERNEL, /* legal work */
    VERDICT_WRONG,
};

/* Whether dltune takes the workload's text, with a kernel or without; else its message. */
bool is_accepted(struct session *session, const struct test_case *test_case,
                 char message[MOST_MESSAGE]);

/* The untuned default. */
enum verdict check_default(struct session *session, const struct test_case *test_case,
                           char message[MOST_MESSAGE]);

/* A kernel of `runtime`. `canonical`, if not NULL, gets the workload's canonical text. */
enum verdict check_runtime(struct session *session, dlt_runtime *runtime,
                           const struct test_case *test_case, struct problem *problem,
                           char canonical[MOST_TEXT], char message[MOST_MESSAGE]);

/* Counts and reports a verdict. */
void conclude(struct session *session, const struct test_case *test_case, enum verdict verdict,
              const char *message);

/* Makes a failing case smaller, each try in a process of its own, and reports the smallest. */
void shrink(struct session *session, const struct test_case *test_case);

/* A group of workloads: tuned in a few trials, run from the database, near ones adapted, exported,
 * compiled and run again (check_tuned.c). */
void check_tuned_group(struct session *session, int64_t number);

#endif
