/* Candidates as they are meant: a trace replayed, lowered and compiled for the task's target. */
#ifndef MEASURE_NATIVE_H
#define MEASURE_NATIVE_H

#include "measure/candidate.h"

extern const struct candidate_maker native_maker;

#endif
