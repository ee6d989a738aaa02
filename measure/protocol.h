/* What the measurer and its worker say to each other over a socket.
 *
 * A message is a header, a fixed struct of its kind, and text. Both ends are built from the same
 * sources; the opening message carries a version so that a worker of another build says so. */
#ifndef MEASURE_PROTOCOL_H
#define MEASURE_PROTOCOL_H

#include "base/text.h"
#include "measure/measure.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    PROTOCOL_VERSION = 4,
    WORKER_SOCKET = 3, /* descriptors of the worker */
    WORKER_SHARED = 4, /* memory that outlives it: what it knows of the reference */
};

enum message_kind {
    MESSAGE_START = 1, /* to the worker: struct start_message, the task's key */
    MESSAGE_READY,     /* from it: struct ready_message, an error's message */
    MESSAGE_RUN,       /* to it: struct run_message, a trace */
    MESSAGE_RESULT,    /* from it: struct measure_result */
    MESSAGE_FAULT,     /* from it, dying: struct fault_report */
};

struct start_message {
    uint32_t version, result_bytes;
    unsigned long long seed;
    double timeout_seconds;
    int cold, pin;
};

struct ready_message {
    int status;               /* a dlt_status */
    uint64_t memory_headroom; /* bytes that a candidate may take beyond what is used now */
    unsigned counters;        /* hardware counters that it has: struct counter_source */
};

enum run_mode {
    RUN_CANDIDATE, /* every pattern of input if it becomes the best; an early end if far behind */
    RUN_THOROUGH,  /* every pattern of input, a larger sample, longer timing */
    RUN_AGAIN,     /* longer timing of one that was checked thoroughly */
    RUN_COUNT,     /* hardware counters of one that was checked and timed */
};

struct run_message {
    uint64_t number; /* of the candidate: picks the sampled elements */
    double best_us;
    double usual_probe_ns; /* see measure/probe.h; 0: not known */
    double seconds_left;   /* until the run's time is over; INFINITY: there is no limit */
    double call_seconds;   /* what its first call may take; 0: no limit */
    enum run_mode mode;
};

struct message {
    uint32_t kind, body_bytes, text_bytes;
    _Alignas(16) char body[1024];
    struct text text;
};

/* True if all of it was sent; false if the other end is gone. Never raises SIGPIPE, allocates
 * nothing: it may be called in a signal handler. */
bool message_send(int socket, enum message_kind kind, const void *body, size_t body_bytes,
                  const char *text, size_t text_bytes);

/* Reads one message into `message`, whose text is reused. False at the end of the stream or if what
 * came is no message. */
bool message_receive(int socket, struct message *message);

#endif
