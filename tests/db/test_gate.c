/* What comes from outside: rows of any type, records that say what cannot be, models whose bytes
 * changed. None is believed, all are named, and no question goes on for ever. */
#include "support.h"

#include "db/gate.h"

#include <math.h>
#include <sqlite3.h>

static void sql(const char *name, const char *statements) {
    sqlite3 *connection;
    assert_int_equal(sqlite3_open(in_folder(name), &connection), SQLITE_OK);
    if (sqlite3_exec(connection, statements, NULL, NULL, NULL) != SQLITE_OK)
        fail_msg("%s: %s", statements, sqlite3_errmsg(connection));
    sqlite3_close(connection);
}

/* Record 3 is a finalist, and the best. */
static void fill(const char *name) {
    struct database *database = open_for(name, DATABASE_WRITE);
    for (int i = 0; i < 3; i++) {
        struct record record = sample(i == 2 ? 5 : 10 + i);
        record.finalist = i == 2;
        add(database, &record);
    }
    database_close(database);
}

static bool keep_problem(void *context, const char *problem) {
    strcat(strcat(context, problem), "|");
    return true;
}

static void problems_of(const char *name, char *problems) {
    struct database *database = open_for(name, DATABASE_READ);
    problems[0] = 0;
    assert_int_equal(database_check(database, keep_problem, problems, &error), DLT_OK);
    database_close(database);
}

static bool count_tasks(void *context, const struct task_summary *summary) {
    *(double *)context = summary->best_us;
    return true;
}

static bool count_records(void *context, const struct record *record) {
    assert_true(record->id != 3);
    ++*(int *)context;
    return true;
}

/* The second best is the best, of the task and in the list, and checking names record 3. */
static void is_left_out(const char *name, const char *change, const char *reason) {
    struct database *database = open_for(name, DATABASE_READ);
    char problems[4096];
    struct record record;
    double best_us = 0;
    int count = 0;
    bool exact;
    if (database_best(database, TASK, "here", "1", &record, &exact, &error) != DLT_OK)
        fail_msg("%s: %s", change, error.message);
    if (record.id != 1 || !exact)
        fail_msg("%s: record %d is the best", change, (int)record.id);
    record_free(&record);
    assert_int_equal(database_tasks(database, count_tasks, &best_us, &error), DLT_OK);
    assert_true(best_us == 10);
    assert_int_equal(database_records(database, NULL, count_records, &count, &error), DLT_OK);
    assert_int_equal(count, 2);
    database_close(database);
    problems_of(name, problems);
    if (!strstr(problems, reason))
        fail_msg("%s: '%s' is not in '%s'", change, reason, problems);
}

/* Each with the checksum of the row that was, and without any. */
static void rows_of_any_kind_are_left_out(void **state) {
    static const struct {
        const char *change, *reason;
    } changes[] = {
        {"median_us = 'abc'", "record 3: median_us: is not a number"},
        {"median_us = 'NaN'", "record 3: median_us: is not a number"},
        {"median_us = x'00'", "record 3: median_us: is not a number"},
        {"median_us = zeroblob(100000)", "record 3: median_us: is not a number"},
        {"median_us = -1", "record 3: median_us: "},
        {"median_us = 0", "record 3: median_us: "},
        {"median_us = 1e-300", "record 3: median_us: "},
        {"median_us = 9e999", "record 3: median_us: "},
        {"median_us = -9e999", "record 3: median_us: "},
        {"minimum_us = 'x'", "record 3: minimum_us: is not a number"},
        {"minimum_us = 6", "record 3: minimum_us: "},
        {"spread = -1", "record 3: spread: "},
        {"spread = x'01'", "record 3: spread: is not a number"},
        {"max_error = 2", "record 3: max_error: "},
        {"max_error = 'none'", "record 3: max_error: is not a number"},
        {"peak_gflops = -3", "record 3: peak_gflops: "},
        {"clock = 'moon'", "record 3: clock: 'moon'"},
        {"clock = 7.5", "record 3: clock: "},
        {"clock = x'637075'", "record 3: clock: is not text"},
        {"layouts = x'00'", "record 3: layouts: is not text"},
        {"knobs = 'a' || char(27) || 'b'", "record 3: knobs: is not text"},
        {"trace = trace || char(0)", "record 3: trace: is not text"},
        {"seed = -1", "record 3: seed: "},
        {"seed = 'x'", "record 3: seed: is not an integer"},
        {"created = -1", "record 3: created: "},
        {"created = 1e300", "record 3: created: is not an integer"},
        {"finalist = 2", "record 3: finalist: is not 0 or 1"},
        {"finalist = 'yes'", "record 3: finalist: is not an integer"},
        {"identity = x'00'", "record 3: has no identity"},
        {"checksum = 'x'", "record 3: checksum: is not an integer"},
        {"imported = 'x'", "record 3: imported: is not an integer"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++)
        for (int sum = 0; sum < 2; sum++) {
            const char *change = changes[i].change;
            char statement[200];
            if (sum && strncmp(change, "checksum", 8) == 0)
                continue;
            remove(in_folder("g.db"));
            fill("g.db");
            snprintf(statement, sizeof statement, "UPDATE record SET %s%s WHERE id = 3", change,
                     sum ? ", checksum = NULL" : "");
            sql("g.db", statement);
            is_left_out("g.db", change, changes[i].reason);
        }
}

/* References that are none are found by no question, and end none. */
static void references_of_any_kind_do_no_harm(void **state) {
    static const char *const changes[] = {
        "host_id = 'abc'", "host_id = 99",       "host_id = x'00'",   "host_id = 1.5",
        "task_id = 'x'",   "generator_id = 'g'", "generator_id = 1.5"};
    (void)state;
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        char statement[200];
        remove(in_folder("g.db"));
        fill("g.db");
        snprintf(statement, sizeof statement, "UPDATE record SET %s WHERE id = 3", changes[i]);
        sql("g.db", statement);
        is_left_out("g.db", changes[i], "refers to a row of");
    }
}

/* Nothing is left: the question ends, and says why. */
static void all_may_be_damaged(void **state) {
    struct database *database;
    struct record record;
    bool exact;
    (void)state;
    fill("g.db");
    sql("g.db", "UPDATE record SET median_us = 'abc'");
    database = open_for("g.db", DATABASE_READ);
    assert_int_equal(database_best(database, TASK, "here", "1", &record, &exact, &error),
                     DLT_ERROR_NOT_FOUND);
    database_close(database);
}

/* What only the task can tell: SQLite's checksum is right, the schedule is not one. */
static void schedules_that_do_not_replay_are_no_bests(void **state) {
    struct database *database = open_for("g.db", DATABASE_WRITE);
    static const char *const traces[] = {"bogus step", "split m", "split nothing m 4 guard"};
    struct record record;
    bool exact;
    (void)state;
    for (int i = 0; i < 3; i++) {
        record = sample(1 + i);
        record.trace = traces[i];
        add(database, &record);
    }
    record = sample(50);
    add(database, &record);
    assert_int_equal(database_best(database, TASK, "here", "1", &record, &exact, &error), DLT_OK);
    assert_true(record.median_us == 50);
    assert_non_null(strstr(database_left_out(database), "record 1: trace: line 1"));
    record_free(&record);
    database_close(database);
}

static void refused(struct record record, const char *reason) {
    struct gate gate = {0};
    if (gate_check_record(&gate, &record, &error) == DLT_OK)
        fail_msg("passed, but %s", reason);
    if (!strstr(error.message, reason))
        fail_msg("'%s' is not in '%s'", reason, error.message);
    gate_free(&gate);
}

#define REFUSED(change, reason)                                                                    \
    do {                                                                                           \
        struct record record = sample(5);                                                          \
        record.imported = true;                                                                    \
        record.change;                                                                             \
        refused(record, reason);                                                                   \
    } while (0)

static void what_cannot_be_is_named(void **state) {
    struct record record = sample(5);
    struct gate gate = {0};
    (void)state;
    assert_int_equal(gate_check_record(&gate, &record, &error), DLT_OK);
    record.median_us = record.minimum_us = 1e-4; /* what was measured here is what it is */
    assert_int_equal(gate_check_record(&gate, &record, &error), DLT_OK);
    gate_free(&gate);
    REFUSED(task = "matmul m=1", "task: ");
    REFUSED(task = "matmul m=1 target=c threads=1", "task: ");
    REFUSED(task = "matmul k=3 n=5 m=7 target=c threads=1", "task: is spelt `" TASK "`");
    REFUSED(task = "matmul m=7 n=5 k=3 target=moon threads=1", "task: target 'moon' is unknown");
    REFUSED(task = "matmul m=7 n=5 k=3 target=c threads=0", "task: ");
    REFUSED(task = "nothing", "task: ");
    REFUSED(outcome = "okk", "outcome: 'okk' is none");
    REFUSED(outcome = "wrong", "verified: is true");
    REFUSED(clock = "", "clock: is empty");
    REFUSED(trace = "bogus step", "trace: line 1");
    REFUSED(trace = "", "trace: has no steps");
    REFUSED(trace = "\n", "trace: has no steps");
    REFUSED(seed = -1, "seed: -1");
    REFUSED(median_us = 1e-9, "median_us: 1e-09");
    REFUSED(median_us = NAN, "median_us: ");
    REFUSED(message = "\033[31m", "message: is not text");
    record.imported = true;
    record.task = "matmul m=700 n=500 k=300 target=c threads=1"; /* 210 million operations */
    record.minimum_us = 0;
    record.median_us = 1;
    refused(record, "median_us: in 1 us no 1 threads do 2.1e+08 operations");
    record.median_us = 100;
    refused(record, "median_us: 100 us are 21 times as fast as the peak_gflops it states");
}

/* ---- files taken in ---- */

static void say_what_was_done(const char *name, bool skip, char *problems,
                              struct transfer *transfer, dlt_status wanted) {
    struct database *into = open_for("into.db", DATABASE_WRITE);
    struct database *from = open_for(name, DATABASE_READ);
    const struct taking taking = {skip, keep_problem, problems};
    problems[0] = 0;
    assert_int_equal(database_merge(into, from, &taking, transfer, &error), wanted);
    database_close(from);
    database_close(into);
}

static void merging_passes_the_gate(void **state) {
    char problems[4096];
    struct transfer transfer;
    (void)state;
    fill("g.db");
    sql("g.db", "UPDATE record SET trace = 'bogus step', checksum = NULL WHERE id = 2;"
                "UPDATE record SET median_us = 'abc' WHERE id = 3");
    say_what_was_done("g.db", false, problems, &transfer, DLT_ERROR_DATABASE);
    assert_int_equal(transfer.added, 0);
    assert_non_null(strstr(problems, "g.db: record 2: trace: line 1"));
    assert_non_null(strstr(problems, "g.db: record 3: median_us: is not a number"));
    assert_non_null(strstr(error.message, "2 of its records and models cannot be believed"));
    say_what_was_done("g.db", true, problems, &transfer, DLT_OK);
    assert_int_equal(transfer.added, 1);
    assert_int_equal(transfer.lost, 2);
}

/* What was taken in stands behind what was measured here, however fast it says it was. */
static void what_was_taken_in_is_a_hint(void **state) {
    char problems[4096];
    struct transfer transfer;
    struct database *database;
    struct record record, own = sample(100);
    bool exact;
    (void)state;
    fill("g.db");
    say_what_was_done("g.db", false, problems, &transfer, DLT_OK);
    database = open_for("into.db", DATABASE_WRITE);
    assert_int_equal(database_best(database, TASK, "here", "1", &record, &exact, &error), DLT_OK);
    assert_true(record.imported && !exact && record.median_us == 5);
    record_free(&record);
    add(database, &own);
    assert_int_equal(database_best(database, TASK, "here", "1", &record, &exact, &error), DLT_OK);
    assert_true(!record.imported && exact && record.median_us == 100);
    record_free(&record);
    database_close(database);
}

/* ---- models ---- */

static struct model model_of(const char *host, int64_t created) {
    return (struct model){.name = "trees",
                          .target = "c",
                          .host = host,
                          .features = "1",
                          .created = created,
                          .bytes = "some bytes",
                          .byte_count = 10};
}

static void models_that_changed_are_left_out(void **state) {
    static const char *const changes[] = {"bytes = x'00'", "records = 7", "created = 2e9",
                                          "checksum = 1", "checksum = 'x'"};
    struct database *database;
    char problems[4096];
    struct transfer transfer;
    struct model model;
    (void)state;
    for (int i = 0; i < 5; i++) {
        char statement[200];
        remove(in_folder("m.db"));
        database = open_for("m.db", DATABASE_WRITE);
        model = model_of("here", 50);
        assert_int_equal(database_put_model(database, &model, &error), DLT_OK);
        model = model_of("there", 40);
        assert_int_equal(database_put_model(database, &model, &error), DLT_OK);
        database_close(database);
        problems_of("m.db", problems);
        assert_string_equal(problems, "");
        snprintf(statement, sizeof statement, "UPDATE model SET %s WHERE id = 1", changes[i]);
        sql("m.db", statement);
        problems_of("m.db", problems);
        assert_string_equal(problems, "model 1: is not what was written|");
        say_what_was_done("m.db", false, problems, &transfer, DLT_ERROR_DATABASE);
        assert_non_null(strstr(problems, "m.db: model 1: is not what was written"));
        database = open_for("m.db", DATABASE_WRITE);
        assert_int_equal(database_find_model(database, "trees", "c", "1", "here", &model, &error),
                         DLT_OK);
        assert_string_equal(model.host, "there");
        model_free(&model);
        model = model_of("here", 10); /* older than the damaged one says that it is */
        assert_int_equal(database_put_model(database, &model, &error), DLT_OK);
        database_close(database);
        problems_of("m.db", problems);
        assert_string_equal(problems, "");
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(rows_of_any_kind_are_left_out),
        TEST(references_of_any_kind_do_no_harm),
        TEST(all_may_be_damaged),
        TEST(schedules_that_do_not_replay_are_no_bests),
        TEST(what_cannot_be_is_named),
        TEST(merging_passes_the_gate),
        TEST(what_was_taken_in_is_a_hint),
        TEST(models_that_changed_are_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
