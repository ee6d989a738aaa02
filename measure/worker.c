/* The worker's loop; see worker.h. */
#define _GNU_SOURCE
#include "measure/worker.h"

#include "measure/confine.h"
#include "measure/faults.h"
#include "measure/protocol.h"
#include "measure/session.h"

#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

/* Address space that a candidate may take beyond what the session holds. */
#define MEMORY_HEADROOM ((size_t)2 << 30)

/* What stays with the process when a candidate is gone, and by how much it grows at once. */
enum {
    KEPT_BYTES = 256 << 20,
    PADDING_BYTES = 4 << 20
};

/* AddressSanitizer reserves terabytes of address space, so that cannot be limited under it, and
 * looks for leaks from a process that it starts at the end. */
#if defined(__SANITIZE_ADDRESS__)
enum {
    UNDER_SANITIZER = 1
};
#else
enum {
    UNDER_SANITIZER = 0
};
#endif

/* Nothing of the parent's but the socket and the shared memory; no core files; gone with the
 * parent, even if a candidate loops. */
static bool settle(long parent) {
    struct rlimit none = {0, 0};
    close_range(WORKER_SHARED + 1, ~0u, 0);
    setrlimit(RLIMIT_CORE, &none);
    signal(SIGINT, SIG_IGN);  /* the measurer decides when a worker ends */
    signal(SIGXFSZ, SIG_IGN); /* a limit of file sizes, which shared memory has, too */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    prctl(PR_SET_NAME, "dltune-worker"); /* not "12", where it was executed from a descriptor */
    return getppid() == (pid_t)parent;
}

static dlt_status open_session(const struct message *message, const struct candidate_maker *maker,
                               struct session **session, struct error *error) {
    const struct start_message *start = (const struct start_message *)message->body;
    if (message->kind != MESSAGE_START || message->body_bytes != sizeof *start ||
        start->version != PROTOCOL_VERSION || start->result_bytes != sizeof(struct measure_result))
        return error_set(error, DLT_ERROR_SYSTEM, "the worker is of another version of dltune");
    TRY(faults_install(WORKER_SOCKET, error));
    return session_create(text_string(&message->text), start, maker, WORKER_SHARED, session, error);
}

static bool answer_start(dlt_status status, const struct session *session,
                         const struct error *error) {
    struct ready_message ready = {.status = status};
    const char *text = status == DLT_OK ? "" : error->message;
    if (status == DLT_OK) {
        ready.memory_headroom = MEMORY_HEADROOM + 8 * session_bytes(session);
        ready.counters = session_counters(session);
        if (!UNDER_SANITIZER) {
            faults_limit_memory(ready.memory_headroom);
            confine_process();
        }
    }
    return message_send(WORKER_SOCKET, MESSAGE_READY, &ready, sizeof ready, text, strlen(text));
}

static void serve_runs(struct session *session, struct message *message) {
    while (message_receive(WORKER_SOCKET, message)) {
        struct run_message request;
        struct measure_result result;
        if (message->kind != MESSAGE_RUN || message->body_bytes != sizeof request)
            return;
        memcpy(&request, message->body, sizeof request);
        session_measure(session, &request, text_string(&message->text), &result);
        if (!message_send(WORKER_SOCKET, MESSAGE_RESULT, &result, sizeof result, NULL, 0))
            return;
    }
}

/* Pages that one candidate's making took are kept for the next: asking the system for them anew,
 * and clearing them, is a fifth of that time. */
static void keep_memory(void) {
#ifdef __GLIBC__
    mallopt(M_TRIM_THRESHOLD, KEPT_BYTES);
    mallopt(M_TOP_PAD, PADDING_BYTES);
    mallopt(M_MMAP_THRESHOLD, PADDING_BYTES);
#endif
}

int worker_serve(int argument_count, char **arguments, const struct candidate_maker *maker) {
    struct message message = {0};
    struct session *session = NULL;
    struct error error = {0};
    dlt_status status;
    if (argument_count != 2) {
        fprintf(stderr, "%s is started by dltune, not by hand\n", arguments[0]);
        return 2;
    }
    keep_memory();
    if (!settle(strtol(arguments[1], NULL, 10)) || !message_receive(WORKER_SOCKET, &message))
        return 1;
    status = open_session(&message, maker, &session, &error);
    if (answer_start(status, session, &error) && status == DLT_OK)
        serve_runs(session, &message);
    session_free(session);
    text_free(&message.text);
    return 0;
}
