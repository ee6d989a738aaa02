/* A kernel, wherever it comes from: dltune's runtime, or an exported library. */
#ifndef DIFFERENTIAL_CALLABLE_H
#define DIFFERENTIAL_CALLABLE_H

#include "problem.h"

#include "dltune/dltune.h"

struct callable {
    char origin[64];  /* "default", "exact", "adapted", "exported source by gcc -O2" */
    const char *task; /* of the runtime's: the canonical text, until it is released */
    size_t packed_bytes;
    bool has_parameters;
    /* of the runtime */
    dlt_kernel *kernel;
    /* of a library */
    const void *entry;
    const struct library *library;
};

/* An exported library as a shared object, its functions by name. */
struct library {
    void *object;
    const void *(*find)(const char *workload);
    size_t (*packed_bytes)(const void *kernel);
    size_t (*workspace_bytes)(const void *kernel, int threads);
    int (*pack)(const void *kernel, const void *const *parameters, void *packed);
    int (*run)(const void *kernel, const void *const *inputs, const void *packed, void *output,
               void *workspace, const dlt_threads *threads);
};

/* The library NAME in a file. False with a message. */
bool library_open(struct library *library, const char *path, const char *name,
                  char message[MOST_MESSAGE]);
void library_close(struct library *library);

/* The kernel of the definition's workload; `strided`: for tensors as they lie. DLT_OK or what the
 * runtime answered. */
dlt_status callable_get(struct callable *callable, dlt_runtime *runtime,
                        const struct problem *problem, int threads, bool strided,
                        char message[MOST_MESSAGE]);
void callable_release(struct callable *callable);

/* By the canonical text. False if the library has no such kernel. */
bool callable_find(struct callable *callable, const struct library *library, const char *origin,
                   const struct problem *problem, const char *canonical);

/* Packs the parameters; runs once. False with a message if it is answered so. */
bool callable_pack(const struct callable *callable, const struct problem *problem, void *packed,
                   char message[MOST_MESSAGE]);
bool callable_run(const struct callable *callable, struct problem *problem, const void *packed,
                  void *workspace, const dlt_threads *threads, char message[MOST_MESSAGE]);
size_t callable_workspace_bytes(const struct callable *callable, int threads);

/* Packs, then calls it in several ways: alone and again, on several threads, on threads that run
 * their shares in an odd order. All have to be right, and give the same bits. `pools`: of 2 and of
 * 3 threads, or NULL. */
bool callable_check(const struct callable *callable, struct problem *problem, int threads,
                    dlt_thread_pool *const *pools, struct random *random,
                    char message[MOST_MESSAGE]);

#endif
