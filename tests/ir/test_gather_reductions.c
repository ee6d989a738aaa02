/* Reductions across lanes before and after gather_reductions: the same memory, to the last bit.
 *
 * Programs are made at random from a seed: vectors that are reduced, some arithmetic that is the
 * same in each row or nearly so, and stores of one lane in any order. The interpreter runs the
 * program as it was made, the machine what the pass made of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/random.h"
#include "tests/ir/run_pass.h"
#include "tests/targets/native.h"

enum {
    MOST_ROWS = 18
};

struct maker {
    struct random random;
    struct vector_program *program;
    int rows, order[MOST_ROWS], gap;
    int constant, mask;
    bool variables, odd_row, with_constant, with_bias, reuse;
    enum vector_opcode reduce;
};

static int choose(struct maker *m, int limit) {
    return (int)random_below(&m->random, (uint64_t)limit);
}

static struct vector_instruction *append(struct maker *m, struct vector_block *block,
                                         enum vector_opcode opcode) {
    struct vector_instruction *instruction = native_append(m->program, block, opcode, TYPE_F32);
    instruction->address.base = opcode == VECTOR_STORE;
    return instruction;
}

/* Two sources, in any order where they may be exchanged. */
static int combine(struct maker *m, struct vector_block *block, enum vector_opcode opcode, int a,
                   int b) {
    struct vector_instruction *instruction = append(m, block, opcode);
    bool exchange = vector_operations[opcode].commutes && choose(m, 2);
    instruction->sources[exchange] = a;
    instruction->sources[!exchange] = b;
    return instruction->destination;
}

static int load(struct maker *m, struct vector_block *block, enum vector_opcode opcode,
                int64_t displacement) {
    struct vector_instruction *load = append(m, block, opcode);
    load->address.displacement = displacement;
    return load->destination;
}

static int make_row(struct maker *m, struct vector_block *block, int row, int vector) {
    struct vector_instruction *reduce = append(m, block, m->reduce);
    int value = reduce->destination;
    reduce->sources[0] = vector;
    if (m->with_constant)
        value = combine(m, block, VECTOR_MULTIPLY, value, m->constant);
    if (m->with_bias)
        value = combine(m, block, VECTOR_ADD, value,
                        load(m, block, VECTOR_LOAD_BROADCAST, 1024 + 4 * row));
    if (m->odd_row && row == 2)
        value = combine(m, block, VECTOR_MAXIMUM, value, m->constant);
    return value;
}

static void make_rows(struct maker *m, struct vector_block *block) {
    int vectors[MOST_ROWS], values[MOST_ROWS];
    for (int i = 0; i < m->rows; i++) {
        struct vector_instruction *load = append(m, block, VECTOR_LOAD);
        load->address.displacement = (i - 20) * 64;
        if (m->variables)
            load->destination = vector_value_new(m->program, CLASS_VECTOR, true);
        vectors[i] = load->destination;
    }
    for (int i = 0; i < m->rows; i++) {
        struct vector_instruction *store;
        int row = m->order[i];
        values[row] = make_row(m, block, row, vectors[row]);
        if (m->variables && choose(m, 12) == 0) { /* the next time it is something else */
            struct vector_instruction *change = append(m, block, VECTOR_LOAD);
            change->destination = vectors[row];
            change->address.displacement = -64;
        }
        store = append(m, block, VECTOR_STORE);
        store->sources[0] = values[row];
        store->mask = m->mask;
        store->address.displacement = 4 * row + (row > m->gap ? 8 : 0);
    }
    for (int i = 0; m->reuse && i < m->rows; i++) {
        struct vector_instruction *store = append(m, block, VECTOR_STORE);
        store->sources[0] = values[i];
        store->address.displacement = 256 + 64 * i;
    }
}

static struct vector_program *make_program(struct native *native, uint64_t seed) {
    static struct variable counter = {.name = "c", .extent = 2};
    struct maker maker = {.gap = MOST_ROWS}, *m = &maker;
    struct vector_block *block;
    struct vector_instruction *constant, *mask;
    int widths = native->description.vector_bytes == 64 ? 3 : 2;
    random_seed(&m->random, seed);
    m->program =
        vector_program_create(&native->arena, 16 << choose(m, widths), 2, NATIVE_WORDS, NULL);
    m->rows = 1 + choose(m, native->description.vector_registers == 16 ? 9 : MOST_ROWS);
    for (int i = 0; i < m->rows; i++)
        m->order[i] = i;
    for (int i = m->rows - 1; i > 0 && choose(m, 2); i--) {
        int other = choose(m, i + 1), kept = m->order[i];
        m->order[i] = m->order[other];
        m->order[other] = kept;
    }
    m->gap = choose(m, 3) ? MOST_ROWS : choose(m, m->rows);
    m->variables = choose(m, 2);
    m->odd_row = choose(m, 4) == 0;
    m->with_constant = choose(m, 2);
    m->with_bias = choose(m, 2);
    m->reuse = choose(m, 4) == 0;
    m->reduce = VECTOR_REDUCE_ADD + (enum vector_opcode)choose(m, 4);
    constant = append(m, m->program->top, VECTOR_CONSTANT);
    constant->constant = 0.75;
    m->constant = constant->destination;
    mask = append(m, m->program->top, VECTOR_MASK_CONSTANT);
    mask->immediate = 1;
    m->mask = mask->destination;
    block = m->program->top;
    if (choose(m, 3) == 0)
        block = vector_block_append(m->program, block, &counter, (struct vector_bound){false, 0},
                                    (struct vector_bound){false, 2});
    make_rows(m, block);
    return m->program;
}

static int count_opcodes(const struct vector_block *block, enum vector_opcode first,
                         enum vector_opcode last) {
    int count = 0;
    for (const struct vector_item *item = block->first; item; item = item->next)
        count += item->block
                     ? count_opcodes(item->block, first, last)
                     : item->instruction->opcode >= first && item->instruction->opcode <= last;
    return count;
}

static void compare(struct native *native, const struct vector_program *before,
                    const struct vector_program *after) {
    struct machine_code code;
    struct code_memory memory;
    if (native->target->encode(after, &native->description, &native->arena, &code,
                               &native->error) != DLT_OK)
        fail_msg("%s", native->error.message);
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
    native_compare(native, after, TYPE_F32);
}

/* Numbers whose sums depend on the order, and now and then something special. */
static void fill(struct native *native, uint64_t seed) {
    static const float special[] = {INFINITY, -INFINITY, NAN, -0.0f, 0.0f, 1e-40f};
    struct random random;
    random_seed(&random, seed);
    for (int i = 0; i < NATIVE_BYTES / 4; i++) {
        union model_lane lane;
        lane.f32 = (float)random_below(&random, 1 << 20) / 4096.0f - 100.0f;
        if (seed % 4 == 0 && random_below(&random, 30) == 0)
            lane.f32 = special[random_below(&random, 6)];
        model_set(native->input, TYPE_F32, i, lane);
    }
}

static void test_random_rows(void **state) {
    (void)state;
    for (int t = 0; t < NATIVE_TARGETS; t++) {
        struct native *native = malloc(sizeof *native);
        int before_count = 0, after_count = 0;
        native_open(native, t);
        for (uint64_t seed = 0; seed < 3000; seed++) {
            struct vector_program *before, *after;
            arena_reset(&native->arena);
            before = make_program(native, seed);
            after = make_program(native, seed);
            fill(native, seed);
            run_pass(gather_reductions, after, &native->description);
            run_pass(remove_dead_code, after, &native->description);
            run_pass(relieve_pressure, after, &native->description);
            before_count += count_opcodes(before->top, VECTOR_REDUCE_ADD, VECTOR_REDUCE_MULTIPLY);
            after_count += count_opcodes(after->top, VECTOR_REDUCE_ADD, VECTOR_REDUCE_MULTIPLY);
            run_pass(fold_addresses, before, &native->description);
            run_pass(fold_addresses, after, &native->description);
            compare(native, before, after);
        }
        assert_true(after_count * 3 < before_count * 2);
        native_close(native);
        free(native);
    }
}

/* --- What the pass decides --- */

/* Rows of full vectors; returns how many reductions are left. */
static int reductions_left(struct native *native, int rows, int gap, bool same, bool block,
                           int *combined) {
    static struct variable counter = {.name = "c", .extent = 2};
    struct maker maker = {.rows = rows, .gap = gap, .reduce = VECTOR_REDUCE_ADD}, *m = &maker;
    m->program = native_program(native, native->description.vector_bytes);
    m->odd_row = !same;
    m->constant = load(m, m->program->top, VECTOR_LOAD_BROADCAST, 0);
    m->mask = append(m, m->program->top, VECTOR_MASK_CONSTANT)->destination;
    m->program->top->last->instruction->immediate = 1;
    for (int i = 0; i < rows; i++)
        m->order[i] = i;
    make_rows(m, m->program->top);
    if (block) { /* a loop behind the first rows */
        struct vector_item *at = m->program->top->first, *loop;
        vector_append(m->program,
                      vector_block_append(m->program, m->program->top, &counter,
                                          (struct vector_bound){false, 0},
                                          (struct vector_bound){false, 2}),
                      VECTOR_PREFETCH, TYPE_F32);
        loop = m->program->top->last;
        while (at->instruction->opcode != VECTOR_STORE)
            at = at->next;
        for (m->program->top->last = at; m->program->top->last->next != loop;)
            m->program->top->last = m->program->top->last->next;
        m->program->top->last->next = NULL;
        loop->next = at->next;
        at->next = loop;
    }
    run_pass(gather_reductions, m->program, &native->description);
    run_pass(remove_dead_code, m->program, &native->description);
    *combined = count_opcodes(m->program->top, VECTOR_ADD, VECTOR_ADD);
    return count_opcodes(m->program->top, VECTOR_REDUCE_ADD, VECTOR_REDUCE_MULTIPLY);
}

static void test_decisions(void **state) {
    struct native *native = malloc(sizeof *native);
    int combined;
    (void)state;
    native_open(native, 0);
    assert_int_equal(reductions_left(native, 1, 99, true, false, &combined), 1); /* alone */
    assert_int_equal(reductions_left(native, 16, 99, true, false, &combined), 0);
    assert_int_equal(combined, 15); /* one step less than rows */
    assert_int_equal(reductions_left(native, 17, 99, true, false, &combined), 1); /* one is left */
    assert_int_equal(reductions_left(native, 8, 3, true, false, &combined), 0);   /* two groups */
    assert_int_equal(reductions_left(native, 4, 99, false, false, &combined), 4); /* not the same */
    assert_int_equal(reductions_left(native, 5, 99, true, true, &combined), 1); /* a loop between */
    native_close(native);
    native_open(native, 1);
    assert_int_equal(reductions_left(native, 8, 99, true, false, &combined), 0);
    assert_int_equal(combined, 7);
    native_close(native);
    free(native);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_rows),
        cmocka_unit_test(test_decisions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
