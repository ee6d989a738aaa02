/* Each operation, type and width as machine code against the model, on numbers that are odd. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/random.h"
#include "native.h"

static const enum data_type types[] = {TYPE_F32, TYPE_F64, TYPE_S32};

/* Numbers around which implementations differ. */
static const double odd_numbers[] = {
    0.0,   -0.0, 1.0,          -1.0,     0.5,       -0.5,      1.5,       2.5,     -2.5,
    1e-40, 3e38, -3e38,        INFINITY, -INFINITY, NAN,       8388609.0, 1e10,    -1e10,
    0.1,   7.0,  2147483520.0, 3.25,     -13.0,     1.0 / 3.0, 1e-3,      65536.0, -7.75,
};
enum {
    ODD_NUMBERS = sizeof odd_numbers / sizeof odd_numbers[0]
};

static void fill_input(struct native *native, enum data_type type, uint64_t seed) {
    struct random random;
    int bytes = data_types[type].bytes;
    random_seed(&random, seed);
    for (int at = 0; at < NATIVE_BYTES / bytes; at++) {
        union model_lane lane = {.bits64 = random_next(&random)};
        if (type == TYPE_F32)
            lane.f32 = (float)odd_numbers[random_below(&random, ODD_NUMBERS)];
        if (type == TYPE_F64)
            lane.f64 = odd_numbers[random_below(&random, ODD_NUMBERS)];
        if (type == TYPE_S32 && random_below(&random, 4) == 0)
            lane.s32 = (int32_t)random_below(&random, 5) - 2;
        model_set(native->input, type, at, lane);
    }
}

/* A mask as lanes of ones and zeros, so that it can be stored. */
static int show_mask(struct vector_program *program, enum data_type type, int mask) {
    struct vector_instruction *one = native_append(program, program->top, VECTOR_CONSTANT, type);
    struct vector_instruction *zero = native_append(program, program->top, VECTOR_CONSTANT, type);
    struct vector_instruction *blend = native_append(program, program->top, VECTOR_BLEND, type);
    one->constant = 1;
    blend->sources[0] = one->destination;
    blend->sources[1] = zero->destination;
    blend->mask = mask;
    return blend->destination;
}

static int make_mask(struct vector_program *program, enum data_type type, int64_t bits) {
    struct vector_instruction *mask =
        native_append(program, program->top, VECTOR_MASK_CONSTANT, type);
    mask->immediate = bits;
    return mask->destination;
}

static bool is_mask_source(enum vector_opcode opcode) {
    return opcode == VECTOR_MASK_AND;
}

/* One operation: sources loaded, result stored; `alive` says which sources are stored afterwards
 * (so that their registers cannot be reused), `memory` which one is read from memory. */
static void check_operation(struct native *native, int vector_bytes, enum vector_opcode opcode,
                            enum data_type type, unsigned alive, int memory, bool broadcast) {
    struct vector_program *program = native_program(native, vector_bytes);
    const struct vector_operation_info *info = &vector_operations[opcode];
    struct vector_instruction *instruction;
    int sources[3] = {VECTOR_NONE, VECTOR_NONE, VECTOR_NONE}, result, mask = VECTOR_NONE;
    for (int i = 0; i < info->sources; i++)
        if (i != memory)
            sources[i] = is_mask_source(opcode) ? make_mask(program, type, 0x5a96 >> i)
                                                : native_load(program, type, 72 * i + 8);
    if (opcode == VECTOR_BLEND)
        mask = make_mask(program, type, 0x6d35);
    instruction = native_append(program, program->top, opcode, type);
    memcpy(instruction->sources, sources, sizeof sources);
    instruction->mask = mask;
    instruction->memory_source = memory;
    instruction->memory_broadcast = broadcast;
    instruction->address.displacement = 400;
    instruction->constant = -3.5;
    instruction->immediate = opcode == VECTOR_MASK_COUNT ? 2 : 5;
    native->words[2] = 3;
    result = instruction->destination;
    if (info->destination_class == CLASS_MASK)
        result = show_mask(program, type, result);
    native_store(program, type, result, 0);
    for (int i = 0; i < info->sources; i++)
        if (alive >> i & 1 && i != memory && !is_mask_source(opcode))
            native_store(program, type, sources[i], 64 * (i + 1));
    for (uint64_t seed = 1; seed <= 8; seed++) {
        fill_input(native, type, seed);
        native_check(native, program, type);
    }
}

static bool is_plain(enum vector_opcode opcode) {
    return vector_operations[opcode].has_destination && !vector_operations[opcode].reads_memory;
}

static void for_all_widths(void (*check)(struct native *, int vector_bytes, enum data_type)) {
    for (int t = 0; t < NATIVE_TARGETS; t++) {
        struct native *native = malloc(sizeof *native);
        native_open(native, t);
        for (int bytes = native->description.vector_bytes; bytes >= 16; bytes /= 2)
            for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
                check(native, bytes, types[i]);
        native_close(native);
        free(native);
    }
}

static void check_all_operations(struct native *native, int vector_bytes, enum data_type type) {
    for (int opcode = 0; opcode < VECTOR_OPCODE_COUNT; opcode++)
        if (is_plain(opcode) && native->target->supports(opcode, type))
            for (unsigned alive = 0; alive < 1u << vector_operations[opcode].sources; alive++)
                check_operation(native, vector_bytes, opcode, type, alive, VECTOR_NONE, false);
}

static void test_operations(void **state) {
    (void)state;
    for_all_widths(check_all_operations);
}

/* Every choice of parts. */
static void check_parts(struct native *native, int vector_bytes, enum data_type type) {
    for (int64_t numbers = 0; numbers < 256; numbers++) {
        struct vector_program *program = native_program(native, vector_bytes);
        int a = native_load(program, type, 0), b = native_load(program, type, 64);
        struct vector_instruction *parts =
            native_append(program, program->top, VECTOR_SHUFFLE_PARTS, type);
        parts->sources[0] = a;
        parts->sources[1] = b;
        parts->immediate = numbers;
        native_store(program, type, parts->destination, 0);
        if (numbers & 1)
            native_store(program, type, b, 64);
        fill_input(native, type, (uint64_t)numbers);
        native_check(native, program, type);
    }
}

static void test_parts(void **state) {
    (void)state;
    for_all_widths(check_parts);
}

/* Every choice of lanes; sources that die, stay or are one, a destination that is a source, the
 * second source in memory. */
static void check_alternate(struct native *native, int vector_bytes, enum data_type type) {
    for (int pattern = 0; pattern < 4 * 4 * 3 * 2; pattern++) {
        struct vector_program *program = native_program(native, vector_bytes);
        int alive = pattern / 4 % 4, form = pattern / 16 % 3;
        bool variable = pattern / 48;
        int a = native_load(program, type, 4), b = native_load(program, type, 76);
        struct vector_instruction *pick =
            native_append(program, program->top, VECTOR_PICK_ALTERNATE, type);
        pick->sources[0] = a;
        pick->sources[1] = form == 0 ? b : form == 1 ? a : VECTOR_NONE;
        pick->memory_source = form == 2 ? 1 : VECTOR_NONE;
        pick->address.displacement = 140;
        pick->immediate = pattern % 4;
        if (variable) { /* the destination is a source */
            pick->destination = form == 0 && alive & 1 ? b : a;
            program->values[pick->destination].is_variable = true;
        }
        native_store(program, type, pick->destination, 0);
        if (alive & 1)
            native_store(program, type, a, 64);
        if (alive & 2)
            native_store(program, type, b, 128);
        fill_input(native, type, (uint64_t)pattern);
        native_check(native, program, type);
    }
}

static void test_alternate(void **state) {
    (void)state;
    for_all_widths(check_alternate);
}

/* Every known mask: plain stores of pieces where masks are vectors. A second user of the mask needs
 * it in a register all the same. */
static void check_masked_stores(struct native *native, int vector_bytes, enum data_type type) {
    int lanes = vector_bytes / data_types[type].bytes;
    for (int64_t bits = 0; bits < INT64_C(1) << lanes && bits < 2048; bits++) {
        struct vector_program *program = native_program(native, vector_bytes);
        int value = native_load(program, type, 0), mask = make_mask(program, type, bits * 31);
        struct vector_instruction *store = native_append(program, program->top, VECTOR_STORE, type);
        store->sources[0] = value;
        store->mask = mask;
        store->address.base = -2;
        store->address.displacement = 20;
        if (bits % 5 == 0)
            native_store(program, type, show_mask(program, type, mask), 128);
        if (bits & 1)
            native_store(program, type, value, 256);
        fill_input(native, type, (uint64_t)bits);
        native_check(native, program, type);
    }
}

static void test_masked_stores(void **state) {
    (void)state;
    for_all_widths(check_masked_stores);
}

static bool may_be_in_memory(const struct native *native, enum vector_opcode opcode, int source) {
    const struct vector_operation_info *info = &vector_operations[opcode];
    if (opcode < VECTOR_ADD || opcode >= VECTOR_MASK_CONSTANT)
        return false;
    if (opcode >= VECTOR_SHIFT_LEFT && opcode <= VECTOR_SHIFT_RIGHT_ARITHMETIC)
        return native->description.mask_registers > 0;
    return info->commutes || source == info->sources - 1;
}

static void check_memory_sources(struct native *native, int vector_bytes, enum data_type type) {
    bool broadcasts = native->description.mask_registers > 0;
    for (int opcode = 0; opcode < VECTOR_OPCODE_COUNT; opcode++) {
        if (!is_plain(opcode) || !native->target->supports(opcode, type))
            continue;
        for (int source = 0; source < vector_operations[opcode].sources; source++)
            for (unsigned alive = 0; alive < 1u << vector_operations[opcode].sources; alive++) {
                if (!may_be_in_memory(native, opcode, source))
                    continue;
                check_operation(native, vector_bytes, opcode, type, alive, source, false);
                if (broadcasts)
                    check_operation(native, vector_bytes, opcode, type, alive, source, true);
            }
    }
}

static void test_memory_sources(void **state) {
    (void)state;
    for_all_widths(check_memory_sources);
}

/* A source used twice, and a destination that is a source's variable. */
static void check_shared_sources(struct native *native, int vector_bytes, enum data_type type) {
    for (int pattern = 0; pattern < 27; pattern++) {
        struct vector_program *program = native_program(native, vector_bytes);
        int pick[3] = {pattern % 3, pattern / 3 % 3, pattern / 9}, values[3];
        struct vector_instruction *instruction;
        if (!native->target->supports(VECTOR_MULTIPLY_ADD, type))
            return;
        for (int i = 0; i < 3; i++)
            values[i] = native_load(program, type, 80 * i);
        instruction = native_append(program, program->top, VECTOR_MULTIPLY_ADD, type);
        for (int i = 0; i < 3; i++)
            instruction->sources[i] = values[pick[i]];
        native_store(program, type, instruction->destination, 0);
        if (pattern & 1)
            native_store(program, type, values[0], 64);
        fill_input(native, type, (uint64_t)pattern);
        native_check(native, program, type);
    }
}

static void test_shared_sources(void **state) {
    (void)state;
    for_all_widths(check_shared_sources);
}

static void test_supports_is_true(void **state) {
    (void)state;
    for (int t = 0; t < NATIVE_TARGETS; t++) {
        const struct target *target = target_find(native_targets[t]);
        for (int opcode = 0; opcode < VECTOR_OPCODE_COUNT; opcode++) {
            assert_int_equal(target->supports(opcode, TYPE_F32), opcode != VECTOR_FUNCTION);
            assert_false(target->supports(opcode, TYPE_BF16));
        }
        assert_false(target->supports(VECTOR_DIVIDE, TYPE_S32));
        assert_true(target->supports(VECTOR_MULTIPLY_ADD, TYPE_F64));
    }
    assert_false(target_find("x86-avx2")->supports(VECTOR_SHIFT_RIGHT_ARITHMETIC, TYPE_F64));
    assert_true(target_find("x86-avx512")->supports(VECTOR_SHIFT_RIGHT_ARITHMETIC, TYPE_F64));
    assert_null(target_find("vax"));
    assert_null(target_find("c")->encode);
}

/* --- Counts, strides, masks --- */

static void check_counts(struct native *native, int vector_bytes, enum data_type type) {
    static const int64_t counts[] = {
        0, 1, 2, 3, 5, 15, 16, 17, 255, 257, -1, -16, INT64_MIN, INT64_MAX, INT64_C(1) << 32};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        struct vector_program *program = native_program(native, vector_bytes);
        struct vector_instruction *mask =
            native_append(program, program->top, VECTOR_MASK_COUNT, type);
        mask->immediate = 4;
        native->words[4] = counts[i];
        native_store(program, type, show_mask(program, type, mask->destination), 0);
        native_check(native, program, type);
    }
}

static void test_counts(void **state) {
    (void)state;
    for_all_widths(check_counts);
}

/* Masks of both kinds: known to the encoder, and only known when it runs. */
static int some_mask(struct vector_program *program, enum data_type type, int kind, int64_t bits) {
    struct vector_instruction *compare;
    int a, b;
    if (kind == 0)
        return VECTOR_NONE;
    if (kind == 1)
        return make_mask(program, type, bits);
    a = native_load(program, type, 640);
    b = native_load(program, type, 720);
    compare = native_append(program, program->top, VECTOR_MASK_LESS, type);
    compare->sources[0] = a;
    compare->sources[1] = b;
    return compare->destination;
}

static void check_one_stride(struct native *native, int vector_bytes, enum data_type type,
                             int64_t stride, int kind) {
    struct vector_program *program = native_program(native, vector_bytes);
    int mask = some_mask(program, type, kind % 3, 0xb6d5);
    bool dies = kind >= 3; /* last used by the load: the result may take its register */
    struct vector_instruction *load =
        native_append(program, program->top, VECTOR_LOAD_STRIDED, type);
    struct vector_instruction *store;
    load->stride = stride;
    load->address.displacement = 8;
    load->mask = mask;
    store = native_append(program, program->top, VECTOR_STORE_STRIDED, type);
    store->sources[0] = load->destination;
    store->address.base = -2;
    store->address.displacement = -16;
    store->stride = stride;
    store->mask = dies ? VECTOR_NONE : mask;
    native_store(program, type, load->destination, 2048);
    if (mask != VECTOR_NONE && !dies) /* the mask must still be what it was */
        native_store(program, type, show_mask(program, type, mask), 3072);
    fill_input(native, type, (uint64_t)stride + 99);
    native_check(native, program, type);
}

static void check_strides(struct native *native, int vector_bytes, enum data_type type) {
    static const int strides[] = {1, 2, 3, 17, 28, -1, -3, -17};
    for (size_t i = 0; i < sizeof strides / sizeof strides[0]; i++)
        for (int kind = 0; kind < 6; kind++)
            check_one_stride(native, vector_bytes, type, strides[i] * data_types[type].bytes, kind);
}

static void test_strides(void **state) {
    (void)state;
    for_all_widths(check_strides);
}

static void test_stride_limits(void **state) {
    (void)state;
    for (int t = 0; t < NATIVE_TARGETS; t++) {
        struct native *native = malloc(sizeof *native);
        struct vector_program *program;
        struct vector_instruction *load;
        struct machine_code code;
        native_open(native, t);
        program = native_program(native, 32);
        load = native_append(program, program->top, VECTOR_LOAD_STRIDED, TYPE_F32);
        load->stride = INT64_C(1) << 30;
        assert_int_equal(native->target->encode(program, &native->description, &native->arena,
                                                &code, &native->error),
                         DLT_ERROR_REFUSED);
        assert_non_null(
            strstr(native->error.message, "load_strided: a stride of 1073741824 bytes"));
        native_close(native);
        free(native);
    }
}

/* Masked accesses flush against pages that cannot be touched. */
static void check_guarded(struct native *native, int vector_bytes, enum data_type type) {
    long page = 4096;
    int lane_bytes = data_types[type].bytes, lanes = vector_bytes / lane_bytes;
    unsigned char *pages =
        mmap(NULL, 3 * (size_t)page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(pages != MAP_FAILED);
    assert_int_equal(mprotect(pages + page, (size_t)page, PROT_READ | PROT_WRITE), 0);
    for (int count = 0; count <= lanes; count++)
        for (int form = 0; form < 6; form++) {
            struct vector_program *program = native_program(native, vector_bytes);
            bool strided = form & 1, at_end = form < 4, counted = form & 2;
            struct vector_instruction *mask, *load, *store;
            int64_t kept = (INT64_C(1) << count) - 1;
            mask =
                native_append(program, program->top,
                              counted && at_end ? VECTOR_MASK_COUNT : VECTOR_MASK_CONSTANT, type);
            /* At the end the first lanes are real; at the begin the last ones. */
            mask->immediate = counted && at_end ? 3 : at_end ? kept : kept << (lanes - count);
            native->words[3] = count;
            native->words[2] =
                (int64_t)(intptr_t)(at_end ? pages + 2 * page - count * lane_bytes
                                           : pages + page - (lanes - count) * lane_bytes);
            load = native_append(program, program->top, strided ? VECTOR_LOAD_STRIDED : VECTOR_LOAD,
                                 type);
            load->stride = lane_bytes;
            load->address.base = -3;
            load->mask = mask->destination;
            store = native_append(program, program->top,
                                  strided ? VECTOR_STORE_STRIDED : VECTOR_STORE, type);
            store->stride = lane_bytes;
            store->sources[0] = load->destination;
            store->address.base = -3;
            store->mask = mask->destination;
            native_store(program, type, load->destination, 0);
            memset(pages + page, 0x21, (size_t)page);
            native_check(native, program, type);
        }
    munmap(pages, 3 * (size_t)page);
}

static void test_masked_lanes_are_not_touched(void **state) {
    (void)state;
    for_all_widths(check_guarded);
}

static void check_stream_and_prefetch(struct native *native, int vector_bytes,
                                      enum data_type type) {
    struct vector_program *program = native_program(native, vector_bytes);
    struct vector_instruction *broadcast, *store;
    native_append(program, program->top, VECTOR_PREFETCH, type)->address.displacement = 128;
    broadcast = native_append(program, program->top, VECTOR_LOAD_BROADCAST, type);
    broadcast->address.displacement = 24;
    store = native_append(program, program->top, VECTOR_STORE_STREAM, type);
    store->sources[0] = broadcast->destination;
    store->address.base = -3;
    native_store(program, type, broadcast->destination, 64);
    native->words[2] = (int64_t)(intptr_t)aligned_alloc(64, 64);
    fill_input(native, type, 5);
    native_check(native, program, type);
    if (target_runs_here(native->target->name))
        assert_memory_equal((void *)(intptr_t)native->words[2],
                            native->by_code + NATIVE_BYTES / 2 + 64, (size_t)vector_bytes);
    free((void *)(intptr_t)native->words[2]);
}

static void test_stream_and_prefetch(void **state) {
    (void)state;
    for_all_widths(check_stream_and_prefetch);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_operations),
        cmocka_unit_test(test_memory_sources),
        cmocka_unit_test(test_parts),
        cmocka_unit_test(test_alternate),
        cmocka_unit_test(test_masked_stores),
        cmocka_unit_test(test_shared_sources),
        cmocka_unit_test(test_supports_is_true),
        cmocka_unit_test(test_counts),
        cmocka_unit_test(test_strides),
        cmocka_unit_test(test_stride_limits),
        cmocka_unit_test(test_masked_lanes_are_not_touched),
        cmocka_unit_test(test_stream_and_prefetch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
