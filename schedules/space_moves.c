/* What moving data costs beyond the first cache, by the order in which a tile goes through it.
 *
 * An access goes through memory in *runs*: stretches without a gap. The register tile covers one or
 * several rows of them, and the loops around may go on where the tile ends.
 *
 *     near    the second cache delivers lines at full speed only where the next one is asked for
 *             ahead, which long runs see to
 *     far     everything beyond: rows that advance side by side are streams, and few are fetched
 *             ahead at once; a jump after a short run costs a wait */
#include "schedules/space_private.h"

#include <math.h>
#include <stdlib.h>

/* Cycles that a line takes longer: from the second cache when it was not asked for ahead; from
 * beyond it for each stream, and after a jump. */
#define LATE_LINE_CYCLES  0.7
#define FAR_STREAM_CYCLES 0.07
#define FAR_JUMP_CYCLES   2.5
#define FAR_PART_CYCLES   1.0 /* for each further part in which it is touched */
#define FAR_SUMS_CYCLES   1.0 /* where sums wait in memory */
#define FAR_WIDE_CYCLES   0.1 /* for each time that a tile is twice as wide as it need be */

enum {
    LINE_BYTES = 64,
    NEAR_RUN_BYTES = 1024,  /* runs of so many are fetched ahead, if several advance together */
    NEAR_JUMP_BYTES = 4096, /* or one after the other */
    FAR_RUN_BYTES = 512,
    MOST_STREAMS = 64, /* more cost no more */
    FAR_JUMPS = 4,     /* rows that are only read wait at the same time */
};

double space_trips(const struct group *group) {
    double trips = 1;
    for (int i = 0; i < group->axis_count; i++)
        trips *= (double)group->axes[i].extent;
    for (int i = 0; i < group->reduction_count; i++)
        trips *= (double)group->reductions[i].extent;
    return trips;
}

double space_elements(const struct tensor *tensor) {
    double elements = 1;
    for (int i = 0; i < tensor->rank; i++)
        elements *= (double)tensor->axes[i]->extent;
    return elements;
}

bool space_reads_once(const struct group *group, const struct group_read *read) {
    return space_elements(read->tensor) >= space_trips(group) * SPACE_SHARE_ONCE;
}

bool space_is_moving(const struct group *group) {
    for (int i = 0; i < group->read_count; i++)
        if (space_reads_once(group, &group->reads[i]))
            return true;
    return group->reduction_count == 0;
}

bool space_goes_along_rows(const struct space *space, const struct group *group, int reduction) {
    if (group->reduction_count > 1 || space_inner_loops(group, space->threads) == 0)
        return false;
    for (int i = 0; i < group->read_count; i++)
        if (group->reads[i].reduction_strides[reduction] <= space_lanes(space))
            return false;
    return true;
}

/* ---- runs ---- */

/* A loop as an access sees it: how far one trip moves it, the trips within the tile and all. */
struct step {
    int64_t stride, within, all;
    int64_t block; /* neighbours after so many lie elsewhere; 0: never */
    bool joined;   /* to the run */
};

/* Innermost last. */
struct walk {
    int count;
    struct step steps[2 * MAX_RANK];
};

static void add_step(struct walk *walk, int64_t stride, int64_t within, int64_t all,
                     int64_t block) {
    walk->steps[walk->count++] = (struct step){stride, within, all, block, false};
}

static void add_reduction(struct walk *walk, const struct group *group,
                          const struct group_choice *choice, const struct group_read *read, int r) {
    int64_t within = r == choice->vector_reduction ? choice->lane_trips
                     : choice->unroll[r]           ? choice->unroll[r]
                                                   : 1;
    add_step(walk, read ? read->reduction_strides[r] : 0, within, group->reductions[r].extent, 0);
}

/* The access's walk: through a read, or the result if there is none. Of a reduction that is split
 * to single trips the loop stands around those of the axes. */
static void walk_access(const struct group *group, const struct group_choice *choice,
                        const struct group_read *read, struct walk *walk) {
    walk->count = 0;
    for (int r = 0; r < group->reduction_count; r++)
        if (choice->split[r] == 1)
            add_reduction(walk, group, choice, read, r);
    for (int i = 0; i < group->axis_count; i++) {
        int axis = choice->order && choice->order_count == group->axis_count ? choice->order[i] : i;
        const struct group_axis *along = &group->axes[axis];
        add_step(walk, read ? read->strides[axis] : along->output_stride, choice->tile[axis],
                 along->extent, read ? 0 : along->output_block);
    }
    for (int i = 0; i < group->reduction_count; i++) {
        int r = choice->reduction_order ? choice->reduction_order[i] : i;
        if (choice->split[r] != 1)
            add_reduction(walk, group, choice, read, r);
    }
}

static int64_t within_block(const struct step *step) {
    return step->block && step->block < step->within ? step->block : step->within;
}

/* Elements of a row that the tile touches; `rows`: how many such rows. */
static int64_t run_of_tile(struct walk *walk, double *rows) {
    int64_t run = 1;
    bool grows = true;
    *rows = 1;
    while (grows) {
        grows = false;
        for (int i = 0; i < walk->count; i++) {
            struct step *step = &walk->steps[i];
            if (step->joined || step->within <= 1 || step->stride <= 0 || step->stride > run)
                continue;
            run += step->stride * (within_block(step) - 1);
            step->joined = grows = true;
        }
    }
    for (int i = 0; i < walk->count; i++) {
        const struct step *step = &walk->steps[i];
        if (step->stride != 0)
            *rows *= (double)step->within / (double)(step->joined ? within_block(step) : 1);
    }
    return run;
}

/* The same with what the loops around add where the tile ends, up to a line more or less. */
static int64_t run_of_loops(const struct walk *walk, int64_t run) {
    for (int i = walk->count - 1; i >= 0; i--) {
        const struct step *step = &walk->steps[i];
        int64_t next = step->stride * step->within;
        if (step->stride == 0 || step->within >= step->all)
            continue;
        if (step->stride < 0 || (step->block && step->within >= step->block) ||
            llabs(next - run) * data_types[TYPE_F32].bytes > LINE_BYTES)
            break;
        run = step->stride * (step->block ? step->block : step->all);
    }
    return run;
}

/* ---- cycles ---- */

/* 1 for runs of one line, 0 for those that are long enough; more for parts of a line, which is
 * fetched for each of them. */
static double short_share(double run_bytes, double enough) {
    if (run_bytes < LINE_BYTES)
        return LINE_BYTES / run_bytes;
    return fmax(0, (enough - run_bytes) / (enough - LINE_BYTES));
}

/* Cycles that a line of this access takes longer; adds its rows to `streams`. */
static double late_cycles(const struct group *group, const struct group_choice *choice,
                          const struct group_read *read, bool is_far, double *streams) {
    struct walk walk;
    double rows, bytes, whole_bytes, together;
    int64_t run, whole;
    walk_access(group, choice, read, &walk);
    run = run_of_tile(&walk, &rows);
    whole = run_of_loops(&walk, run);
    *streams += rows;
    together = group->reduction_count ? fmin(rows, FAR_JUMPS) : 1;
    bytes = (double)run * data_types[TYPE_F32].bytes;
    whole_bytes = (double)whole * data_types[TYPE_F32].bytes;
    if (is_far)
        return FAR_JUMP_CYCLES * short_share(whole_bytes, FAR_RUN_BYTES) / together +
               FAR_PART_CYCLES * fmax(0, LINE_BYTES / bytes - 1) +
               FAR_WIDE_CYCLES * fmax(0, log2(bytes / FAR_RUN_BYTES));
    if (rows == 1 && bytes < 2 * LINE_BYTES) /* one line a trip is not fetched ahead */
        return LATE_LINE_CYCLES * short_share(bytes, NEAR_RUN_BYTES);
    return LATE_LINE_CYCLES * (rows > 1 && group->reduction_count == 0
                                   ? short_share(bytes, NEAR_RUN_BYTES)
                                   : short_share(whole_bytes, NEAR_JUMP_BYTES));
}

/* Cycles lost where each element is read once and the next line is not the one that the caches
 * fetch ahead. What fits the first cache is there. */
double space_late_cycles(const struct space *space, const struct group *group,
                         const struct group_choice *choice) {
    double elements = 0, streams = 0, late = 0;
    int accesses = 0;
    bool is_far;
    for (int i = 0; i < group->read_count; i++)
        if (!group->reads[i].is_parameter && space_reads_once(group, &group->reads[i]))
            elements += space_elements(group->reads[i].tensor);
    if (elements == 0)
        return 0;
    if (group->reduction_count == 0)
        elements += space_elements(group->outer);
    elements *= data_types[TYPE_F32].bytes;
    if (elements <= (double)space->target.caches[0].bytes)
        return 0;
    is_far = elements > (double)space->target.caches[1].bytes;
    for (int i = -1; i < group->read_count; i++) {
        const struct group_read *read = i < 0 ? NULL : &group->reads[i];
        if (read ? read->is_parameter || !space_reads_once(group, read)
                 : group->reduction_count > 0)
            continue;
        late += late_cycles(group, choice, read, is_far, &streams);
        accesses++;
    }
    for (int r = 0; r < group->reduction_count && is_far; r++)
        late += choice->split[r] == 1 ? FAR_SUMS_CYCLES : 0;
    if (is_far)
        late += accesses * FAR_STREAM_CYCLES * fmin(streams, MOST_STREAMS);
    return late * space_trips(group) * data_types[TYPE_F32].bytes / LINE_BYTES;
}
