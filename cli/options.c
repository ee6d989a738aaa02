/* Options: one table for parsing and for --help.
 *
 * Besides these, the keys of the operators (te/ops/) are options of every command that takes a
 * workload: `--stride 2` is the same as the word `stride=2`. */
#include "cli/cli.h"

#include "base/number.h"
#include "bench/bench.h"
#include "search/strategy.h"
#include "te/ops/operators.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum option_kind {
    OPTION_FLAG,
    OPTION_TEXT,
    OPTION_NUMBER, /* an integer from `lowest` to `highest` */
    OPTION_REAL,   /* above 0, up to `highest` */
    OPTION_SHAPE,  /* key=value,... of the workload */
};

struct option {
    const char *name, *argument, *help;
    enum option_kind kind;
    unsigned group; /* 0: every command */
    size_t offset;  /* in struct options */
    double lowest, highest;
};

#define FIELD(field) offsetof(struct options, field)

static const struct option options[] = {
    {"shape", "KEY=VALUE,...", "sizes and attributes of the workload", OPTION_SHAPE, GROUP_WORKLOAD,
     0, 0, 0},
    {"trials", "N", "stop after N measured candidates a workload (256; no limit with --time alone)",
     OPTION_NUMBER, GROUP_TUNE, FIELD(trials), 1, 1e9},
    {"time", "S", "stop after S seconds of the whole run", OPTION_REAL, GROUP_TUNE, FIELD(seconds),
     0, 1e8},
    {"patience", "N",
     "stop a workload after N trials without a gain of 0.5 % (500 with --time alone; 0: never)",
     OPTION_NUMBER, GROUP_TUNE, FIELD(patience), 0, 1e9},
    {"seed", "N", "start of the random numbers (0)", OPTION_NUMBER, GROUP_TUNE | GROUP_BENCH,
     FIELD(seed), 0, 9e15},
    {"algorithm", "A,...", "restrict the choice of algorithms: all, direct (all)", OPTION_TEXT,
     GROUP_TUNE, FIELD(algorithm), 0, 0},
    {"max-error", "E", "the most of its error bound that a result may use (1)", OPTION_REAL,
     GROUP_TUNE, FIELD(max_error), 0, 1},
    {"strategy", "NAME", "how to search: model, annealing, genetic, random, grid (model)",
     OPTION_TEXT, GROUP_TUNE, FIELD(strategy), 0, 0},
    {"threads", "N", "threads that the kernel will run on (1); more than processors help nothing",
     OPTION_NUMBER, GROUP_PLACE, FIELD(threads), 1, 1024},
    {"target", "NAME", "a target of `dltune targets` (native)", OPTION_TEXT, GROUP_PLACE,
     FIELD(target), 0, 0},
    {"peers", NULL, "beside the libraries that were installed when dltune was built", OPTION_FLAG,
     GROUP_BENCH, FIELD(peers), 0, 0},
    {"processes", "N", "with --peers: a figure is the median over so many (5)", OPTION_NUMBER,
     GROUP_BENCH, FIELD(processes), 1, MAX_BENCH_PROCESSES},
    {"table", "FILE", "with --peers: write the table here too", OPTION_TEXT, GROUP_BENCH,
     FIELD(table), 0, 0},
    {"cold", NULL, "empty the caches before each timed call; not with --peers", OPTION_FLAG,
     GROUP_BENCH, FIELD(cold), 0, 0},
    {"baseline", "FILE",
     "compare with lines of an earlier `bench --json`, - for standard input; fail if slower",
     OPTION_TEXT, GROUP_BENCH, FIELD(baseline), 0, 0},
    {"name", "NAME", "of the library; its functions begin with it", OPTION_TEXT, GROUP_LIBRARY,
     FIELD(name), 0, 0},
    {"out", "DIR", "folder to write files into, created if missing (of a library: .)", OPTION_TEXT,
     GROUP_LIBRARY | GROUP_FILES, FIELD(out), 0, 0},
    {"list", "FILE", "a workload a line; - for standard input", OPTION_TEXT,
     GROUP_EXPORT | GROUP_BENCH, FIELD(list), 0, 0},
    {"default", NULL, "the default schedule instead of the stored best", OPTION_FLAG, GROUP_EXPLAIN,
     FIELD(use_default), 0, 0},
    {"show", "PART,...",
     "expression schedule space loops vectors bound c assembly roofline (all but space)",
     OPTION_TEXT, GROUP_EXPLAIN, FIELD(show), 0, 0},
    {"pass", "NAME", "only the program after this pass, or after all of them: all", OPTION_TEXT,
     GROUP_EXPLAIN, FIELD(pass), 0, 0},
    {"space", NULL, "only the space of schedules: its knobs and their choices", OPTION_FLAG,
     GROUP_EXPLAIN, FIELD(space), 0, 0},
    {"replay", "FILE", "instead: measure a failed candidate again", OPTION_TEXT, GROUP_EXPLAIN,
     FIELD(replay), 0, 0},
    {"measure", NULL, "measure what a core can do", OPTION_FLAG, GROUP_TARGETS, FIELD(measure), 0,
     0},
    {"repair", "FILE", "check: recover what is whole into a new database", OPTION_TEXT, GROUP_FILES,
     FIELD(repair), 0, 0},
    {"run", NULL, "check: also compile each task's best and compare it with the reference",
     OPTION_FLAG, GROUP_FILES, FIELD(run), 0, 0},
    {"skip-bad", NULL, "import, merge: take in all that can be believed, not nothing", OPTION_FLAG,
     GROUP_FILES, FIELD(skip_bad), 0, 0},
    {"keep", "N", "prune: right records to keep of each task, host and generator (32)",
     OPTION_NUMBER, GROUP_FILES, FIELD(keep), 1, 1e9},
    {"db", "FILE", "the database ($DLTUNE_DB, else dltune/tune.db in the XDG data folder)",
     OPTION_TEXT, GROUP_DATABASE, FIELD(database), 0, 0},
    {"json", NULL, "one JSON object a line on standard output", OPTION_FLAG, GROUP_OUTPUT,
     FIELD(json), 0, 0},
    {"quiet", NULL, "no progress", OPTION_FLAG, GROUP_OUTPUT, FIELD(quiet), 0, 0},
    {"verbose", NULL, "a line for each candidate, the schedule with the result", OPTION_FLAG,
     GROUP_OUTPUT, FIELD(verbose), 0, 0},
    {"help", NULL, "this text", OPTION_FLAG, 0, FIELD(help), 0, 0},
};

enum {
    OPTION_COUNT = sizeof options / sizeof options[0]
};

static bool belongs(const struct option *option, unsigned groups) {
    return !option->group || (option->group & groups);
}

static const struct option *find_option(const char *name, size_t length, unsigned groups) {
    for (int i = 0; i < OPTION_COUNT; i++)
        if (strlen(options[i].name) == length && !memcmp(options[i].name, name, length) &&
            belongs(&options[i], groups))
            return &options[i];
    return NULL;
}

static bool is_operator_key(const char *name, size_t length) {
    for (int i = 0; operator_definitions[i]; i++)
        for (const struct operator_key *key = operator_definitions[i]->keys; key->name; key++)
            if (strlen(key->name) == length && !memcmp(key->name, name, length))
                return true;
    return false;
}

static dlt_status unknown_option(const struct cli *cli, const char *given, struct error *error) {
    struct text names = {0};
    for (int i = 0; i < OPTION_COUNT; i++)
        if (belongs(&options[i], cli->command->groups))
            text_format(&names, " --%s", options[i].name);
    if (cli->command->groups & GROUP_WORKLOAD)
        text_append(&names, ", or a key of the workload such as --layout");
    error_set(error, DLT_ERROR_ARGUMENT, "%.*s: unknown option; it may be one of:%s",
              (int)strcspn(given, "="), given, text_string(&names));
    text_free(&names);
    return DLT_ERROR_ARGUMENT;
}

/* ---- values ---- */

static dlt_status read_number(const struct option *option, const char *value, int64_t *number,
                              struct error *error) {
    char *end;
    errno = 0;
    long long read = strtoll(value, &end, 10);
    if (errno || end == value || *end || (double)read < option->lowest ||
        (double)read > option->highest)
        return error_set(error, DLT_ERROR_ARGUMENT, "--%s: '%s' is not a number from %.0f to %.0f",
                         option->name, value, option->lowest, option->highest);
    *number = read;
    return DLT_OK;
}

static dlt_status read_real(const struct option *option, const char *value, double *number,
                            struct error *error) {
    double read;
    if (!number_parse(value, &read) || !isfinite(read) || read <= 0 || read > option->highest)
        return error_set(error, DLT_ERROR_ARGUMENT,
                         "--%s: '%s' is not a number above 0, up to %.0f", option->name, value,
                         option->highest);
    *number = read;
    return DLT_OK;
}

/* Appends key=value to the workload's text, in quotes so that spaces stay within. */
static dlt_status add_attribute(struct cli *cli, const char *key, size_t key_length,
                                const char *value, size_t length, struct error *error) {
    char quote = memchr(value, '"', length) ? '\'' : '"';
    if (!length)
        return error_set(error, DLT_ERROR_ARGUMENT, "%.*s: its value is empty", (int)key_length,
                         key);
    if (memchr(value, quote, length))
        return error_set(error, DLT_ERROR_ARGUMENT, "%.*s: '%.*s' has both kinds of quotes",
                         (int)key_length, key, (int)length, value);
    text_format(&cli->attributes, " %.*s=%c%.*s%c", (int)key_length, key, quote, (int)length, value,
                quote);
    return DLT_OK;
}

/* A comma starts a new pair only if a '=' follows before the next one: pad=1,1,2,2 is one pair. */
static size_t pair_length(const char *text) {
    size_t length = strcspn(text, ",");
    while (text[length]) {
        size_t next = strcspn(text + length + 1, ",=");
        if (text[length + 1 + next] == '=' || !next)
            break;
        length += 1 + next;
    }
    return length;
}

static dlt_status read_shape(struct cli *cli, const char *value, struct error *error) {
    for (const char *pair = value;; pair++) {
        size_t length = pair_length(pair);
        const char *equals = memchr(pair, '=', length);
        if (!equals || equals == pair)
            return error_set(error, DLT_ERROR_ARGUMENT,
                             "--shape: '%s' is not a list of key=value such as n=1,c=64,h=56",
                             value);
        TRY(add_attribute(cli, pair, (size_t)(equals - pair), equals + 1,
                          length - (size_t)(equals + 1 - pair), error));
        pair += length;
        if (!*pair)
            return DLT_OK;
    }
}

static dlt_status set_option(struct cli *cli, const struct option *option, const char *value,
                             struct error *error) {
    void *field = (char *)&cli->options + option->offset;
    switch (option->kind) {
    case OPTION_FLAG:
        *(bool *)field = true;
        return DLT_OK;
    case OPTION_TEXT:
        if (!*value)
            return error_set(error, DLT_ERROR_ARGUMENT, "--%s: its value is empty: %s",
                             option->name, option->argument);
        *(const char **)field = value;
        return DLT_OK;
    case OPTION_NUMBER:
        return read_number(option, value, field, error);
    case OPTION_REAL:
        return read_real(option, value, field, error);
    case OPTION_SHAPE:
        return read_shape(cli, value, error);
    }
    return DLT_OK;
}

/* ---- parsing ---- */

/* One option, with its value after '=' or in the next argument; answers how many were used. */
static dlt_status parse_option(struct cli *cli, int count, char *const *arguments, int *used,
                               struct error *error) {
    const char *name = arguments[0] + 2, *equals = strchr(name, '='), *value = NULL;
    size_t length = equals ? (size_t)(equals - name) : strlen(name);
    const struct option *option = find_option(name, length, cli->command->groups);
    bool of_workload =
        !option && (cli->command->groups & GROUP_WORKLOAD) && is_operator_key(name, length);
    *used = 1;
    if (!option && !of_workload)
        return unknown_option(cli, arguments[0], error);
    if (option && option->kind == OPTION_FLAG) {
        if (equals)
            return error_set(error, DLT_ERROR_ARGUMENT, "--%s: takes no value, but got '%s'",
                             option->name, equals + 1);
        return set_option(cli, option, NULL, error);
    }
    if (equals)
        value = equals + 1;
    else if (count > 1)
        value = arguments[(*used)++];
    if (!value)
        return error_set(error, DLT_ERROR_ARGUMENT, "--%.*s: its value is missing: %s", (int)length,
                         name, option ? option->argument : "see the workload's keys in --help");
    if (of_workload)
        return add_attribute(cli, name, length, value, strlen(value), error);
    return set_option(cli, option, value, error);
}

static dlt_status unknown_strategy(const char *name, struct error *error) {
    struct text names = {0};
    for (int i = 0; strategies[i]; i++)
        text_format(&names, " %s", strategies[i]->name);
    error_set(error, DLT_ERROR_ARGUMENT, "--strategy: '%s' is unknown; it may be one of:%s", name,
              text_string(&names));
    text_free(&names);
    return DLT_ERROR_ARGUMENT;
}

/* The strategies and algorithms are lists of words known here. */
static dlt_status check_words(const struct options *given, struct error *error) {
    if (given->strategy && !strategy_find(given->strategy))
        return unknown_strategy(given->strategy, error);
    for (const char *word = given->algorithm; word && *word;) {
        size_t length = strcspn(word, ",");
        if (!(length == 3 && !memcmp(word, "all", 3)) &&
            !(length == 6 && !memcmp(word, "direct", 6)))
            return error_set(error, DLT_ERROR_ARGUMENT,
                             "--algorithm: '%.*s' is unknown; it may be one of: all direct",
                             (int)length, word);
        word += length;
        word += *word == ',';
    }
    return DLT_OK;
}

dlt_status options_parse(struct cli *cli, int count, char *const *arguments, struct error *error) {
    bool only_words = false;
    cli->options.threads = 1;
    cli->options.patience = -1;
    cli->options.target = "native";
    cli->words = ARENA_ARRAY(&cli->arena, const char *, (size_t)count + 1);
    for (int i = 0, used; i < count; i += used) {
        const char *argument = arguments[i];
        used = 1;
        if (!only_words && !strcmp(argument, "--"))
            only_words = true;
        else if (!only_words && !strcmp(argument, "-h"))
            cli->options.help = true;
        else if (!only_words && !strncmp(argument, "--", 2))
            TRY(parse_option(cli, count - i, arguments + i, &used, error));
        else if (!only_words && argument[0] == '-' && argument[1])
            return unknown_option(cli, argument, error);
        else
            cli->words[cli->word_count++] = argument;
    }
    return check_words(&cli->options, error);
}

void options_print_help(unsigned groups) {
    printf("options:\n");
    for (int i = 0; i < OPTION_COUNT; i++) {
        char left[64];
        if (!belongs(&options[i], groups))
            continue;
        snprintf(left, sizeof left, "--%s%s%s", options[i].name, options[i].argument ? " " : "",
                 options[i].argument ? options[i].argument : "");
        printf("  %-22s %s\n", left, options[i].help);
    }
}
