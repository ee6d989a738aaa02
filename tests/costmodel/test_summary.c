/* Summaries say what lowered programs do: the same loops, and for each buffer as many distinct
 * elements, counted here by running the loops of the program at every depth. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "ir/lower.h"
#include "schedules/summary.h"
#include "te/task.h"

enum {
    MAX_AROUND = 64,
    MOST_TRIPS = 3000000, /* that one count may take */
};

/* The loops around the first store that combines, or else the first store. */
struct path {
    int count;
    const struct node *loops[MAX_AROUND];
    const struct node *store;
};

static bool find_store(const struct node *nodes, bool combining, struct path *path) {
    for (const struct node *node = nodes; node; node = node->next) {
        if (node->kind == NODE_STORE && (node->combiner != COMBINE_NONE) == combining) {
            path->store = node;
            return true;
        }
        if (node->kind == NODE_LOOP)
            path->loops[path->count++] = node;
        if (find_store(node->body, combining, path))
            return true;
        if (node->kind == NODE_LOOP)
            path->count--;
    }
    return false;
}

/* ---- counting ---- */

struct counting {
    const struct path *path;
    int64_t values[MAX_AROUND];
    const struct affine *offset;
    int64_t low;
    unsigned char *touched;
    int64_t distinct;
};

static int64_t value_of(const void *context, const struct variable *variable) {
    const struct counting *c = context;
    for (int i = 0; i < c->path->count; i++)
        if (c->path->loops[i]->variable == variable)
            return c->values[i];
    fail_msg("%s is no loop of the nest", variable->name);
    return 0;
}

static void count_from(struct counting *c, int depth) {
    const struct variable *variable;
    if (depth == c->path->count) {
        int64_t at = affine_evaluate(c->offset, value_of, c) - c->low;
        c->distinct += !c->touched[at];
        c->touched[at] = 1;
        return;
    }
    variable = c->path->loops[depth]->variable;
    if (!affine_uses(c->offset, variable)) {
        count_from(c, depth + 1);
        return;
    }
    for (int64_t i = 0; i < variable->extent; i++) {
        c->values[depth] = variable->minimum + i;
        count_from(c, depth + 1);
    }
    c->values[depth] = variable->minimum;
}

/* Distinct offsets of one run of the loops from `depth` inwards; -1 if there are too many. */
static int64_t count_distinct(const struct path *path, const struct affine *offset, int depth) {
    struct counting c = {.path = path, .offset = offset};
    int64_t highest;
    double trips = 1;
    for (int i = 0; i < path->count; i++) {
        c.values[i] = path->loops[i]->variable->minimum;
        if (i >= depth && affine_uses(offset, path->loops[i]->variable))
            trips *= (double)path->loops[i]->variable->extent;
    }
    if (trips > MOST_TRIPS)
        return -1;
    affine_range(offset, &c.low, &highest);
    c.touched = calloc((size_t)(highest - c.low + 1), 1);
    count_from(&c, depth);
    free(c.touched);
    return c.distinct;
}

/* ---- comparing ---- */

struct comparison {
    const char *workload;
    const struct space *space;
    const int *point;
    struct nest_summary summary;
    bool seen;
    int compared;
};

static const struct summary_access *find_access(const struct nest_summary *summary,
                                                const char *buffer, bool is_write) {
    for (int i = 0; i < summary->access_count; i++) {
        const struct summary_access *access = &summary->accesses[i];
        char name[256];
        snprintf(name, sizeof name, "%s%s", access->tensor->name,
                 access->is_packed ? ".packed" : "");
        if (access->is_write == is_write && !strcmp(name, buffer))
            return access;
    }
    return NULL;
}

static void compare_access(struct comparison *c, const struct path *path,
                           const struct summary_access *access, const struct affine *offset) {
    int depth = 0;
    if (!access)
        return;
    for (int i = 0; i <= path->count; i++) {
        int64_t distinct = count_distinct(path, offset, i);
        if (distinct >= 0 && (double)distinct != access->elements[depth])
            fail_msg("%s: %s at depth %d: the program touches %lld, the summary says %.0f",
                     c->workload, access->tensor->name, depth, (long long)distinct,
                     access->elements[depth]);
        assert_true(access->lines[depth] <= access->elements[depth]);
        assert_true(access->lines[depth] * 16 >= access->elements[depth]);
        c->compared++;
        if (i < path->count && path->loops[i]->variable->extent > 1)
            depth++;
    }
    assert_int_equal(depth, c->summary.loop_count);
}

static void compare_reads(struct comparison *c, const struct path *path,
                          const struct program *program, const struct value *value) {
    if (value->operation == OP_READ) {
        const struct buffer *buffer = program_buffer(program, value->tensor);
        compare_access(c, path, find_access(&c->summary, buffer->name, false),
                       value->subscripts[0]);
    }
    for (int i = 0; i < MAX_OPERANDS && value->operands[i]; i++)
        compare_reads(c, path, program, value->operands[i]);
}

static void compare_loops(struct comparison *c, const struct path *path) {
    int depth = 0;
    for (int i = 0; i < path->count; i++) {
        const struct variable *variable = path->loops[i]->variable;
        const struct summary_loop *loop = &c->summary.loops[depth];
        if (variable->extent == 1)
            continue;
        assert_true(depth < c->summary.loop_count);
        if (variable->extent != loop->trips ||
            strncmp(variable->name, loop->axis, strlen(loop->axis)))
            fail_msg("%s: loop %d is %s of %lld trips, the summary says %s of %lld", c->workload,
                     depth, variable->name, (long long)variable->extent, loop->axis,
                     (long long)loop->trips);
        assert_int_equal(depth >= c->summary.tile_depth, loop->place >= PLACE_REDUCTION);
        depth++;
    }
    assert_int_equal(depth, c->summary.loop_count);
}

static void observe(void *context, const char *pass, const struct program *program) {
    struct comparison *c = context;
    struct path path = {.count = 0};
    if (strcmp(pass, "extract_domains"))
        return;
    c->seen = true;
    if (!find_store(program->run, c->summary.is_reduction, &path))
        fail_msg("%s: no store", c->workload);
    compare_loops(c, &path);
    compare_reads(c, &path, program, path.store->value);
    compare_access(c, &path, find_access(&c->summary, path.store->buffer->name, true),
                   path.store->offset);
}

static void check_point(const char *workload, const struct space *space, const int *point) {
    struct target_description plain;
    struct comparison c = {.workload = workload, .space = space, .point = point};
    struct program *program;
    struct schedule *schedule;
    struct arena arena;
    space_summarise(space, 0, point, &c.summary);
    for (int i = 0; i < c.summary.access_count; i++)
        if (c.summary.accesses[i].is_copied)
            return; /* the copies' own loops come before the store */
    assert_int_equal(target_describe("c", &plain, NULL), DLT_OK);
    arena_initialise(&arena);
    assert_int_equal(arena_recover(&arena), 0);
    schedule = schedule_create(&arena, space->expression);
    if (space_schedule(space, point, schedule, NULL) == DLT_OK &&
        lower(&arena, schedule, &plain, observe, &c, &program, NULL) == DLT_OK) {
        assert_true(c.seen);
        assert_true(c.compared > 0);
    }
    schedule_free(schedule);
    arena_free(&arena);
}

static void check_workload(const char *workload, int points) {
    struct target_description target;
    struct random random;
    struct arena arena;
    struct space *space;
    struct task *task;
    volatile int legal = 0;
    assert_int_equal(target_describe("x86-avx2", &target, NULL), DLT_OK);
    assert_int_equal(task_create_text(workload, "x86-avx2", 1, &task, NULL), DLT_OK);
    arena_initialise(&arena);
    assert_int_equal(arena_recover(&arena), 0);
    assert_int_equal(space_create(&arena, task->collapsed, &target, 1, &space, NULL), DLT_OK);
    random_seed(&random, 3);
    for (int tries = 0; tries < 100000 && legal < points; tries++) {
        int point[MAX_KNOBS] = {0};
        for (int i = 0; tries && i < space->knob_count; i++)
            point[i] = (int)random_below(&random, (uint64_t)space->knobs[i].choice_count);
        space_canonicalise(space, point);
        if (space_check(space, point, NULL) != DLT_OK)
            continue;
        check_point(workload, space, point);
        legal++;
    }
    assert_true(legal >= points / 2);
    arena_free(&arena);
    task_free(task);
}

static void test_products(void **state) {
    (void)state;
    check_workload("matmul m=96 n=128 k=160 const=b", 30);
    check_workload("matmul m=7 n=13 k=29", 20);
    check_workload("matmul m=1 n=64 k=1", 5);
}

static void test_convolutions(void **state) {
    (void)state;
    check_workload("conv2d c=8 h=14 w=14 k=32 r=3 s=3 pad=1", 30);
    check_workload("conv2d c=6 h=17 w=15 k=24 r=5 s=3 stride=2 pad=1", 20);
    check_workload("conv2d c=16 h=12 w=12 k=32 r=1 s=1", 20);
}

static void test_fused(void **state) {
    (void)state;
    check_workload("conv2d c=8 h=10 w=10 k=32 r=3 s=3 pad=1 post=bias,relu", 20);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_products),
        cmocka_unit_test(test_convolutions),
        cmocka_unit_test(test_fused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
