/* What the files of db/ share: the handle, its prepared statements, and errors in our words. */
#ifndef DB_PRIVATE_H
#define DB_PRIVATE_H

#include "db/gate.h"

#include <sqlite3.h>
#include <sys/stat.h>

enum {
    DATABASE_APPLICATION_ID = 0x646c7431, /* "dlt1", in the file's header */
    DATABASE_BUSY_MILLISECONDS = 10000,
};

/* What a record says, by the names of its columns, with the three tables of names beside it. */
#define RECORD_VALUES                                                                              \
    "record.identity, task.key, host.name, generator.name, trace, knobs, outcome, message, "       \
    "clock, layouts, median_us, minimum_us, spread, max_error, peak_gflops, verified, finalist, "  \
    "seed, record.created"
enum {
    RECORD_VALUE_COUNT = 19,
    MODEL_VALUE_COUNT = 7,
    CHECKSUMS_SINCE_VERSION = 3, /* of the schema */
    QUALITY_SINCE_VERSION = 4,   /* of a run */
    KEYS_SINCE_VERSION = 5,      /* all in today's form */
    ORIGINS_SINCE_VERSION = 6,   /* which records were taken in; checksums of models */
    NEWEST_VERSION = 6,
};

/* The statements a handle keeps prepared; their SQL is the table in statements.c. */
enum statement {
    STATEMENT_BEGIN,
    STATEMENT_COMMIT,
    STATEMENT_ROLLBACK,
    STATEMENT_ADD_TASK,
    STATEMENT_ADD_HOST,
    STATEMENT_ADD_GENERATOR,
    STATEMENT_ADD_RECORD,
    STATEMENT_FIND_TASK,
    STATEMENT_FIND_HOST,
    STATEMENT_FIND_GENERATOR,
    STATEMENT_FIND_NEXT,
    STATEMENT_READ_RECORD,
    STATEMENT_VISIT_TASK,
    STATEMENT_VISIT_ALL,
    STATEMENT_TASKS,
    STATEMENT_KEYS,
    STATEMENT_PUT_MODEL,
    STATEMENT_FIND_MODEL,
    STATEMENT_VISIT_MODELS,
    STATEMENT_ADD_RUN,
    STATEMENT_VISIT_RUNS,
    STATEMENT_PRUNE,
    STATEMENT_PRUNE_TASKS,
    STATEMENT_PRUNE_HOSTS,
    STATEMENT_PRUNE_GENERATORS,
    STATEMENT_VACUUM,
    STATEMENT_COUNT,
};

/* The last key that was brought to today's form, as it was and as it is. */
struct renewed_key {
    char *older, *key;
};

struct database {
    sqlite3 *connection;
    char *path;
    enum database_mode mode;
    int version;           /* of the schema, as the file has it */
    bool immutable;        /* reading a file that had no log when it was opened; see reading.c */
    struct stat signature; /* of the file then */
    struct gate gate;
    char left_out[256]; /* the first that did not pass the gate; "": none */
    sqlite3_stmt *statements[STATEMENT_COUNT];
    struct renewed_key renewed;
};

/* database.c */
dlt_status database_connect(struct database *database, struct error *error);
void database_disconnect(struct database *database);

/* migrations.c: brings the schema up to date, or says that it cannot be read. */
dlt_status database_migrate(struct database *database, struct error *error);

/* reading.c: a read of an immutable file is valid only if nobody wrote meanwhile. */
bool database_has_log(const char *path);
bool database_changed(const struct database *database);
dlt_status database_refresh(struct database *database, struct error *error);

/* statements.c */
dlt_status database_statement(struct database *database, enum statement which,
                              sqlite3_stmt **statement, struct error *error);
/* Runs a statement that answers no rows, and resets it. */
dlt_status database_step(struct database *database, sqlite3_stmt *statement, struct error *error);
/* Runs one of the statements that take no values. */
dlt_status database_run(struct database *database, enum statement which, struct error *error);
/* Makes a name known to one of the tables of names (STATEMENT_ADD_TASK and so on). */
dlt_status database_add_name(struct database *database, enum statement which, const char *name,
                             struct error *error);
/* Random bytes: what tells a record from its equals wherever it is copied. */
dlt_status database_new_identity(unsigned char identity[IDENTITY_BYTES], struct error *error);
bool identity_is_new(const unsigned char identity[IDENTITY_BYTES]);
void database_identity(sqlite3_stmt *statement, int column, unsigned char *identity);
/* Never NULL: in a damaged file a column may be, whatever the schema says. */
const char *database_text(sqlite3_stmt *statement, int column);
/* The message of a result code of SQLite, with the path and what it means for the user. */
dlt_status database_fail(const struct database *database, int code, struct error *error);

/* How much of a record has to be right before it counts. */
enum trust {
    TRUST_INDEX,  /* what the index says; whoever takes the best looks at it */
    TRUST_VALUES, /* its values pass the gate */
    TRUST_WHOLE,  /* its task and schedule too */
};

/* rows.c. The record of a number, with strings of its own. DLT_ERROR_ARGUMENT: it is not to be
 * trusted so far; that is noted. Any other failure is the file's or the system's. */
dlt_status database_read(struct database *database, int64_t id, enum trust trust,
                         struct record *record, struct error *problem);
/* A text that ends where SQLite says that it does; else NULL. */
const char *database_whole_text(sqlite3_stmt *statement, int column);
/* What was visited in a file that changed meanwhile may be a mixture of old and new. */
dlt_status database_end_visit(struct database *database, int code, struct error *error);
/* Every row, the caller's to judge. `problem` is NULL, or why the row was not read: then
 * nothing but its number may be there. */
typedef bool record_row_visitor(void *context, const struct record *record,
                                const struct error *problem);
dlt_status database_rows(struct database *database, const char *task, record_row_visitor *visitor,
                         void *context, struct error *error);
/* Keeps the first for database_left_out. */
void database_leave_out(struct database *database, const char *what, int64_t id,
                        const struct error *problem);

/* models.c: every model, with what is wrong with it. */
typedef bool model_row_visitor(void *context, int64_t id, const struct model *model,
                               const struct error *problem);
dlt_status database_model_rows(struct database *database, model_row_visitor *visitor, void *context,
                               struct error *error);

/* checksum.c */
int64_t record_checksum(const struct record *record);
int64_t model_checksum(const struct model *model);
double database_number(double number);           /* as the file keeps it */
int database_add_functions(sqlite3 *connection); /* answers SQLite's code */

/* keys.c: the key in today's form, the same text if it has it; valid until the next call. */
const char *database_renew_key(struct database *database, const char *key);
void database_forget_key(struct database *database);
int database_add_key_function(sqlite3 *connection); /* answers SQLite's code */

/* records.c: inside a transaction. Counts it if it was not there yet. */
dlt_status database_put(struct database *database, const struct record *record,
                        struct transfer *transfer, struct error *error);
dlt_status database_put_run(struct database *database, const struct run *run, struct error *error);
dlt_status database_put_model_now(struct database *database, const struct model *model,
                                  struct error *error);

#endif
