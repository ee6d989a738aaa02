/* Storing roofs beside the models of a host, and printing rooflines; see roofs.h. */
#include "cli/roofs.h"

#include "machine/description.h"
#include "threads/processors.h"
#include "json/number.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ROOFS_NAME    "roofs"
#define ROOFS_VERSION "1" /* of the way they are measured */

void roofs_read(struct database *database, const char *target, struct roofs *roofs) {
    struct model model;
    struct error error;
    *roofs = (struct roofs){0};
    if (database_find_model(database, ROOFS_NAME, target, ROOFS_VERSION, host_name(), &model,
                            &error) != DLT_OK)
        return;
    if (!strcmp(model.host, host_name())) {
        char *text = strndup(model.bytes, model.byte_count);
        if (text)
            roofs_parse(text, roofs);
        free(text);
    }
    model_free(&model);
}

dlt_status roofs_write(struct database *database, const char *target, const struct roofs *roofs,
                       struct error *error) {
    struct text text = {0};
    dlt_status status = DLT_OK;
    roofs_print(&text, roofs);
    if (text.failed)
        status = error_set(error, DLT_ERROR_MEMORY, "out of memory");
    else if (text.length) {
        struct model model = {.name = ROOFS_NAME,
                              .target = target,
                              .host = host_name(),
                              .features = ROOFS_VERSION,
                              .created = (int64_t)time(NULL),
                              .bytes = text_string(&text),
                              .byte_count = text.length};
        status = database_put_model(database, &model, error);
    }
    text_free(&text);
    return status;
}

void roofs_for_task(struct database *database, bool may_write, const struct task *task,
                    struct roofs *roofs) {
    struct error error;
    int level;
    roofs_read(database, task->target, roofs);
    level = roofline_of(task, roofs).level;
    if (roofs->bytes[0] > 0 && roofs->bandwidth[level][TRAFFIC_READ] > 0)
        return;
    if (roofs_measure_for(task, roofs, &level, &error) == DLT_OK && may_write &&
        roofs->bandwidth[level][TRAFFIC_READ] > 0)
        roofs_write(database, task->target, roofs, &error); /* a convenience: may fail */
}

struct roofline roofline_of_result(const struct task *task, const struct roofs *roofs,
                                   double peak_gflops) {
    struct roofs own = *roofs;
    if (peak_gflops > 0)
        own.peak[expression_result(task->expression)->type] =
            peak_gflops * 1e9 / processors_for(task->threads);
    return roofline_of(task, &own);
}

void roofline_add_json(cJSON *object, const struct task *task, const struct roofline *roofline,
                       double median_us) {
    json_add_number(object, "operations_per_byte", roofline->intensity);
    json_add_number(object, "bytes", roofline->bytes);
    if (!(roofline->roof > 0))
        return;
    cJSON_AddStringToObject(object, "memory", memory_level_names[roofline->level]);
    json_add_number(object, "roof_gflops", roofline->roof * 1e-9);
    cJSON_AddStringToObject(object, "roof_by",
                            roofline->by_memory ? memory_level_names[roofline->level]
                                                : "arithmetic");
    if (median_us > 0)
        json_add_number(object, "roof_fraction", roofline_share(roofline, task, median_us * 1e-6));
}

static dlt_status add_number(void *context, const char *name, double value, struct error *error) {
    (void)error;
    json_add_number(context, name, value);
    return DLT_OK;
}

cJSON *roofs_json(const struct roofs *roofs) {
    cJSON *object = cJSON_CreateObject();
    struct error error;
    roofs_visit(roofs, add_number, object, &error);
    return object;
}

void roofs_format(struct text *text, const struct roofs *roofs) {
    const char *gap = "    peak";
    for (int type = 0; type < TYPE_COUNT; type++)
        if (roofs->peak[type] > 0) {
            text_format(text, "%s %s %.4g GFLOP/s", gap, data_types[type].name,
                        roofs->peak[type] * 1e-9);
            gap = ",";
        }
    if (*gap == ',')
        text_append(text, "\n");
    for (int level = 0; level < MEMORY_LEVELS; level++) {
        if (!(roofs->bandwidth[level][TRAFFIC_READ] > 0))
            continue;
        text_format(text, "    %-4s GB/s:", memory_level_names[level]);
        for (int traffic = 0; traffic < TRAFFIC_COUNT; traffic++)
            text_format(text, "%s %s %.4g", traffic ? "," : "", traffic_names[traffic],
                        roofs->bandwidth[level][traffic] * 1e-9);
        text_append(text, "\n");
    }
}
