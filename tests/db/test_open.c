/* Opening: what is created, what is refused, with which words, and that refusing changes
 * nothing. */
#include "support.h"

#include "base/random.h"

#include <errno.h>
#include <pwd.h>
#include <sqlite3.h>
#include <sys/wait.h>

static void refused(const char *path, enum database_mode mode, const char *words) {
    struct database *database = (void *)1;
    assert_int_equal(database_open(path, mode, &database, &error), DLT_ERROR_DATABASE);
    assert_null(database);
    if (!strstr(error.message, words))
        fail_msg("'%s' is not in '%s'", words, error.message);
    if (!strstr(error.message, path))
        fail_msg("the path is not in '%s'", error.message);
}

static void write_file(const char *name, const void *bytes, size_t count) {
    FILE *file = fopen(in_folder(name), "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, count, file), count);
    fclose(file);
}

static size_t read_file(const char *name, unsigned char *bytes, size_t capacity) {
    FILE *file = fopen(in_folder(name), "rb");
    assert_non_null(file);
    size_t count = fread(bytes, 1, capacity, file);
    fclose(file);
    return count;
}

static void sql(const char *name, const char *statements) {
    sqlite3 *connection;
    assert_int_equal(sqlite3_open(in_folder(name), &connection), SQLITE_OK);
    assert_int_equal(sqlite3_exec(connection, statements, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(connection);
}

static void creates_file_and_folders(void **state) {
    (void)state;
    struct stat status;
    database_close(open_for("a/b/c.db", DATABASE_WRITE));
    assert_int_equal(stat(in_folder("a/b/c.db"), &status), 0);
    assert_int_equal(stat(in_folder("a/b/c.db-wal"), &status), -1);
    database_close(open_for("a/b/c.db", DATABASE_WRITE));
    database_close(open_for("a/b/c.db", DATABASE_READ));
}

static void takes_an_empty_file_when_writing(void **state) {
    (void)state;
    write_file("empty.db", "", 0);
    refused(in_folder("empty.db"), DATABASE_READ, "it is empty");
    database_close(open_for("empty.db", DATABASE_WRITE));
    database_close(open_for("empty.db", DATABASE_READ));
}

static void odd_names_are_names(void **state) {
    (void)state;
    struct stat status;
    const char *name = "what?mode=memory#100% é'\"";
    database_close(open_for(name, DATABASE_WRITE));
    assert_int_equal(stat(in_folder(name), &status), 0);
    database_close(open_for(name, DATABASE_READ));
}

static void refuses_what_is_missing(void **state) {
    (void)state;
    struct database *database;
    refused(in_folder("missing.db"), DATABASE_READ, "there is no such database");
    refused(in_folder("no/folder.db"), DATABASE_READ, "there is no such database");
    assert_int_equal(files_in_folder(), 0);
    assert_int_equal(database_open("", DATABASE_WRITE, &database, &error), DLT_ERROR_ARGUMENT);
    assert_string_equal(error.message, "database: the path is empty");
}

static void refuses_folders_and_devices(void **state) {
    (void)state;
    refused(folder, DATABASE_READ, "is a folder");
    refused(folder, DATABASE_WRITE, "is a folder");
    refused("/dev/null", DATABASE_WRITE, "no regular file");
    write_file("file", "x", 1);
    refused(in_folder("file/below.db"), DATABASE_WRITE, strerror(ENOTDIR));
}

static void refuses_other_files_unchanged(void **state) {
    static const char words[] = "Dear diary, today I tuned nothing at all.\n";
    unsigned char bytes[4096];
    (void)state;
    write_file("diary", words, sizeof words);
    refused(in_folder("diary"), DATABASE_READ, "not a database of dltune");
    refused(in_folder("diary"), DATABASE_WRITE, "not a database of dltune");
    assert_int_equal(read_file("diary", bytes, sizeof bytes), sizeof words);
    assert_memory_equal(bytes, words, sizeof words);
    assert_int_equal(files_in_folder(), 1);
}

static void refuses_databases_of_others(void **state) {
    (void)state;
    sql("other.db", "CREATE TABLE t(x)");
    refused(in_folder("other.db"), DATABASE_READ, "not one of dltune (application_id 0)");
    refused(in_folder("other.db"), DATABASE_WRITE, "not one of dltune");
    sql("other.db", "PRAGMA application_id = 7");
    refused(in_folder("other.db"), DATABASE_WRITE, "application_id 7");
    assert_int_equal(files_in_folder(), 1);
}

static void refuses_newer_versions_by_name(void **state) {
    (void)state;
    database_close(open_for("new.db", DATABASE_WRITE));
    sql("new.db", "PRAGMA user_version = 999");
    refused(in_folder("new.db"), DATABASE_READ, "schema version 999 was written by a newer dltune");
    refused(in_folder("new.db"), DATABASE_WRITE, "schema version 999");
    sql("new.db", "PRAGMA user_version = -1");
    refused(in_folder("new.db"), DATABASE_WRITE, "schema version -1 does not exist");
}

/* A file of ours from before the first script: the oldest there can be. */
static void migrates_older_versions_when_writing(void **state) {
    (void)state;
    sql("old.db", "PRAGMA application_id = 0x646c7431; VACUUM");
    refused(in_folder("old.db"), DATABASE_READ, "schema version 0 is older");
    struct database *database = open_for("old.db", DATABASE_WRITE);
    struct record record = sample(1);
    add(database, &record);
    database_close(database);
    database_close(open_for("old.db", DATABASE_READ));
}

static void says_damaged_when_truncated(void **state) {
    static unsigned char bytes[1 << 20];
    struct database *database = open_for("whole.db", DATABASE_WRITE);
    (void)state;
    for (int i = 0; i < 200; i++) {
        struct record record = sample(i + 1);
        add(database, &record);
    }
    database_close(database);
    size_t count = read_file("whole.db", bytes, sizeof bytes);
    assert_true(count > 8192 && count < sizeof bytes);
    write_file("part.db", bytes, count / 2);
    refused(in_folder("part.db"), DATABASE_READ, "damaged");
    refused(in_folder("part.db"), DATABASE_WRITE, "damaged");
    write_file("part.db", bytes, 60);
    refused(in_folder("part.db"), DATABASE_READ, "damaged");
    write_file("part.db", bytes, count - 1);
    refused(in_folder("part.db"), DATABASE_READ, "damaged");
}

static bool read_all(void *context, const struct record *record) {
    *(size_t *)context += strlen(record->task) + strlen(record->trace) + strlen(record->outcome);
    return true;
}

static bool read_summary(void *context, const struct task_summary *summary) {
    *(size_t *)context += strlen(summary->task);
    return true;
}

/* Whatever was overwritten: an answer or a message, never a crash, and the file stays as it is. */
static void damaged_files_do_no_harm(void **state) {
    static unsigned char whole[1 << 20], bytes[1 << 20], after[1 << 20];
    struct database *database = open_for("whole.db", DATABASE_WRITE);
    struct random random;
    (void)state;
    for (int i = 0; i < 100; i++) {
        struct record record = sample(i + 1);
        add(database, &record);
    }
    database_close(database);
    size_t count = read_file("whole.db", whole, sizeof whole), sum = 0;
    random_seed(&random, 7);
    for (int round = 0; round < 300; round++) {
        struct record record;
        bool exact;
        memcpy(bytes, whole, count);
        for (int i = 0; i < 1 << random_below(&random, 8); i++)
            bytes[random_below(&random, count)] = (unsigned char)random_next(&random);
        size_t kept = round % 3 ? count : random_below(&random, count);
        write_file("part.db", bytes, kept);
        error.message[0] = 0;
        if (database_open(in_folder("part.db"), DATABASE_READ, &database, &error) != DLT_OK) {
            assert_true(error.message[0] != 0);
            continue;
        }
        if (database_best(database, TASK, "here", "1", &record, &exact, &error) == DLT_OK)
            record_free(&record);
        database_records(database, NULL, read_all, &sum, &error);
        database_tasks(database, read_summary, &sum, &error);
        database_close(database);
        assert_int_equal(read_file("part.db", after, sizeof after), kept);
        assert_memory_equal(after, bytes, kept);
    }
    assert_true(sum > 0);
}

/* Runs a check as a user whom permissions bind. */
static void as_nobody(void (*check)(void)) {
    pid_t child = fork();
    int status = 0;
    if (child == 0) {
        if (geteuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0))
            _exit(9);
        check();
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void check_read_only(void) {
    struct database *database;
    struct record record;
    bool exact;
    if (database_open(in_folder("kept.db"), DATABASE_READ, &database, &error) != DLT_OK)
        _exit(1);
    if (database_best(database, TASK, "here", "1", &record, &exact, &error) != DLT_OK)
        _exit(2);
    if (record.median_us != 3 || !exact)
        _exit(3);
    record_free(&record);
    database_close(database);
    if (database_open(in_folder("kept.db"), DATABASE_WRITE, &database, &error) !=
            DLT_ERROR_DATABASE ||
        !strstr(error.message, "not writable"))
        _exit(4);
    if (database_open(in_folder("none.db"), DATABASE_WRITE, &database, &error) !=
            DLT_ERROR_DATABASE ||
        !strstr(error.message, "not writable"))
        _exit(5);
    if (database_open(in_folder("deep/none.db"), DATABASE_WRITE, &database, &error) !=
            DLT_ERROR_DATABASE ||
        !strstr(error.message, "cannot create this folder"))
        _exit(6);
}

static void reads_in_a_folder_that_is_not_writable(void **state) {
    struct database *database = open_for("kept.db", DATABASE_WRITE);
    struct record record = sample(3);
    (void)state;
    add(database, &record);
    database_close(database);
    assert_int_equal(chmod(in_folder("kept.db"), 0444), 0);
    assert_int_equal(chmod(folder, 0555), 0);
    as_nobody(check_read_only);
    assert_int_equal(chmod(folder, 0777), 0);
    assert_int_equal(files_in_folder(), 1);
}

static void reading_leaves_no_trace(void **state) {
    static unsigned char before[1 << 18], after[1 << 18];
    struct stat then, now;
    struct database *database = open_for("quiet.db", DATABASE_WRITE);
    struct record record = sample(3);
    bool exact;
    (void)state;
    add(database, &record);
    database_close(database);
    size_t count = read_file("quiet.db", before, sizeof before);
    assert_int_equal(stat(in_folder("quiet.db"), &then), 0);
    database = open_for("quiet.db", DATABASE_READ);
    assert_int_equal(database_best(database, TASK, "here", "1", &record, &exact, &error), DLT_OK);
    record_free(&record);
    assert_int_equal(files_in_folder(), 1);
    assert_int_equal(database_add(database, &(struct record){0}, &error), DLT_ERROR_DATABASE);
    assert_non_null(strstr(error.message, "was opened for reading"));
    database_close(database);
    assert_int_equal(files_in_folder(), 1);
    assert_int_equal(read_file("quiet.db", after, sizeof after), count);
    assert_memory_equal(before, after, count);
    assert_int_equal(stat(in_folder("quiet.db"), &now), 0);
    assert_int_equal(now.st_mtim.tv_nsec, then.st_mtim.tv_nsec);
}

static void default_is(const char *wanted) {
    char path[512];
    struct error error = {.status = DLT_OK};
    if (database_default_path(path, sizeof path, &error) != DLT_OK)
        fail_msg("%s", error.message);
    assert_string_equal(path, wanted);
}

static void default_path_follows_the_environment(void **state) {
    char small[8], own[512];
    struct error error;
    const struct passwd *user = getpwuid(getuid());
    (void)state;
    setenv("DLTUNE_DB", "/x/y.db", 1);
    default_is("/x/y.db");
    setenv("DLTUNE_DB", "", 1);
    setenv("XDG_DATA_HOME", "/data", 1);
    default_is("/data/dltune/tune.db");
    setenv("XDG_DATA_HOME", "relative", 1); /* the standard says to ignore it */
    setenv("HOME", "/home/me", 1);
    default_is("/home/me/.local/share/dltune/tune.db");
    assert_int_equal(database_default_path(small, sizeof small, &error), DLT_ERROR_ARGUMENT);
    assert_non_null(strstr(error.message, "more than 7 bytes"));
    unsetenv("HOME"); /* then the password file tells, never the current folder */
    if (!user || user->pw_dir[0] != '/') {
        assert_int_equal(database_default_path(own, sizeof own, &error), DLT_ERROR_ARGUMENT);
        assert_non_null(strstr(error.message, "--db"));
        return;
    }
    snprintf(own, sizeof own, "%s/.local/share/dltune/tune.db", user->pw_dir);
    default_is(own);
    setenv("HOME", "", 1);
    default_is(own);
    setenv("HOME", "here", 1);
    default_is(own);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(creates_file_and_folders),
        TEST(takes_an_empty_file_when_writing),
        TEST(odd_names_are_names),
        TEST(refuses_what_is_missing),
        TEST(refuses_folders_and_devices),
        TEST(refuses_other_files_unchanged),
        TEST(refuses_databases_of_others),
        TEST(refuses_newer_versions_by_name),
        TEST(migrates_older_versions_when_writing),
        TEST(says_damaged_when_truncated),
        TEST(damaged_files_do_no_harm),
        TEST(reads_in_a_folder_that_is_not_writable),
        TEST(reading_leaves_no_trace),
        TEST(default_path_follows_the_environment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
