/* Loads of every second element before and after deinterleave_loads: the same values, and no
 * element touched beyond those that the lanes need.
 *
 * Programs are made at random from a seed: loads that begin close together, in any order, under
 * masks, inside and outside of loops. The interpreter runs the program as it was made, the machine
 * what the pass made of it, on memory that ends where the elements needed end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/random.h"
#include "tests/ir/run_pass.h"
#include "tests/targets/native.h"

#include <unistd.h>

enum {
    MOST_LOADS = 40,
    TRIPS = 3
};

struct maker {
    struct random random;
    struct vector_program *program;
    enum data_type type;
    int masks[3], step; /* elements between lanes */
    const struct variable *counter;
    int64_t counter_stride;
    int64_t lowest, highest; /* bytes needed, from the input's pointer; lowest > highest: none */
};

static int choose(struct maker *m, int limit) {
    return (int)random_below(&m->random, (uint64_t)limit);
}

static void make_masks(struct maker *m, int64_t *bits) {
    int lanes = vector_lanes(m->program, m->type);
    for (int i = 0; i < 3; i++) {
        int64_t all = (INT64_C(1) << lanes) - 1;
        struct vector_instruction *mask;
        m->masks[i] = VECTOR_NONE;
        bits[i] = all;
        if (i == 0)
            continue;
        bits[i] = choose(m, 2)   ? (INT64_C(1) << choose(m, lanes + 1)) - 1
                  : choose(m, 2) ? all & ~((INT64_C(1) << choose(m, lanes)) - 1)
                                 : choose(m, 65536) & all;
        mask = native_append(m->program, m->program->top, VECTOR_MASK_CONSTANT, m->type);
        mask->immediate = bits[i];
        m->masks[i] = mask->destination;
    }
}

static void note_need(struct maker *m, const struct vector_instruction *load, int64_t bits) {
    int bytes = data_types[m->type].bytes;
    for (int lane = 0; lane < vector_lanes(m->program, m->type); lane++)
        for (int trip = 0; bits >> lane & 1 && trip < (m->counter ? TRIPS : 1); trip++) {
            int64_t at =
                load->address.displacement + lane * load->stride + trip * m->counter_stride;
            if (at < m->lowest)
                m->lowest = at;
            if (at + bytes > m->highest)
                m->highest = at + bytes;
        }
}

static void store(struct maker *m, struct vector_block *block, int number, int value) {
    struct vector_instruction *store = vector_append(m->program, block, VECTOR_STORE, m->type);
    store->sources[0] = value;
    store->address = (struct vector_address){.base = 1, .displacement = 64 * number};
}

/* Loads that start at a few neighbouring elements, each stored at once, or all behind the last. */
static void make_loads(struct maker *m, struct vector_block *block, const int64_t *bits) {
    int bytes = data_types[m->type].bytes, count = 1 + choose(m, m->step == 4 ? 6 : MOST_LOADS);
    int spread = 1 + choose(m, 12), values[MOST_LOADS], single = choose(m, 2) ? choose(m, 3) : -1;
    bool late = choose(m, 2);
    for (int i = 0; i < count; i++) {
        struct vector_instruction *load =
            native_append(m->program, block, VECTOR_LOAD_STRIDED, m->type);
        int mask = single < 0 ? choose(m, 3) : single;
        load->address.base = 0;
        load->address.displacement = choose(m, spread) * bytes;
        load->stride = m->step * bytes;
        load->mask = m->masks[mask];
        if (m->counter) {
            load->address.term_count = 1;
            load->address.terms[0].counter = m->counter;
            load->address.terms[0].stride = m->counter_stride;
        }
        note_need(m, load, bits[mask]);
        values[i] = load->destination;
        if (!late)
            store(m, block, i, values[i]);
    }
    for (int i = 0; late && i < count; i++)
        store(m, block, i, values[choose(m, 4) ? i : choose(m, count)]);
}

static void make_program(struct maker *m, struct native *native, uint64_t seed,
                         enum data_type type) {
    static struct variable counter = {.name = "c", .extent = TRIPS};
    struct vector_block *block;
    int64_t bits[3];
    *m = (struct maker){.type = type, .lowest = INT64_MAX, .highest = INT64_MIN};
    random_seed(&m->random, seed);
    m->program = vector_program_create(
        &native->arena, 16 << choose(m, native->description.vector_bytes == 64 ? 3 : 2), 2,
        NATIVE_WORDS, NULL);
    m->step = choose(m, 3) ? 2 : 4;
    make_masks(m, bits);
    block = m->program->top;
    if (choose(m, 3) == 0) {
        struct vector_bound begin = {false, 0}, end = {false, TRIPS};
        m->counter = &counter;
        m->counter_stride = choose(m, 2) ? 512 : data_types[type].bytes;
        block = vector_block_append(m->program, block, &counter, begin, end);
    }
    make_loads(m, block, bits);
}

static int count_opcode(const struct vector_block *block, enum vector_opcode opcode) {
    int count = 0;
    for (const struct vector_item *item = block->first; item; item = item->next)
        count +=
            item->block ? count_opcode(item->block, opcode) : item->instruction->opcode == opcode;
    return count;
}

/* Memory between two pages that cannot be touched, filled with numbers. */
struct guarded {
    unsigned char *pages, *data;
    size_t page, bytes;
};

static void guard(struct guarded *g) {
    g->page = (size_t)sysconf(_SC_PAGESIZE);
    g->bytes = g->page;
    g->pages = mmap(NULL, 3 * g->page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(g->pages != MAP_FAILED);
    g->data = g->pages + g->page;
    assert_int_equal(mprotect(g->data, g->bytes, PROT_READ | PROT_WRITE), 0);
}

static void fill(const struct guarded *g, enum data_type type) {
    for (int i = 0; i < (int)g->bytes / data_types[type].bytes; i++) {
        union model_lane lane = {.bits64 = 0};
        if (type == TYPE_F32)
            lane.f32 = (float)i;
        else if (type == TYPE_F64)
            lane.f64 = i;
        else
            lane.s32 = i;
        model_set(g->data, type, i, lane);
    }
}

static void compare(struct native *native, const struct maker *before,
                    const struct vector_program *after, unsigned char *input) {
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
    native->words[0] = (int64_t)(intptr_t)input;
    native->words[1] = (int64_t)(intptr_t)native->by_model;
    model_run(before->program, native->words);
    native->words[1] = (int64_t)(intptr_t)native->by_code;
    native_call(memory.code, native->words);
    code_memory_free(&memory);
    native_compare(native, after, before->type);
}

static void check_seed(struct native *native, const struct guarded *g, uint64_t seed,
                       enum data_type type) {
    struct maker before, after;
    unsigned char *input = g->data;
    arena_reset(&native->arena);
    make_program(&before, native, seed, type);
    make_program(&after, native, seed, type);
    fill(g, type);
    if (before.lowest <= before.highest)
        input += seed & 1 ? (int64_t)g->bytes - before.highest : -before.lowest;
    run_pass(number_values, after.program, &native->description);
    run_pass(halve_strides, after.program, &native->description);
    run_pass(deinterleave_loads, after.program, &native->description);
    assert_int_equal(count_opcode(after.program->top, VECTOR_LOAD_STRIDED), 0);
    run_pass(hoist_invariants, after.program, &native->description);
    run_pass(remove_dead_code, after.program, &native->description);
    run_pass(sink_constants, after.program, &native->description);
    run_pass(relieve_pressure, after.program, &native->description);
    run_pass(match_operands, after.program, &native->description);
    run_pass(remove_dead_code, after.program, &native->description);
    run_pass(fold_addresses, before.program, &native->description);
    run_pass(fold_addresses, after.program, &native->description);
    compare(native, &before, after.program, input);
}

static void test_random_loads(void **state) {
    static const enum data_type types[] = {TYPE_F32, TYPE_F64, TYPE_S32};
    struct guarded g;
    (void)state;
    guard(&g);
    for (int t = 0; t < NATIVE_TARGETS; t++) {
        struct native *native = malloc(sizeof *native);
        native_open(native, t);
        for (uint64_t seed = 0; seed < 4000; seed++)
            check_seed(native, &g, seed, types[seed % 3]);
        native_close(native);
        free(native);
    }
    munmap(g.pages, 3 * g.page);
}

/* --- What the pass decides --- */

/* Loads at these elements, all under one mask, without it where `mask` is -1. */
static struct vector_program *loads_at(struct native *native, int count, const int *elements,
                                       int64_t stride, int64_t mask) {
    struct vector_program *program = native_program(native, native->description.vector_bytes);
    int lanes = VECTOR_NONE;
    if (mask != -1) {
        struct vector_instruction *constant =
            native_append(program, program->top, VECTOR_MASK_CONSTANT, TYPE_F32);
        constant->immediate = mask & ((INT64_C(1) << vector_lanes(program, TYPE_F32)) - 1);
        lanes = constant->destination;
    }
    for (int i = 0; i < count; i++) {
        struct vector_instruction *store, *load;
        load = native_append(program, program->top, VECTOR_LOAD_STRIDED, TYPE_F32);
        load->address = (struct vector_address){.base = 0, .displacement = 4 * elements[i]};
        load->stride = stride;
        load->mask = lanes;
        store = native_append(program, program->top, VECTOR_STORE, TYPE_F32);
        store->sources[0] = load->destination;
        store->address = (struct vector_address){.base = 1, .displacement = 64 * i};
    }
    run_pass(halve_strides, program, &native->description);
    run_pass(deinterleave_loads, program, &native->description);
    run_pass(remove_dead_code, program, &native->description);
    return program;
}

static void expect(struct native *native, int count, const int *elements, int64_t stride,
                   int64_t mask, int loads, int masks) {
    struct vector_program *program = loads_at(native, count, elements, stride, mask);
    assert_int_equal(count_opcode(program->top, VECTOR_PICK_ALTERNATE), stride == 8    ? count
                                                                        : stride == 16 ? 3 * count
                                                                                       : 0);
    assert_int_equal(count_opcode(program->top, VECTOR_LOAD), loads);
    assert_int_equal(count_opcode(program->top, VECTOR_MASK_CONSTANT), masks);
}

static void test_decisions(void **state) {
    static const int taps[] = {0, 1, 2, 3, 4, 5, 6};
    struct native *native = malloc(sizeof *native);
    (void)state;
    native_open(native, 1); /* eight lanes */
    expect(native, 1, taps, 8, -1, 2, 0);
    expect(native, 2, taps, 8, -1, 2, 0);   /* both halves shared */
    expect(native, 3, taps, 8, -1, 4, 0);   /* the third is alone */
    expect(native, 7, taps, 8, -1, 8, 0);   /* three pairs and one */
    expect(native, 1, taps, 8, 0xff, 2, 0); /* a mask of all lanes is none */
    expect(native, 1, taps, 8, 0x1f, 2, 1); /* the lower half is whole: element 8 is needed */
    expect(native, 1, taps, 8, 0x0f, 1, 1); /* element 7 is not between two that are needed */
    expect(native, 2, taps, 8, 0x0f, 1, 0); /* the odd elements need it */
    expect(native, 1, taps, 8, 0xf0, 1, 1); /* nor here */
    expect(native, 1, taps, 8, 0xfe, 2, 1);
    expect(native, 2, taps, 12, -1, 0, 0);   /* every third */
    expect(native, 1, taps, 16, -1, 4, 1);   /* of every fourth the last is not whole */
    expect(native, 1, taps, 16, 0x1f, 3, 1); /* one element of the upper half */
    expect(native, 2, taps, 16, -1, 4, 1);   /* both from the same */
    expect(native, 2, taps, -8, -1, 0, 0);
    native_close(native);
    free(native);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_loads),
        cmocka_unit_test(test_decisions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
