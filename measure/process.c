/* Worker processes; see process.h. */
#define _GNU_SOURCE
#include "measure/process.h"

#include "base/plain.h"
#include "measure/clock.h"
#include "measure/faults.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    READY_SECONDS = 300,       /* inputs of gigabytes take their time */
    WATCH_MILLISECONDS = 100,  /* between looks at its memory */
    FIRST_OWN_DESCRIPTOR = 10, /* ours lie above those that the worker's are moved to */
};

extern char **environ;

/* ---- starting ---- */

/* A descriptor above the worker's own numbers, closed on exec. */
static int move_up(int descriptor) {
    int moved = fcntl(descriptor, F_DUPFD_CLOEXEC, FIRST_OWN_DESCRIPTOR);
    close(descriptor);
    return moved;
}

/* `nothing` is what it reads and prints to, ours `socket` and `shared`. */
static int spawn(pid_t *id, const char *program, int nothing, int socket, int shared) {
    char parent[32];
    char *arguments[] = {(char *)program, parent, NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none, all;
    int failure;
    snprintf(parent, sizeof parent, "%ld", (long)getpid());
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, nothing, 0);
    posix_spawn_file_actions_adddup2(&actions, nothing, 1);
    if (!getenv("DLTUNE_WORKER_STDERR"))
        posix_spawn_file_actions_adddup2(&actions, nothing, 2);
    posix_spawn_file_actions_adddup2(&actions, socket, WORKER_SOCKET);
    posix_spawn_file_actions_adddup2(&actions, shared, WORKER_SHARED);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setpgroup(&attributes, 0); /* a group of its own: Ctrl-C is not for it */
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
                                              POSIX_SPAWN_SETPGROUP);
    failure = posix_spawn(id, program, &actions, &attributes, arguments, environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return failure;
}

/* Starts the program with the other end of the socket; answers what the system says. */
static int start(struct process *process, const char *program, int nothing, int other_end,
                 int shared) {
    int failure = EMFILE;
    other_end = move_up(other_end);
    if (process->socket >= 0 && other_end >= 0)
        failure = spawn(&process->id, program, nothing, other_end, shared);
    if (other_end >= 0)
        close(other_end);
    if (failure) {
        process->id = 0;
        process_end(process);
    }
    return failure;
}

static dlt_status launch(struct process *process, const char *program, int shared,
                         struct error *error) {
    /* A candidate that scribbles half a message must not block the measurer. */
    struct timeval patience = {.tv_sec = 5};
    int pair[2], failure, nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (nothing < 0)
        return error_set(error, DLT_ERROR_SYSTEM,
                         "/dev/null cannot be opened for reading and writing: %s", strerror(errno));
    nothing = move_up(nothing);
    if (nothing < 0 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
        failure = errno;
        if (nothing >= 0)
            close(nothing);
        return error_set(error, DLT_ERROR_SYSTEM, "a socket for the worker: %s", strerror(failure));
    }
    process->socket = move_up(pair[0]);
    failure = start(process, program, nothing, pair[1], shared);
    close(nothing);
    if (failure)
        return error_set(error, DLT_ERROR_SYSTEM, "cannot start %s: %s", program,
                         strerror(failure));
    setsockopt(process->socket, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    return DLT_OK;
}

static bool read_memory(pid_t id, uint64_t *virtual_bytes, uint64_t *resident_bytes) {
    char path[64];
    unsigned long long pages[2] = {0, 0}, page = (unsigned long long)sysconf(_SC_PAGESIZE);
    FILE *file;
    bool read;
    snprintf(path, sizeof path, "/proc/%ld/statm", (long)id);
    file = fopen(path, "re");
    if (!file)
        return false;
    read = fscanf(file, "%llu %llu", &pages[0], &pages[1]) == 2;
    fclose(file);
    *virtual_bytes = pages[0] * page;
    *resident_bytes = pages[1] * page;
    return read;
}

static dlt_status greet(struct process *process, const char *key, const struct start_message *start,
                        struct message *message, struct error *error) {
    char reason[256];
    const struct ready_message *ready = (const struct ready_message *)message->body;
    if (!message_send(process->socket, MESSAGE_START, start, sizeof *start, key, strlen(key)))
        return error_set(error, DLT_ERROR_SYSTEM, "the worker ended before it was ready");
    if (process_wait(process, READY_SECONDS, message, reason, sizeof reason) != OUTCOME_OK)
        return process_is_cancelled(process)
                   ? error_set(error, DLT_ERROR_CANCELLED, "interrupted")
                   : error_set(error, DLT_ERROR_SYSTEM, "the worker did not get ready: %s", reason);
    if (message->kind != MESSAGE_READY || message->body_bytes != sizeof *ready)
        return error_set(error, DLT_ERROR_SYSTEM, "the worker is of another version of dltune");
    if (ready->status != DLT_OK)
        return error_set(error, (dlt_status)ready->status, "%s", text_string(&message->text));
    process->memory_headroom = ready->memory_headroom;
    process->counters = ready->counters;
    read_memory(process->id, &process->virtual_base, &process->resident_base);
    return DLT_OK;
}

dlt_status process_start(struct process *process, const char *program, const char *key,
                         const struct start_message *start, int shared, struct message *message,
                         struct error *error) {
    dlt_status status;
    *process = (struct process){.socket = -1, .cancel = process->cancel};
    TRY(launch(process, program, shared, error));
    status = greet(process, key, start, message, error);
    if (status != DLT_OK)
        process_end(process);
    return status;
}

/* ---- waiting ---- */

bool process_is_idle(const struct process *process) {
    struct pollfd poll_for = {.fd = process->socket, .events = POLLIN};
    return process->id != 0 && poll(&poll_for, 1, 0) == 0;
}

/* Kills its group, since candidates may have started processes, and reaps it. */
static int kill_and_reap(struct process *process) {
    int status = 0;
    process->killed = false;
    if (process->id > 0) {
        kill(-process->id, SIGKILL);
        kill(process->id, SIGKILL); /* it may not have its group yet */
        while (waitpid(process->id, &status, 0) < 0 && errno == EINTR)
            ;
    }
    if (process->socket >= 0)
        close(process->socket);
    process->id = 0;
    process->socket = -1;
    return status;
}

void process_end(struct process *process) {
    kill_and_reap(process);
}

static bool memory_ran_away(const struct process *process, bool address_space) {
    uint64_t virtual_bytes, resident_bytes, headroom = process->memory_headroom;
    if (headroom == 0 || !read_memory(process->id, &virtual_bytes, &resident_bytes))
        return false;
    return resident_bytes > process->resident_base + headroom ||
           (address_space && virtual_bytes > process->virtual_base + headroom / 8 * 7);
}

/* Signals that no instruction raises. */
static bool was_sent(int signal) {
    return signal == SIGKILL || signal == SIGTERM || signal == SIGINT || signal == SIGHUP ||
           signal == SIGQUIT;
}

/* It is gone or speaks nonsense: what the system says about its end. */
static enum measure_outcome silent_end(struct process *process, char *reason, size_t bytes) {
    int status = kill_and_reap(process);
    if (WIFEXITED(status)) {
        snprintf(reason, bytes, "the worker's process ended by itself with status %d",
                 WEXITSTATUS(status));
        return OUTCOME_EXIT;
    }
    process->killed = was_sent(WTERMSIG(status));
    snprintf(reason, bytes, "the worker was killed by signal %d%s", WTERMSIG(status),
             !process->killed              ? ""
             : WTERMSIG(status) == SIGKILL ? " from outside, perhaps for want of memory"
                                           : " from outside");
    return OUTCOME_CRASH;
}

static enum measure_outcome receive(struct process *process, struct message *message, char *reason,
                                    size_t bytes) {
    struct fault_report report;
    if (!message_receive(process->socket, message))
        return silent_end(process, reason, bytes);
    if (message->kind != MESSAGE_FAULT)
        return OUTCOME_OK;
    if (message->body_bytes != sizeof report)
        return silent_end(process, reason, bytes);
    kill_and_reap(process);
    memcpy(&report, message->body, sizeof report);
    return fault_outcome(&report, reason, bytes);
}

static bool has_ended(const struct process *process) {
    siginfo_t information = {0};
    return waitid(P_PID, (id_t)process->id, &information, WEXITED | WNOHANG | WNOWAIT) == 0 &&
           information.si_pid == process->id;
}

bool process_is_cancelled(const struct process *process) {
    return process->cancel && *process->cancel;
}

enum measure_outcome process_wait(struct process *process, double seconds, struct message *message,
                                  char *reason, size_t bytes) {
    double end = clock_seconds() + seconds;
    for (;;) {
        struct pollfd poll_for = {.fd = process->socket, .events = POLLIN};
        double left = process_is_cancelled(process) ? 0 : end - clock_seconds();
        int wait = left <= 0                          ? 0
                   : left * 1000 < WATCH_MILLISECONDS ? (int)(left * 1000) + 1
                                                      : WATCH_MILLISECONDS;
        if (poll(&poll_for, 1, wait) > 0)
            return receive(process, message, reason, bytes);
        if (has_ended(process)) /* a process that it started holds the socket open */
            return silent_end(process, reason, bytes);
        if (memory_ran_away(process, left <= 0)) {
            kill_and_reap(process);
            snprintf(reason, bytes, "ran out of memory: more than %llu MB",
                     (unsigned long long)process->memory_headroom >> 20);
            return OUTCOME_MEMORY;
        }
        if (left <= 0) {
            kill_and_reap(process);
            plain_format(reason, bytes, "took longer than %g seconds", seconds);
            return OUTCOME_TIMEOUT;
        }
    }
}
