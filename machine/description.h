/* What a target is for everyone above it: plain numbers, no code.
 *
 * Spaces, models and checks are computed from these; nothing in them knows a CPU by name. */
#ifndef MACHINE_DESCRIPTION_H
#define MACHINE_DESCRIPTION_H

#include "base/error.h"
#include "machine/caches.h"

#include <stdbool.h>
#include <stdint.h>

struct target_description {
    const char *name;     /* "x86-avx512", "x86-avx2", "c" */
    bool machine_code;    /* tiles become machine code; else plain C loops */
    int vector_bytes;     /* 64, 32; 4 for plain C: one element of f32 */
    int vector_registers; /* 32, 16 */
    int mask_registers;   /* that a tile may use; 0 where masks live in vector registers */
    int pick_order_bytes; /* picking every second lane of vectors of so many bytes or more follows
                             an order of lanes, which waits in a register of its own; 0: of none */
    int fma_per_cycle, loads_per_cycle, stores_per_cycle; /* vectors */
    int fma_latency;                                      /* cycles */
    int instruction_bytes; /* typical size of a vector instruction with a displacement */
    int code_bytes;        /* the most a tile may take (a share of the instruction cache) */
    int cores; /* of the machine it was described on, usable or not (threads/processors.h) */
    int fork_join_cycles; /* threads that wait for work begin it, and the last one ends */
    struct cache_description caches[CACHE_LEVELS]; /* L1 data, L2, L3 */
};

/* Names of all targets, "native" not among them, best first; ends with NULL. */
extern const char *const target_names[];

/* Describes a target by name on the machine this runs on (caches and cores are detected; defaults
 * where the machine does not tell). "native" is the best that runs here. A name that does not exist
 * is DLT_ERROR_ARGUMENT; one that cannot run here is described all the same. */
dlt_status target_describe(const char *name, struct target_description *description,
                           struct error *error);
bool target_runs_here(const char *name);

/* One readable line that identifies the machine for records: CPU model, caches, cores, and nothing
 * that changes between boots. Static storage, filled once; any thread. */
const char *host_name(void);

#endif
