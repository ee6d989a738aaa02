/* What happens to a file in use: writers killed at any moment, a disk that is full, a file that is
 * taken away. Committed records are never lost and never doubled, and whoever cannot go on says
 * why.
 *
 * $DLTUNE_CRASH_SECONDS and $DLTUNE_CRASH_ROUNDS make the first longer
 * (tools/crash-database.sh). */
#include "support.h"

#include "base/random.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

enum {
    WRITERS = 8
};

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static int64_t setting(const char *name, int64_t standard) {
    const char *text = getenv(name);
    return text ? atoll(text) : standard;
}

/* Adds records numbered from `first` on, and writes down each number once it is committed. */
static void write_until_killed(int64_t first, int diary) {
    struct database *database;
    if (database_open(in_folder("shared.db"), DATABASE_WRITE, &database, &error) != DLT_OK)
        _exit(1);
    for (int64_t number = first;; number++) {
        struct record record = sample(5);
        record.seed = number;
        if (database_add(database, &record, &error) != DLT_OK)
            _exit(2);
        if (write(diary, &number, sizeof number) != sizeof number)
            _exit(3);
    }
}

static pid_t start_writer(int64_t first, int diary) {
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        write_until_killed(first, diary);
    return child;
}

static void end_writer(pid_t child) {
    int status = 0;
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    if (!WIFSIGNALED(status))
        fail_msg("a writer ended by itself, with %d", WEXITSTATUS(status));
}

struct numbers {
    int64_t *all;
    size_t count;
};

static bool keep_number(void *context, const struct record *record) {
    struct numbers *numbers = context;
    numbers->all = realloc(numbers->all, (numbers->count + 1) * sizeof(int64_t));
    assert_non_null(numbers->all);
    numbers->all[numbers->count++] = record->seed;
    return true;
}

static int compare(const void *a, const void *b) {
    int64_t first = *(const int64_t *)a, second = *(const int64_t *)b;
    return (first > second) - (first < second);
}

static bool fail_with_problem(void *context, const char *problem) {
    (void)context;
    fail_msg("%s", problem);
    return false;
}

/* Every number in the diary is in the file, once; answers how many the diary has. */
static int64_t check_file(int diary) {
    struct database *database = open_for("shared.db", DATABASE_READ);
    struct numbers numbers = {0};
    int64_t number, written = 0;
    assert_int_equal(database_check(database, fail_with_problem, NULL, &error), DLT_OK);
    assert_int_equal(database_records(database, NULL, keep_number, &numbers, &error), DLT_OK);
    database_close(database);
    qsort(numbers.all, numbers.count, sizeof(int64_t), compare);
    for (size_t i = 1; i < numbers.count; i++)
        assert_true(numbers.all[i] != numbers.all[i - 1]);
    assert_int_equal(lseek(diary, 0, SEEK_SET), 0);
    for (; read(diary, &number, sizeof number) == sizeof number; written++)
        if (!bsearch(&number, numbers.all, numbers.count, sizeof number, compare))
            fail_msg("record %lld was committed and is lost", (long long)number);
    assert_true(written > 0);
    free(numbers.all);
    return written;
}

static void crash_for(double seconds, int64_t seed) {
    int diary = open(in_folder("diary"), O_RDWR | O_CREAT | O_APPEND, 0600);
    double end = now() + seconds;
    pid_t writers[WRITERS];
    struct random random;
    int64_t started = 0, kept;
    assert_true(diary >= 0);
    random_seed(&random, (uint64_t)seed);
    for (int i = 0; i < WRITERS; i++)
        writers[i] = start_writer(++started << 32, diary);
    while (now() < end) {
        int victim = (int)random_below(&random, WRITERS);
        usleep((useconds_t)random_below(&random, 40000));
        end_writer(writers[victim]);
        writers[victim] = start_writer(++started << 32, diary);
    }
    for (int i = 0; i < WRITERS; i++)
        end_writer(writers[i]);
    kept = check_file(diary);
    print_message("round %lld: %lld writers killed, %lld records committed, all there once\n",
                  (long long)seed, (long long)started, (long long)kept);
    close(diary);
}

static void killed_writers_lose_nothing(void **state) {
    double seconds = (double)setting("DLTUNE_CRASH_SECONDS", 2);
    int64_t rounds = setting("DLTUNE_CRASH_ROUNDS", 1);
    for (int64_t round = 1; round <= rounds; round++) {
        crash_for(seconds, round);
        assert_int_equal(remove_folder(state), 0);
        assert_int_equal(make_folder(state), 0);
    }
}

/* ---- a full disk ---- */

/* Adds records until that fails; answers how many were committed. */
static int fill(struct database *database) {
    char trace[2000];
    memset(trace, 'x', sizeof trace - 1);
    trace[sizeof trace - 1] = 0;
    for (int count = 0;; count++) {
        struct record record = sample(count + 1);
        record.trace = trace;
        if (database_add(database, &record, &error) != DLT_OK)
            return count;
        assert_true(count < 10000);
    }
}

static bool count_record(void *context, const struct record *record) {
    (void)record;
    ++*(int *)context;
    return true;
}

static int records_of(struct database *database) {
    int count = 0;
    if (database_records(database, NULL, count_record, &count, &error) != DLT_OK)
        fail_msg("%s", error.message);
    return count;
}

static void says_path(const char *path) {
    if (!strstr(error.message, path))
        fail_msg("'%s' is not in '%s'", path, error.message);
}

static void files_that_may_not_grow_are_told(void **state) {
    struct rlimit before, limit;
    struct database *database = open_for("full.db", DATABASE_WRITE);
    struct record record = sample(1);
    (void)state;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    limit = before;
    limit.rlim_cur = 600000;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    int count = fill(database);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_true(count > 5);
    says_path("full.db");
    assert_int_equal(records_of(database), count);
    add(database, &record); /* goes on as soon as there is room */
    assert_int_equal(records_of(database), count + 1);
    database_close(database);
}

static void a_full_disk_is_told(void **state) {
    char disk[300];
    struct database *database;
    (void)state;
    snprintf(disk, sizeof disk, "%s/disk", folder);
    assert_int_equal(mkdir(disk, 0777), 0);
    if (mount("tmpfs", disk, "tmpfs", 0, "size=400k") != 0) {
        print_message("a small disk cannot be made here: %s\n", strerror(errno));
        skip();
    }
    database = open_for("disk/full.db", DATABASE_WRITE);
    int count = fill(database);
    bool told = strstr(error.message, "the disk is full") || strstr(error.message, "cannot be");
    int found = records_of(database);
    database_close(database);
    assert_int_equal(umount2(disk, MNT_DETACH), 0);
    if (!told)
        fail_msg("%s", error.message);
    assert_int_equal(found, count);
}

/* ---- a file that is taken away ---- */

static void a_removed_file_is_told(void **state) {
    struct database *database = open_for("gone.db", DATABASE_WRITE);
    struct record record = sample(1);
    (void)state;
    add(database, &record);
    assert_int_equal(remove(in_folder("gone.db")), 0);
    assert_int_equal(database_add(database, &record, &error), DLT_ERROR_DATABASE);
    assert_non_null(strstr(error.message, "was removed or replaced while it was in use"));
    says_path("gone.db");
    database_close(database);
}

static void a_replaced_file_is_told_and_left_alone(void **state) {
    struct database *database = open_for("old.db", DATABASE_WRITE), *other;
    struct record record = sample(1);
    (void)state;
    add(database, &record);
    other = open_for("new.db", DATABASE_WRITE);
    add(other, &record);
    add(other, &record);
    database_close(other);
    assert_int_equal(rename(in_folder("new.db"), in_folder("old.db")), 0);
    assert_int_equal(database_add(database, &record, &error), DLT_ERROR_DATABASE);
    assert_non_null(strstr(error.message, "was removed or replaced"));
    database_close(database);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(killed_writers_lose_nothing),
        TEST(files_that_may_not_grow_are_told),
        TEST(a_full_disk_is_told),
        TEST(a_removed_file_is_told),
        TEST(a_replaced_file_is_told_and_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
