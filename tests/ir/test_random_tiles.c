/* Random expressions under random schedules, compiled for every target that runs here: each element
 * is compared with the reference.
 *
 * DLTUNE_RANDOM_TILES=count or first_seed:count tries others than the first few. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "running.h"

#include "random_expression.h"

/* False if the expression is none: a stage that nobody reads, for one. */
static bool try_seed(uint64_t seed, struct tally *tallies) {
    struct generator g;
    struct text text = {0};
    struct arena arena;
    struct expression *expression;
    struct error error = {.status = DLT_OK};
    struct subject subject;
    arena_initialise(&arena);
    if (arena_recover(&arena))
        fail_msg("out of memory");
    generate(&g, seed, &text);
    trying_seed = seed;
    trying_expression = text_string(&text);
    trying_trace = "";
    bool valid = expression_parse(&arena, text_string(&text), &expression, &error) == DLT_OK &&
                 expression_check(expression, &error) == DLT_OK;
    if (valid) {
        struct schedule *schedule = schedule_create(&arena, expression);
        random_schedule(schedule, &g.random);
        trying_trace = schedule_trace(schedule);
        subject_open(&subject, expression, &g.random, number_around_one);
        if (reference_cost(subject.reference) *
                (double)element_count(expression_result(expression)) <
            50 * MAX_WORK)
            check_on_targets(&subject, schedule, tallies);
        subject_close(&subject);
        schedule_free(schedule);
    } else if (getenv("DLTUNE_RANDOM_REFUSALS")) {
        fprintf(stderr, "%s\n%s", error.message, text_string(&text));
    }
    arena_free(&arena);
    text_free(&text);
    return valid;
}

static void test_random_tiles(void **state) {
    struct tally tallies[MAX_TARGETS] = {{0}};
    int count = 600, valid = 0;
    uint64_t first;
    (void)state;
    describe_crashes();
    read_range("DLTUNE_RANDOM_TILES", &first, &count);
    for (int i = 0; i < count; i++)
        valid += try_seed(first + (uint64_t)i, tallies);
    print_message("%d of %d expressions were valid\n", valid, count);
    if (count >= 100)
        assert_true(valid * 2 > count);
    check_tallies(tallies, count);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_tiles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
