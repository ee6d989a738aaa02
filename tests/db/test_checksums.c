/* Changed digits: what SQLite takes for whole but is not what was written is noticed wherever it is
 * read, and recovering leaves it behind. Files of versions without checksums get them. */
#include "support.h"

#include <math.h>
#include <sqlite3.h>

enum {
    RECORDS = 30
};

static void sql(const char *name, const char *statements) {
    sqlite3 *connection;
    assert_int_equal(sqlite3_open(in_folder(name), &connection), SQLITE_OK);
    if (sqlite3_exec(connection, statements, NULL, NULL, NULL) != SQLITE_OK)
        fail_msg("%s: %s", statements, sqlite3_errmsg(connection));
    sqlite3_close(connection);
}

static int64_t ask(const char *name, const char *query) {
    sqlite3 *connection;
    sqlite3_stmt *statement;
    assert_int_equal(sqlite3_open(in_folder(name), &connection), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(connection, query, -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    int64_t answer = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    sqlite3_close(connection);
    return answer;
}

/* The first is the fastest; some have a message, an error without bound, a time of zero. */
static void fill(const char *name) {
    struct database *database = open_for(name, DATABASE_WRITE);
    for (int i = 0; i < RECORDS; i++) {
        struct record record = sample(i + 1);
        record.message = i % 3 == 1 ? "slowdown=1.25" : i % 3 == 2 ? "" : NULL;
        record.verified = i != 5;
        if (i == 5)
            record.max_error = (double)NAN;
        if (i % 4 == 2)
            record.spread = -0.0;
        record.finalist = i % 5 == 0;
        add(database, &record);
    }
    database_close(database);
}

static bool count_record(void *context, const struct record *record) {
    (void)record;
    ++*(int *)context;
    return true;
}

static bool count_problem(void *context, const char *problem) {
    if (!strstr(problem, "record 1: is not what was written"))
        fail_msg("%s", problem);
    ++*(int *)context;
    return true;
}

static int problems_of(const char *name) {
    struct database *database = open_for(name, DATABASE_READ);
    int problems = 0;
    assert_int_equal(database_check(database, count_problem, &problems, &error), DLT_OK);
    database_close(database);
    return problems;
}

static void says_damaged(const struct database *database) {
    if (strcmp(database_left_out(database), "record 1: is not what was written") != 0)
        fail_msg("%s", database_left_out(database));
}

/* Record 1 of the file, the fastest, is not what was written: every reader leaves it out and says
 * so; the others are recovered. */
static void is_noticed(const char *name) {
    struct database *database = open_for(name, DATABASE_READ);
    struct transfer transfer;
    struct record record;
    int count = 0;
    bool exact;
    assert_null(database_left_out(database));
    assert_int_equal(database_best(database, TASK, "here", "1", &record, &exact, &error), DLT_OK);
    assert_true(record.median_us == 2 && exact);
    says_damaged(database);
    record_free(&record);
    database_close(database);
    database = open_for(name, DATABASE_READ);
    assert_int_equal(database_records(database, NULL, count_record, &count, &error), DLT_OK);
    assert_int_equal(count, RECORDS - 1);
    says_damaged(database);
    database_close(database);
    assert_int_equal(problems_of(name), 1);
    remove(in_folder("new.db"));
    assert_int_equal(
        database_salvage(in_folder(name), in_folder("new.db"), NULL, NULL, &transfer, &error),
        DLT_OK);
    assert_int_equal(transfer.added, RECORDS - 1);
    assert_int_equal(transfer.lost, 1);
    assert_int_equal(problems_of("new.db"), 0);
}

static void every_changed_column_is_noticed(void **state) {
    static const char *const changes[] = {
        "trace = 'split output m 3 guard'",
        "knobs = 'tile.x=9 order=xy'",
        "message = ''",
        "clock = 'wall'",
        "layouts = ''",
        "median_us = 0.5",
        "minimum_us = 0.25",
        "spread = 0.02",
        "max_error = 0.5",
        "peak_gflops = 101",
        "seed = 4",
        "created = 1700000001",
        "checksum = checksum + 1",
        "identity = randomblob(16)",
    };
    (void)state;
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        char statement[128];
        remove(in_folder("c.db"));
        fill("c.db");
        assert_int_equal(problems_of("c.db"), 0);
        snprintf(statement, sizeof statement, "UPDATE record SET %s WHERE id = 1", changes[i]);
        sql("c.db", statement);
        is_noticed("c.db");
    }
}

/* Replaces the first or second place of a text in the file by another of the same length. */
static void overwrite(const char *name, const char *text, int place, const char *other) {
    static char bytes[1 << 18];
    FILE *file = fopen(in_folder(name), "r+b");
    assert_non_null(file);
    size_t count = fread(bytes, 1, sizeof bytes, file), length = strlen(text);
    for (size_t at = 0; at + length <= count; at++)
        if (memcmp(bytes + at, text, length) == 0 && place-- == 0) {
            fseek(file, (long)at, SEEK_SET);
            assert_int_equal(fwrite(other, 1, length, file), length);
            fclose(file);
            return;
        }
    fail_msg("'%s' is not in the file", text);
}

/* A name stands in its table and in the table's index: either will do, and which of them is right
 * the checksums tell. */
static void a_changed_letter_of_a_name_costs_nothing(void **state) {
    static const char *const changed[] = {"matmul m=8 n=5 k=3 target=c threads=1", "hers"};
    static const char *const names[] = {TASK, "here"};
    (void)state;
    for (int name = 0; name < 2; name++)
        for (int place = 0; place < 2; place++) {
            struct database *database;
            struct transfer transfer;
            struct record record;
            bool exact;
            remove(in_folder("n.db"));
            remove(in_folder("new.db"));
            fill("n.db");
            overwrite("n.db", names[name], place, changed[name]);
            assert_int_equal(database_salvage(in_folder("n.db"), in_folder("new.db"), NULL, NULL,
                                              &transfer, &error),
                             DLT_OK);
            assert_int_equal(transfer.added, RECORDS);
            database = open_for("new.db", DATABASE_READ);
            assert_int_equal(database_best(database, TASK, "here", "1", &record, &exact, &error),
                             DLT_OK);
            assert_true(exact && record.median_us == 1);
            record_free(&record);
            database_close(database);
        }
}

/* A file as version 2 wrote it. */
static void make_old(const char *name) {
    fill(name);
    sql(name, DROP_QUALITY "ALTER TABLE record DROP COLUMN checksum; PRAGMA user_version = 2");
}

static int records_of(const char *name) {
    struct database *database = open_for(name, DATABASE_READ);
    int count = 0;
    if (database_records(database, NULL, count_record, &count, &error) != DLT_OK)
        fail_msg("%s", error.message);
    database_close(database);
    return count;
}

static void version_2_is_read_and_migrated(void **state) {
    struct database *database;
    struct record record;
    bool exact;
    (void)state;
    make_old("old.db");
    assert_int_equal(problems_of("old.db"), 0);
    assert_int_equal(records_of("old.db"), RECORDS);
    database = open_for("old.db", DATABASE_READ);
    assert_int_equal(database_best(database, TASK, "here", "1", &record, &exact, &error), DLT_OK);
    record_free(&record);
    database_close(database);
    assert_int_equal(ask("old.db", "PRAGMA user_version"), 2);

    database_close(open_for("old.db", DATABASE_WRITE));
    assert_int_equal(ask("old.db", "PRAGMA user_version"), 6);
    assert_int_equal(ask("old.db", "SELECT count(*) FROM record WHERE checksum IS NOT NULL"),
                     RECORDS);
    assert_int_equal(problems_of("old.db"), 0);
    assert_int_equal(records_of("old.db"), RECORDS);
    sql("old.db", "UPDATE record SET median_us = 0.5 WHERE id = 1");
    is_noticed("old.db");
}

/* Rows that an older version adds beside a newer one have no checksum, and are taken as they are.
 */
static void rows_without_checksums_are_taken(void **state) {
    struct transfer transfer;
    (void)state;
    fill("c.db");
    sql("c.db", "UPDATE record SET checksum = NULL");
    assert_int_equal(problems_of("c.db"), 0);
    assert_int_equal(records_of("c.db"), RECORDS);
    make_old("old.db");
    for (int i = 0; i < 2; i++) {
        remove(in_folder("new.db"));
        assert_int_equal(database_salvage(in_folder(i ? "old.db" : "c.db"), in_folder("new.db"),
                                          NULL, NULL, &transfer, &error),
                         DLT_OK);
        assert_int_equal(transfer.added, RECORDS);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(every_changed_column_is_noticed),
        TEST(a_changed_letter_of_a_name_costs_nothing),
        TEST(version_2_is_read_and_migrated),
        TEST(rows_without_checksums_are_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
