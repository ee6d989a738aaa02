/* Damaged databases: reading and writing answer or say why not, and what is recovered from one is a
 * whole database. The input is the file's bytes. */
#include "fuzz/fuzz.h"

#include "costmodel/model.h"
#include "db/db.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

static bool read_record(void *context, const struct record *record) {
    *(size_t *)context += strlen(record->task) + strlen(record->trace) + strlen(record->outcome);
    return true;
}

static bool read_task(void *context, const struct task_summary *summary) {
    *(size_t *)context += strlen(summary->task);
    return true;
}

static bool read_problem(void *context, const char *problem) {
    *(size_t *)context += strlen(problem);
    return true;
}

static bool read_model(void *context, const struct model *model) {
    struct cost_model *loaded;
    struct error error = {.status = DLT_OK};
    require(cost_model_load(model->bytes, model->byte_count, &loaded, &error) == DLT_OK ||
            error.message[0]);
    cost_model_free(loaded);
    *(size_t *)context += model->byte_count;
    return true;
}

static void read_all(const char *path) {
    struct error error = {.status = DLT_OK};
    struct database *database;
    struct record record;
    size_t sum = 0;
    bool exact;
    if (database_open(path, DATABASE_READ, &database, &error) != DLT_OK) {
        require(error.message[0]);
        return;
    }
    if (database_best(database, "matmul m=7 n=5 k=3 target=c threads=1", "here", "1", &record,
                      &exact, &error) == DLT_OK)
        record_free(&record);
    database_records(database, NULL, read_record, &sum, &error);
    database_tasks(database, read_task, &sum, &error);
    database_models(database, read_model, &sum, &error);
    database_check(database, read_problem, &sum, &error);
    database_close(database);
}

/* Writing into it changes the file, so this comes last. */
static void write_into(const char *path) {
    const struct record record = {.task = "matmul m=7 n=5 k=3 target=c threads=1",
                                  .host = "here",
                                  .generator = "1",
                                  .trace = "",
                                  .knobs = "",
                                  .outcome = "ok",
                                  .clock = "cpu",
                                  .layouts = "",
                                  .median_us = 5,
                                  .verified = true};
    struct error error = {.status = DLT_OK};
    struct database *database;
    int64_t removed;
    if (database_open(path, DATABASE_WRITE, &database, &error) != DLT_OK) {
        require(error.message[0]);
        return;
    }
    database_add(database, &record, &error);
    database_prune(database, 2, &removed, &error);
    database_close(database);
}

static void recover(const char *path, const char *new_path) {
    struct error error = {.status = DLT_OK};
    struct transfer transfer;
    struct database *database;
    size_t problems = 0;
    dlt_status status = database_salvage(path, new_path, NULL, NULL, &transfer, &error);
    require(status == (transfer.added ? DLT_OK : DLT_ERROR_DATABASE));
    if (status != DLT_OK) { /* nothing is left: there is no new file */
        require(error.message[0] && access(new_path, F_OK) != 0);
        return;
    }
    require(database_open(new_path, DATABASE_READ, &database, &error) == DLT_OK);
    require(database_check(database, read_problem, &problems, &error) == DLT_OK);
    require(problems == 0);
    database_close(database);
}

static void remove_file(const char *path) {
    static const char *const suffixes[] = {"", "-wal", "-shm", "-journal"};
    for (int i = 0; i < 4; i++) {
        char name[128];
        snprintf(name, sizeof name, "%s%s", path, suffixes[i]);
        unlink(name);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char path[64], new_path[64];
    int file;
    snprintf(path, sizeof path, "/dev/shm/dltune-fuzz-%d.db", (int)getpid());
    snprintf(new_path, sizeof new_path, "/dev/shm/dltune-fuzz-%d.new.db", (int)getpid());
    file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    require(file >= 0 && write(file, data, size) == (ssize_t)size && close(file) == 0);
    read_all(path);
    recover(path, new_path);
    write_into(path);
    remove_file(path);
    remove_file(new_path);
    return 0;
}
