/* Tiles in C as straight lines: a vector program of one lane, its values as locals.
 *
 *     float *w0 = (float *)words[0], *w1 = (float *)words[1];
 *     float v3 = 0.0f;
 *     {
 *         float *q0 = w0, *q1 = w1;
 *         for (long c_5 = 0; c_5 < 64; c_5++) {
 *             v3 += q0[2] * q1[0];
 *             q0 += 49, q1 += 9;
 *         }
 *     }
 *     w2[0] = v3;
 *
 * What a tile adds up stays in locals through its loops, and pointers move: the passes that make
 * machine code fast (ir/lower.c) have seen to that, and a compiler that does not optimise has no
 * more to do. A value that is used once stands where it is used, and products that follow each
 * other into one sum are added in one statement: "v3 += q0[2] * q1[0] + q0[3] * q1[1]". */
#include "targets/c/print_private.h"

#include <inttypes.h>

enum {
    MOST_DEPTH = 6, /* of operations written as one expression */
    MOST_TERMS = 4  /* added to a variable in one statement */
};

struct straight_value {
    int uses;
    const struct vector_instruction *definition; /* if assigned once */
    const struct vector_block *home;
    bool inlined, declared;
    int depth;
    int waiting_count; /* products that its next statement adds too */
    const struct vector_instruction *waiting[MOST_TERMS - 1];
};

struct straight {
    struct printer *printer;
    const struct vector_program *program;
    struct straight_value *values;
    bool *is_word_read; /* pointers among the tile's words: a variant may need no others */
};

/* ---- which values stand where they are used ---- */

static void count_word(struct straight *s, int base) {
    if (base < 0)
        s->is_word_read[-1 - base] = true;
}

static void count_block(struct straight *s, const struct vector_block *block) {
    for (int i = 0; i < block->induction_count; i++)
        count_word(s, s->program->inductions[block->inductions[i]].parent);
    for (const struct vector_item *item = block->first; item; item = item->next) {
        const struct vector_instruction *instruction = item->instruction;
        if (item->block) {
            count_block(s, item->block);
            continue;
        }
        if (vector_has_address(instruction))
            count_word(s, instruction->address.base);
        if (instruction->destination != VECTOR_NONE) {
            s->values[instruction->destination].definition = instruction;
            s->values[instruction->destination].home = block;
        }
        for (int i = 0; i < 3; i++)
            if (instruction->sources[i] != VECTOR_NONE)
                s->values[instruction->sources[i]].uses +=
                    s->values[instruction->sources[i]].home == block ? 1 : 2;
        if (instruction->mask != VECTOR_NONE)
            s->values[instruction->mask].uses += 2;
    }
}

/* Operands that stand more than once in the text of an operation must have a name. */
static bool repeats_operands(const struct vector_instruction *instruction) {
    switch (instruction->opcode) {
    case VECTOR_MINIMUM:
    case VECTOR_MAXIMUM:
    case VECTOR_MINIMUM_OR_NAN:
    case VECTOR_MAXIMUM_OR_NAN:
        return true;
    default:
        return instruction->opcode == VECTOR_FUNCTION && instruction->immediate == OP_ABSOLUTE;
    }
}

static void name_operands(struct straight *s, const struct vector_block *block) {
    for (const struct vector_item *item = block->first; item; item = item->next) {
        if (item->block)
            name_operands(s, item->block);
        else if (repeats_operands(item->instruction))
            for (int i = 0; i < vector_operations[item->instruction->opcode].sources; i++)
                s->values[item->instruction->sources[i]].uses += 2;
    }
}

static bool is_variable(const struct straight *s, int value) {
    return s->program->values[value].is_variable;
}

/* A constant always; else what is used once, in its own block, and made of what does not change.
 * Memory that a tile reads without writing it does not change either. */
static bool stands_inside(struct straight *s, const struct vector_instruction *instruction) {
    struct straight_value *value = &s->values[instruction->destination];
    if (is_variable(s, instruction->destination) ||
        s->program->values[instruction->destination].value_class == CLASS_MASK)
        return false;
    if (instruction->opcode == VECTOR_CONSTANT)
        return true;
    if (value->uses != 1)
        return false;
    for (int i = 0; i < vector_operations[instruction->opcode].sources; i++) {
        const struct straight_value *source = &s->values[instruction->sources[i]];
        if (is_variable(s, instruction->sources[i]))
            return false;
        if (source->inlined && source->depth >= value->depth)
            value->depth = source->depth + 1;
    }
    return value->depth < MOST_DEPTH;
}

/* ---- text ---- */

static void print_pointer(struct straight *s, int base) {
    if (base < 0)
        text_format(s->printer->out, "w%d", -1 - base);
    else
        text_format(s->printer->out, "q%d", base);
}

static int64_t elements(int64_t bytes) {
    return bytes / data_types[TYPE_F32].bytes;
}

static void print_place(struct straight *s, const struct vector_instruction *instruction) {
    print_pointer(s, instruction->address.base);
    text_format(s->printer->out, "[%" PRId64 "]", elements(instruction->address.displacement));
}

static void print_right_side(struct straight *s, const struct vector_instruction *instruction);

static void print_source(struct straight *s, const struct vector_instruction *instruction,
                         int number) {
    int value = instruction->sources[number];
    const struct vector_instruction *definition = s->values[value].definition;
    bool plain = !s->values[value].inlined;
    if (plain) {
        text_format(s->printer->out, "v%d", value);
        return;
    }
    plain = vector_operations[definition->opcode].reads_memory ||
            (definition->opcode == VECTOR_CONSTANT && definition->constant >= 0);
    text_append(s->printer->out, plain ? "" : "(");
    print_right_side(s, definition);
    text_append(s->printer->out, plain ? "" : ")");
}

/* "$a * $b + $c": each $ and letter stands for a source. */
static void print_pattern(struct straight *s, const struct vector_instruction *instruction,
                          const char *pattern) {
    for (const char *c = pattern; *c; c++)
        if (*c == '$')
            print_source(s, instruction, *++c - 'a');
        else
            text_append_bytes(s->printer->out, c, 1);
}

static void print_call(struct straight *s, const struct vector_instruction *instruction,
                       enum support_function function) {
    struct printer *printer = s->printer;
    printer->support |= 1u << function;
    text_format(printer->out, "(float)%s_%s(", printer->options->prefix,
                support_function_name(function));
    print_pattern(s, instruction, "$a)");
}

static void print_function(struct straight *s, const struct vector_instruction *instruction) {
    switch ((enum operation)instruction->immediate) {
    case OP_NEGATE:
        print_pattern(s, instruction, "-$a");
        break;
    case OP_ABSOLUTE:
        print_pattern(s, instruction, "$a <= 0 ? 0 - $a : $a"); /* -0.0 becomes 0.0 too */
        break;
    case OP_EXPONENTIAL:
        print_call(s, instruction, SUPPORT_EXPONENTIAL);
        break;
    case OP_LOGARITHM:
        print_call(s, instruction, SUPPORT_LOGARITHM);
        break;
    case OP_TANH:
        print_call(s, instruction, SUPPORT_TANH);
        break;
    case OP_ERF:
        print_call(s, instruction, SUPPORT_ERF);
        break;
    default:
        print_call(s, instruction, SUPPORT_SQUARE_ROOT);
        break;
    }
}

/* What an instruction gives. NULL: print_right_side knows. */
static const char *const patterns[VECTOR_OPCODE_COUNT] = {
    [VECTOR_MOVE] = "$a",
    [VECTOR_LANES] = "0", /* the number of the only lane */
    [VECTOR_ADD] = "$a + $b",
    [VECTOR_SUBTRACT] = "$a - $b",
    [VECTOR_MULTIPLY] = "$a * $b",
    [VECTOR_DIVIDE] = "$a / $b",
    [VECTOR_MINIMUM] = "$a < $b ? $a : $b",
    [VECTOR_MAXIMUM] = "$a > $b ? $a : $b",
    [VECTOR_MINIMUM_OR_NAN] = "$a < $b || $a != $a ? $a : $b",
    [VECTOR_MAXIMUM_OR_NAN] = "$a > $b || $a != $a ? $a : $b",
    [VECTOR_MULTIPLY_ADD] = "$a * $b + $c",
    [VECTOR_MULTIPLY_SUBTRACT] = "$a * $b - $c",
    [VECTOR_NEGATED_MULTIPLY_ADD] = "$c - $a * $b",
    [VECTOR_MASK_LESS] = "$a < $b",
    [VECTOR_REDUCE_ADD] = "$a",
    [VECTOR_REDUCE_MAXIMUM] = "$a",
    [VECTOR_REDUCE_MINIMUM] = "$a",
    [VECTOR_REDUCE_MULTIPLY] = "$a",
};

static void print_right_side(struct straight *s, const struct vector_instruction *instruction) {
    if (vector_operations[instruction->opcode].reads_memory) {
        print_place(s, instruction);
    } else if (instruction->opcode == VECTOR_CONSTANT) {
        print_number(s->printer, TYPE_F32, instruction->constant);
    } else if (instruction->opcode == VECTOR_BLEND) {
        text_format(s->printer->out, "v%d ? ", instruction->mask);
        print_pattern(s, instruction, "$a : $b");
    } else if (instruction->opcode == VECTOR_FUNCTION ||
               instruction->opcode == VECTOR_SQUARE_ROOT) {
        print_function(s, instruction);
    } else {
        print_pattern(s, instruction, patterns[instruction->opcode]);
    }
}

/* "v3 += $a * $b" where a variable changes by something; NULL where it does not. */
static const char *change_of(const struct vector_instruction *instruction) {
    int to = instruction->destination;
    const int *sources = instruction->sources;
    switch (instruction->opcode) {
    case VECTOR_MULTIPLY_ADD:
        return sources[2] == to ? " += $a * $b" : NULL;
    case VECTOR_NEGATED_MULTIPLY_ADD:
        return sources[2] == to ? " -= $a * $b" : NULL;
    case VECTOR_ADD:
        return sources[0] == to ? " += $b" : sources[1] == to ? " += $a" : NULL;
    case VECTOR_MULTIPLY:
        return sources[0] == to ? " *= $b" : sources[1] == to ? " *= $a" : NULL;
    default:
        return NULL;
    }
}

/* variable += product; neither factor changes on the way to a later statement. */
static bool adds_product(const struct straight *s, const struct vector_instruction *instruction,
                         int variable) {
    return instruction->opcode == VECTOR_MULTIPLY_ADD && instruction->destination == variable &&
           instruction->sources[2] == variable && is_variable(s, variable) &&
           !is_variable(s, instruction->sources[0]) && !is_variable(s, instruction->sources[1]);
}

static bool touches(const struct vector_instruction *instruction, int value) {
    bool touches = instruction->destination == value;
    for (int i = 0; i < 3; i++)
        touches |= instruction->sources[i] == value;
    return touches;
}

/* Whether what next touches the variable adds a product to it as well. */
static bool adds_next(const struct straight *s, const struct vector_item *item, int variable) {
    for (item = item->next; item && item->instruction; item = item->next)
        if (touches(item->instruction, variable))
            return adds_product(s, item->instruction, variable);
    return false;
}

/* Keeps a product for the next statement of its variable; false if it has to be added now. */
static bool wait_for_next(struct straight *s, const struct vector_item *item) {
    int variable = item->instruction->destination;
    struct straight_value *value = &s->values[variable];
    if (!adds_product(s, item->instruction, variable) || value->waiting_count == MOST_TERMS - 1 ||
        !adds_next(s, item, variable))
        return false;
    value->waiting[value->waiting_count++] = item->instruction;
    return true;
}

/* "if (a beats b) b = a", b being the variable that changes: one comparison where nothing does. */
static bool print_replacement(struct straight *s, const struct vector_instruction *instruction) {
    bool most = instruction->opcode == VECTOR_MAXIMUM_OR_NAN;
    if ((!most && instruction->opcode != VECTOR_MINIMUM_OR_NAN) ||
        instruction->destination != instruction->sources[1])
        return false;
    print_line(s->printer, "%s", "");
    print_pattern(s, instruction,
                  most ? "if (!($a <= $b) && $b == $b) $b = $a;\n"
                       : "if (!($a >= $b) && $b == $b) $b = $a;\n");
    return true;
}

static void print_change(struct straight *s, const struct vector_instruction *instruction,
                         const char *change) {
    struct straight_value *value = &s->values[instruction->destination];
    text_append(s->printer->out, value->waiting_count ? " += " : "");
    for (int i = 0; i < value->waiting_count; i++)
        print_pattern(s, value->waiting[i], "$a * $b + ");
    print_pattern(s, instruction, value->waiting_count ? "$a * $b" : change);
    value->waiting_count = 0;
}

static void print_instruction(struct straight *s, const struct vector_item *item) {
    const struct vector_instruction *instruction = item->instruction;
    struct text *out = s->printer->out;
    struct straight_value *value = &s->values[instruction->destination];
    const char *change = change_of(instruction);
    bool is_mask;
    if (vector_operations[instruction->opcode].writes_memory) {
        print_line(s->printer, "%s", "");
        print_place(s, instruction);
        print_pattern(s, instruction, " = $a;\n");
        return;
    }
    value->inlined = stands_inside(s, instruction);
    if (value->inlined || wait_for_next(s, item) || print_replacement(s, instruction))
        return;
    is_mask = s->program->values[instruction->destination].value_class == CLASS_MASK;
    print_line(s->printer, "%sv%d",
               value->declared ? ""
               : is_mask       ? "int "
                               : "float ",
               instruction->destination);
    value->declared = true;
    if (change) {
        print_change(s, instruction, change);
    } else {
        text_append(out, " = ");
        print_right_side(s, instruction);
    }
    text_append(out, ";\n");
}

static void print_bound(struct straight *s, const struct vector_bound *bound) {
    text_format(s->printer->out, bound->is_word ? "words[%" PRId64 "]" : "%" PRId64, bound->value);
}

/* The pointers of a loop where it begins. */
static void print_inductions(struct straight *s, const struct vector_block *block) {
    struct text *out = s->printer->out;
    for (int i = 0; i < block->induction_count; i++) {
        int number = block->inductions[i];
        const struct vector_induction *induction = &s->program->inductions[number];
        print_line(s->printer, "float *q%d = ", number);
        print_pointer(s, induction->parent);
        if (block->begin.is_word || block->begin.value) {
            text_append(out, " + ");
            print_bound(s, &block->begin);
            text_format(out, " * (%" PRId64 ")", elements(induction->step));
        }
        text_append(out, ";\n");
    }
}

static void print_block(struct straight *s, const struct vector_block *block);

static void print_loop(struct straight *s, const struct vector_block *block) {
    struct printer *printer = s->printer;
    struct text *out = printer->out;
    print_line(printer, "{\n");
    printer->depth++;
    print_inductions(s, block);
    print_line(printer, "for (long ");
    print_variable(out, block->counter);
    text_append(out, " = ");
    print_bound(s, &block->begin);
    text_append(out, "; ");
    print_variable(out, block->counter);
    text_append(out, " < ");
    print_bound(s, &block->end);
    text_append(out, "; ");
    print_variable(out, block->counter);
    text_append(out, "++) {\n");
    printer->depth++;
    print_block(s, block);
    for (int i = 0; i < block->induction_count; i++)
        print_line(printer, "q%d += %" PRId64 ";\n", block->inductions[i],
                   elements(s->program->inductions[block->inductions[i]].step));
    printer->depth--;
    print_line(printer, "}\n");
    printer->depth--;
    print_line(printer, "}\n");
}

static void print_block(struct straight *s, const struct vector_block *block) {
    for (const struct vector_item *item = block->first; item; item = item->next)
        if (item->block)
            print_loop(s, item->block);
        else
            print_instruction(s, item);
}

void print_straight(struct printer *printer, const struct vector_program *program) {
    struct straight s = {.printer = printer, .program = program};
    s.values = ARENA_ARRAY(printer->arena, struct straight_value, (size_t)program->value_count);
    s.is_word_read = ARENA_ARRAY(printer->arena, bool, (size_t)program->word_count);
    count_block(&s, program->top);
    name_operands(&s, program->top);
    for (int i = 0; i < program->word_count; i++)
        if (s.is_word_read[i])
            print_line(printer, "float *w%d = (float *)words[%d];\n", i, i);
    print_block(&s, program->top);
}
