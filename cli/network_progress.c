/* The live table; see network_progress.h. */
#include "cli/network_progress.h"

#include "measure/clock.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define REFRESH_SECONDS 0.25

enum {
    USUAL_ROWS = 24,
    FRAME_ROWS = 3, /* head, total, and the line of the cursor */
    NAME_COLUMNS = 44,
};

void network_table_begin(struct network_table *table, const struct cli *cli) {
    struct winsize size = {0};
    *table = (struct network_table){
        .cli = cli, .start = clock_seconds(), .rows = USUAL_ROWS, .item = -1};
    table->live = isatty(STDERR_FILENO) && !cli->options.quiet && !cli->options.verbose;
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > FRAME_ROWS)
        table->rows = size.ws_row;
}

static void count(struct network_table *table, const struct network_item *items, int item_count) {
    table->total_us = network_total_us(items, item_count);
    table->missing = 0;
    table->all_trials = table->calls = 0;
    for (int i = 0; i < item_count; i++) {
        table->missing += items[i].best_us <= 0;
        table->all_trials += items[i].trials;
        table->calls += items[i].calls;
    }
    if (!table->missing && table->first_us <= 0)
        table->first_us = table->total_us;
}

/* "total 27.81 ms of 53 calls, at first 31.20; 1204 trials, 54 s left" */
static void format_total(const struct network_table *table, struct text *text) {
    double seconds = table->cli->options.seconds, left = seconds - (clock_seconds() - table->start);
    text_format(text, "total %.4g ms of %lld calls", 1e-3 * table->total_us,
                (long long)table->calls);
    if (table->missing)
        text_format(text, ", %d workloads to come", table->missing);
    else if (table->first_us > 0)
        text_format(text, ", at first %.4g", 1e-3 * table->first_us);
    text_format(text, "; %lld trials", (long long)table->all_trials);
    if (seconds > 0)
        text_format(text, ", %.0f s left", left > 0 ? left : 0);
}

static void format_item(struct text *text, const struct network_item *item, double total_us,
                        bool at_work) {
    text_format(text, "%c %-*.*s %5lld %7lld ", at_work ? '>' : ' ', NAME_COLUMNS, NAME_COLUMNS,
                item->tasks[item->best]->workload, (long long)item->calls, (long long)item->trials);
    if (item->best_us > 0)
        text_format(text, "%10.4g %6.1f %%", item->best_us,
                    100 * (double)item->calls * item->best_us / total_us);
}

/* The lines before are overwritten, from the first one on. */
static void draw(struct network_table *table, const struct network_item *items, int item_count,
                 int item) {
    int shown = item_count < table->rows - FRAME_ROWS ? item_count : table->rows - FRAME_ROWS;
    struct text text = {0};
    if (table->height)
        text_format(&text, "\033[%dA", table->height);
    text_format(&text, "\r  %-*s %5s %7s %10s %8s\033[K\n", NAME_COLUMNS, "workload", "calls",
                "trials", "best, us", "of total");
    for (int i = 0; i < shown; i++) {
        format_item(&text, &items[i], table->total_us, i == item);
        text_append(&text, "\033[K\n");
    }
    text_append(&text, "  ");
    format_total(table, &text);
    text_append(&text, "\033[K\n");
    fputs(text_string(&text), stderr);
    fflush(stderr);
    text_free(&text);
    table->height = shown + 2;
}

static void show_line(struct network_table *table, const struct network_item *item, int number,
                      int item_count) {
    struct text text = {0};
    text_format(&text, "[%d/%d] %lld trials", number + 1, item_count, (long long)item->trials);
    if (item->best_us > 0)
        text_format(&text, ", best %.4g us", item->best_us);
    text_append(&text, "; ");
    format_total(table, &text);
    fprintf(stderr, "%s\n", text_string(&text));
    text_free(&text);
}

void network_table_show(void *context, const struct network_item *items, int item_count, int item) {
    struct network_table *table = context;
    bool new_trial = item != table->item || items[item].trials != table->trials;
    count(table, items, item_count);
    if (table->cli->options.verbose && !table->cli->options.quiet && new_trial)
        show_line(table, &items[item], item, item_count);
    if (table->live && clock_seconds() - table->shown >= REFRESH_SECONDS) {
        draw(table, items, item_count, item);
        table->shown = clock_seconds();
    }
    table->item = item;
    table->trials = items[item].trials;
}

/* Takes the table away: the reports follow. */
void network_table_end(struct network_table *table) {
    if (!table->height)
        return;
    fprintf(stderr, "\033[%dA\r\033[J", table->height);
    fflush(stderr);
    table->height = 0;
}
