/* The bests of the stored workloads nearest to one that is not stored; see runtime.h.
 *
 * The keys of the operator's tasks are gone through; their order in the index is by operator first,
 * and reading a key costs less than a microsecond. */
#include "runtime/runtime.h"

#include "te/nearness.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct search {
    const char *wanted_key, *own_key;
    struct near_records *near;
    bool out_of_memory;
};

/* Enters a key in its place; the farthest falls out. */
static bool enter(struct near_records *near, const char *key, double distance) {
    int place = near->count;
    char *copy = strdup(key);
    if (!copy)
        return false;
    if (near->count == NEAR_TASKS)
        free(near->all[--place].key);
    else
        near->count++;
    for (; place > 0 && near->all[place - 1].distance > distance; place--)
        near->all[place] = near->all[place - 1];
    near->all[place] = (struct near_record){.key = copy, .distance = distance};
    return true;
}

static bool look_at(void *context, const char *key) {
    struct search *search = context;
    struct near_records *near = search->near;
    double distance;
    if (strcmp(key, search->own_key) == 0)
        return true;
    distance = key_distance(search->wanted_key, key);
    if (isinf(distance) ||
        (near->count == NEAR_TASKS && near->all[NEAR_TASKS - 1].distance <= distance))
        return true;
    search->out_of_memory = !enter(near, key, distance);
    return !search->out_of_memory;
}

/* Their bests; those of which nothing is right fall out. */
static dlt_status read_records(struct database *database, struct near_records *near,
                               struct error *error) {
    int found = near->count;
    near->count = 0;
    for (int i = 0; i < found; i++) {
        struct near_record *entry = &near->all[near->count];
        bool exact;
        dlt_status status;
        *entry = near->all[i];
        status = database_best(database, entry->key, host_name(), DATABASE_GENERATOR,
                               &entry->record, &exact, error);
        if (status == DLT_OK)
            near->count++;
        else
            free(entry->key);
    }
    return near->count
               ? DLT_OK
               : error_set(error, DLT_ERROR_NOT_FOUND, "no workload of other sizes is stored");
}

dlt_status near_records_find(struct database *database, const char *key, const char *own,
                             struct near_records *near, struct error *error) {
    struct search search = {.wanted_key = key, .own_key = own, .near = near};
    char beginning[64];
    dlt_status status;
    near->count = 0;
    snprintf(beginning, sizeof beginning, "%.*s ", (int)strcspn(key, " "), key);
    status = database_keys(database, beginning, look_at, &search, error);
    if (status == DLT_OK && search.out_of_memory)
        status = error_set(error, DLT_ERROR_MEMORY, "out of memory");
    if (status == DLT_OK)
        return read_records(database, near, error);
    near_records_free(near);
    return status;
}

void near_records_free(struct near_records *near) {
    for (int i = 0; i < near->count; i++) {
        free(near->all[i].key);
        record_free(&near->all[i].record);
    }
    near->count = 0;
}
