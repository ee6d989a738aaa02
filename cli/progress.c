/* The live line; see progress.h. */
#include "cli/progress.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define REFRESH_SECONDS 0.1

void progress_begin(struct progress *progress, const struct cli *cli, const struct task *task,
                    double peak_gflops, int number, int count) {
    *progress = (struct progress){.cli = cli,
                                  .task = task,
                                  .peak_gflops = peak_gflops,
                                  .number = number,
                                  .count = count,
                                  .shown = -1,
                                  .terminal = isatty(STDERR_FILENO)};
}

/* The later of the limits that are set decides nothing: whichever comes first ends the run. */
static double seconds_left(const struct tuner_summary *summary) {
    double left = -1;
    if (summary->seconds_wanted > 0)
        left = summary->seconds_wanted - summary->seconds;
    if (summary->trials_wanted && summary->trials) {
        double all = summary->seconds / (double)summary->trials * (double)summary->trials_wanted;
        if (left < 0 || all - summary->seconds < left)
            left = all - summary->seconds;
    }
    return left;
}

static void format_line(const struct progress *progress, const struct tuner_summary *summary,
                        struct text *text) {
    double best_us = summary->best.median_us, left = seconds_left(summary);
    if (progress->count > 1)
        text_format(text, "[%d/%d] ", progress->number, progress->count);
    text_format(text, "%lld", (long long)summary->trials);
    if (summary->trials_wanted)
        text_format(text, "/%lld", (long long)summary->trials_wanted);
    text_append(text, " trials");
    if (best_us > 0) {
        double gflops = progress->task->operations / best_us * 1e-3;
        text_format(text, ", best %.4g us, %.4g GFLOP/s", best_us, gflops);
        if (progress->peak_gflops > 0)
            text_format(text, " (%.1f %% of peak)", 100 * gflops / progress->peak_gflops);
    }
    if (summary->seconds > 0)
        text_format(text, ", %.1f trials/s", (double)summary->trials / summary->seconds);
    if (left >= 0)
        text_format(text, ", %.0f s left", left);
}

static void show_live(struct progress *progress, const struct tuner_summary *summary) {
    struct text text = {0};
    if (progress->shown >= 0 && summary->seconds - progress->shown < REFRESH_SECONDS)
        return;
    progress->shown = summary->seconds;
    format_line(progress, summary, &text);
    fprintf(stderr, "\r%-*s", progress->width, text_string(&text));
    fflush(stderr);
    progress->width = (int)text.length;
    text_free(&text);
}

void progress_show(void *context, const struct tuner_summary *summary) {
    struct progress *progress = context;
    const struct options *options = &progress->cli->options;
    if (options->quiet)
        return;
    if (options->verbose && summary->trials > progress->trials) {
        struct text text = {0};
        format_line(progress, summary, &text);
        fprintf(stderr, "%s\n", text_string(&text));
        text_free(&text);
    } else if (!options->verbose && progress->terminal) {
        show_live(progress, summary);
    }
    progress->trials = summary->trials;
}

void progress_end(struct progress *progress) {
    if (progress->width)
        fprintf(stderr, "\r%*s\r", progress->width, "");
    progress->width = 0;
}
