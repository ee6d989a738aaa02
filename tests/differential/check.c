/* Checking one kernel of a case; see check.h. */
#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void session_open(struct session *session, const struct options *options, struct counts *counts) {
    memset(session, 0, sizeof *session);
    session->options = options;
    session->counts = counts;
}

void session_close(struct session *session) {
    for (int i = 0; i < MOST_TARGETS; i++)
        dlt_runtime_close(session->runtimes[i]);
    for (int i = 0; i < 2; i++)
        dlt_thread_pool_free(session->pools[i]);
}

static dlt_runtime *runtime_of(struct session *session, const char *target) {
    int i = 0;
    while (strcmp(session->options->targets[i], target) != 0)
        i++;
    if (!session->runtimes[i] && dlt_runtime_open(session->options->empty_database, target,
                                                  &session->runtimes[i]) != DLT_OK) {
        fprintf(stderr, "differential: %s\n", dlt_error(session->runtimes[i]));
        exit(2);
    }
    return session->runtimes[i];
}

/* Real threads for one case in four: they cost. */
static dlt_thread_pool *const *pools_of(struct session *session,
                                        const struct test_case *test_case) {
    if (test_case->seed % 4)
        return NULL;
    for (int i = 0; i < 2; i++)
        if (!session->pools[i] && dlt_thread_pool_create(i + 2, &session->pools[i]) != DLT_OK)
            return NULL;
    return session->pools;
}

/* A task without its target and threads. */
static void workload_of(char workload[MOST_TEXT], const char *task) {
    const char *end = strstr(task, " target=");
    snprintf(workload, MOST_TEXT, "%.*s", (int)(end ? end - task : 0), task);
}

enum verdict check_runtime(struct session *session, dlt_runtime *runtime,
                           const struct test_case *test_case, struct problem *problem,
                           char canonical[MOST_TEXT], char message[MOST_MESSAGE]) {
    struct random random = case_data(test_case);
    struct callable callable;
    enum verdict verdict = VERDICT_RIGHT;
    dlt_status status = callable_get(&callable, runtime, problem, test_case->threads,
                                     test_case->operator.strided, message);
    if (status == DLT_OK) {
        session->counts->kernels++;
        if (canonical)
            workload_of(canonical, callable.task);
        if (!callable_check(&callable, problem, test_case->threads, pools_of(session, test_case),
                            &random, message))
            verdict = VERDICT_WRONG;
    } else {
        verdict = status == DLT_ERROR_ARGUMENT ? VERDICT_REFUSED
                  : status == DLT_ERROR_WRONG  ? VERDICT_WRONG
                                               : VERDICT_WITHOUT_KERNEL;
    }
    callable_release(&callable);
    return verdict;
}

bool is_accepted(struct session *session, const struct test_case *test_case,
                 char message[MOST_MESSAGE]) {
    dlt_runtime *runtime = runtime_of(session, test_case->target);
    dlt_kernel *kernel;
    dlt_status status =
        dlt_runtime_get(runtime, test_case->definition.workload, test_case->threads, &kernel);
    dlt_kernel_release(kernel);
    if (status)
        snprintf(message, MOST_MESSAGE, "%s", dlt_error(runtime));
    return status != DLT_ERROR_ARGUMENT;
}

enum verdict check_default(struct session *session, const struct test_case *test_case,
                           char message[MOST_MESSAGE]) {
    struct random random = case_data(test_case);
    dlt_runtime *runtime = runtime_of(session, test_case->target);
    const struct problem_options options = {test_case->special, session->options->whole, 0};
    struct problem problem;
    enum verdict verdict;
    /* Asked before anything is evaluated: simplified expressions may not be legal. */
    if (!is_accepted(session, test_case, message))
        return VERDICT_REFUSED;
    if (!problem_create(&problem, &test_case->definition, &options, &random)) {
        snprintf(message, MOST_MESSAGE, "no memory for the case");
        return VERDICT_REFUSED;
    }
    session->counts->elements += problem.elements;
    session->counts->free_elements += problem.free_elements;
    verdict = check_runtime(session, runtime, test_case, &problem, NULL, message);
    problem_free(&problem);
    return verdict;
}

void conclude(struct session *session, const struct test_case *test_case, enum verdict verdict,
              const char *message) {
    struct counts *counts = session->counts;
    if (verdict == VERDICT_REFUSED || verdict == VERDICT_WITHOUT_KERNEL) {
        counts->refused += verdict == VERDICT_REFUSED;
        counts->without_kernel += verdict == VERDICT_WITHOUT_KERNEL;
        count_refusal(counts, message, test_case->definition.workload);
    }
    if (verdict == VERDICT_WRONG) {
        counts->mismatches++;
        report(counts, session->options, test_case, "MISMATCH", message);
    }
}
