/* Registers: a linear scan over the lines.
 *
 * Lives are intervals, so handing out any free register at each start needs no more registers than
 * are in use at once; that number is also what a refusal names. Nothing is ever spilled but loop
 * counters, which go to the stack when general registers run out. The freedom of choice is used
 * to let a result take the register of a source that dies: of multiply-adds, which overwrite
 * a source, and of moves. */
#include "targets/x86/x86.h"

#include <string.h>

/* General registers in the order they are taken: those that a function may overwrite first. */
static const signed char general_order[] = {0, 1, 2, 6, 8, 9, 10, 11, 7, 3, 5, 12, 13, 14, 15};
enum {
    GENERAL_REGISTERS = sizeof general_order,
    NO_REGISTER = -1
};

struct scan {
    struct x86_allocation *allocation;
    int *starting, *ending; /* of a line: first interval that starts, ends there; -1 */
    unsigned available[X86_CLASSES];
    int live[X86_CLASSES];
};

/* What an instruction needs beside its sources and its destination. A result may share the register
 * of a source that dies, never that of a temporary: what is several instructions writes its result
 * only after it has read the sources. */
struct demand {
    int vector_temporaries, mask_temporaries, general_temporaries;
};

static struct demand demand_of(const struct x86_allocation *allocation, int line) {
    const struct vector_instruction *instruction = allocation->lines[line].instruction;
    bool evex = allocation->isa->evex;
    switch (instruction->opcode) {
    case VECTOR_LOAD_STRIDED: /* the offsets; a mask that the gather destroys */
        return evex ? (struct demand){1, 1, 0} : (struct demand){2, 0, 0};
    case VECTOR_STORE:
        return (struct demand){x86_needs_upper_part(allocation, line), 0, 0};
    case VECTOR_STORE_STRIDED: /* the offsets and such a mask; or the upper half and the bits */
        return evex ? (struct demand){1, 1, 0} : (struct demand){1, 0, 1};
    case VECTOR_MASK_CONSTANT:
        return evex ? (struct demand){0, 0, 1} : (struct demand){0};
    case VECTOR_MASK_COUNT:
        return (struct demand){0, 0, 2};
    case VECTOR_PICK_ALTERNATE:
        return (struct demand){x86_needs_order(allocation, line), 0, 0};
    case VECTOR_MINIMUM_OR_NAN: /* where a NaN is */
    case VECTOR_MAXIMUM_OR_NAN:
        return evex ? (struct demand){0, 1, 0} : (struct demand){1, 0, 0};
    case VECTOR_REDUCE_MAXIMUM: /* the lanes exchanged; where a NaN is */
    case VECTOR_REDUCE_MINIMUM:
        return evex ? (struct demand){1, 1, 0} : (struct demand){2, 0, 0};
    case VECTOR_REDUCE_ADD:
    case VECTOR_REDUCE_MULTIPLY:
        return (struct demand){1, 0, 0};
    default:
        return (struct demand){0};
    }
}

static int take(struct scan *scan, enum x86_class class, int preferred) {
    unsigned available = scan->available[class];
    int reg = NO_REGISTER;
    if (++scan->live[class] > scan->allocation->peak[class])
        scan->allocation->peak[class] = scan->live[class];
    if (preferred >= 0 && available >> preferred & 1) {
        reg = preferred;
    } else if (class == X86_GENERAL) {
        for (int i = 0; i < GENERAL_REGISTERS && reg < 0; i++)
            if (available >> general_order[i] & 1)
                reg = general_order[i];
    } else if (available) {
        reg = __builtin_ctz(available);
    }
    if (reg >= 0) {
        scan->available[class] &= ~(1u << reg);
        scan->allocation->used[class] |= 1u << reg;
    }
    return reg;
}

static void release(struct scan *scan, enum x86_class class, int reg) {
    scan->live[class]--;
    if (reg >= 0)
        scan->available[class] |= 1u << reg;
}

static bool on_stack(const struct x86_allocation *allocation, int number) {
    return number >= allocation->counter &&
           allocation->loops[number - allocation->counter].slot >= 0;
}

static void start_interval(struct scan *scan, int number, int preferred) {
    struct x86_interval *interval = &scan->allocation->intervals[number];
    if (!on_stack(scan->allocation, number))
        interval->reg = (signed char)take(scan, (enum x86_class)interval->class, preferred);
}

/* Frees what is last used at the line: what lived before it, or what started at it. */
static void end_intervals(struct scan *scan, int line, bool started_here) {
    const struct x86_interval *intervals = scan->allocation->intervals;
    for (int i = scan->ending[line]; i >= 0; i = intervals[i].next_end)
        if ((intervals[i].start == line) == started_here && !on_stack(scan->allocation, i))
            release(scan, (enum x86_class)intervals[i].class, intervals[i].reg);
}

/* The register of a source that dies here, best first: the addend of a multiply-add is
 * overwritten by the form that needs no order of its factors. */
static int dying_source(const struct scan *scan, const struct vector_instruction *instruction,
                        int line) {
    static const int order[3] = {2, 0, 1};
    for (int i = 0; i < 3; i++) {
        int source = instruction->sources[order[i]];
        const struct x86_interval *interval;
        if (order[i] >= vector_operations[instruction->opcode].sources || source < 0)
            continue;
        interval = &scan->allocation->intervals[source];
        if (interval->end == line &&
            interval->class == scan->allocation->intervals[instruction->destination].class)
            return interval->reg;
    }
    return NO_REGISTER;
}

static void take_temporaries(struct scan *scan, struct x86_line *line,
                             const struct demand *demand) {
    for (int i = 0; i < demand->vector_temporaries; i++)
        line->vector_temporaries[i] = (signed char)take(scan, X86_VECTOR, NO_REGISTER);
    for (int i = 0; i < demand->general_temporaries; i++)
        line->general_temporaries[i] = (signed char)take(scan, X86_GENERAL, NO_REGISTER);
    if (demand->mask_temporaries)
        line->mask_temporary = (signed char)take(scan, X86_MASK, NO_REGISTER);
}

static void release_temporaries(struct scan *scan, const struct x86_line *line,
                                const struct demand *demand) {
    for (int i = 0; i < demand->vector_temporaries; i++)
        release(scan, X86_VECTOR, line->vector_temporaries[i]);
    for (int i = 0; i < demand->general_temporaries; i++)
        release(scan, X86_GENERAL, line->general_temporaries[i]);
    if (demand->mask_temporaries)
        release(scan, X86_MASK, line->mask_temporary);
}

static void scan_instruction(struct scan *scan, int number) {
    struct x86_line *line = &scan->allocation->lines[number];
    const struct vector_instruction *instruction = line->instruction;
    struct demand demand = demand_of(scan->allocation, number);
    int destination = vector_operations[instruction->opcode].has_destination
                          ? instruction->destination
                          : VECTOR_NONE;
    bool starts = destination >= 0 && scan->allocation->intervals[destination].start == number;
    take_temporaries(scan, line, &demand);
    end_intervals(scan, number, false);
    if (starts)
        start_interval(scan, destination, dying_source(scan, instruction, number));
    release_temporaries(scan, line, &demand);
    end_intervals(scan, number, true);
}

static void scan_loop_begin(struct scan *scan, int number) {
    struct x86_allocation *allocation = scan->allocation;
    struct x86_line *line = &allocation->lines[number];
    const struct x86_loop *loop = &allocation->loops[line->loop];
    /* A run-time trip count is computed in a register even if it lives on the stack. */
    struct demand demand = {0, 0, loop->slot >= 0 && !loop->constant};
    take_temporaries(scan, line, &demand);
    for (int i = scan->starting[number]; i >= 0; i = allocation->intervals[i].next_start)
        if (i >= allocation->induction)
            start_interval(scan, i, NO_REGISTER);
    release_temporaries(scan, line, &demand);
    end_intervals(scan, number, false);
    end_intervals(scan, number, true);
}

static void begin_scan(struct scan *scan) {
    struct x86_allocation *allocation = scan->allocation;
    memset(allocation->peak, 0, sizeof allocation->peak);
    memset(allocation->used, 0, sizeof allocation->used);
    memset(scan->live, 0, sizeof scan->live);
    scan->available[X86_GENERAL] = 0xffff & ~(1u << X86_RSP);
    scan->available[X86_VECTOR] = allocation->isa->vector_registers == 32 ? ~0u : 0xffff;
    scan->available[X86_MASK] = allocation->isa->mask_registers ? 0xfe : 0;
    if (allocation->intervals[allocation->words].end >= 0)
        start_interval(scan, allocation->words, X86_RDI);
}

static void scan_lines(struct scan *scan) {
    struct x86_allocation *allocation = scan->allocation;
    begin_scan(scan);
    for (int number = 0; number < allocation->line_count; number++) {
        struct x86_line *line = &allocation->lines[number];
        if (line->loads_words)
            for (int i = scan->starting[number]; i >= 0; i = allocation->intervals[i].next_start)
                if (i >= allocation->pointer && i < allocation->induction)
                    start_interval(scan, i, NO_REGISTER);
        if (line->kind == X86_INSTRUCTION) {
            scan_instruction(scan, number);
        } else if (line->kind == X86_LOOP_BEGIN) {
            scan_loop_begin(scan, number);
        } else {
            end_intervals(scan, number, false);
        }
    }
}

static void link_intervals(struct scan *scan, struct arena *arena) {
    struct x86_allocation *allocation = scan->allocation;
    size_t lines = (size_t)allocation->line_count;
    scan->starting = ARENA_ARRAY(arena, int, lines);
    scan->ending = ARENA_ARRAY(arena, int, lines);
    memset(scan->starting, -1, lines * sizeof *scan->starting);
    memset(scan->ending, -1, lines * sizeof *scan->ending);
    for (int i = 0; i < allocation->interval_count; i++) {
        struct x86_interval *interval = &allocation->intervals[i];
        interval->reg = NO_REGISTER;
        if (interval->end < 0)
            continue;
        if (interval->start >= 0) {
            interval->next_start = scan->starting[interval->start];
            scan->starting[interval->start] = i;
        }
        interval->next_end = scan->ending[interval->end];
        scan->ending[interval->end] = i;
    }
}

/* Moves the counter of the outermost loop that still has a register to the stack. */
static bool spill_counter(struct x86_allocation *allocation) {
    for (int i = 0; i < allocation->loop_count; i++)
        if (allocation->loops[i].slot < 0 &&
            allocation->intervals[allocation->counter + i].end >= 0) {
            allocation->loops[i].slot = allocation->slots++;
            return true;
        }
    return false;
}

static dlt_status check(const struct x86_allocation *allocation, enum x86_class class, int limit,
                        const char *what, struct error *error) {
    if (allocation->peak[class] <= limit)
        return DLT_OK;
    return error_set(error, DLT_ERROR_REFUSED, "the tile needs %d %s registers, %s has %d",
                     allocation->peak[class], what, allocation->isa->name, limit);
}

dlt_status x86_allocate(struct x86_allocation *allocation, struct arena *arena,
                        struct error *error) {
    struct scan scan = {.allocation = allocation};
    if (!allocation->line_count)
        return DLT_OK;
    link_intervals(&scan, arena);
    do {
        scan_lines(&scan);
    } while (allocation->peak[X86_GENERAL] > GENERAL_REGISTERS && spill_counter(allocation));
    TRY(check(allocation, X86_VECTOR, allocation->isa->vector_registers, "vector", error));
    TRY(check(allocation, X86_MASK, allocation->isa->mask_registers, "mask", error));
    return check(allocation, X86_GENERAL, GENERAL_REGISTERS, "general", error);
}
