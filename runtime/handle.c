/* Messages by thread; see handle.h. */
#include "runtime/handle.h"

#include <stdlib.h>

void messages_initialise(struct messages *messages) {
    pthread_mutex_init(&messages->mutex, NULL);
    messages->first = NULL;
}

void messages_free(struct messages *messages) {
    while (messages->first) {
        struct message *next = messages->first->next;
        free(messages->first);
        messages->first = next;
    }
    pthread_mutex_destroy(&messages->mutex);
}

static struct message *find(struct messages *messages) {
    struct message *message = messages->first;
    while (message && !pthread_equal(message->thread, pthread_self()))
        message = message->next;
    return message;
}

dlt_status handle_fail(const struct handle *handle, const struct error *error) {
    struct messages *messages = handle->messages;
    struct message *message;
    pthread_mutex_lock(&messages->mutex);
    message = find(messages);
    if (!message) {
        message = calloc(1, sizeof *message);
        if (message) {
            message->thread = pthread_self();
            message->next = messages->first;
            messages->first = message;
        }
    }
    if (message)
        message->error = *error;
    pthread_mutex_unlock(&messages->mutex);
    return error->status;
}

const char *dlt_error(const void *handle) {
    struct messages *messages;
    struct message *message;
    if (!handle)
        return "out of memory"; /* the only reason why there is no handle */
    messages = ((const struct handle *)handle)->messages;
    pthread_mutex_lock(&messages->mutex);
    message = find(messages);
    pthread_mutex_unlock(&messages->mutex);
    return message ? message->error.message : "";
}
