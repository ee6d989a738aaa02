/* What a call of a candidate takes: inputs of a pattern, buffers of its own, placed so that what it
 * does beyond them is noticed; see session_private.h. */
#include "measure/session_private.h"

#include <string.h>

enum {
    SCRATCH_ALIGNMENT = 64,
    SCRATCH_FILL = 0xff,
};

void session_run_call(void *context) {
    struct call *call = context;
    call->answer =
        call->candidate->run(call->tensors, call->packed, call->workspace, call->threads);
}

const struct tensor *session_result(const struct session *session) {
    return expression_result(session->task->expression);
}

/* The first pattern is checked at both ends, the others at one. */
dlt_status session_prepare_pattern(struct session *session, enum pattern pattern,
                                   struct error *error) {
    static const enum placement checked[] = {PLACE_AT_END, PLACE_AT_START};
    struct input_set *set = &session->inputs[pattern];
    double since;
    if (session->checkers[pattern])
        return DLT_OK;
    input_set_free(set);
    since = clock_seconds();
    TRY(input_set_create(session->task->expression, pattern, session->seed,
                         pattern == PATTERN_RANDOM ? 2 : 1, checked, set, error));
    session->effort.inputs = clock_seconds() - since;
    return checker_create(session->task->expression, set->data[PLACE_AT_END],
                          pattern == PATTERN_RANDOM ? session->shared : -1,
                          &session->checkers[pattern], error);
}

dlt_status session_reserve_scratch(struct session *session, const struct candidate *candidate,
                                   struct error *error) {
    TRY(buffer_reserve(&session->scratch[SCRATCH_PACKED], "packed parameters",
                       (size_t)candidate->packed_bytes + SCRATCH_ALIGNMENT, error));
    TRY(buffer_reserve(&session->scratch[SCRATCH_WORKSPACE], "workspace",
                       (size_t)candidate->workspace_bytes + SCRATCH_ALIGNMENT, error));
    return buffer_reserve(&session->scratch[SCRATCH_OUTPUT], session_result(session)->name,
                          tensor_bytes(session_result(session)), error);
}

/* Sizes rounded up to the alignment, so that data flush with the end keep it. */
static void *place_scratch(struct session *session, enum scratch scratch, int64_t bytes,
                           size_t alignment, enum placement placement) {
    void *data = buffer_place(&session->scratch[scratch], (size_t)bytes, alignment, placement);
    if (scratch != SCRATCH_OUTPUT)
        memset(data, SCRATCH_FILL, (size_t)bytes); /* what was left there must not matter */
    return data;
}

void session_prepare_call(struct session *session, const struct candidate *candidate,
                          enum pattern pattern, enum placement placement, struct call *call) {
    const struct expression *expression = session->task->expression;
    const struct tensor *result = session_result(session);
    int tensors = 0, parameters = 0;
    *call = (struct call){.candidate = candidate, .threads = thread_pool_threads(session->pool)};
    for (int t = 0; t < expression->tensor_count; t++) {
        const void *data = session->inputs[pattern].data[placement][t];
        if (expression->tensors[t]->kind == TENSOR_VARIABLE)
            call->tensors[tensors++] = (void *)data;
        else if (expression->tensors[t]->kind == TENSOR_PARAMETER)
            call->parameters[parameters++] = data;
    }
    call->packed = place_scratch(session, SCRATCH_PACKED, candidate->packed_bytes,
                                 SCRATCH_ALIGNMENT, placement);
    call->workspace = place_scratch(session, SCRATCH_WORKSPACE, candidate->workspace_bytes,
                                    SCRATCH_ALIGNMENT, placement);
    call->output = place_scratch(
        session, SCRATCH_OUTPUT, (int64_t)tensor_bytes(result),
        placement == PLACE_ALIGNED ? SCRATCH_ALIGNMENT : (size_t)data_types[result->type].bytes,
        placement);
    call->tensors[tensors] = call->output;
}

int session_pack(struct session *session, struct call *call) {
    int answer = 0;
    buffer_protect(&session->scratch[SCRATCH_PACKED], true);
    if (call->candidate->pack)
        answer = call->candidate->pack(call->parameters, call->packed);
    buffer_protect(&session->scratch[SCRATCH_PACKED], false);
    return answer;
}

/* Gives the output what it is to hold before a call; answers the bytes between its rows. */
int session_prefill_output(const struct session *session, const struct call *call,
                           enum pattern pattern, int prefill) {
    const struct expression *expression = session->task->expression;
    const void *previous =
        session->inputs[pattern].data[PLACE_AT_END][expression->tensor_count - 1];
    size_t bytes = tensor_bytes(session_result(session));
    if (!previous) {
        memset(call->output, prefill, bytes);
        return prefill;
    }
    memcpy(call->output, previous, bytes);
    return UNWRITTEN;
}
