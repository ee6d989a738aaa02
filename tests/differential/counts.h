/* What a run has seen, in memory that its processes share: a case that crashes takes down nothing
 * but its process. */
#ifndef DIFFERENTIAL_COUNTS_H
#define DIFFERENTIAL_COUNTS_H

#include "options.h"

#include <stdbool.h>

enum {
    MOST_REASONS = 200,
    MOST_REASON = 160,
};

struct counts {
    volatile int64_t current; /* the case under way */
    char doing[MOST_TEXT];    /* what it is doing, for a report of a crash */
    int64_t cases, kernels, elements, free_elements, mismatches, crashes;
    int64_t refused, without_kernel; /* by the text of the workload; of legal work */
    int reason_count;
    struct {
        char text[MOST_REASON], example[2048];
        int64_t count;
    } reasons[MOST_REASONS];
};

struct counts *counts_create(void); /* NULL: no memory */

/* Counts a refusal by its message, numbers left out. */
void count_refusal(struct counts *counts, const char *message, const char *example);

__attribute__((format(printf, 2, 3))) void set_doing(struct counts *counts, const char *format,
                                                     ...);

/* Prints a line that finds the case again. */
void report(struct counts *counts, const struct options *options, const struct test_case *test_case,
            const char *what, const char *message);

void print_counts(const struct counts *counts, double seconds);

#endif
