/* What a target can do with a tile: one struct, filled by one folder.
 *
 * A target that makes machine code turns a vector program into bytes. The plain C target has no
 * `encode`: its tiles stay loops. docs/adding-a-target.md tells how to add one. */
#ifndef TARGETS_TARGET_H
#define TARGETS_TARGET_H

#include "base/arena.h"
#include "base/error.h"
#include "base/text.h"
#include "ir/vectors.h"
#include "machine/description.h"

/* Position-independent code of one tile: `int tile(const int64_t *words)`, which answers 0, entry
 * at byte 0, constants behind the code (64-byte aligned offset), nothing to relocate, nothing
 * writable. */
struct machine_code {
    unsigned char *bytes;           /* in the arena */
    size_t size;                    /* all, constants included */
    size_t code_size;               /* instructions only */
    const unsigned char *unwinding; /* DWARF's call frame instructions, from the entry on */
    size_t unwinding_size;
    int vector_registers, general_registers, mask_registers; /* used */
};

struct target {
    const char *name;
    /* DLT_ERROR_REFUSED when registers or code size do not suffice; the message has the count that
     * it would take. */
    dlt_status (*encode)(const struct vector_program *program,
                         const struct target_description *description, struct arena *arena,
                         struct machine_code *code, struct error *error);
    /* True if the operation exists for this type (masked: with a mask, or for masks). */
    bool (*supports)(enum vector_opcode opcode, enum data_type type);
    /* One line an instruction: offset, bytes, assembly. NULL if there is no encode. */
    void (*disassemble)(struct text *text, const struct machine_code *code);
};

const struct target *target_find(const char *name); /* NULL if there is none */

#endif
