/* The space of an expression whose default can be made.
 *
 * Point 0 of it is *the* default: what the runtime makes of a workload without a record, what
 * `explain --default` shows, what a search tries first and what the public interface gives. */
#ifndef TARGETS_JIT_DEFAULT_SPACE_H
#define TARGETS_JIT_DEFAULT_SPACE_H

#include "schedules/space.h"

/* As space_create. Then the default is lowered and encoded; where the target refuses a nest's tile,
 * that nest's default becomes the next smaller one, until there is none: then the nest stays plain
 * loops (space->plain_nests tells which and why). The same expression, target and threads give the
 * same space. */
dlt_status default_space_create(struct arena *arena, const struct expression *expression,
                                const struct target_description *target, int threads,
                                struct space **space, struct error *error);

#endif
