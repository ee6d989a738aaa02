/* Register pressure: a value that can be read again need not wait in a register.
 *
 * Value numbering lets every use of a load share one register, however far apart the uses are.
 * Where more values live at once than the target has registers, the shared load, constant or mask
 * whose next use is farthest gives up its register (the choice that Belady proved best for pages)
 * and is read again in front of that use. Nothing is ever stored: what cannot be read again
 * stays. */
#include "ir/lives.h"

#include <string.h>

struct holding {
    int next_use; /* number of its first use that is not passed yet */
    int now;      /* the present name of the register that holds it, or VECTOR_NONE; another after
                     each reload */
};

struct pressure {
    struct vector_program *program;
    struct lives lives;
    struct holding *holdings; /* of each value */
    int *uses, *first_use;    /* positions of each value's uses, ascending, value after value */
    int position;
    int orders; /* bit by bit: the kinds of picks that follow an order of lanes */
    int resident_count[2];
    int residents[2][256]; /* values, as the program named them */
};

static void visit_uses(struct pressure *p, const struct vector_block *block, int *next) {
    for (const struct vector_item *item = block->first; item; item = item->next) {
        int operands[4];
        if (item->block) {
            visit_uses(p, item->block, next);
            continue;
        }
        lives_operands(item->instruction, operands);
        for (int i = 0; i < 4; i++)
            if (operands[i] != VECTOR_NONE) {
                if (p->uses)
                    p->uses[next[operands[i]]] = p->position;
                next[operands[i]]++;
            }
        p->position++;
    }
    p->position++;
}

static void list_uses(struct pressure *p) {
    int count = p->program->value_count, total = 0;
    int *next = ARENA_ARRAY(p->program->arena, int, count + 1);
    p->position = 0;
    visit_uses(p, p->program->top, next);
    p->first_use = ARENA_ARRAY(p->program->arena, int, count + 1);
    for (int i = 0; i < count; i++) {
        p->first_use[i] = total;
        total += next[i];
        next[i] = p->first_use[i];
    }
    p->first_use[count] = total;
    p->uses = ARENA_ARRAY(p->program->arena, int, total + 1);
    p->position = 0;
    visit_uses(p, p->program->top, next);
    for (int i = 0; i < count; i++)
        p->holdings[i].next_use = p->first_use[i];
}

/* The first use of a value at or behind a position; past the end if there is none. Positions never
 * go back, so neither does the search. */
static int next_use(struct pressure *p, int value, int position) {
    int *next = &p->holdings[value].next_use, end = p->first_use[value + 1];
    while (*next < end && p->uses[*next] < position)
        ++*next;
    return *next < end ? p->uses[*next] : p->lives.length + 1;
}

/* While too many live here, with so many more for a moment: drops what nobody uses any more, then
 * what is used last. */
static void evict(struct pressure *p, int class, int more) {
    int *list = p->residents[class], *count = &p->resident_count[class];
    while (p->lives.fixed[class][p->position] + *count + more > p->lives.limits[class]) {
        int farthest = 0, farthest_use = p->position;
        for (int i = 0; i < *count; i++) {
            int use = next_use(p, list[i], p->position);
            if (use > farthest_use) {
                farthest_use = use;
                farthest = i;
            }
        }
        if (farthest_use == p->position)
            return;
        p->holdings[list[farthest]].now = VECTOR_NONE;
        list[farthest] = list[--*count];
    }
}

static void forget_residents(struct pressure *p) {
    for (int class = 0; class < 2; class ++) {
        for (int i = 0; i < p->resident_count[class]; i++)
            p->holdings[p->residents[class][i]].now = VECTOR_NONE;
        p->resident_count[class] = 0;
    }
}

static void add_resident(struct pressure *p, int value, int now) {
    int class = lives_class(&p->lives, value);
    if (p->resident_count[class] <
        (int)(sizeof p->residents[class] / sizeof p->residents[class][0])) {
        p->residents[class][p->resident_count[class]++] = value;
        p->holdings[value].now = now;
    }
}

/* The present name of an evictable value; read again in front of `link` if it has none, after what
 * it is put together from. */
static int reload(struct pressure *p, struct vector_item ***link, int value) {
    struct vector_program *program = p->program;
    struct vector_item *item;
    int operands[4];
    if (p->holdings[value].now != VECTOR_NONE)
        return p->holdings[value].now;
    memcpy(operands, p->lives.of[value].operands, sizeof operands);
    for (int i = 0; i < 4; i++)
        if (operands[i] != VECTOR_NONE && p->lives.of[operands[i]].evictable)
            operands[i] = reload(p, link, operands[i]);
    item = ARENA_NEW(program->arena, struct vector_item);
    item->instruction = arena_copy(program->arena, p->lives.of[value].definition,
                                   sizeof *p->lives.of[value].definition);
    item->instruction->destination =
        vector_value_new(program, program->values[value].value_class, false);
    memcpy(item->instruction->sources, operands, sizeof item->instruction->sources);
    item->instruction->mask = operands[3];
    item->next = **link;
    **link = item;
    *link = &item->next;
    add_resident(p, value, item->instruction->destination);
    return item->instruction->destination;
}

static void relieve_instruction(struct pressure *p, struct vector_item ***link,
                                struct vector_instruction *instruction) {
    int more = p->orders && lives_pieces(instruction) > 0; /* for an order that is not held */
    for (int i = 0; i < 4; i++) {
        int *operand = i < 3 ? &instruction->sources[i] : &instruction->mask;
        if (*operand == VECTOR_NONE || !p->lives.of[*operand].evictable)
            continue;
        if (p->holdings[*operand].now == VECTOR_NONE &&
            lives_pieces(p->lives.of[*operand].definition))
            more = lives_pieces(p->lives.of[*operand].definition);
        *operand = reload(p, link, *operand);
    }
    if (lives_temporaries(&p->lives, instruction) > more)
        more = lives_temporaries(&p->lives, instruction);
    evict(p, CLASS_VECTOR, more);
    evict(p, CLASS_MASK, 0);
}

static void relieve_block(struct pressure *p, struct vector_block *block) {
    forget_residents(p);
    for (struct vector_item **link = &block->first; *link; link = &(*link)->next) {
        struct vector_instruction *instruction = (*link)->instruction;
        if ((*link)->block) { /* nothing that can be read again waits while a loop runs */
            relieve_block(p, (*link)->block);
            forget_residents(p);
            continue;
        }
        relieve_instruction(p, &link, instruction);
        if (instruction->destination != VECTOR_NONE &&
            p->lives.of[instruction->destination].evictable)
            add_resident(p, instruction->destination, instruction->destination);
        p->position++;
    }
    p->position++;
    for (block->last = block->first; block->last && block->last->next;)
        block->last = block->last->next;
}

/* Which orders of lanes picks follow, for targets where an order had better wait in a register than
 * be loaded for each pick. */
static void find_orders(struct pressure *p, const struct vector_block *block) {
    for (const struct vector_item *item = block->first; item; item = item->next) {
        if (item->block)
            find_orders(p, item->block);
        else if (item->instruction->opcode == VECTOR_PICK_ALTERNATE)
            p->orders |= 1 << (item->instruction->immediate & 3);
    }
}

dlt_status relieve_pressure(struct lowering *lowering) {
    struct vector_program *vectors = lowering->vectors;
    const struct target_description *target = lowering->target;
    struct pressure *p = ARENA_NEW(vectors->arena, struct pressure);
    p->program = vectors;
    lives_find(&p->lives, vectors, target);
    if (target->pick_order_bytes && vectors->vector_bytes >= target->pick_order_bytes)
        find_orders(p, vectors->top);
    p->lives.limits[CLASS_VECTOR] -= __builtin_popcount((unsigned)p->orders);
    p->holdings = ARENA_ARRAY(vectors->arena, struct holding, vectors->value_count);
    for (int i = 0; i < vectors->value_count; i++)
        p->holdings[i].now = VECTOR_NONE;
    list_uses(p);
    p->position = 0;
    relieve_block(p, vectors->top);
    return DLT_OK;
}
