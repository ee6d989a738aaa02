/* Loops: counters, pointers that follow them, and the pointers that follow none.
 *
 * A counter counts down to zero; nobody reads it. A loop with run-time bounds is jumped over if it
 * has no trips. */
#include "targets/x86/x86.h"

enum {
    LOOP_ALIGNMENT = 64,
    WORD_BYTES = 8
};

void x86_word(struct x86_encoder *encoder, int64_t word, int bytes) {
    x86_memory(&encoder->assembler, encoder->allocation.intervals[encoder->allocation.words].reg,
               word * WORD_BYTES, bytes);
}

static void load_word(struct x86_encoder *encoder, int reg, int64_t word) {
    x86_begin(&encoder->assembler, ZYDIS_MNEMONIC_MOV);
    x86_general(&encoder->assembler, reg);
    x86_word(encoder, word, WORD_BYTES);
    x86_end(&encoder->assembler);
}

/* reg = reg op value */
static void change(struct x86_encoder *encoder, ZydisMnemonic mnemonic, int reg, int64_t value) {
    x86_begin(&encoder->assembler, mnemonic);
    x86_general(&encoder->assembler, reg);
    x86_immediate(&encoder->assembler, value);
    x86_end(&encoder->assembler);
}

static void add_constant(struct x86_encoder *encoder, int reg, int64_t value) {
    if (value)
        change(encoder, ZYDIS_MNEMONIC_ADD, reg, value);
}

void x86_load_words(struct x86_encoder *encoder, int line) {
    const struct x86_allocation *allocation = &encoder->allocation;
    for (int word = 0; word < encoder->program->word_count; word++) {
        const struct x86_interval *interval = &allocation->intervals[allocation->pointer + word];
        if (interval->end >= 0 && interval->start == line)
            load_word(encoder, interval->reg, word);
    }
}

/* pointer = parent + begin * step */
static void begin_induction(struct x86_encoder *encoder, const struct x86_loop *loop, int number) {
    struct x86_assembler *assembler = &encoder->assembler;
    const struct x86_allocation *allocation = &encoder->allocation;
    const struct vector_induction *induction = &encoder->program->inductions[number];
    struct vector_bound begin = loop->block->begin;
    int reg = allocation->intervals[allocation->induction + number].reg;
    int parent = induction->parent < 0
                     ? -1
                     : allocation->intervals[allocation->induction + induction->parent].reg;
    if (begin.is_word) {
        x86_begin(assembler, ZYDIS_MNEMONIC_IMUL);
        x86_general(assembler, reg);
        x86_word(encoder, begin.value, WORD_BYTES);
        x86_immediate(assembler, induction->step);
        x86_end(assembler);
        x86_begin(assembler, ZYDIS_MNEMONIC_ADD);
        x86_general(assembler, reg);
        if (parent < 0)
            x86_word(encoder, -1 - induction->parent, WORD_BYTES);
        else
            x86_general(assembler, parent);
        x86_end(assembler);
    } else if (parent < 0) {
        load_word(encoder, reg, -1 - induction->parent);
        add_constant(encoder, reg, begin.value * induction->step);
    } else {
        x86_begin(assembler, begin.value ? ZYDIS_MNEMONIC_LEA : ZYDIS_MNEMONIC_MOV);
        x86_general(assembler, reg);
        if (begin.value)
            x86_memory(assembler, parent, begin.value * induction->step, WORD_BYTES);
        else
            x86_general(assembler, parent);
        x86_end(assembler);
    }
}

/* The counter as an operand: a register or its slot of the stack. */
static void counter_operand(struct x86_encoder *encoder, const struct x86_line *line) {
    const struct x86_loop *loop = &encoder->allocation.loops[line->loop];
    if (loop->slot >= 0)
        x86_memory(&encoder->assembler, X86_RSP, (int64_t)loop->slot * WORD_BYTES, WORD_BYTES);
    else
        x86_general(&encoder->assembler,
                    encoder->allocation.intervals[encoder->allocation.counter + line->loop].reg);
}

/* counter = end - begin, or a jump over the loop; the jump is patched at the loop's end. */
static void count_trips(struct x86_encoder *encoder, const struct x86_line *line,
                        struct x86_loop *loop) {
    struct x86_assembler *assembler = &encoder->assembler;
    struct vector_bound begin = loop->block->begin, end = loop->block->end;
    int reg = loop->slot >= 0
                  ? line->general_temporaries[0]
                  : encoder->allocation.intervals[encoder->allocation.counter + line->loop].reg;
    if (end.is_word) {
        load_word(encoder, reg, end.value);
    } else {
        x86_begin(assembler, ZYDIS_MNEMONIC_MOV);
        x86_general(assembler, reg);
        x86_immediate(assembler, end.value);
        x86_end(assembler);
    }
    x86_begin(assembler, ZYDIS_MNEMONIC_SUB);
    x86_general(assembler, reg);
    if (begin.is_word)
        x86_word(encoder, begin.value, WORD_BYTES);
    else
        x86_immediate(assembler, begin.value);
    x86_end(assembler);
    x86_jump(assembler, ZYDIS_MNEMONIC_JLE, -1);
    loop->skip = assembler->size;
    if (loop->slot < 0)
        return;
    x86_begin(assembler, ZYDIS_MNEMONIC_MOV);
    counter_operand(encoder, line);
    x86_general(assembler, reg);
    x86_end(assembler);
}

void x86_loop_begin(struct x86_encoder *encoder, const struct x86_line *line) {
    struct x86_assembler *assembler = &encoder->assembler;
    struct x86_loop *loop = &encoder->allocation.loops[line->loop];
    if (!loop->constant) {
        count_trips(encoder, line, loop);
    } else if (loop->trips > 1) {
        bool narrow =
            loop->slot < 0 && loop->trips <= INT32_MAX; /* the short form clears the rest */
        x86_begin(assembler, ZYDIS_MNEMONIC_MOV);
        if (narrow)
            x86_general32(
                assembler,
                encoder->allocation.intervals[encoder->allocation.counter + line->loop].reg);
        else
            counter_operand(encoder, line);
        x86_immediate(assembler, loop->trips);
        x86_end(assembler);
    }
    for (int i = 0; i < loop->block->induction_count; i++)
        begin_induction(encoder, loop, loop->block->inductions[i]);
    if (loop->innermost && (!loop->constant || loop->trips > 1))
        x86_align(assembler, LOOP_ALIGNMENT);
    loop->head = assembler->size;
}

void x86_loop_end(struct x86_encoder *encoder, const struct x86_line *line) {
    struct x86_assembler *assembler = &encoder->assembler;
    struct x86_loop *loop = &encoder->allocation.loops[line->loop];
    if (loop->constant && loop->trips == 1)
        return;
    for (int i = 0; i < loop->block->induction_count; i++) {
        int number = loop->block->inductions[i];
        add_constant(encoder,
                     encoder->allocation.intervals[encoder->allocation.induction + number].reg,
                     encoder->program->inductions[number].step);
    }
    x86_begin(assembler, ZYDIS_MNEMONIC_DEC);
    counter_operand(encoder, line);
    x86_end(assembler);
    x86_jump(assembler, ZYDIS_MNEMONIC_JNZ, (int64_t)loop->head);
    if (loop->skip)
        x86_patch_jump(assembler, loop->skip);
}
