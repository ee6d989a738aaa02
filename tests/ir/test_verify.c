/* The verifier finds what is planted: each fault is put into a program that was well formed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "ir/lower.h"
#include "ir/verify.h"
#include "te/task.h"

/* v0 = load [in + 8*i + 64]; in a loop over i: v1 = add v0, v0; m2 = mask 0xff; store v1 mask
 * m2. */
struct example {
    struct arena arena;
    struct variable counter;
    struct vector_program *program;
    struct vector_block *loop;
    struct vector_instruction *load, *add, *mask, *store;
};

static struct vector_instruction *append(struct example *e, struct vector_block *block,
                                         enum vector_opcode opcode) {
    struct vector_instruction *instruction = vector_append(e->program, block, opcode, TYPE_F32);
    const struct vector_operation_info *info = &vector_operations[opcode];
    if (info->has_destination)
        instruction->destination = vector_value_new(e->program, info->destination_class, false);
    return instruction;
}

static void make(struct example *e) {
    struct vector_bound begin = {false, 0}, end = {false, 5};
    memset(e, 0, sizeof *e);
    arena_initialise(&e->arena);
    e->counter = (struct variable){"i", 1, 0, 5};
    e->program = vector_program_create(&e->arena, 32, 2, 4, NULL);
    e->load = append(e, e->program->top, VECTOR_LOAD);
    e->load->address = (struct vector_address){.base = 0, .displacement = 64};
    e->loop = vector_block_append(e->program, e->program->top, &e->counter, begin, end);
    e->add = append(e, e->loop, VECTOR_ADD);
    e->add->sources[0] = e->add->sources[1] = e->load->destination;
    e->mask = append(e, e->loop, VECTOR_MASK_CONSTANT);
    e->mask->immediate = 0xff;
    e->store = append(e, e->loop, VECTOR_STORE);
    e->store->sources[0] = e->add->destination;
    e->store->mask = e->mask->destination;
    e->store->address = (struct vector_address){
        .base = 1, .term_count = 1, .terms[0] = {.counter = &e->counter, .stride = 32}};
}

static void use_before_definition(struct example *e) {
    e->load->opcode = VECTOR_MOVE;
    e->load->sources[0] = e->add->destination;
}

static void use_behind_loop(struct example *e) {
    struct vector_instruction *store = append(e, e->program->top, VECTOR_STORE);
    store->sources[0] = e->add->destination;
    store->address.base = 1;
}

static void second_assignment(struct example *e) {
    e->add->destination = e->load->destination;
}

static void value_that_is_none(struct example *e) {
    e->add->sources[1] = 77;
}

static void missing_source(struct example *e) {
    e->add->sources[1] = VECTOR_NONE;
}

static void source_too_many(struct example *e) {
    e->add->sources[2] = e->load->destination;
}

static void mask_as_vector(struct example *e) {
    e->store->sources[0] = e->mask->destination;
}

static void mask_where_none_may_be(struct example *e) {
    struct vector_instruction *sum = append(e, e->loop, VECTOR_ADD);
    sum->sources[0] = sum->sources[1] = e->load->destination;
    sum->mask = e->mask->destination;
}

static void blend_without_mask(struct example *e) {
    e->add->opcode = VECTOR_BLEND;
}

static void other_lanes(struct example *e) {
    e->add->type = TYPE_F64;
}

static void mask_of_lanes_beyond(struct example *e) {
    e->mask->immediate = 0x100;
}

static void destination_of_store(struct example *e) {
    e->store->destination = e->add->destination;
}

static void counter_of_no_loop(struct example *e) {
    static const struct variable other = {"j", 2, 0, 3};
    e->store->address.terms[0].counter = &other;
}

static void address_from_a_bound(struct example *e) {
    e->load->address.base = 2; /* words 2 and 3 are numbers */
}

static void loop_without_trips(struct example *e) {
    e->loop->end.value = 0;
}

static void loop_to_no_word(struct example *e) {
    e->loop->end = (struct vector_bound){true, 4};
}

static void loop_counted_twice(struct example *e) {
    vector_block_append(e->program, e->loop, &e->counter, e->loop->begin, e->loop->end);
}

static void wrong_parent(struct example *e) {
    e->loop->parent = e->loop;
}

static void address_not_folded(struct example *e) {
    e->program->is_folded = true;
    e->load->address.base = -1;
}

static void induction_of_another_loop(struct example *e) {
    int induction = vector_induction_new(e->program, e->loop, -1, 32);
    e->program->is_folded = true;
    e->load->address.base = induction;
    e->store->address.base = induction;
    e->store->address.term_count = 0;
}

static const struct {
    void (*plant)(struct example *);
    const char *message; /* a part of it */
} faults[] = {
    {use_before_definition, "used before it is defined"},
    {use_behind_loop, "defined in a loop that is not around it"},
    {second_assignment, "assigned a second time"},
    {value_that_is_none, "77 is not one of the 3 values"},
    {missing_source, "-1 is not one of the 3 values"},
    {source_too_many, "source 2 is 0, it should be none"},
    {mask_as_vector, "is a mask, not a vector"},
    {mask_where_none_may_be, "it has a mask"},
    {blend_without_mask, "it has no mask"},
    {other_lanes, "has lanes of 4 bytes, not 8"},
    {mask_of_lanes_beyond, "lanes beyond the 8"},
    {destination_of_store, "it has a destination"},
    {counter_of_no_loop, "follows j, no loop around it"},
    {address_from_a_bound, "which is no pointer"},
    {loop_without_trips, "it has no trips"},
    {loop_to_no_word, "4 is not one of the 4 words"},
    {loop_counted_twice, "i is counted by a loop around it"},
    {wrong_parent, "its parent is another block"},
    {address_not_folded, "its address is not folded"},
    {induction_of_another_loop, "belongs to a loop that is not around it"},
};

static void test_vector_faults_are_named(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        struct example example;
        struct error error = {.status = DLT_OK};
        make(&example);
        if (verify_vectors(example.program, &error) != DLT_OK)
            fail_msg("before: %s", error.message);
        faults[i].plant(&example);
        assert_int_equal(verify_vectors(example.program, &error), DLT_ERROR_ARGUMENT);
        if (!strstr(error.message, faults[i].message))
            fail_msg("'%s' does not say '%s'", error.message, faults[i].message);
        arena_free(&example.arena);
    }
}

/* Loop programs: a lowered product, broken. */

static struct node *first_store(struct node *nodes) {
    for (struct node *node = nodes; node; node = node->next) {
        struct node *found = node->kind == NODE_STORE ? node : first_store(node->body);
        if (found)
            return found;
    }
    return NULL;
}

static void free_variable(struct program *program) {
    struct variable *variable = ARENA_NEW(program->arena, struct variable);
    struct node *store = first_store(program->run);
    *variable = (struct variable){"lost", program->next_variable_id++, 0, 2};
    store->offset =
        affine_add(program->arena, store->offset, affine_variable(program->arena, variable));
}

static void offset_outside(struct program *program) {
    struct node *store = first_store(program->run);
    store->offset = affine_add_constant(program->arena, store->offset, 1 << 20);
}

static void input_written(struct program *program) {
    for (int i = 0; i < program->buffer_count; i++)
        if (program->buffers[i]->kind == BUFFER_INPUT)
            first_store(program->run)->buffer = program->buffers[i];
}

static void loop_in_itself(struct program *program) {
    struct node *loop = ARENA_NEW(program->arena, struct node);
    *loop = *program->run;
    loop->next = NULL;
    program->run->body = loop;
}

static const struct {
    void (*plant)(struct program *);
    const char *message;
} loop_faults[] = {
    {free_variable, "uses lost, which no loop around it has"},
    {offset_outside, "lies outside its 35 elements"},
    {input_written, "is written and is an input"},
    {loop_in_itself, "is the variable of two loops in each other"},
};

static void check_loop_fault(size_t number) {
    struct error error = {.status = DLT_OK};
    struct target_description description;
    struct program *program;
    struct task *task;
    assert_int_equal(task_create_text("matmul m=5 n=7 k=3", "c", 1, &task, &error), DLT_OK);
    if (arena_recover(&task->arena))
        fail_msg("out of memory");
    struct schedule *schedule = schedule_create(&task->arena, task->expression);
    assert_int_equal(target_describe("c", &description, &error), DLT_OK);
    assert_int_equal(lower(&task->arena, schedule, &description, NULL, NULL, &program, &error),
                     DLT_OK);
    assert_int_equal(verify_loops(program, &error), DLT_OK);
    loop_faults[number].plant(program);
    assert_int_equal(verify_lowered(program, "planting", &error), DLT_ERROR_ARGUMENT);
    if (!strstr(error.message, loop_faults[number].message))
        fail_msg("'%s' does not say '%s'", error.message, loop_faults[number].message);
    assert_ptr_equal(strstr(error.message, "after planting: run: "), error.message);
    schedule_free(schedule);
    task_free(task);
}

static void test_loop_faults_are_named(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof loop_faults / sizeof loop_faults[0]; i++)
        check_loop_fault(i);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vector_faults_are_named),
        cmocka_unit_test(test_loop_faults_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
