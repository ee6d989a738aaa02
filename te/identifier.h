/* Identifiers of tasks, for the names of exported functions and for debuggers; see identifier.c. */
#ifndef TE_IDENTIFIER_H
#define TE_IDENTIFIER_H

#include "te/expression.h"

enum {
    MAX_IDENTIFIER = 63 /* what C promises to tell apart */
};

/* `workload` is canonical text, `expression` what it says. The same arguments give the same
 * identifier in every version of dltune. */
void task_identifier(const char *workload, const struct expression *expression, int threads,
                     char identifier[MAX_IDENTIFIER + 1]);

#endif
