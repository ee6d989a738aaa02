/* Knobs for the padding of buffers between groups.
 *
 * What a tile reads of a buffer whose rows lie a multiple of 4 KB apart falls on few sets of the
 * first cache and does not stay there from one of its trips to the next, though it is much smaller
 * than the cache. A line or two between the rows spread it. The knob is offered where the default
 * tile of a group that reads the buffer is in this case and padding helps it, or that tile with as
 * many rows as the registers hold; which of both is the default is for the model of traffic to say,
 * like with the other knobs. Copies made for a tile need none: they lie in the order in which it
 * reads them. */
#include "schedules/space_private.h"

#include "schedules/footprint.h"
#include "schedules/steps.h"
#include "schedules/summary.h"

#include <stdio.h>
#include <string.h>

enum {
    WAYS = 8,            /* where the machine does not tell */
    MOST_TRIED_LINES = 4 /* between rows: 1, 2, 4 */
};

int64_t space_padding_lines(const struct space *space, const struct space_padding *padding,
                            const int *point) {
    return space->knobs[padding->knob].values[point[padding->knob]];
}

static bool touches(const struct group *group, const struct tensor *tensor) {
    bool any = group->outer == tensor;
    for (int i = 0; i < group->read_count; i++)
        any |= group->reads[i].buffer == tensor;
    return any;
}

/* Gives a group the strides along one padded tensor that another copy of it has. */
static void take_strides(struct group *group, const struct group *from,
                         const struct tensor *tensor) {
    for (int i = 0; i < group->read_count; i++)
        if (group->reads[i].buffer == tensor)
            group->reads[i] = from->reads[i];
    for (int i = 0; i < group->axis_count && group->outer == tensor; i++)
        group->axes[i].output_stride = from->axes[i].output_stride;
}

const struct group *space_padded_group(const struct space *space, int index, const int *point,
                                       struct group *storage) {
    const struct space_rules *rules = space->rules;
    const struct group *group = &rules->structure.groups[index];
    bool copied = false;
    for (int i = 0; i < rules->padding_count && rules->padded[index]; i++) {
        const struct space_padding *padding = &rules->paddings[i];
        if (!touches(group, padding->tensor) || !space_padding_lines(space, padding, point))
            continue;
        if (!copied)
            *storage = *group;
        copied = true;
        take_strides(storage, rules->padded[index], padding->tensor);
    }
    return copied ? storage : group;
}

/* ---- which buffers, and how ---- */

/* Whether what some inner loops of the tile touch would fit the first cache, were it not for the
 * sets that it falls on. */
static bool conflicts(const struct nest_summary *summary, const struct summary_access *access,
                      const struct cache_description *cache) {
    double line = cache->line_bytes > 0 ? cache->line_bytes : PADDING_LINE_BYTES;
    double ways = cache->ways > 0 ? cache->ways : WAYS;
    int64_t strides[SUMMARY_LOOPS], trips[SUMMARY_LOOPS];
    int count = 0;
    for (int i = summary->loop_count - 1; i >= summary->tile_depth; i--) {
        strides[count] = access->strides[i] * access->element_bytes;
        trips[count++] = summary->loops[i].trips;
        if (access->lines[i] * line <= (double)cache->bytes &&
            access->lines[i] > ways * cache_sets_met(cache, count, strides, trips))
            return true;
    }
    return false;
}

/* The same for all that the default tile of a group reads of one tensor. */
static bool reads_conflict(const struct space *space, int group, const struct tensor *tensor,
                           const int *point) {
    const struct space_rules *rules = space->rules;
    const struct group *reader = &rules->structure.groups[group];
    struct nest_summary summary;
    space_summarise(space, group, point, &summary);
    for (int i = 0; i < reader->read_count && i + 1 < summary.access_count; i++)
        if (reader->reads[i].buffer == tensor && !summary.accesses[i + 1].is_packed &&
            conflicts(&summary, &summary.accesses[i + 1], &space->target.caches[0]))
            return true;
    return false;
}

/* The tallest tile along an axis that the registers hold, else as it was. */
static void raise_tile(const struct space *space, int index, int axis, int *point) {
    const struct space_rules *rules = space->rules;
    const struct group *group = &rules->structure.groups[index];
    int number = rules->knobs[index].tile[axis], best;
    if (number == NO_KNOB)
        return;
    best = point[number];
    for (int i = 0; i < space->knobs[number].choice_count; i++) {
        struct group_choice choice;
        point[number] = i;
        space_choose(space, index, point, &choice);
        if (space->knobs[number].values[i] > space->knobs[number].values[best] &&
            space_registers(space, group, &choice) <= space->target.vector_registers)
            best = i;
    }
    point[number] = best;
}

/* Finds such a tile: leaves the point at it. */
static bool find_conflict(const struct space *space, int group, const struct tensor *tensor,
                          int *point) {
    const struct space_rules *rules = space->rules;
    for (int axis = -1; axis < rules->structure.groups[group].axis_count; axis++) {
        memset(point, 0, sizeof *point * MAX_KNOBS);
        if (axis >= 0)
            raise_tile(space, group, axis, point);
        if (reads_conflict(space, group, tensor, point))
            return true;
    }
    return false;
}

/* The strides of all groups with one tensor more that is padded. */
static void pad_groups(struct space *space, struct space_rules *rules,
                       const struct space_padding *padding) {
    for (int i = 0; i < rules->structure.group_count; i++) {
        const struct group *group = &rules->structure.groups[i];
        struct group *padded = rules->padded[i];
        if (!touches(group, padding->tensor))
            continue;
        if (!padded)
            rules->padded[i] = padded = arena_copy(space->arena, group, sizeof *group);
        for (int j = 0; j < padded->read_count; j++)
            if (padded->reads[j].buffer == padding->tensor)
                structure_read_strides(space->arena, padded, &padding->layout, &padded->reads[j]);
        if (padded->outer == padding->tensor)
            structure_output_strides(space->arena, &padding->layout, padded);
    }
}

/* Adds the padding with its knob, as if it was there to stay. */
static bool add_padding(struct space *space, struct space_rules *rules, const struct tensor *tensor,
                        int dimension, int64_t lines) {
    struct space_padding *padding = &rules->paddings[rules->padding_count];
    char name[MAX_NAME + 8];
    struct knob *knob;
    *padding =
        (struct space_padding){.tensor = tensor, .dimension = dimension, .layout = tensor->layout};
    if (!layout_pad(&padding->layout, dimension,
                    lines * PADDING_LINE_BYTES / data_types[tensor->type].bytes))
        return false;
    snprintf(name, sizeof name, "pad.%s", tensor->name);
    knob = space_add_knob(space, "", name, "cache lines between its rows", true, &padding->knob);
    if (!knob)
        return false;
    space_add_number(knob, 0);
    space_add_number(knob, lines);
    padding->piece = layout_piece_name(space->arena, &tensor->layout, tensor, dimension);
    rules->padding_count++;
    pad_groups(space, rules, padding);
    return true;
}

static void remove_padding(struct space *space, struct space_rules *rules) {
    space->knobs[--space->knob_count] = (struct knob){0};
    rules->padding_count--;
}

/* The fewest lines, at the outermost dimension, that end the conflict of this reader's tile. */
static void try_paddings(struct space *space, struct space_rules *rules, int reader,
                         const struct tensor *tensor, int *point) {
    for (int64_t lines = 1; lines <= MOST_TRIED_LINES; lines *= 2)
        for (int i = 0; i + 1 < tensor->layout.dimension_count; i++) {
            if (tensor->layout.dimensions[i].extent == 1)
                continue;
            if (!add_padding(space, rules, tensor, i, lines))
                return;
            point[space->knob_count - 1] = 1;
            if (!reads_conflict(space, reader, tensor, point))
                return;
            point[space->knob_count - 1] = 0;
            remove_padding(space, rules);
        }
}

static bool is_padded(const struct space_rules *rules, const struct tensor *tensor) {
    bool any = false;
    for (int i = 0; i < rules->padding_count; i++)
        any |= rules->paddings[i].tensor == tensor;
    return any;
}

void space_add_padding_knobs(struct space *space, struct space_rules *rules) {
    int point[MAX_KNOBS];
    for (int writer = 0; writer < rules->structure.group_count; writer++) {
        const struct tensor *tensor = rules->structure.groups[writer].outer;
        for (int i = 0; i < rules->structure.group_count && !is_padded(rules, tensor); i++)
            if (i != writer && touches(&rules->structure.groups[i], tensor) &&
                find_conflict(space, i, tensor, point))
                try_paddings(space, rules, i, tensor, point);
    }
}

dlt_status space_pad(const struct space *space, const int *point, struct schedule *schedule,
                     struct error *error) {
    const struct space_rules *rules = space->rules;
    for (int i = 0; i < rules->padding_count; i++) {
        const struct space_padding *padding = &rules->paddings[i];
        int64_t lines = space_padding_lines(space, padding, point);
        if (lines)
            TRY(schedule_pad(schedule, padding->tensor->name, padding->piece, lines, error));
    }
    return DLT_OK;
}
