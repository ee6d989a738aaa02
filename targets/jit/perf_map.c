/* Names for profilers: `perf` reads /tmp/perf-PID.map for code that lies in no file. */
#include "targets/jit/code_names.h"

#include <stdio.h>
#include <unistd.h>

void perf_map_append(const struct code_names *names) {
    char path[64];
    snprintf(path, sizeof path, "/tmp/perf-%ld.map", (long)getpid());
    FILE *file = fopen(path, "a");
    if (!file)
        return; /* a profile without names is no reason to fail */
    for (int i = 0; i < names->count; i++)
        fprintf(file, "%lx %zx %s\n",
                (unsigned long)((char *)names->memory->code + names->names[i].start),
                names->names[i].size, names->names[i].name);
    fclose(file);
}
