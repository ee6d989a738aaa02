/* Counting and reporting; see counts.h. */
#include "counts.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

struct counts *counts_create(void) {
    struct counts *counts =
        mmap(NULL, sizeof *counts, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return counts == MAP_FAILED ? NULL : counts;
}

/* Digits become one '#', what is quoted becomes '...', so that like messages are one reason. */
static void normalise(char *reason, const char *message) {
    size_t used = 0;
    for (const char *c = message; *c && used < MOST_REASON - 4; c++) {
        if (isdigit((unsigned char)*c)) {
            if (!used || reason[used - 1] != '#')
                reason[used++] = '#';
        } else {
            reason[used++] = *c == '\n' ? ' ' : *c;
        }
    }
    reason[used] = 0;
}

void count_refusal(struct counts *counts, const char *message, const char *example) {
    char reason[MOST_REASON];
    int i = 0;
    normalise(reason, message);
    while (i < counts->reason_count && strcmp(counts->reasons[i].text, reason) != 0)
        i++;
    if (i == MOST_REASONS)
        return;
    if (i == counts->reason_count) {
        strcpy(counts->reasons[i].text, reason);
        snprintf(counts->reasons[i].example, sizeof counts->reasons[i].example, "%s", example);
        counts->reason_count++;
    }
    if (strlen(example) < strlen(counts->reasons[i].example))
        strcpy(counts->reasons[i].example, example);
    counts->reasons[i].count++;
}

void set_doing(struct counts *counts, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(counts->doing, sizeof counts->doing, format, arguments);
    va_end(arguments);
}

void report(struct counts *counts, const struct options *options, const struct test_case *test_case,
            const char *what, const char *message) {
    printf("%s mode=%s seed=%" PRIu64 " case=%" PRId64 " target=%s threads=%d workload='%s': %s\n",
           what, options->mode, options->seed, counts->current, test_case->target,
           test_case->threads, test_case->definition.workload, message);
    fflush(stdout);
}

void print_counts(const struct counts *counts, double seconds) {
    for (int i = 0; i < counts->reason_count; i++)
        printf("refused %" PRId64 " times: %s\n    e.g. %.600s\n", counts->reasons[i].count,
               counts->reasons[i].text, counts->reasons[i].example);
    printf("%" PRId64 " cases, %" PRId64 " kernels checked, %" PRId64
           " elements (%.2f %% not comparable), %" PRId64 " mismatches, %" PRId64
           " crashes; refused: %" PRId64 " as a workload, %" PRId64 " without a kernel; %.1f s\n",
           counts->cases, counts->kernels, counts->elements,
           counts->elements ? 100 * (double)counts->free_elements / (double)counts->elements : 0,
           counts->mismatches, counts->crashes, counts->refused, counts->without_kernel, seconds);
}
