/* Records as JSON lines; see exchange.h.
 *
 * Numbers are printed with as many digits as it takes to read the same number back. JSON has no
 * infinity: null stands for it. */
#include "exchange/exchange.h"

#include "json/number.h"

#include <cJSON.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

enum field_kind {
    FIELD_STRING,
    FIELD_STRING_OR_NULL,
    FIELD_REAL,
    FIELD_INTEGER,
    FIELD_BOOLEAN,
};

static const struct field {
    const char *name;
    enum field_kind kind;
    size_t offset; /* in struct record */
} fields[] = {
    {"task", FIELD_STRING, offsetof(struct record, task)},
    {"host", FIELD_STRING, offsetof(struct record, host)},
    {"generator", FIELD_STRING, offsetof(struct record, generator)},
    {"trace", FIELD_STRING, offsetof(struct record, trace)},
    {"knobs", FIELD_STRING, offsetof(struct record, knobs)},
    {"outcome", FIELD_STRING, offsetof(struct record, outcome)},
    {"message", FIELD_STRING_OR_NULL, offsetof(struct record, message)},
    {"clock", FIELD_STRING, offsetof(struct record, clock)},
    {"layouts", FIELD_STRING, offsetof(struct record, layouts)},
    {"median_us", FIELD_REAL, offsetof(struct record, median_us)},
    {"minimum_us", FIELD_REAL, offsetof(struct record, minimum_us)},
    {"spread", FIELD_REAL, offsetof(struct record, spread)},
    {"max_error", FIELD_REAL, offsetof(struct record, max_error)},
    {"peak_gflops", FIELD_REAL, offsetof(struct record, peak_gflops)},
    {"verified", FIELD_BOOLEAN, offsetof(struct record, verified)},
    {"finalist", FIELD_BOOLEAN, offsetof(struct record, finalist)},
    {"seed", FIELD_INTEGER, offsetof(struct record, seed)},
    {"created", FIELD_INTEGER, offsetof(struct record, created)},
};

enum {
    FIELD_COUNT = sizeof fields / sizeof fields[0],
    IDENTITY_DIGITS = 2 * IDENTITY_BYTES,
};

/* 2 to the 53rd: doubles know all integers up to it. */
#define MAX_EXACT_INTEGER 9007199254740992.0

/* ---- printing ---- */

static bool add_field(cJSON *object, const struct field *field, const struct record *record) {
    const void *value = (const char *)record + field->offset;
    const char *string;
    char number[40];
    switch (field->kind) {
    case FIELD_STRING:
    case FIELD_STRING_OR_NULL:
        string = *(const char *const *)value;
        return string ? cJSON_AddStringToObject(object, field->name, string) != NULL
                      : cJSON_AddNullToObject(object, field->name) != NULL;
    case FIELD_REAL:
        return json_add_number(object, field->name, *(const double *)value) != NULL;
    case FIELD_INTEGER: /* large ones as strings: many readers know doubles only */
        snprintf(number, sizeof number, "%" PRId64, *(const int64_t *)value);
        return fabs((double)*(const int64_t *)value) < MAX_EXACT_INTEGER
                   ? cJSON_AddRawToObject(object, field->name, number) != NULL
                   : cJSON_AddStringToObject(object, field->name, number) != NULL;
    case FIELD_BOOLEAN:
        return cJSON_AddBoolToObject(object, field->name, *(const bool *)value) != NULL;
    }
    return false;
}

static bool add_all(cJSON *object, const struct record *record) {
    char identity[IDENTITY_DIGITS + 1];
    for (int i = 0; i < IDENTITY_BYTES; i++)
        snprintf(identity + 2 * i, 3, "%02x", record->identity[i]);
    if (!cJSON_AddStringToObject(object, "schema", EXCHANGE_SCHEMA) ||
        !cJSON_AddStringToObject(object, "identity", identity))
        return false;
    for (int i = 0; i < FIELD_COUNT; i++)
        if (!add_field(object, &fields[i], record))
            return false;
    return true;
}

dlt_status exchange_print(const struct record *record, struct text *line, struct error *error) {
    cJSON *object = cJSON_CreateObject();
    char *printed = object && add_all(object, record) ? cJSON_PrintUnformatted(object) : NULL;
    if (printed) {
        text_append(line, printed);
        text_append(line, "\n");
    }
    cJSON_Delete(object);
    if (!printed || line->failed) {
        cJSON_free(printed);
        return error_set(error, DLT_ERROR_MEMORY, "out of memory");
    }
    cJSON_free(printed);
    return DLT_OK;
}

/* ---- parsing ---- */

static dlt_status refuse(const char *name, const cJSON *item, const char *what,
                         struct error *error) {
    return error_set(error, DLT_ERROR_ARGUMENT, item ? "%s: is not %s" : "%s: missing; it is %s",
                     name, what);
}

static dlt_status parse_real(const struct field *field, const cJSON *item, double *number,
                             struct error *error) {
    if (cJSON_IsNull(item))
        *number = INFINITY;
    else if (cJSON_IsNumber(item) && item->valuedouble >= 0)
        *number = item->valuedouble;
    else
        return refuse(field->name, item, "a number from 0, or null for an infinite one", error);
    return DLT_OK;
}

static dlt_status parse_integer(const struct field *field, const cJSON *item, int64_t *number,
                                struct error *error) {
    char *end;
    if (cJSON_IsNumber(item) && fabs(item->valuedouble) < MAX_EXACT_INTEGER &&
        item->valuedouble == floor(item->valuedouble)) {
        *number = (int64_t)item->valuedouble;
        return DLT_OK;
    }
    if (!cJSON_IsString(item) || !*item->valuestring)
        return refuse(field->name, item, "an integer, or a string of one", error);
    errno = 0;
    *number = strtoll(item->valuestring, &end, 10);
    return errno || *end ? refuse(field->name, item, "an integer of 64 bits", error) : DLT_OK;
}

static dlt_status parse_field(const cJSON *object, const struct field *field, struct record *record,
                              struct error *error) {
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, field->name);
    void *value = (char *)record + field->offset;
    switch (field->kind) {
    case FIELD_STRING:
    case FIELD_STRING_OR_NULL:
        if (field->kind == FIELD_STRING_OR_NULL && (!item || cJSON_IsNull(item)))
            return DLT_OK;
        if (!cJSON_IsString(item))
            return refuse(field->name, item, "a string", error);
        *(const char **)value = item->valuestring;
        return DLT_OK;
    case FIELD_REAL:
        return parse_real(field, item, value, error);
    case FIELD_INTEGER:
        return parse_integer(field, item, value, error);
    case FIELD_BOOLEAN:
        if (!cJSON_IsBool(item))
            return refuse(field->name, item, "true or false", error);
        *(bool *)value = cJSON_IsTrue(item);
        return DLT_OK;
    }
    return DLT_OK;
}

static dlt_status parse_identity(const cJSON *object, struct record *record, struct error *error) {
    static const char digits[] = "0123456789abcdef";
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, "identity");
    const char *text = cJSON_IsString(item) ? item->valuestring : "";
    if (strlen(text) != IDENTITY_DIGITS || strspn(text, digits) != IDENTITY_DIGITS)
        return refuse("identity", item, "a string of 32 hexadecimal digits", error);
    for (int i = 0; i < IDENTITY_BYTES; i++)
        record->identity[i] = (unsigned char)((strchr(digits, text[2 * i]) - digits) << 4 |
                                              (strchr(digits, text[2 * i + 1]) - digits));
    return DLT_OK;
}

static dlt_status parse_object(const cJSON *object, struct record *record, struct error *error) {
    const cJSON *schema = cJSON_GetObjectItemCaseSensitive(object, "schema");
    if (!cJSON_IsObject(object))
        return error_set(error, DLT_ERROR_ARGUMENT, "is not a JSON object");
    if (!cJSON_IsString(schema))
        return refuse("schema", schema, "\"" EXCHANGE_SCHEMA "\"", error);
    if (strcmp(schema->valuestring, EXCHANGE_SCHEMA) != 0)
        return error_set(error, DLT_ERROR_ARGUMENT,
                         "schema: '%.60s' is not known to this dltune, only " EXCHANGE_SCHEMA,
                         schema->valuestring);
    TRY(parse_identity(object, record, error));
    for (int i = 0; i < FIELD_COUNT; i++)
        TRY(parse_field(object, &fields[i], record, error));
    return record_own(record, error);
}

dlt_status exchange_parse(const char *line, struct record *record, struct error *error) {
    cJSON *object = json_parse(line, strlen(line) + 1);
    dlt_status status;
    *record = (struct record){0};
    status = object ? parse_object(object, record, error)
                    : error_set(error, DLT_ERROR_ARGUMENT, "is not JSON");
    if (status != DLT_OK)
        *record = (struct record){0}; /* its strings were the object's */
    cJSON_Delete(object);
    return status;
}

/* ---- files ---- */

struct exporting {
    FILE *file;
    struct text line;
    struct transfer *transfer;
    struct error *error;
    dlt_status status;
};

static bool export_record(void *context, const struct record *record) {
    struct exporting *exporting = context;
    text_clear(&exporting->line);
    exporting->status = exchange_print(record, &exporting->line, exporting->error);
    if (exporting->status == DLT_OK && fputs(text_string(&exporting->line), exporting->file) < 0)
        exporting->status =
            error_set(exporting->error, DLT_ERROR_SYSTEM, "cannot be written: %s", strerror(errno));
    exporting->transfer->read++;
    return exporting->status == DLT_OK;
}

dlt_status exchange_export(struct database *database, const char *task, FILE *file,
                           struct transfer *transfer, struct error *error) {
    struct exporting exporting = {.file = file, .transfer = transfer, .error = error};
    dlt_status status;
    *transfer = (struct transfer){0};
    status = database_records(database, task, export_record, &exporting, error);
    text_free(&exporting.line);
    if (status == DLT_OK)
        status = exporting.status;
    if (status == DLT_OK && fflush(file) != 0)
        status = error_set(error, DLT_ERROR_SYSTEM, "cannot be written: %s", strerror(errno));
    return status;
}

struct importing {
    FILE *file;
    const char *name;
    const struct taking *taking;
    struct transfer *transfer;
};

/* DLT_ERROR_ARGUMENT: the line does not pass the gate. */
static dlt_status import_line(struct database *database, const char *line,
                              struct transfer *transfer, struct error *error) {
    struct record record;
    dlt_status status = exchange_parse(line, &record, error);
    if (status != DLT_OK) {
        transfer->read++;
        return status;
    }
    status = database_take(database, &record, transfer, error);
    record_free(&record);
    return status;
}

static void leave(const struct importing *importing, int64_t number, const struct error *problem) {
    struct error told = *problem;
    importing->transfer->lost++;
    error_prefix(&told, "%s: line %" PRId64, importing->name, number);
    if (importing->taking->problem)
        importing->taking->problem(importing->taking->context, told.message);
}

static dlt_status end_import(const struct importing *importing, struct error *error) {
    const struct transfer *transfer = importing->transfer;
    if (!transfer->lost || importing->taking->skip)
        return DLT_OK;
    return error_set(error, DLT_ERROR_DATABASE,
                     "%s: %lld of %lld lines cannot be believed, so nothing was taken in",
                     importing->name, (long long)transfer->lost, (long long)transfer->read);
}

static dlt_status import_lines(struct database *database, void *context, struct error *error) {
    struct importing *importing = context;
    dlt_status status = DLT_OK;
    size_t capacity = 0;
    ssize_t length;
    char *line = NULL;
    for (int64_t number = 1; status == DLT_OK; number++) {
        if ((length = getline(&line, &capacity, importing->file)) < 0)
            break;
        if (strlen(line) != (size_t)length) {
            importing->transfer->read++;
            status = error_set(error, DLT_ERROR_ARGUMENT, "has a zero byte in it");
        } else if (line[strspn(line, " \t\r\n")]) {
            status = import_line(database, line, importing->transfer, error);
        }
        if (status == DLT_ERROR_ARGUMENT) {
            leave(importing, number, error);
            status = DLT_OK;
        }
    }
    free(line);
    if (status == DLT_OK && ferror(importing->file))
        return error_set(error, DLT_ERROR_SYSTEM, "%s: %s", importing->name, strerror(errno));
    return status == DLT_OK ? end_import(importing, error) : status;
}

dlt_status exchange_import(struct database *database, FILE *file, const char *name,
                           const struct taking *taking, struct transfer *transfer,
                           struct error *error) {
    struct importing importing = {
        .file = file, .name = name, .taking = taking, .transfer = transfer};
    *transfer = (struct transfer){0};
    dlt_status status = database_transact(database, import_lines, &importing, error);
    if (status != DLT_OK)
        transfer->added = 0;
    return status;
}
