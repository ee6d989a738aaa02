/* Runs a schedule as it is written, so that tests can compare its result with that of no steps.
 *
 * Every stage has a buffer in its layout. A stage at the root runs once; an attached one runs in
 * each trip of its loop, on a buffer that is forgotten (not a number) before. A reduction sets its
 * elements to the identity just outside of its outermost reduction loop. Inputs hold small
 * integers, so that sums are exact in any order. Accesses outside of a box or a buffer are counted
 * as faults. */
#ifndef TESTS_SCHEDULES_INTERPRET_H
#define TESTS_SCHEDULES_INTERPRET_H

#include "schedules/schedule.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct machine {
    const struct schedule *schedule;
    double *inputs[MAX_TENSORS];
    double *buffers[MAX_STAGES];
    int bound;
    const struct variable *variables[1024];
    int64_t values[1024];
    int faults;
    double trips;
};

static int64_t machine_value(const void *context, const struct variable *variable) {
    struct machine *machine = (struct machine *)context;
    for (int i = machine->bound - 1; i >= 0; i--)
        if (machine->variables[i] == variable)
            return machine->values[i];
    machine->faults++;
    return 0;
}

static void machine_bind(struct machine *machine, const struct variable *variable, int64_t value) {
    machine->variables[machine->bound] = variable;
    machine->values[machine->bound++] = value;
}

static int64_t machine_index(struct machine *machine, const struct affine *index) {
    return affine_evaluate(index, machine_value, machine);
}

/* The element's place, or NULL and a fault. */
static double *machine_element(struct machine *machine, const struct tensor *tensor,
                               const int64_t *subscripts, bool may_overrun) {
    const struct schedule *schedule = machine->schedule;
    for (int s = 0; s < schedule->stage_count; s++) {
        const struct stage *stage = schedule->stages[s];
        int64_t local[MAX_RANK] = {0}, offset;
        if (stage->tensor != tensor)
            continue;
        for (int i = 0; i < tensor->rank; i++) {
            local[i] = subscripts[i] - machine_index(machine, stage->box_minimum[i]);
            if (local[i] < 0 || (local[i] >= stage->box_extent[i] && !may_overrun)) {
                machine->faults++;
                return NULL;
            }
        }
        offset = layout_offset_of(&stage->layout, local);
        if (offset >= stage->layout.elements) {
            machine->faults++;
            return NULL;
        }
        return &machine->buffers[s][offset];
    }
    for (int t = 0; t < schedule->expression->tensor_count; t++)
        if (schedule->expression->tensors[t] == tensor) {
            int64_t offset = layout_offset_of(&tensor->layout, subscripts);
            bool inside = offset < tensor->layout.elements;
            for (int i = 0; i < tensor->rank; i++)
                inside &=
                    subscripts[i] >= 0 && (may_overrun || subscripts[i] < tensor->axes[i]->extent);
            if (inside)
                return &machine->inputs[t][offset];
        }
    machine->faults++;
    return NULL;
}

static double machine_evaluate(struct machine *machine, const struct stage *stage,
                               const struct value *value) {
    double operands[MAX_OPERANDS] = {0};
    int64_t subscripts[MAX_RANK] = {0};
    double *element;
    bool holds = true;
    switch (value->operation) {
    case OP_CONSTANT:
        return value->constant;
    case OP_INDEX:
        return (double)machine_index(machine, value->index);
    case OP_READ:
        for (int i = 0; i < value->tensor->rank; i++)
            subscripts[i] = machine_index(machine, value->subscripts[i]);
        element = machine_element(machine, value->tensor, subscripts, stage->overruns);
        return element ? *element : NAN;
    case OP_SELECT:
        for (int i = 0; i < value->condition_count; i++)
            holds &= machine_index(machine, value->conditions[i]) >= 0;
        return machine_evaluate(machine, stage, value->operands[holds ? 0 : 1]);
    default:
        for (int i = 0; i < operations[value->operation].operand_count; i++)
            operands[i] = machine_evaluate(machine, stage, value->operands[i]);
        return operations[value->operation].evaluate(operands);
    }
}

static void machine_statement(struct machine *machine, const struct stage *stage, bool start) {
    const struct tensor *tensor = stage->tensor;
    int64_t subscripts[MAX_RANK] = {0};
    int bound = machine->bound;
    double operands[MAX_OPERANDS] = {0}, *element, value;
    machine->trips++;
    for (int i = 0; i < stage->constraint_count; i++)
        if (machine_index(machine, stage->constraints[i]) < 0)
            return;
    for (int i = 0; i < tensor->rank; i++)
        subscripts[i] = machine_index(machine, stage->axis_values[i]);
    element = machine_element(machine, tensor, subscripts, stage->overruns);
    if (!element)
        return;
    if (start) {
        *element = combiners[tensor->combiner].identity;
        return;
    }
    for (int i = 0; i < tensor->rank; i++)
        machine_bind(machine, tensor->axes[i], subscripts[i]);
    for (int i = 0; i < tensor->reduction_rank; i++)
        machine_bind(machine, tensor->reduction_axes[i],
                     machine_index(machine, stage->reduction_values[i]));
    value = machine_evaluate(machine, stage, stage->body);
    operands[0] = *element;
    operands[1] = value;
    *element = tensor->combiner
                   ? operations[combiners[tensor->combiner].operation].evaluate(operands)
                   : value;
    machine->bound = bound;
}

static void machine_run_stage(struct machine *machine, int index);

static void machine_loops(struct machine *machine, const struct stage *stage, int depth, bool start,
                          bool started) {
    const struct schedule *schedule = machine->schedule;
    if (depth == stage->loop_count) {
        machine_statement(machine, stage, start);
        return;
    }
    const struct loop *loop = &stage->loops[depth];
    if (loop->is_reduction && !started) {
        machine_loops(machine, stage, depth, true, true);
        machine_loops(machine, stage, depth, false, true);
        return;
    }
    for (int64_t i = 0; i < loop->variable->extent; i++) {
        machine_bind(machine, loop->variable, i);
        for (int s = 0; s < schedule->stage_count && !start; s++)
            if (schedule->stages[s]->attach == ATTACH_LOOP &&
                schedule->stages[s]->consumer == stage &&
                schedule->stages[s]->attach_loop == loop->variable)
                machine_run_stage(machine, s);
        machine_loops(machine, stage, depth + 1, start, started);
        machine->bound--;
    }
}

static void machine_run_stage(struct machine *machine, int index) {
    const struct stage *stage = machine->schedule->stages[index];
    for (int64_t i = 0; i < stage->layout.elements; i++)
        machine->buffers[index][i] = NAN;
    machine_loops(machine, stage, 0, false, false);
}

static void machine_create_inputs(struct machine *machine) {
    const struct expression *expression = machine->schedule->expression;
    for (int t = 0; t < expression->tensor_count; t++) {
        const struct tensor *tensor = expression->tensors[t];
        int64_t extents[MAX_RANK], count = 1;
        double *plain;
        if (tensor->kind == TENSOR_COMPUTED)
            continue;
        for (int i = 0; i < tensor->rank; i++)
            count *= extents[i] = tensor->axes[i]->extent;
        plain = malloc((size_t)count * sizeof *plain);
        for (int64_t i = 0; i < count; i++)
            plain[i] = (double)((i * 7 + t + (i / 5) * 3) % 11 - 5);
        machine->inputs[t] = malloc((size_t)tensor->layout.elements * sizeof(double));
        layout_store(&tensor->layout, tensor->rank, extents, sizeof(double), plain,
                     machine->inputs[t]);
        free(plain);
    }
}

/* The result in its layout, to be freed; NULL after a fault. `trips` may be NULL. */
__attribute__((unused)) static double *interpret(const struct schedule *schedule, double *trips) {
    struct machine *machine = calloc(1, sizeof *machine);
    double *result;
    int last = schedule->stage_count - 1;
    machine->schedule = schedule;
    machine_create_inputs(machine);
    for (int s = 0; s <= last; s++)
        machine->buffers[s] = malloc((size_t)schedule->stages[s]->layout.elements * sizeof(double));
    for (int s = 0; s <= last; s++)
        if (schedule->stages[s]->attach == ATTACH_ROOT)
            machine_run_stage(machine, s);
    result = machine->buffers[last];
    machine->buffers[last] = NULL;
    for (int s = 0; s < last; s++)
        free(machine->buffers[s]);
    for (int t = 0; t < schedule->expression->tensor_count; t++)
        free(machine->inputs[t]);
    if (trips)
        *trips = machine->trips;
    if (machine->faults) {
        free(result);
        result = NULL;
    }
    free(machine);
    return result;
}

/* How many statements running the schedule takes; a test gives up on what would take too long. */
__attribute__((unused)) static double interpret_cost(const struct schedule *schedule) {
    double total = 0;
    for (int s = 0; s < schedule->stage_count; s++) {
        const struct stage *stage = schedule->stages[s];
        const struct variable *innermost = NULL;
        double trips = 1;
        while (stage) {
            for (int i = 0; i < stage->loop_count; i++) {
                trips *= (double)stage->loops[i].variable->extent;
                if (stage->loops[i].variable == innermost)
                    break;
            }
            innermost = stage->attach_loop;
            stage = stage->attach == ATTACH_LOOP ? stage->consumer : NULL;
        }
        total += trips;
    }
    return total;
}

#endif
