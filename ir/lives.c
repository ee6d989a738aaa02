/* Lives of values; see lives.h. */
#include "ir/lives.h"

#include <string.h>

int lives_class(const struct lives *lives, int value) {
    return lives->masks_are_vectors ? CLASS_VECTOR : (int)lives->program->values[value].value_class;
}

static bool can_read_again(enum vector_opcode opcode) {
    return opcode == VECTOR_LOAD || opcode == VECTOR_LOAD_BROADCAST || opcode == VECTOR_CONSTANT ||
           opcode == VECTOR_MASK_CONSTANT || opcode == VECTOR_PICK_ALTERNATE ||
           opcode == VECTOR_LANES || opcode == VECTOR_INDEX;
}

int lives_pieces(const struct vector_instruction *instruction) {
    return instruction->opcode == VECTOR_PICK_ALTERNATE ? 2 : 0;
}

int lives_temporaries(const struct lives *lives, const struct vector_instruction *instruction) {
    bool is_masked = instruction->mask != VECTOR_NONE;
    switch (instruction->opcode) {
    case VECTOR_LOAD_STRIDED:
    case VECTOR_LOAD_INDEXED:
        return (lives->masks_are_vectors ? 2 : 1) + 1;
    case VECTOR_LOAD_BROADCAST:
        return is_masked && lives->masks_are_vectors ? 2 : 0;
    case VECTOR_STORE:
        return is_masked && lives->masks_are_vectors;
    case VECTOR_STORE_STRIDED:
        return 1;
    default:
        return instruction->opcode >= VECTOR_REDUCE_ADD;
    }
}

void lives_operands(const struct vector_instruction *instruction, int operands[4]) {
    memcpy(operands, instruction->sources, sizeof instruction->sources);
    operands[3] = instruction->mask;
}

static void note_use(struct lives *lives, int value, struct vector_block *block) {
    struct life *life = &lives->of[value];
    life->end = lives->position;
    if (life->home != block)
        life->evictable = false;
}

static void find_lives(struct lives *lives, struct vector_block *block) {
    int begin = lives->position;
    for (struct vector_item *item = block->first; item; item = item->next) {
        struct vector_instruction *instruction = item->instruction;
        int operands[4];
        if (item->block) {
            find_lives(lives, item->block);
            continue;
        }
        lives_operands(instruction, operands);
        for (int i = 0; i < 4; i++)
            if (operands[i] != VECTOR_NONE)
                note_use(lives, operands[i], block);
        if (instruction->destination != VECTOR_NONE) {
            struct life *life = &lives->of[instruction->destination];
            if (!life->definition) {
                life->begin = lives->position;
                life->home = block;
                life->definition = instruction;
                memcpy(life->operands, operands, sizeof operands);
                life->evictable = can_read_again(instruction->opcode) &&
                                  !lives->program->values[instruction->destination].is_variable;
            }
            life->end = lives->position;
        }
        lives->position++;
    }
    lives->position++; /* the loop's end */
    for (int i = 0; i < lives->program->value_count && block->parent; i++)
        if (lives->of[i].definition && lives->of[i].begin < begin && lives->of[i].end >= begin)
            lives->of[i].end = lives->position - 1;
}

/* Whether a piece can be read again, or waits in its register anyway, wherever the whole is
 * used. */
static bool is_at_hand(const struct lives *lives, int piece, const struct life *whole) {
    const struct life *life;
    if (piece == VECTOR_NONE)
        return true;
    life = &lives->of[piece];
    return (life->evictable && lives_pieces(life->definition) == 0) ||
           (life->end >= whole->end && !lives->program->values[piece].is_variable);
}

/* What is put together can be read again if all its pieces are at hand. */
static void settle_pieces(struct lives *lives) {
    for (int i = 0; i < lives->program->value_count; i++) {
        struct life *life = &lives->of[i];
        for (int s = 0; life->evictable && s < lives_pieces(life->definition); s++)
            life->evictable = is_at_hand(lives, life->operands[s], life);
    }
}

static void count_fixed(struct lives *lives) {
    for (int class = 0; class < 2; class ++)
        lives->fixed[class] = ARENA_ARRAY(lives->program->arena, int, lives->length + 2);
    for (int i = 0; i < lives->program->value_count; i++)
        if (lives->of[i].definition && !lives->of[i].evictable) {
            lives->fixed[lives_class(lives, i)][lives->of[i].begin + 1]++;
            lives->fixed[lives_class(lives, i)][lives->of[i].end + 1]--;
        }
    for (int class = 0; class < 2; class ++)
        for (int i = 1; i < lives->length + 2; i++)
            lives->fixed[class][i] += lives->fixed[class][i - 1];
}

void lives_find(struct lives *lives, struct vector_program *program,
                const struct target_description *target) {
    *lives = (struct lives){.program = program, .masks_are_vectors = target->mask_registers == 0};
    lives->limits[CLASS_VECTOR] = target->vector_registers;
    lives->limits[CLASS_MASK] = target->mask_registers;
    lives->of = ARENA_ARRAY(program->arena, struct life, program->value_count);
    find_lives(lives, program->top);
    lives->length = lives->position;
    lives->position = 0;
    settle_pieces(lives);
    count_fixed(lives);
}
