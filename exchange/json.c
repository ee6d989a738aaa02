/* Records as JSON; see json.h. JSON has no infinity and no NaN: null stands for them. */
#include "exchange/json.h"

#include "base/number.h"
#include "machine/description.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

bool task_key_value(const char *key, const char *name, char *buffer, size_t bytes) {
    size_t name_length = strlen(name);
    for (const char *word = key; *word; word += strspn(word, " ")) {
        size_t length = strcspn(word, " ");
        if (length > name_length && word[name_length] == '=' &&
            strncmp(word, name, name_length) == 0) {
            size_t value_length = length - name_length - 1;
            if (value_length >= bytes)
                return false;
            memcpy(buffer, word + name_length + 1, value_length);
            buffer[value_length] = 0;
            return true;
        }
        word += length;
    }
    return false;
}

static void add_place(cJSON *object, const char *key) {
    char word[64];
    if (task_key_value(key, "target", word, sizeof word))
        cJSON_AddStringToObject(object, "target", word);
    if (task_key_value(key, "threads", word, sizeof word))
        json_add_number(object, "threads", atoi(word));
}

/* A value that is all of a number becomes one, else a string. */
static void add_value(cJSON *object, const char *name, const char *value) {
    double number;
    if (number_parse(value, &number) && isfinite(number))
        json_add_number(object, name, number);
    else
        cJSON_AddStringToObject(object, name, value);
}

/* "name=value name=value": a value lasts until the next word with a '=' in it, so that values may
 * hold spaces ("x=n c h w output=n k y x"). */
static void add_pairs(cJSON *object, const char *name, const char *text, bool numbers) {
    cJSON *pairs = cJSON_AddObjectToObject(object, name);
    char *copy = strdup(text), *key = copy;
    while (copy && pairs && key && *key) {
        char *value = strchr(key, '='), *next;
        if (!value)
            break;
        *value++ = 0;
        next = strchr(value, '=');
        if (next) {
            while (next > value && *next != ' ')
                next--;
            *next = 0;
            next++;
        }
        if (numbers)
            add_value(pairs, key, value);
        else
            cJSON_AddStringToObject(pairs, key, value);
        key = next;
    }
    free(copy);
}

static void add_times(cJSON *object, const struct record *record, double operations,
                      double nominal_operations) {
    double gflops = operations / record->median_us * 1e-3;
    json_add_number(object, "median_us", record->median_us);
    json_add_number(object, "min_us", record->minimum_us);
    json_add_number(object, "spread", record->spread);
    cJSON_AddStringToObject(object, "clock", record->clock);
    if (operations > 0)
        json_add_number(object, "gflops", gflops);
    if (nominal_operations > 0)
        json_add_number(object, "gflops_nominal", nominal_operations / record->median_us * 1e-3);
    if (record->peak_gflops > 0) {
        json_add_number(object, "peak_gflops", record->peak_gflops);
        if (operations > 0)
            json_add_number(object, "peak_fraction", gflops / record->peak_gflops);
    }
    json_add_number(object, "max_error", record->max_error);
}

cJSON *record_to_json(const struct record *record, double operations, double nominal_operations) {
    bool ok = strcmp(record->outcome, "ok") == 0;
    bool own = !record->imported && strcmp(record->host, host_name()) == 0;
    cJSON *object = cJSON_CreateObject();
    if (!object)
        return NULL;
    cJSON_AddStringToObject(object, "task", record->task);
    cJSON_AddStringToObject(object, "status", ok ? "ok" : "failed");
    if (!ok)
        cJSON_AddStringToObject(object, "outcome", record->outcome);
    if (record->message)
        cJSON_AddStringToObject(object, "message", record->message);
    add_place(object, record->task);
    cJSON_AddStringToObject(object, "host", record->host);
    cJSON_AddStringToObject(object, "generator", record->generator);
    add_pairs(object, "layouts", record->layouts, false);
    cJSON_AddStringToObject(object, "schedule", record->trace);
    add_pairs(object, "knobs", record->knobs, true);
    if (ok)
        add_times(object, record, operations, nominal_operations);
    cJSON_AddBoolToObject(object, "verified", record->verified && own);
    if (own)
        cJSON_AddNullToObject(object, "from");
    else
        cJSON_AddStringToObject(object, "from", record->host);
    cJSON_AddBoolToObject(object, "finalist", record->finalist);
    json_add_number(object, "seed", (double)record->seed);
    json_add_number(object, "created", (double)record->created);
    return object;
}

cJSON *task_summary_to_json(const struct task_summary *summary) {
    cJSON *object = cJSON_CreateObject();
    if (!object)
        return NULL;
    cJSON_AddStringToObject(object, "task", summary->task);
    add_place(object, summary->task);
    json_add_number(object, "records", (double)summary->records);
    json_add_number(object, "right", (double)summary->right);
    if (summary->best_us > 0)
        json_add_number(object, "best_us", summary->best_us);
    else
        cJSON_AddNullToObject(object, "best_us");
    return object;
}
