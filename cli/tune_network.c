/* Tuning a list as a network: items from requests, the table, the reports, the total. */
#include "cli/tune_network.h"

#include "cli/network_progress.h"
#include "cli/roofs.h"
#include "cli/signals.h"
#include "cli/tuning.h"

#include <stdio.h>
#include <stdlib.h>

#define ROOF_SLACK 0.98 /* roofs are measured too */

/* No call is faster than its roof, as far as that is known. */
static double floor_of(const struct task *task, const struct roofs *roofs, double peak_gflops) {
    struct roofline roofline = roofline_of_result(task, roofs, peak_gflops);
    return roofline.roof > 0 ? ROOF_SLACK * 1e6 * task->operations / roofline.roof : 0;
}

static void fill_item(struct network_item *item, struct request *request, double peak_gflops,
                      struct database *database, const struct account *account,
                      struct roofs *roofs) {
    const struct task *task = request->tasks[0];
    tuning_roofs_in(task, database, tuning_affords(account, ROOFS_SECONDS), roofs);
    *item = (struct network_item){.tasks = request->tasks,
                                  .task_count = request->count,
                                  .calls = task->count,
                                  .peak_gflops = peak_gflops,
                                  .floor_us = floor_of(task, roofs, peak_gflops)};
}

static void report_total(const struct cli *cli, const struct network_table *table,
                         const struct network_item *items, int count) {
    FILE *file = cli->options.json ? stderr : stdout;
    double search = 0, seconds = 0;
    if (cli->options.quiet && cli->options.json)
        return;
    for (int i = 0; i < count; i++) {
        search += items[i].summary.shares[SHARE_SEARCH];
        seconds += items[i].seconds;
    }
    fprintf(file,
            "total %.4g ms of %lld calls, %lld trials; search and model took %.1f %% of %.1f s\n",
            1e-3 * network_total_us(items, count), (long long)table->calls,
            (long long)table->all_trials, seconds > 0 ? 100 * search / seconds : 0, seconds);
}

static void report_item(struct cli *cli, struct request *request, struct network_item *item,
                        struct database *database, const struct tuner_options *options,
                        const struct roofs *roofs) {
    const char *failure = item->status != DLT_OK && item->best_us <= 0 ? item->error.message : NULL;
    struct tuner_options own = *options;
    own.peak_gflops = item->peak_gflops;
    if (!tuning_report(cli, request, item->best, database, &item->summary, &own, roofs, failure))
        cli->exit_status = EXIT_FAILED;
    tuner_summary_free(&item->summary);
}

dlt_status tune_list_together(struct cli *cli, const struct request_list *list,
                              struct database *database, struct error *error) {
    struct network_item *items = calloc((size_t)list->count, sizeof *items);
    struct roofs *roofs = calloc((size_t)list->count, sizeof *roofs);
    struct network_options options = {.tuner = tuning_options(cli),
                                      .stubborn = cli->options.patience == 0,
                                      .progress = network_table_show};
    struct account account = tuning_account(cli);
    struct network_table table;
    dlt_status status = DLT_OK;
    double peak = tuning_peak_in(list->requests[0]->tasks[0], database, &account);
    options.tuner.account = &account;
    if (!items || !roofs)
        status = error_set(error, DLT_ERROR_MEMORY, "out of memory");
    for (int i = 0; i < list->count && status == DLT_OK; i++)
        fill_item(&items[i], list->requests[i], peak, database, &account, &roofs[i]);
    network_table_begin(&table, cli);
    options.context = &table;
    if (status == DLT_OK)
        status = tune_network(items, list->count, database, &options, error);
    network_table_end(&table);
    for (int i = 0; i < list->count && status == DLT_OK; i++)
        report_item(cli, list->requests[i], &items[i], database, &options.tuner, &roofs[i]);
    if (status == DLT_OK)
        report_total(cli, &table, items, list->count);
    free(items);
    free(roofs);
    return status;
}
