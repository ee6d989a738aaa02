/* What debuggers are told of a tile's stack, beside what its instructions do to it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/text.h"
#include "tests/targets/native.h"

#include <stdlib.h>
#include <string.h>

enum {
    REGISTERS = 17, /* as DWARF counts them, the return address too */
};

/* Where the caller's frame is from the stack pointer, and registers from the caller's frame. */
struct frame {
    int offset;
    int saved[REGISTERS]; /* 0: where it was at the entry */
};

static unsigned take_number(const unsigned char **at) {
    unsigned number = 0;
    for (int shift = 0;; shift += 7, (*at)++) {
        number |= (**at & 0x7fu) << shift;
        if (**at < 0x80)
            break;
    }
    (*at)++;
    return number;
}

/* What the call frame instructions say of a place in the code. */
static struct frame told_frame(const struct machine_code *code, size_t place) {
    struct frame frame = {.offset = 8};
    const unsigned char *at = code->unwinding, *end = at + code->unwinding_size;
    size_t location = 0;
    while (at < end) {
        unsigned char operation = *at++;
        uint32_t advance;
        if (operation == 0x04) {
            memcpy(&advance, at, sizeof advance);
            at += sizeof advance;
            location += advance;
            if (location > place)
                break;
        } else if (operation == 0x0e) {
            frame.offset = (int)take_number(&at);
        } else if ((operation & 0xc0) == 0x80) {
            assert_true((operation & 0x3f) < REGISTERS);
            frame.saved[operation & 0x3f] = -8 * (int)take_number(&at);
        } else {
            fail_msg("operation %02x", operation);
        }
    }
    return frame;
}

static int dwarf_number(const char *name) {
    static const char *const names[] = {"rax", "rdx", "rcx", "rbx", "rsi", "rdi", "rbp", "rsp",
                                        "r8",  "r9",  "r10", "r11", "r12", "r13", "r14", "r15"};
    for (int i = 0; i < 16; i++)
        if (strcmp(names[i], name) == 0)
            return i;
    fail_msg("%s is no register", name);
    return -1;
}

/* What one line of disassembly does; only the function's ends move the stack pointer. */
static void follow(struct frame *frame, const char *line) {
    const char *found;
    char name[16];
    long long bytes;
    if ((found = strstr(line, "  push ")) && sscanf(found, " push %15s", name) == 1) {
        frame->offset += 8;
        frame->saved[dwarf_number(name)] = -frame->offset;
    } else if (strstr(line, "  pop ")) {
        frame->offset -= 8;
    } else if ((found = strstr(line, "  sub rsp, "))) {
        assert_int_equal(sscanf(found, " sub rsp, %lli", &bytes), 1);
        frame->offset += (int)bytes;
    } else if ((found = strstr(line, "  add rsp, "))) {
        assert_int_equal(sscanf(found, " add rsp, %lli", &bytes), 1);
        frame->offset -= (int)bytes;
    }
}

/* Compares before each instruction; the most that was on the stack. */
static int check_frames(const struct target *target, const struct machine_code *code) {
    struct frame frame = {.offset = 8};
    struct text text = {0};
    int deepest = 0;
    target->disassemble(&text, code);
    for (char *line = strtok(text.data, "\n"); line; line = strtok(NULL, "\n")) {
        size_t place = strtoul(line, NULL, 16);
        if (place >= code->code_size)
            break;
        struct frame told = told_frame(code, place);
        if (told.offset != frame.offset || memcmp(told.saved, frame.saved, sizeof frame.saved) != 0)
            fail_msg("%s: frame at %d, told %d", line, frame.offset, told.offset);
        follow(&frame, line);
        deepest = frame.offset > deepest ? frame.offset : deepest;
    }
    assert_int_equal(frame.offset, 8);
    text_free(&text);
    return deepest;
}

/* Loops in loops, each with a counter and a pointer of its own. */
static struct vector_program *deep(struct native *native, int depth) {
    struct vector_program *program = native_program(native, 16);
    struct vector_block *block = program->top;
    int induction = -1;
    for (int i = 0; i < depth; i++) {
        struct vector_bound begin = {false, 0}, end = {false, 2};
        block = vector_block_append(program, block, NULL, begin, end);
        induction = vector_induction_new(program, block, induction, 4 * (i + 1));
        struct vector_instruction *load =
            native_append(program, block, VECTOR_LOAD_BROADCAST, TYPE_F32);
        load->address.base = induction;
        struct vector_instruction *store = native_append(program, block, VECTOR_STORE, TYPE_F32);
        store->sources[0] = load->destination;
        store->address.base = -2;
    }
    return program;
}

static void what_is_told_is_so(void **state) {
    (void)state;
    for (int t = 0; t < NATIVE_TARGETS; t++) {
        struct native *native = malloc(sizeof *native);
        int deepest = 0;
        native_open(native, t);
        for (int depth = 0; depth <= 11; depth++) {
            struct machine_code code;
            if (native->target->encode(deep(native, depth), &native->description, &native->arena,
                                       &code, &native->error) != DLT_OK)
                fail_msg("%s", native->error.message);
            deepest = check_frames(native->target, &code);
            if (depth == 0)
                assert_int_equal(deepest, 8);
        }
        assert_true(deepest >= 8 * (1 + 6 + 1)); /* all six registers and a counter */
        native_close(native);
        free(native);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_told_is_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
