/* Cost models: bytes that only their trainer understands, found by name, target and features. */
#include "db/private.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum {
    MODELS_SINCE_VERSION = 2
};

static dlt_status check_model(const struct model *model, struct error *error) {
    const char *const names[] = {"name", "target", "host", "features"};
    const char *const texts[] = {model->name, model->target, model->host, model->features};
    for (int i = 0; i < 4; i++)
        if (!texts[i] || !*texts[i])
            return error_set(error, DLT_ERROR_ARGUMENT, "model: %s is missing", names[i]);
    if (!model->bytes || model->byte_count < 1 || model->byte_count > INT_MAX)
        return error_set(error, DLT_ERROR_ARGUMENT,
                         "model: bytes: their number is %zu, not one from 1 to %d",
                         model->bytes ? model->byte_count : 0, INT_MAX);
    return DLT_OK;
}

dlt_status database_put_model_now(struct database *database, const struct model *model,
                                  struct error *error) {
    sqlite3_stmt *statement;
    TRY(check_model(model, error));
    TRY(database_add_name(database, STATEMENT_ADD_HOST, model->host, error));
    TRY(database_statement(database, STATEMENT_PUT_MODEL, &statement, error));
    sqlite3_bind_text(statement, 1, model->name, -1, SQLITE_STATIC);
    sqlite3_bind_text(statement, 2, model->target, -1, SQLITE_STATIC);
    sqlite3_bind_text(statement, 3, model->host, -1, SQLITE_STATIC);
    sqlite3_bind_text(statement, 4, model->features, -1, SQLITE_STATIC);
    sqlite3_bind_int64(statement, 5, model->records);
    sqlite3_bind_int64(statement, 6, model->created);
    sqlite3_bind_blob(statement, 7, model->bytes, (int)model->byte_count, SQLITE_STATIC);
    sqlite3_bind_int64(statement, 8, model_checksum(model));
    return database_step(database, statement, error);
}

static dlt_status put(struct database *database, void *context, struct error *error) {
    return database_put_model_now(database, context, error);
}

dlt_status database_put_model(struct database *database, const struct model *model,
                              struct error *error) {
    TRY(check_model(model, error));
    return database_transact(database, put, (void *)model, error);
}

/* A row of MODEL_VALUES, checksum and id; strings and bytes are the statement's until its next
 * step. What an older dltune stored has no checksum, and is taken as it is. */
static dlt_status read_model(sqlite3_stmt *statement, struct model *model, struct error *problem) {
    *model = (struct model){0};
    for (int i = 0; i < 4; i++) {
        const char *text = database_whole_text(statement, i);
        if (!text || !*text || !text_is_plain(text, strlen(text)))
            return error_set(problem, DLT_ERROR_ARGUMENT, "%s: is not text",
                             sqlite3_column_name(statement, i));
    }
    if (sqlite3_column_type(statement, 4) != SQLITE_INTEGER ||
        sqlite3_column_type(statement, 5) != SQLITE_INTEGER ||
        sqlite3_column_type(statement, 6) != SQLITE_BLOB)
        return error_set(problem, DLT_ERROR_ARGUMENT,
                         "records, created or bytes: are not integers and bytes");
    *model = (struct model){.name = database_text(statement, 0),
                            .target = database_text(statement, 1),
                            .host = database_text(statement, 2),
                            .features = database_text(statement, 3),
                            .records = sqlite3_column_int64(statement, 4),
                            .created = sqlite3_column_int64(statement, 5),
                            .bytes = sqlite3_column_blob(statement, 6),
                            .byte_count = (size_t)sqlite3_column_bytes(statement, 6)};
    if (model->byte_count < 1 || model->records < 0)
        return error_set(problem, DLT_ERROR_ARGUMENT, "has no bytes, or a negative count");
    if (sqlite3_column_type(statement, 7) != SQLITE_NULL &&
        (sqlite3_column_type(statement, 7) != SQLITE_INTEGER ||
         sqlite3_column_int64(statement, 7) != model_checksum(model)))
        return error_set(problem, DLT_ERROR_ARGUMENT, "is not what was written");
    return DLT_OK;
}

void model_free(struct model *model) {
    free((char *)model->name);
    free((char *)model->target);
    free((char *)model->host);
    free((char *)model->features);
    free((void *)model->bytes);
    *model = (struct model){0};
}

/* Gives the model strings and bytes of its own. */
static dlt_status own_model(struct model *model, struct error *error) {
    void *bytes = malloc(model->byte_count ? model->byte_count : 1);
    if (bytes && model->byte_count)
        memcpy(bytes, model->bytes, model->byte_count);
    model->bytes = bytes;
    model->name = strdup(model->name);
    model->target = strdup(model->target);
    model->host = strdup(model->host);
    model->features = strdup(model->features);
    if (bytes && model->name && model->target && model->host && model->features)
        return DLT_OK;
    model_free(model);
    return error_set(error, DLT_ERROR_MEMORY, "out of memory");
}

static dlt_status step_to_model(struct database *database, sqlite3_stmt *statement,
                                const char *name, const char *target, const char *features,
                                struct model *model, struct error *error) {
    int code;
    while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
        struct error problem = {.status = DLT_OK};
        if (read_model(statement, model, &problem) == DLT_OK)
            return own_model(model, error);
        database_leave_out(database, "model", sqlite3_column_int64(statement, 8), &problem);
    }
    *model = (struct model){0};
    if (code != SQLITE_DONE)
        return database_fail(database, code, error);
    return error_set(error, DLT_ERROR_NOT_FOUND,
                     "%s: no model `%s` for target %s and features %s is stored", database->path,
                     name, target, features);
}

dlt_status database_find_model(struct database *database, const char *name, const char *target,
                               const char *features, const char *host, struct model *model,
                               struct error *error) {
    sqlite3_stmt *statement;
    dlt_status status;
    *model = (struct model){0};
    TRY(database_refresh(database, error));
    if (database->version < MODELS_SINCE_VERSION)
        return error_set(error, DLT_ERROR_NOT_FOUND, "%s: no models are stored", database->path);
    TRY(database_statement(database, STATEMENT_FIND_MODEL, &statement, error));
    sqlite3_bind_text(statement, 1, name, -1, SQLITE_STATIC);
    sqlite3_bind_text(statement, 2, target, -1, SQLITE_STATIC);
    sqlite3_bind_text(statement, 3, features, -1, SQLITE_STATIC);
    sqlite3_bind_text(statement, 4, host, -1, SQLITE_STATIC);
    status = step_to_model(database, statement, name, target, features, model, error);
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
    return status;
}

dlt_status database_model_rows(struct database *database, model_row_visitor *visitor, void *context,
                               struct error *error) {
    sqlite3_stmt *statement;
    int code;
    TRY(database_refresh(database, error));
    if (database->version < MODELS_SINCE_VERSION)
        return DLT_OK;
    TRY(database_statement(database, STATEMENT_VISIT_MODELS, &statement, error));
    while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
        struct error problem = {.status = DLT_OK};
        struct model model;
        bool good = read_model(statement, &model, &problem) == DLT_OK;
        if (!visitor(context, sqlite3_column_int64(statement, 8), &model, good ? NULL : &problem))
            break;
    }
    sqlite3_reset(statement);
    if (code != SQLITE_DONE && code != SQLITE_ROW)
        return database_fail(database, code, error);
    return DLT_OK;
}

struct visiting {
    struct database *database;
    model_visitor *visitor;
    void *context;
};

static bool visit_good(void *context, int64_t id, const struct model *model,
                       const struct error *problem) {
    const struct visiting *visiting = context;
    if (!problem)
        return visiting->visitor(visiting->context, model);
    database_leave_out(visiting->database, "model", id, problem);
    return true;
}

dlt_status database_models(struct database *database, model_visitor *visitor, void *context,
                           struct error *error) {
    struct visiting visiting = {database, visitor, context};
    return database_model_rows(database, visit_good, &visiting, error);
}
