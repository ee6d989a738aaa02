/* Tables of measured points: recording, reading; see replay.h. */
#include "search/replay.h"

#include "base/number.h"
#include "base/plain.h"
#include "measure/clock.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define FIRST_LINE "dltune replay 1"

enum {
    LINE_BYTES = 8192,
    FASTEST = 150, /* points that are measured again */
};

/* ---- recording ---- */

struct point_list {
    int64_t count, capacity;
    unsigned char (*points)[MAX_KNOBS];
    const struct space *space;
};

static bool collect(void *context, const int *point) {
    struct point_list *list = context;
    if (list->count == list->capacity) {
        int64_t capacity = list->capacity ? list->capacity * 2 : 1024;
        void *grown = realloc(list->points, (size_t)capacity * sizeof *list->points);
        if (!grown)
            return false;
        list->points = grown;
        list->capacity = capacity;
    }
    for (int i = 0; i < MAX_KNOBS; i++)
        list->points[list->count][i] = i < list->space->knob_count ? (unsigned char)point[i] : 0;
    list->count++;
    return true;
}

/* Fisher and Yates; point 0 stays first, so that the best is near from the beginning. */
static void shuffle(struct point_list *list) {
    struct random random;
    random_seed(&random, 0);
    for (int64_t i = list->count - 1; i > 1; i--) {
        int64_t j = 1 + (int64_t)random_below(&random, (uint64_t)i);
        unsigned char swap[MAX_KNOBS];
        memcpy(swap, list->points[i], sizeof swap);
        memcpy(list->points[i], list->points[j], sizeof swap);
        memcpy(list->points[j], swap, sizeof swap);
    }
}

struct recording {
    const struct space *space;
    replay_measure *measure;
    void *context;
    double end; /* when to stop */
    struct point_list list;
    double *times; /* microseconds */
    int64_t count; /* measured */
};

static dlt_status measure_one(struct recording *r, int64_t number, double *microseconds,
                              struct error *error) {
    int point[MAX_KNOBS];
    for (int i = 0; i < MAX_KNOBS; i++)
        point[i] = r->list.points[number][i];
    return r->measure(r->context, r->space, point, microseconds, error);
}

static dlt_status measure_all(struct recording *r, struct error *error) {
    for (; r->count < r->list.count && clock_seconds() < r->end; r->count++)
        TRY(measure_one(r, r->count, &r->times[r->count], error));
    return DLT_OK;
}

static double middle(double a, double b, double c) {
    return fmax(fmin(a, b), fmin(fmax(a, b), c));
}

static int by_number(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The time that so many points are below. */
static dlt_status find_limit(const struct recording *r, int64_t below, double *limit,
                             struct error *error) {
    double *sorted = malloc((size_t)r->count * sizeof *sorted + 1);
    if (!sorted)
        return error_set(error, DLT_ERROR_MEMORY, "out of memory");
    memcpy(sorted, r->times, (size_t)r->count * sizeof *sorted);
    qsort(sorted, (size_t)r->count, sizeof *sorted, by_number);
    *limit = below < r->count ? sorted[below] : INFINITY;
    free(sorted);
    return DLT_OK;
}

/* The least of many times is a lucky one: the fastest are measured twice more, and the middle of
 * three is kept. */
static dlt_status measure_fastest_again(struct recording *r, struct error *error) {
    double limit;
    if (!r->count)
        return DLT_OK;
    TRY(find_limit(r, FASTEST, &limit, error));
    for (int64_t i = 0; i < r->count; i++) {
        double second, third;
        if (!(r->times[i] < limit))
            continue;
        TRY(measure_one(r, i, &second, error));
        TRY(measure_one(r, i, &third, error));
        r->times[i] = middle(r->times[i], second, third);
    }
    return DLT_OK;
}

static void write_points(gzFile file, const struct recording *r) {
    for (int64_t i = 0; i < r->count; i++) {
        struct text text = {0};
        char time[NUMBER_BYTES];
        int point[MAX_KNOBS];
        for (int j = 0; j < MAX_KNOBS; j++)
            point[j] = r->list.points[i][j];
        space_print_point(r->space, point, &text);
        plain_format(time, sizeof time, "%.6g", r->times[i]);
        gzprintf(file, "%s %s\n", time, text_string(&text));
        text_free(&text);
    }
}

static dlt_status record(struct recording *r, int64_t drawn, struct error *error) {
    if (drawn)
        space_draw(r->space, drawn, collect, &r->list);
    else
        space_enumerate(r->space, collect, &r->list);
    r->times = malloc((size_t)r->list.count * sizeof *r->times + 1);
    if (!r->times)
        return error_set(error, DLT_ERROR_MEMORY, "out of memory");
    shuffle(&r->list);
    TRY(measure_all(r, error));
    return measure_fastest_again(r, error);
}

dlt_status replay_record(const char *path, const struct task *task, const struct space *space,
                         int64_t drawn, double seconds, replay_measure *measure, void *context,
                         struct error *error) {
    struct recording recording = {.space = space,
                                  .measure = measure,
                                  .context = context,
                                  .end = seconds > 0 ? clock_seconds() + seconds : INFINITY,
                                  .list = {.space = space}};
    gzFile file = gzopen(path, "wb9");
    dlt_status status;
    if (!file)
        return error_set(error, DLT_ERROR_ARGUMENT, "%s: cannot be written", path);
    status = record(&recording, drawn, error);
    gzprintf(file, "%s\ntask %s\nhost %s\n", FIRST_LINE, task->key, host_name());
    if (status == DLT_OK)
        write_points(file, &recording);
    free(recording.list.points);
    free(recording.times);
    if (gzclose(file) != Z_OK && status == DLT_OK)
        return error_set(error, DLT_ERROR_ARGUMENT, "%s: cannot be written", path);
    return status;
}

/* ---- reading ---- */

struct line_reader {
    gzFile file;
    const char *path;
    char line[LINE_BYTES];
};

static bool read_line(struct line_reader *reader) {
    size_t length;
    if (!gzgets(reader->file, reader->line, LINE_BYTES))
        return false;
    length = strlen(reader->line);
    if (length && reader->line[length - 1] == '\n')
        reader->line[length - 1] = 0;
    return true;
}

static dlt_status read_header(struct line_reader *reader, struct replay_table *table,
                              struct error *error) {
    if (!read_line(reader) || strcmp(reader->line, FIRST_LINE))
        return error_set(error, DLT_ERROR_ARGUMENT,
                         "%s: not a table of replay: its first line is not '%s'", reader->path,
                         FIRST_LINE);
    if (!read_line(reader) || strncmp(reader->line, "task ", 5))
        return error_set(error, DLT_ERROR_ARGUMENT, "%s: its second line names no task",
                         reader->path);
    if (task_create_key(reader->line + 5, &table->task, error) != DLT_OK)
        return error_prefix(error, "%s", reader->path);
    if (!read_line(reader) || strncmp(reader->line, "host ", 5))
        return error_set(error, DLT_ERROR_ARGUMENT, "%s: its third line names no host",
                         reader->path);
    snprintf(table->host, sizeof table->host, "%.250s", reader->line + 5);
    return DLT_OK;
}

/* Whether each word of `words` is among the words of `text`. */
static bool contains_words(const char *text, const char *words) {
    while (*words) {
        size_t length = strcspn(words, " ");
        const char *at = text;
        while (*at && (strcspn(at, " ") != length || strncmp(at, words, length))) {
            at += strcspn(at, " ");
            at += *at == ' ';
        }
        if (!*at)
            return false;
        words += length;
        words += *words == ' ';
    }
    return true;
}

/* The point of a line, and whether the space has it; knobs that the line does not have, since they
 * came later, are at their first choice. */
static bool parse_line(const struct space *space, const char *line, int *point, double *score) {
    struct text printed = {0};
    const char *knobs;
    double time;
    bool same;
    knobs = number_read(line, &time);
    if (!knobs || *knobs != ' ')
        return false;
    *score = log(time);
    space_parse_point(space, knobs + 1, point);
    space_print_point(space, point, &printed);
    same = contains_words(text_string(&printed), knobs + 1);
    text_free(&printed);
    return same;
}

/* First pass: the choices that occur. */
static dlt_status find_choices(struct line_reader *reader, const struct space *space,
                               bool kept[MAX_KNOBS][MAX_CHOICES], struct error *error) {
    int point[MAX_KNOBS];
    double score;
    int64_t count = 0;
    while (read_line(reader)) {
        if (!parse_line(space, reader->line, point, &score))
            continue;
        count++;
        for (int i = 0; i < space->knob_count; i++)
            kept[i][point[i]] = true;
    }
    if (!count)
        return error_set(error, DLT_ERROR_ARGUMENT, "%s: none of its points is in the space",
                         reader->path);
    return DLT_OK;
}

static dlt_status read_points(struct line_reader *reader, struct replay_table *table,
                              struct error *error) {
    int point[MAX_KNOBS];
    double score;
    while (read_line(reader)) {
        unsigned char key[MAX_KNOBS];
        if (!parse_line(table->space, reader->line, point, &score))
            continue;
        space_canonicalise(table->space, point);
        point_key(table->space, point, key);
        if (!seen_set(&table->points, key, score))
            return error_set(error, DLT_ERROR_MEMORY, "out of memory");
        table->best = score < table->best ? score : table->best;
    }
    return DLT_OK;
}

static dlt_status load(struct line_reader *reader, struct replay_table *table,
                       struct error *error) {
    bool kept[MAX_KNOBS][MAX_CHOICES] = {0};
    struct target_description target;
    struct space *space;
    TRY(read_header(reader, table, error));
    TRY(target_describe(table->task->target, &target, error));
    if (arena_recover(&table->arena))
        return error_set(error, DLT_ERROR_MEMORY, "out of memory");
    TRY(space_create(&table->arena, table->task->collapsed, &target, table->task->threads, &space,
                     error));
    TRY(find_choices(reader, space, kept, error));
    table->space = space_restrict(space, kept);
    table->arena.recoverable = false;
    gzrewind(reader->file);
    return read_points(reader, table, error);
}

dlt_status replay_load(const char *path, struct replay_table **table, struct error *error) {
    struct replay_table *made = calloc(1, sizeof *made);
    struct line_reader reader = {.path = path};
    dlt_status status;
    *table = NULL;
    if (!made)
        return error_set(error, DLT_ERROR_MEMORY, "out of memory");
    made->best = INFINITY;
    arena_initialise(&made->arena);
    seen_initialise(&made->points, MAX_KNOBS);
    reader.file = gzopen(path, "rb");
    status = reader.file ? load(&reader, made, error)
                         : error_set(error, DLT_ERROR_NOT_FOUND, "%s: cannot be read", path);
    if (reader.file)
        gzclose_r(reader.file);
    if (status != DLT_OK) {
        replay_free(made);
        return status;
    }
    *table = made;
    return DLT_OK;
}

void replay_free(struct replay_table *table) {
    if (!table)
        return;
    seen_free(&table->points);
    task_free(table->task);
    arena_free(&table->arena);
    free(table);
}
