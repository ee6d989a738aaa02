/* The database: every record of every task, in one SQLite file that many processes share.
 *
 * WAL mode, a busy timeout, short transactions. `PRAGMA application_id` says the file is one of
 * ours, `user_version` which schema; older schemas migrate when opened for writing, newer ones are
 * refused by name. docs/database.md has the schema. A handle belongs to one thread at a time. */
#ifndef DB_DB_H
#define DB_DB_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Version of the code generator, as new records name it: to be raised when the code made from a
 * trace changes, since times and verdicts of older records then are those of other code. */
#define DATABASE_GENERATOR "3"

struct database;

enum database_mode {
    DATABASE_READ,  /* must exist */
    DATABASE_WRITE, /* created with its folder if missing */
};

enum {
    IDENTITY_BYTES = 16
};

/* One measured candidate. Strings are borrowed when adding, owned by the record when read. */
struct record {
    int64_t id;
    unsigned char identity[IDENTITY_BYTES]; /* the same in every copy of the record, in other files
                                               too; all zero: a new one, which is given one */
    const char *task;                       /* key: canonical workload, target, threads */
    const char *host;                       /* host_name() */
    const char *generator;                  /* version of the code generator that made the code */
    const char *trace;
    const char *knobs;   /* "name=value ..." */
    const char *outcome; /* "ok", or the kind of failure */
    const char *message; /* why, if not ok; else NULL, or what measuring told beside the time:
                            "cycles=... slowdown=..." */
    const char *clock;   /* "cpu" or "wall" */
    const char *layouts; /* "x=n c h w output=n k y x" */
    double median_us, minimum_us, spread;
    double max_error;   /* over the bound */
    double peak_gflops; /* measured in that run */
    bool verified;      /* compared with the reference and right, where it was measured */
    bool imported;      /* taken in from another file: what it says is a hint until it is measured
                           into this one. Not part of what it says: copies differ in it */
    bool finalist;      /* its times come from repeated, interleaved measuring */
    int64_t seed;
    int64_t created; /* seconds since 1970 */
};

/* Opening for reading creates and changes nothing, and works in a folder that is not writable.
 * Failures are DLT_ERROR_DATABASE: no such file, a folder, not a database of dltune, damaged,
 * written by a newer dltune, not writable; the message says which, and nothing was changed. */
dlt_status database_open(const char *path, enum database_mode mode, struct database **database,
                         struct error *error);
void database_close(struct database *database);

/* $DLTUNE_DB, else dltune/tune.db in the XDG data folder: $XDG_DATA_HOME, else .local/share in
 * $HOME, or, if that is not set or not absolute, in the home folder that the password file names.
 * DLT_ERROR_ARGUMENT: there is none, or `bytes` do not suffice. */
dlt_status database_default_path(char *buffer, int bytes, struct error *error);

/* What the gate (db/gate.h) found among what was read and so was left out: the first of it, such as
 * "record 7: median_us: is not a number"; NULL if there was nothing. */
const char *database_left_out(const struct database *database);

/* Committed when it returns. Every new record is one of its own, equal ones too; a record with the
 * identity of one that is there already changes nothing. */
dlt_status database_add(struct database *database, const struct record *record,
                        struct error *error);

/* The best right record of a task that passes the gate. That of this host and generator, measured
 * into this file, if there is one, and `*exact` is true; else the best of the nearest (taken in
 * from another file; then same host; then same generator; then any), and `*exact` is false: the
 * record says by name whose it is. Finalists are preferred (db/queries.c). DLT_ERROR_NOT_FOUND if
 * there is none. */
dlt_status database_best(struct database *database, const char *task, const char *host,
                         const char *generator, struct record *record, bool *exact,
                         struct error *error);

/* The best among the bests of several tasks, which do the same work: that of `tasks[*which]`. One
 * of this host and generator is better than any other. */
dlt_status database_best_of(struct database *database, int count, const char *const *tasks,
                            const char *host, const char *generator, int *which,
                            struct record *record, bool *exact, struct error *error);

/* Visits records of a task (NULL: all) whose values pass the gate, newest last; the record is valid
 * during the call. The visitor answers false to stop, and does not write to the database. */
typedef bool record_visitor(void *context, const struct record *record);
dlt_status database_records(struct database *database, const char *task, record_visitor *visitor,
                            void *context, struct error *error);

/* One line a task: its key, counts by outcome, its best. */
struct task_summary {
    const char *task;
    int64_t records, right; /* damaged ones too */
    double best_us;         /* of any host and generator; 0: no right record that can be believed */
};
typedef bool task_visitor(void *context, const struct task_summary *summary);
dlt_status database_tasks(struct database *database, task_visitor *visitor, void *context,
                          struct error *error);

void record_free(struct record *record); /* of one read by database_best */

/* The keys of tasks that begin with a text; without looking at their records. */
typedef bool key_visitor(void *context, const char *key);
dlt_status database_keys(struct database *database, const char *beginning, key_visitor *visitor,
                         void *context, struct error *error);

/* Strings of its own for a record that has borrowed ones; to be freed with record_free. */
dlt_status record_own(struct record *record, struct error *error);

/* ---- Whole files ---- */

struct transfer {
    int64_t read, added; /* records; what was read and not added was there already */
    int64_t lost;        /* that did not pass the gate, left behind */
};

/* Hears what is wrong with something; answers false to hear no more. */
typedef bool problem_visitor(void *context, const char *problem);

/* What becomes of what does not pass the gate when files are taken in: each is told to `problem`
 * (may be NULL). Then nothing is taken in, or, with `skip`, all others are. */
struct taking {
    bool skip;
    problem_visitor *problem;
    void *context;
};

/* Does `work` in one transaction that takes the file for writing; all of it or nothing. */
typedef dlt_status database_work(struct database *database, void *context, struct error *error);
dlt_status database_transact(struct database *database, database_work *work, void *context,
                             struct error *error);

/* A record that is taken in from elsewhere, inside of a transaction: if it passes the gate it is
 * added, as imported, unless it is there already. An older dltune may have printed its key.
 * DLT_ERROR_ARGUMENT: it does not pass, nothing else is wrong; `transfer` counts it either way. */
dlt_status database_take(struct database *database, const struct record *record,
                         struct transfer *transfer, struct error *error);

/* Adds what another file has and this one has not: records, runs, and models that are newer; they
 * count as imported. All of it or nothing. The other may be of an older version; it is not
 * changed. */
dlt_status database_merge(struct database *into, struct database *from, const struct taking *taking,
                          struct transfer *transfer, struct error *error);

/* Keeps, of each task, host and generator, the `keep` fastest right records and as many finalists,
 * and removes all others, then names that nothing refers to, and gives the space back. */
dlt_status database_prune(struct database *database, int64_t keep, int64_t *removed,
                          struct error *error);

/* Whether the file itself is whole, and what it says in range: each thing that is not is told to
 * the visitor. */
dlt_status database_check(struct database *database, problem_visitor *visitor, void *context,
                          struct error *error);

/* Recovers the records of a damaged file, or what is left of one, into a new one. A record counts
 * as lost if its row can no longer be read whole, or does not pass the gate; why it does not is
 * told to `problem` (may be NULL). The damaged file is not changed. DLT_ERROR_DATABASE: it cannot
 * be read at all, is of other software or a newer dltune, nothing could be recovered (then there is
 * no new file), or `new_path` is there already. */
dlt_status database_salvage(const char *path, const char *new_path, problem_visitor *problem,
                            void *context, struct transfer *transfer, struct error *error);

/* A trained cost model. There is one of each name, target, features version and host. */
struct model {
    const char *name;     /* "trees" */
    const char *target;   /* "x86-avx512" */
    const char *host;     /* host_name() of the machine whose records it learnt from */
    const char *features; /* version of the features, as text: others mean something else */
    int64_t records;      /* it was trained on */
    int64_t created;      /* seconds since 1970 */
    const void *bytes;
    size_t byte_count; /* from 1 */
};

/* Stores a model in place of the one of the same name, target, features and host, unless that one
 * is newer and as it was written. */
dlt_status database_put_model(struct database *database, const struct model *model,
                              struct error *error);

/* The model of this host, else the newest of another (the model says by name whose it is), among
 * those that are as they were written. What is in its bytes is for its reader to check. It is to be
 * freed with model_free. DLT_ERROR_NOT_FOUND if there is none. */
dlt_status database_find_model(struct database *database, const char *name, const char *target,
                               const char *features, const char *host, struct model *model,
                               struct error *error);
void model_free(struct model *model);

typedef bool model_visitor(void *context, const struct model *model);
dlt_status database_models(struct database *database, model_visitor *visitor, void *context,
                           struct error *error);

/* How well scores ranked measured points: pairwise accuracy, peak@1 and peak@5 from 0 to 1. */
struct ranking_quality {
    double pairwise, peak1, peak5;
};

/* One run of the tuner on one task. */
struct run {
    unsigned char identity[IDENTITY_BYTES]; /* as of a record */
    const char *task, *host, *generator;
    const char *strategy;
    int64_t seed, trials;
    double seconds;
    double best_us;  /* the best it found; 0: none */
    int64_t created; /* when it ended */

    /* Of `judged` records of this run: the analytic score's, and that of the model which was stored
     * before the run and so had not seen them. */
    int64_t judged; /* 0: not judged */
    bool has_model; /* false: no model was stored */
    struct ranking_quality analytic, model;
};

dlt_status database_add_run(struct database *database, const struct run *run, struct error *error);

typedef bool run_visitor(void *context, const struct run *run);
dlt_status database_runs(struct database *database, run_visitor *visitor, void *context,
                         struct error *error); /* newest last */

#endif
