/* Computing features; see features.h. */
#include "costmodel/features.h"

#include "schedules/traffic.h"

#include <math.h>
#include <stdio.h>

/* One pass writes values, or names, or both, in the same order. */
struct writer {
    const struct space *space;
    const struct nest_summary *summary;
    int fits[CACHE_LEVELS]; /* the depth at which the data fits each cache */
    float *values;
    char (*names)[FEATURE_NAME];
    const char *prefix;
    int count;
};

static void put(struct writer *w, const char *name, double value) {
    if (w->count == FEATURE_COUNT)
        return;
    if (w->names)
        snprintf(w->names[w->count], FEATURE_NAME, "%s%s", w->prefix, name);
    w->values[w->count++] = isfinite(value) ? (float)value : 1e6f;
}

static void put_log(struct writer *w, const char *name, double value) {
    put(w, name, log2f((float)(value > 1e-9 ? value : 1e-9)));
}

static double cache_bytes(const struct space *space, int level) {
    double bytes = (double)space->target.caches[level].bytes;
    return bytes > 0 ? bytes : 1 << 20;
}

/* ---- operands ---- */

static int vector_loop(const struct nest_summary *summary) {
    int last = summary->loop_count - 1;
    return last >= 0 && summary->loops[last].place == PLACE_VECTOR ? last : -1;
}

/* The largest operand that moves along the vector, or the largest that does not; NULL. */
static const struct summary_access *find_operand(const struct nest_summary *summary, bool along) {
    const struct summary_access *best = NULL;
    int vector = vector_loop(summary);
    for (int i = 0; i < summary->access_count; i++) {
        const struct summary_access *access = &summary->accesses[i];
        bool moves = vector >= 0 && access->strides[vector] != 0;
        if (access->is_write || moves != along)
            continue;
        if (!best || access->elements[0] > best->elements[0])
            best = access;
    }
    return best;
}

static int first_in_tile(const struct nest_summary *summary, enum summary_place place) {
    int i = summary->tile_depth;
    while (i < summary->loop_count && summary->loops[i].place < place)
        i++;
    return i;
}

static double stride_of_place(const struct nest_summary *summary,
                              const struct summary_access *access, enum summary_place place) {
    for (int i = summary->loop_count - 1; i >= summary->tile_depth; i--)
        if (summary->loops[i].place == place)
            return (double)access->strides[i] * access->element_bytes;
    return 0;
}

enum {
    OPERAND_FEATURES = 17
};

static void put_operand(struct writer *w, const char *prefix, const struct summary_access *access) {
    const struct nest_summary *summary = w->summary;
    int tile = summary->tile_depth, trip = first_in_tile(summary, PLACE_WRITTEN_OUT);
    int vector = vector_loop(summary), end = w->count + OPERAND_FEATURES;
    double distance;
    w->prefix = prefix;
    while (!access && w->count < end)
        put(w, "none", -1);
    if (!access)
        return;
    put_log(w, "elements", access->elements[0]);
    put_log(w, "tile_elements", access->elements[tile]);
    put_log(w, "trip_elements", access->elements[trip]);
    put_log(w, "tile_lines", access->lines[tile]);
    put_log(w, "waste", access->lines[tile] * 16 / access->elements[tile]);
    put(w, "vector_stride", vector < 0 ? -1 : fmin(fabs((double)access->strides[vector]), 32));
    put_log(w, "reduction_stride", stride_of_place(summary, access, PLACE_REDUCTION) + 1);
    put_log(w, "row_stride", stride_of_place(summary, access, PLACE_ROWS) + 1);
    put_log(w, "sets", access->sets);
    put_log(w, "lines_a_way", access->lines_a_way);
    put(w, "packed", access->is_packed + access->is_copied);
    distance = traffic_reuse_distance(summary, access);
    for (int level = 0; level < CACHE_LEVELS; level++) {
        static const char *const distances[] = {"distance1", "distance2", "distance3"};
        static const char *const fetches[] = {"fetch1", "fetch2", "fetch3"};
        double bytes = cache_bytes(w->space, level);
        put_log(w, distances[level], distance / bytes);
        put_log(w, fetches[level],
                traffic_lines(summary, access, w->fits[level]) / summary->useful);
    }
}

/* ---- the nest ---- */

static void put_tile(struct writer *w) {
    const struct nest_summary *summary = w->summary;
    const struct target_description *target = &w->space->target;
    double lanes = fmax(target->vector_bytes / 4.0, 1);
    double ideal = summary->useful / (lanes * target->fma_per_cycle), trips = 1, written_out = 1;
    double rows = 1, vectors = 1, longest = 1;
    const struct tile_bound *bound = &summary->bound;
    double arithmetic = fmax(bound->products, (double)bound->accumulators) / target->fma_per_cycle;
    for (int i = summary->tile_depth; i < summary->loop_count; i++) {
        double count = (double)summary->loops[i].trips;
        trips *= summary->loops[i].place == PLACE_REDUCTION ? count : 1;
        written_out *= summary->loops[i].place == PLACE_WRITTEN_OUT ? count : 1;
        rows *= summary->loops[i].place == PLACE_ROWS ? count : 1;
        if (summary->loops[i].place == PLACE_ROWS)
            longest = fmax(longest, count);
        if (summary->loops[i].place == PLACE_VECTOR)
            vectors = count / lanes;
    }
    put_log(w, "useful", summary->useful);
    put_log(w, "ragged", summary->work / summary->useful);
    put_log(w, "bound", summary->estimate / ideal);
    put_log(w, "cycles", traffic_cycles(w->space, summary) / ideal);
    put_log(w, "trip_cycles", bound->trip_cycles);
    put_log(w, "load_share", bound->loads / target->loads_per_cycle / arithmetic);
    put_log(w, "unaligned_share", bound->unaligned_loads / (bound->loads + 1e-9));
    put_log(w, "pick_share", bound->picks / (bound->loads + 1e-9));
    put_log(w, "latency_share", bound->chain / arithmetic);
    put_log(w, "store_share",
            bound->stores / target->stores_per_cycle / (arithmetic * bound->trips));
    put(w, "accumulators", (double)bound->accumulators);
    put(w, "registers_free", (double)(target->vector_registers - bound->registers));
    put(w, "variants", (double)bound->variants);
    put_log(w, "code", (double)bound->code_bytes);
    put(w, "prefetches", summary->prefetches);
    put_log(w, "calls", summary->calls);
    put_log(w, "trips", trips);
    put_log(w, "written_out", written_out);
    put(w, "rows", rows);
    put(w, "longest_rows", longest);
    put(w, "vectors", vectors);
    put(w, "lanes_full", vectors / ceil(vectors));
    put_log(w, "lanes", lanes);
    put(w, "is_reduction", summary->is_reduction);
}

static void put_caches(struct writer *w) {
    const struct nest_summary *summary = w->summary;
    int trip = first_in_tile(summary, PLACE_WRITTEN_OUT);
    static const char *const whole[] = {"whole1", "whole2", "whole3"};
    static const char *const call[] = {"call1", "call2", "call3"};
    static const char *const fetched[] = {"intensity1", "intensity2", "intensity3"};
    for (int level = 0; level < CACHE_LEVELS; level++) {
        double bytes = cache_bytes(w->space, level), lines = 0;
        for (int i = 0; i < summary->access_count; i++)
            lines += traffic_lines(summary, &summary->accesses[i], w->fits[level]);
        put_log(w, whole[level], summary->bytes[0] / bytes);
        put_log(w, call[level], summary->bytes[summary->tile_depth] / bytes);
        put_log(w, fetched[level], summary->useful / lines);
    }
    put_log(w, "trip1", summary->bytes[trip] / cache_bytes(w->space, 0));
}

/* The innermost loops around the tile: how long, whose data stays, and what one trip touches. */
static void put_loops(struct writer *w) {
    const struct nest_summary *summary = w->summary;
    const struct summary_access *along = find_operand(summary, true);
    const struct summary_access *across = find_operand(summary, false);
    static const char *const prefixes[] = {"loop1.", "loop2.", "loop3.", "loop4."};
    for (int i = 0; i < 4; i++) {
        int loop = summary->tile_depth - 1 - i;
        bool there = loop >= 0;
        w->prefix = prefixes[i];
        put_log(w, "trips", there ? (double)summary->loops[loop].trips : 1);
        put(w, "place", there ? (int)summary->loops[loop].place : -1);
        put(w, "keeps",
            there ? 4 * (summary->accesses[0].strides[loop] == 0) +
                        2 * (along && along->strides[loop] == 0) +
                        (across && across->strides[loop] == 0)
                  : -1);
        put_log(w, "bytes", summary->bytes[there ? loop : 0]);
    }
    w->prefix = "";
    put(w, "order.keeps",
        summary->tile_depth > 0
            ? 2 * (along && along->strides[0] == 0) + (across && across->strides[0] == 0)
            : -1);
}

static void put_threads(struct writer *w) {
    const struct nest_summary *summary = w->summary;
    double trips = (double)summary->parallel_trips, threads = summary->threads;
    put_log(w, "threads", threads);
    put(w, "balance", trips / (ceil(trips / threads) * threads));
}

static double score_of_cycles(double cycles) {
    return log(fmax(cycles, 1));
}

static void put_all(struct writer *w) {
    for (int level = 0; level < CACHE_LEVELS; level++)
        w->fits[level] = traffic_fit_depth(w->summary, &w->space->target.caches[level]);
    w->prefix = "";
    put_tile(w);
    put_caches(w);
    put_loops(w);
    put_threads(w);
    put_operand(w, "result.", &w->summary->accesses[0]);
    put_operand(w, "along.", find_operand(w->summary, true));
    put_operand(w, "across.", find_operand(w->summary, false));
}

double features_with_score(const struct space *space, const int *point, float *features) {
    struct nest_summary summaries[2];
    struct nest_summary *heaviest = &summaries[0], *next = &summaries[1];
    struct writer w = {.space = space, .values = features};
    double cycles;
    space_summarise(space, 0, point, heaviest);
    cycles = traffic_nest_score(space, heaviest);
    for (int i = 1; i < space_nest_count(space); i++) {
        space_summarise(space, i, point, next);
        cycles += traffic_nest_score(space, next);
        if (next->estimate > heaviest->estimate) {
            struct nest_summary *swap = heaviest;
            heaviest = next;
            next = swap;
        }
    }
    w.summary = heaviest;
    put_all(&w);
    return score_of_cycles(cycles);
}

void features_compute(const struct space *space, const int *point, float *features) {
    features_with_score(space, point, features);
}

void features_names(char names[FEATURE_COUNT][FEATURE_NAME]) {
    static const struct space space = {.target = {.vector_bytes = 4, .fma_per_cycle = 1},
                                       .threads = 1};
    struct nest_summary summary = {.loop_count = 1,
                                   .access_count = 3,
                                   .useful = 1,
                                   .work = 1,
                                   .threads = 1,
                                   .parallel_trips = 1};
    float values[FEATURE_COUNT];
    struct writer w = {.space = &space, .summary = &summary, .values = values, .names = names};
    summary.loops[0].place = PLACE_VECTOR;
    summary.accesses[0].is_write = true;
    summary.accesses[1].strides[0] = 1;
    put_all(&w);
}

double analytic_score(const struct space *space, const int *point) {
    return score_of_cycles(traffic_score(space, point));
}
