/* The library's threads as a public handle. */
#include "dltune/dltune.h"

#include "runtime/handle.h"
#include "threads/processors.h"
#include "threads/thread_pool.h"

#include <stdlib.h>

struct dlt_thread_pool {
    struct handle handle;
    struct messages messages;
    struct thread_pool *pool; /* NULL if creating it failed */
};

int dlt_usable_processors(void) {
    return processors_usable();
}

dlt_status dlt_thread_pool_create(int thread_count, dlt_thread_pool **pool) {
    struct error error;
    dlt_thread_pool *created = calloc(1, sizeof *created);
    *pool = created;
    if (!created)
        return DLT_ERROR_MEMORY;
    messages_initialise(&created->messages);
    created->handle.messages = &created->messages;
    if (thread_pool_create(thread_count, &created->pool, &error) != DLT_OK)
        return handle_fail(&created->handle, &error);
    return DLT_OK;
}

const dlt_threads *dlt_thread_pool_threads(const dlt_thread_pool *pool) {
    return pool->pool ? thread_pool_threads(pool->pool) : NULL;
}

void dlt_thread_pool_free(dlt_thread_pool *pool) {
    if (!pool)
        return;
    thread_pool_free(pool->pool);
    messages_free(&pool->messages);
    free(pool);
}
