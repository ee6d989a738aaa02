/* What the processor says about itself. Private to machine/description.c and its tests. */
#ifndef MACHINE_CPU_H
#define MACHINE_CPU_H

#include "machine/caches.h"

#include <stdbool.h>

struct cpu {
    char model[64]; /* for host_name only: nothing is decided by it */
    bool avx2_fma;  /* and the operating system saves ymm registers */
    bool avx512;    /* F, BW, DQ, VL, and it saves zmm and k registers */
    int cores;      /* online */
    struct cache_description caches[CACHE_LEVELS]; /* a core's share; zero where not told */
};

void cpu_detect(struct cpu *cpu);

#endif
