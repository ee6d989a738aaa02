/* A schedule of an expression given as text, steps applied by their lines. */
#ifndef TESTS_SCHEDULES_FIXTURE_H
#define TESTS_SCHEDULES_FIXTURE_H

#include "schedules/schedule.h"
#include "tests/schedules/interpret.h"

struct fixture {
    struct arena arena;
    struct expression *expression;
    struct schedule *schedule;
    struct error error;
};

__attribute__((unused)) static void fixture_open(struct fixture *fixture, const char *text) {
    memset(fixture, 0, sizeof *fixture);
    arena_initialise(&fixture->arena);
    if (arena_recover(&fixture->arena))
        fail_msg("out of memory");
    if (expression_parse(&fixture->arena, text, &fixture->expression, &fixture->error))
        fail_msg("%s", fixture->error.message);
    fixture->schedule = schedule_create(&fixture->arena, fixture->expression);
}

__attribute__((unused)) static void fixture_close(struct fixture *fixture) {
    schedule_free(fixture->schedule);
    arena_free(&fixture->arena);
}

__attribute__((unused)) static void accept(struct fixture *fixture, const char *line) {
    if (schedule_apply(fixture->schedule, line, &fixture->error))
        fail_msg("%s: refused: %s", line, fixture->error.message);
}

/* The step fails with this status and a message that holds `words`, and changes nothing. */
__attribute__((unused)) static void reject(struct fixture *fixture, const char *line,
                                           dlt_status expected, const char *words) {
    struct text before = {0}, after = {0};
    dlt_status status;
    schedule_print(&before, fixture->schedule);
    text_append(&before, schedule_trace(fixture->schedule));
    status = schedule_apply(fixture->schedule, line, &fixture->error);
    if (status != expected || !strstr(fixture->error.message, words))
        fail_msg("%s: status %d, message '%s' without '%s'", line, (int)status,
                 status ? fixture->error.message : "", words);
    schedule_print(&after, fixture->schedule);
    text_append(&after, schedule_trace(fixture->schedule));
    assert_string_equal(text_string(&before), text_string(&after));
    text_free(&before);
    text_free(&after);
}

__attribute__((unused)) static void assert_index(const struct affine *index, const char *expected) {
    struct text text = {0};
    affine_print(&text, index);
    assert_string_equal(text_string(&text), expected);
    text_free(&text);
}

/* The names of a stage's loops, separated by spaces. */
__attribute__((unused)) static void assert_loops(const struct stage *stage, const char *expected) {
    struct text text = {0};
    for (int i = 0; i < stage->loop_count; i++)
        text_format(&text, "%s%s", i ? " " : "", stage->loops[i].variable->name);
    assert_string_equal(text_string(&text), expected);
    text_free(&text);
}

/* The schedule's result is that of the expression without steps. */
__attribute__((unused)) static void assert_same_result(const struct fixture *fixture) {
    struct schedule *plain = schedule_create((struct arena *)&fixture->arena, fixture->expression);
    const struct tensor *result = expression_result(fixture->expression);
    double *expected = interpret(plain, NULL), *actual = interpret(fixture->schedule, NULL);
    assert_non_null(expected);
    if (!actual)
        fail_msg("access outside of a box after\n%s", schedule_trace(fixture->schedule));
    for (int64_t i = 0; i < result->layout.elements; i++)
        if (actual[i] != expected[i])
            fail_msg("element %d is %g, not %g, after\n%s", (int)i, actual[i], expected[i],
                     schedule_trace(fixture->schedule));
    free(expected);
    free(actual);
    schedule_free(plain);
}

#endif
