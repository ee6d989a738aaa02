/* Reductions across lanes side by side become one vector of results.
 *
 *     v0 = reduce_add a                            t0 = interleave_low a, b
 *     store [o], v0, one lane                      t1 = interleave_high a, b
 *     v1 = reduce_add b              -->           t2 = add t0, t1            both at once
 *     store [o + 4], v1, one lane                  ...
 *     ...                                          store [o], t9, as many lanes as rows
 *
 * Alone, each reduction halves one vector until a lane is left: most of what it adds is thrown
 * away. Here two vectors are halved into one, then two of those, until each lane holds the sum of a
 * row; with as many rows as lanes that is one step less than rows. Lanes are combined in the same
 * order as by the operation itself: halves, then quarters and so on, so that the bits are the same.
 *
 * What stands between the reductions and the stores, the same operations in each row, is done on
 * the vector of results: values that all rows share must be the same in all lanes, elements that
 * lie side by side are loaded as a vector. Everything is in one straight stretch of code. */
#include "ir/lives.h"

enum {
    PART_BYTES = 16,
    PART_ROWS = 4,
    MOST_PARTS = 4,
    MOST_ROWS = PART_ROWS * MOST_PARTS,
    LEAST_ROWS = 2,
    HALVING_REGISTERS = 3,
    MOST_DEPTH = 24, /* of the operations behind a reduction */
};

/* Numbers of VECTOR_SHUFFLE_PARTS: which parts of the first, then of the second source. */
enum {
    PARTS_0_0 = 0, /* of two */
    PARTS_1_1 = 3,
    PARTS_01_01 = 0x44, /* of four */
    PARTS_23_23 = 0xee,
    PARTS_02_02 = 0x88,
    PARTS_13_13 = 0xdd,
};

struct gathering {
    struct vector_program *program;
    const struct vector_instruction **definitions; /* of values that are assigned once */
    int *place;                                    /* item of the stretch that assigned it last */
    int *uses;                                     /* of each value */
    struct lives lives;
    int position, start;        /* in the program: now, and where the stretch starts */
    struct vector_item **items; /* of the stretch */
    int item_count, row_count;
    struct vector_item **link; /* where new instructions go */
};

/* Values that stand in one place of each row. */
struct rows {
    int values[MOST_ROWS];
};

static bool is_reduction(enum vector_opcode opcode) {
    return opcode >= VECTOR_REDUCE_ADD && opcode <= VECTOR_REDUCE_MULTIPLY;
}

/* Each lane of the result depends on the same lane of the sources only. */
static bool is_lane_by_lane(const struct vector_instruction *instruction) {
    enum vector_opcode opcode = instruction->opcode;
    return ((opcode >= VECTOR_ADD && opcode <= VECTOR_TO_FLOAT) || opcode == VECTOR_MOVE) &&
           instruction->mask == VECTOR_NONE && instruction->memory_source == VECTOR_NONE;
}

/* --- What can be gathered --- */

static bool same_place(const struct vector_address *a, const struct vector_address *b,
                       int64_t distance) {
    if (a->base != b->base || a->term_count != b->term_count ||
        b->displacement - a->displacement != distance)
        return false;
    for (int i = 0; i < a->term_count; i++)
        if (a->terms[i].counter != b->terms[i].counter || a->terms[i].stride != b->terms[i].stride)
            return false;
    return true;
}

static bool is_shared(const struct gathering *g, const struct rows *rows) {
    const struct vector_instruction *definition = g->definitions[rows->values[0]];
    for (int i = 1; i < g->row_count; i++)
        if (rows->values[i] != rows->values[0])
            return false;
    return definition &&
           (definition->opcode == VECTOR_CONSTANT || definition->opcode == VECTOR_INDEX ||
            (definition->opcode == VECTOR_LOAD_BROADCAST && definition->mask == VECTOR_NONE) ||
            is_reduction(definition->opcode));
}

/* All rows do the same thing here, in this stretch, for this only. */
static bool same_operation(const struct gathering *g, const struct rows *rows) {
    const struct vector_instruction *first = g->definitions[rows->values[0]];
    for (int i = 0; i < g->row_count; i++) {
        const struct vector_instruction *other = g->definitions[rows->values[i]];
        if (!other || g->place[rows->values[i]] < 0 || g->uses[rows->values[i]] > 1 ||
            other->opcode != first->opcode || other->type != TYPE_F32 ||
            other->immediate != first->immediate)
            return false;
    }
    return true;
}

/* Where two sources may be exchanged, each row's stand as those of the first row do: the same
 * value, or made by the same operation. */
static bool is_exchanged(const struct gathering *g, const struct vector_instruction *first,
                         const struct vector_instruction *other) {
    const int *a = first->sources, *b = other->sources;
    if (!vector_operations[first->opcode].commutes || a[0] == b[0] || a[1] == b[1])
        return false;
    if (a[0] == b[1] || a[1] == b[0])
        return true;
    return g->definitions[a[0]] && g->definitions[b[1]] &&
           g->definitions[a[0]]->opcode == g->definitions[b[1]]->opcode &&
           (!g->definitions[b[0]] || g->definitions[a[0]]->opcode != g->definitions[b[0]]->opcode);
}

static struct rows sources_of(const struct gathering *g, const struct rows *rows, int number) {
    const struct vector_instruction *first = g->definitions[rows->values[0]];
    struct rows sources;
    for (int i = 0; i < g->row_count; i++) {
        const struct vector_instruction *row = g->definitions[rows->values[i]];
        bool exchanged = number < 2 && is_exchanged(g, first, row);
        sources.values[i] = row->sources[exchanged ? 1 - number : number];
    }
    return sources;
}

/* What is reduced must still hold what it held when it was. */
static bool sources_stay(const struct gathering *g, const struct rows *rows) {
    for (int i = 0; i < g->row_count; i++)
        if (g->place[g->definitions[rows->values[i]]->sources[0]] >= g->place[rows->values[i]])
            return false;
    return true;
}

static bool are_side_by_side(const struct gathering *g, const struct rows *rows) {
    const struct vector_instruction *first = g->definitions[rows->values[0]];
    for (int i = 0; i < g->row_count; i++)
        if (g->definitions[rows->values[i]]->mask != VECTOR_NONE ||
            !same_place(&first->address, &g->definitions[rows->values[i]]->address,
                        i * data_types[TYPE_F32].bytes))
            return false;
    return true;
}

/* Whether these values can be the lanes of a vector; notes if a reduction is among what makes
 * them. */
static bool can_gather(const struct gathering *g, const struct rows *rows, int depth,
                       bool *reduces) {
    const struct vector_instruction *first = g->definitions[rows->values[0]];
    if (is_shared(g, rows))
        return true;
    if (depth == 0 || !first || !same_operation(g, rows))
        return false;
    if (is_reduction(first->opcode)) {
        *reduces = true;
        return sources_stay(g, rows);
    }
    if (first->opcode == VECTOR_LOAD_BROADCAST)
        return are_side_by_side(g, rows);
    for (int i = 0; i < g->row_count; i++)
        if (!is_lane_by_lane(g->definitions[rows->values[i]]))
            return false;
    for (int i = 0; i < vector_operations[first->opcode].sources; i++) {
        struct rows sources = sources_of(g, rows, i);
        if (!can_gather(g, &sources, depth - 1, reduces))
            return false;
    }
    return true;
}

/* --- Code --- */

static struct vector_instruction *emit(struct gathering *g, enum vector_opcode opcode, int a,
                                       int b) {
    struct vector_block block = {0};
    struct vector_instruction *instruction = vector_append(g->program, &block, opcode, TYPE_F32);
    instruction->sources[0] = a;
    instruction->sources[1] = b;
    if (vector_operations[opcode].has_destination)
        instruction->destination =
            vector_value_new(g->program, vector_operations[opcode].destination_class, false);
    block.first->next = *g->link;
    *g->link = block.first;
    g->link = &block.first->next;
    return instruction;
}

/* A mask of one lane for each row; none if that is all of them. */
static int rows_mask(struct gathering *g) {
    struct vector_instruction *mask;
    if (g->row_count == vector_lanes(g->program, TYPE_F32))
        return VECTOR_NONE;
    mask = emit(g, VECTOR_MASK_CONSTANT, VECTOR_NONE, VECTOR_NONE);
    mask->immediate = (INT64_C(1) << g->row_count) - 1;
    return mask->destination;
}

struct exchange {
    enum vector_opcode low, high;
    enum data_type type;
    int64_t low_numbers, high_numbers;
};

/* Halves of a and b into one vector: each half of the result is a's or b's lower lanes combined
 * with its upper ones. What is not there is of no interest. */
static int halve(struct gathering *g, enum vector_opcode combine, const struct exchange *exchange,
                 int a, int b) {
    struct vector_instruction *low, *high;
    if (a == VECTOR_NONE)
        return VECTOR_NONE;
    b = b == VECTOR_NONE ? a : b;
    low = emit(g, exchange->low, a, b);
    low->immediate = exchange->low_numbers;
    low->type = exchange->type;
    high = emit(g, exchange->high, a, b);
    high->immediate = exchange->high_numbers;
    high->type = exchange->type;
    return emit(g, combine, low->destination, high->destination)->destination;
}

/* Rows `first`, first + 4, first + 8 and first + 12 into one vector, a part each. */
static int halve_to_parts(struct gathering *g, enum vector_opcode combine, const struct rows *rows,
                          int first) {
    static const struct exchange two = {VECTOR_SHUFFLE_PARTS, VECTOR_SHUFFLE_PARTS, TYPE_F32,
                                        PARTS_0_0, PARTS_1_1};
    static const struct exchange four = {VECTOR_SHUFFLE_PARTS, VECTOR_SHUFFLE_PARTS, TYPE_F32,
                                         PARTS_01_01, PARTS_23_23};
    static const struct exchange pairs = {VECTOR_SHUFFLE_PARTS, VECTOR_SHUFFLE_PARTS, TYPE_F32,
                                          PARTS_02_02, PARTS_13_13};
    int of_parts[MOST_PARTS], parts = g->program->vector_bytes / PART_BYTES;
    for (int i = 0; i < MOST_PARTS; i++) {
        int row = first + i * PART_ROWS;
        of_parts[i] = i < parts && row < g->row_count ? rows->values[row] : VECTOR_NONE;
    }
    if (parts == 1)
        return of_parts[0];
    if (parts == 2)
        return halve(g, combine, &two, of_parts[0], of_parts[1]);
    return halve(g, combine, &pairs, halve(g, combine, &four, of_parts[0], of_parts[1]),
                 halve(g, combine, &four, of_parts[2], of_parts[3]));
}

/* One vector whose lane i is row i's vector reduced. */
static int reduce_rows(struct gathering *g, enum vector_opcode opcode, const struct rows *rows) {
    static const enum vector_opcode combiners[] = {VECTOR_ADD, VECTOR_MAXIMUM_OR_NAN,
                                                   VECTOR_MINIMUM_OR_NAN, VECTOR_MULTIPLY};
    static const struct exchange lanes = {VECTOR_INTERLEAVE_LOW, VECTOR_INTERLEAVE_HIGH, TYPE_F32,
                                          0, 0};
    static const struct exchange pairs = {VECTOR_INTERLEAVE_LOW, VECTOR_INTERLEAVE_HIGH, TYPE_F64,
                                          0, 0};
    enum vector_opcode combine = combiners[opcode - VECTOR_REDUCE_ADD];
    int sets[PART_ROWS];
    for (int i = 0; i < PART_ROWS; i++)
        sets[i] = halve_to_parts(g, combine, rows, i);
    return halve(g, combine, &pairs, halve(g, combine, &lanes, sets[0], sets[1]),
                 halve(g, combine, &lanes, sets[2], sets[3]));
}

static int gather(struct gathering *g, const struct rows *rows) {
    const struct vector_instruction *first = g->definitions[rows->values[0]];
    struct vector_instruction *made;
    int sources[3] = {VECTOR_NONE, VECTOR_NONE, VECTOR_NONE};
    if (is_shared(g, rows))
        return rows->values[0];
    for (int i = 0; i < vector_operations[first->opcode].sources; i++) {
        struct rows below = sources_of(g, rows, i);
        if (is_reduction(first->opcode))
            return reduce_rows(g, first->opcode, &below);
        sources[i] = gather(g, &below);
    }
    if (first->opcode == VECTOR_LOAD_BROADCAST) {
        int mask = rows_mask(g);
        made = emit(g, VECTOR_LOAD, VECTOR_NONE, VECTOR_NONE);
        made->address = first->address;
        made->mask = mask;
        return made->destination;
    }
    made = emit(g, first->opcode, sources[0], sources[1]);
    made->sources[2] = sources[2];
    made->immediate = first->immediate;
    return made->destination;
}

/* --- Stores --- */

static bool is_one_lane_store(const struct gathering *g, const struct vector_item *item) {
    const struct vector_instruction *store = item->instruction, *mask;
    if (!store || store->opcode != VECTOR_STORE || store->type != TYPE_F32 ||
        store->mask == VECTOR_NONE)
        return false;
    mask = g->definitions[store->mask];
    return mask && mask->opcode == VECTOR_MASK_CONSTANT && mask->immediate == 1;
}

/* The store of one lane `distance` bytes behind this one's, or -1. */
static int neighbour(const struct gathering *g, int number, int64_t distance) {
    for (int i = 0; i < g->item_count; i++)
        if (g->items[i]->instruction && is_one_lane_store(g, g->items[i]) &&
            same_place(&g->items[number]->instruction->address, &g->items[i]->instruction->address,
                       distance))
            return i;
    return -1;
}

/* Rows wait for each other, as they do at the start of the stretch. */
static bool has_registers(const struct gathering *g) {
    int most = 0;
    for (int i = g->start; i <= g->position && i <= g->lives.length; i++)
        if (g->lives.fixed[CLASS_VECTOR][i] > most)
            most = g->lives.fixed[CLASS_VECTOR][i];
    return most + HALVING_REGISTERS <= g->lives.limits[CLASS_VECTOR];
}

/* Replaces the stores by one in the place of the last of them, if it can be. */
static void gather_stores(struct gathering *g, const int *stores, int count) {
    struct vector_instruction *store;
    bool reduces = false;
    struct rows rows;
    int value, mask, latest = stores[0];
    g->row_count = count;
    for (int i = 0; i < count; i++) {
        rows.values[i] = g->items[stores[i]]->instruction->sources[0];
        latest = stores[i] > latest ? stores[i] : latest;
    }
    if (count < LEAST_ROWS || !has_registers(g) || !can_gather(g, &rows, MOST_DEPTH, &reduces) ||
        !reduces)
        return;
    g->link = &g->items[latest]->next;
    value = gather(g, &rows);
    mask = rows_mask(g);
    store = emit(g, VECTOR_STORE, value, VECTOR_NONE);
    store->address = g->items[stores[0]]->instruction->address;
    store->mask = mask;
    for (int i = 0; i < count; i++)
        g->items[stores[i]]->instruction = NULL; /* the item goes when the block is done */
}

static void gather_stretch(struct gathering *g) {
    int lanes = vector_lanes(g->program, TYPE_F32);
    for (int i = 0; i < g->item_count; i++) {
        int stores[MOST_ROWS], count = 0, next = i;
        if (!g->items[i]->instruction || !is_one_lane_store(g, g->items[i]) ||
            neighbour(g, i, -data_types[TYPE_F32].bytes) >= 0)
            continue;
        while (next >= 0) {
            int after = neighbour(g, next, data_types[TYPE_F32].bytes);
            stores[count++] = next;
            if (count == lanes || after < 0) {
                gather_stores(g, stores, count);
                count = 0;
            }
            next = after;
        }
    }
    for (int i = 0; i < g->item_count; i++)
        if (g->items[i]->instruction && g->items[i]->instruction->destination != VECTOR_NONE)
            g->place[g->items[i]->instruction->destination] = -1;
    g->item_count = 0;
}

static void gather_block(struct gathering *g, struct vector_block *block) {
    g->start = g->position;
    for (struct vector_item *item = block->first, *next; item; item = next) {
        next = item->next;
        if (item->block) {
            gather_stretch(g);
            gather_block(g, item->block);
            g->start = g->position;
            continue;
        }
        g->items[g->item_count] = item;
        if (item->instruction->destination != VECTOR_NONE)
            g->place[item->instruction->destination] = g->item_count;
        g->item_count++;
        g->position++;
    }
    gather_stretch(g);
    vector_remove_empty_items(block);
    g->position++; /* the block's end */
}

/* Notes definitions and uses; counts reductions, and in `longest` the items of the longest
 * block. */
static int note_definitions(struct gathering *g, const struct vector_block *block, int *longest) {
    int count = 0, items = 0;
    for (const struct vector_item *item = block->first; item; item = item->next, items++) {
        const struct vector_instruction *instruction = item->instruction;
        int operands[4];
        if (item->block) {
            count += note_definitions(g, item->block, longest);
            continue;
        }
        count += is_reduction(instruction->opcode);
        lives_operands(instruction, operands);
        for (int i = 0; i < 4; i++)
            if (operands[i] != VECTOR_NONE)
                g->uses[operands[i]]++;
        if (instruction->destination != VECTOR_NONE &&
            !g->program->values[instruction->destination].is_variable)
            g->definitions[instruction->destination] = instruction;
    }
    *longest = items > *longest ? items : *longest;
    return count;
}

dlt_status gather_reductions(struct lowering *lowering) {
    struct vector_program *vectors = lowering->vectors;
    const struct target_description *target = lowering->target;
    struct gathering g = {.program = vectors};
    size_t values = (size_t)vectors->value_count;
    int longest = 0;
    g.definitions = ARENA_ARRAY(vectors->arena, const struct vector_instruction *, values);
    g.uses = ARENA_ARRAY(vectors->arena, int, values);
    if (note_definitions(&g, vectors->top, &longest) < LEAST_ROWS)
        return DLT_OK;
    lives_find(&g.lives, vectors, target);
    g.place = ARENA_ARRAY(vectors->arena, int, values);
    g.items = ARENA_ARRAY(vectors->arena, struct vector_item *, (size_t)longest);
    for (size_t i = 0; i < values; i++)
        g.place[i] = -1;
    gather_block(&g, vectors->top);
    return DLT_OK;
}
