/* What the program is asked for, and what a case is. */
#ifndef DIFFERENTIAL_OPTIONS_H
#define DIFFERENTIAL_OPTIONS_H

#include "draw.h"

enum {
    MOST_TARGETS = 8,
    MOST_PATH = 1024,
};

struct options {
    const char *mode; /* "default" or "tuned" */
    uint64_t seed;
    int64_t first, count; /* cases; of "tuned" groups of them */
    double seconds;       /* no case begins later; 0: no limit */
    double terms;         /* products of a case, at most */
    int target_count;
    const char *targets[MOST_TARGETS];
    int threads;         /* 0: 1 to 3, drawn */
    int trials;          /* of a tuned workload */
    const char *program; /* dltune */
    char folder[MOST_PATH - 256];
    char empty_database[MOST_PATH];
    bool expressions, operators;
    bool finite; /* no NaN, no infinity */
    bool whole;  /* memory reaches to the end of the last row */
    bool shrink;
};

struct test_case {
    uint64_t seed; /* of the case alone */
    bool is_operator;
    struct operator_case operator;
    struct definition definition;
    const char *target;
    int threads;
    bool special;
};

/* Draws the `number`-th case. The definition must have been initialised. */
void case_draw(struct test_case *test_case, const struct options *options, int64_t number);
/* Random numbers for the data of a case and how it is called. */
struct random case_data(const struct test_case *test_case);

#endif
