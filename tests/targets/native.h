/* Running a vector program both ways, by the model and as machine code, and comparing all
 * memory. */
#ifndef TESTS_TARGETS_NATIVE_H
#define TESTS_TARGETS_NATIVE_H

#include "targets/jit/code_memory.h"
#include "targets/target.h"
#include "vector_model.h"

#include <stdio.h>
#include <sys/mman.h>

enum {
    NATIVE_BYTES = 8192,
    NATIVE_WORDS = 8
};

/* Words 0 and 1 are pointers: into the input, into the output. The middle of each is pointed to, so
 * that negative strides stay inside. */
struct native {
    const struct target *target;
    struct target_description description;
    struct arena arena;
    struct error error;
    unsigned char input[NATIVE_BYTES], by_model[NATIVE_BYTES], by_code[NATIVE_BYTES];
    int64_t words[NATIVE_WORDS];
};

static const char *const native_targets[] = {"x86-avx512", "x86-avx2"};
enum {
    NATIVE_TARGETS = 2
};

static void native_open(struct native *native, int number) {
    memset(native, 0, sizeof *native);
    arena_initialise(&native->arena);
    native->target = target_find(native_targets[number]);
    assert_non_null(native->target);
    assert_int_equal(target_describe(native_targets[number], &native->description, &native->error),
                     DLT_OK);
}

static void native_close(struct native *native) {
    arena_free(&native->arena);
}

static struct vector_program *native_program(struct native *native, int vector_bytes) {
    arena_reset(&native->arena);
    return vector_program_create(&native->arena, vector_bytes, 2, NATIVE_WORDS, NULL);
}

static struct vector_instruction *native_append(struct vector_program *program,
                                                struct vector_block *block,
                                                enum vector_opcode opcode, enum data_type type) {
    struct vector_instruction *instruction = vector_append(program, block, opcode, type);
    if (vector_operations[opcode].has_destination)
        instruction->destination =
            vector_value_new(program, vector_operations[opcode].destination_class, false);
    instruction->address.base = -1;
    return instruction;
}

/* A value loaded from the input. */
static inline int native_load(struct vector_program *program, enum data_type type,
                              int64_t displacement) {
    struct vector_instruction *load = native_append(program, program->top, VECTOR_LOAD, type);
    load->address.displacement = displacement;
    return load->destination;
}

static inline void native_store(struct vector_program *program, enum data_type type, int value,
                                int64_t displacement) {
    struct vector_instruction *store = native_append(program, program->top, VECTOR_STORE, type);
    store->sources[0] = value;
    store->address.base = -2;
    store->address.displacement = displacement;
}

static void native_compare(const struct native *native, const struct vector_program *program,
                           enum data_type type) {
    int bytes = data_types[type].bytes;
    for (int at = 0; at < NATIVE_BYTES; at += bytes) {
        union model_lane model = model_get(native->by_model + at, type, 0);
        union model_lane code = model_get(native->by_code + at, type, 0);
        bool both_nan = type == TYPE_F32   ? isnan(model.f32) && isnan(code.f32)
                        : type == TYPE_F64 ? isnan(model.f64) && isnan(code.f64)
                                           : false;
        if (model.bits64 != code.bits64 && !both_nan) {
            struct text text = {0};
            vector_program_print(&text, program);
            fail_msg("%s: output byte %d: model %016llx, code %016llx\n%s", native->target->name,
                     at - NATIVE_BYTES / 2, (unsigned long long)model.bits64,
                     (unsigned long long)code.bits64, text_string(&text));
        }
    }
}

static void native_call(const void *code, const int64_t *words) {
    void (*tile)(const int64_t *);
    memcpy(&tile, &code, sizeof tile);
    tile(words);
}

/* Runs both ways where the target runs; compares lanes as `type`. */
static void native_run(struct native *native, const struct vector_program *program,
                       const struct machine_code *code, enum data_type type) {
    struct code_memory memory;
    if (!target_runs_here(native->target->name))
        return;
    assert_int_equal(code_memory_create(code->bytes, code->size, &memory, &native->error), DLT_OK);
    memset(native->by_model, 0x5a, NATIVE_BYTES);
    memset(native->by_code, 0x5a, NATIVE_BYTES);
    native->words[0] = (int64_t)(intptr_t)(native->input + NATIVE_BYTES / 2);
    native->words[1] = (int64_t)(intptr_t)(native->by_model + NATIVE_BYTES / 2);
    model_run(program, native->words);
    native->words[1] = (int64_t)(intptr_t)(native->by_code + NATIVE_BYTES / 2);
    native_call(memory.code, native->words);
    code_memory_free(&memory);
    native_compare(native, program, type);
}

static inline void native_check(struct native *native, const struct vector_program *program,
                                enum data_type type) {
    struct machine_code code;
    if (native->target->encode(program, &native->description, &native->arena, &code,
                               &native->error) != DLT_OK)
        fail_msg("%s", native->error.message);
    native_run(native, program, &code, type);
}

#endif
