/* Smaller cases that still fail; see check.h. */
#include "check.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    TRIES = 500,
    SECONDS = 30, /* of a try */
};

/* In a process of its own: whether the case still fails, in any way. */
static bool fails(struct session *session, const struct test_case *test_case) {
    int status = 0;
    pid_t child = fork();
    if (child < 0)
        return false;
    if (child == 0) {
        char message[MOST_MESSAGE];
        struct session own;
        session_open(&own, session->options, session->counts);
        signal(SIGALRM, SIG_DFL);
        alarm(SECONDS);
        _exit(check_default(&own, test_case, message) == VERDICT_WRONG);
    }
    waitpid(child, &status, 0);
    return WIFSIGNALED(status) || WEXITSTATUS(status) == 1;
}

static bool simplify(const struct test_case *from, int index, struct test_case *to) {
    if (from->is_operator) {
        if (!simplify_operator(&from->operator, index, &to->operator))
            return false;
        operator_build(&to->operator, & to->definition);
    } else {
        if (!simplify_expression(&from->definition, index, &to->definition))
            return false;
        expression_workload(&to->definition);
    }
    return true;
}

static void copy_case(struct test_case *to, const struct test_case *from) {
    *to = *from;
    if (from->is_operator)
        definition_initialise(&to->definition);
}

void shrink(struct session *session, const struct test_case *test_case) {
    struct test_case best, trial;
    char workload[MOST_TEXT];
    int tries = 0;
    bool better = true;
    struct counts kept = *session->counts;
    if (!session->options->shrink || !fails(session, test_case))
        return;
    copy_case(&best, test_case);
    copy_case(&trial, test_case);
    if (best.is_operator)
        operator_build(&best.operator, & best.definition);
    while (better) {
        better = false;
        for (int index = 0; tries < TRIES && simplify(&best, index, &trial); index++) {
            if (strcmp(trial.definition.workload, best.definition.workload) == 0 ||
                trial.definition.workload[0] == 0)
                continue;
            tries++;
            if (!fails(session, &trial))
                continue;
            best.operator= trial.operator;
            if (best.is_operator)
                operator_build(&best.operator, & best.definition);
            else
                best.definition = trial.definition;
            better = true;
        }
    }
    memcpy(session->counts, &kept, sizeof kept);
    snprintf(workload, sizeof workload, "%s", best.definition.workload);
    report(session->counts, session->options, &best, "  smaller",
           "fails too, with the same random numbers for its data");
    if (best.is_operator) {
        definition_free(&best.definition);
        definition_free(&trial.definition);
    }
}
