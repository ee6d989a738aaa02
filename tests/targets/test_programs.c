/* Whole programs: loops, pointers that follow them, variables, and the limits of registers and
 * code.
 *
 * Programs are made at random from a seed: nested loops with constant and run-time bounds, values
 * that live across them, variables assigned inside. The model says what they should do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/random.h"
#include "native.h"

enum {
    MOST_LIVE = 24,
    MOST_VARIABLES = 5,
    DEEPEST = 4
};

struct maker {
    struct random random;
    struct vector_program *program;
    int live[MOST_LIVE], live_count; /* values that may be used here */
    int variables[MOST_VARIABLES], variable_count;
    int inductions[16], induction_count; /* in scope */
    int limit;                           /* of values alive */
};

static int choose(struct maker *maker, int limit) {
    return (int)random_below(&maker->random, (uint64_t)limit);
}

static int any_value(struct maker *maker) {
    int pick = choose(maker, maker->live_count + maker->variable_count);
    return pick < maker->live_count ? maker->live[pick]
                                    : maker->variables[pick - maker->live_count];
}

/* An address in the input that stays inside whatever the counters are. */
static void set_address(struct maker *maker, struct vector_instruction *instruction) {
    instruction->address.base = maker->induction_count && choose(maker, 4)
                                    ? maker->inductions[choose(maker, maker->induction_count)]
                                    : -1;
    instruction->address.displacement = 4 * choose(maker, 64);
}

static void add_instruction(struct maker *maker, struct vector_block *block) {
    static const enum vector_opcode opcodes[] = {
        VECTOR_LOAD,
        VECTOR_LOAD_BROADCAST,
        VECTOR_LOAD_STRIDED,
        VECTOR_ADD,
        VECTOR_SUBTRACT,
        VECTOR_MULTIPLY,
        VECTOR_MINIMUM,
        VECTOR_MAXIMUM,
        VECTOR_MINIMUM_OR_NAN,
        VECTOR_MAXIMUM_OR_NAN,
        VECTOR_MULTIPLY_ADD,
        VECTOR_MULTIPLY_SUBTRACT,
        VECTOR_NEGATED_MULTIPLY_ADD,
        VECTOR_MULTIPLY_ADD,
        VECTOR_REDUCE_ADD,
        VECTOR_CONSTANT,
        VECTOR_FLOOR,
        VECTOR_MOVE,
    };
    enum vector_opcode opcode = opcodes[choose(maker, sizeof opcodes / sizeof opcodes[0])];
    struct vector_instruction *instruction = vector_append(maker->program, block, opcode, TYPE_F32);
    const struct vector_operation_info *info = &vector_operations[opcode];
    int redefine = maker->variable_count && choose(maker, 3) == 0;
    for (int i = 0; i < info->sources; i++)
        instruction->sources[i] = any_value(maker);
    instruction->address.base = -1;
    if (info->reads_memory)
        set_address(maker, instruction);
    else if (info->sources == 3 && choose(maker, 3) == 0) {
        instruction->memory_source = choose(maker, 3);
        set_address(maker, instruction);
    }
    instruction->stride = 4 * (choose(maker, 9) - 4);
    instruction->constant = choose(maker, 7) - 3;
    if (redefine) {
        instruction->destination = maker->variables[choose(maker, maker->variable_count)];
    } else {
        instruction->destination = vector_value_new(maker->program, CLASS_VECTOR, false);
        if (maker->live_count < maker->limit)
            maker->live[maker->live_count++] = instruction->destination;
        else
            maker->live[choose(maker, maker->live_count)] = instruction->destination;
    }
}

static void add_store(struct maker *maker, struct vector_block *block) {
    struct vector_instruction *store = vector_append(maker->program, block, VECTOR_STORE, TYPE_F32);
    store->sources[0] = any_value(maker);
    store->address.base = -2;
    store->address.displacement = 4 * choose(maker, 128);
}

static void add_block(struct maker *maker, struct vector_block *block, int depth);

static void add_loop(struct maker *maker, struct vector_block *parent, int depth) {
    struct vector_bound begin = {false, choose(maker, 3)},
                        end = {false, begin.value + 1 + choose(maker, 3)};
    int live = maker->live_count, inductions = maker->induction_count;
    int saved[MOST_LIVE];
    struct vector_block *block;
    memcpy(saved, maker->live, sizeof saved);
    if (choose(maker, 2))
        end = (struct vector_bound){true, 2 + choose(maker, 3)};
    if (choose(maker, 3) == 0)
        begin = (struct vector_bound){true, 5};
    block = vector_block_append(maker->program, parent, NULL, begin, end);
    for (int i = choose(maker, 3); i > 0; i--) {
        int from = inductions ? maker->inductions[choose(maker, inductions)] : -1;
        int induction = vector_induction_new(maker->program, block, choose(maker, 2) ? -1 : from,
                                             4 * (choose(maker, 21) - 10));
        if (maker->induction_count < 16)
            maker->inductions[maker->induction_count++] = induction;
    }
    add_block(maker, block, depth + 1);
    /* What was made inside is not to be used outside: the loop may have had no trips. */
    maker->live_count = live;
    maker->induction_count = inductions;
    memcpy(maker->live, saved, sizeof saved);
}

static void add_block(struct maker *maker, struct vector_block *block, int depth) {
    for (int i = 2 + choose(maker, 8); i > 0 && maker->program->value_count < MODEL_VALUES - 64;
         i--) {
        int kind = choose(maker, 10);
        if (kind == 0 && depth < DEEPEST)
            add_loop(maker, block, depth);
        else if (kind < 3)
            add_store(maker, block);
        else
            add_instruction(maker, block);
    }
}

static void make_program(struct maker *maker, struct native *native, uint64_t seed) {
    memset(maker, 0, sizeof *maker);
    random_seed(&maker->random, seed);
    maker->program =
        native_program(native, 16 << choose(maker, native->description.vector_bytes == 64 ? 3 : 2));
    maker->limit = 5;
    for (int i = 0; i < 3; i++)
        maker->live[maker->live_count++] = native_load(maker->program, TYPE_F32, 64 * i);
    for (int i = 0; i < MOST_VARIABLES; i++) {
        struct vector_instruction *load =
            vector_append(maker->program, maker->program->top, VECTOR_LOAD, TYPE_F32);
        load->address.base = -1;
        load->address.displacement = 32 * i;
        load->destination = vector_value_new(maker->program, CLASS_VECTOR, true);
        maker->variables[maker->variable_count++] = load->destination;
    }
    for (int i = 0; i < 3; i++) {
        add_block(maker, maker->program->top, 0);
        add_loop(maker, maker->program->top, 0);
    }
    for (int i = 0; i < MOST_VARIABLES; i++)
        native_store(maker->program, TYPE_F32, maker->variables[i], 2048 + 64 * i);
}

static void test_random_programs(void **state) {
    (void)state;
    for (int t = 0; t < NATIVE_TARGETS; t++) {
        struct native *native = malloc(sizeof *native);
        int encoded = 0;
        native_open(native, t);
        for (int i = 0; i < NATIVE_BYTES / 4; i++)
            model_set(native->input, TYPE_F32, i,
                      (union model_lane){.f32 = (float)((i * 37) % 17 - 8) / 8});
        for (uint64_t seed = 1; seed <= 400; seed++) {
            struct maker maker;
            struct machine_code code;
            make_program(&maker, native, seed);
            native->words[2] = (int64_t)(seed % 4) - 1;
            native->words[3] = (int64_t)(seed / 4 % 3);
            native->words[4] = (int64_t)(seed / 12 % 5);
            native->words[5] = (int64_t)(seed / 60 % 3) - 1;
            /* Some need more registers than AVX2 has; most must not. */
            if (native->target->encode(maker.program, &native->description, &native->arena, &code,
                                       &native->error) == DLT_OK) {
                native_run(native, maker.program, &code, TYPE_F32);
                encoded++;
            } else {
                assert_int_equal(native->error.status, DLT_ERROR_REFUSED);
            }
        }
        assert_true(encoded >= 300);
        native_close(native);
        free(native);
    }
}

/* --- Limits --- */

static dlt_status encode(struct native *native, const struct vector_program *program,
                         struct machine_code *code) {
    return native->target->encode(program, &native->description, &native->arena, code,
                                  &native->error);
}

/* `count` values alive at once. */
static struct vector_program *crowd(struct native *native, int count) {
    struct vector_program *program = native_program(native, 16);
    int first = native_load(program, TYPE_F32, 0);
    for (int i = 1; i < count; i++)
        native_load(program, TYPE_F32, 4 * i);
    for (int i = 0; i < count; i++)
        native_store(program, TYPE_F32, first + i, 16 * i);
    return program;
}

static void test_vector_registers_run_out(void **state) {
    static const char *const messages[] = {
        "the tile needs 33 vector registers, x86-avx512 has 32",
        "the tile needs 17 vector registers, x86-avx2 has 16",
    };
    (void)state;
    for (int t = 0; t < NATIVE_TARGETS; t++) {
        struct native *native = malloc(sizeof *native);
        struct machine_code code;
        int registers;
        native_open(native, t);
        registers = native->description.vector_registers;
        native_check(native, crowd(native, registers), TYPE_F32);
        assert_int_equal(encode(native, crowd(native, registers), &code), DLT_OK);
        assert_int_equal(code.vector_registers, registers);
        assert_int_equal(encode(native, crowd(native, registers + 1), &code), DLT_ERROR_REFUSED);
        assert_string_equal(native->error.message, messages[t]);
        native_close(native);
        free(native);
    }
}

static void test_mask_registers_run_out(void **state) {
    (void)state;
    for (int masks = 7; masks <= 8; masks++) {
        struct native *native = malloc(sizeof *native);
        struct vector_program *program;
        struct machine_code code;
        int first;
        native_open(native, 0);
        program = native_program(native, 64);
        first = program->value_count;
        for (int i = 0; i < masks; i++)
            native_append(program, program->top, VECTOR_MASK_CONSTANT, TYPE_F32)->immediate = i;
        for (int i = 0; i < masks; i++)
            native_append(program, program->top, VECTOR_LOAD, TYPE_F32)->mask = first + i;
        assert_int_equal(encode(native, program, &code), masks == 7 ? DLT_OK : DLT_ERROR_REFUSED);
        if (masks == 8)
            assert_string_equal(native->error.message,
                                "the tile needs 8 mask registers, x86-avx512 has 7");
        native_close(native);
        free(native);
    }
}

/* Loops in loops, each with a counter and pointers: counters go to the stack, then it is
 * refused. */
static struct vector_program *deep(struct native *native, int depth, int pointers) {
    struct vector_program *program = native_program(native, 16);
    struct vector_block *block = program->top;
    struct vector_instruction *store;
    int induction = -1, sum = native_load(program, TYPE_F32, 0);
    program->values[sum].is_variable = true;
    for (int i = 0; i < depth; i++) {
        struct vector_bound end = {i % 2 == 1, i % 2 == 1 ? 2 : 2};
        block = vector_block_append(program, block, NULL, (struct vector_bound){false, 0}, end);
        for (int p = 0; p < pointers; p++) {
            struct vector_instruction *add;
            int loaded;
            induction = vector_induction_new(program, block, p ? -1 : induction, 4 * (i + p + 1));
            store = native_append(program, block, VECTOR_LOAD_BROADCAST, TYPE_F32);
            store->address.base = induction;
            loaded = store->destination;
            add = vector_append(program, block, VECTOR_ADD, TYPE_F32);
            add->sources[0] = sum;
            add->sources[1] = loaded;
            add->destination = sum;
        }
    }
    native_store(program, TYPE_F32, sum, 0);
    return program;
}

static void test_loop_counters_go_to_the_stack(void **state) {
    (void)state;
    for (int t = 0; t < NATIVE_TARGETS; t++) {
        struct native *native = malloc(sizeof *native);
        struct machine_code code;
        native_open(native, t);
        for (int i = 0; i < NATIVE_BYTES / 4; i++)
            model_set(native->input, TYPE_F32, i, (union model_lane){.f32 = (float)(i % 11)});
        native->words[2] = 3;
        for (int depth = 1; depth <= 11; depth++)
            native_check(native, deep(native, depth, 1), TYPE_F32);
        assert_int_equal(encode(native, deep(native, 20, 1), &code), DLT_ERROR_REFUSED);
        assert_non_null(strstr(native->error.message, "the tile needs "));
        assert_non_null(strstr(native->error.message, " general registers, "));
        native_close(native);
        free(native);
    }
}

static void test_code_size_is_limited(void **state) {
    char message[100];
    (void)state;
    for (int t = 0; t < NATIVE_TARGETS; t++) {
        struct native *native = malloc(sizeof *native);
        struct machine_code code;
        native_open(native, t);
        assert_int_equal(encode(native, crowd(native, 8), &code), DLT_OK);
        native->description.code_bytes = (int)code.code_size;
        assert_int_equal(encode(native, crowd(native, 8), &code), DLT_OK);
        native->description.code_bytes--;
        assert_int_equal(encode(native, crowd(native, 8), &code), DLT_ERROR_REFUSED);
        snprintf(message, sizeof message, "the tile takes %d bytes of code, %s allows %d",
                 native->description.code_bytes + 1, native_targets[t],
                 native->description.code_bytes);
        assert_string_equal(native->error.message, message);
        native_close(native);
        free(native);
    }
}

static void expect_argument(struct native *native, const struct vector_program *program,
                            const char *message) {
    struct machine_code code;
    assert_int_equal(encode(native, program, &code), DLT_ERROR_ARGUMENT);
    assert_non_null(strstr(native->error.message, message));
}

static void test_malformed_programs(void **state) {
    struct native *native = malloc(sizeof *native);
    struct vector_program *program;
    int mask;
    (void)state;
    native_open(native, 1);
    expect_argument(native, native_program(native, 64), "vector_bytes: 64 is not 16 or 32");
    program = native_program(native, 32);
    native_store(program, TYPE_F32, 3, 0);
    expect_argument(native, program, "store: 3 is not one of the 0 values");
    program = native_program(native, 32);
    native_append(program, program->top, VECTOR_LOAD, TYPE_F32)->address.base = 2;
    expect_argument(native, program, "load: 2 is not one of the 0 inductions");
    program = native_program(native, 32);
    native_append(program, program->top, VECTOR_LOAD, TYPE_F32)->address.base = -1 - NATIVE_WORDS;
    expect_argument(native, program, "load: 8 is not one of the 8 words");
    program = native_program(native, 32);
    native_append(program, program->top, VECTOR_LOAD, TYPE_F32)->address.term_count = 1;
    expect_argument(native, program, "load: its address is not folded");
    program = native_program(native, 32);
    mask = native_append(program, program->top, VECTOR_MASK_CONSTANT, TYPE_F32)->destination;
    native_append(program, program->top, VECTOR_CONSTANT, TYPE_F32)->mask = mask;
    expect_argument(native, program, "constant: takes no mask");
    program = native_program(native, 32);
    mask = native_append(program, program->top, VECTOR_MASK_CONSTANT, TYPE_F32)->destination;
    native_append(program, program->top, VECTOR_MOVE, TYPE_F32)->sources[0] = mask;
    expect_argument(native, program, "move: value 0 is a mask, not a vector");
    program = native_program(native, 32);
    native_append(program, program->top, VECTOR_MASK_COUNT, TYPE_F32)->immediate = NATIVE_WORDS;
    expect_argument(native, program, "mask_count: 8 is not one of the 8 words");
    program = native_program(native, 32);
    vector_block_append(program, program->top, NULL, (struct vector_bound){false, 4},
                        (struct vector_bound){false, 4});
    expect_argument(native, program, "loop: from 4 to 4 it has no trips");
    native_close(native);
    free(native);
}

static void test_out_of_memory_is_survived(void **state) {
    struct native *native = malloc(sizeof *native);
    struct arena starved;
    (void)state;
    native_open(native, 1);
    for (size_t limit = 64; limit < 4096; limit += 256) {
        struct vector_program *program = crowd(native, 8);
        struct machine_code code;
        arena_initialise(&starved);
        starved.limit = limit;
        if (!arena_recover(&starved))
            (void)native->target->encode(program, &native->description, &starved, &code,
                                         &native->error);
        arena_free(&starved);
    }
    native_close(native);
    free(native);
}

static void test_empty_program(void **state) {
    struct native *native = malloc(sizeof *native);
    (void)state;
    native_open(native, 1);
    native_check(native, native_program(native, 32), TYPE_F32);
    native_close(native);
    free(native);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_programs),
        cmocka_unit_test(test_vector_registers_run_out),
        cmocka_unit_test(test_mask_registers_run_out),
        cmocka_unit_test(test_loop_counters_go_to_the_stack),
        cmocka_unit_test(test_code_size_is_limited),
        cmocka_unit_test(test_malformed_programs),
        cmocka_unit_test(test_out_of_memory_is_survived),
        cmocka_unit_test(test_empty_program),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
