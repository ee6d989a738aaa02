/* What the files of export/ share:
 *
 *     export.c    checks, makes the programs, writes the files
 *     names.c     what kernels and arguments are called
 *     source.c    declarations and definitions: wrappers with named arguments, NAME_find
 *     features.c  which instructions a target needs, and the code that asks the CPU for them
 *     object.c    source to an object file by libtcc, in a process of its own
 *     elf.c       the object made fit: constants read-only, inner names hidden
 *     archive.c   objects to an archive with an index of symbols */
#ifndef EXPORT_PRIVATE_H
#define EXPORT_PRIVATE_H

#include "base/text.h"
#include "export/export.h"
#include "ir/program.h"
#include "targets/target.h"

/* A version of a kernel, for one target, on its way into the library; all memory is the library's
 * arena. */
struct unit {
    const struct task *task;
    const char *trace;
    const char *prefix; /* of its inner names: "NAME__matmul_m7_n21_k3_1a2b3c4d_x86_avx2" */
    struct target_description target;
    unsigned features; /* bits the CPU must have; 0: plain C */
    struct program *program;
    bool stores_once; /* each element of the output */
};

enum {
    MAX_VERSIONS = 8
};

/* What callers see: one workload on a number of threads, in versions that the CPU chooses from. */
struct entry {
    const struct task *task; /* of any version: workload, identifier and tensors are the same */
    const char **names;      /* of each tensor of the expression, as an argument */
    int version_count;
    struct unit *versions[MAX_VERSIONS]; /* the one that needs most instructions first */
    int variable_count, parameter_count;
    const struct tensor *variables[MAX_TENSORS], *parameters[MAX_TENSORS], *output;
};

struct library {
    struct arena arena;
    const char *name;
    bool comments;
    int unit_count, entry_count;
    struct unit *units;
    struct entry *entries;
};

/* names.c */
char *identifier_of(struct arena *arena, const char *text);
void name_arguments(struct library *library, struct entry *entry);
const char *argument_name(const struct entry *entry, const struct tensor *tensor);
const char *element_type(enum data_type type); /* of C */

/* source.c; the texts' `failed` is checked by the caller. */
void print_declarations(struct library *library, struct text *out);
dlt_status print_definitions(struct library *library, struct text *out, struct error *error);

/* features.c */
dlt_status target_features(const char *target, unsigned *features, struct error *error);
void print_feature_check(const struct library *library, struct text *out);

/* object.c; `scratch` is a path that may be written and is removed again. */
dlt_status compile_object(const char *source, const char *scratch, struct text *object,
                          struct error *error);

/* elf.c: constants become read-only, and global names that begin with `inner` hidden. Visits the
 * names of the other defined global symbols in the order of the symbol table. */
dlt_status object_finish(struct text *object, const char *inner, struct error *error);
typedef void symbol_visitor(void *context, const char *name);
dlt_status object_symbols(const struct text *object, symbol_visitor *visitor, void *context,
                          struct error *error);

/* archive.c: one object. */
dlt_status archive_print(const char *member, const struct text *object, struct text *archive,
                         struct error *error);

#endif
