/* `dltune export`: stored bests as a static library. */
#include "export/export.h"

#include "cli/library.h"
#include "cli/stored.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The kernels of a library that is being made, and the records that hold their schedules. */
struct bests {
    struct export_kernel *kernels;
    struct record *records;
    int count;
};

static dlt_status find_kernels(struct cli *cli, struct database *database,
                               const struct request_list *list, bool tolerant, struct bests *bests,
                               struct error *error) {
    for (int i = 0; i < list->count; i++) {
        struct record *record = &bests->records[bests->count];
        int which;
        dlt_status status = stored_best_of(cli, database, list->requests[i], &which, record, error);
        if (status == DLT_ERROR_REFUSED && tolerant) {
            cli_complain("lib%s.a: is without `%s`, of which nothing is stored", cli->options.name,
                         list->requests[i]->key);
            cli->exit_status = EXIT_FAILED;
            continue;
        }
        TRY(status);
        bests->kernels[bests->count++] =
            (struct export_kernel){list->requests[i]->tasks[which], record->trace};
    }
    if (!bests->count)
        return error_set(error, DLT_ERROR_REFUSED,
                         "lib%s.a: was not written, since nothing is stored of any workload",
                         cli->options.name);
    return DLT_OK;
}

static dlt_status write_kernels(struct cli *cli, const struct bests *bests, struct error *error) {
    struct export_options options = {.name = cli->options.name,
                                     .folder = cli->options.out ? cli->options.out : ".",
                                     .kernel_count = bests->count,
                                     .kernels = bests->kernels,
                                     .comments = true};
    TRY(export_library(&options, error));
    if (!cli->options.json && !cli->options.quiet)
        printf("%s/lib%s.a  %s.h  %s.c  %s.pc: %d kernel%s\n", options.folder, options.name,
               options.name, options.name, options.name, bests->count,
               bests->count == 1 ? "" : "s");
    return DLT_OK;
}

dlt_status library_write(struct cli *cli, struct database *database,
                         const struct request_list *list, bool tolerant, struct error *error) {
    struct bests bests = {.kernels = calloc((size_t)list->count, sizeof *bests.kernels),
                          .records = calloc((size_t)list->count, sizeof *bests.records)};
    dlt_status status = bests.kernels && bests.records
                            ? find_kernels(cli, database, list, tolerant, &bests, error)
                            : error_set(error, DLT_ERROR_MEMORY, "out of memory");
    if (status == DLT_OK)
        status = write_kernels(cli, &bests, error);
    for (int i = 0; i < bests.count; i++)
        record_free(&bests.records[i]);
    free(bests.records);
    free(bests.kernels);
    return status;
}

/* Moves the requests of a list behind those of another. */
static dlt_status append_requests(struct request_list *list, struct request_list *more,
                                  struct error *error) {
    for (int i = 0; i < more->count; i++) {
        struct request *request = more->requests[i];
        more->requests[i] = NULL; /* has a new owner; freeing NULL is harmless */
        TRY(request_list_add(list, request, error));
    }
    return DLT_OK;
}

static dlt_status add_target(struct cli *cli, struct database *database, struct request_list *list,
                             struct error *error) {
    struct request_list found = {0};
    dlt_status status = requested_tasks(cli, &found, error);
    if (status == DLT_OK)
        status = stored_tasks(cli, database, &found, error);
    if (status == DLT_OK)
        status = append_requests(list, &found, error);
    request_list_free(&found);
    return status;
}

/* --target may be a list: a kernel then has a version for each. */
static dlt_status collect(struct cli *cli, struct database *database, struct request_list *list,
                          struct error *error) {
    const char *targets = cli->options.target;
    for (;;) {
        size_t length = strcspn(targets, ",");
        cli->options.target = arena_format(&cli->arena, "%.*s", (int)length, targets);
        TRY(add_target(cli, database, list, error));
        if (!targets[length])
            return DLT_OK;
        targets += length + 1;
    }
}

static dlt_status export_stored(struct cli *cli, struct request_list *list, struct error *error) {
    struct database *database;
    dlt_status status;
    TRY(cli_open_database(cli, DATABASE_READ, &database, error));
    status = collect(cli, database, list, error);
    if (status == DLT_OK)
        status = library_write(cli, database, list, false, error);
    cli_close_database(cli, database);
    return status;
}

dlt_status run_export(struct cli *cli, struct error *error) {
    struct request_list list = {0};
    dlt_status status;
    if (!cli->options.name)
        return error_set(
            error, DLT_ERROR_ARGUMENT,
            "--name: missing; the library is called libNAME.a, its functions NAME_...");
    status = export_stored(cli, &list, error);
    request_list_free(&list);
    return status;
}
