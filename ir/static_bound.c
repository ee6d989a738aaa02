/* Counting what a vector program keeps busy; see static_bound.h. */
#include "ir/static_bound.h"

#include "schedules/tile_bound.h"

#include <math.h>

#define APART (-1.0)

struct counting {
    const struct vector_program *program;
    const struct target_description *target;
    struct static_bound *bound;
    double *ready; /* of each value: how long after what it starts from, a variable's content at the
                      start of the trip, it is there; APART if it does not wait for any */
    double heaviest;
};

struct counts {
    double operations, loads, stores;
    int64_t multiply_adds;
};

static bool is_load(const struct vector_instruction *instruction) {
    return vector_operations[instruction->opcode].reads_memory ||
           instruction->memory_source != VECTOR_NONE;
}

static bool is_multiply_add(enum vector_opcode opcode) {
    return opcode == VECTOR_MULTIPLY_ADD || opcode == VECTOR_MULTIPLY_SUBTRACT ||
           opcode == VECTOR_NEGATED_MULTIPLY_ADD;
}

static bool is_arithmetic(enum vector_opcode opcode) {
    return !vector_operations[opcode].reads_memory && !vector_operations[opcode].writes_memory &&
           opcode != VECTOR_PREFETCH && opcode != VECTOR_CONSTANT && opcode != VECTOR_MOVE;
}

/* At least: sums and products alone are faster than both together on some processors. */
static int latency_of(const struct counting *c, enum vector_opcode opcode) {
    if (is_multiply_add(opcode))
        return c->target->fma_latency;
    if (opcode == VECTOR_ADD || opcode == VECTOR_SUBTRACT || opcode == VECTOR_MULTIPLY)
        return SUM_LATENCY;
    return is_arithmetic(opcode);
}

/* Loads and moves take no time here, so that the chain is no longer than it really is. */
static void count_instruction(struct counting *c, const struct vector_instruction *instruction,
                              struct counts *counts) {
    double ready = APART;
    int lanes = vector_operations[instruction->opcode].reads_memory ||
                        vector_operations[instruction->opcode].writes_memory
                    ? 1
                    : 0;
    bool strided =
        instruction->opcode == VECTOR_LOAD_STRIDED || instruction->opcode == VECTOR_STORE_STRIDED;
    if (strided)
        lanes = vector_lanes(c->program, instruction->type);
    counts->multiply_adds += is_multiply_add(instruction->opcode);
    counts->operations +=
        is_multiply_add(instruction->opcode) || instruction->opcode == VECTOR_MULTIPLY;
    if (vector_operations[instruction->opcode].writes_memory)
        counts->stores += lanes;
    else if (is_load(instruction))
        counts->loads += lanes ? lanes : 1;
    c->bound->code_bytes += c->target->instruction_bytes * (strided ? 2 * lanes : 1);
    for (int i = 0; i < 3; i++)
        if (instruction->sources[i] != VECTOR_NONE)
            ready = fmax(ready, c->ready[instruction->sources[i]]);
    if (instruction->destination == VECTOR_NONE)
        return;
    if (ready >= 0)
        ready += latency_of(c, instruction->opcode);
    else if (c->program->values[instruction->destination].is_variable)
        ready = 0;
    c->ready[instruction->destination] = ready;
}

static double cycles_of(const struct counting *c, const struct counts *counts) {
    return tile_issue_cycles(c->target, counts->operations, counts->loads, counts->stores);
}

static double trips_of(const struct vector_block *block) {
    if (block->begin.is_word || block->end.is_word || !block->parent)
        return 1;
    return (double)(block->end.value - block->begin.value);
}

/* The longest time that a variable takes from the start of a trip to its end. */
static double chain_of(const struct counting *c) {
    double longest = 0;
    for (int i = 0; i < c->program->value_count; i++)
        if (c->program->values[i].is_variable)
            longest = fmax(longest, c->ready[i]);
    return longest;
}

static void note_loop(struct counting *c, const struct counts *counts, double chain, double trip,
                      double all) {
    struct static_bound *bound = c->bound;
    if (all <= c->heaviest)
        return;
    c->heaviest = all;
    bound->operations = counts->operations;
    bound->loads = counts->loads;
    bound->stores = counts->stores;
    bound->chain = chain;
    bound->trip_cycles = trip;
}

/* Cycles of all trips of a block. Loops inside overlap with nothing else. */
static double count_block(struct counting *c, const struct vector_block *block, double around,
                          int64_t *multiply_adds) {
    struct counts counts = {0};
    double inside = 0, chain = 0, trip, trips = trips_of(block);
    bool is_innermost = true;
    for (int i = 0; i < c->program->value_count; i++)
        c->ready[i] = c->program->values[i].is_variable ? 0 : APART;
    for (const struct vector_item *item = block->first; item; item = item->next) {
        if (item->block) {
            inside += count_block(c, item->block, around * trips, &counts.multiply_adds);
            is_innermost = false;
        } else {
            count_instruction(c, item->instruction, &counts);
        }
    }
    if (is_innermost)
        chain = chain_of(c);
    trip = fmax(cycles_of(c, &counts), chain);
    if (is_innermost)
        note_loop(c, &counts, chain, trip, around * trips * trip);
    *multiply_adds += (int64_t)trips * counts.multiply_adds;
    return trips * (trip + inside);
}

struct static_bound static_bound_of(const struct vector_program *program,
                                    const struct target_description *target) {
    struct static_bound bound = {0};
    struct counting c = {.program = program, .target = target, .bound = &bound};
    c.ready = ARENA_ARRAY(program->arena, double, (size_t)program->value_count + 1);
    bound.cycles = count_block(&c, program->top, 1, &bound.multiply_adds);
    return bound;
}
