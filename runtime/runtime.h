/* The handles behind dltune/dltune.h, and how the files of runtime/ share the work:
 *
 *     runtime.c  opening, closing, getting: the mutex, each kernel made once
 *     choose.c   which task a text means
 *     strided.c  the workload of tensors as they lie
 *     cache.c    names -> kernels, and which idle kernels are kept
 *     make.c     a kernel from the best record, of this workload or a near one, or by default
 *     near.c     the bests of the stored workloads that are nearest
 *     adapt.c    what those say of another shape
 *     kernel.c   describing, packing, running
 *     tensors.c  DLTensors checked
 *     overlap.c  whether two of them share an element */
#ifndef RUNTIME_RUNTIME_H
#define RUNTIME_RUNTIME_H

#include "db/db.h"
#include "dltune/dltune.h"
#include "runtime/handle.h"
#include "runtime/tensors.h"
#include "schedules/space.h"
#include "machine/description.h"
#include "targets/jit/kernel.h"
#include "te/task.h"

enum kernel_state {
    KERNEL_MAKING, /* by the thread that asked first; others wait */
    KERNEL_READY,
    KERNEL_FAILED, /* no longer in the cache; freed by its last holder */
};

struct dlt_kernel {
    struct handle handle;
    dlt_runtime *runtime;
    struct task *task;
    char *like;         /* the key of a task whose records may serve, or NULL */
    struct arena arena; /* strings below, forms */
    struct kernel *native;
    dlt_kernel_info info;
    struct tensor_form *inputs, *parameters, output;
    bool stores_once; /* each element of the output */

    /* the cache's, guarded by the runtime's mutex */
    enum kernel_state state;
    struct error failure;
    int holders, aliases;
    uint64_t last_used;
    dlt_kernel *next;
};

/* Texts that users wrote, and what they mean. */
struct cache_name {
    struct cache_name *next;
    uint64_t hash;
    int threads;
    dlt_kernel *kernel;
    char text[];
};

enum {
    CACHE_BUCKETS = 1024,
    CACHE_IDLE = 256, /* kernels kept that nobody holds, if the program asks for no other number */
    CACHE_ALIASES = 16, /* spellings of one workload that are remembered */
};

struct cache {
    struct cache_name *buckets[CACHE_BUCKETS];
    dlt_kernel *kernels;
    int idle, idle_limit;
    uint64_t clock;
};

struct dlt_runtime {
    struct handle handle;
    struct messages messages;
    struct error failure; /* of opening: every later call answers it */
    struct target_description target;
    pthread_mutex_t database_mutex;
    struct database *database;
    pthread_mutex_t mutex; /* of all below */
    pthread_cond_t made;
    struct cache cache;
};

/* cache.c; the mutex is held. */
dlt_kernel *cache_find(struct cache *cache, const char *text, int threads);
bool cache_add(struct cache *cache, const char *text, int threads, dlt_kernel *kernel);
void cache_forget(struct cache *cache, dlt_kernel *kernel); /* no name leads to it any more */
void cache_hold(struct cache *cache, dlt_kernel *kernel);
/* Answers a kernel to free, or NULL. */
dlt_kernel *cache_release(struct cache *cache, dlt_kernel *kernel);
/* Takes an idle kernel out if there are more than the limit: to free, or NULL. */
dlt_kernel *cache_evict(struct cache *cache);

/* near.c: the bests of the stored workloads that are nearest to a key, `own` left out; the
 * database's mutex is held. */
enum {
    NEAR_TASKS = 4
};
struct near_record {
    char *key;
    double distance;
    struct record record;
};
struct near_records {
    int count;
    struct near_record all[NEAR_TASKS]; /* nearest first */
};
dlt_status near_records_find(struct database *database, const char *key, const char *own,
                             struct near_records *near, struct error *error);
void near_records_free(struct near_records *near);

/* adapt.c: what they say of a space, the most promising first. */
struct adapted_point {
    int point[MAX_KNOBS];
    int from; /* which near record */
};
struct adapted_points {
    int count;
    struct adapted_point all[NEAR_TASKS];
};
void adapt_points(const struct space *space, const struct near_records *near,
                  struct adapted_points *points);

/* choose.c; takes no lock but the database's. */
dlt_status runtime_task(dlt_runtime *runtime, const char *text, int threads, struct task **task,
                        struct error *error);

/* strided.c; the workload whose tensors have the strides of these, and the key of the one it was
 * made from. What is NULL lies as the workload says. Takes no lock. */
struct strided_tensors {
    DLTensor *const *inputs, *const *parameters; /* all of them, in order */
    const DLTensor *output;
};
dlt_status strided_workload(dlt_runtime *runtime, const char *text, int threads,
                            const struct strided_tensors *given, struct text *workload,
                            struct text *like, struct error *error);

/* make.c; takes no lock but the database's. Fills all but the cache's part. */
dlt_status kernel_make(dlt_runtime *runtime, dlt_kernel *kernel, struct error *error);
void kernel_destroy(dlt_kernel *kernel);

#endif
