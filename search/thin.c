/* Smaller copies of spaces, and walking through all points of one; see replay.h. */
#include "search/replay.h"

#include <string.h>

enum {
    SAMPLES = 20000,
    MOST_TRIES = 20000000,
};

/* The next point in the order of an odometer; false behind the last. */
static bool step(const struct space *space, int *point) {
    for (int i = space->knob_count - 1; i >= 0; i--) {
        if (++point[i] < space->knobs[i].choice_count)
            return true;
        point[i] = 0;
    }
    return false;
}

static bool is_point(const struct space *space, const int *point) {
    int canonical[MAX_KNOBS];
    memcpy(canonical, point, (size_t)space->knob_count * sizeof *point);
    space_canonicalise(space, canonical);
    return memcmp(canonical, point, (size_t)space->knob_count * sizeof *point) == 0 &&
           space_check(space, point, NULL) == DLT_OK;
}

void space_enumerate(const struct space *space, point_visitor *visit, void *context) {
    int point[MAX_KNOBS] = {0};
    do
        if (is_point(space, point) && !visit(context, point))
            return;
    while (step(space, point));
}

void space_draw(const struct space *space, int64_t count, point_visitor *visit, void *context) {
    struct random random;
    random_seed(&random, 2);
    for (int64_t tries = 0; count > 0 && tries < MOST_TRIES; tries++) {
        int point[MAX_KNOBS];
        for (int i = 0; i < space->knob_count; i++)
            point[i] = (int)random_below(&random, (uint64_t)space->knobs[i].choice_count);
        if (!is_point(space, point))
            continue;
        if (!visit(context, point))
            return;
        count--;
    }
}

struct space *space_restrict(const struct space *space, bool kept[MAX_KNOBS][MAX_CHOICES]) {
    struct space *copy = arena_copy(space->arena, space, sizeof *space);
    copy->size = 1;
    for (int i = 0; i < space->knob_count; i++) {
        struct knob *knob = &copy->knobs[i];
        int count = 0;
        for (int j = 0; j < knob->choice_count; j++) {
            /* the rules number words by their place: one that stays keeps those before it */
            bool stays = j == 0 || kept[i][j];
            for (int k = j + 1; knob->labels[0] && k < knob->choice_count; k++)
                stays |= kept[i][k];
            if (!stays)
                continue;
            knob->values[count] = knob->values[j];
            knob->labels[count++] = knob->labels[j];
        }
        knob->choice_count = count;
        copy->size *= count;
    }
    return copy;
}

double space_count_points(const struct space *space) {
    struct random random;
    int64_t hits = 0;
    random_seed(&random, 1);
    for (int i = 0; i < SAMPLES; i++) {
        int point[MAX_KNOBS];
        for (int j = 0; j < space->knob_count; j++)
            point[j] = (int)random_below(&random, (uint64_t)space->knobs[j].choice_count);
        hits += is_point(space, point);
    }
    return space->size * (double)hits / SAMPLES;
}

/* Marks the first choice and `count` - 1 others, evenly spread; of words the first ones. */
static void spread(const struct knob *knob, int count, bool *kept) {
    int others = knob->choice_count - 1;
    memset(kept, 0, MAX_CHOICES * sizeof *kept);
    kept[0] = true;
    for (int i = 0; i < count - 1; i++)
        kept[knob->labels[0] ? 1 + i : 1 + (2 * i + 1) * others / (2 * (count - 1))] = true;
}

struct space *space_thin(const struct space *space, int64_t limit) {
    bool kept[MAX_KNOBS][MAX_CHOICES];
    int counts[MAX_KNOBS];
    struct space *thin;
    for (int i = 0; i < space->knob_count; i++) {
        counts[i] = space->knobs[i].choice_count;
        memset(kept[i], 1, sizeof kept[i]);
    }
    while (thin = space_restrict(space, kept), space_count_points(thin) > (double)limit) {
        int most = 0;
        for (int i = 1; i < space->knob_count; i++)
            if (counts[i] >= counts[most])
                most = i;
        if (counts[most] == 1)
            break;
        counts[most]--;
        spread(&space->knobs[most], counts[most], kept[most]);
    }
    return thin;
}
