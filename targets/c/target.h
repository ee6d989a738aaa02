/* The plain C target's entry in the table of targets. */
#ifndef TARGETS_C_TARGET_H
#define TARGETS_C_TARGET_H

#include "targets/target.h"

extern const struct target target_c;

#endif
