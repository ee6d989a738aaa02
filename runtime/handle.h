/* The head of every public handle: where dlt_error finds the messages.
 *
 * A message belongs to a thread and a handle, so that threads that share a handle do not overwrite
 * each other's. Only failures come here; calls that succeed touch nothing. */
#ifndef RUNTIME_HANDLE_H
#define RUNTIME_HANDLE_H

#include "base/error.h"

#include <pthread.h>

struct message {
    struct message *next;
    pthread_t thread;
    struct error error;
};

struct messages {
    pthread_mutex_t mutex;
    struct message *first;
};

/* The first member of each public handle. */
struct handle {
    struct messages *messages; /* of the handle, or of the one it belongs to */
};

void messages_initialise(struct messages *messages);
void messages_free(struct messages *messages);

/* Keeps the error as the calling thread's last one; returns its status. */
dlt_status handle_fail(const struct handle *handle, const struct error *error);

#endif
