/* Sinking: constants that wait in registers through a loop move into it where registers run short.
 *
 * Hoisting has moved all constants out of all loops. That is right while there are registers; a
 * loop whose body needs more gets its own copies of those that it uses least, and the pass that
 * relieves pressure then reads each in front of its use. Where no constant is left, loads of
 * elements that the loop does not change, and indices, move back in the same way. */
#include "ir/lives.h"

struct sinking {
    struct vector_program *program;
    const struct target_description *target;
    struct lives lives;
    int *use_counts;   /* of each value */
    bool *sunk;        /* values that have got their copies in loops already */
    int class, excess; /* the worst place: registers that it lacks, */
    int position;      /* where it is, */
    int operands[4];   /* what is used there */
};

/* Registers that an instruction needs: what waits across it and what it reads again. */
static void measure(struct sinking *s, const struct vector_instruction *instruction) {
    int needed[2], position = s->lives.position, operands[4];
    lives_operands(instruction, operands);
    for (int class = 0; class < 2; class ++)
        needed[class] = s->lives.fixed[class][position];
    for (int i = 0; i < 4; i++)
        if (operands[i] != VECTOR_NONE) {
            s->use_counts[operands[i]]++;
            needed[lives_class(&s->lives, operands[i])] += s->lives.of[operands[i]].evictable;
        }
    needed[CLASS_VECTOR] += lives_temporaries(&s->lives, instruction);
    for (int class = 0; class < 2; class ++)
        if (needed[class] - s->lives.limits[class] > s->excess) {
            s->excess = needed[class] - s->lives.limits[class];
            s->class = class;
            s->position = position;
            lives_operands(instruction, s->operands);
        }
}

static void measure_block(struct sinking *s, const struct vector_block *block) {
    for (const struct vector_item *item = block->first; item; item = item->next) {
        if (item->block) {
            measure_block(s, item->block);
            continue;
        }
        measure(s, item->instruction);
        s->lives.position++;
    }
    s->lives.position++;
}

static bool is_constant(const struct vector_instruction *instruction) {
    return instruction->opcode == VECTOR_CONSTANT || instruction->opcode == VECTOR_MASK_CONSTANT;
}

/* Whether it takes nothing from registers. */
static bool stands_alone(const struct vector_instruction *instruction) {
    return is_constant(instruction) ||
           ((instruction->opcode == VECTOR_LOAD || instruction->opcode == VECTOR_LOAD_BROADCAST ||
             instruction->opcode == VECTOR_INDEX || instruction->opcode == VECTOR_LANES) &&
            instruction->mask == VECTOR_NONE);
}

/* Whether sinking the value frees a register at the worst place. */
static bool helps(const struct sinking *s, int value) {
    const struct life *life = &s->lives.of[value];
    if (!life->definition || life->evictable || s->sunk[value] ||
        s->program->values[value].is_variable || !stands_alone(life->definition) ||
        lives_class(&s->lives, value) != s->class || life->begin >= s->position ||
        life->end < s->position)
        return false;
    for (int i = 0; i < 4; i++)
        if (s->operands[i] == value)
            return false;
    return true;
}

/* Constants first, those with the fewest uses first. */
static bool comes_before(const struct sinking *s, int value, int other) {
    bool constant = is_constant(s->lives.of[value].definition);
    if (constant != is_constant(s->lives.of[other].definition))
        return constant;
    return s->use_counts[value] < s->use_counts[other];
}

static int least_used(const struct sinking *s, int count) {
    int best = VECTOR_NONE;
    for (int i = 0; i < count; i++)
        if (helps(s, i) && (best == VECTOR_NONE || comes_before(s, i, best)))
            best = i;
    return best;
}

static bool rename_uses(struct vector_block *block, int from, int to) {
    bool used = false;
    for (struct vector_item *item = block->first; item; item = item->next) {
        if (item->block)
            continue;
        for (int i = 0; i < 3; i++)
            if (item->instruction->sources[i] == from) {
                item->instruction->sources[i] = to;
                used = true;
            }
        if (item->instruction->mask == from) {
            item->instruction->mask = to;
            used = true;
        }
    }
    return used;
}

/* A copy of the constant in each block that uses it, but for its own. */
static void sink(struct sinking *s, struct vector_block *block, int value) {
    const struct life *life = &s->lives.of[value];
    for (struct vector_item *item = block->first; item; item = item->next)
        if (item->block)
            sink(s, item->block, value);
    if (block != life->home) {
        int copy = vector_value_new(s->program, s->program->values[value].value_class, false);
        struct vector_item *item;
        if (!rename_uses(block, value, copy))
            return;
        item = ARENA_NEW(s->program->arena, struct vector_item);
        item->instruction =
            arena_copy(s->program->arena, life->definition, sizeof *life->definition);
        item->instruction->destination = copy;
        item->next = block->first;
        block->first = item;
    }
}

/* True if something was sunk. */
static bool sink_some(struct sinking *s) {
    int count = s->program->value_count, value = VECTOR_NONE;
    lives_find(&s->lives, s->program, s->target);
    s->use_counts = ARENA_ARRAY(s->program->arena, int, count);
    s->sunk = ARENA_ARRAY(s->program->arena, bool, count);
    s->excess = 0;
    measure_block(s, s->program->top);
    for (int i = 0; i < s->excess; i++) {
        value = least_used(s, count);
        if (value == VECTOR_NONE)
            break;
        sink(s, s->program->top, value);
        s->sunk[value] = true;
    }
    return value != VECTOR_NONE;
}

dlt_status sink_constants(struct lowering *lowering) {
    struct vector_program *vectors = lowering->vectors;
    const struct target_description *target = lowering->target;
    struct sinking s = {.program = vectors, .target = target};
    while (sink_some(&s))
        ;
    return DLT_OK;
}
