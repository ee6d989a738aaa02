/* Whatever steps are accepted, the result is the same; whatever is refused changes nothing; a trace
 * replayed gives the same schedule. Random steps on small pipelines, each schedule interpreted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/random.h"
#include "schedules/steps.h"
#include "tests/schedules/fixture.h"

#include <stdio.h>

static const char *const pipelines[] = {
    /* an odd contraction */
    "input a[i=5, k=7] f32 variable\n"
    "input b[k=7, j=6] f32 parameter\n"
    "c[i=5, j=6] f32 = sum(k=7) a[i, k] * b[k, j]\n",
    /* padding, a reduction over windows with a stride, an epilogue */
    "input x[c=3, h=6] f32 variable\n"
    "input w[k=5, c=3, r=3] f32 parameter\n"
    "input bias[k=5] f32 variable\n"
    "padded[c=3, h=8] f32 = select(0 <= h - 1 < 6, x[c, h - 1], 0)\n"
    "conv[k=5, y=3] f32 = sum(c=3, r=3) padded[c, 2*y + r] * w[k, c, r]\n"
    "output[k=5, y=3] f32 = conv[k, y] + bias[k]\n",
    /* a chain with a reader of two stages, borders under a select, shifted reads */
    "input x[n=11] f32 variable\n"
    "p[n=11] f32 = x[n] * 2 + 1\n"
    "q[n=11] f32 = sum(r=3) select(0 <= n + r - 1 < 11, p[n + r - 1], 0)\n"
    "s[n=11] f32 = q[n] + p[10 - n]\n"
    "t[n=9] f32 = s[n] - s[n + 2] + q[n + 1]\n",
    /* room to overrun in inner stages, a reduction read by an identity */
    "input x[n=5, m=4] f32 variable layout n:8 m:8\n"
    "a[n=5, m=4] f32 = x[n, m] + 2\n"
    "b[n=5] f32 = sum(m=4) a[n, m]\n"
    "c[n=5, m=3] f32 = a[n, m + 1] + b[n]\n"
    "d[n=5, m=3] f32 = c[n, m]\n",
    /* divisions in subscripts, an axis of one */
    "input x[m=6, n=1] f32 variable\n"
    "d[m=6, n=1] f32 = x[m, n] + 3\n"
    "u[m=12, n=2] f32 = d[m / 2, n / 2] - d[m % 6, 0]\n"
    "v[m=12] f32 = sum(n=2) u[m, n]\n",
};

enum {
    PIPELINES = sizeof pipelines / sizeof pipelines[0]
};

static const char *random_loop(struct random *random, const struct stage *stage) {
    if (stage->loop_count == 0)
        return "none";
    return stage->loops[random_below(random, (uint64_t)stage->loop_count)].variable->name;
}

static const struct stage *random_stage(struct random *random, const struct schedule *schedule) {
    return schedule->stages[random_below(random, (uint64_t)schedule->stage_count)];
}

static dlt_status reorder(struct schedule *schedule, const struct stage *stage,
                          struct random *random, struct error *error) {
    const char *names[MAX_LOOPS];
    int count = stage->loop_count;
    for (int i = 0; i < count; i++)
        names[i] = stage->loops[i].variable->name;
    for (int i = count - 1; i > 0; i--) {
        int j = (int)random_below(random, (uint64_t)i + 1);
        const char *name = names[i];
        names[i] = names[j];
        names[j] = name;
    }
    if (count > 2 && random_below(random, 2))
        count = 2;
    return schedule_reorder(schedule, stage->name, count, names, error);
}

static const char *random_layout(struct random *random, const struct tensor *tensor,
                                 char text[static 512]) {
    int first = (int)random_below(random, (uint64_t)tensor->rank), used = 0;
    int block = 2 + (int)random_below(random, 3), kind = (int)random_below(random, 3);
    for (int i = 0; i < tensor->rank; i++) {
        const char *name = tensor->axes[(first + i) % tensor->rank]->name;
        if (kind == 1)
            used += sprintf(text + used, "%s/%d ", name, block);
        else if (kind == 2)
            used += sprintf(text + used, "%s:%d ", name,
                            (int)tensor->axes[(first + i) % tensor->rank]->extent + block);
        else
            used += sprintf(text + used, "%s ", name);
    }
    for (int i = 0; i < tensor->rank && kind == 1; i++)
        used += sprintf(text + used, "%s%%%d ", tensor->axes[i]->name, block);
    return text;
}

static dlt_status random_pack(struct schedule *schedule, struct random *random,
                              struct error *error) {
    const struct expression *expression = schedule->expression;
    const struct tensor *tensor =
        expression->tensors[random_below(random, (uint64_t)expression->tensor_count)];
    char text[512];
    return schedule_pack(schedule, tensor->name, random_layout(random, tensor, text), error);
}

static dlt_status random_mark(struct schedule *schedule, struct random *random, const char *stage,
                              const char *loop, struct error *error) {
    switch (random_below(random, 5)) {
    case 0:
        return schedule_unroll(schedule, stage, loop, error);
    case 1:
        return schedule_vectorize(schedule, stage, loop, error);
    case 2:
        return schedule_parallel(schedule, stage, loop, error);
    case 3:
        return schedule_tile(schedule, stage, loop, error);
    default:
        return schedule_tile(schedule, stage, NULL, error);
    }
}

static dlt_status random_rfactor(struct schedule *schedule, struct random *random,
                                 const struct stage *stage, struct error *error) {
    const char *names[2] = {random_loop(random, stage), random_loop(random, stage)};
    return schedule_rfactor(schedule, stage->name, 1 + (int)random_below(random, 2), names, error);
}

static dlt_status random_pad(struct schedule *schedule, struct random *random,
                             const struct stage *stage, struct error *error) {
    const struct layout *layout = &stage->layout;
    int count = layout->dimension_count;
    if (count == 0)
        return schedule_pad(schedule, stage->name, "none", 1, error);
    return schedule_pad(schedule, stage->name,
                        layout_piece_name(schedule->arena, &stage->layout, stage->tensor,
                                          (int)random_below(random, (uint64_t)count)),
                        1 + (int64_t)random_below(random, 3), error);
}

static dlt_status random_step(struct schedule *schedule, struct random *random,
                              struct error *error) {
    const struct stage *stage = random_stage(random, schedule);
    const struct stage *other = random_stage(random, schedule);
    const char *name = stage->name, *loop = random_loop(random, stage);
    char text[512];
    switch (random_below(random, 25)) {
    case 0:
    case 1:
    case 2:
    case 3:
    case 4:
        return schedule_split(schedule, name, loop, 1 + (int64_t)random_below(random, 5),
                              (enum split_tail)random_below(random, 3), error);
    case 5:
        for (int i = 0; i + 1 < stage->loop_count; i++)
            if (stage->loops[i].variable->name == loop)
                return schedule_fuse(schedule, name, loop, stage->loops[i + 1].variable->name,
                                     error);
        return schedule_fuse(schedule, name, loop, loop, error);
    case 6:
    case 7:
    case 8:
        return reorder(schedule, stage, random, error);
    case 9:
        return random_mark(schedule, random, name, loop, error);
    case 10:
        return random_below(random, 2) ? schedule_attach_inline(schedule, name, error)
                                       : schedule_attach_root(schedule, name, error);
    case 11:
    case 12:
    case 13:
    case 14:
    case 15:
        return schedule_attach(schedule, name, other->name, random_loop(random, other), error);
    case 16:
        return random_pack(schedule, random, error);
    case 22:
        return schedule_prefetch(schedule, name, error);
    case 23:
    case 24:
        return random_pad(schedule, random, stage, error);
    case 17:
    case 18:
        return random_rfactor(schedule, random, stage, error);
    default:
        return schedule_layout(schedule, name, random_layout(random, stage->tensor, text), error);
    }
}

static void assert_replays(struct arena *arena, const struct schedule *schedule,
                           const struct expression *expression) {
    struct schedule *again = schedule_create(arena, expression);
    struct error error = {0};
    struct text first = {0}, second = {0};
    if (schedule_replay(again, schedule_trace(schedule), &error))
        fail_msg("%s in\n%s", error.message, schedule_trace(schedule));
    schedule_print(&first, schedule);
    schedule_print(&second, again);
    assert_string_equal(text_string(&first), text_string(&second));
    assert_string_equal(schedule_trace(schedule), schedule_trace(again));
    text_free(&first);
    text_free(&second);
    schedule_free(again);
}

/* One random schedule; adds up the steps accepted and refused. */
static void try_seed(int pipeline, uint64_t seed, int *accepted, int *refused) {
    struct fixture fixture;
    struct error error = {0};
    struct random random;
    fixture_open(&fixture, pipelines[pipeline]);
    struct schedule *schedule = fixture.schedule;
    random_seed(&random, seed * PIPELINES + (uint64_t)pipeline);
    for (int step = 0; step < 24 && interpret_cost(schedule) < 3000; step++) {
        struct text before = {0}, after = {0};
        schedule_print(&before, schedule);
        text_append(&before, schedule_trace(schedule));
        int next_id = schedule->next_variable_id;
        error.message[0] = 0;
        if (random_step(schedule, &random, &error)) {
            ++*refused;
            schedule_print(&after, schedule);
            text_append(&after, schedule_trace(schedule));
            assert_string_equal(text_string(&before), text_string(&after));
            assert_int_equal(next_id, schedule->next_variable_id);
            assert_true(strlen(error.message) > 10);
        } else {
            ++*accepted;
        }
        text_free(&before);
        text_free(&after);
    }
    if (interpret_cost(schedule) < 30000)
        assert_same_result(&fixture);
    assert_replays(&fixture.arena, schedule, fixture.expression);
    fixture_close(&fixture);
}

static void test_random_steps(void **state) {
    (void)state;
    for (int pipeline = 0; pipeline < PIPELINES; pipeline++) {
        int accepted = 0, refused = 0;
        for (uint64_t seed = 0; seed < 1500; seed++)
            try_seed(pipeline, seed, &accepted, &refused);
        assert_true(accepted > 4000);
        assert_true(refused > 4000);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_steps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
