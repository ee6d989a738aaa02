/* Regret curves as a picture: SVG, light, without scripts or fonts of its own; see curves.h.
 *
 * One small diagram a task. Across: trials, on a logarithmic scale. Up: how many per cent the best
 * found so far is slower than the best known, also logarithmic, median over the seeds. A dashed
 * line marks 2 %. All diagrams have the same axes, so that they can be compared. */
#include "bench/curves.h"

#include <math.h>
#include <string.h>

enum {
    COLUMNS = 2,
    PANEL_WIDTH = 420,
    PANEL_HEIGHT = 250,
    LEFT = 52, /* margins within a panel */
    RIGHT = 12,
    TOP = 30,
    BOTTOM = 40,
    HEAD = 84,         /* title and legend */
    MOST_TRIALS = 300, /* that are shown */
};

#define LEAST_REGRET 0.5 /* per cent; what is nearer is drawn here */
#define MOST_REGRET  200.0

/* Distinct in lightness too, and for eyes that do not tell red from green. */
static const char *const colours[MAX_CURVE_STRATEGIES] = {
    "#0b5fa5", "#d1495b", "#2a9d5c", "#6c6c6c", "#b8860b", "#7b3fa0", "#1b9e9e", "#a05a2c"};
static const char *const dashes[MAX_CURVE_STRATEGIES] = {"", "", "", "5 3", "2 2", "", "", ""};

struct plot {
    FILE *file;
    const struct curves *curves;
    double most_trials;
    double left, top; /* of the panel being drawn */
};

static double place_x(const struct plot *plot, double trial) {
    double width = PANEL_WIDTH - LEFT - RIGHT;
    return plot->left + LEFT + width * log(trial) / log(plot->most_trials);
}

static double place_y(const struct plot *plot, double regret) {
    double height = PANEL_HEIGHT - TOP - BOTTOM;
    double clipped = fmin(fmax(regret, LEAST_REGRET), MOST_REGRET);
    return plot->top + TOP + height * log(MOST_REGRET / clipped) / log(MOST_REGRET / LEAST_REGRET);
}

static void draw_text(const struct plot *plot, double x, double y, const char *anchor,
                      const char *style, const char *text) {
    fprintf(plot->file, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\"%s>", x, y, anchor, style);
    for (; *text; text++)
        fputs(*text == '&'   ? "&amp;"
              : *text == '<' ? "&lt;"
              : *text == '>' ? "&gt;"
                             : (char[]){*text, 0},
              plot->file);
    fputs("</text>\n", plot->file);
}

static void draw_line(const struct plot *plot, double x1, double y1, double x2, double y2,
                      const char *style) {
    fprintf(plot->file, "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" %s/>\n", x1, y1, x2,
            y2, style);
}

static void draw_axes(const struct plot *plot, const char *task) {
    static const double regrets[] = {0.5, 1, 2, 5, 10, 20, 50, 100, 200};
    static const char grid[] = "stroke=\"#e3e3e3\"";
    double left = place_x(plot, 1), right = place_x(plot, plot->most_trials);
    double bottom = place_y(plot, LEAST_REGRET), top = place_y(plot, MOST_REGRET);
    char label[32];
    draw_text(plot, left, plot->top + 18, "start", " font-weight=\"bold\"", task);
    for (size_t i = 0; i < sizeof regrets / sizeof regrets[0]; i++) {
        double y = place_y(plot, regrets[i]);
        draw_line(plot, left, y, right, y,
                  regrets[i] == 2 ? "stroke=\"#555\" stroke-dasharray=\"4 3\"" : grid);
        snprintf(label, sizeof label, "%s%g %%", i ? "" : "\xe2\x89\xa4 ", regrets[i]);
        draw_text(plot, left - 5, y + 4, "end", "", label);
    }
    for (double power = 1; power <= plot->most_trials; power *= 10)
        for (int digit = 1; digit < 10 && power * digit <= plot->most_trials; digit++) {
            double x = place_x(plot, power * digit);
            draw_line(plot, x, top, x, bottom, grid);
            snprintf(label, sizeof label, "%g", power * digit);
            if (digit == 1 || digit == 2 || digit == 5)
                draw_text(plot, x, bottom + 15, "middle", "", label);
        }
    draw_text(plot, (left + right) / 2, bottom + 31, "middle", "", "trials");
}

/* A staircase: the best so far stays until something better is measured. */
static void draw_curve(const struct plot *plot, const char *task, int strategy, double best) {
    const struct curves *curves = plot->curves;
    double before = -1;
    fprintf(plot->file,
            "<polyline fill=\"none\" stroke=\"%s\" stroke-width=\"%s\" stroke-dasharray=\"%s\" "
            "points=\"",
            colours[strategy], strategy ? "1.6" : "2.6", dashes[strategy]);
    for (int64_t trial = 1; trial <= (int64_t)plot->most_trials; trial++) {
        double time = curves_median_at(curves, task, curves->strategies[strategy], trial);
        double x = place_x(plot, (double)trial), y;
        if (time < 0 || !isfinite(time))
            continue;
        y = place_y(plot, 100 * (time / best - 1));
        if (y != before && before >= 0)
            fprintf(plot->file, "%.1f,%.1f ", x, before);
        if (y != before || trial == (int64_t)plot->most_trials)
            fprintf(plot->file, "%.1f,%.1f ", x, y);
        before = y;
    }
    fputs("\"/>\n", plot->file);
}

static void draw_head(const struct plot *plot, const char *title, double width) {
    const struct curves *curves = plot->curves;
    double x = LEFT;
    draw_text(plot, width / 2, 22, "middle", " font-size=\"15\" font-weight=\"bold\"", title);
    for (int i = 0; i < curves->strategy_count; i++) {
        char style[96];
        snprintf(style, sizeof style, "stroke=\"%s\" stroke-width=\"3\" stroke-dasharray=\"%s\"",
                 colours[i], dashes[i]);
        draw_line(plot, x, 42, x + 26, 42, style);
        draw_text(plot, x + 32, 46, "start", "", curves->strategies[i]);
        x += 120;
    }
    draw_text(plot, LEFT, 70, "start", " fill=\"#555\"",
              "Up: how much slower the best so far is than the best known, median over the seeds. "
              "Dashed: 2 %.");
}

static void draw_all(struct plot *plot, const char *title) {
    const struct curves *curves = plot->curves;
    int rows = (curves->task_count + COLUMNS - 1) / COLUMNS;
    int width = COLUMNS * PANEL_WIDTH, height = HEAD + rows * PANEL_HEIGHT;
    fprintf(plot->file,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d "
            "%d\" font-family=\"sans-serif\" font-size=\"11\" fill=\"#222\">\n"
            "<rect width=\"%d\" height=\"%d\" fill=\"#ffffff\"/>\n",
            width, height, width, height, width, height);
    draw_head(plot, title, width);
    for (int i = 0; i < curves->task_count; i++) {
        double best = curves_best(curves, curves->tasks[i]);
        plot->left = (i % COLUMNS) * PANEL_WIDTH;
        plot->top = HEAD + (i / COLUMNS) * PANEL_HEIGHT;
        draw_axes(plot, curves->tasks[i]);
        for (int j = curves->strategy_count - 1; j >= 0; j--) /* the first is on top */
            draw_curve(plot, curves->tasks[i], j, best);
    }
    fputs("</svg>\n", plot->file);
}

dlt_status curves_plot(const struct curves *curves, const char *path, const char *title,
                       struct error *error) {
    struct plot plot = {.file = fopen(path, "w"), .curves = curves, .most_trials = 2};
    if (!plot.file)
        return error_set(error, DLT_ERROR_ARGUMENT, "%s: cannot be written", path);
    for (int i = 0; i < curves->count; i++)
        plot.most_trials = fmax(plot.most_trials, (double)curves->curves[i].trials);
    plot.most_trials = fmin(plot.most_trials, MOST_TRIALS);
    draw_all(&plot, title);
    if (fclose(plot.file) == 0)
        return DLT_OK;
    return error_set(error, DLT_ERROR_SYSTEM, "%s: not all could be written", path);
}
