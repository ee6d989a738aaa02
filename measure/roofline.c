/* Measuring roofs, and what they mean for a task; see roofline.h. */
#include "measure/roofline.h"

#include "base/number.h"
#include "measure/inputs.h"
#include "measure/peak.h"
#include "threads/processors.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    LEAST_DRAM_BYTES = 64 << 20,
    MOST_DRAM_BYTES = 512 << 20,
};

const char *const memory_level_names[MEMORY_LEVELS] = {"l1", "l2", "l3", "dram"};

/* ---- measuring ---- */

/* A working set that only this level holds: half of it; for memory, four times the last cache. */
static int64_t working_set(const struct target_description *target, int level) {
    int64_t largest = 0;
    if (level < CACHE_LEVELS)
        return target->caches[level].bytes / 2;
    for (int i = 0; i < CACHE_LEVELS; i++)
        if (target->caches[i].bytes > largest)
            largest = target->caches[i].bytes;
    largest *= 4;
    return largest < LEAST_DRAM_BYTES  ? LEAST_DRAM_BYTES
           : largest > MOST_DRAM_BYTES ? MOST_DRAM_BYTES
                                       : largest;
}

static void measure_level(const struct target_description *target, int level, struct roofs *roofs) {
    for (int traffic = 0; traffic < TRAFFIC_COUNT; traffic++)
        roofs->bandwidth[level][traffic] =
            measure_bandwidth(target->name, (enum traffic)traffic, working_set(target, level));
}

static void note_sizes(const struct target_description *target, struct roofs *roofs) {
    for (int level = 0; level < CACHE_LEVELS; level++)
        roofs->bytes[level] = target->caches[level].bytes;
}

dlt_status roofs_measure(const char *name, struct roofs *roofs, struct error *error) {
    struct target_description target;
    *roofs = (struct roofs){0};
    TRY(target_describe(name, &target, error));
    note_sizes(&target, roofs);
    for (int type = 0; type < TYPE_COUNT; type++)
        roofs->peak[type] = measure_fma_peak(target.name, (enum data_type)type);
    for (int level = 0; level < MEMORY_LEVELS; level++)
        measure_level(&target, level, roofs);
    return DLT_OK;
}

dlt_status roofs_measure_for(const struct task *task, struct roofs *roofs, int *level,
                             struct error *error) {
    struct target_description target;
    TRY(target_describe(task->target, &target, error));
    note_sizes(&target, roofs);
    *level = roofline_of(task, roofs).level;
    measure_level(&target, *level, roofs);
    return DLT_OK;
}

/* ---- as named numbers ---- */

dlt_status roofs_visit(const struct roofs *roofs, roof_visitor *visitor, void *context,
                       struct error *error) {
    char name[ROOF_NAME_BYTES];
    for (int type = 0; type < TYPE_COUNT; type++) {
        snprintf(name, sizeof name, "peak %s", data_types[type].name);
        if (roofs->peak[type] > 0)
            TRY(visitor(context, name, roofs->peak[type], error));
    }
    for (int level = 0; level < MEMORY_LEVELS; level++) {
        snprintf(name, sizeof name, "bytes %s", memory_level_names[level]);
        if (level < CACHE_LEVELS && roofs->bytes[level] > 0)
            TRY(visitor(context, name, (double)roofs->bytes[level], error));
        for (int traffic = 0; traffic < TRAFFIC_COUNT; traffic++) {
            snprintf(name, sizeof name, "bandwidth %s %s", memory_level_names[level],
                     traffic_names[traffic]);
            if (roofs->bandwidth[level][traffic] > 0)
                TRY(visitor(context, name, roofs->bandwidth[level][traffic], error));
        }
    }
    return DLT_OK;
}

static int find_name(const char *const *names, int count, const char *name) {
    for (int i = 0; i < count; i++)
        if (!strcmp(names[i], name))
            return i;
    return -1;
}

static int find_type(const char *name) {
    for (int type = 0; type < TYPE_COUNT; type++)
        if (!strcmp(data_types[type].name, name))
            return type;
    return -1;
}

bool roofs_set(struct roofs *roofs, const char *name, double value) {
    char words[3][ROOF_NAME_BYTES] = {"", "", ""};
    int count, level, traffic, type;
    if (strlen(name) >= ROOF_NAME_BYTES)
        return false;
    count = sscanf(name, "%31s %31s %31s", words[0], words[1], words[2]);
    level = find_name(memory_level_names, MEMORY_LEVELS, words[1]);
    traffic = find_name(traffic_names, TRAFFIC_COUNT, words[2]);
    type = find_type(words[1]);
    if (count == 2 && !strcmp(words[0], "peak") && type >= 0)
        roofs->peak[type] = value;
    else if (count == 2 && !strcmp(words[0], "bytes") && level >= 0 && level < CACHE_LEVELS)
        roofs->bytes[level] = (int64_t)value;
    else if (count == 3 && !strcmp(words[0], "bandwidth") && level >= 0 && traffic >= 0)
        roofs->bandwidth[level][traffic] = value;
    else
        return false;
    return true;
}

static dlt_status print_line(void *context, const char *name, double value, struct error *error) {
    (void)error;
    text_format(context, "%s %.6g\n", name, value);
    return DLT_OK;
}

void roofs_print(struct text *text, const struct roofs *roofs) {
    struct error error;
    roofs_visit(roofs, print_line, text, &error);
}

/* The value is the last word of a line. */
void roofs_parse(const char *text, struct roofs *roofs) {
    while (*text) {
        size_t length = strcspn(text, "\n"), end = length;
        char name[ROOF_NAME_BYTES];
        double value;
        while (end > 0 && text[end - 1] != ' ')
            end--;
        if (end > 0 && end <= sizeof name) {
            memcpy(name, text, end - 1);
            name[end - 1] = 0;
            if (number_read(text + end, &value))
                roofs_set(roofs, name, value);
        }
        text += length + (text[length] == '\n');
    }
}

/* ---- of a task ---- */

struct moved {
    double read, written; /* bytes */
};

static struct moved moved_bytes(const struct expression *expression) {
    struct moved moved = {.written = (double)tensor_bytes(expression_result(expression))};
    for (int t = 0; t < expression->tensor_count; t++) {
        const struct tensor *tensor = expression->tensors[t];
        if (tensor->kind == TENSOR_VARIABLE || tensor->kind == TENSOR_PARAMETER)
            moved.read += (double)tensor_bytes(tensor);
    }
    return moved;
}

static int level_that_holds(const struct roofs *roofs, double bytes) {
    for (int level = 0; level < CACHE_LEVELS; level++)
        if (bytes <= (double)roofs->bytes[level])
            return level;
    return CACHE_LEVELS;
}

/* The least time that a level can take: for what is read, for what is written (half of a copy is
 * reading, half writing), and for both together at the fastest rate seen. 0: not known. */
static double least_seconds(const double *bandwidth, const struct moved *moved) {
    double half_copy = bandwidth[TRAFFIC_COPY] / 2;
    double read = fmax(bandwidth[TRAFFIC_READ], half_copy);
    double write = fmax(bandwidth[TRAFFIC_WRITE], half_copy);
    double both = fmax(fmax(read, write), bandwidth[TRAFFIC_COPY]);
    if (!(read > 0 && write > 0))
        return 0;
    return fmax((moved->read + moved->written) / both,
                fmax(moved->read / read, moved->written / write));
}

/* Each thread that a processor is there for adds its peak and what the caches of its core move.
 * Memory is shared, so that for several threads this roof is higher than the machine's. */
struct roofline roofline_of(const struct task *task, const struct roofs *roofs) {
    struct moved moved = moved_bytes(task->expression);
    struct roofline roofline = {.bytes = moved.read + moved.written};
    int threads = processors_for(task->threads);
    double peak = threads * roofs->peak[expression_result(task->expression)->type];
    double seconds, memory;
    roofline.intensity = task->operations / roofline.bytes;
    roofline.level = level_that_holds(roofs, roofline.bytes);
    seconds = least_seconds(roofs->bandwidth[roofline.level], &moved);
    if (!(seconds > 0))
        return roofline;
    memory = threads * task->operations / seconds;
    roofline.by_memory = peak <= 0 || memory < peak;
    roofline.roof = roofline.by_memory ? memory : peak;
    return roofline;
}

double roofline_share(const struct roofline *roofline, const struct task *task, double seconds) {
    return roofline->roof > 0 && seconds > 0 ? task->operations / seconds / roofline->roof : 0;
}
