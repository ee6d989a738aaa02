/* The whole of lowering, readable from top to bottom. */
#include "ir/lower.h"

#include "ir/passes.h"

struct pipeline {
    struct program *program;
    lower_observer *observer;
    void *context;
};

static void report(const struct pipeline *p, const char *pass) {
    if (p->observer)
        p->observer(p->context, pass, p->program);
}

/* Runs a pass over the vector programs of all variants of all tiles. */
static void for_each(const struct pipeline *p, const char *name,
                     void (*pass)(struct vector_program *)) {
    for (int i = 0; i < p->program->tile_count; i++)
        for (int j = 0; j < p->program->tiles[i]->variant_count; j++)
            if (p->program->tiles[i]->variants[j].vectors)
                pass(p->program->tiles[i]->variants[j].vectors);
    report(p, name);
}

static dlt_status vectorise_all(const struct pipeline *p, const struct target_description *target,
                                struct error *error) {
    for (int i = 0; i < p->program->tile_count; i++)
        for (int j = 0; j < p->program->tiles[i]->variant_count; j++)
            TRY(vectorise(p->program, p->program->tiles[i], &p->program->tiles[i]->variants[j],
                          target, error));
    report(p, "vectorise");
    return DLT_OK;
}

/* Only over the tiles whose schedule asks for it; nothing to report where there is none. */
static void prefetch_where_asked(const struct pipeline *p) {
    bool any = false;
    for (int i = 0; i < p->program->tile_count; i++)
        for (int j = 0; p->program->tiles[i]->prefetches && j < p->program->tiles[i]->variant_count;
             j++)
            if (p->program->tiles[i]->variants[j].vectors) {
                prefetch_stores(p->program->tiles[i]->variants[j].vectors);
                any = true;
            }
    if (any)
        report(p, "prefetch_stores");
}

/* The same for a pass that asks how many registers there are. */
static void fit_each(const struct pipeline *p, const char *name,
                     void (*pass)(struct vector_program *, const struct target_description *),
                     const struct target_description *target) {
    for (int i = 0; i < p->program->tile_count; i++)
        for (int j = 0; j < p->program->tiles[i]->variant_count; j++)
            if (p->program->tiles[i]->variants[j].vectors)
                pass(p->program->tiles[i]->variants[j].vectors, target);
    report(p, name);
}

dlt_status lower(struct arena *arena, const struct schedule *schedule,
                 const struct target_description *target, lower_observer *observer, void *context,
                 struct program **program, struct error *error) {
    struct pipeline p = {.observer = observer, .context = context};

    TRY(build_nests(arena, schedule, &p.program, error));
    report(&p, "build_nests");
    extract_domains(p.program);
    report(&p, "extract_domains");
    simplify(p.program);
    report(&p, "simplify");
    bound_loops(p.program);
    report(&p, "bound_loops");
    plan_memory(p.program);
    report(&p, "plan_memory");
    if (target->machine_code) {
        divide_loops(p.program);
        report(&p, "divide_loops");
        TRY(split_boundaries(p.program, error));
        report(&p, "split_boundaries");
        TRY(vectorise_all(&p, target, error));
        for_each(&p, "number_values", number_values);
        for_each(&p, "halve_strides", halve_strides);
        for_each(&p, "deinterleave_loads", deinterleave_loads);
        for_each(&p, "hoist_invariants", hoist_invariants);
        fit_each(&p, "transpose_accesses", transpose_accesses, target);
        fit_each(&p, "gather_reductions", gather_reductions, target);
        for_each(&p, "match_multiply_adds", match_multiply_adds);
        for_each(&p, "remove_dead_code", remove_dead_code);
        for_each(&p, "advance_stores", advance_stores);
        prefetch_where_asked(&p);
        fit_each(&p, "sink_constants", sink_constants, target);
        fit_each(&p, "relieve_pressure", relieve_pressure, target);
        for_each(&p, "match_operands", match_operands);
        for_each(&p, "remove_dead_code", remove_dead_code);
        for_each(&p, "fold_addresses", fold_addresses);
    }
    *program = p.program;
    return DLT_OK;
}
