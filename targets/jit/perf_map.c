/* Names for profilers: `perf` reads /tmp/perf-PID.map for code that lies in no file. */
#include "targets/jit/compile.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void perf_map_append(const struct compiled *compiled, const struct program_code *code,
                     const char *name) {
    char path[64];
    const char *wanted = getenv("DLTUNE_PERF_MAP");
    if (!wanted || !*wanted)
        return;
    snprintf(path, sizeof path, "/tmp/perf-%ld.map", (long)getpid());
    FILE *file = fopen(path, "a");
    if (!file)
        return; /* a profile without names is no reason to fail */
    char *start = compiled->memory.code;
    for (int i = 0; i < code->count; i++)
        fprintf(file, "%lx %zx %s_tile_%d\n", (unsigned long)(start + tile_offset(code, i)),
                code->codes[i].size, name, i);
    fprintf(file, "%lx %zx %s\n", (unsigned long)(start + compiled->tile_bytes),
            compiled->memory.bytes - compiled->tile_bytes, name);
    fclose(file);
}
