/* One pass over one vector program, which is verified before and after. */
#ifndef TESTS_IR_RUN_PASS_H
#define TESTS_IR_RUN_PASS_H

#include "ir/passes.h"
#include "ir/verify.h"

static void verify_or_fail(const struct vector_program *vectors) {
    struct error error = {.status = DLT_OK};
    if (verify_vectors(vectors, &error) != DLT_OK)
        fail_msg("%s", error.message);
}

static void run_pass(lowering_pass *pass, struct vector_program *vectors,
                     const struct target_description *target) {
    struct tile tile = {.prefetches = true};
    struct error error = {.status = DLT_OK};
    struct lowering lowering = {.arena = vectors->arena,
                                .target = target,
                                .tile = &tile,
                                .vectors = vectors,
                                .error = &error};
    verify_or_fail(vectors);
    if (pass(&lowering) != DLT_OK)
        fail_msg("%s", error.message);
    verify_or_fail(vectors);
}

#endif
