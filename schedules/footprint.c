/* Counting footprints; see footprint.h. */
#include "schedules/footprint.h"

#include "base/divisor.h"

#include <math.h>

enum {
    LINE_BYTES = 64, /* where the machine does not tell */
    SETS = 64,
};

void footprint_add(struct footprint *f, int64_t stride, int64_t trips) {
    int at = f->count++;
    stride = stride < 0 ? -stride : stride;
    while (at > 0 && f->strides[at - 1] > stride) {
        f->strides[at] = f->strides[at - 1];
        f->trips[at] = f->trips[at - 1];
        at--;
    }
    f->strides[at] = stride;
    f->trips[at] = trips;
}

/* What was counted so far, and the multiples 0 .. number - 1 of `base` being gathered. */
struct counting {
    double elements, span; /* span: of the elements, last - first + 1 */
    double run, many;      /* runs of lines: their length in elements, how many */
    double base, number;
};

static void end_multiples(struct counting *c, double line) {
    double longer = c->span + c->base * (c->number - 1);
    c->elements *= c->number;
    c->elements = c->elements < longer ? c->elements : longer;
    c->span = longer;
    if (c->base <= c->run || c->base <= line)
        c->run += c->base * (c->number - 1);
    else
        c->many *= c->number;
}

void footprint_count(const struct footprint *f, double line, double *elements, double *lines) {
    struct counting c = {1, 1, 1, 1, 1, 1};
    for (int i = 0; i < f->count; i++) {
        double stride = (double)f->strides[i], trips = (double)f->trips[i];
        double ratio = stride / c.base;
        if (ratio == (double)(int64_t)ratio && ratio <= c.number) {
            c.number += ratio * (trips - 1);
            continue;
        }
        end_multiples(&c, line);
        c.base = stride;
        c.number = trips;
    }
    end_multiples(&c, line);
    *elements = c.elements;
    *lines = c.many * (double)(int64_t)((c.run + line - 1) / line);
    *lines = *lines < c.elements ? *lines : c.elements;
}

static int64_t line_of(const struct cache_description *cache) {
    return cache->line_bytes > 0 ? cache->line_bytes : LINE_BYTES;
}

/* Bytes of one way: addresses so far apart share a set. */
static int64_t span_of(const struct cache_description *cache) {
    return cache->ways > 0 && cache->bytes > 0 ? cache->bytes / cache->ways : SETS * line_of(cache);
}

int64_t cache_places(const struct cache_description *cache, int64_t stride) {
    int64_t span = span_of(cache), lowest = stride & -stride;
    if ((span & (span - 1)) == 0) /* of nearly every cache: then no division is needed for it */
        return stride ? span / (lowest < span ? lowest : span) : 1;
    return span / greatest_common_divisor(stride, span);
}

double cache_sets_met(const struct cache_description *cache, int loop_count, const int64_t *strides,
                      const int64_t *trips) {
    double line = (double)line_of(cache), sets = (double)span_of(cache) / line, met = 1;
    for (int i = 0; i < loop_count; i++) {
        int64_t stride = strides[i] < 0 ? -strides[i] : strides[i];
        double count = (double)trips[i], places;
        if (stride == 0)
            continue;
        if ((double)stride < line)
            count = ceil(count * (double)stride / line);
        places = (double)cache_places(cache, stride);
        met *= count < places ? count : places;
    }
    return met < sets ? met : sets;
}
