/* `dltune explain --show bound`: what tiles keep busy at least.
 *
 * First by the space's own counts, before anything is lowered: those that refuse points, choose the
 * default and become features. Then by the vector programs of the same schedule. */
#include "cli/explain.h"
#include "ir/static_bound.h"
#include "schedules/summary.h"
#include "targets/jit/default_space.h"

#include <stdio.h>

static void print_sets(const struct nest_summary *summary) {
    for (int i = 0; i < summary->access_count; i++) {
        const struct summary_access *access = &summary->accesses[i];
        printf("  %s %s%s: %.0f lines on %.0f sets of the first cache, %.2g of their ways\n",
               access->is_write ? "writes" : "reads", access->tensor->name,
               access->is_packed ? ".packed" : "", access->lines[summary->tile_depth], access->sets,
               access->lines_a_way);
    }
}

static void print_summary(const struct nest_summary *summary, int number) {
    const struct tile_bound *bound = &summary->bound;
    printf("nest %d before lowering: at least %.4g cycles a call of the tile, %.4g calls\n"
           "  a trip: %.4g products, %.4g loads (%.4g unaligned), %.4g exchanges, a chain of %.4g "
           "cycles: %.4g cycles\n"
           "  a call: %.4g trips, %.4g stores; %lld accumulators, some %lld registers, %lld "
           "variants of some %lld bytes\n",
           number, bound->cycles, summary->calls, bound->products, bound->loads,
           bound->unaligned_loads, bound->picks, bound->chain, bound->trip_cycles, bound->trips,
           bound->stores, (long long)bound->accumulators, (long long)bound->registers,
           (long long)bound->variants, (long long)bound->code_bytes);
    print_sets(summary);
}

static dlt_status print_summaries(struct explain *e, struct error *error) {
    int point[MAX_KNOBS];
    struct space *space;
    if (!e->knobs)
        return DLT_OK;
    TRY(default_space_create(e->arena, e->task->collapsed, &e->target, e->task->threads, &space,
                             error));
    space_parse_point(space, e->knobs, point);
    for (int i = 0; i < space_nest_count(space); i++) {
        struct nest_summary summary;
        space_summarise(space, i, point, &summary);
        print_summary(&summary, i);
    }
    return DLT_OK;
}

static void print_tile(const struct static_bound *bound, int tile, int variant) {
    printf("tile %d variant %d: at least %.4g cycles a call, %lld vector multiply-adds, some %lld "
           "bytes\n  a trip of its heaviest loop: %g products, %g loads, %g stores, a chain of %g "
           "cycles: %.4g cycles\n",
           tile, variant, bound->cycles, (long long)bound->multiply_adds,
           (long long)bound->code_bytes, bound->operations, bound->loads, bound->stores,
           bound->chain, bound->trip_cycles);
}

dlt_status explain_bound(struct explain *e, struct error *error) {
    TRY(print_summaries(e, error));
    TRY(explain_lower(e, error));
    for (int i = 0; i < e->program->tile_count; i++)
        for (int j = 0; j < e->program->tiles[i]->variant_count; j++) {
            const struct vector_program *vectors = e->program->tiles[i]->variants[j].vectors;
            struct static_bound bound;
            if (!vectors)
                continue;
            bound = static_bound_of(vectors, &e->target);
            print_tile(&bound, e->program->tiles[i]->number, j);
        }
    if (e->median_us > 0)
        printf("the whole kernel, measured: %.4g us\n", e->median_us);
    return DLT_OK;
}
