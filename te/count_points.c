/* Counting the points of a box where conditions hold, without visiting them all.
 *
 * Conditions split the variables into groups: those that meet in a condition belong together. The
 * count is the product over the groups, so a convolution's 0 <= y + r - 1 < 56 costs the points of
 * y and r alone. Within a group the largest variable that occurs only as a plain term is not walked
 * through either: with the others fixed, each condition bounds it from one side. */
#include "te/count_points.h"

#include <stddef.h>

struct group {
    int variable_count, condition_count;
    const struct variable *variables[MAX_COUNTED_VARIABLES]; /* the solved one last, if any */
    const struct affine *conditions[MAX_COUNTED_CONDITIONS];
    int64_t coefficients[MAX_COUNTED_CONDITIONS]; /* of the solved variable */
    bool solved;
    int64_t values[MAX_COUNTED_VARIABLES];
};

static int64_t value_of(const void *context, const struct variable *variable) {
    const struct group *group = context;
    for (int i = 0; i < group->variable_count; i++)
        if (group->variables[i] == variable)
            return group->values[i];
    return variable->minimum;
}

/* Moves the largest variable that can be solved for to the end. */
static void choose_solved(struct group *group) {
    int best = -1, last = group->variable_count - 1;
    const struct variable *chosen;
    for (int i = 0; i < group->variable_count; i++) {
        bool plain = true;
        int64_t coefficient;
        for (int c = 0; c < group->condition_count && plain; c++)
            plain = affine_coefficient(group->conditions[c], group->variables[i], &coefficient);
        if (plain && (best < 0 || group->variables[i]->extent > group->variables[best]->extent))
            best = i;
    }
    group->solved = best >= 0;
    if (!group->solved)
        return;
    chosen = group->variables[best];
    group->variables[best] = group->variables[last];
    group->variables[last] = chosen;
    for (int c = 0; c < group->condition_count; c++)
        affine_coefficient(group->conditions[c], chosen, &group->coefficients[c]);
}

static bool all_hold(const struct group *group) {
    for (int c = 0; c < group->condition_count; c++)
        if (affine_evaluate(group->conditions[c], value_of, group) < 0)
            return false;
    return true;
}

/* With the others fixed, condition c is rest + coefficient * (value - minimum) >= 0. */
static double count_solved(struct group *group) {
    const struct variable *variable = group->variables[group->variable_count - 1];
    int64_t lowest = 0, highest = variable->extent - 1;
    group->values[group->variable_count - 1] = variable->minimum;
    for (int c = 0; c < group->condition_count; c++) {
        int64_t rest = affine_evaluate(group->conditions[c], value_of, group);
        int64_t coefficient = group->coefficients[c], bound;
        if (coefficient > 0) {
            bound = -floor_divide(rest, coefficient);
            lowest = bound > lowest ? bound : lowest;
        } else if (coefficient < 0) {
            bound = floor_divide(rest, -coefficient);
            highest = bound < highest ? bound : highest;
        } else if (rest < 0) {
            return 0;
        }
    }
    return highest < lowest ? 0 : (double)(highest - lowest + 1);
}

static double count_from(struct group *group, int position) {
    const struct variable *variable;
    double sum = 0;
    if (group->solved && position == group->variable_count - 1)
        return count_solved(group);
    if (position == group->variable_count)
        return all_hold(group) ? 1 : 0;
    variable = group->variables[position];
    for (int64_t i = 0; i < variable->extent; i++) {
        group->values[position] = variable->minimum + i;
        sum += count_from(group, position + 1);
    }
    return sum;
}

static double count_group(struct group *group) {
    double all = 1, walked;
    choose_solved(group);
    for (int i = 0; i < group->variable_count; i++)
        all *= (double)group->variables[i]->extent;
    walked = all;
    if (group->solved)
        walked /= (double)group->variables[group->variable_count - 1]->extent;
    return walked > 0x1p24 ? all : count_from(group, 0);
}

/* Gives variables that meet in a condition the same number. */
static void number_groups(int variable_count, const struct variable *const *variables,
                          int condition_count, const struct affine *const *conditions,
                          int *numbers) {
    for (int i = 0; i < variable_count; i++)
        numbers[i] = i;
    for (int c = 0; c < condition_count; c++) {
        int first = -1;
        for (int i = 0; i < variable_count; i++) {
            int old = numbers[i];
            if (!affine_uses(conditions[c], variables[i]))
                continue;
            if (first < 0)
                first = i;
            for (int j = 0; j < variable_count; j++)
                if (numbers[j] == old)
                    numbers[j] = numbers[first];
        }
    }
}

static void collect_group(struct group *group, int number, const int *numbers, int variable_count,
                          const struct variable *const *variables, int condition_count,
                          const struct affine *const *conditions) {
    group->variable_count = group->condition_count = 0;
    for (int i = 0; i < variable_count; i++)
        if (numbers[i] == number)
            group->variables[group->variable_count++] = variables[i];
    for (int c = 0; c < condition_count; c++)
        for (int i = 0; i < group->variable_count; i++)
            if (affine_uses(conditions[c], group->variables[i])) {
                group->conditions[group->condition_count++] = conditions[c];
                break;
            }
}

double count_points(int variable_count, const struct variable *const *variables,
                    int condition_count, const struct affine *const *conditions) {
    int numbers[MAX_COUNTED_VARIABLES];
    double product = 1;
    int64_t constant;
    for (int c = 0; c < condition_count; c++)
        if (affine_is_constant(conditions[c], &constant) && constant < 0)
            return 0;
    number_groups(variable_count, variables, condition_count, conditions, numbers);
    for (int number = 0; number < variable_count; number++) {
        struct group group;
        collect_group(&group, number, numbers, variable_count, variables, condition_count,
                      conditions);
        if (group.variable_count)
            product *= count_group(&group);
    }
    return product;
}
