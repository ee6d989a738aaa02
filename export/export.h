/* Exported libraries: kernels as an archive that programs link without dltune.
 *
 * Written to a folder, for a library NAME (docs/export.md):
 *
 *     libNAME.a   one object: no undefined symbols, nothing writable but a word of CPU features
 *     NAME.h      for C and C++: the functions of each kernel, and NAME_find
 *     NAME.c      the same code as source, for gcc, clang and tcc
 *     NAME.pc     for pkg-config
 *
 * Kernels of the same workload and threads for several targets are versions of one: when the
 * library runs, the CPU decides between them. The same kernels give the same bytes. */
#ifndef EXPORT_EXPORT_H
#define EXPORT_EXPORT_H

#include "base/error.h"
#include "te/task.h"

enum {
    EXPORT_MAX_NAME = 40
};

struct export_kernel {
    const struct task *task;
    const char *trace; /* of its schedule */
};

struct export_options {
    const char *name;   /* of the library: a C identifier of at most EXPORT_MAX_NAME characters */
    const char *folder; /* created if missing */
    int kernel_count;
    const struct export_kernel *kernels; /* tasks differ */
    bool comments;                       /* disassembly in NAME.c */
};

/* Whether a library may be called so: DLT_ERROR_ARGUMENT if not. */
dlt_status export_check_name(const char *name, struct error *error);

/* Writes the four files, each complete or not at all. DLT_ERROR_ARGUMENT: the name, the folder, no
 * kernels, or two of the same task. DLT_ERROR_REFUSED: a trace that does not replay or lower. */
dlt_status export_library(const struct export_options *options, struct error *error);

#endif
