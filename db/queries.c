/* Asking: the best of a task, all tasks.
 *
 * The best. Right records are indexed by task, host, generator, finalist and time, so the fastest
 * of each kind is the first behind all of the kind before: one descent of a tree for the finalists
 * and one for the others of each origin (a host with a generator), of which there are few.
 * Finalists' times come from repeated, interleaved measuring; other times
 * are rough, and the least of many rough times is a lucky one. So a finalist is the best of its
 * origin unless a rough time is below it by more than such luck explains. */
#include "db/private.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROUGH_TIME_MARGIN 0.9

struct best {
    int64_t id; /* 0: none */
    double median_us;
    int rank; /* how near its origin is to the caller */
};

enum {
    OWN_RANK = 6, /* measured into this file on the caller's host, by its generator */
};

/* Where records come from, by the numbers of names; 0 is nobody's. */
struct origin {
    int64_t host, generator, imported;
};

/* The number of a name in one of the tables of names; 0 if it is NULL or not there. */
static dlt_status find_name(struct database *database, enum statement which, const char *name,
                            int64_t *id, struct error *error) {
    sqlite3_stmt *statement;
    int code;
    *id = 0;
    if (!name)
        return DLT_OK;
    TRY(database_statement(database, which, &statement, error));
    sqlite3_bind_text(statement, 1, name, -1, SQLITE_STATIC);
    code = sqlite3_step(statement);
    if (code == SQLITE_ROW)
        *id = sqlite3_column_int64(statement, 0);
    sqlite3_reset(statement);
    if (code != SQLITE_ROW && code != SQLITE_DONE)
        return database_fail(database, code, error);
    return DLT_OK;
}

/* Where the search for the best is: at a record, behind which the next is looked for. */
struct head {
    struct origin origin;
    int64_t finalist;
    int64_t id;
    double median_us;
};

/* What a search for the best of a task goes through. */
struct quest {
    struct database *database;
    int64_t task;
    enum trust trust;
};

static dlt_status check_row(struct database *database, int64_t id, enum trust trust,
                            struct error *problem) {
    struct record record;
    dlt_status status = database_read(database, id, trust, &record, problem);
    if (status == DLT_OK)
        record_free(&record);
    return status;
}

/* Moves to the record behind the head, or behind all records of the head's kind. */
static dlt_status step_head(const struct quest *quest, bool skip_kind, struct head *head,
                            bool *found, struct error *error) {
    struct database *database = quest->database;
    sqlite3_stmt *statement;
    int code;
    TRY(database_statement(database, STATEMENT_FIND_NEXT, &statement, error));
    sqlite3_bind_int64(statement, 1, quest->task);
    sqlite3_bind_int64(statement, 2, head->origin.host);
    sqlite3_bind_int64(statement, 3, head->origin.generator);
    sqlite3_bind_int64(statement, 4, head->origin.imported); /* not in older files, and no matter */
    sqlite3_bind_int64(statement, 5, head->finalist);
    sqlite3_bind_double(statement, 6, skip_kind ? INFINITY : head->median_us);
    sqlite3_bind_int64(statement, 7, skip_kind ? INT64_MAX : head->id);
    code = sqlite3_step(statement);
    *found = code == SQLITE_ROW;
    if (*found)
        *head = (struct head){.origin = {sqlite3_column_int64(statement, 0),
                                         sqlite3_column_int64(statement, 1),
                                         sqlite3_column_int64(statement, 2)},
                              .finalist = sqlite3_column_int64(statement, 3),
                              .median_us = sqlite3_column_double(statement, 4),
                              .id = sqlite3_column_int64(statement, 5)};
    sqlite3_reset(statement);
    if (code != SQLITE_ROW && code != SQLITE_DONE)
        return database_fail(database, code, error);
    return DLT_OK;
}

/* Moves from one head of the task, the fastest of its kind that can be trusted, to the next;
 * `*found` is false behind the last. */
static dlt_status next_head(const struct quest *quest, struct head *head, bool *found,
                            struct error *error) {
    bool skip_kind = true;
    for (;;) {
        struct error problem = {.status = DLT_OK};
        dlt_status status;
        TRY(step_head(quest, skip_kind, head, found, error));
        if (!*found || quest->trust == TRUST_INDEX)
            return DLT_OK;
        status = check_row(quest->database, head->id, quest->trust, &problem);
        if (status == DLT_OK)
            return DLT_OK;
        if (status != DLT_ERROR_ARGUMENT)
            return error_set(error, status, "%s", problem.message);
        skip_kind = false;
    }
}

static bool is_of(const struct head *head, const struct origin *origin) {
    return head->origin.host == origin->host && head->origin.generator == origin->generator &&
           head->origin.imported == origin->imported;
}

/* The best of one origin from its heads, of which the finalist comes last. */
static void take_head(const struct head *head, struct best *best) {
    if (best->id && head->finalist && best->median_us < ROUGH_TIME_MARGIN * head->median_us)
        return;
    best->id = head->id;
    best->median_us = head->median_us;
}

static void take_best(const struct best *other, struct best *best) {
    if (other->id && (!best->id || other->rank > best->rank ||
                      (other->rank == best->rank && other->median_us < best->median_us)))
        *best = *other;
}

static dlt_status best_of_origin(const struct quest *quest, const struct origin *origin,
                                 struct best *best, struct error *error) {
    struct head head = {.origin = *origin, .finalist = INT64_MIN};
    bool found;
    *best = (struct best){.rank = OWN_RANK};
    if (!origin->host || !origin->generator)
        return DLT_OK;
    for (;;) {
        TRY(next_head(quest, &head, &found, error));
        if (!found || !is_of(&head, origin))
            return DLT_OK;
        take_head(&head, best);
    }
}

/* The caller's own origin is nearest; what was taken in is farther than what was not. */
static int rank_of(const struct origin *origin, const struct origin *own) {
    bool host = origin->host == own->host, generator = origin->generator == own->generator;
    return (host && generator ? OWN_RANK
            : host            ? OWN_RANK - 2
            : generator       ? OWN_RANK - 4
                              : 0) -
           (origin->imported != 0);
}

/* The caller's own best, or else that of the nearest origin; among equally near ones the fastest.
 * With nobody's origin all are equally near, but for what was taken in. */
static dlt_status best_of_task(const struct quest *quest, const struct origin *own,
                               struct best *best, struct error *error) {
    struct head head = {.origin = {INT64_MIN, 0, 0}};
    struct origin origin = {0, 0, 0};
    struct best other = {0};
    bool found = true;
    TRY(best_of_origin(quest, own, best, error));
    if (best->id)
        return DLT_OK;
    while (found) {
        TRY(next_head(quest, &head, &found, error));
        if (!found || !is_of(&head, &origin)) {
            take_best(&other, best);
            origin = head.origin;
            other = (struct best){.rank = rank_of(&origin, own)};
        }
        if (found)
            take_head(&head, &other);
    }
    return DLT_OK;
}

static dlt_status not_found(const struct database *database, const char *key, struct error *error) {
    const char *left_out = database_left_out(database);
    if (left_out)
        return error_set(error, DLT_ERROR_NOT_FOUND,
                         "%s: nothing that can be believed is stored for `%s` (%s)", database->path,
                         key, left_out);
    return error_set(error, DLT_ERROR_NOT_FOUND, "%s: nothing stored for `%s`", database->path,
                     key);
}

static dlt_status find_best(struct database *database, const char *key, const char *host,
                            const char *generator, struct record *record, bool *exact,
                            struct error *error) {
    struct quest quest = {.database = database, .trust = TRUST_INDEX};
    struct error problem = {.status = DLT_OK};
    struct best best = {0};
    struct origin own = {0, 0, 0};
    dlt_status status;
    key = database_renew_key(database, key);
    TRY(find_name(database, STATEMENT_FIND_TASK, key, &quest.task, error));
    TRY(find_name(database, STATEMENT_FIND_HOST, host, &own.host, error));
    TRY(find_name(database, STATEMENT_FIND_GENERATOR, generator, &own.generator, error));
    if (!quest.task)
        return not_found(database, key, error);
    do { /* the first time without looking at any but the best, which mostly passes */
        TRY(best_of_task(&quest, &own, &best, error));
        if (!best.id)
            return not_found(database, key, error);
        *exact = best.rank == OWN_RANK;
        status = database_read(database, best.id, TRUST_WHOLE, record, &problem);
    } while (status == DLT_ERROR_ARGUMENT && quest.trust == TRUST_INDEX &&
             (quest.trust = TRUST_WHOLE));
    return status == DLT_OK ? DLT_OK : error_set(error, status, "%s", problem.message);
}

dlt_status database_best(struct database *database, const char *task, const char *host,
                         const char *generator, struct record *record, bool *exact,
                         struct error *error) {
    enum {
        TRIES = 16
    };
    memset(record, 0, sizeof *record);
    *exact = false;
    for (int i = 0; i < TRIES; i++) {
        dlt_status status;
        TRY(database_refresh(database, error));
        status = find_best(database, task, host, generator, record, exact, error);
        if (!database_changed(database))
            return status;
        record_free(record);
    }
    return error_set(error, DLT_ERROR_DATABASE, "%s: kept changing while it was read",
                     database->path);
}

/* NULL if it is no text that can be shown. */
static const char *read_key(sqlite3_stmt *statement, int column) {
    const char *key = database_whole_text(statement, column);
    return key && text_is_plain(key, strlen(key)) ? key : NULL;
}

dlt_status database_tasks(struct database *database, task_visitor *visitor, void *context,
                          struct error *error) {
    const struct origin nobody = {0, 0, 0};
    sqlite3_stmt *statement;
    dlt_status status = DLT_OK;
    int code;
    TRY(database_refresh(database, error));
    TRY(database_statement(database, STATEMENT_TASKS, &statement, error));
    while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
        struct quest quest = {database, sqlite3_column_int64(statement, 0), TRUST_VALUES};
        struct best best;
        struct task_summary summary = {.task = read_key(statement, 1),
                                       .records = sqlite3_column_int64(statement, 2),
                                       .right = sqlite3_column_int64(statement, 3)};
        if (!summary.task)
            continue;
        status = best_of_task(&quest, &nobody, &best, error);
        if (status != DLT_OK)
            break;
        summary.best_us = best.id ? best.median_us : 0;
        if (database->version < KEYS_SINCE_VERSION)
            summary.task = database_renew_key(database, summary.task);
        if (!visitor(context, &summary))
            break;
    }
    if (status == DLT_OK)
        status = database_end_visit(database, code, error);
    sqlite3_reset(statement);
    return status;
}

dlt_status database_keys(struct database *database, const char *beginning, key_visitor *visitor,
                         void *context, struct error *error) {
    sqlite3_stmt *statement;
    dlt_status status;
    int code;
    TRY(database_refresh(database, error));
    TRY(database_statement(database, STATEMENT_KEYS, &statement, error));
    sqlite3_bind_text(statement, 1, beginning, -1, SQLITE_STATIC);
    while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
        const char *key = read_key(statement, 0);
        if (key && !visitor(context, key))
            break;
    }
    status = database_end_visit(database, code, error);
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
    return status;
}
