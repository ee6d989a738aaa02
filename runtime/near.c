/* The stored workloads nearest to one that is not stored; see runtime.h.
 *
 * The keys of the operator's tasks are gone through; their order in the index is by operator first,
 * and reading a key costs less than a microsecond. */
#include "runtime/runtime.h"

#include "te/nearness.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct search {
    struct arena arena; /* of the key being looked at */
    const struct workload *wanted;
    const char *wanted_key;
    struct near_tasks *near;
    bool out_of_memory;
};

/* Enters a key in its place; the farthest falls out. */
static bool enter(struct near_tasks *near, const char *key, double distance) {
    int place = near->count;
    char *copy = strdup(key);
    if (!copy)
        return false;
    if (near->count == NEAR_TASKS)
        free(near->tasks[--place].key);
    else
        near->count++;
    for (; place > 0 && near->tasks[place - 1].distance > distance; place--)
        near->tasks[place] = near->tasks[place - 1];
    near->tasks[place] = (struct near_task){copy, distance};
    return true;
}

static double distance_in(struct search *search, const char *key) {
    struct workload workload;
    if (arena_recover(&search->arena))
        return INFINITY;
    if (workload_parse(&search->arena, key, &workload, NULL) != DLT_OK)
        return INFINITY;
    return workload_distance(search->wanted, &workload);
}

static bool look_at(void *context, const char *key) {
    struct search *search = context;
    struct near_tasks *near = search->near;
    double distance;
    if (strcmp(key, search->wanted_key) == 0)
        return true;
    arena_reset(&search->arena);
    distance = distance_in(search, key);
    if (isinf(distance) ||
        (near->count == NEAR_TASKS && near->tasks[NEAR_TASKS - 1].distance <= distance))
        return true;
    search->out_of_memory = !enter(near, key, distance);
    return !search->out_of_memory;
}

static dlt_status find(struct arena *arena, struct database *database, struct search *search,
                       struct error *error) {
    struct workload wanted;
    char *beginning;
    if (arena_recover(arena))
        return error_set(error, DLT_ERROR_MEMORY, "out of memory");
    TRY(workload_parse(arena, search->wanted_key, &wanted, error));
    beginning = arena_format(arena, "%s ", wanted.operator_name);
    arena->recoverable = false;
    search->wanted = &wanted;
    TRY(database_keys(database, beginning, look_at, search, error));
    return search->out_of_memory ? error_set(error, DLT_ERROR_MEMORY, "out of memory") : DLT_OK;
}

dlt_status near_tasks_find(struct database *database, const char *key, struct near_tasks *near,
                           struct error *error) {
    struct search search = {.wanted_key = key, .near = near};
    struct arena arena;
    dlt_status status;
    near->count = 0;
    arena_initialise(&arena);
    arena_initialise(&search.arena);
    status = find(&arena, database, &search, error);
    arena_free(&search.arena);
    arena_free(&arena);
    return status;
}

void near_tasks_free(struct near_tasks *near) {
    for (int i = 0; i < near->count; i++)
        free(near->tasks[i].key);
    near->count = 0;
}
