/* Lowering: from a schedule to a loop program whose tiles are vector programs.
 *
 * The whole pipeline is one function, lower() in lower.c; each pass is a file. */
#ifndef IR_LOWER_H
#define IR_LOWER_H

#include "ir/program.h"
#include "machine/description.h"

/* Called after each pass with its name and a printer of the program as it stands, for `explain`. */
typedef void lower_observer(void *context, const char *pass, const struct program *program);

/* Lowers for a target. All memory is the arena's; the program refers to the schedule's expression.
 * DLT_ERROR_REFUSED with the reason where this schedule cannot be lowered for this target. */
dlt_status lower(struct arena *arena, const struct schedule *schedule,
                 const struct target_description *target, lower_observer *observer, void *context,
                 struct program **program, struct error *error);

#endif
