/* Spaces: the schedules worth trying for an expression on a target.
 *
 * A space is a flat vector of named knobs with few choices each, derived from the expression's
 * structure and the target's description by rule; no operator is known by name. A point chooses one
 * value for each knob. Point 0 (all zeros) is the analytic default: the first choice of every knob
 * is the one that the roofline, the caches and the registers suggest. Not every point is legal:
 * space_check refuses hopeless ones cheaply, before anything is lowered. */
#ifndef SCHEDULES_SPACE_H
#define SCHEDULES_SPACE_H

#include "machine/description.h"
#include "schedules/schedule.h"

enum {
    MAX_KNOBS = 80,
    MAX_CHOICES = 48
};

struct knob {
    const char *name; /* "tile.k": stable across versions and shapes */
    const char *help; /* what it means, for explain --space */
    int choice_count;
    int64_t values[MAX_CHOICES];     /* numbers, or */
    const char *labels[MAX_CHOICES]; /* words; NULL for numbers */
    bool ordered;                    /* neighbouring choices are similar: a search may step */
};

struct space {
    struct arena *arena;
    const struct expression *expression;
    struct target_description target;
    int threads;
    int knob_count;
    struct knob knobs[MAX_KNOBS];
    double size;             /* points, legal or not */
    const char *plain_nests; /* those that stay plain loops, and why; NULL: there are none */
    const void *rules;       /* private */
};

/* Derives the space. Everything lives in the arena. */
dlt_status space_create(struct arena *arena, const struct expression *expression,
                        const struct target_description *target, int threads, struct space **space,
                        struct error *error);

/* Sets the choices that have no meaning beside the others to the first, so that equal schedules
 * have equal points. */
void space_canonicalise(const struct space *space, int *point);

/* In a space for several threads: all nests shared among them, or none. Else it does nothing. */
void space_set_shared(const struct space *space, int *point, bool shared);

/* For whoever finds that what the rules allow cannot be made (targets/jit/default_space.h makes it
 * sure before anybody else has the space). The nests, producers first; the schedule in which only
 * one of them is as the point says, and the others are plain loops; the next smaller default of
 * one, false if there is none; and a nest that stays plain loops in all points. */
int space_nest_count(const struct space *space);
dlt_status space_schedule_nest(const struct space *space, const int *point, int nest,
                               struct schedule *schedule, struct error *error);
bool space_shrink(struct space *space, int nest);
void space_leave_plain(struct space *space, int nest, const char *reason);

/* Whether a point is worth lowering: DLT_ERROR_REFUSED with the constraint it breaks. Costs a few
 * microseconds and allocates nothing. `point` has knob_count choices. */
dlt_status space_check(const struct space *space, const int *point, struct error *error);

/* What the model says of the point's tiles, in cycles: for comparing points of one space. */
double space_tile_cycles(const struct space *space, const int *point);

/* Applies a point's steps to a fresh schedule (schedule_create) of the same expression. */
dlt_status space_schedule(const struct space *space, const int *point, struct schedule *schedule,
                          struct error *error);

/* Points as text "tile.k=32 tile.x=14 ...", and back: a knob that is unknown is ignored, a value
 * that is not a choice takes the nearest one, a knob not named takes its first; so records of one
 * shape serve another. */
void space_print_point(const struct space *space, const int *point, struct text *text);
void space_parse_point(const struct space *space, const char *text, int *point);

/* For people: knobs, choices, sizes. */
void space_print(const struct space *space, struct text *text);

#endif
