/* Why candidates failed: kinds and messages, counted, for saying the commonest. */
#ifndef SEARCH_REASONS_H
#define SEARCH_REASONS_H

#include "measure/measure.h"

enum {
    MOST_REASONS = 16, /* different ones that are told apart; later ones only count by kind */
};

struct failure_reason {
    int64_t count;
    enum measure_outcome outcome;
    char message[192]; /* of the first; others differ in numbers only */
};

struct failure_reasons {
    int count;
    struct failure_reason reasons[MOST_REASONS];
};

void failure_reasons_add(struct failure_reasons *reasons, enum measure_outcome outcome,
                         const char *message, int64_t count);

/* NULL: there is none. */
const struct failure_reason *failure_reasons_commonest(const struct failure_reasons *reasons);

#endif
