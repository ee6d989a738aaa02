/* Cases by number; see options.h. What is asked for on the command line does not change what is
 * drawn for a number, but for what it says. */
#include "options.h"

#include <string.h>

static uint64_t mix(uint64_t seed, uint64_t number, uint64_t purpose) {
    struct random random = {seed};
    random.state ^= random_bits(&random) + number;
    random.state ^= random_bits(&random) + purpose;
    return random_bits(&random);
}

void case_draw(struct test_case *test_case, const struct options *options, int64_t number) {
    struct random random = {mix(options->seed, (uint64_t)number, 1)};
    struct random where = {mix(options->seed, (uint64_t)number, 2)};
    const struct expression_options expressions = {.terms = options->terms / 8, .most_extent = 40};
    uint64_t place = random_bits(&where);
    test_case->seed = mix(options->seed, (uint64_t)number, 3);
    test_case->target = options->targets[place % (uint64_t)options->target_count];
    test_case->threads = options->threads;
    if (!options->threads)
        test_case->threads = random_chance(&where, 2) ? 1 : (int)random_between(&where, 2, 3);
    test_case->special = random_chance(&where, 3) && !options->finite;
    test_case->is_operator = random_chance(&random, 2);
    if (!options->expressions || !options->operators)
        test_case->is_operator = options->operators;
    if (test_case->is_operator) {
        draw_operator(&random, options->terms, &test_case->operator);
        operator_build(&test_case->operator, & test_case->definition);
    } else {
        memset(&test_case->operator, 0, sizeof test_case->operator);
        if (random_chance(&random, 6))
            draw_realistic_expression(&random, options->terms / 2, &test_case->definition);
        else
            draw_expression(&random, &expressions, &test_case->definition);
    }
}

struct random case_data(const struct test_case *test_case) {
    return (struct random){test_case->seed};
}
