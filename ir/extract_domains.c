/* Padding becomes a matter of domains.
 *
 * Where a reduction has no term (te/domain.h) the statement need not run: the conditions of its
 * terms become conditions of the store, and all that is known about ragged splits serves for
 * padding too. */
#include "te/domain.h"

#include "ir/passes.h"

static void extract_store(void *context, struct node *node) {
    struct program *program = context;
    struct domain domain = {.arena = program->arena};
    if (node->kind != NODE_STORE || node->combiner == COMBINE_NONE)
        return;
    domain.count = domain.capacity = node->condition_count;
    domain.conditions = arena_copy(domain.arena, node->conditions,
                                   sizeof *domain.conditions * (size_t)domain.count);
    node->value = domain_extract(&domain, node->value, node->combiner);
    node->conditions = domain.conditions;
    node->condition_count = domain.count;
}

dlt_status extract_domains(struct lowering *lowering) {
    struct program *program = lowering->program;
    node_visit(program->pack, extract_store, program);
    node_visit(program->run, extract_store, program);
    return DLT_OK;
}
