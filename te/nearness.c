/* The distance of workloads; see nearness.h.
 *
 * Which keys there are, in which order they stand, which of them are sizes or places and what one
 * is that is left out, the operator's definition says. Twice the images and half the channels are
 * as near as four times the images: knobs are chosen along each axis for itself. Of sizes that are
 * divided into groups the share of one counts. */
#include "te/nearness.h"

#include "base/number.h"
#include "te/ops/operators.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* An attribute that differs changes more than a size does. */
#define ATTRIBUTE_DISTANCE 2.0

/* One that only says where tensors lie (rows further apart, an output that is added to) less than
 * 5 % more of a size. */
#define PLACE_DISTANCE 0.05

static bool has_word(const char *words, const char *key, size_t length) {
    for (const char *word = words; word && *word; word += strspn(word, " ")) {
        size_t word_length = strcspn(word, " ");
        if (word_length == length && !memcmp(word, key, length))
            return true;
        word += word_length;
    }
    return false;
}

struct key_value {
    const char *text;
    size_t length;
};

/* Whether the next word of a text is KEY=... */
static bool is_next(const char *text, const char *key) {
    while (*key && *text == *key)
        text++, key++;
    return !*key && *text == '=';
}

/* The value of a key, if it is the next word of the text, which then moves on; else its default. */
static struct key_value take_value(const char **text, const struct operator_key *key) {
    const char *value = *text, *end;
    if (!is_next(*text, key->name)) {
        value = key->default_value ? key->default_value : "";
        return (struct key_value){value, strlen(value)};
    }
    value += strlen(key->name) + 1;
    end = *value == '"' ? strchr(value + 1, '"') : value;
    end = end ? end + strcspn(end, " ") : value + strlen(value);
    *text = end + (*end == ' ');
    return (struct key_value){value, (size_t)(end - value)};
}

static bool is_equal(struct key_value a, struct key_value b) {
    return a.length == b.length && memcmp(a.text, b.text, a.length) == 0;
}

/* The logarithm of how many times the groups of b are in those of a. */
static double groups_ratio(const struct operator_definition *definition, const char *a,
                           const char *b) {
    const char *const texts[] = {a, b};
    double counts[] = {1, 1};
    for (int i = 0; i < 2 && definition->groups; i++)
        for (const char *word = texts[i]; *word; word += strcspn(word, " "), word += *word == ' ')
            if (is_next(word, definition->groups))
                number_read(word + strlen(definition->groups) + 1, &counts[i]);
    return counts[0] >= 1 && counts[1] >= 1 ? log(counts[0] / counts[1]) : 0;
}

static bool is_number(struct key_value value) {
    return value.length > 0 && strspn(value.text, "0123456789") == value.length;
}

static double value_distance(struct key_value a, struct key_value b, bool size, double shift) {
    double first, second;
    if (!is_number(a) || !is_number(b))
        return INFINITY;
    number_read(a.text, &first);
    number_read(b.text, &second);
    if (size)
        return first < 1 || second < 1 ? INFINITY : fabs(log(first / second) - shift);
    return ATTRIBUTE_DISTANCE + fabs(log((1 + first) / (1 + second)));
}

static const struct operator_definition *find_operator(const char *key) {
    char name[64];
    size_t length = strcspn(key, " ");
    if (length >= sizeof name)
        return NULL;
    memcpy(name, key, length);
    name[length] = 0;
    return operator_find(name);
}

double key_distance(const char *a, const char *b) {
    const struct operator_definition *definition;
    size_t name = strcspn(a, " ");
    double distance = 0;
    if (strncmp(a, b, name) != 0 || (b[name] && b[name] != ' ') || !(definition = find_operator(a)))
        return INFINITY;
    a += name + (a[name] == ' ');
    b += name + (b[name] == ' ');
    double groups = groups_ratio(definition, a, b);
    for (const struct operator_key *key = definition->keys; key->name && distance < INFINITY;
         key++) {
        if (!is_next(a, key->name) && !is_next(b, key->name))
            continue;
        struct key_value first = take_value(&a, key), second = take_value(&b, key);
        size_t length = strlen(key->name);
        double shift = groups != 0 && has_word(definition->grouped, key->name, length) ? groups : 0;
        if (is_equal(first, second) && shift == 0)
            continue;
        distance += has_word(definition->places, key->name, length)
                        ? PLACE_DISTANCE
                        : value_distance(first, second,
                                         has_word(definition->sizes, key->name, length), shift);
    }
    return distance < INFINITY && strcmp(a, b) == 0 ? distance : INFINITY;
}
