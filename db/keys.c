/* Keys in today's form.
 *
 * A task is found by its key, and the key of a tensor expression (te/ops/expression.c) is the text
 * of the expression. Where that text was written otherwise by an older dltune, reading it gives
 * today's. So every key that comes into a file is brought to today's form first, files are brought
 * to it when their schema is, and in older files that are only read a key is found by both. */
#include "db/private.h"

#include "te/task.h"

#include <stdlib.h>
#include <string.h>

static bool may_be_older(const char *key) {
    static const char word[] = "expression ";
    return strncmp(key, word, sizeof word - 1) == 0;
}

/* To be freed. NULL if it is no key, or memory ran out: then it stays as it is. */
static char *renew(const char *key) {
    struct task *task;
    struct error error;
    char *renewed = NULL;
    if (may_be_older(key) && task_create_key(key, &task, &error) == DLT_OK) {
        renewed = strdup(task->key);
        task_free(task);
    }
    return renewed;
}

const char *database_renew_key(struct database *database, const char *key) {
    struct renewed_key *last = &database->renewed;
    if (!may_be_older(key) || (last->key && strcmp(last->key, key) == 0))
        return key; /* it may be the answer to the last question */
    if (!last->older || strcmp(last->older, key) != 0) { /* records come task by task */
        database_forget_key(database);
        last->older = strdup(key);
        last->key = renew(key);
    }
    return last->older && last->key ? last->key : key;
}

void database_forget_key(struct database *database) {
    free(database->renewed.older);
    free(database->renewed.key);
    database->renewed = (struct renewed_key){NULL, NULL};
}

/* The SQL function renewed_key(key). */
static void answer_renewed(sqlite3_context *context, int count, sqlite3_value **values) {
    const char *key = (const char *)sqlite3_value_text(values[0]);
    char *renewed = key ? renew(key) : NULL;
    (void)count;
    if (renewed)
        sqlite3_result_text(context, renewed, -1, free);
    else
        sqlite3_result_value(context, values[0]);
}

int database_add_key_function(sqlite3 *connection) {
    return sqlite3_create_function(connection, "renewed_key", 1, SQLITE_UTF8 | SQLITE_DETERMINISTIC,
                                   NULL, answer_renewed, NULL, NULL);
}
