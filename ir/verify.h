/* Whether programs are well formed: what every pass may assume and must leave.
 *
 * lower() asks after each pass where somebody looks on (tests, `explain --pass`), and always in
 * builds with sanitizers; else a broken program would be found by wrong results, far from the pass
 * that broke it. A message names the pass, the tile and the instruction or store:
 *
 *     after hoist_invariants: tile 0, variant 1: v7 = add: v5 is used before it is defined */
#ifndef IR_VERIFY_H
#define IR_VERIFY_H

#include "ir/program.h"
#include "ir/vectors.h"

#ifdef __SANITIZE_ADDRESS__
#define VERIFY_ALWAYS 1
#else
#define VERIFY_ALWAYS 0
#endif

/* DLT_ERROR_ARGUMENT with the first thing that is not as the headers of the programs say. */

/* Loop programs: every variable is one of a loop around; no loop's variable is used twice in one
 * nest; buffers are the program's, read and written by the part that may; offsets whose range is
 * known are inside the buffer; tiles hold no tiles and no threads. */
dlt_status verify_loops(const struct program *program, struct error *error);

/* Vector programs: values are of the right class, assigned once or variables, and defined before
 * they are used, in a block around; types of all lanes agree; masks stand where they may; counters,
 * inductions and words exist; loops with constant bounds run. */
dlt_status verify_vectors(const struct vector_program *vectors, struct error *error);

/* Both, for all there is. */
dlt_status verify_lowered(const struct program *program, const char *pass, struct error *error);

#endif
