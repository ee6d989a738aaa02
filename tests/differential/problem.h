/* A definition with data: inputs that may not be written, an output whose every place is judged. */
#ifndef DIFFERENTIAL_PROBLEM_H
#define DIFFERENTIAL_PROBLEM_H

#include "buffer.h"
#include "definition.h"
#include "evaluate.h"

#include "dltune/threads.h"

enum {
    MOST_MESSAGE = 512,
};

struct problem_options {
    bool special; /* NaN, infinities and negative zeros are among the numbers */
    bool whole;   /* memory reaches to the end of the last row; else it ends behind the last element
                     now and then */
    int64_t sample; /* how many elements are judged, drawn; 0: all */
};

struct problem {
    const struct definition *definition;
    struct buffer inputs[MOST_TENSORS]; /* of computed tensors and literals: none */
    struct buffer output;
    float *before;            /* what the output holds before each call */
    struct element *expected; /* of each place of the output that is an element */
    unsigned char *places;    /* enum place of each */
    int64_t count;            /* of places that are in memory */
    struct problem_options options;
    int64_t elements, free_elements;
};

bool problem_create(struct problem *problem, const struct definition *definition,
                    const struct problem_options *options, struct random *random);
void problem_free(struct problem *problem);

/* Puts into the output what it has to hold before a call. */
void problem_prepare(struct problem *problem);

/* Judges what a call left. True, or a message: the element, what was expected and what was
 * found. */
bool problem_judge(const struct problem *problem, char message[MOST_MESSAGE]);

/* One number to judge, as from other memory: place `offset` of the output. */
bool problem_allows(const struct problem *problem, int64_t offset, float number);

#endif
