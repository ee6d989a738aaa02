/* Starting workers and reading what they say; see process.h. */
#define _GNU_SOURCE
#include "bench/process.h"

#include "measure/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define WATCH_SECONDS 0.1 /* between looks at whether it was cancelled */

/* Starts the worker with one end of a socket as its standard input and output. */
static dlt_status start(const char *worker, const struct task *task, int end, pid_t *id,
                        struct error *error) {
    char *arguments[] = {(char *)worker, NULL}, **environment = bench_environment(task);
    posix_spawn_file_actions_t actions;
    int failure;
    if (!environment)
        return error_set(error, DLT_ERROR_MEMORY, "out of memory");
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, end, 0);
    posix_spawn_file_actions_adddup2(&actions, end, 1);
    if (!getenv("DLTUNE_WORKER_STDERR"))
        posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
    failure = posix_spawn(id, worker, &actions, NULL, arguments, environment);
    posix_spawn_file_actions_destroy(&actions);
    free(environment);
    if (failure)
        return error_set(error, DLT_ERROR_SYSTEM, "cannot start %s: %s", worker, strerror(failure));
    return DLT_OK;
}

static bool is_cancelled(const volatile sig_atomic_t *cancel) {
    return cancel && *cancel;
}

/* Reads until the end; false if time ran out before or it was cancelled. */
static bool read_all(int socket, double end, const volatile sig_atomic_t *cancel,
                     struct text *answers) {
    for (;;) {
        struct pollfd ready = {.fd = socket, .events = POLLIN};
        double left = end - clock_seconds(), wait;
        char bytes[4096];
        ssize_t length;
        if (left <= 0 || is_cancelled(cancel))
            return false;
        wait = left < WATCH_SECONDS ? left : WATCH_SECONDS;
        if (poll(&ready, 1, (int)(wait * 1000) + 1) <= 0)
            continue;
        length = read(socket, bytes, sizeof bytes);
        if (length < 0 && errno == EINTR)
            continue;
        if (length <= 0)
            return true;
        text_append_bytes(answers, bytes, (size_t)length);
    }
}

/* What its end means. A worker that ended with 1 has said why itself. */
static dlt_status judge(int ending, bool in_time, double seconds, struct error *error) {
    if (!in_time)
        return error_set(error, DLT_ERROR_SYSTEM, "took longer than %g s", seconds);
    if (WIFSIGNALED(ending))
        return error_set(error, DLT_ERROR_SYSTEM, "crashed: %s", strsignal(WTERMSIG(ending)));
    if (WEXITSTATUS(ending) > 1)
        return error_set(error, DLT_ERROR_SYSTEM, "its process ended with status %d",
                         WEXITSTATUS(ending));
    return DLT_OK;
}

dlt_status bench_process_run(const char *worker, const struct task *task, const char *request,
                             double timeout_seconds, const volatile sig_atomic_t *cancel,
                             struct text *answers, struct error *error) {
    int pair[2], ending = 0;
    bool in_time;
    dlt_status status;
    pid_t id;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
        return error_set(error, DLT_ERROR_SYSTEM, "socketpair: %s", strerror(errno));
    status = start(worker, task, pair[1], &id, error);
    close(pair[1]);
    if (status != DLT_OK) {
        close(pair[0]);
        return status;
    }
    for (size_t sent = 0, length = strlen(request); sent < length;) {
        ssize_t written = send(pair[0], request + sent, length - sent, MSG_NOSIGNAL);
        if (written < 0 && errno != EINTR)
            break; /* it has ended; its status says how */
        sent += written > 0 ? (size_t)written : 0;
    }
    shutdown(pair[0], SHUT_WR);
    in_time = read_all(pair[0], clock_seconds() + timeout_seconds, cancel, answers);
    if (!in_time)
        kill(id, SIGKILL);
    close(pair[0]);
    while (waitpid(id, &ending, 0) < 0 && errno == EINTR)
        ;
    if (is_cancelled(cancel))
        return error_set(error, DLT_ERROR_CANCELLED, "interrupted");
    return judge(ending, in_time, timeout_seconds, error);
}
