/* The whole of lowering: one table of passes, walked from top to bottom. */
#include "ir/lower.h"

#include "ir/passes.h"
#include "ir/verify.h"

enum pass_scope {
    OVER_LOOPS,         /* on every target */
    OVER_TILED_LOOPS,   /* where tiles become vector programs: once for the program */
    OVER_TILE_VARIANTS, /* likewise: for each variant of each tile */
    OVER_VECTORS /* likewise, where they become machine code; C has neither neighbouring lanes
                    nor too few registers */
};

#define PASS(name, scope)                                                                          \
    { #name, name, scope }

static const struct pass {
    const char *name;
    lowering_pass *run;
    enum pass_scope scope;
} passes[] = {
    PASS(build_nests, OVER_LOOPS),
    PASS(extract_domains, OVER_LOOPS),
    PASS(simplify, OVER_LOOPS),
    PASS(bound_loops, OVER_LOOPS),
    PASS(plan_memory, OVER_LOOPS),
    PASS(divide_loops, OVER_TILED_LOOPS),
    PASS(split_boundaries, OVER_TILED_LOOPS),
    PASS(vectorise, OVER_TILE_VARIANTS),
    PASS(number_values, OVER_TILE_VARIANTS),
    PASS(halve_strides, OVER_VECTORS),
    PASS(deinterleave_loads, OVER_VECTORS),
    PASS(hoist_invariants, OVER_TILE_VARIANTS),
    PASS(transpose_accesses, OVER_VECTORS),
    PASS(gather_reductions, OVER_VECTORS),
    PASS(match_multiply_adds, OVER_TILE_VARIANTS),
    PASS(remove_dead_code, OVER_TILE_VARIANTS),
    PASS(advance_stores, OVER_TILE_VARIANTS),
    PASS(prefetch_stores, OVER_VECTORS),
    PASS(sink_constants, OVER_VECTORS),
    PASS(relieve_pressure, OVER_VECTORS),
    PASS(match_operands, OVER_VECTORS),
    PASS(remove_dead_code, OVER_TILE_VARIANTS),
    PASS(fold_addresses, OVER_TILE_VARIANTS),
};

/* A variant without body does nothing and has no vector program, but to vectorise it is to find
 * that out. */
static dlt_status run_on_variants(struct lowering *lowering, const struct pass *pass) {
    for (int i = 0; i < lowering->program->tile_count; i++) {
        lowering->tile = lowering->program->tiles[i];
        for (int j = 0; j < lowering->tile->variant_count; j++) {
            lowering->variant = &lowering->tile->variants[j];
            lowering->vectors = lowering->variant->vectors;
            if (lowering->vectors || pass->run == vectorise)
                TRY(pass->run(lowering));
        }
    }
    return DLT_OK;
}

/* The passes up to a scope. */
static dlt_status run_passes(struct lowering *lowering, enum pass_scope last,
                             lower_observer *observer, void *context) {
    for (size_t i = 0; i < sizeof passes / sizeof passes[0]; i++) {
        const struct pass *pass = &passes[i];
        if (pass->scope > last)
            continue;
        TRY(pass->scope >= OVER_TILE_VARIANTS ? run_on_variants(lowering, pass)
                                              : pass->run(lowering));
        if (VERIFY_ALWAYS || observer)
            TRY(verify_lowered(lowering->program, pass->name, lowering->error));
        if (observer)
            observer(context, pass->name, lowering->program);
    }
    return DLT_OK;
}

/* For C, tiles that cannot be vector programs stay loops. */
static enum pass_scope last_scope(const struct lowering *lowering) {
    struct error refusal;
    struct lowering attempt = *lowering;
    if (lowering->target->machine_code)
        return OVER_VECTORS;
    attempt.error = &refusal;
    return run_passes(&attempt, OVER_TILE_VARIANTS, NULL, NULL) == DLT_ERROR_REFUSED
               ? OVER_LOOPS
               : OVER_TILE_VARIANTS;
}

dlt_status lower(struct arena *arena, const struct schedule *schedule,
                 const struct target_description *target, lower_observer *observer, void *context,
                 struct program **program, struct error *error) {
    struct lowering lowering = {
        .arena = arena, .schedule = schedule, .target = target, .error = error};
    TRY(run_passes(&lowering, last_scope(&lowering), observer, context));
    *program = lowering.program;
    return DLT_OK;
}
