/* Knobs: adding them, and points and spaces as text. */
#include "schedules/space_private.h"

#include <stdlib.h>
#include <string.h>

struct knob *space_add_knob(struct space *space, const char *prefix, const char *name,
                            const char *help, bool ordered, int *number) {
    struct knob *knob;
    *number = NO_KNOB;
    if (space->knob_count == MAX_KNOBS)
        return NULL;
    *number = space->knob_count;
    knob = &space->knobs[space->knob_count++];
    knob->name = arena_format(space->arena, "%s%s", prefix, name);
    knob->help = help;
    knob->ordered = ordered;
    return knob;
}

/* Adds a number unless it is there; keeps numbers ascending. */
void space_add_number(struct knob *knob, int64_t value) {
    int at = knob->choice_count;
    if (!knob || knob->choice_count == MAX_CHOICES)
        return;
    for (int i = 0; i < knob->choice_count; i++)
        if (knob->values[i] == value)
            return;
    while (at > 0 && knob->values[at - 1] > value) {
        knob->values[at] = knob->values[at - 1];
        at--;
    }
    knob->values[at] = value;
    knob->choice_count++;
}

void space_add_label(struct knob *knob, const char *label) {
    knob->values[knob->choice_count] = knob->choice_count;
    knob->labels[knob->choice_count++] = label;
}

static void print_choice(const struct knob *knob, int choice, struct text *text) {
    if (knob->labels[choice])
        text_append(text, knob->labels[choice]);
    else
        text_format(text, "%lld", (long long)knob->values[choice]);
}

void space_print_point(const struct space *space, const int *point, struct text *text) {
    for (int i = 0; i < space->knob_count; i++) {
        text_format(text, "%s%s=", i ? " " : "", space->knobs[i].name);
        print_choice(&space->knobs[i], point[i], text);
    }
}

/* The choice that a word names: exactly, or for numbers the nearest. The first if none. */
static int find_choice(const struct knob *knob, const char *word, size_t length) {
    char number[32];
    int64_t value;
    char *end;
    int best = 0;
    if (knob->labels[0]) {
        for (int i = 0; i < knob->choice_count; i++)
            if (strlen(knob->labels[i]) == length && strncmp(knob->labels[i], word, length) == 0)
                return i;
        return 0;
    }
    if (length >= sizeof number)
        return 0;
    memcpy(number, word, length);
    number[length] = 0;
    value = strtoll(number, &end, 10);
    if (end == number || *end)
        return 0;
    for (int i = 1; i < knob->choice_count; i++)
        if (llabs(knob->values[i] - value) < llabs(knob->values[best] - value))
            best = i;
    return best;
}

void space_parse_point(const struct space *space, const char *text, int *point) {
    memset(point, 0, sizeof *point * (size_t)space->knob_count);
    while (*text) {
        size_t length = strcspn(text, " "), name = strcspn(text, "= ");
        for (int i = 0; i < space->knob_count && name < length; i++)
            if (strlen(space->knobs[i].name) == name &&
                strncmp(space->knobs[i].name, text, name) == 0)
                point[i] = find_choice(&space->knobs[i], text + name + 1, length - name - 1);
        text += length;
        text += strspn(text, " ");
    }
}

void space_print(const struct space *space, struct text *text) {
    text_format(text, "%d knobs, %.3g points before constraints\n", space->knob_count, space->size);
    for (int i = 0; i < space->knob_count; i++) {
        const struct knob *knob = &space->knobs[i];
        text_format(text, "%s: %s\n   ", knob->name, knob->help);
        for (int j = 0; j < knob->choice_count; j++) {
            text_append(text, j ? " " : " [");
            print_choice(knob, j, text);
            if (j == 0)
                text_append(text, "]");
        }
        text_append(text, "\n");
    }
}
