/* What the files of targets/x86 share. AVX-512 and AVX2 differ in tables and in a few functions.
 *
 *     vector program --allocate.c--> lines with registers --encode.c--> bytes
 *
 * encode.c asks arithmetic.c, memory.c, masks.c, loops.c and frame.c what each line becomes;
 * constants.c puts the pool behind the code; assembler.c makes one instruction (Zydis). */
#ifndef TARGETS_X86_X86_H
#define TARGETS_X86_X86_H

#include "targets/x86/targets.h"

#include <Zydis/Zydis.h>

struct x86_isa {
    const char *name;
    bool evex; /* masks in k registers, 32 vector registers, broadcast operands */
    int vector_bytes, vector_registers, mask_registers;
};

extern const struct x86_isa x86_avx512, x86_avx2;

/* --- The table of instructions (instructions.c) --- */

enum x86_shape {
    X86_NONE,         /* not an operation of one instruction; encode.c knows what it becomes */
    X86_BINARY,       /* d = a op b */
    X86_CHOICE,       /* d = a op b, or NaN if a is; the instruction gives b for a NaN in either */
    X86_UNARY,        /* d = op a */
    X86_UNARY_FIXED,  /* d = op a, fixed immediate */
    X86_SHIFT,        /* d = a op the instruction's immediate */
    X86_PARTS,        /* d = 16-byte parts of a and b */
    X86_ALTERNATE,    /* d = every second lane of a and b; exchanges.c */
    X86_MULTIPLY_ADD, /* three forms, see x86_multiply_add */
    X86_REDUCE,       /* the mnemonic combines two vectors */
};

/* The mnemonic for f32, f64 and s32 lanes; ZYDIS_MNEMONIC_INVALID where there is none. */
struct x86_operation {
    enum x86_shape shape;
    ZydisMnemonic vex[3], evex[3];
    int immediate;
};

extern const struct x86_operation x86_operations[VECTOR_OPCODE_COUNT];

/* d = d * b + c, d = b * c + d, d = d * c + b. */
struct x86_multiply_add_forms {
    ZydisMnemonic form213, form231, form132;
};
const struct x86_multiply_add_forms *x86_multiply_add(enum vector_opcode opcode,
                                                      enum data_type type);

ZydisMnemonic x86_mnemonic(const struct x86_isa *isa, enum vector_opcode opcode,
                           enum data_type type);

/* --- Lines and registers (linearise.c, allocate.c) --- */

enum x86_class {
    X86_GENERAL,
    X86_VECTOR,
    X86_MASK,
    X86_CLASSES,
};

enum x86_line_kind {
    X86_INSTRUCTION,
    X86_LOOP_BEGIN,
    X86_LOOP_END,
};

struct x86_line {
    enum x86_line_kind kind;
    int loop; /* of a loop line: its own; of an instruction: the innermost around it, or -1 */
    const struct vector_instruction *instruction;
    bool loads_words; /* pointers that follow no loop are fetched before this line */
    signed char vector_temporaries[2], mask_temporary, general_temporaries[2];
};

struct x86_loop {
    const struct vector_block *block;
    int parent; /* loop, or -1 */
    int outermost;
    int first_line, last_line;
    bool innermost, constant;
    int64_t trips;     /* of a constant loop */
    int slot;          /* the counter's place on the stack, or -1: in a register */
    size_t head, skip; /* offsets of code: the body; the end of the jump around the loop, or 0 */
};

/* Where one thing that needs a register lives: first and last line. */
struct x86_interval {
    int start, end; /* -1: before all lines; start > end: never used */
    signed char class, reg;
    int next_start, next_end; /* other intervals that start, end at the same line */
};

struct x86_allocation {
    const struct x86_isa *isa;
    const struct vector_program *program;
    struct x86_line *lines;
    int line_count, line_capacity;
    struct x86_loop *loops;
    int loop_count, loop_capacity;
    /* Intervals of the values, the words' address, pointer words, inductions, loop counters. */
    struct x86_interval *intervals;
    int words, pointer, induction, counter, interval_count;
    int slots;                  /* of loop counters on the stack */
    int peak[X86_CLASSES];      /* most registers in use at once */
    unsigned used[X86_CLASSES]; /* bit n: hardware register n */
    /* known_masks.c: of a value */
    const int64_t **constant_mask; /* its bits if it is a constant mask */
    bool *mask_is_read;            /* from a register */
};

dlt_status x86_linearise(struct x86_allocation *allocation, struct arena *arena,
                         struct error *error);
dlt_status x86_allocate(struct x86_allocation *allocation, struct arena *arena,
                        struct error *error);

/* --- Masks known to the encoder (known_masks.c) --- */

void x86_find_known_masks(struct x86_allocation *allocation, struct arena *arena);
/* Whether it stores the lanes of a known mask piece by piece, without the mask. */
bool x86_stores_pieces(const struct x86_allocation *allocation,
                       const struct vector_instruction *instruction);
/* Whether the store at a line needs a register for the vector's upper half. */
bool x86_needs_upper_part(const struct x86_allocation *allocation, int line);
/* Whether it computes a mask that nothing reads. */
bool x86_is_unread_mask(const struct x86_allocation *allocation,
                        const struct vector_instruction *instruction);

/* --- One instruction (assembler.c) --- */

struct x86_fixup {
    size_t at;       /* of a 32-bit displacement that ends its instruction */
    size_t constant; /* offset in the pool */
};

struct x86_assembler {
    struct arena *arena;
    const struct x86_isa *isa;
    int vector_bytes;
    unsigned char *bytes;
    size_t size, capacity;
    ZydisEncoderRequest request;
    ZydisMnemonic failed; /* the first that could not be encoded, or none */
    /* constants.c */
    unsigned char *pool;
    size_t pool_size, pool_capacity;
    struct x86_fixup *fixups;
    int fixup_count, fixup_capacity;
    bool fixup_pending;
    size_t pending_constant;
};

enum {
    X86_RAX = 0,
    X86_RSP = 4,
    X86_RDI = 7,
};

void x86_begin(struct x86_assembler *assembler, ZydisMnemonic mnemonic);
void x86_vector(struct x86_assembler *assembler, int reg); /* of the program's width */
void x86_vector_of(struct x86_assembler *assembler, int reg, int bytes);
void x86_general(struct x86_assembler *assembler, int reg);   /* 64 bits */
void x86_general32(struct x86_assembler *assembler, int reg); /* its low 32 bits */
void x86_mask_register(struct x86_assembler *assembler, int reg);
void x86_immediate(struct x86_assembler *assembler, int64_t value);
void x86_memory(struct x86_assembler *assembler, int base, int64_t displacement, int bytes);
void x86_memory_indexed(struct x86_assembler *assembler, int base, ZydisRegister index, int scale,
                        int64_t displacement, int bytes);
/* The mask of an instruction that EVEX can mask: after the first operand, always, k0 for none. It
 * is nothing on AVX2. */
void x86_lanes(struct x86_assembler *assembler, int mask, bool zeroing);
void x86_end(struct x86_assembler *assembler);
/* A jump to an offset of the code, -1: one to be patched (32 bits). */
void x86_jump(struct x86_assembler *assembler, ZydisMnemonic mnemonic, int64_t target);
void x86_patch_jump(struct x86_assembler *assembler, size_t end_of_jump);
void x86_align(struct x86_assembler *assembler, size_t bytes);
ZydisRegister x86_vector_register(int reg, int bytes);

/* --- Constants (constants.c) --- */

size_t x86_constant(struct x86_assembler *assembler, const void *bytes, size_t count);
void x86_constant_memory(struct x86_assembler *assembler, size_t constant, int bytes);
void x86_append_pool(struct x86_assembler *assembler);
/* Writes a number as one lane. */
void x86_write_lane(void *lane, enum data_type type, double number);

/* --- Lines to instructions --- */

struct x86_encoder {
    struct x86_assembler assembler;
    struct x86_allocation allocation;
    const struct vector_program *program;
    const struct x86_isa *isa;
    struct error *error;
    signed char held_orders[16];      /* exchanges.c: 1 + the register that holds it, or 0 */
    signed char nan_table;            /* reduce.c: 1 + the register that holds it, or 0 */
    unsigned char *unwinding;         /* frame.c: call frame instructions so far */
    size_t unwinding_bytes, noted_at; /* the last is of the code */
    int stack_bytes;                  /* below the return address */
};

int x86_value_register(const struct x86_encoder *encoder, int value);
int x86_lane_bytes(const struct vector_instruction *instruction);
/* The register and displacement of an address. */
int x86_base(const struct x86_encoder *encoder, const struct vector_address *address);
void x86_word(struct x86_encoder *encoder, int64_t word, int bytes); /* operand: word in memory */
void x86_move(struct x86_encoder *encoder, int destination, int source);

/* Operand: source i, a register, or memory if it is the memory source. */
void x86_source(struct x86_encoder *encoder, const struct vector_instruction *instruction,
                int source);
/* Exchanges between lanes (exchanges.c). */
void x86_encode_parts(struct x86_encoder *encoder, const struct vector_instruction *instruction);
void x86_encode_alternate(struct x86_encoder *encoder, const struct x86_line *line);
/* Registers that nothing else uses hold the orders of lanes that picks need, from the start of the
 * function on. */
void x86_hold_orders(struct x86_encoder *encoder);
/* Whether the pick at a line may overwrite one of its sources, and needs a register for the order
 * of lanes. */
bool x86_needs_order(const struct x86_allocation *allocation, int line);

void x86_prologue(struct x86_encoder *encoder); /* frame.c */
void x86_epilogue(struct x86_encoder *encoder);
dlt_status x86_encode_arithmetic(struct x86_encoder *encoder, const struct x86_line *line);
dlt_status x86_encode_memory(struct x86_encoder *encoder, const struct x86_line *line);
dlt_status x86_encode_strided(struct x86_encoder *encoder, const struct x86_line *line);
dlt_status x86_encode_mask(struct x86_encoder *encoder, const struct x86_line *line);
void x86_encode_pieces(struct x86_encoder *encoder, const struct x86_line *line);
/* Minimum and maximum of unknown numbers, and across lanes (reduce.c). */
void x86_hold_nan_table(struct x86_encoder *encoder); /* from the start of the function on */
void x86_encode_choice(struct x86_encoder *encoder, const struct x86_line *line);
void x86_encode_reduce(struct x86_encoder *encoder, const struct x86_line *line);
void x86_load_words(struct x86_encoder *encoder, int line);
void x86_loop_begin(struct x86_encoder *encoder, const struct x86_line *line);
void x86_loop_end(struct x86_encoder *encoder, const struct x86_line *line);

dlt_status x86_encode(const struct x86_isa *isa, const struct vector_program *program,
                      const struct target_description *description, struct arena *arena,
                      struct machine_code *code, struct error *error);
void x86_disassemble(struct text *text, const struct machine_code *code);

#endif
