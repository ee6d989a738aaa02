/* Recovering the records of a damaged file into a new one.
 *
 * First the names (tasks, hosts, generators), then every row on any page that looks like a record.
 * Which tables the names' pages belong to is told by the schema's rows; should those be gone, by
 * the places where our scripts put the tables in a fresh file. Each name stands twice in a file, in
 * its table and in the table's index, and either will do. Pages that were given up by the file but
 * not yet overwritten are read too: a removed record may come back, and a record that was moved is
 * found twice, which its identity tells. */
#include "db/pages.h"
#include "db/private.h"

#include "base/text.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum name_table {
    TABLE_TASK,
    TABLE_HOST,
    TABLE_GENERATOR,
    TABLE_COUNT,
};

enum {
    MAX_SPELLINGS = 4 /* of a name in a damaged file */
};

struct name {
    int64_t id;
    char *text;
};

struct names {
    struct name *all;
    size_t count, capacity;
};

struct salvage {
    struct pages pages;
    struct names names[TABLE_COUNT];
    uint32_t roots[TABLE_COUNT], index_roots[TABLE_COUNT];
    struct database *database;
    struct gate gate;
    problem_visitor *problem;
    void *context;
    struct transfer *transfer;
};

/* ---- texts ---- */

static char *column_string(const struct column *column) {
    if (column->kind != COLUMN_TEXT || !text_is_plain(column->data, column->bytes))
        return NULL;
    return strndup((const char *)column->data, column->bytes);
}

static bool column_is(const struct column *column, const char *text) {
    return column->kind == COLUMN_TEXT && column->bytes == strlen(text) &&
           memcmp(column->data, text, column->bytes) == 0;
}

/* ---- visiting rows ---- */

typedef dlt_status row_visitor(struct salvage *salvage, uint32_t page, const struct row *row,
                               struct error *error);

static dlt_status visit_page(struct salvage *salvage, uint32_t page, row_visitor *visitor,
                             struct error *error) {
    int count = page_cell_count(&salvage->pages, page);
    dlt_status status = DLT_OK;
    for (int cell = 0; cell < count && status == DLT_OK; cell++) {
        struct row row;
        if (!page_row(&salvage->pages, page, cell, &row))
            continue;
        status = visitor(salvage, page, &row, error);
        row_free(&row);
    }
    return status;
}

static dlt_status visit_leaves(struct salvage *salvage, row_visitor *visitor, struct error *error) {
    for (uint32_t page = 1; page <= salvage->pages.count; page++)
        if (page_kind(&salvage->pages, page) == PAGE_TABLE_LEAF)
            TRY(visit_page(salvage, page, visitor, error));
    return DLT_OK;
}

/* The leaves below a page; `depth` bounds what a damaged tree may lead into. */
static dlt_status visit_tree(struct salvage *salvage, uint32_t page, int depth,
                             row_visitor *visitor, struct error *error) {
    enum page_kind kind = page_kind(&salvage->pages, page);
    if (kind == PAGE_TABLE_LEAF || kind == PAGE_INDEX_LEAF)
        return visit_page(salvage, page, visitor, error);
    if (kind == PAGE_OTHER || depth == 0)
        return DLT_OK;
    for (int cell = 0; cell <= page_cell_count(&salvage->pages, page); cell++)
        TRY(visit_tree(salvage, page_child(&salvage->pages, page, cell), depth - 1, visitor,
                       error));
    return DLT_OK;
}

/* ---- names ---- */

static const struct {
    const char *table, *index;
    uint32_t root, index_root; /* in a fresh file */
} tables[TABLE_COUNT] = {
    [TABLE_TASK] = {"task", "sqlite_autoindex_task_1", 2, 3},
    [TABLE_HOST] = {"host", "sqlite_autoindex_host_1", 4, 5},
    [TABLE_GENERATOR] = {"generator", "sqlite_autoindex_generator_1", 6, 7},
};

/* A row of the schema: type, name, table's name, root page, SQL. */
static dlt_status read_schema_row(struct salvage *salvage, uint32_t page, const struct row *row,
                                  struct error *error) {
    (void)page;
    (void)error;
    if (row->column_count != 5 || row->columns[3].kind != COLUMN_INTEGER)
        return DLT_OK;
    for (int i = 0; i < TABLE_COUNT; i++) {
        if (column_is(&row->columns[1], tables[i].table))
            salvage->roots[i] = (uint32_t)row->columns[3].integer;
        if (column_is(&row->columns[1], tables[i].index))
            salvage->index_roots[i] = (uint32_t)row->columns[3].integer;
    }
    return DLT_OK;
}

static dlt_status add_name(struct names *names, int64_t id, const struct column *column,
                           struct error *error) {
    char *text = column_string(column);
    if (!text)
        return DLT_OK;
    if (names->count == names->capacity) {
        size_t capacity = names->capacity ? 2 * names->capacity : 64;
        struct name *larger = realloc(names->all, capacity * sizeof *larger);
        if (!larger) {
            free(text);
            return error_set(error, DLT_ERROR_MEMORY, "out of memory");
        }
        names->all = larger;
        names->capacity = capacity;
    }
    names->all[names->count++] = (struct name){id, text};
    return DLT_OK;
}

/* Tables of names have rows (id, name), indices (name, id). */
static dlt_status read_name(struct names *names, const struct row *row, struct error *error) {
    if (row->column_count != 2)
        return DLT_OK;
    if (row->columns[0].kind == COLUMN_NULL)
        return add_name(names, row->id, &row->columns[1], error);
    if (row->columns[1].kind == COLUMN_INTEGER)
        return add_name(names, row->columns[1].integer, &row->columns[0], error);
    return DLT_OK;
}

static dlt_status read_task(struct salvage *salvage, uint32_t page, const struct row *row,
                            struct error *error) {
    (void)page;
    return read_name(&salvage->names[TABLE_TASK], row, error);
}

static dlt_status read_host(struct salvage *salvage, uint32_t page, const struct row *row,
                            struct error *error) {
    (void)page;
    return read_name(&salvage->names[TABLE_HOST], row, error);
}

static dlt_status read_generator(struct salvage *salvage, uint32_t page, const struct row *row,
                                 struct error *error) {
    (void)page;
    return read_name(&salvage->names[TABLE_GENERATOR], row, error);
}

/* A task whose page nothing leads to any more is known by its words. */
static dlt_status read_lost_task(struct salvage *salvage, uint32_t page, const struct row *row,
                                 struct error *error) {
    char *text;
    bool is_task;
    (void)page;
    if (row->column_count != 2 || row->columns[0].kind != COLUMN_NULL)
        return DLT_OK;
    text = column_string(&row->columns[1]);
    is_task = text && strstr(text, " target=");
    free(text);
    return is_task ? add_name(&salvage->names[TABLE_TASK], row->id, &row->columns[1], error)
                   : DLT_OK;
}

/* Names of one number keep the order in which they were read, so that the table comes first. */
static int compare_names(const void *a, const void *b) {
    const struct name *first = a, *second = b;
    return (first->id > second->id) - (first->id < second->id);
}

static dlt_status read_names(struct salvage *salvage, struct error *error) {
    enum {
        MAX_DEPTH = 8
    };
    row_visitor *const readers[TABLE_COUNT] = {read_task, read_host, read_generator};
    for (int i = 0; i < TABLE_COUNT; i++) {
        salvage->roots[i] = tables[i].root;
        salvage->index_roots[i] = tables[i].index_root;
    }
    TRY(visit_leaves(salvage, read_schema_row, error));
    for (int i = 0; i < TABLE_COUNT; i++) {
        TRY(visit_tree(salvage, salvage->roots[i], MAX_DEPTH, readers[i], error));
        TRY(visit_tree(salvage, salvage->index_roots[i], MAX_DEPTH, readers[i], error));
    }
    TRY(visit_leaves(salvage, read_lost_task, error));
    for (int i = 0; i < TABLE_COUNT; i++)
        if (salvage->names[i].count)
            qsort(salvage->names[i].all, salvage->names[i].count, sizeof(struct name),
                  compare_names);
    return DLT_OK;
}

/* The names of a number: as its table has it and as the table's index has it. */
static size_t find_names(const struct names *names, int64_t id, const char *found[MAX_SPELLINGS]) {
    size_t low = 0, high = names->count, count = 0;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (names->all[middle].id < id)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < names->count && names->all[low].id == id && count < MAX_SPELLINGS; low++)
        if (!count || strcmp(found[count - 1], names->all[low].text) != 0)
            found[count++] = names->all[low].text;
    return count;
}

/* ---- records ---- */

/* The columns of the table, in its order; what each has to be. */
enum record_column {
    RECORD_ID,
    RECORD_IDENTITY,
    RECORD_TASK,
    RECORD_HOST,
    RECORD_GENERATOR,
    RECORD_TRACE,
    RECORD_KNOBS,
    RECORD_OUTCOME,
    RECORD_MESSAGE,
    RECORD_CLOCK,
    RECORD_LAYOUTS,
    RECORD_MEDIAN,
    RECORD_MINIMUM,
    RECORD_SPREAD,
    RECORD_MAX_ERROR,
    RECORD_PEAK,
    RECORD_VERIFIED,
    RECORD_FINALIST,
    RECORD_SEED,
    RECORD_CREATED,
    RECORD_CHECKSUM, /* not in older versions, */
    RECORD_IMPORTED, /* nor this */
    RECORD_COLUMN_COUNT,
};

static bool looks_like_record(const struct row *row) {
    return row->column_count >= RECORD_CHECKSUM && row->column_count <= RECORD_COLUMN_COUNT &&
           row->columns[RECORD_ID].kind == COLUMN_NULL &&
           row->columns[RECORD_IDENTITY].kind == COLUMN_BLOB &&
           row->columns[RECORD_IDENTITY].bytes == IDENTITY_BYTES;
}

static bool read_numbers(const struct row *row, struct record *record) {
    const struct column *columns = row->columns;
    double *const reals[] = {&record->median_us, &record->minimum_us, &record->spread,
                             &record->max_error, &record->peak_gflops};
    for (int i = 0; i < 5; i++) {
        const struct column *column = &columns[RECORD_MEDIAN + i];
        if (column->kind != COLUMN_REAL && column->kind != COLUMN_INTEGER)
            return false;
        *reals[i] = column->kind == COLUMN_REAL ? column->real : (double)column->integer;
    }
    for (int i = RECORD_VERIFIED; i <= RECORD_CREATED; i++)
        if (columns[i].kind != COLUMN_INTEGER)
            return false;
    record->verified = columns[RECORD_VERIFIED].integer == 1;
    record->finalist = columns[RECORD_FINALIST].integer == 1;
    record->seed = columns[RECORD_SEED].integer;
    record->created = columns[RECORD_CREATED].integer;
    record->imported =
        row->column_count > RECORD_IMPORTED &&
        (columns[RECORD_IMPORTED].kind != COLUMN_INTEGER || columns[RECORD_IMPORTED].integer != 0);
    return true;
}

/* Gives the record the names that its checksum was made from; without one, the first of each. */
static bool read_names_of(const struct salvage *salvage, const struct row *row,
                          struct record *record) {
    const char *found[TABLE_COUNT][MAX_SPELLINGS];
    size_t count[TABLE_COUNT], all = 1;
    bool has_checksum =
        row->column_count > RECORD_CHECKSUM && row->columns[RECORD_CHECKSUM].kind == COLUMN_INTEGER;
    for (int i = 0; i < TABLE_COUNT; i++) {
        count[i] = find_names(&salvage->names[i], row->columns[RECORD_TASK + i].integer, found[i]);
        all *= count[i];
    }
    for (size_t i = 0; i < all; i++) {
        record->task = found[TABLE_TASK][i % count[TABLE_TASK]];
        record->host = found[TABLE_HOST][i / count[TABLE_TASK] % count[TABLE_HOST]];
        record->generator = found[TABLE_GENERATOR][i / count[TABLE_TASK] / count[TABLE_HOST]];
        if (!has_checksum || row->columns[RECORD_CHECKSUM].integer == record_checksum(record))
            return true;
    }
    return false;
}

/* Fills a record with strings of its own, but for names; whatever was filled is to be released. */
static bool read_record(const struct salvage *salvage, const struct row *row,
                        struct record *record) {
    const struct column *columns = row->columns;
    memcpy(record->identity, columns[RECORD_IDENTITY].data, IDENTITY_BYTES);
    record->id = row->id;
    record->trace = column_string(&columns[RECORD_TRACE]);
    record->knobs = column_string(&columns[RECORD_KNOBS]);
    record->outcome = column_string(&columns[RECORD_OUTCOME]);
    record->message = column_string(&columns[RECORD_MESSAGE]);
    record->clock = column_string(&columns[RECORD_CLOCK]);
    record->layouts = column_string(&columns[RECORD_LAYOUTS]);
    return record->trace && record->knobs && record->outcome && record->clock && record->layouts &&
           (record->message || columns[RECORD_MESSAGE].kind == COLUMN_NULL) &&
           read_numbers(row, record) && read_names_of(salvage, row, record);
}

static void release(struct record *record) {
    free((char *)record->trace);
    free((char *)record->knobs);
    free((char *)record->outcome);
    free((char *)record->message);
    free((char *)record->clock);
    free((char *)record->layouts);
}

/* Whether a row that could be read passes the gate; why it does not is told. */
static bool passes(struct salvage *salvage, const struct record *record) {
    struct error problem = {.status = DLT_OK};
    char words[400];
    if (gate_check_record(&salvage->gate, record, &problem) == DLT_OK)
        return true;
    snprintf(words, sizeof words, "record %lld of `%.100s`: %.250s", (long long)record->id,
             record->task, problem.message);
    if (salvage->problem)
        salvage->problem(salvage->context, words);
    return false;
}

static dlt_status salvage_row(struct salvage *salvage, uint32_t page, const struct row *row,
                              struct error *error) {
    struct record record = {0};
    dlt_status status = DLT_OK;
    bool whole;
    (void)page;
    if (!looks_like_record(row))
        return DLT_OK;
    salvage->transfer->read++;
    whole = read_record(salvage, row, &record);
    if (whole) /* its checksum was of the older form */
        record.task = database_renew_key(salvage->database, record.task);
    if (whole && passes(salvage, &record))
        status = database_put(salvage->database, &record, salvage->transfer, error);
    else
        salvage->transfer->lost++;
    release(&record);
    return status;
}

static dlt_status salvage_rows(struct database *database, void *context, struct error *error) {
    struct salvage *salvage = context;
    salvage->database = database;
    return visit_leaves(salvage, salvage_row, error);
}

/* ---- files ---- */

static bool copy_file(const char *from, const char *to) {
    FILE *in = fopen(from, "rb"), *out = in ? fopen(to, "wb") : NULL;
    char bytes[1 << 14];
    size_t count;
    bool good = out;
    while (good && (count = fread(bytes, 1, sizeof bytes, in)) > 0)
        good = fwrite(bytes, 1, count, out) == count;
    if (in)
        fclose(in);
    if (out)
        good = fclose(out) == 0 && good;
    return good;
}

/* Records that are still in the log come into a copy of the file, as far as SQLite can read it. */
static dlt_status read_with_log(const char *path, const char *copy, struct pages *pages,
                                struct error *error) {
    char *log = sqlite3_mprintf("%s-wal", path), *log_copy = sqlite3_mprintf("%s-wal", copy);
    char *shared = sqlite3_mprintf("%s-shm", copy);
    sqlite3 *connection = NULL;
    dlt_status status;
    if (!log || !log_copy || !shared)
        status = error_set(error, DLT_ERROR_MEMORY, "out of memory");
    else if (!copy_file(path, copy) || !copy_file(log, log_copy))
        status = error_set(error, DLT_ERROR_DATABASE, "%s: cannot be copied to %s: %s", path, copy,
                           strerror(errno));
    else {
        if (sqlite3_open(copy, &connection) == SQLITE_OK)
            sqlite3_exec(connection, "PRAGMA wal_checkpoint(TRUNCATE)", NULL, NULL, NULL);
        sqlite3_close(connection);
        status = pages_read(copy, pages, error);
    }
    unlink(copy);
    if (log_copy)
        unlink(log_copy);
    if (shared)
        unlink(shared);
    sqlite3_free(log);
    sqlite3_free(log_copy);
    sqlite3_free(shared);
    return status;
}

static dlt_status read_file(const char *path, const char *new_path, struct pages *pages,
                            struct error *error) {
    char *copy;
    dlt_status status;
    if (!database_has_log(path))
        return pages_read(path, pages, error);
    copy = sqlite3_mprintf("%s.copy", new_path);
    status = copy ? read_with_log(path, copy, pages, error)
                  : error_set(error, DLT_ERROR_MEMORY, "out of memory");
    sqlite3_free(copy);
    return status;
}

static uint32_t big_endian(const unsigned char *bytes) {
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

/* Whose file it is and of which version, if its header is there: what others wrote in rows like
 * ours, or a newer dltune in rows that mean more, is not for us to repair. */
static dlt_status check_header(const char *path, const struct pages *pages, struct error *error) {
    enum {
        HEADER_BYTES = 100,
        VERSION_AT = 60,
        APPLICATION_AT = 68
    };
    const unsigned char *bytes = pages->bytes;
    int32_t application, version;
    if (pages->size < HEADER_BYTES || memcmp(bytes, "SQLite format 3", 16) != 0)
        return DLT_OK;
    application = (int32_t)big_endian(bytes + APPLICATION_AT);
    version = (int32_t)big_endian(bytes + VERSION_AT);
    if (application != DATABASE_APPLICATION_ID)
        return error_set(error, DLT_ERROR_DATABASE,
                         "%s: an SQLite database, but not one of dltune (application_id %d); it "
                         "cannot be repaired",
                         path, (int)application);
    if (version > NEWEST_VERSION)
        return error_set(error, DLT_ERROR_DATABASE,
                         "%s: schema version %d was written by a newer dltune; this one repairs "
                         "versions up to %d",
                         path, (int)version, NEWEST_VERSION);
    return DLT_OK;
}

static dlt_status salvage_into(struct salvage *salvage, const char *new_path, struct error *error) {
    struct database *database;
    dlt_status status;
    TRY(read_names(salvage, error));
    TRY(database_open(new_path, DATABASE_WRITE, &database, error));
    status = database_transact(database, salvage_rows, salvage, error);
    database_close(database);
    return status;
}

/* An empty new file would look like a success. */
static void remove_database(const char *path) {
    static const char *const suffixes[] = {"", "-wal", "-shm"};
    struct text name = {0};
    for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++) {
        text_clear(&name);
        text_format(&name, "%s%s", path, suffixes[i]);
        unlink(text_string(&name));
    }
    text_free(&name);
}

dlt_status database_salvage(const char *path, const char *new_path, problem_visitor *problem,
                            void *context, struct transfer *transfer, struct error *error) {
    struct salvage salvage = {.problem = problem, .context = context, .transfer = transfer};
    struct stat status_of_new;
    dlt_status status;
    *transfer = (struct transfer){0};
    if (stat(new_path, &status_of_new) == 0)
        return error_set(error, DLT_ERROR_DATABASE, "%s: is there already", new_path);
    status = read_file(path, new_path, &salvage.pages, error);
    if (status == DLT_OK)
        status = check_header(path, &salvage.pages, error);
    if (status == DLT_OK)
        status = salvage_into(&salvage, new_path, error);
    if (status == DLT_OK && transfer->added == 0) {
        remove_database(new_path);
        status =
            error_set(error, DLT_ERROR_DATABASE, "%s: no record could be recovered from it", path);
    }
    for (int i = 0; i < TABLE_COUNT; i++) {
        for (size_t j = 0; j < salvage.names[i].count; j++)
            free(salvage.names[i].all[j].text);
        free(salvage.names[i].all);
    }
    gate_free(&salvage.gate);
    pages_free(&salvage.pages);
    return status;
}
