/* Finding what columns can have done to them instead of rows; see transpose_epilogue.h. */
#include "ir/transpose_epilogue.h"

static bool works_on_lanes(enum vector_opcode opcode) {
    switch (opcode) {
    case VECTOR_ADD:
    case VECTOR_SUBTRACT:
    case VECTOR_MULTIPLY:
    case VECTOR_DIVIDE:
    case VECTOR_MINIMUM:
    case VECTOR_MAXIMUM:
    case VECTOR_MINIMUM_OR_NAN:
    case VECTOR_MAXIMUM_OR_NAN:
        return true;
    default:
        return false;
    }
}

static bool is_variable(const struct epilogue_place *place, int value) {
    return place->lives->program->values[value].is_variable;
}

static const struct vector_instruction *definition(const struct epilogue_place *place, int value) {
    return value == VECTOR_NONE || is_variable(place, value) ? NULL
                                                             : place->lives->of[value].definition;
}

static bool is_uniform(const struct epilogue_place *place, int value) {
    const struct vector_instruction *from = definition(place, value);
    return from && (from->opcode == VECTOR_CONSTANT || from->opcode == VECTOR_LOAD_BROADCAST);
}

/* The strided load that gives a value, if it may be done where the store is. What the store itself
 * writes to may be read only where it is written. */
static const struct vector_instruction *load_beside(const struct epilogue_place *place, int value,
                                                    const struct vector_instruction *store) {
    const struct vector_instruction *load = definition(place, value);
    bool in_place;
    if (!load || load->opcode != VECTOR_LOAD_STRIDED || load->type != store->type ||
        load->mask != store->mask || place->lives->of[value].home != place->block ||
        place->lives->of[value].begin < place->begin)
        return NULL;
    in_place = vector_same_terms(&load->address, &store->address) &&
               load->stride == store->stride &&
               load->address.displacement == store->address.displacement;
    return load->address.base != store->address.base || in_place ? load : NULL;
}

/* The operation that gives a value, if it is one that columns can have. */
static const struct vector_instruction *lane_operation(const struct epilogue_place *place,
                                                       int value, enum data_type type) {
    const struct vector_instruction *from = definition(place, value);
    return from && works_on_lanes(from->opcode) && from->type == type &&
                   from->mask == VECTOR_NONE && from->memory_source == VECTOR_NONE
               ? from
               : NULL;
}

/* One step back from `value`; false if there is none. */
static bool find_step(const struct epilogue_place *place, const struct vector_instruction *store,
                      int value, struct epilogue_step *step) {
    const struct vector_instruction *from = lane_operation(place, value, store->type);
    if (!from)
        return false;
    *step = (struct epilogue_step){.opcode = from->opcode, .uniform = VECTOR_NONE};
    for (int side = 0; side < 2 && !step->load; side++) {
        step->load = load_beside(place, from->sources[1 - side], store);
        step->side = side;
    }
    for (int side = 0; side < 2 && !step->load && step->uniform == VECTOR_NONE; side++) {
        if (is_uniform(place, from->sources[1 - side]))
            step->uniform = from->sources[1 - side];
        step->side = side;
    }
    return step->load || step->uniform != VECTOR_NONE;
}

/* How many of the steps another row has too; it is so many elements behind the first one. */
static int common_steps(const struct epilogue_place *place,
                        const struct transposed_epilogue *epilogue,
                        const struct vector_instruction *store, int row) {
    int value = store->sources[0];
    for (int i = 0; i < epilogue->step_count; i++) {
        const struct epilogue_step *step = &epilogue->steps[i];
        const struct vector_instruction *from = lane_operation(place, value, store->type), *load;
        int64_t distance = (int64_t)row * data_types[store->type].bytes;
        if (!from || from->opcode != step->opcode)
            return i;
        if (step->load) {
            load = load_beside(place, from->sources[1 - step->side], store);
            if (!load || !vector_same_terms(&load->address, &step->load->address) ||
                load->stride != step->load->stride ||
                load->address.displacement - step->load->address.displacement != distance)
                return i;
        } else if (from->sources[1 - step->side] != step->uniform) {
            return i;
        }
        value = from->sources[step->side];
    }
    return epilogue->step_count;
}

/* Leaves out the steps behind the last one that reads: rows may as well have them. */
static void leave_out_others(struct transposed_epilogue *epilogue) {
    while (epilogue->step_count && !epilogue->steps[epilogue->step_count - 1].load)
        epilogue->step_count--;
}

/* Whether the row before the steps can be kept instead of the one after them, which then has to be
 * for the store alone. A variable is still what it was if nothing used it later. */
static bool keeps_row(const struct epilogue_place *place,
                      const struct transposed_epilogue *epilogue, int stored) {
    int user = stored, row = stored;
    for (int i = 0; i < epilogue->step_count; i++) {
        user = row;
        row = definition(place, row)->sources[epilogue->steps[i].side];
    }
    return place->lives->of[stored].end < place->end &&
           (!is_variable(place, row) || place->lives->of[row].end == place->lives->of[user].begin);
}

void epilogue_find(const struct epilogue_place *place, struct vector_item *const *stores, int count,
                   struct transposed_epilogue *epilogue) {
    int value = stores[0]->instruction->sources[0];
    *epilogue = (struct transposed_epilogue){.registers = 0};
    while (
        epilogue->step_count < MAX_EPILOGUE_STEPS &&
        find_step(place, stores[0]->instruction, value, &epilogue->steps[epilogue->step_count])) {
        int side = epilogue->steps[epilogue->step_count++].side;
        value = definition(place, value)->sources[side];
    }
    for (int row = 1; row < count; row++)
        epilogue->step_count = common_steps(place, epilogue, stores[row]->instruction, row);
    leave_out_others(epilogue);
    for (int row = 0; row < count; row++)
        if (!keeps_row(place, epilogue, stores[row]->instruction->sources[0]))
            epilogue->step_count = 0;
    for (int i = 0; i < epilogue->step_count; i++)
        epilogue->registers += epilogue->steps[i].uniform != VECTOR_NONE;
    epilogue->registers += epilogue->step_count > 0; /* what is read */
}

int epilogue_row(const struct epilogue_place *place, const struct transposed_epilogue *epilogue,
                 int stored) {
    for (int i = 0; i < epilogue->step_count; i++)
        stored = definition(place, stored)->sources[epilogue->steps[i].side];
    return stored;
}
