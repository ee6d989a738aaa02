/* Checksums of records: a digit that changed within a row is noticed by nothing else.
 *
 * SQLite checks how its pages hang together, not what is in them. So each record carries a hash of
 * all it says, names included, and is compared with it whenever it is read; a model likewise. SQL
 * knows the same hashes as the functions record_checksum, whose arguments are the columns
 * RECORD_VALUES, and model_checksum. What is hashed,
 * and in which order, is part of the file's format: a change needs a new version of the schema. */
#include "db/private.h"

#include "base/hash.h"

#include <math.h>
#include <string.h>

static uint64_t add_text(uint64_t hash, const char *text) {
    return text ? hash_combine(hash, hash_string(text)) : hash_combine(hash, 0);
}

/* SQLite keeps NaN as NULL, and no sign of zero; a number that is none counts as boundless. */
double database_number(double number) {
    return isnan(number) ? INFINITY : number == 0 ? 0 : number;
}

static uint64_t add_number(uint64_t hash, double number) {
    uint64_t word;
    number = database_number(number);
    memcpy(&word, &number, sizeof word);
    return hash_combine(hash, word);
}

int64_t record_checksum(const struct record *record) {
    const char *const texts[] = {record->task,    record->host,  record->generator,
                                 record->trace,   record->knobs, record->outcome,
                                 record->message, record->clock, record->layouts};
    const double numbers[] = {record->median_us, record->minimum_us, record->spread,
                              record->max_error, record->peak_gflops};
    uint64_t hash = hash_bytes(record->identity, sizeof record->identity);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        hash = add_text(hash, texts[i]);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        hash = add_number(hash, numbers[i]);
    hash = hash_combine(hash, record->verified | (uint64_t)record->finalist << 1);
    hash = hash_combine(hash, (uint64_t)record->seed);
    return (int64_t)hash_combine(hash, (uint64_t)record->created);
}

/* Of all that a model says, its bytes too. */
int64_t model_checksum(const struct model *model) {
    uint64_t hash = hash_bytes(model->bytes, model->byte_count);
    const char *const texts[] = {model->name, model->target, model->host, model->features};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        hash = add_text(hash, texts[i]);
    hash = hash_combine(hash, (uint64_t)model->records);
    return (int64_t)hash_combine(hash, (uint64_t)model->created);
}

static const char *text_of(sqlite3_value *value) {
    return (const char *)sqlite3_value_text(value);
}

/* The SQL function. */
static void answer_checksum(sqlite3_context *context, int count, sqlite3_value **values) {
    struct record record = {0};
    const char **const texts[] = {&record.task,    &record.host,  &record.generator,
                                  &record.trace,   &record.knobs, &record.outcome,
                                  &record.message, &record.clock, &record.layouts};
    double *const numbers[] = {&record.median_us, &record.minimum_us, &record.spread,
                               &record.max_error, &record.peak_gflops};
    const void *identity = sqlite3_value_blob(values[0]);
    int next = 1;
    (void)count;
    if (identity && sqlite3_value_bytes(values[0]) == IDENTITY_BYTES)
        memcpy(record.identity, identity, IDENTITY_BYTES);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        *texts[i] = text_of(values[next++]);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        *numbers[i] = sqlite3_value_double(values[next++]);
    record.verified = sqlite3_value_int(values[next++]);
    record.finalist = sqlite3_value_int(values[next++]);
    record.seed = sqlite3_value_int64(values[next++]);
    record.created = sqlite3_value_int64(values[next++]);
    sqlite3_result_int64(context, record_checksum(&record));
}

static void answer_model_checksum(sqlite3_context *context, int count, sqlite3_value **values) {
    struct model model = {.name = text_of(values[0]),
                          .target = text_of(values[1]),
                          .host = text_of(values[2]),
                          .features = text_of(values[3]),
                          .records = sqlite3_value_int64(values[4]),
                          .created = sqlite3_value_int64(values[5]),
                          .bytes = sqlite3_value_blob(values[6])};
    (void)count;
    model.byte_count = (size_t)sqlite3_value_bytes(values[6]);
    sqlite3_result_int64(context, model_checksum(&model));
}

int database_add_functions(sqlite3 *connection) {
    const int flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC;
    int code = sqlite3_create_function(connection, "record_checksum", RECORD_VALUE_COUNT, flags,
                                       NULL, answer_checksum, NULL, NULL);
    return code ? code
                : sqlite3_create_function(connection, "model_checksum", MODEL_VALUE_COUNT, flags,
                                          NULL, answer_model_checksum, NULL, NULL);
}
