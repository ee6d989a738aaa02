/* The table of targets as plain numbers, completed by what this machine says of itself. */
#include "machine/description.h"

#include "machine/cpu.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

enum {
    FORK_JOIN_CYCLES = 6000 /* 1.5 us: half of that where threads wait actively, more where not */
};

const char *const target_names[] = {"x86-avx512", "x86-avx2", "c", NULL};

/* Ports and latencies are those of most cores that have the instructions, never of one model:
 * spaces and static bounds are computed from them, measurements decide. */
static const struct target_description targets[] = {
    {
        .name = "x86-avx512",
        .machine_code = true,
        .vector_bytes = 64,
        .vector_registers = 32,
        .mask_registers = 7,
        .pick_order_bytes = 64,
        .fma_per_cycle = 2,
        .loads_per_cycle = 2,
        .stores_per_cycle = 1,
        .fma_latency = 4,
        .instruction_bytes = 7,
        .code_bytes = 16 * 1024,
        .fork_join_cycles = FORK_JOIN_CYCLES,
    },
    {
        .name = "x86-avx2",
        .machine_code = true,
        .vector_bytes = 32,
        .vector_registers = 16,
        .fma_per_cycle = 2,
        .loads_per_cycle = 2,
        .stores_per_cycle = 1,
        .fma_latency = 4,
        .instruction_bytes = 6,
        .code_bytes = 16 * 1024,
        .fork_join_cycles = FORK_JOIN_CYCLES,
    },
    {
        .name = "c",
        .vector_bytes = 4,
        .vector_registers = 16,
        .fma_per_cycle = 1,
        .loads_per_cycle = 1,
        .stores_per_cycle = 1,
        .fma_latency = 8,
        .instruction_bytes = 6,
        .code_bytes = 16 * 1024,
        .fork_join_cycles = FORK_JOIN_CYCLES,
    },
};

/* A modest machine, for what was not told. No L3: better to block for a small cache that exists. */
static const struct cache_description default_caches[CACHE_LEVELS] = {
    {32 * 1024, 8, 64},
    {256 * 1024, 8, 64},
    {0, 0, 0},
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static struct cpu cpu;
static char host[256];

static void format_bytes(char *text, size_t size, int64_t bytes) {
    if (bytes % (1024 * 1024) == 0)
        snprintf(text, size, "%lldM", (long long)(bytes / (1024 * 1024)));
    else
        snprintf(text, size, "%lldK", (long long)(bytes / 1024));
}

static void complete_cache(struct cache_description *cache,
                           const struct cache_description *fallback) {
    if (cache->bytes <= 0)
        *cache = *fallback;
    if (cache->bytes > 0 && cache->ways <= 0)
        cache->ways = 8;
    if (cache->bytes > 0 && cache->line_bytes <= 0)
        cache->line_bytes = 64;
}

static void detect(void) {
    char sizes[CACHE_LEVELS][24];
    cpu_detect(&cpu);
    for (int level = 0; level < CACHE_LEVELS; level++) {
        complete_cache(&cpu.caches[level], &default_caches[level]);
        format_bytes(sizes[level], sizeof sizes[level], cpu.caches[level].bytes);
    }
    snprintf(host, sizeof host, "%s, %s, %d core%s, L1d %s, L2 %s, L3 %s", cpu.model,
             cpu.avx512     ? "AVX-512"
             : cpu.avx2_fma ? "AVX2"
                            : "no AVX2",
             cpu.cores, cpu.cores == 1 ? "" : "s", sizes[0], sizes[1], sizes[2]);
}

static const struct cpu *this_cpu(void) {
    pthread_once(&once, detect);
    return &cpu;
}

bool target_runs_here(const char *name) {
    if (strcmp(name, "x86-avx512") == 0)
        return this_cpu()->avx512;
    if (strcmp(name, "x86-avx2") == 0)
        return this_cpu()->avx2_fma;
    return strcmp(name, "c") == 0 || strcmp(name, "native") == 0;
}

static const char *best_here(void) {
    int best = 0;
    while (!target_runs_here(target_names[best]))
        best++;
    return target_names[best];
}

dlt_status target_describe(const char *name, struct target_description *description,
                           struct error *error) {
    const char *wanted = strcmp(name, "native") == 0 ? best_here() : name;
    for (size_t i = 0; i < sizeof targets / sizeof targets[0]; i++) {
        if (strcmp(targets[i].name, wanted) != 0)
            continue;
        *description = targets[i];
        description->cores = this_cpu()->cores;
        memcpy(description->caches, this_cpu()->caches, sizeof description->caches);
        return DLT_OK;
    }
    return error_set(error, DLT_ERROR_ARGUMENT,
                     "target: '%s' is not native, x86-avx512, x86-avx2 or c", name);
}

const char *host_name(void) {
    this_cpu();
    return host;
}
