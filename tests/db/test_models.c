/* Models and runs: what goes in comes out, which model is found, and files from before them. */
#include "support.h"

#include "base/plain.h"

#include <sqlite3.h>

static struct model model_of(const char *host, int64_t created, const char *bytes) {
    return (struct model){.name = "trees",
                          .target = "x86-avx2",
                          .host = host,
                          .features = "3",
                          .records = 17,
                          .created = created,
                          .bytes = bytes,
                          .byte_count = strlen(bytes) + 1}; /* bytes may hold zeros */
}

static void put(struct database *database, struct model model) {
    if (database_put_model(database, &model, &error) != DLT_OK)
        fail_msg("%s", error.message);
}

static void found(struct database *database, const char *host, const char *bytes,
                  const char *whose) {
    struct model model;
    if (database_find_model(database, "trees", "x86-avx2", "3", host, &model, &error) != DLT_OK)
        fail_msg("%s", error.message);
    assert_string_equal(model.bytes, bytes);
    assert_int_equal(model.byte_count, strlen(bytes) + 1);
    assert_string_equal(model.host, whose);
    assert_string_equal(model.name, "trees");
    assert_string_equal(model.target, "x86-avx2");
    assert_string_equal(model.features, "3");
    assert_int_equal(model.records, 17);
    model_free(&model);
}

static void own_model_first_then_the_newest(void **state) {
    struct database *database = open_for("m.db", DATABASE_WRITE);
    (void)state;
    put(database, model_of("a", 100, "of a"));
    put(database, model_of("b", 200, "of b"));
    put(database, model_of("c", 150, "of c"));
    found(database, "a", "of a", "a");
    found(database, "nobody", "of b", "b");
    put(database, model_of("a", 101, "newer of a"));
    found(database, "a", "newer of a", "a");
    put(database, model_of("a", 99, "older of a"));
    found(database, "a", "newer of a", "a");
    database_close(database);
    database = open_for("m.db", DATABASE_READ);
    found(database, "c", "of c", "c");
    database_close(database);
}

static void other_features_are_not_found(void **state) {
    struct database *database = open_for("m.db", DATABASE_WRITE);
    struct model model;
    (void)state;
    put(database, model_of("a", 100, "bytes"));
    assert_int_equal(database_find_model(database, "trees", "x86-avx2", "4", "a", &model, &error),
                     DLT_ERROR_NOT_FOUND);
    assert_non_null(strstr(error.message, "no model `trees` for target x86-avx2 and features 4"));
    assert_int_equal(database_find_model(database, "trees", "c", "3", "a", &model, &error),
                     DLT_ERROR_NOT_FOUND);
    assert_int_equal(database_find_model(database, "roofs", "x86-avx2", "3", "a", &model, &error),
                     DLT_ERROR_NOT_FOUND);
    model_free(&model); /* harmless */
    database_close(database);
}

static void bad_models_are_refused(void **state) {
    struct database *database = open_for("m.db", DATABASE_WRITE);
    struct model model = model_of("", 1, "x");
    (void)state;
    assert_int_equal(database_put_model(database, &model, &error), DLT_ERROR_ARGUMENT);
    assert_string_equal(error.message, "model: host is missing");
    model = model_of("a", 1, "x");
    model.byte_count = 0;
    assert_int_equal(database_put_model(database, &model, &error), DLT_ERROR_ARGUMENT);
    assert_non_null(strstr(error.message, "model: bytes"));
    database_close(database);
    database = open_for("m.db", DATABASE_READ);
    model = model_of("a", 1, "x");
    assert_int_equal(database_put_model(database, &model, &error), DLT_ERROR_DATABASE);
    assert_non_null(strstr(error.message, "was opened for reading"));
    database_close(database);
}

static bool name_model(void *context, const struct model *model) {
    strcat(strcat(context, model->host), ";");
    return strcmp(model->host, "b") != 0;
}

static bool name_run(void *context, const struct run *run) {
    char line[200];
    plain_format(line, sizeof line, "%s %s %s %s %d %d %g %g %d\n", run->task, run->host,
                 run->generator, run->strategy, (int)run->seed, (int)run->trials, run->seconds,
                 run->best_us, (int)run->created);
    strcat(context, line);
    return true;
}

static void visits(void **state) {
    struct database *database = open_for("m.db", DATABASE_WRITE);
    char hosts[64] = "", runs[512] = "";
    struct run run = {.task = TASK,
                      .host = "here",
                      .generator = "1",
                      .strategy = "annealing",
                      .seed = -5,
                      .trials = 256,
                      .seconds = 1.5,
                      .best_us = 9.25,
                      .created = 1700000000};
    (void)state;
    put(database, model_of("c", 1, "x"));
    put(database, model_of("b", 1, "x"));
    put(database, model_of("a", 1, "x"));
    assert_int_equal(database_models(database, name_model, hosts, &error), DLT_OK);
    assert_string_equal(hosts, "a;b;");
    assert_int_equal(database_add_run(database, &run, &error), DLT_OK);
    assert_int_equal(database_add_run(database, &run, &error), DLT_OK);
    assert_int_equal(database_runs(database, name_run, runs, &error), DLT_OK);
    assert_string_equal(runs, TASK " here 1 annealing -5 256 1.5 9.25 1700000000\n" TASK
                                   " here 1 annealing -5 256 1.5 9.25 1700000000\n");
    run.strategy = "";
    assert_int_equal(database_add_run(database, &run, &error), DLT_ERROR_ARGUMENT);
    assert_string_equal(error.message, "run: strategy is missing");
    database_close(database);
}

static void sql(const char *name, const char *statements) {
    sqlite3 *connection;
    assert_int_equal(sqlite3_open(in_folder(name), &connection), SQLITE_OK);
    assert_int_equal(sqlite3_exec(connection, statements, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(connection);
}

static bool keep_run(void *context, const struct run *run) {
    struct run *kept = context;
    *kept = *run;
    return true;
}

static void quality_of_models_is_kept(void **state) {
    struct database *database = open_for("q.db", DATABASE_WRITE);
    struct run run = {.task = TASK,
                      .host = "here",
                      .generator = "1",
                      .strategy = "model",
                      .judged = 40,
                      .has_model = true,
                      .analytic = {0.5, 0.25, 0.75},
                      .model = {0.875, 0.9375, 1}};
    struct run read = {0};
    (void)state;
    assert_int_equal(database_add_run(database, &run, &error), DLT_OK);
    assert_int_equal(database_runs(database, keep_run, &read, &error), DLT_OK);
    assert_int_equal(read.judged, 40);
    assert_true(read.has_model);
    assert_memory_equal(&read.analytic, &run.analytic, sizeof read.analytic);
    assert_memory_equal(&read.model, &run.model, sizeof read.model);
    run.has_model = false;
    assert_int_equal(database_add_run(database, &run, &error), DLT_OK);
    assert_int_equal(database_runs(database, keep_run, &read, &error), DLT_OK);
    assert_false(read.has_model);
    assert_true(read.analytic.pairwise == 0.5 && read.model.pairwise == 0);
    database_close(database);
}

/* Version 3 did not say how good models were: reading says that none was judged. */
static void runs_of_version_3_are_read_and_migrated(void **state) {
    struct database *database = open_for("three.db", DATABASE_WRITE);
    struct run run = {.task = TASK, .host = "here", .generator = "1", .strategy = "grid"};
    struct run read = {.judged = 7};
    (void)state;
    run.trials = 12;
    assert_int_equal(database_add_run(database, &run, &error), DLT_OK);
    database_close(database);
    sql("three.db", DROP_QUALITY "PRAGMA user_version = 3");
    database = open_for("three.db", DATABASE_READ);
    assert_int_equal(database_runs(database, keep_run, &read, &error), DLT_OK);
    assert_int_equal(read.trials, 12);
    assert_int_equal(read.judged, 0);
    assert_false(read.has_model);
    database_close(database);
    database = open_for("three.db", DATABASE_WRITE);
    run.judged = 3;
    assert_int_equal(database_add_run(database, &run, &error), DLT_OK);
    assert_int_equal(database_runs(database, keep_run, &read, &error), DLT_OK);
    assert_int_equal(read.judged, 3);
    database_close(database);
}

/* Version 1 had neither: its records are read as they are, writing brings it up to date. */
static void files_of_version_1_are_read_and_migrated(void **state) {
    struct database *database = open_for("old.db", DATABASE_WRITE);
    struct record record = sample(5);
    struct model model;
    char runs[64] = "";
    bool exact;
    (void)state;
    add(database, &record);
    database_close(database);
    sql("old.db", DROP_ORIGINS "DROP TABLE model; DROP TABLE run;"
                               "ALTER TABLE record DROP COLUMN checksum; PRAGMA user_version = 1");
    database = open_for("old.db", DATABASE_READ);
    assert_int_equal(database_best(database, TASK, "here", "1", &record, &exact, &error), DLT_OK);
    record_free(&record);
    assert_int_equal(
        database_find_model(database, "trees", "x86-avx2", "3", "here", &model, &error),
        DLT_ERROR_NOT_FOUND);
    assert_int_equal(database_models(database, name_model, runs, &error), DLT_OK);
    assert_int_equal(database_runs(database, name_run, runs, &error), DLT_OK);
    assert_string_equal(runs, "");
    database_close(database);
    database = open_for("old.db", DATABASE_WRITE);
    put(database, model_of("here", 1, "x"));
    found(database, "here", "x", "here");
    assert_int_equal(database_best(database, TASK, "here", "1", &record, &exact, &error), DLT_OK);
    record_free(&record);
    database_close(database);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(own_model_first_then_the_newest),
        TEST(other_features_are_not_found),
        TEST(bad_models_are_refused),
        TEST(visits),
        TEST(quality_of_models_is_kept),
        TEST(runs_of_version_3_are_read_and_migrated),
        TEST(files_of_version_1_are_read_and_migrated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
