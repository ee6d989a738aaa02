/* Whole files: merged without doubles, pruned, checked, and recovered when damaged. */
#include "support.h"

#include "base/random.h"

static bool count_records(void *context, const struct record *record) {
    (void)record;
    ++*(int *)context;
    return true;
}

static int records_in(const char *name) {
    struct database *database = open_for(name, DATABASE_READ);
    int count = 0;
    if (database_records(database, NULL, count_records, &count, &error) != DLT_OK)
        fail_msg("%s", error.message);
    database_close(database);
    return count;
}

static void fill(const char *name, int count, double first_us) {
    struct database *database = open_for(name, DATABASE_WRITE);
    for (int i = 0; i < count; i++) {
        struct record record = sample(first_us + i);
        add(database, &record);
    }
    database_close(database);
}

static struct transfer merge(const char *into, const char *from) {
    struct database *target = open_for(into, DATABASE_WRITE);
    struct database *source = open_for(from, DATABASE_READ);
    const struct taking taking = {0};
    struct transfer transfer;
    if (database_merge(target, source, &taking, &transfer, &error) != DLT_OK)
        fail_msg("%s", error.message);
    database_close(source);
    database_close(target);
    return transfer;
}

/* Through whatever detours copies come together, a record is there once. */
static void merging_makes_no_doubles(void **state) {
    struct transfer transfer;
    (void)state;
    fill("a.db", 5, 1);
    fill("b.db", 3, 1); /* equal to some of a, but measured on their own */
    transfer = merge("c.db", "a.db");
    assert_int_equal(transfer.read, 5);
    assert_int_equal(transfer.added, 5);
    transfer = merge("c.db", "b.db");
    assert_int_equal(transfer.added, 3);
    transfer = merge("c.db", "a.db");
    assert_int_equal(transfer.read, 5);
    assert_int_equal(transfer.added, 0);
    transfer = merge("a.db", "c.db");
    assert_int_equal(transfer.added, 3);
    transfer = merge("c.db", "a.db");
    assert_int_equal(transfer.added, 0);
    assert_int_equal(records_in("c.db"), 8);
    assert_int_equal(records_in("a.db"), 8);
    assert_int_equal(records_in("b.db"), 3);
}

static void merging_takes_models_and_runs(void **state) {
    struct database *database = open_for("a.db", DATABASE_WRITE);
    struct model model = {"trees", "c", "there", "1", 9, 100, "abc", 3};
    struct run run = {
        .task = TASK, .host = "there", .generator = "1", .strategy = "annealing", .trials = 2};
    int runs = 0;
    (void)state;
    assert_int_equal(database_put_model(database, &model, &error), DLT_OK);
    assert_int_equal(database_add_run(database, &run, &error), DLT_OK);
    database_close(database);
    fill("b.db", 1, 1);
    merge("b.db", "a.db");
    merge("b.db", "a.db");
    database = open_for("b.db", DATABASE_READ);
    assert_int_equal(database_find_model(database, "trees", "c", "1", "here", &model, &error),
                     DLT_OK);
    assert_string_equal(model.host, "there");
    model_free(&model);
    assert_int_equal(database_runs(database, (run_visitor *)(void *)count_records, &runs, &error),
                     DLT_OK);
    assert_int_equal(runs, 1);
    database_close(database);
}

static void prune_keeps_the_best(void **state) {
    struct database *database = open_for("p.db", DATABASE_WRITE);
    struct record record;
    int64_t removed;
    int count = 0;
    bool exact;
    (void)state;
    for (int i = 0; i < 20; i++) {
        record = sample(100 - i);
        record.finalist = i % 5 == 0;
        add(database, &record);
    }
    record = sample(1);
    record.outcome = "wrong";
    record.verified = false;
    add(database, &record);
    record.task = "only failures target=c threads=1";
    add(database, &record);
    record = sample(70);
    record.host = "elsewhere";
    add(database, &record);
    assert_int_equal(database_prune(database, 0, &removed, &error), DLT_ERROR_ARGUMENT);
    assert_string_equal(error.message, "keep: 0 is not a number from 1");
    assert_int_equal(database_prune(database, 2, &removed, &error), DLT_OK);
    assert_int_equal(removed, 23 - 2 - 2 - 1);
    assert_int_equal(database_records(database, NULL, count_records, &count, &error), DLT_OK);
    assert_int_equal(count, 5);
    assert_int_equal(database_best(database, TASK, "here", "1", &record, &exact, &error), DLT_OK);
    assert_true(record.median_us == 85); /* the best finalist: no rough time is far below */
    record_free(&record);
    count = 0;
    assert_int_equal(
        database_tasks(database, (task_visitor *)(void *)count_records, &count, &error), DLT_OK);
    assert_int_equal(count, 1);
    database_close(database);
}

/* ---- damage ---- */

static bool count_problem(void *context, const char *problem) {
    assert_true(*problem != 0);
    ++*(int *)context;
    return true;
}

static void a_whole_file_has_no_problems(void **state) {
    struct database *database;
    int problems = 0;
    (void)state;
    fill("w.db", 30, 1);
    database = open_for("w.db", DATABASE_READ);
    assert_int_equal(database_check(database, count_problem, &problems, &error), DLT_OK);
    assert_int_equal(problems, 0);
    database_close(database);
}

enum {
    MANY = 200,
    PAGE = 4096,
};

static unsigned char bytes[1 << 20];

static size_t read_file(const char *name) {
    FILE *file = fopen(in_folder(name), "rb");
    assert_non_null(file);
    size_t count = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    assert_true(count < sizeof bytes);
    return count;
}

static void write_file(const char *name, size_t count) {
    FILE *file = fopen(in_folder(name), "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, count, file), count);
    fclose(file);
}

static struct transfer salvage(const char *name, const char *new_name) {
    struct transfer transfer;
    if (database_salvage(in_folder(name), in_folder(new_name), NULL, NULL, &transfer, &error) !=
        DLT_OK)
        fail_msg("%s", error.message);
    return transfer;
}

/* Each record must be one that was put in, untouched. */
static bool is_original(void *context, const struct record *record) {
    struct record in = sample(record->median_us);
    assert_string_equal(record->task, in.task);
    assert_string_equal(record->host, in.host);
    assert_string_equal(record->generator, in.generator);
    assert_string_equal(record->knobs, in.knobs);
    assert_true(strlen(record->trace) > 0);
    assert_true(record->max_error == in.max_error && record->spread == in.spread);
    assert_true(record->verified && !record->finalist && record->seed == in.seed);
    ++*(int *)context;
    return true;
}

static int originals_in(const char *name) {
    struct database *database = open_for(name, DATABASE_READ);
    int count = 0;
    if (database_records(database, NULL, is_original, &count, &error) != DLT_OK)
        fail_msg("%s", error.message);
    database_close(database);
    return count;
}

/* Records of all lengths, some longer than a page. */
static void fill_long(const char *name) {
    struct database *database = open_for(name, DATABASE_WRITE);
    char trace[3 * PAGE];
    for (int i = 0; i < MANY; i++) {
        struct record record = sample(i + 1);
        int length = i % 20 == 0 ? 2 * PAGE + i : 100 + i;
        memset(trace, ' ', (size_t)length);
        trace[length] = 0;
        memcpy(trace, sample(1).trace, strlen(sample(1).trace));
        record.trace = trace;
        add(database, &record);
    }
    database_close(database);
}

static void all_is_recovered_from_a_whole_file(void **state) {
    struct transfer transfer;
    (void)state;
    fill_long("w.db");
    transfer = salvage("w.db", "new.db");
    assert_int_equal(transfer.added, MANY);
    assert_int_equal(transfer.lost, 0);
    assert_int_equal(originals_in("new.db"), MANY);
    assert_int_equal(merge("w.db", "new.db").added, 0);
    assert_int_equal(
        database_salvage(in_folder("w.db"), in_folder("new.db"), NULL, NULL, &transfer, &error),
        DLT_ERROR_DATABASE);
    assert_non_null(strstr(error.message, "is there already"));
    assert_int_equal(
        database_salvage(in_folder("none.db"), in_folder("new2.db"), NULL, NULL, &transfer, &error),
        DLT_ERROR_DATABASE);
    assert_non_null(strstr(error.message, "there is no such database"));
}

/* Any one page may be gone, the first too: what was on it is lost, the rest is not. */
static void one_page_costs_only_what_was_on_it(void **state) {
    size_t count;
    (void)state;
    fill_long("w.db");
    count = read_file("w.db");
    for (size_t page = 0; page < count / PAGE; page += page < 12 ? 1 : 9) {
        struct transfer transfer;
        read_file("w.db");
        memset(bytes + page * PAGE, 0xff, PAGE);
        write_file("d.db", count);
        remove(in_folder("new.db"));
        transfer = salvage("d.db", "new.db");
        /* names of hosts and generators stand in table and index; a page holds some 20 records */
        if (transfer.added < MANY - 40)
            fail_msg("page %zu lost: only %d records came back", page + 1, (int)transfer.added);
        assert_int_equal(originals_in("new.db"), transfer.added);
    }
}

static void a_truncated_file_gives_what_is_left(void **state) {
    size_t count;
    int last = 0;
    (void)state;
    fill_long("w.db");
    count = read_file("w.db");
    for (int part = 2; part <= 4; part++) { /* empty tables fill most of the first quarter */
        struct transfer transfer;
        write_file("d.db", count * (size_t)part / 4 - 100);
        remove(in_folder("new.db"));
        transfer = salvage("d.db", "new.db");
        assert_int_equal(originals_in("new.db"), transfer.added);
        if (transfer.added <= last)
            fail_msg("%d quarters: %d records, after %d", part, (int)transfer.added, last);
        last = (int)transfer.added;
    }
    assert_true(last > MANY - 40);
}

static bool count_bogus(void *context, const char *problem) {
    if (!strstr(problem, "trace: line 1"))
        fail_msg("%s", problem);
    ++*(int *)context;
    return true;
}

static void what_does_not_pass_the_gate_is_lost(void **state) {
    struct database *database = open_for("w.db", DATABASE_WRITE);
    struct transfer transfer;
    int told = 0;
    (void)state;
    for (int i = 0; i < 10; i++) {
        struct record record = sample(i + 1);
        if (i % 2)
            record.trace = "bogus step";
        add(database, &record);
    }
    database_close(database);
    assert_int_equal(database_salvage(in_folder("w.db"), in_folder("new.db"), count_bogus, &told,
                                      &transfer, &error),
                     DLT_OK);
    assert_int_equal(transfer.added, 5);
    assert_int_equal(transfer.lost, 5);
    assert_int_equal(told, 5);
}

/* Records that are in the log only count too. */
static void the_log_is_read(void **state) {
    struct database *database = open_for("w.db", DATABASE_WRITE);
    struct transfer transfer;
    struct record record = sample(1);
    (void)state;
    add(database, &record);
    transfer = salvage("w.db", "new.db");
    assert_int_equal(transfer.added, 1);
    assert_int_equal(originals_in("new.db"), 1);
    database_close(database);
    assert_int_equal(files_in_folder(), 2);
}

/* Bytes overwritten anywhere: checking finds problems or not, recovering never fails. */
static void random_damage_does_no_harm(void **state) {
    struct random random;
    size_t count;
    (void)state;
    fill_long("w.db");
    count = read_file("w.db");
    random_seed(&random, 11);
    for (int round = 0; round < 60; round++) {
        struct database *database;
        int problems = 0;
        read_file("w.db");
        for (int i = 0; i < 1 << random_below(&random, 10); i++)
            bytes[random_below(&random, count)] = (unsigned char)random_next(&random);
        write_file("d.db", round % 4 ? count : random_below(&random, count));
        if (database_open(in_folder("d.db"), DATABASE_READ, &database, &error) == DLT_OK) {
            database_check(database, count_problem, &problems, &error);
            database_close(database);
        }
        remove(in_folder("new.db"));
        struct transfer transfer; /* where nothing is left there is no new file */
        dlt_status status =
            database_salvage(in_folder("d.db"), in_folder("new.db"), NULL, NULL, &transfer, NULL);
        assert_int_equal(status, transfer.added ? DLT_OK : DLT_ERROR_DATABASE);
        assert_int_equal(access(in_folder("new.db"), F_OK) == 0, transfer.added > 0);
        if (transfer.added == 0)
            continue;
        database = open_for("new.db", DATABASE_READ);
        problems = 0;
        assert_int_equal(database_check(database, count_problem, &problems, &error), DLT_OK);
        assert_int_equal(problems, 0);
        database_close(database);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(merging_makes_no_doubles),
        TEST(merging_takes_models_and_runs),
        TEST(prune_keeps_the_best),
        TEST(a_whole_file_has_no_problems),
        TEST(all_is_recovered_from_a_whole_file),
        TEST(one_page_costs_only_what_was_on_it),
        TEST(a_truncated_file_gives_what_is_left),
        TEST(what_does_not_pass_the_gate_is_lost),
        TEST(the_log_is_read),
        TEST(random_damage_does_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
