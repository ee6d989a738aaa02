/* The distance of workloads; see nearness.h.
 *
 * Which keys are sizes the operator's definition says; all others are attributes, which a canonical
 * text leaves out at their default. Twice the images and half the channels are as near as four
 * times the images: knobs are chosen along each axis for itself. */
#include "te/nearness.h"

#include "te/ops/operators.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *value_of(const struct workload *workload, const char *key) {
    for (int i = 0; i < workload->argument_count; i++)
        if (!strcmp(workload->arguments[i].key, key))
            return workload->arguments[i].value;
    return NULL;
}

static bool is_size(const struct operator_definition *definition, const char *key) {
    size_t length = strlen(key);
    for (const char *word = definition->sizes; word && *word; word += strspn(word, " ")) {
        size_t word_length = strcspn(word, " ");
        if (word_length == length && !memcmp(word, key, length))
            return true;
        word += word_length;
    }
    return false;
}

double workload_distance(const struct workload *a, const struct workload *b) {
    const struct operator_definition *definition = operator_find(a->operator_name);
    double distance = 0;
    if (!definition || strcmp(a->operator_name, b->operator_name) ||
        a->argument_count != b->argument_count)
        return INFINITY;
    for (int i = 0; i < a->argument_count; i++) {
        const char *value = a->arguments[i].value, *other = value_of(b, a->arguments[i].key);
        if (!other)
            return INFINITY;
        if (!strcmp(value, other))
            continue;
        if (!is_size(definition, a->arguments[i].key) || atof(value) < 1 || atof(other) < 1)
            return INFINITY;
        distance += fabs(log(atof(value) / atof(other)));
    }
    return distance;
}
