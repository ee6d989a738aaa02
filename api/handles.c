/* Creating handles; see api.h. */
#include "api/api.h"

#include <stdlib.h>

struct any_handle {
    struct handle handle;
    struct messages messages;
};

void *handle_create(size_t bytes) {
    struct any_handle *handle = calloc(1, bytes);
    if (!handle)
        return NULL;
    messages_initialise(&handle->messages);
    handle->handle.messages = &handle->messages;
    return handle;
}
