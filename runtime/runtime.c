/* Opening a database and getting kernels from it; see runtime.h.
 *
 * The first thread that asks for a kernel enters it in the cache, makes it without holding the
 * mutex, and wakes those who asked meanwhile. A kernel that cannot be made leaves the cache before
 * they wake, so a later call tries again. */
#include "runtime/runtime.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

static dlt_status open_parts(dlt_runtime *runtime, const char *database, const char *target,
                             struct error *error) {
    char path[PATH_MAX];
    TRY(target_describe(target ? target : "native", &runtime->target, error));
    if (!target_runs_here(runtime->target.name))
        return error_set(error, DLT_ERROR_REFUSED, "target: %s does not run on this CPU",
                         runtime->target.name);
    if (!database)
        TRY(database_default_path(path, sizeof path, error));
    return database_open(database ? database : path, DATABASE_READ, &runtime->database, error);
}

dlt_status dlt_runtime_open(const char *database, const char *target, dlt_runtime **runtime) {
    dlt_runtime *opened = calloc(1, sizeof *opened);
    *runtime = opened;
    if (!opened)
        return DLT_ERROR_MEMORY;
    messages_initialise(&opened->messages);
    opened->handle.messages = &opened->messages;
    pthread_mutex_init(&opened->database_mutex, NULL);
    pthread_mutex_init(&opened->mutex, NULL);
    pthread_cond_init(&opened->made, NULL);
    opened->cache.idle_limit = CACHE_IDLE;
    if (open_parts(opened, database, target, &opened->failure) != DLT_OK)
        return handle_fail(&opened->handle, &opened->failure);
    return DLT_OK;
}

void dlt_runtime_close(dlt_runtime *runtime) {
    if (!runtime)
        return;
    while (runtime->cache.kernels) {
        dlt_kernel *kernel = runtime->cache.kernels;
        cache_forget(&runtime->cache, kernel);
        kernel_destroy(kernel);
    }
    database_close(runtime->database);
    pthread_cond_destroy(&runtime->made);
    pthread_mutex_destroy(&runtime->mutex);
    pthread_mutex_destroy(&runtime->database_mutex);
    messages_free(&runtime->messages);
    free(runtime);
}

/* A kernel in the state "making", held by the caller, that owns the task. */
static dlt_kernel *new_kernel(dlt_runtime *runtime, struct task *task, const char *like) {
    dlt_kernel *kernel = calloc(1, sizeof *kernel);
    if (!kernel)
        return NULL;
    kernel->like = like ? strdup(like) : NULL; /* without it the kernel is only slower */
    kernel->handle = runtime->handle;
    kernel->runtime = runtime;
    kernel->task = task;
    arena_initialise(&kernel->arena);
    kernel->state = KERNEL_MAKING;
    return kernel;
}

/* Waits until the kernel is made, by whoever. The mutex is held. */
static dlt_status wait_for(dlt_runtime *runtime, dlt_kernel *kernel, struct error *error) {
    dlt_kernel *unused;
    while (kernel->state == KERNEL_MAKING)
        pthread_cond_wait(&runtime->made, &runtime->mutex);
    if (kernel->state == KERNEL_READY)
        return DLT_OK;
    *error = kernel->failure;
    unused = cache_release(&runtime->cache, kernel);
    if (unused)
        kernel_destroy(unused);
    return error->status;
}

/* Makes a kernel that others may already be waiting for. */
static void make_and_wake(dlt_runtime *runtime, dlt_kernel *kernel) {
    struct error error = {.status = DLT_OK};
    dlt_status status = kernel_make(runtime, kernel, &error);
    pthread_mutex_lock(&runtime->mutex);
    kernel->state = status == DLT_OK ? KERNEL_READY : KERNEL_FAILED;
    kernel->failure = error;
    if (status != DLT_OK)
        cache_forget(&runtime->cache, kernel);
    pthread_cond_broadcast(&runtime->made);
    pthread_mutex_unlock(&runtime->mutex);
}

/* Finds or enters the kernel of a task, and holds it; `*fresh` says that the caller has to make it.
 * Takes the task over. */
static dlt_status enter(dlt_runtime *runtime, const char *text, const char *like, int threads,
                        struct task *task, dlt_kernel **kernel, bool *fresh, struct error *error) {
    struct cache *cache = &runtime->cache;
    dlt_kernel *found;
    bool failed = false;
    pthread_mutex_lock(&runtime->mutex);
    found = cache_find(cache, task->workload, threads);
    *fresh = !found;
    if (!found) {
        found = new_kernel(runtime, task, like);
        failed = !found || !cache_add(cache, task->workload, threads, found);
    }
    if (!failed) {
        if (strcmp(text, task->workload) != 0 && !cache_find(cache, text, threads))
            cache_add(cache, text, threads, found); /* without it the next call parses again */
        cache_hold(cache, found);
    }
    pthread_mutex_unlock(&runtime->mutex);
    if (failed && found)
        free(found->like);
    if (failed)
        free(found);
    if (failed || !*fresh)
        task_free(task);
    if (failed)
        return error_set(error, DLT_ERROR_MEMORY, "out of memory");
    *kernel = found;
    return DLT_OK;
}

/* `like`: the key of a task whose records may serve, or NULL. */
static dlt_status get(dlt_runtime *runtime, const char *text, const char *like, int threads,
                      dlt_kernel **kernel, struct error *error) {
    dlt_kernel *found;
    struct task *task;
    dlt_status status;
    bool fresh = false;
    pthread_mutex_lock(&runtime->mutex);
    found = cache_find(&runtime->cache, text, threads);
    if (found)
        cache_hold(&runtime->cache, found);
    pthread_mutex_unlock(&runtime->mutex);
    if (!found) {
        TRY(runtime_task(runtime, text, threads, &task, error));
        TRY(enter(runtime, text, like, threads, task, &found, &fresh, error));
    }
    if (fresh)
        make_and_wake(runtime, found);
    pthread_mutex_lock(&runtime->mutex);
    status = wait_for(runtime, found, error);
    pthread_mutex_unlock(&runtime->mutex);
    if (status == DLT_OK)
        *kernel = found;
    return status;
}

static dlt_status check_call(const dlt_runtime *runtime, const char *workload,
                             struct error *error) {
    if (runtime->failure.status != DLT_OK) {
        *error = runtime->failure;
        return error->status;
    }
    return workload ? DLT_OK : error_set(error, DLT_ERROR_ARGUMENT, "workload: is NULL");
}

dlt_status dlt_runtime_get(dlt_runtime *runtime, const char *workload, int threads,
                           dlt_kernel **kernel) {
    struct error error;
    *kernel = NULL;
    if (check_call(runtime, workload, &error) != DLT_OK ||
        get(runtime, workload, NULL, threads, kernel, &error) != DLT_OK)
        return handle_fail(&runtime->handle, &error);
    return DLT_OK;
}

dlt_status dlt_runtime_get_strided(dlt_runtime *runtime, const char *workload, int threads,
                                   DLTensor *const *inputs, DLTensor *const *parameters,
                                   const DLTensor *output, dlt_kernel **kernel) {
    const struct strided_tensors given = {inputs, parameters, output};
    struct text text = {0}, like = {0};
    struct error error;
    dlt_status status;
    *kernel = NULL;
    status = check_call(runtime, workload, &error);
    if (status == DLT_OK)
        status = strided_workload(runtime, workload, threads, &given, &text, &like, &error);
    if (status == DLT_OK)
        status = get(runtime, text_string(&text), text_string(&like), threads, kernel, &error);
    text_free(&text);
    text_free(&like);
    return status == DLT_OK ? DLT_OK : handle_fail(&runtime->handle, &error);
}

dlt_status dlt_runtime_keep(dlt_runtime *runtime, int kernel_count) {
    struct error error;
    dlt_kernel *unused = NULL;
    if (kernel_count < 0) {
        error_set(&error, DLT_ERROR_ARGUMENT, "kernels: %d is not a number from 0", kernel_count);
        return handle_fail(&runtime->handle, &error);
    }
    do {
        pthread_mutex_lock(&runtime->mutex);
        runtime->cache.idle_limit = kernel_count;
        unused = cache_evict(&runtime->cache);
        pthread_mutex_unlock(&runtime->mutex);
        if (unused)
            kernel_destroy(unused);
    } while (unused);
    return DLT_OK;
}

void dlt_kernel_release(dlt_kernel *kernel) {
    dlt_runtime *runtime;
    dlt_kernel *unused;
    if (!kernel)
        return;
    runtime = kernel->runtime;
    pthread_mutex_lock(&runtime->mutex);
    unused = cache_release(&runtime->cache, kernel);
    pthread_mutex_unlock(&runtime->mutex);
    if (unused)
        kernel_destroy(unused);
}
