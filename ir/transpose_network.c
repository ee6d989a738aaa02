/* Transposing in registers; see transpose_network.h. */
#include "ir/transpose_network.h"

enum {
    PART_BYTES = 16,
    LARGEST_UNIT = 8 /* bytes that interleaving moves as one */
};

/* Numbers of VECTOR_SHUFFLE_PARTS: which parts make up the result, lowest first. */
enum {
    PARTS_0_0 = 0, /* of two */
    PARTS_1_1 = 3,
    PARTS_0_2_0_2 = 0x88, /* of four */
    PARTS_1_3_1_3 = 0xdd,
    PARTS_0_2_1_3 = 0xd8
};

static int part_lanes(enum data_type type) {
    return PART_BYTES / data_types[type].bytes;
}

int network_registers(const struct vector_program *program, enum data_type type, int rows) {
    int lanes = part_lanes(type), groups = (rows + lanes - 1) / lanes;
    bool grows = program->vector_bytes / PART_BYTES == 4 && groups == 3;
    return groups * lanes + 1 + grows;
}

struct vector_instruction *network_emit(struct network *network, enum vector_opcode opcode,
                                        enum data_type type) {
    struct vector_program *program = network->program;
    struct vector_item *item = ARENA_NEW(program->arena, struct vector_item);
    struct vector_instruction *instruction = ARENA_NEW(program->arena, struct vector_instruction);
    instruction->opcode = opcode;
    instruction->type = type;
    for (int i = 0; i < 3; i++)
        instruction->sources[i] = VECTOR_NONE;
    instruction->mask = instruction->memory_source = instruction->destination = VECTOR_NONE;
    if (vector_operations[opcode].has_destination)
        instruction->destination =
            vector_value_new(program, vector_operations[opcode].destination_class, false);
    item->instruction = instruction;
    item->next = **network->link;
    **network->link = item;
    *network->link = &item->next;
    return instruction;
}

static int combine(struct network *network, enum vector_opcode opcode, enum data_type type, int a,
                   int b, int64_t numbers) {
    struct vector_instruction *instruction = network_emit(network, opcode, type);
    instruction->sources[0] = a;
    instruction->sources[1] = b;
    instruction->immediate = numbers;
    return instruction->destination;
}

/* Transposes `count` rows, a power of two, in each part: first both halves of the rows, whose
 * columns then are interleaved in larger units. Rows that are not there come last; what stands in
 * their place is of no interest. */
static void within_parts(struct network *network, const int *rows, int count, int *result) {
    int half = count / 2, low[NETWORK_PART_LANES], high[NETWORK_PART_LANES];
    bool last = half * data_types[network->type].bytes == LARGEST_UNIT;
    bool alone = rows[half] == VECTOR_NONE;
    enum data_type type = last ? TYPE_F64 : network->type;
    if (count == 1) {
        result[0] = rows[0];
        return;
    }
    within_parts(network, rows, half, low);
    if (!alone)
        within_parts(network, rows + half, half, high);
    for (int i = 0; i < half; i++) {
        int other = alone ? low[i] : high[i];
        bool stays = alone && last; /* the lower unit is where it belongs */
        result[2 * i] =
            stays ? low[i] : combine(network, VECTOR_INTERLEAVE_LOW, type, low[i], other, 0);
        result[2 * i + 1] = stays && network->halves
                                ? low[i]
                                : combine(network, VECTOR_INTERLEAVE_HIGH, type, low[i], other, 0);
    }
}

void network_begin(struct network *network, struct vector_program *program, enum data_type type,
                   struct vector_item ***link, const int *rows, int count) {
    int lanes = part_lanes(type);
    network->program = program;
    network->type = type;
    network->link = link;
    network->part_lanes = lanes;
    network->parts = program->vector_bytes / PART_BYTES;
    network->groups = (count + lanes - 1) / lanes;
    network->halves = 2 * count <= lanes;
    for (int group = 0; group < network->groups; group++) {
        int members[NETWORK_PART_LANES];
        for (int i = 0; i < lanes; i++)
            members[i] = group * lanes + i < count ? rows[group * lanes + i] : VECTOR_NONE;
        within_parts(network, members, lanes, network->values[group]);
    }
}

static int shuffle(struct network *network, int a, int b, int64_t numbers) {
    return combine(network, VECTOR_SHUFFLE_PARTS, network->type, a, b, numbers);
}

/* Two groups of four parts: a column is two parts, a vector holds two columns. */
static void finish_pair(struct network *network, int a, int b, int *result) {
    int even = shuffle(network, a, b, PARTS_0_2_0_2), odd = shuffle(network, a, b, PARTS_1_3_1_3);
    result[0] = shuffle(network, even, even, PARTS_0_2_1_3);
    result[1] = shuffle(network, odd, odd, PARTS_0_2_1_3);
}

/* Four groups, or three (the fourth is the third again): the parts of all columns. */
static void finish_four(struct network *network, int step, int *result) {
    int a = network->values[0][step], b = network->values[1][step], c = network->values[2][step];
    int d = network->groups == 4 ? network->values[3][step] : c;
    int even = shuffle(network, a, b, PARTS_0_2_0_2), odd = shuffle(network, a, b, PARTS_1_3_1_3);
    int more_even = shuffle(network, c, d, PARTS_0_2_0_2);
    int more_odd = shuffle(network, c, d, PARTS_1_3_1_3);
    result[0] = shuffle(network, even, more_even, PARTS_0_2_0_2);
    result[2] = shuffle(network, even, more_even, PARTS_1_3_1_3);
    result[1] = shuffle(network, odd, more_odd, PARTS_0_2_0_2);
    result[3] = shuffle(network, odd, more_odd, PARTS_1_3_1_3);
}

int network_finish(struct network *network, int step, struct network_column *columns) {
    int a = network->values[0][step], b, results[NETWORK_PARTS];
    int vectors = network->groups; /* that hold the columns; a power of two */
    if (network->groups == 2 && network->parts == 2) {
        b = network->values[1][step];
        results[0] = shuffle(network, a, b, PARTS_0_0);
        results[1] = shuffle(network, a, b, PARTS_1_1);
    } else if (network->groups == 2) {
        finish_pair(network, a, network->values[1][step], results);
    } else if (network->groups > 2) {
        finish_four(network, step, results);
        vectors = NETWORK_PARTS;
    } else {
        results[0] = a;
    }
    for (int part = 0; part < network->parts; part++)
        columns[part] = (struct network_column){
            .number = part * network->part_lanes + step,
            .value = results[part % vectors],
            .first_lane = part / vectors * vectors * network->part_lanes +
                          (network->halves ? step % 2 * network->part_lanes / 2 : 0),
        };
    return network->parts;
}
