/* Why nothing right was found, and what to change. */
#ifndef CLI_ADVICE_H
#define CLI_ADVICE_H

#include "search/search.h"

/* Appends one clause or two: "no candidate was right: 5 of 8 were refused (...); ...". */
void advice_print(struct text *text, const struct tuner_summary *summary,
                  const struct tuner_options *options);

#endif
