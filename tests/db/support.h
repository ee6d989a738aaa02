/* What the database's tests share: a folder of their own, and records to put in. */
#ifndef TESTS_DB_SUPPORT_H
#define TESTS_DB_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "db/db.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TASK "matmul m=7 n=5 k=3 target=c threads=1"

/* SQL that takes back what version 5 of the schema brought. */
#define DROP_ORIGINS                                                                               \
    "DROP INDEX record_best; ALTER TABLE record DROP COLUMN imported;"                             \
    "ALTER TABLE model DROP COLUMN checksum;"                                                      \
    "CREATE INDEX record_best ON record(task_id, host_id, generator_id, finalist, median_us)"      \
    "  WHERE outcome = 'ok' AND verified = 1;"

/* And version 4. */
#define DROP_QUALITY                                                                               \
    DROP_ORIGINS                                                                                   \
    "ALTER TABLE run DROP COLUMN judged; ALTER TABLE run DROP COLUMN analytic_pairwise;"           \
    "ALTER TABLE run DROP COLUMN analytic_peak1; ALTER TABLE run DROP COLUMN analytic_peak5;"      \
    "ALTER TABLE run DROP COLUMN model_pairwise; ALTER TABLE run DROP COLUMN model_peak1;"         \
    "ALTER TABLE run DROP COLUMN model_peak5;"

static char folder[256];
static struct error error;

static inline int make_folder(void **state) {
    (void)state;
    snprintf(folder, sizeof folder, "%s/dltune-db-XXXXXX", getenv("TMPDIR") ?: "/tmp");
    return mkdtemp(folder) ? chmod(folder, 0777) : -1;
}

static inline int remove_folder(void **state) {
    char command[600];
    (void)state;
    snprintf(command, sizeof command, "chmod -R u+w '%s' && rm -rf '%s'", folder, folder);
    return system(command);
}

/* A path in the folder; a few may be alive at once. */
static inline const char *in_folder(const char *name) {
    static char paths[4][512];
    static int next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

static inline int files_in_folder(void) {
    DIR *directory = opendir(folder);
    int count = 0;
    while (readdir(directory))
        count++;
    closedir(directory);
    return count - 2;
}

static inline struct record sample(double median_us) {
    return (struct record){
        .task = TASK,
        .host = "here",
        .generator = "1",
        .trace = "split output m 4 guard\n",
        .knobs = "tile.x=8 order=xy",
        .outcome = "ok",
        .clock = "cpu",
        .layouts = "a=m k b=k n c=m n",
        .median_us = median_us,
        .minimum_us = median_us / 2,
        .spread = 0.01,
        .max_error = 0.25,
        .peak_gflops = 100,
        .verified = true,
        .seed = 3,
        .created = 1700000000,
    };
}

static inline struct database *open_for(const char *name, enum database_mode mode) {
    struct database *database;
    if (database_open(in_folder(name), mode, &database, &error) != DLT_OK)
        fail_msg("%s", error.message);
    return database;
}

static inline void add(struct database *database, const struct record *record) {
    if (database_add(database, record, &error) != DLT_OK)
        fail_msg("%s", error.message);
}

#endif
