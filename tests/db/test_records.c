/* Adding and asking: what goes in comes out, which record is the best, and many writers at once. */
#include "support.h"

#include <math.h>
#include <signal.h>
#include <sys/wait.h>

static void same(const char *a, const char *b) {
    if (!a || !b)
        assert_true(a == b);
    else
        assert_string_equal(a, b);
}

static void best_of(struct database *database, double median_us, bool is_exact) {
    struct record record;
    bool exact;
    if (database_best(database, TASK, "here", "1", &record, &exact, &error) != DLT_OK)
        fail_msg("%s", error.message);
    assert_true(record.median_us == median_us);
    assert_int_equal(exact, is_exact);
    record_free(&record);
}

static void what_goes_in_comes_out(void **state) {
    struct record in = sample(12.5), out;
    bool exact;
    (void)state;
    in.message = "a 'quoted' \"word\"\n";
    in.finalist = true;
    struct database *database = open_for("r.db", DATABASE_WRITE);
    add(database, &in);
    database_close(database);
    database = open_for("r.db", DATABASE_READ);
    assert_int_equal(database_best(database, TASK, "here", "1", &out, &exact, &error), DLT_OK);
    assert_true(exact);
    same(out.task, in.task);
    same(out.host, in.host);
    same(out.generator, in.generator);
    same(out.trace, in.trace);
    same(out.knobs, in.knobs);
    same(out.outcome, in.outcome);
    same(out.message, in.message);
    same(out.clock, in.clock);
    same(out.layouts, in.layouts);
    assert_true(out.median_us == in.median_us && out.minimum_us == in.minimum_us);
    assert_true(out.spread == in.spread && out.max_error == in.max_error);
    assert_true(out.peak_gflops == in.peak_gflops);
    assert_true(out.verified && out.finalist);
    assert_int_equal(out.seed, in.seed);
    assert_int_equal(out.created, in.created);
    record_free(&out);
    record_free(&out); /* harmless */
    database_close(database);
}

static void nothing_stored_is_not_found(void **state) {
    struct record record;
    bool exact = true;
    struct database *database = open_for("r.db", DATABASE_WRITE);
    (void)state;
    assert_int_equal(database_best(database, TASK, "here", "1", &record, &exact, &error),
                     DLT_ERROR_NOT_FOUND);
    assert_non_null(strstr(error.message, TASK));
    assert_false(exact);
    record = sample(1);
    record.task = "matmul m=7 n=5 k=4 target=c threads=1";
    add(database, &record);
    assert_int_equal(database_best(database, TASK, "here", "1", &record, &exact, &error),
                     DLT_ERROR_NOT_FOUND);
    database_close(database);
}

static void only_right_records_are_bests(void **state) {
    struct database *database = open_for("r.db", DATABASE_WRITE);
    struct record right = sample(50), wrong = sample(1), unverified = sample(2), crash = sample(0);
    (void)state;
    wrong.outcome = "wrong";
    wrong.verified = crash.verified = false;
    wrong.max_error = NAN;
    unverified.verified = false;
    crash.outcome = "crash";
    crash.message = "signal 11";
    add(database, &wrong);
    add(database, &unverified);
    add(database, &crash);
    struct record none;
    bool exact;
    assert_int_equal(database_best(database, TASK, "here", "1", &none, &exact, &error),
                     DLT_ERROR_NOT_FOUND);
    add(database, &right);
    best_of(database, 50, true);
    database_close(database);
}

static void finalists_beat_lucky_rough_times(void **state) {
    struct database *database = open_for("r.db", DATABASE_WRITE);
    struct record rough = sample(100), finalist = sample(104), clearly = sample(80);
    (void)state;
    finalist.finalist = true;
    add(database, &rough);
    best_of(database, 100, true);
    add(database, &finalist);
    best_of(database, 104, true);
    add(database, &clearly);
    best_of(database, 80, true);
    finalist = sample(79);
    finalist.finalist = true;
    add(database, &finalist);
    best_of(database, 79, true);
    database_close(database);
}

static void the_nearest_origin_comes_first(void **state) {
    struct database *database = open_for("r.db", DATABASE_WRITE);
    struct record record = sample(1);
    (void)state;
    record.host = "elsewhere", record.generator = "2";
    add(database, &record);
    best_of(database, 1, false);
    record.median_us = 2, record.generator = "1";
    add(database, &record);
    best_of(database, 2, false);
    record.median_us = 3, record.host = "here", record.generator = "2";
    add(database, &record);
    best_of(database, 3, false);
    record.median_us = 4, record.generator = "1";
    add(database, &record);
    best_of(database, 4, true);
    database_close(database);
}

static void bad_records_are_refused_by_name(void **state) {
    struct database *database = open_for("r.db", DATABASE_WRITE);
    struct record record = sample(1);
    (void)state;
    record.host = NULL;
    assert_int_equal(database_add(database, &record, &error), DLT_ERROR_ARGUMENT);
    assert_string_equal(error.message, "record: host: is missing");
    record = sample(1);
    record.task = "";
    assert_int_equal(database_add(database, &record, &error), DLT_ERROR_ARGUMENT);
    assert_string_equal(error.message, "record: task: is empty");
    const double bad[] = {0, -1, NAN, INFINITY};
    for (int i = 0; i < 4; i++) {
        record = sample(bad[i]);
        assert_int_equal(database_add(database, &record, &error), DLT_ERROR_ARGUMENT);
        assert_non_null(strstr(error.message, "median_us"));
    }
    database_close(database);
}

struct visit {
    int count, stop_after;
    double last;
};

static bool count_record(void *context, const struct record *record) {
    struct visit *visit = context;
    assert_true(record->median_us > visit->last); /* newest last */
    visit->last = record->median_us;
    return ++visit->count != visit->stop_after;
}

static void visits_in_order_and_stops(void **state) {
    struct database *database = open_for("r.db", DATABASE_WRITE);
    (void)state;
    for (int i = 1; i <= 10; i++) {
        struct record record = sample(i);
        if (i % 2)
            record.task = "other target=c threads=1";
        add(database, &record);
    }
    struct visit all = {0}, some = {0}, few = {.stop_after = 3}, none = {0};
    assert_int_equal(database_records(database, NULL, count_record, &all, &error), DLT_OK);
    assert_int_equal(all.count, 10);
    assert_int_equal(database_records(database, TASK, count_record, &some, &error), DLT_OK);
    assert_int_equal(some.count, 5);
    assert_int_equal(database_records(database, TASK, count_record, &few, &error), DLT_OK);
    assert_int_equal(few.count, 3);
    assert_int_equal(database_records(database, "nothing", count_record, &none, &error), DLT_OK);
    assert_int_equal(none.count, 0);
    database_close(database);
}

static bool keep_summaries(void *context, const struct task_summary *summary) {
    char line[256];
    snprintf(line, sizeof line, "%s: %d of %d, %g\n", summary->task, (int)summary->right,
             (int)summary->records, summary->best_us);
    strcat(context, line);
    return true;
}

static void summaries_count_by_task(void **state) {
    struct database *database = open_for("r.db", DATABASE_WRITE);
    struct record record = sample(9);
    char lines[1024] = "";
    (void)state;
    add(database, &record);
    record.median_us = 7, record.host = "elsewhere";
    add(database, &record);
    record.outcome = "timeout";
    record.verified = false;
    add(database, &record);
    record.task = "another";
    add(database, &record);
    assert_int_equal(database_tasks(database, keep_summaries, lines, &error), DLT_OK);
    assert_string_equal(lines, "another: 0 of 1, 0\n" TASK ": 2 of 3, 7\n");
    database_close(database);
}

/* A reader that opened a quiet file sees what is written later: while the writer is there, after it
 * left, and when the file was replaced. */
static void readers_see_what_is_written_later(void **state) {
    struct database *writer = open_for("r.db", DATABASE_WRITE), *reader;
    struct record record = sample(9);
    (void)state;
    add(writer, &record);
    database_close(writer);
    reader = open_for("r.db", DATABASE_READ);
    best_of(reader, 9, true);
    writer = open_for("r.db", DATABASE_WRITE);
    record = sample(8);
    add(writer, &record);
    best_of(reader, 8, true);
    record = sample(7);
    add(writer, &record);
    database_close(writer);
    best_of(reader, 7, true);
    database_close(reader);
    writer = open_for("other.db", DATABASE_WRITE);
    record = sample(6);
    add(writer, &record);
    database_close(writer);
    remove(in_folder("r.db-wal"));
    remove(in_folder("r.db-shm"));
    reader = open_for("other.db", DATABASE_READ);
    writer = open_for("third.db", DATABASE_WRITE);
    record = sample(5);
    add(writer, &record);
    database_close(writer);
    assert_int_equal(rename(in_folder("third.db"), in_folder("other.db")), 0);
    best_of(reader, 5, true);
    assert_int_equal(remove(in_folder("other.db")), 0);
    bool exact;
    assert_int_equal(database_best(reader, TASK, "here", "1", &record, &exact, &error),
                     DLT_ERROR_DATABASE);
    assert_non_null(strstr(error.message, "no such database"));
    assert_int_equal(database_best(reader, TASK, "here", "1", &record, &exact, &error),
                     DLT_ERROR_DATABASE);
    database_close(reader);
}

enum {
    WRITERS = 6,
    EACH = 40
};

static bool count_only(void *context, const struct record *record) {
    (void)record;
    ++*(int *)context;
    return true;
}

/* All create the file at once and add equal records: none is lost, none fails. */
static void many_processes_write_at_once(void **state) {
    pid_t children[WRITERS];
    int count = 0;
    (void)state;
    for (int i = 0; i < WRITERS; i++) {
        children[i] = fork();
        if (children[i] == 0) {
            struct database *database;
            struct record record = sample(5);
            if (database_open(in_folder("shared.db"), DATABASE_WRITE, &database, &error) != DLT_OK)
                _exit(1);
            for (int r = 0; r < EACH; r++)
                if (database_add(database, &record, &error) != DLT_OK)
                    _exit(2);
            database_close(database);
            _exit(0);
        }
    }
    for (int i = 0; i < WRITERS; i++) {
        int status = 0;
        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
    }
    struct database *database = open_for("shared.db", DATABASE_READ);
    assert_int_equal(database_records(database, NULL, count_only, &count, &error), DLT_OK);
    assert_int_equal(count, WRITERS * EACH);
    database_close(database);
}

/* Killed writers lose nothing that was committed, and leave a log that readers understand. */
static void a_killed_writer_loses_nothing(void **state) {
    int ends[2], count = 0, status;
    char byte;
    (void)state;
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        struct database *database = open_for("k.db", DATABASE_WRITE);
        for (int i = 0; i < 10; i++) {
            struct record record = sample(10 - i);
            add(database, &record);
        }
        if (write(ends[1], "", 1) != 1)
            _exit(1);
        pause();
    }
    assert_int_equal(read(ends[0], &byte, 1), 1);
    kill(child, SIGKILL);
    waitpid(child, &status, 0);
    struct database *database = open_for("k.db", DATABASE_READ);
    assert_int_equal(database_records(database, TASK, count_only, &count, &error), DLT_OK);
    assert_int_equal(count, 10);
    best_of(database, 1, true);
    database_close(database);
    close(ends[0]);
    close(ends[1]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(what_goes_in_comes_out),
        TEST(nothing_stored_is_not_found),
        TEST(only_right_records_are_bests),
        TEST(finalists_beat_lucky_rough_times),
        TEST(the_nearest_origin_comes_first),
        TEST(bad_records_are_refused_by_name),
        TEST(visits_in_order_and_stops),
        TEST(summaries_count_by_task),
        TEST(readers_see_what_is_written_later),
        TEST(many_processes_write_at_once),
        TEST(a_killed_writer_loses_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
