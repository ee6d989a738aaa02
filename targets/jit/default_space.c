/* Making sure that a space's default can be made; see default_space.h. */
#include "targets/jit/default_space.h"

#include "targets/jit/kernel.h"

enum {
    ALL_NESTS = -1
};

static dlt_status encode(struct arena *arena, const struct space *space, struct schedule *schedule,
                         int nest, struct error *error) {
    const int first[MAX_KNOBS] = {0};
    struct program_code code;
    struct program *program;
    if (nest == ALL_NESTS)
        TRY(space_schedule(space, first, schedule, error));
    else
        TRY(space_schedule_nest(space, first, nest, schedule, error));
    TRY(lower(arena, schedule, &space->target, NULL, NULL, &program, error));
    return program_encode(arena, program, &space->target, &code, error);
}

static dlt_status encode_in(struct arena *arena, const struct space *space,
                            struct schedule **schedule, int nest, struct error *error) {
    if (arena_recover(arena))
        return error_set(error, DLT_ERROR_MEMORY, "out of memory");
    *schedule = schedule_create(arena, space->expression);
    return encode(arena, space, *schedule, nest, error);
}

/* Whether the target makes code of the default, or of one nest of it. */
static dlt_status try_default(const struct space *space, int nest, struct error *error) {
    struct schedule *schedule = NULL;
    struct arena arena;
    dlt_status status;
    arena_initialise(&arena);
    status = encode_in(&arena, space, &schedule, nest, error);
    if (schedule)
        schedule_free(schedule);
    arena_free(&arena);
    return status;
}

/* Shrinks one nest until it can be made alone. */
static dlt_status settle_nest(struct space *space, int nest, struct error *error) {
    dlt_status status = try_default(space, nest, error);
    while (status != DLT_OK && status != DLT_ERROR_MEMORY && space_shrink(space, nest))
        status = try_default(space, nest, error);
    if (status == DLT_OK || status == DLT_ERROR_MEMORY)
        return status;
    space_leave_plain(space, nest, error->message);
    return DLT_OK;
}

/* What is made alone may still be refused beside the others. */
static bool shrink_all(struct space *space, const struct error *error) {
    bool any = false;
    for (int nest = 0; nest < space_nest_count(space); nest++)
        any |= space_shrink(space, nest);
    for (int nest = space_nest_count(space) - 1; nest >= 0 && !any; nest--)
        space_leave_plain(space, nest, error->message);
    return any;
}

dlt_status default_space_create(struct arena *arena, const struct expression *expression,
                                const struct target_description *target, int threads,
                                struct space **space, struct error *error) {
    struct error refusal = {.status = DLT_OK};
    dlt_status status;
    TRY(space_create(arena, expression, target, threads, space, error));
    if (!target->machine_code)
        return DLT_OK;
    status = try_default(*space, ALL_NESTS, &refusal);
    for (int nest = space_nest_count(*space) - 1; nest >= 0 && status != DLT_OK; nest--) {
        if (status == DLT_ERROR_MEMORY)
            return error_set(error, DLT_ERROR_MEMORY, "out of memory");
        TRY(settle_nest(*space, nest, error));
    }
    while (status != DLT_OK && space_nest_count(*space) > 0) {
        status = try_default(*space, ALL_NESTS, &refusal);
        if (status == DLT_ERROR_MEMORY)
            return error_set(error, DLT_ERROR_MEMORY, "out of memory");
        if (status != DLT_OK)
            shrink_all(*space, &refusal);
    }
    return DLT_OK;
}
