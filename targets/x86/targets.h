/* The entries of this folder in the table of targets. */
#ifndef TARGETS_X86_TARGETS_H
#define TARGETS_X86_TARGETS_H

#include "targets/target.h"

extern const struct target target_x86_avx512, target_x86_avx2;

#endif
