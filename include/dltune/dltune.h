/* dltune: kernels for tensor operations, tuned ahead of time and kept in a database.
 *
 * A program opens a database, asks it for the kernel of a workload, packs the parameters (weights)
 * once, and runs the kernel as often as it likes, from any threads:
 *
 *     dlt_runtime *runtime;
 *     dlt_kernel *kernel;
 *     if (dlt_runtime_open("resnet.db", NULL, &runtime) != DLT_OK)
 *         ... puts(dlt_error(runtime));
 *     dlt_runtime_get(runtime, "conv2d c=64 h=56 w=56 k=64 r=3 s=3 pad=1", 1, &kernel);
 *     dlt_kernel_describe(kernel, &info);            // sizes, and where the kernel comes from
 *     dlt_kernel_pack(kernel, &weight, packed);      // once
 *     dlt_kernel_run(kernel, &x, y, packed, workspace, NULL);
 *     dlt_kernel_release(kernel);
 *     dlt_runtime_close(runtime);
 *
 * Conventions. What can fail returns a dlt_status and leaves a message with the handle it was
 * called on (dlt_error). The library keeps no global state, prints nothing and ends no process.
 * Handles are opaque. `_Nonnull` is the rule for pointers unless a comment says that NULL is
 * possible.
 *
 * Stack. dlt_kernel_run and dlt_kernel_pack need 16 KiB of the calling thread's, and what the
 * caller's parallel-for takes. All other calls, tuning included, need 100 KiB; with an expression
 * whose bodies nest more than 50 values (the most is 150) up to 200 KiB. A new thread's own needs
 * come on top: threads of 32, 128 and 256 KiB do. Nothing depends on the size of tensors.
 *
 * Tensors are DLPack's. A tensor of a kernel has logical axes (dlt_tensor_info tells them) and a
 * layout. Where the layout is an order of whole axes, perhaps padded, the DLTensor has the logical
 * axes' shape, and its strides say the order: channels last is shape (n, c, h, w) with strides
 * (h*w*c, 1, w*c, c), and rows that are apart are lda, ldb, ldc of a matrix product. Where the
 * layout cuts axes into blocks, the DLTensor has the layout's dimensions as shape and is compact.
 * Strides of axes of extent 1 do not matter. A tensor that does not fit is refused with the axis,
 * what it was and what it has to be. */
#ifndef DLTUNE_DLTUNE_H
#define DLTUNE_DLTUNE_H

#include "dltune/status.h"
#include "dltune/threads.h"

#include <dlpack/dlpack.h>

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct dlt_runtime dlt_runtime;         /* a database and the kernels made from it */
typedef struct dlt_kernel dlt_kernel;           /* native code for one workload */
typedef struct dlt_thread_pool dlt_thread_pool; /* threads to run parallel kernels with */

enum {
    DLT_ALIGNMENT = 64
}; /* bytes, of packed parameters and of workspaces */

/* ---- Runtime ---- */

/* Opens a database for reading: nothing is created or changed, the folder may be read-only, and
 * other processes may tune into the file meanwhile.
 *
 *   database  path of the file; NULL for $DLTUNE_DB, else dltune/tune.db in the XDG data folder
 *   target    which target's records to use and code to make; NULL or "native": the best that runs
 *             here
 *   runtime   is set in case of failure too, so that dlt_error can be asked; close it in any case.
 *             NULL only if memory ran out.
 *
 * DLT_ERROR_DATABASE: no such file, or none of dltune, or damaged, or written by a newer dltune.
 * DLT_ERROR_ARGUMENT: there is no such target. DLT_ERROR_REFUSED: it does not run on this CPU. */
DLT_API dlt_status dlt_runtime_open(const char *database, const char *target,
                                    dlt_runtime **runtime);

/* Closes the database and frees what it made. All its kernels must have been released. NULL is
 * allowed. No other call on the handle may be under way. */
DLT_API void dlt_runtime_close(dlt_runtime *runtime);

/* Gets the kernel of a workload: from the cache, else from the best record stored for exactly this
 * workload, target and number of threads, else with the choices of a near stored workload that
 * differs in numbers only (sizes, strides, groups), else by dltune's default schedule. So shapes
 * that are known only when the program runs just work. The first call for a workload makes native
 * code (milliseconds), later ones look it up (below a microsecond). Each kernel is made once,
 * whichever threads ask for it at the same time.
 *
 *   workload  an operator and its sizes, "matmul m=128 n=3072 k=768 const=b". With layout=any the
 *             kernel is that of the layout with the best record; dlt_kernel_describe and
 *             dlt_kernel_tensor say which it is
 *   threads   that the kernel is to run on, from 1
 *   kernel    set to NULL on failure
 *
 * That nothing is stored is no failure: dlt_kernel_describe says where the kernel comes from.
 * DLT_ERROR_ARGUMENT: the workload or the number of threads is malformed, or the target does not
 * compute in the type of a tensor; the message says where.
 * DLT_ERROR_REFUSED, DLT_ERROR_COMPILE: not even the default could be made. Any thread. */
DLT_API dlt_status dlt_runtime_get(dlt_runtime *runtime, const char *workload, int threads,
                                   dlt_kernel **kernel);

/* As dlt_runtime_get, for tensors as they lie: the kernel reads and writes them with the strides
 * that they have here, whatever the workload says of layouts and leading dimensions. Taken are
 * strides of which each is a multiple of those inside of it, the innermost being 1: blocks of
 * larger tensors, rows that are apart, axes in another order. What they are of, data included, is
 * looked at in dlt_kernel_run only.
 *
 *   inputs      all variable inputs of the workload in order, and
 *   parameters  all its parameters; of NULL, or of a NULL in them, the workload tells the strides
 *   output      likewise
 *
 * Such a kernel is of a workload of its own (dlt_kernel_info.task has its text), made with the
 * choices of what is stored for the one it comes from. To find it takes longer than dlt_runtime_get
 * does: ask once.
 * DLT_ERROR_ARGUMENT: the shape or the strides of a tensor do not fit; the message names the axis.
 */
DLT_API dlt_status dlt_runtime_get_strided(dlt_runtime *runtime, const char *workload, int threads,
                                           DLTensor *const *inputs, DLTensor *const *parameters,
                                           const DLTensor *output, dlt_kernel **kernel);

/* Gives a kernel back; each dlt_runtime_get needs one. The runtime keeps the code for the next get,
 * up to a number of kernels nobody holds (dlt_runtime_keep). NULL is allowed. Any thread. */
DLT_API void dlt_kernel_release(dlt_kernel *kernel);

/* How many kernels that nobody holds the runtime keeps, from 0; 256 unless told. Beyond it the one
 * that was not asked for longest goes; kernels that are held never do. Any thread. */
DLT_API dlt_status dlt_runtime_keep(dlt_runtime *runtime, int kernel_count);

/* ---- Kernels ---- */

typedef enum dlt_origin {
    DLT_ORIGIN_EXACT,   /* tuned: a record of this very workload */
    DLT_ORIGIN_ADAPTED, /* the choices of a record of a near workload */
    DLT_ORIGIN_DEFAULT, /* the default schedule */
} dlt_origin;

/* A stable word: "exact", "adapted", "default". Any thread. */
DLT_API const char *dlt_origin_name(dlt_origin origin);

/* Strings belong to the kernel. */
typedef struct dlt_kernel_info {
    const char *task; /* the workload in canonical form, target and threads */
    dlt_origin origin;
    int verified;         /* 1: this schedule was compared with the reference on this workload, by
                             this version's code generator on a machine like this one, and was right;
                             0 of a record that was taken in from another file */
    const char *host;     /* whose record it is; "" for a default */
    int is_this_host;     /* the record was measured on a machine like this one */
    const char *reason;   /* why it is not exact, and which loops of it are plain C for want of a
                             tile that the target can make; "" if it is */
    double median_us;     /* as stored, of one call; 0 if unknown */
    const char *schedule; /* its trace, one step a line */
    int input_count;      /* variable inputs: tensors that differ from call to call */
    int parameter_count;  /* tensors to pack */
    int threads;          /* that it was asked for */
    size_t packed_bytes;  /* of the packed parameters; 0: there is nothing to pack, as always where
                             parameter_count is 0 */
    size_t workspace_bytes; /* for `threads` threads; may be 0 */
} dlt_kernel_info;

/* Any thread. */
DLT_API void dlt_kernel_describe(const dlt_kernel *kernel, dlt_kernel_info *info);

/* The workspace that a call with that many threads needs, in bytes. Any thread. */
DLT_API size_t dlt_kernel_workspace_bytes(const dlt_kernel *kernel, int thread_count);

typedef enum dlt_role {
    DLT_ROLE_INPUT,
    DLT_ROLE_PARAMETER,
    DLT_ROLE_OUTPUT,
} dlt_role;

enum {
    DLT_MAX_RANK = 16
};

/* What a tensor of a kernel has to look like. Strings belong to the kernel. */
typedef struct dlt_tensor_info {
    const char *name;   /* "x", "weight", "output" */
    const char *layout; /* "n c h w", "n c/16 h w c%16" */
    DLDataType type;
    int rank; /* of the DLTensor to pass */
    int64_t shape[DLT_MAX_RANK];
    int64_t strides[DLT_MAX_RANK]; /* in elements */
    int64_t elements;              /* of the whole block of memory, padding included */
    int in_place; /* of an input: 1 if the output may be this very tensor (dlt_kernel_run) */
} dlt_tensor_info;

/* Describes the `index`-th tensor of a role, from 0 (the output has 0 only).
 * DLT_ERROR_ARGUMENT: there is none; the message says how many there are. Any thread. */
DLT_API dlt_status dlt_kernel_tensor(const dlt_kernel *kernel, dlt_role role, int index,
                                     dlt_tensor_info *info);

/* Packs the parameters for the kernel's code. Needed if packed_bytes is not 0, once for given
 * parameters; they are not needed afterwards. A kernel without parameters has nothing to pack.
 *
 *   parameters  parameter_count tensors, in the order of dlt_kernel_tensor
 *   packed      packed_bytes, aligned to DLT_ALIGNMENT; NULL if packed_bytes is 0
 *
 * A packed block is valid for this kernel only: another schedule packs differently.
 * DLT_ERROR_ARGUMENT: a tensor does not fit; nothing was written. Any thread, each with a block of
 * its own. */
DLT_API dlt_status dlt_kernel_pack(const dlt_kernel *kernel, DLTensor *const *parameters,
                                   void *packed);

/* Runs the kernel.
 *
 *   inputs     input_count tensors, in the order of dlt_kernel_tensor; only one that is the output
 *              too is changed
 *   output     shares no element with an input, though both may be blocks of one larger matrix;
 *              or is an input whose dlt_tensor_info says in_place, at the same address: a residual
 *              (post=add) is overwritten by the result. Where the workload has accumulate=1 what
 *              it holds is read and added to
 *   packed     what dlt_kernel_pack wrote; it may be NULL if packed_bytes is 0, else NULL is an
 *              error
 *   workspace  dlt_kernel_workspace_bytes(kernel, thread_count) bytes, aligned to DLT_ALIGNMENT, of
 *              any content; NULL if that is 0
 *   threads    how parallel loops run; NULL: on the calling thread
 *
 * DLT_ERROR_ARGUMENT: a tensor or a block does not fit; nothing was written. Any thread, with a
 * workspace and an output of its own. */
DLT_API dlt_status dlt_kernel_run(const dlt_kernel *kernel, DLTensor *const *inputs,
                                  DLTensor *output, const void *packed, void *workspace,
                                  const dlt_threads *threads);

/* ---- Threads ---- */

/* How many processors this process may use, at least 1: those in the affinity mask of the calling
 * thread, or fewer where a CPU quota of its control groups (version 1 or 2) allows fewer, rounded
 * up. More threads than these gain nothing. Any thread. */
DLT_API int dlt_usable_processors(void);

/* Threads of dltune's own, for programs without a pool. `thread_count` counts the caller's, from 1.
 * No more threads are at work than processors may be used when the pool is created; kernels for
 * more threads run all the same, with the same results. Threads without work sleep after some
 * 50 us. In a child process after fork() loops of the parent's pool run on the caller's thread.
 * The handle is set in case of failure too (see dlt_runtime_open). */
DLT_API dlt_status dlt_thread_pool_create(int thread_count, dlt_thread_pool **pool);

/* What to pass as `threads`. Valid until the pool is freed; NULL if creating it failed. Loops of
 * several callers run one after the other. Any thread. */
DLT_API const dlt_threads *dlt_thread_pool_threads(const dlt_thread_pool *pool);

/* NULL is allowed. No kernel may be running on it. */
DLT_API void dlt_thread_pool_free(dlt_thread_pool *pool);

#ifdef __cplusplus
}
#endif
#endif
