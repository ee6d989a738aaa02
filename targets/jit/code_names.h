/* What lies where in a kernel's code, for profilers and debuggers: told when it is made, on
 * request, and taken back before the code goes. */
#ifndef TARGETS_JIT_CODE_NAMES_H
#define TARGETS_JIT_CODE_NAMES_H

#include "targets/jit/code_memory.h"
#include "targets/jit/kernel.h"
#include "targets/jit/link.h"

/* A function: a tile, or one of those around them. */
struct code_name {
    char name[128];
    size_t start, size;              /* in the memory */
    const struct machine_code *tile; /* NULL: compiled from C, with a frame that rbp points at */
};

struct code_names {
    const struct code_memory *memory;
    struct code_name *names;
    int count;
};

/* What debuggers know of a kernel; opaque. */
struct debugger_entry;
struct compiled;

/* Tells those who are asked for by the environment: DLTUNE_PERF_MAP for `perf`, DLTUNE_GDB for
 * debuggers. The object's functions begin with `prefix`; they and the tiles are called after `name`
 * instead. NULL where nothing has to be taken back. Thread-safe. */
struct debugger_entry *code_names_tell(const struct compiled *compiled,
                                       const struct linking *linking,
                                       const struct program_code *code, const char *prefix,
                                       const char *name);

/* perf_map.c: appends to /tmp/perf-PID.map, where `perf` looks for code that lies in no file. */
void perf_map_append(const struct code_names *names);

/* debugger.c: the interface that gdb and lldb have for code made at run time. NULL if memory runs
 * out. Taking back NULL is fine. Thread-safe. */
struct debugger_entry *debugger_tell(const struct code_names *names);
void debugger_forget(struct debugger_entry *entry);

#endif
