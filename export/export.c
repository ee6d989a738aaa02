/* Exporting: checks first, then everything in memory, then the files; see export.h. */
#include "export/private.h"

#include "base/plain.h"
#include "ir/lower.h"
#include "schedules/schedule.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

dlt_status export_check_name(const char *name, struct error *error) {
    bool good = name && (plain_is_letter(*name) || *name == '_');
    for (const char *c = name; good && *c; c++)
        good = plain_is_alphanumeric(*c) || *c == '_';
    if (!good || strlen(name) > EXPORT_MAX_NAME)
        return error_set(
            error, DLT_ERROR_ARGUMENT,
            "name: '%.80s' is no C identifier of 1 to %d letters, digits and underscores",
            name ? name : "", EXPORT_MAX_NAME);
    return DLT_OK;
}

static dlt_status check_options(const struct export_options *options, struct error *error) {
    TRY(export_check_name(options->name, error));
    if (!options->folder || !*options->folder)
        return error_set(error, DLT_ERROR_ARGUMENT, "folder: the path is empty");
    if (options->kernel_count < 1)
        return error_set(error, DLT_ERROR_ARGUMENT, "kernels: there is none to export");
    for (int i = 0; i < options->kernel_count; i++)
        for (int j = 0; j < i; j++)
            if (strcmp(options->kernels[i].task->key, options->kernels[j].task->key) == 0)
                return error_set(error, DLT_ERROR_ARGUMENT, "kernels: `%s` is listed twice",
                                 options->kernels[i].task->key);
    return DLT_OK;
}

static void list_tensors(struct entry *entry, const struct expression *expression) {
    for (int i = 0; i < expression->tensor_count; i++) {
        const struct tensor *tensor = expression->tensors[i];
        if (tensor->kind == TENSOR_VARIABLE)
            entry->variables[entry->variable_count++] = tensor;
        else if (tensor->kind == TENSOR_PARAMETER)
            entry->parameters[entry->parameter_count++] = tensor;
    }
    entry->output = expression_result(expression);
}

/* The entry that a kernel is a version of: that of the same workload and threads, or a new one. */
static dlt_status entry_of(struct library *library, const struct task *task, struct entry **found,
                           struct error *error) {
    struct entry *entry;
    for (int i = 0; i < library->entry_count; i++) {
        *found = entry = &library->entries[i];
        if (strcmp(entry->task->identifier, task->identifier) != 0)
            continue;
        if (strcmp(entry->task->workload, task->workload) == 0 &&
            entry->task->threads == task->threads)
            return DLT_OK;
        return error_set(error, DLT_ERROR_ARGUMENT,
                         "kernels: `%.200s` and `%.200s` are both called %s; export them into "
                         "libraries of different names",
                         entry->task->workload, task->workload, task->identifier);
    }
    *found = entry = &library->entries[library->entry_count++];
    entry->task = task;
    list_tensors(entry, task->expression);
    name_arguments(library, entry);
    return DLT_OK;
}

/* Puts a version in its place: instructions that include others' come before them. */
static dlt_status add_version(struct library *library, struct unit *unit, struct error *error) {
    struct entry *entry;
    int place;
    TRY(entry_of(library, unit->task, &entry, error));
    place = entry->version_count++;
    if (place == MAX_VERSIONS)
        return error_set(error, DLT_ERROR_ARGUMENT,
                         "kernels: `%s` is there for more than %d targets", unit->task->workload,
                         MAX_VERSIONS);
    for (; place > 0 && entry->versions[place - 1]->features < unit->features; place--)
        entry->versions[place] = entry->versions[place - 1];
    entry->versions[place] = unit;
    unit->prefix = arena_format(&library->arena, "%s__%s_%s", library->name, unit->task->identifier,
                                identifier_of(&library->arena, unit->task->target));
    return DLT_OK;
}

static dlt_status lower_unit(struct arena *arena, struct unit *unit, struct error *error) {
    struct schedule *schedule = schedule_create(arena, unit->task->collapsed);
    dlt_status status = schedule_replay(schedule, unit->trace, error);
    if (status == DLT_OK) {
        unit->stores_once = schedule_stores_once(schedule);
        status = lower(arena, schedule, &unit->target, NULL, NULL, &unit->program, error);
    }
    schedule_free(schedule);
    return status == DLT_OK ? DLT_OK : error_prefix(error, "%s", unit->task->key);
}

static dlt_status fill_units(struct library *library, const struct export_options *options,
                             struct error *error) {
    struct arena *arena = &library->arena;
    library->units = ARENA_ARRAY(arena, struct unit, (size_t)options->kernel_count);
    library->entries = ARENA_ARRAY(arena, struct entry, (size_t)options->kernel_count);
    for (int i = 0; i < options->kernel_count; i++) {
        struct unit *unit = &library->units[i];
        unit->task = options->kernels[i].task;
        unit->trace = options->kernels[i].trace;
        TRY(target_describe(unit->task->target, &unit->target, error));
        TRY(target_features(unit->task->target, &unit->features, error));
        TRY(add_version(library, unit, error));
        TRY(lower_unit(arena, unit, error));
        library->unit_count = i + 1;
    }
    return DLT_OK;
}

/* The files' contents. */
struct contents {
    struct text declarations, definitions, header, source, object, archive, package;
};

static void print_header(const char *name, struct contents *contents) {
    struct text *out = &contents->header;
    text_format(
        out,
        "/* lib%s.a: kernels made by dltune. Link it; nothing else is needed.\n"
        " *\n"
        " * For each kernel: pack the parameters once, then run it as often as needed, from any\n"
        " * threads, each with a workspace of its own. Inputs and outputs need the alignment of\n"
        " * their elements, packed and workspace 64 bytes; blocks of 0 bytes may be NULL.\n"
        " * The output shares no element with an input, unless a comment says that it may be\n"
        " * that input itself.\n"
        " * `threads` NULL means the calling thread alone. */\n"
        "#ifndef DLTUNE_%s_H\n#define DLTUNE_%s_H\n\n#include <stddef.h>\n\n"
        "#ifdef __cplusplus\nextern \"C\" {\n#endif\n\n",
        name, name, name);
    text_append(out, text_string(&contents->declarations));
    text_append(out, "#ifdef __cplusplus\n}\n#endif\n#endif\n");
}

static void print_package(const char *name, struct text *out) {
    text_format(out,
                "libdir=${pcfiledir}\nincludedir=${pcfiledir}\n\n"
                "Name: %s\nDescription: kernels made by dltune\nVersion: 1\n"
                "Cflags: -I${includedir}\nLibs: -L${libdir} -l%s\n",
                name, name);
}

/* The object is compiled from the same text, its header put in place so that no file is needed. */
static dlt_status make_object(const char *name, const char *scratch, struct contents *contents,
                              struct error *error) {
    struct text whole = {0};
    char inner[EXPORT_MAX_NAME + 3];
    dlt_status status = DLT_OK;
    text_append(&whole, "typedef __SIZE_TYPE__ size_t;\n");
    text_append(&whole, text_string(&contents->declarations));
    text_append(&whole, text_string(&contents->definitions));
    if (whole.failed)
        status = error_set(error, DLT_ERROR_MEMORY, "out of memory");
    if (status == DLT_OK)
        status = compile_object(text_string(&whole), scratch, &contents->object, error);
    text_free(&whole);
    snprintf(inner, sizeof inner, "%s__", name);
    return status == DLT_OK ? object_finish(&contents->object, inner, error) : status;
}

/* All texts; they belong to the caller, who frees them whatever happens. */
static dlt_status print_texts(struct library *library, const struct export_options *options,
                              struct contents *contents, struct error *error) {
    if (arena_recover(&library->arena))
        return error_set(error, DLT_ERROR_MEMORY, "out of memory");
    TRY(fill_units(library, options, error));
    print_declarations(library, &contents->declarations);
    TRY(print_definitions(library, &contents->definitions, error));
    text_format(&contents->source, "/* lib%s.a as source; see %s.h. */\n#include \"%s.h\"\n\n",
                library->name, library->name, library->name);
    text_append(&contents->source, text_string(&contents->definitions));
    print_header(library->name, contents);
    print_package(library->name, &contents->package);
    return DLT_OK;
}

static bool is_folder(const char *path) {
    struct stat status;
    bool is_one = stat(path, &status) == 0 && S_ISDIR(status.st_mode);
    errno = is_one ? 0 : ENOTDIR;
    return is_one;
}

static dlt_status create_folders(const char *folder, struct error *error) {
    char path[4096];
    if (snprintf(path, sizeof path, "%s", folder) >= (int)sizeof path)
        return error_set(error, DLT_ERROR_ARGUMENT, "folder: the path is too long");
    for (char *slash = path + 1;; slash++) {
        char rest = *slash;
        if (rest && rest != '/')
            continue;
        *slash = 0;
        if (mkdir(path, 0777) != 0 && !(errno == EEXIST && is_folder(path)))
            return error_set(error, DLT_ERROR_SYSTEM, "%s: cannot create this folder: %s", path,
                             strerror(errno));
        *slash = rest;
        if (!rest)
            return DLT_OK;
    }
}

/* Written under another name first, so that a reader never finds half a file. */
static dlt_status write_file(const char *folder, const char *prefix, const char *name,
                             const char *suffix, const struct text *text, struct error *error) {
    char path[4096], unfinished[4096 + 16];
    if (text->failed)
        return error_set(error, DLT_ERROR_MEMORY, "out of memory");
    if (snprintf(path, sizeof path, "%s/%s%s%s", folder, prefix, name, suffix) >= (int)sizeof path)
        return error_set(error, DLT_ERROR_ARGUMENT, "folder: the path is too long");
    snprintf(unfinished, sizeof unfinished, "%s.%ld", path, (long)getpid());
    FILE *file = fopen(unfinished, "wb");
    if (!file)
        return error_set(error, DLT_ERROR_SYSTEM, "%s: cannot be written: %s", path,
                         strerror(errno));
    bool good = fwrite(text_string(text), 1, text->length, file) == text->length;
    good = fclose(file) == 0 && good;
    if (good && rename(unfinished, path) == 0)
        return DLT_OK;
    error_set(error, DLT_ERROR_SYSTEM, "%s: cannot be written: %s", path, strerror(errno));
    unlink(unfinished);
    return DLT_ERROR_SYSTEM;
}

static dlt_status write_files(const struct export_options *options, struct contents *contents,
                              struct error *error) {
    char scratch[4096], member[EXPORT_MAX_NAME + 3];
    const char *folder = options->folder, *name = options->name;
    TRY(create_folders(folder, error));
    if (snprintf(scratch, sizeof scratch, "%s/%s.o.%ld", folder, name, (long)getpid()) >=
        (int)sizeof scratch)
        return error_set(error, DLT_ERROR_ARGUMENT, "folder: the path is too long");
    snprintf(member, sizeof member, "%s.o", name);
    TRY(make_object(name, scratch, contents, error));
    TRY(archive_print(member, &contents->object, &contents->archive, error));
    TRY(write_file(folder, "", name, ".h", &contents->header, error));
    TRY(write_file(folder, "", name, ".c", &contents->source, error));
    TRY(write_file(folder, "", name, ".pc", &contents->package, error));
    return write_file(folder, "lib", name, ".a", &contents->archive, error);
}

static void free_contents(struct contents *contents) {
    struct text *const texts[] = {
        &contents->declarations, &contents->definitions, &contents->header, &contents->source,
        &contents->object,       &contents->archive,     &contents->package};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        text_free(texts[i]);
}

dlt_status export_library(const struct export_options *options, struct error *error) {
    struct library library = {.name = options->name, .comments = options->comments};
    struct contents contents = {0};
    dlt_status status;
    TRY(check_options(options, error));
    arena_initialise(&library.arena);
    status = print_texts(&library, options, &contents, error);
    library.arena.recoverable = false;
    if (status == DLT_OK)
        status = write_files(options, &contents, error);
    free_contents(&contents);
    arena_free(&library.arena);
    return status;
}
