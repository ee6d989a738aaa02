/* Traces: a schedule's steps as text, one a line, and back.
 *
 * A line is split into words; the first names a row of a table, which says how many words may
 * follow and makes the call. */
#include "schedules/steps.h"

#include <stdlib.h>
#include <string.h>

enum {
    MAX_WORDS = 64
};

static dlt_status parse_number(const char *word, const char *what, int64_t most, int64_t *number,
                               struct error *error) {
    char *end;
    size_t digits = strspn(word, "0123456789");
    if (digits == 0 || digits > 18 || word[digits])
        return error_set(error, DLT_ERROR_ARGUMENT, "%s: %.60s is not a number from 1 to %lld",
                         what, word, (long long)most);
    *number = strtoll(word, &end, 10);
    return DLT_OK;
}

static dlt_status apply_split(struct schedule *schedule, int count, const char *const *words,
                              struct error *error) {
    static const char *const tails[] = {
        [TAIL_GUARD] = "guard",
        [TAIL_SHIFT] = "shift",
        [TAIL_ROUND] = "round",
    };
    int tail = TAIL_GUARD;
    int64_t factor = 0;
    TRY(parse_number(words[2], "factor", INT64_C(2147483648), &factor, error));
    if (count == 4) {
        while (tail <= TAIL_ROUND && strcmp(words[3], tails[tail]) != 0)
            tail++;
        if (tail > TAIL_ROUND)
            return error_set(error, DLT_ERROR_ARGUMENT,
                             "tail: %.60s is none of guard, shift, round", words[3]);
    }
    return schedule_split(schedule, words[0], words[1], factor, (enum split_tail)tail, error);
}

static dlt_status apply_fuse(struct schedule *schedule, int count, const char *const *words,
                             struct error *error) {
    (void)count;
    return schedule_fuse(schedule, words[0], words[1], words[2], error);
}

static dlt_status apply_reorder(struct schedule *schedule, int count, const char *const *words,
                                struct error *error) {
    return schedule_reorder(schedule, words[0], count - 1, words + 1, error);
}

static dlt_status apply_unroll(struct schedule *schedule, int count, const char *const *words,
                               struct error *error) {
    (void)count;
    return schedule_unroll(schedule, words[0], words[1], error);
}

static dlt_status apply_vectorize(struct schedule *schedule, int count, const char *const *words,
                                  struct error *error) {
    (void)count;
    return schedule_vectorize(schedule, words[0], words[1], error);
}

static dlt_status apply_parallel(struct schedule *schedule, int count, const char *const *words,
                                 struct error *error) {
    (void)count;
    return schedule_parallel(schedule, words[0], words[1], error);
}

static dlt_status apply_attach(struct schedule *schedule, int count, const char *const *words,
                               struct error *error) {
    if (count == 3)
        return schedule_attach(schedule, words[0], words[1], words[2], error);
    if (strcmp(words[1], "inline") == 0)
        return schedule_attach_inline(schedule, words[0], error);
    if (strcmp(words[1], "root") == 0)
        return schedule_attach_root(schedule, words[0], error);
    return error_set(error, DLT_ERROR_ARGUMENT,
                     "attach: %.60s is neither inline nor root, nor a stage followed by its loop",
                     words[1]);
}

/* A layout's text is the rest of the line, one space between words. */
static const char *join_words(struct arena *arena, int count, const char *const *words) {
    const char *joined = words[0];
    for (int i = 1; i < count; i++)
        joined = arena_format(arena, "%s %s", joined, words[i]);
    return joined;
}

static dlt_status apply_pack(struct schedule *schedule, int count, const char *const *words,
                             struct error *error) {
    return schedule_pack(schedule, words[0], join_words(schedule->arena, count - 1, words + 1),
                         error);
}

static dlt_status apply_layout(struct schedule *schedule, int count, const char *const *words,
                               struct error *error) {
    return schedule_layout(schedule, words[0], join_words(schedule->arena, count - 1, words + 1),
                           error);
}

static dlt_status apply_pad(struct schedule *schedule, int count, const char *const *words,
                            struct error *error) {
    int64_t lines = 0;
    (void)count;
    TRY(parse_number(words[2], "lines", MAX_PADDING_LINES, &lines, error));
    return schedule_pad(schedule, words[0], words[1], lines, error);
}

static dlt_status apply_rfactor(struct schedule *schedule, int count, const char *const *words,
                                struct error *error) {
    return schedule_rfactor(schedule, words[0], count - 1, words + 1, error);
}

static dlt_status apply_tile(struct schedule *schedule, int count, const char *const *words,
                             struct error *error) {
    (void)count;
    return schedule_tile(schedule, words[0], strcmp(words[1], "root") == 0 ? NULL : words[1],
                         error);
}

static dlt_status apply_prefetch(struct schedule *schedule, int count, const char *const *words,
                                 struct error *error) {
    (void)count;
    return schedule_prefetch(schedule, words[0], error);
}

static const struct step {
    const char *name;
    int fewest, most; /* words after the name */
    const char *usage;
    dlt_status (*apply)(struct schedule *schedule, int count, const char *const *words,
                        struct error *error);
} steps[] = {
    {"split", 3, 4, "STAGE LOOP FACTOR [guard|shift|round]", apply_split},
    {"fuse", 3, 3, "STAGE OUTER INNER", apply_fuse},
    {"reorder", 3, MAX_LOOPS + 1, "STAGE LOOP LOOP...", apply_reorder},
    {"unroll", 2, 2, "STAGE LOOP", apply_unroll},
    {"vectorize", 2, 2, "STAGE LOOP", apply_vectorize},
    {"parallel", 2, 2, "STAGE LOOP", apply_parallel},
    {"attach", 2, 3, "STAGE inline, STAGE root, or STAGE CONSUMER LOOP", apply_attach},
    {"pack", 2, MAX_WORDS - 1, "TENSOR LAYOUT", apply_pack},
    {"layout", 2, MAX_WORDS - 1, "STAGE LAYOUT", apply_layout},
    {"pad", 3, 3, "STAGE DIMENSION LINES", apply_pad},
    {"rfactor", 2, MAX_RANK + 1, "STAGE LOOP...", apply_rfactor},
    {"tile", 2, 2, "STAGE LOOP, or STAGE root", apply_tile},
    {"prefetch", 1, 1, "STAGE", apply_prefetch},
};

static dlt_status apply_words(struct schedule *schedule, int count, const char *const *words,
                              struct error *error) {
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        const struct step *step = &steps[i];
        if (strcmp(step->name, words[0]) != 0)
            continue;
        if (count - 1 < step->fewest || count - 1 > step->most)
            return error_set(error, DLT_ERROR_ARGUMENT, "%s: %d words follow it; it wants %s",
                             step->name, count - 1, step->usage);
        return step->apply(schedule, count - 1, words + 1, error);
    }
    return error_set(error, DLT_ERROR_ARGUMENT,
                     "step: %.60s is none of split, fuse, reorder, unroll, vectorize, parallel, "
                     "attach, pack, layout, pad, rfactor, tile, prefetch",
                     words[0]);
}

static dlt_status apply_bytes(struct schedule *schedule, const char *line, size_t length,
                              struct error *error) {
    const char *words[MAX_WORDS];
    int count = 0;
    char *copy = arena_allocate(schedule->arena, length + 1), *rest = copy, *word;
    memcpy(copy, line, length);
    while ((word = strtok_r(rest, " \t\r\n", &rest)) != NULL) {
        if (count == MAX_WORDS)
            return error_set(error, DLT_ERROR_ARGUMENT, "line: has more than %d words", MAX_WORDS);
        words[count++] = word;
    }
    return count ? apply_words(schedule, count, words, error) : DLT_OK;
}

dlt_status schedule_apply(struct schedule *schedule, const char *line, struct error *error) {
    return apply_bytes(schedule, line, strlen(line), error);
}

dlt_status schedule_replay(struct schedule *schedule, const char *trace, struct error *error) {
    for (int number = 1; *trace; number++) {
        size_t length = strcspn(trace, "\n");
        TRY(step_context(apply_bytes(schedule, trace, length, error), error, "line %d", number));
        trace += length + (trace[length] == '\n');
    }
    return DLT_OK;
}
