/* Keys of expressions in the text of an older dltune: found, read, migrated, merged, imported. The
 * file older_keys.sql is what version 4 of the schema wrote: two tasks, 0.1f and 0.1 as its
 * constants, which today is one, and a third of an operator. */
#include "support.h"

#include "exchange/exchange.h"
#include "te/task.h"

#include <sqlite3.h>

#define EXPRESSION(reduction, constant)                                                            \
    "expression text=\"input a[m=4, k=3] f32 variable; input b[k=3, n=8] f32 parameter; "          \
    "c[m=4, n=8] f32 = sum(k=3)" reduction " a[m, k] * b[k, n]; "                                  \
    "d[m=4, n=8] f32 = max(c[m, n] * " constant ", 0)\" target=c threads=1"
#define OLDER EXPRESSION(";", "0.10000000149011612")
#define TODAY EXPRESSION("", "0.1")

enum {
    RECORDS = 16,
    EXPRESSION_RECORDS = 12,
};

static char *read_file(const char *path) {
    FILE *file = fopen(path, "rb");
    char *text = calloc(1, 1 << 16);
    assert_non_null(file);
    assert_true(fread(text, 1, (1 << 16) - 1, file) > 0);
    fclose(file);
    return text;
}

static void sql(const char *name, const char *statements) {
    sqlite3 *connection;
    char *message = NULL;
    assert_int_equal(sqlite3_open(in_folder(name), &connection), SQLITE_OK);
    if (sqlite3_exec(connection, statements, NULL, NULL, &message) != SQLITE_OK)
        fail_msg("%s", message);
    sqlite3_close(connection);
}

static void make_older(const char *name) {
    char *dump = read_file(TEST_DATA "/older_keys.sql");
    sql(name, dump);
    sql(name, "PRAGMA application_id = 0x646c7431; PRAGMA user_version = 4");
    free(dump);
}

static int64_t ask(const char *name, const char *query) {
    sqlite3 *connection;
    sqlite3_stmt *statement;
    int64_t answer;
    assert_int_equal(sqlite3_open(in_folder(name), &connection), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(connection, query, -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    answer = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    sqlite3_close(connection);
    return answer;
}

static bool count_and_compare(void *context, const struct record *record) {
    ++*(int *)context;
    if (strncmp(record->task, "expression", 10) == 0)
        assert_string_equal(record->task, TODAY);
    return true;
}

static bool is_whole(void *context, const char *problem) {
    (void)context;
    fail_msg("%s", problem);
    return true;
}

/* The best, all records of the task, all records of all; by the key of either form. */
static void everything_is_found(const char *name) {
    static const char *const keys[] = {OLDER, TODAY};
    struct database *database = open_for(name, DATABASE_READ);
    int count = 0;
    for (int i = 0; i < 2; i++) {
        struct record record;
        bool exact;
        if (database_best(database, keys[i], NULL, NULL, &record, &exact, &error) != DLT_OK)
            fail_msg("%s", error.message);
        assert_string_equal(record.task, TODAY);
        record_free(&record);
        count = 0;
        assert_int_equal(database_records(database, keys[i], count_and_compare, &count, &error),
                         DLT_OK);
        assert_int_equal(count, EXPRESSION_RECORDS);
    }
    count = 0;
    assert_int_equal(database_records(database, NULL, count_and_compare, &count, &error), DLT_OK);
    assert_int_equal(count, RECORDS);
    assert_int_equal(database_check(database, is_whole, NULL, &error), DLT_OK);
    database_close(database);
}

static void the_keys_are_todays(void **state) {
    struct task *task;
    (void)state;
    assert_int_equal(task_create_key(OLDER, &task, &error), DLT_OK);
    assert_string_equal(task->key, TODAY);
    task_free(task);
}

static void are_read_as_they_are(void **state) {
    (void)state;
    make_older("old.db");
    everything_is_found("old.db");
    assert_int_equal(ask("old.db", "PRAGMA user_version"), 4);
}

static void are_migrated(void **state) {
    (void)state;
    make_older("old.db");
    database_close(open_for("old.db", DATABASE_WRITE));
    everything_is_found("old.db");
    assert_int_equal(ask("old.db", "SELECT count(*) FROM task"), 2);
    assert_int_equal(ask("old.db", "SELECT count(*) FROM task WHERE key = '" TODAY "'"), 1);
    assert_int_equal(ask("old.db", "SELECT count(*) FROM run"), 3);
    assert_int_equal(ask("old.db", "SELECT count(*) FROM run JOIN task ON task.id = task_id"), 3);
    database_close(open_for("old.db", DATABASE_WRITE));
    everything_is_found("old.db");
}

/* A new checksum is given to nothing that did not fit its old one. */
static void damage_stays_damage(void **state) {
    struct database *database;
    int count = 0;
    (void)state;
    make_older("old.db");
    sql("old.db", "UPDATE record SET median_us = 2 * median_us WHERE id = 1");
    database_close(open_for("old.db", DATABASE_WRITE));
    database = open_for("old.db", DATABASE_READ);
    assert_int_equal(database_records(database, TODAY, count_and_compare, &count, &error), DLT_OK);
    assert_int_equal(count, EXPRESSION_RECORDS - 1);
    assert_string_equal(database_left_out(database), "record 1: is not what was written");
    database_close(database);
}

static void are_merged(void **state) {
    struct database *into, *from;
    struct transfer transfer;
    (void)state;
    make_older("old.db");
    for (int i = 0; i < 2; i++) {
        into = open_for("new.db", DATABASE_WRITE);
        from = open_for("old.db", DATABASE_READ);
        if (database_merge(into, from, &(struct taking){0}, &transfer, &error) != DLT_OK)
            fail_msg("%s", error.message);
        assert_int_equal(transfer.read, RECORDS);
        assert_int_equal(transfer.added, i ? 0 : RECORDS);
        database_close(from);
        database_close(into);
    }
    everything_is_found("new.db");
    assert_int_equal(ask("new.db", "SELECT count(*) FROM task"), 2);
}

static void are_recovered(void **state) {
    struct transfer transfer;
    (void)state;
    make_older("old.db");
    if (database_salvage(in_folder("old.db"), in_folder("new.db"), NULL, NULL, &transfer, &error) !=
        DLT_OK)
        fail_msg("%s", error.message);
    assert_int_equal(transfer.added, RECORDS);
    everything_is_found("new.db");
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)
    const struct CMUnitTest tests[] = {TEST(the_keys_are_todays), TEST(are_read_as_they_are),
                                       TEST(are_migrated),        TEST(damage_stays_damage),
                                       TEST(are_merged),          TEST(are_recovered)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
