/* The plain C target: no machine code, its tiles stay loops. */
#include "targets/c/target.h"

static bool supports(enum vector_opcode opcode, enum data_type type) {
    (void)opcode;
    (void)type;
    return false; /* a loop is no vector operation */
}

const struct target target_c = {"c", NULL, supports, NULL};
