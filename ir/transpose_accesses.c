/* Strided accesses that lie side by side become contiguous ones and a transposition in registers.
 *
 *     store_strided [o],     v0 stride s           columns = transposed rows v0 v1 v2 v3
 *     store_strided [o + 4], v1 stride s    -->    store [o],         column 0   (4 lanes)
 *     store_strided [o + 8], v2 stride s           store [o + s],     column 1
 *     store_strided [o + 12], v3 stride s          ...
 *
 * Lane by lane, a strided access touches as many cache lines as a vector has lanes, and its
 * neighbour touches the same ones again.
 *
 * Accesses are collected as long as moving all of them to where the collection ends changes
 * nothing: strided stores up to the next instruction that is not one (or a mask), strided loads up
 * to a store or a use of what they load. Those with one address but for consecutive displacements
 * form a group, cut to at most as many rows as a vector has lanes. A group for whose network the
 * registers do not suffice gives up rows, at last all. What is done to rows with strided loads
 * beside them, right before they are stored, is done to the columns instead. */
#include "ir/lives.h"
#include "ir/transpose_epilogue.h"
#include "ir/transpose_network.h"

/* Fewer are faster lane by lane. */
enum {
    LEAST_ROWS = 2
};

struct member {
    struct vector_item *item;
    int position; /* in the program */
    int value;    /* that a load gives */
    bool grouped;
};

struct group {
    int first, count; /* rows, in the list of rows */
    bool dropped;
    struct transposed_epilogue epilogue; /* of stores */
};

struct transposing {
    struct vector_program *program;
    struct lives lives;
    int position;
    const struct vector_block *block; /* of the present position */
    int begin; /* since then only collected stores have written, in this block */
    const struct vector_instruction **constants; /* of each mask value: its definition */
    struct member *members;                      /* the present collection */
    int member_count;
    bool stores;               /* what is collected */
    bool *waiting;             /* values that collected loads give */
    struct vector_item **rows; /* of all groups of the collection */
    int row_count;
    struct group *groups;
    int group_count;
    struct vector_item **link; /* where new instructions go */
    int mask_count;
    struct {
        uint64_t lanes;
        enum data_type type;
        int value;
    } masks[2 * NETWORK_ROWS];
};

/* --- Groups --- */

static bool same_place(const struct vector_instruction *a, const struct vector_instruction *b) {
    return a->type == b->type && a->stride == b->stride && a->mask == b->mask &&
           vector_same_terms(&a->address, &b->address);
}

/* A member that is not in a group yet, so many elements behind another; or -1. */
static int neighbour(const struct transposing *t, int number, int distance) {
    const struct vector_instruction *one = t->members[number].item->instruction;
    int64_t displacement =
        one->address.displacement + (int64_t)distance * data_types[one->type].bytes;
    for (int i = 0; i < t->member_count; i++) {
        const struct vector_instruction *other = t->members[i].item->instruction;
        if (other->address.displacement == displacement && !t->members[i].grouped && i != number &&
            same_place(one, other))
            return i;
    }
    return -1;
}

/* Cuts the rows from `first` on into groups of about one size, whole parts but for the last. */
static void cut_rows(struct transposing *t, int first, enum data_type type) {
    int count = t->row_count - first, lanes = vector_lanes(t->program, type);
    int unit = 16 / data_types[type].bytes, pieces = (count + lanes - 1) / lanes;
    int size = ((count + pieces - 1) / pieces + unit - 1) / unit * unit;
    for (int at = first; at < t->row_count; at += size)
        t->groups[t->group_count++] = (struct group){
            .first = at, .count = at + size < t->row_count ? size : t->row_count - at};
}

static void find_groups(struct transposing *t) {
    t->row_count = t->group_count = 0;
    for (int i = 0; i < t->member_count; i++) {
        int first = t->row_count, number = i, previous;
        if (t->members[i].grouped)
            continue;
        while ((previous = neighbour(t, number, -1)) >= 0)
            number = previous;
        for (int next; number >= 0; number = next) {
            next = neighbour(t, number, 1);
            t->members[number].grouped = true;
            t->rows[t->row_count++] = t->members[number].item;
        }
        cut_rows(t, first, t->rows[first]->instruction->type);
    }
}

/* --- Registers --- */

static int row_value(const struct transposing *t, int row) {
    const struct vector_instruction *instruction = t->rows[row]->instruction;
    return t->stores ? instruction->sources[0] : instruction->destination;
}

static struct epilogue_place place_of(const struct transposing *t) {
    return (struct epilogue_place){&t->lives, t->block, t->begin, t->position};
}

static bool is_stored_later(const struct transposing *t, int row) {
    for (int i = row + 1; i < t->row_count; i++)
        if (row_value(t, i) == row_value(t, row))
            return true;
    return false;
}

/* Rows of a group whose registers are free once they are stored. */
static int dying_rows(const struct transposing *t, const struct group *group) {
    int count = 0;
    for (int i = group->first; i < group->first + group->count; i++) {
        const struct life *life = &t->lives.of[row_value(t, i)];
        count += !life->evictable && life->end < t->position && !is_stored_later(t, i);
    }
    return count;
}

/* The most that live at once over the part of the program that is collected. */
static int most_live(const struct transposing *t) {
    int most = 0, first = t->members[0].position;
    for (int i = first; i <= t->position && i <= t->lives.length; i++)
        if (t->lives.fixed[CLASS_VECTOR][i] > most)
            most = t->lives.fixed[CLASS_VECTOR][i];
    return most;
}

/* Stores of one group after the other: the rows of those before have died, and so have the rows
 * that the group gives up, since their stores stay in front. */
static void fit_stores(struct transposing *t) {
    int live = most_live(t);
    for (int i = 0; i < t->group_count; i++) {
        struct group *group = &t->groups[i];
        enum data_type type = t->rows[group->first]->instruction->type;
        int unit = 16 / data_types[type].bytes;
        const struct epilogue_place place = place_of(t);
        epilogue_find(&place, t->rows + group->first, group->count, &group->epilogue);
        live -= dying_rows(t, group);
        while (group->count >= LEAST_ROWS &&
               live + network_registers(t->program, type, group->count) +
                       group->epilogue.registers >
                   t->lives.limits[CLASS_VECTOR])
            group->count = (group->count - 1) / unit * unit;
        group->dropped = group->count < LEAST_ROWS;
    }
}

/* Loads: what one group gives waits while the next is loaded. */
static void fit_loads(struct transposing *t) {
    bool fits = false;
    for (int i = 0; i < t->group_count; i++)
        t->groups[i].dropped = t->groups[i].count < LEAST_ROWS;
    while (!fits) {
        int live = most_live(t);
        fits = true;
        for (int i = 0; i < t->group_count; i++)
            live -= t->groups[i].dropped ? 0 : t->groups[i].count;
        for (int i = 0; i < t->group_count && fits; i++) {
            struct group *group = &t->groups[i];
            enum data_type type = t->rows[group->first]->instruction->type;
            int lanes = vector_lanes(t->program, type);
            if (group->dropped)
                continue;
            fits = live + network_registers(t->program, type, lanes) + 1 <=
                   t->lives.limits[CLASS_VECTOR];
            group->dropped = !fits;
            live += group->count;
        }
    }
}

/* --- Code --- */

static uint64_t all_lanes(const struct transposing *t, enum data_type type) {
    return (UINT64_C(1) << vector_lanes(t->program, type)) - 1;
}

static uint64_t lanes_of(const struct transposing *t, const struct vector_instruction *access) {
    uint64_t all = all_lanes(t, access->type);
    return access->mask == VECTOR_NONE ? all
                                       : (uint64_t)t->constants[access->mask]->immediate & all;
}

/* A mask of these lanes, one for the collection. */
static int mask_of(struct transposing *t, struct network *network, uint64_t lanes) {
    struct vector_instruction *mask;
    if (lanes == all_lanes(t, network->type))
        return VECTOR_NONE;
    for (int i = 0; i < t->mask_count; i++)
        if (t->masks[i].lanes == lanes && t->masks[i].type == network->type)
            return t->masks[i].value;
    mask = network_emit(network, VECTOR_MASK_CONSTANT, network->type);
    mask->immediate = (int64_t)lanes;
    if (t->mask_count < (int)(sizeof t->masks / sizeof t->masks[0])) {
        t->masks[t->mask_count].lanes = lanes;
        t->masks[t->mask_count].type = network->type;
        t->masks[t->mask_count++].value = mask->destination;
    }
    return mask->destination;
}

/* A contiguous access to lane `lane` of so many rows, the first of which is at lane `first_lane`;
 * `row` is the strided access to the first row. */
static struct vector_instruction *access_column(struct transposing *t, struct network *network,
                                                enum vector_opcode opcode,
                                                const struct vector_instruction *row, int count,
                                                int lane, int first_lane) {
    uint64_t lanes = ((UINT64_C(1) << count) - 1) << first_lane;
    int mask = mask_of(t, network, lanes);
    struct vector_instruction *access = network_emit(network, opcode, row->type);
    access->address = row->address;
    access->address.displacement +=
        lane * row->stride - (int64_t)first_lane * data_types[row->type].bytes;
    access->mask = mask;
    return access;
}

/* The column after what rows had done to them. */
static int finish_column(struct transposing *t, struct network *network, const struct group *group,
                         const struct network_column *column) {
    int value = column->value;
    for (int i = group->epilogue.step_count - 1; i >= 0; i--) {
        const struct epilogue_step *step = &group->epilogue.steps[i];
        int other = step->uniform;
        struct vector_instruction *operation;
        if (step->load)
            other = access_column(t, network, VECTOR_LOAD, step->load, group->count, column->number,
                                  column->first_lane)
                        ->destination;
        operation = network_emit(network, step->opcode, network->type);
        operation->sources[step->side] = value;
        operation->sources[1 - step->side] = other;
        value = operation->destination;
    }
    return value;
}

static void store_group(struct transposing *t, const struct group *group) {
    const struct vector_instruction *row = t->rows[group->first]->instruction;
    const struct epilogue_place place = place_of(t);
    uint64_t lanes = lanes_of(t, row);
    struct network_column columns[NETWORK_PARTS];
    struct network network;
    int values[NETWORK_ROWS];
    for (int i = 0; i < group->count; i++)
        values[i] = epilogue_row(&place, &group->epilogue, row_value(t, group->first + i));
    network_begin(&network, t->program, row->type, &t->link, values, group->count);
    for (int step = 0; step < network.part_lanes; step++) {
        int count = network_finish(&network, step, columns);
        for (int i = 0; i < count; i++)
            if (lanes >> columns[i].number & 1) {
                int value = finish_column(t, &network, group, &columns[i]);
                access_column(t, &network, VECTOR_STORE, row, group->count, columns[i].number,
                              columns[i].first_lane)
                    ->sources[0] = value;
            }
    }
}

static void load_group(struct transposing *t, const struct group *group) {
    const struct vector_instruction *row = t->rows[group->first]->instruction;
    uint64_t lanes = lanes_of(t, row);
    struct network_column columns[NETWORK_PARTS];
    struct network network = {.program = t->program, .type = row->type, .link = &t->link};
    int values[NETWORK_ROWS], zero = VECTOR_NONE, all = vector_lanes(t->program, row->type);
    for (int i = 0; i < all; i++) {
        if (lanes >> i & 1)
            values[i] =
                access_column(t, &network, VECTOR_LOAD, row, group->count, i, 0)->destination;
        else if (zero == VECTOR_NONE)
            values[i] = zero = network_emit(&network, VECTOR_CONSTANT, row->type)->destination;
        else
            values[i] = zero;
    }
    network_begin(&network, t->program, row->type, &t->link, values, all);
    for (int step = 0; step < network.part_lanes; step++) {
        int count = network_finish(&network, step, columns);
        for (int i = 0; i < count; i++)
            if (columns[i].number < group->count) {
                struct vector_instruction *move = network_emit(&network, VECTOR_MOVE, row->type);
                move->sources[0] = columns[i].value;
                move->destination = row_value(t, group->first + columns[i].number);
            }
    }
}

static void replace_group(struct transposing *t, const struct group *group) {
    if (group->dropped)
        return;
    if (t->stores)
        store_group(t, group);
    else
        load_group(t, group);
    for (int i = group->first; i < group->first + group->count; i++)
        t->rows[i]->instruction = NULL; /* the item goes when the block is done */
}

/* --- Collecting --- */

/* Ends a collection in front of the item that t->link points to. */
static void finish_collection(struct transposing *t) {
    if (t->member_count > 1) {
        find_groups(t);
        if (t->stores)
            fit_stores(t);
        else
            fit_loads(t);
        t->mask_count = 0;
        for (int i = 0; i < t->group_count; i++)
            replace_group(t, &t->groups[i]);
    }
    if (!t->stores)
        for (int i = 0; i < t->member_count; i++)
            t->waiting[t->members[i].value] = false;
    else if (t->member_count)
        t->begin = t->position;
    t->member_count = 0;
}

static bool collects(const struct transposing *t, const struct vector_instruction *instruction) {
    return (instruction->opcode == VECTOR_STORE_STRIDED ||
            instruction->opcode == VECTOR_LOAD_STRIDED) &&
           (instruction->mask == VECTOR_NONE || t->constants[instruction->mask]);
}

/* Whether what is collected cannot move behind this instruction. */
static bool ends_collection(const struct transposing *t,
                            const struct vector_instruction *instruction) {
    const struct vector_operation_info *info = &vector_operations[instruction->opcode];
    if (t->member_count == 0)
        return false;
    if (t->stores)
        return instruction->opcode != VECTOR_STORE_STRIDED &&
               instruction->opcode != VECTOR_MASK_CONSTANT;
    for (int i = 0; i < info->sources; i++)
        if (instruction->sources[i] != VECTOR_NONE && t->waiting[instruction->sources[i]])
            return true;
    return info->writes_memory || (info->has_destination && t->waiting[instruction->destination]);
}

static void collect(struct transposing *t, struct vector_item *item) {
    bool is_store = item->instruction->opcode == VECTOR_STORE_STRIDED;
    struct member *member;
    if (t->member_count && t->stores != is_store)
        finish_collection(t);
    t->stores = is_store;
    member = &t->members[t->member_count++];
    *member = (struct member){item, t->position, item->instruction->destination, false};
    if (!is_store)
        t->waiting[member->value] = true;
}

static void note_mask(struct transposing *t, const struct vector_instruction *instruction) {
    if (instruction->opcode == VECTOR_MASK_CONSTANT &&
        !t->program->values[instruction->destination].is_variable)
        t->constants[instruction->destination] = instruction;
}

static void begin_straight_line(struct transposing *t, const struct vector_block *block) {
    t->block = block;
    t->begin = t->position;
}

static void transpose_block(struct transposing *t, struct vector_block *block) {
    struct vector_item *item;
    begin_straight_line(t, block);
    for (t->link = &block->first; (item = *t->link); t->link = &item->next) {
        if (item->block) {
            finish_collection(t);
            transpose_block(t, item->block);
            begin_straight_line(t, block);
            continue;
        }
        if (ends_collection(t, item->instruction))
            finish_collection(t);
        note_mask(t, item->instruction);
        if (collects(t, item->instruction))
            collect(t, item);
        else if (vector_operations[item->instruction->opcode].writes_memory)
            t->begin = t->position + 1;
        t->position++;
    }
    finish_collection(t);
    vector_remove_empty_items(block);
    t->position++; /* the block's end */
}

static int count_strided(const struct vector_block *block) {
    int count = 0;
    for (const struct vector_item *item = block->first; item; item = item->next)
        count += item->block ? count_strided(item->block)
                             : item->instruction->opcode == VECTOR_STORE_STRIDED ||
                                   item->instruction->opcode == VECTOR_LOAD_STRIDED;
    return count;
}

dlt_status transpose_accesses(struct lowering *lowering) {
    struct vector_program *vectors = lowering->vectors;
    const struct target_description *target = lowering->target;
    struct transposing t = {.program = vectors};
    size_t count = (size_t)count_strided(vectors->top), values = (size_t)vectors->value_count;
    if (count < 2)
        return DLT_OK;
    lives_find(&t.lives, vectors, target);
    t.constants = ARENA_ARRAY(vectors->arena, const struct vector_instruction *, values);
    t.waiting = ARENA_ARRAY(vectors->arena, bool, values);
    t.members = ARENA_ARRAY(vectors->arena, struct member, count);
    t.rows = ARENA_ARRAY(vectors->arena, struct vector_item *, count);
    t.groups = ARENA_ARRAY(vectors->arena, struct group, count);
    transpose_block(&t, vectors->top);
    return DLT_OK;
}
