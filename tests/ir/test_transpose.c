/* Strided accesses before and after transpose_accesses: the same memory, to the last byte.
 *
 * Programs are made at random from a seed: matrices of strided stores or loads in any order, with
 * masks, gaps, rows that are used again, and operations right before the stores. The interpreter
 * runs the program as it was made, the machine what the pass made of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/random.h"
#include "tests/ir/run_pass.h"
#include "tests/targets/native.h"

enum {
    MOST_ROWS = 20,
    MOST_STEPS = 4,
    SEEDS = 3000
};

struct maker {
    struct random random;
    struct vector_program *program;
    enum data_type type;
    int rows, columns; /* of the matrix: registers along each */
    int64_t stride;    /* between lanes */
    int64_t vector_step, start;
    int mask, order[MOST_ROWS * 4];
    int gap; /* a row that is left out, or -1 */
    const struct variable *counter;
    int64_t counter_stride;
    bool has_steps; /* rows have something done to them right before they are stored */
};

static int choose(struct maker *m, int limit) {
    return (int)random_below(&m->random, (uint64_t)limit);
}

static void shuffle(struct maker *m, int count) {
    for (int i = 0; i < count; i++)
        m->order[i] = i;
    for (int i = count - 1; i > 0; i--) {
        int other = choose(m, i + 1), kept = m->order[i];
        m->order[i] = m->order[other];
        m->order[other] = kept;
    }
}

static void choose_shape(struct maker *m, int bytes, int registers) {
    int lanes = m->program->vector_bytes / bytes, most = NATIVE_BYTES / 2 - 1024;
    m->columns = 1 + choose(m, 3);
    m->rows = 1 + choose(m, MOST_ROWS);
    while (m->rows * m->columns > registers)
        m->rows--;
    m->stride = (m->rows + choose(m, 5)) * bytes * (choose(m, 4) ? 1 : -1);
    while (llabs(m->stride) * lanes * m->columns > most && llabs(m->stride) > m->rows * bytes)
        m->stride -= m->stride > 0 ? bytes : -bytes;
    while (llabs(m->stride) * lanes * m->columns > most && m->columns > 1)
        m->columns--;
    while (llabs(m->stride) * lanes * m->columns > most) {
        m->rows = m->rows / 2;
        m->stride = m->rows * bytes;
    }
    m->vector_step = m->stride * lanes;
    m->start = m->stride < 0 ? most / bytes * bytes : -most / bytes * bytes;
    m->gap = choose(m, 3) ? -1 : choose(m, m->rows);
}

static void choose_mask(struct maker *m) {
    struct vector_instruction *mask;
    m->mask = VECTOR_NONE;
    if (choose(m, 2))
        return;
    mask = native_append(m->program, m->program->top, VECTOR_MASK_CONSTANT, m->type);
    mask->immediate = choose(m, 2) ? (INT64_C(1) << choose(m, 17)) - 1 : choose(m, 65536);
    mask->immediate &= (INT64_C(1) << vector_lanes(m->program, m->type)) - 1;
    m->mask = mask->destination;
}

static struct vector_instruction *strided(struct maker *m, struct vector_block *block,
                                          enum vector_opcode opcode, int number) {
    int row = number % m->rows, column = number / m->rows;
    struct vector_instruction *access = vector_append(m->program, block, opcode, m->type);
    access->stride = m->stride;
    access->mask = column == m->columns - 1 ? m->mask : VECTOR_NONE;
    access->address.base = opcode == VECTOR_STORE_STRIDED;
    access->address.displacement =
        m->start + column * m->vector_step + row * data_types[m->type].bytes;
    if (m->counter) {
        access->address.term_count = 1;
        access->address.terms[0].counter = m->counter;
        access->address.terms[0].stride = m->counter_stride;
    }
    return access;
}

static struct vector_instruction *plain(struct maker *m, struct vector_block *block,
                                        enum vector_opcode opcode, int number) {
    struct vector_instruction *access = vector_append(m->program, block, opcode, m->type);
    access->address.base = opcode == VECTOR_STORE;
    access->address.displacement = (number - 30) * m->program->vector_bytes;
    return access;
}

/* What all rows have done to them before they are stored. */
struct step {
    enum vector_opcode opcode;
    int side;     /* the source that is the row */
    bool reads;   /* beside the row, from where it is stored to, in the input or in the output */
    int base;     /* 0: the input */
    int away;     /* elements from there */
    int constant; /* a value, if it reads nothing */
};

static int choose_steps(struct maker *m, struct vector_block *block, struct step *steps) {
    static const enum vector_opcode opcodes[] = {VECTOR_ADD, VECTOR_SUBTRACT, VECTOR_MULTIPLY,
                                                 VECTOR_MAXIMUM};
    int count = m->type == TYPE_S32 || !m->has_steps ? 0 : choose(m, MOST_STEPS + 1);
    for (int i = 0; i < count; i++) {
        steps[i] = (struct step){opcodes[choose(m, 4)], choose(m, 2),         choose(m, 2),
                                 choose(m, 2),          choose(m, 4) ? 0 : 1, VECTOR_NONE};
        if (!steps[i].reads) {
            struct vector_instruction *constant =
                native_append(m->program, block, VECTOR_CONSTANT, m->type);
            constant->constant = choose(m, 9);
            steps[i].constant = constant->destination;
        }
    }
    return count;
}

/* `odd` is a row that has something else done to it. */
static int take_steps(struct maker *m, struct vector_block *block, const struct step *steps,
                      int count, int number, int value, bool odd) {
    for (int i = 0; i < count; i++) {
        const struct step *step = &steps[i];
        struct vector_instruction *operation;
        int other = step->constant;
        if (step->reads) {
            struct vector_instruction *load = strided(m, block, VECTOR_LOAD_STRIDED, number);
            load->address.base = step->base;
            load->address.displacement += step->away * data_types[m->type].bytes;
            load->destination = other = vector_value_new(m->program, CLASS_VECTOR, false);
        }
        operation = native_append(m->program, block, odd ? VECTOR_MINIMUM : step->opcode, m->type);
        operation->sources[step->side] = value;
        operation->sources[1 - step->side] = other;
        value = operation->destination;
    }
    return value;
}

/* Rows that are loads, sums of loads, or variables, one register each, stored strided. */
static void make_stores(struct maker *m, struct vector_block *block) {
    struct step steps[MOST_STEPS];
    int step_count = choose_steps(m, block, steps);
    int count = m->rows * m->columns, odd = choose(m, 4 * count), values[MOST_ROWS * 4];
    bool variables = choose(m, 2), again = choose(m, 4) == 0;
    for (int i = 0; i < count; i++) {
        struct vector_instruction *load = plain(m, block, VECTOR_LOAD, i % 40);
        struct vector_instruction *sum;
        load->destination = values[i] = vector_value_new(m->program, CLASS_VECTOR, variables);
        if (choose(m, 2))
            continue;
        sum = vector_append(m->program, block, VECTOR_ADD, m->type);
        sum->sources[0] = sum->sources[1] = values[i];
        sum->destination =
            variables ? values[i] : vector_value_new(m->program, CLASS_VECTOR, false);
        values[i] = sum->destination;
    }
    shuffle(m, count);
    for (int i = 0; i < count; i++)
        values[i] = take_steps(m, block, steps, step_count, i, values[i], i == odd);
    for (int i = 0; i < count; i++) {
        int number = m->order[i];
        if (number % m->rows == m->gap)
            continue;
        strided(m, block, VECTOR_STORE_STRIDED, number)->sources[0] = values[number];
        if (variables && step_count == 0 && choose(m, 20) == 0) { /* what is stored next time */
            struct vector_instruction *change = plain(m, block, VECTOR_LOAD, 3);
            change->destination = values[number];
        }
    }
    for (int i = 0; again && i < count; i++)
        plain(m, block, VECTOR_STORE, i % 28)->sources[0] = values[i];
}

static void make_loads(struct maker *m, struct vector_block *block) {
    int count = m->rows * m->columns, values[MOST_ROWS * 4], done = 0;
    bool variables = choose(m, 2);
    shuffle(m, count);
    for (int i = 0; i < count; i++) {
        struct vector_instruction *load = strided(m, block, VECTOR_LOAD_STRIDED, m->order[i]);
        load->destination = values[i] = vector_value_new(m->program, CLASS_VECTOR, variables);
        if (variables && choose(m, 10) == 0) /* loaded for nothing */
            plain(m, block, VECTOR_LOAD, 2)->destination = values[i];
        if (choose(m, 10) == 0) /* some are used, and stored over, before the others are loaded */
            for (; done <= i; done++) {
                plain(m, block, VECTOR_STORE, done)->sources[0] = values[done];
                if (variables)
                    plain(m, block, VECTOR_LOAD, 1)->destination = values[done];
            }
    }
    for (int i = 0; i < count; i++)
        plain(m, block, VECTOR_STORE, i)->sources[0] = values[i];
}

static bool has_steps(uint64_t seed) {
    return seed % 2;
}

static struct vector_program *make_program(struct native *native, uint64_t seed,
                                           enum data_type type) {
    static struct variable counter = {.name = "c", .extent = 2};
    struct maker maker = {.type = type, .has_steps = has_steps(seed)}, *m = &maker;
    struct vector_block *block;
    bool stores;
    random_seed(&m->random, seed);
    stores = choose(m, 3);
    m->program = vector_program_create(
        &native->arena, 16 << choose(m, native->description.vector_bytes == 64 ? 3 : 2), 2,
        NATIVE_WORDS, NULL);
    choose_shape(m, data_types[type].bytes,
                 native->description.vector_registers - (m->has_steps ? 5 : 4));
    choose_mask(m);
    block = m->program->top;
    if (choose(m, 3) == 0) {
        struct vector_bound begin = {false, 0}, end = {false, 2};
        m->counter = &counter;
        m->counter_stride = choose(m, 2) ? 512 : 4;
        block = vector_block_append(m->program, block, &counter, begin, end);
    }
    if (stores)
        make_stores(m, block);
    else
        make_loads(m, block);
    return m->program;
}

static int count_opcode(const struct vector_block *block, enum vector_opcode opcode) {
    int count = 0;
    for (const struct vector_item *item = block->first; item; item = item->next)
        count +=
            item->block ? count_opcode(item->block, opcode) : item->instruction->opcode == opcode;
    return count;
}

static void compare(struct native *native, const struct vector_program *before,
                    const struct vector_program *after, enum data_type type) {
    struct machine_code code;
    struct code_memory memory;
    if (native->target->encode(after, &native->description, &native->arena, &code,
                               &native->error) != DLT_OK) {
        struct text text = {0};
        vector_program_print(&text, after);
        fail_msg("%s\n%s", native->error.message, text_string(&text));
    }
    if (!target_runs_here(native->target->name))
        return;
    assert_int_equal(code_memory_create(code.bytes, code.size, &memory, &native->error), DLT_OK);
    memset(native->by_model, 0x5a, NATIVE_BYTES);
    memset(native->by_code, 0x5a, NATIVE_BYTES);
    native->words[0] = (int64_t)(intptr_t)(native->input + NATIVE_BYTES / 2);
    native->words[1] = (int64_t)(intptr_t)(native->by_model + NATIVE_BYTES / 2);
    model_run(before, native->words);
    native->words[1] = (int64_t)(intptr_t)(native->by_code + NATIVE_BYTES / 2);
    native_call(memory.code, native->words);
    code_memory_free(&memory);
    native_compare(native, after, type);
}

/* Whether there are enough registers without the pass, which steps may exceed by themselves. */
static bool fits(struct native *native, uint64_t seed, enum data_type type) {
    struct vector_program *program = make_program(native, seed, type);
    struct machine_code code;
    run_pass(relieve_pressure, program, &native->description);
    run_pass(fold_addresses, program, &native->description);
    return native->target->encode(program, &native->description, &native->arena, &code,
                                  &native->error) == DLT_OK;
}

static void fill(struct native *native, enum data_type type) {
    for (int i = 0; i < NATIVE_BYTES / data_types[type].bytes; i++) {
        union model_lane lane = {.bits64 = 0};
        if (type == TYPE_F32)
            lane.f32 = (float)i;
        else if (type == TYPE_F64)
            lane.f64 = i;
        else
            lane.s32 = i;
        model_set(native->input, type, i, lane);
    }
}

static void test_random_matrices(void **state) {
    static const enum data_type types[] = {TYPE_F32, TYPE_F64, TYPE_S32};
    (void)state;
    for (int t = 0; t < NATIVE_TARGETS; t++) {
        struct native *native = malloc(sizeof *native);
        int strided_before = 0, strided_after = 0, too_large = 0;
        native_open(native, t);
        for (uint64_t seed = 0; seed < SEEDS; seed++) {
            enum data_type type = types[seed % 3];
            struct vector_program *before, *after;
            arena_reset(&native->arena);
            if (has_steps(seed) && !fits(native, seed, type)) {
                too_large++;
                continue;
            }
            before = make_program(native, seed, type);
            after = make_program(native, seed, type);
            fill(native, type);
            run_pass(transpose_accesses, after, &native->description);
            strided_before += count_opcode(before->top, VECTOR_STORE_STRIDED) +
                              count_opcode(before->top, VECTOR_LOAD_STRIDED);
            strided_after += count_opcode(after->top, VECTOR_STORE_STRIDED) +
                             count_opcode(after->top, VECTOR_LOAD_STRIDED);
            run_pass(remove_dead_code, after, &native->description);
            run_pass(relieve_pressure, after, &native->description);
            run_pass(fold_addresses, before, &native->description);
            run_pass(fold_addresses, after, &native->description);
            compare(native, before, after, type);
        }
        assert_true(strided_after * 2 < strided_before);
        assert_true(too_large * 10 < SEEDS);
        native_close(native);
        free(native);
    }
}

/* --- What the pass decides --- */

/* `count` rows of f32 in registers that nothing can read again, stored side by side. */
static struct vector_program *rows_to_store(struct native *native, int count, int64_t distance) {
    struct vector_program *program = native_program(native, native->description.vector_bytes);
    int first = program->value_count;
    for (int i = 0; i < count; i++) {
        int load = native_load(program, TYPE_F32, 64 * (i % 30));
        native_append(program, program->top, VECTOR_SQUARE_ROOT, TYPE_F32)->sources[0] = load;
    }
    for (int i = 0; i < count; i++) {
        struct vector_instruction *store =
            native_append(program, program->top, VECTOR_STORE_STRIDED, TYPE_F32);
        store->sources[0] = first + 2 * i + 1;
        store->address.base = 1;
        store->address.displacement = distance * i;
        store->stride = 1024;
    }
    for (struct vector_item *item = program->top->first; item; item = item->next)
        if (item->instruction->address.base < 0)
            item->instruction->address.base = 0;
    return program;
}

static void expect(struct native *native, int count, int64_t distance, int strided, int stores) {
    struct vector_program *program = rows_to_store(native, count, distance);
    run_pass(transpose_accesses, program, &native->description);
    assert_int_equal(count_opcode(program->top, VECTOR_STORE_STRIDED), strided);
    assert_int_equal(count_opcode(program->top, VECTOR_STORE), stores);
}

static void test_decisions(void **state) {
    struct native *native = malloc(sizeof *native);
    (void)state;
    native_open(native, 0);
    expect(native, 1, 4, 1, 0);   /* alone */
    expect(native, 2, 4, 0, 16);  /* one store a lane */
    expect(native, 16, 4, 0, 16); /* a full matrix */
    expect(native, 17, 4, 0, 32); /* cut in two */
    expect(native, 8, 8, 8, 0);   /* not side by side */
    expect(native, 31, 4, 0, 32); /* one register is enough */
    expect(native, 32, 4, 4, 32); /* without one the first group gives up a part */
    native_close(native);
    native_open(native, 1);
    expect(native, 6, 4, 0, 8);
    expect(native, 15, 4, 0, 16);
    expect(native, 16, 4, 4, 16);
    native_close(native);
    free(native);
}

/* Rows have something added that lies as the stores do, and become positive: strided loads that are
 * left. `base`: 0 for what lies in the input, 1 for what the stores write over. */
static void expect_beside(struct native *native, int base, int64_t away, int loads) {
    struct vector_program *program = rows_to_store(native, 8, 4);
    struct vector_block *top = program->top;
    struct vector_item *item = top->first;
    struct vector_instruction *zero = native_append(program, top, VECTOR_CONSTANT, TYPE_F32);
    while (item->next->instruction->opcode != VECTOR_STORE_STRIDED)
        item = item->next;
    struct vector_item *stores = item->next, *next;
    top->last = item;
    item->next = NULL;
    for (; stores; stores = next) {
        struct vector_instruction *store = stores->instruction, *load, *sum, *positive;
        next = stores->next;
        if (store == zero) {
            stores->next = top->first;
            top->first = stores;
            continue;
        }
        load = native_append(program, top, VECTOR_LOAD_STRIDED, TYPE_F32);
        load->address = store->address;
        load->address.base = base;
        load->address.displacement += away;
        load->stride = store->stride;
        sum = native_append(program, top, VECTOR_ADD, TYPE_F32);
        sum->sources[0] = store->sources[0];
        sum->sources[1] = load->destination;
        positive = native_append(program, top, VECTOR_MAXIMUM, TYPE_F32);
        positive->sources[0] = sum->destination;
        positive->sources[1] = zero->destination;
        store->sources[0] = positive->destination;
    }
    for (int i = 0; i < 8; i++) {
        struct vector_instruction *store =
            native_append(program, top, VECTOR_STORE_STRIDED, TYPE_F32);
        store->sources[0] = zero->destination + 3 * (i + 1);
        store->address.base = 1;
        store->address.displacement = 4 * i;
        store->stride = 1024;
    }
    run_pass(transpose_accesses, program, &native->description);
    run_pass(remove_dead_code, program, &native->description);
    assert_int_equal(count_opcode(top, VECTOR_STORE_STRIDED), 0);
    assert_int_equal(count_opcode(top, VECTOR_LOAD_STRIDED), loads);
}

static void test_what_lies_beside(void **state) {
    struct native *native = malloc(sizeof *native);
    (void)state;
    for (int target = 0; target < NATIVE_TARGETS; target++) {
        native_open(native, target);
        expect_beside(native, 0, 0, 0);
        expect_beside(native, 0, 512, 0);
        expect_beside(native, 1, 0, 0); /* each lane before it is written over */
        expect_beside(native, 1, 4, 8); /* other lanes may be written over */
        native_close(native);
    }
    free(native);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_matrices),
        cmocka_unit_test(test_decisions),
        cmocka_unit_test(test_what_lies_beside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
