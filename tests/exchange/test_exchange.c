/* Records as JSON lines: exactly what went out comes in, once, and what is no record is refused by
 * line and key. */
#include "tests/db/support.h"

#include "exchange/exchange.h"

#include <math.h>

static struct record odd_record(void) {
    struct record record = sample(0.1 + 0.2);
    record.trace = "split output m 4 guard\nreorder c \"x.o\" \t\\ \303\251\n";
    record.message = "a 'quoted' \"word\"\n";
    record.max_error = INFINITY;
    record.minimum_us = 5e-324;
    record.peak_gflops = 1.7976931348623157e308;
    record.seed = INT64_MAX;
    record.created = -5;
    record.finalist = true;
    for (int i = 0; i < IDENTITY_BYTES; i++)
        record.identity[i] = (unsigned char)(i * 17);
    return record;
}

static void a_record_survives_the_way(void **state) {
    struct record in = odd_record(), out;
    struct text line = {0}, again = {0};
    (void)state;
    assert_int_equal(exchange_print(&in, &line, &error), DLT_OK);
    assert_int_equal(strcspn(text_string(&line), "\n"), line.length - 1);
    if (exchange_parse(text_string(&line), &out, &error) != DLT_OK)
        fail_msg("%s", error.message);
    assert_memory_equal(out.identity, in.identity, IDENTITY_BYTES);
    assert_string_equal(out.trace, in.trace);
    assert_string_equal(out.message, in.message);
    assert_true(out.median_us == in.median_us && out.minimum_us == in.minimum_us);
    assert_true(isinf(out.max_error) && out.peak_gflops == in.peak_gflops);
    assert_true(out.seed == in.seed && out.created == in.created && out.finalist && out.verified);
    assert_int_equal(exchange_print(&out, &again, &error), DLT_OK);
    assert_string_equal(text_string(&again), text_string(&line));
    record_free(&out);
    text_free(&line);
    text_free(&again);
}

/* The line of a good record with one piece of it replaced. */
static void refused(const char *piece, const char *other, const char *words) {
    struct record in = odd_record(), out;
    struct text line = {0}, changed = {0};
    assert_int_equal(exchange_print(&in, &line, &error), DLT_OK);
    const char *at = strstr(text_string(&line), piece);
    assert_non_null(at);
    text_append_bytes(&changed, line.data, (size_t)(at - line.data));
    text_append(&changed, other);
    text_append(&changed, at + strlen(piece));
    assert_int_equal(exchange_parse(text_string(&changed), &out, &error), DLT_ERROR_ARGUMENT);
    if (!strstr(error.message, words))
        fail_msg("'%s' is not in '%s'", words, error.message);
    record_free(&out); /* harmless */
    text_free(&line);
    text_free(&changed);
}

static void what_is_no_record_is_refused_by_name(void **state) {
    (void)state;
    refused("{", "[", "is not JSON");
    refused("{", "7 {", "is not a JSON object");
    refused("dltune-record/1", "dltune-record/2", "'dltune-record/2' is not known");
    refused("\"schema\"", "\"skema\"", "schema: missing");
    refused("\"task\":\"", "\"task\":[\"", "is not JSON");
    refused("\"task\":", "\"tusk\":", "task: missing; it is a string");
    refused("\"verified\":true", "\"verified\":1", "verified: is not true or false");
    refused("\"seed\":\"9", "\"seed\":\"9x", "seed: is not an integer of 64 bits");
    refused("\"seed\":\"9", "\"seed\":\"99999", "seed: is not an integer of 64 bits");
    refused("\"created\":-5", "\"created\":-5.5", "created: is not an integer");
    refused("\"spread\":", "\"spread\":-", "spread: is not a number from 0");
    refused("00112233", "0011223", "identity: is not a string of 32 hexadecimal digits");
    refused("aabb", "AABB", "identity: is not");
}

static void fill(const char *name, int count) {
    struct database *database = open_for(name, DATABASE_WRITE);
    for (int i = 0; i < count; i++) {
        struct record record = sample(i + 1);
        add(database, &record);
    }
    database_close(database);
}

static char problems[4096]; /* of the last import */
static bool skip;

static bool keep_problem(void *context, const char *problem) {
    (void)context;
    strcat(strcat(problems, problem), "|");
    return true;
}

static struct transfer import(const char *name, const char *lines, dlt_status wanted) {
    struct database *database = open_for(name, DATABASE_WRITE);
    FILE *file = fopen(in_folder(lines), "r");
    const struct taking taking = {.skip = skip, .problem = keep_problem};
    struct transfer transfer;
    problems[0] = 0;
    assert_non_null(file);
    assert_int_equal(exchange_import(database, file, lines, &taking, &transfer, &error), wanted);
    fclose(file);
    database_close(database);
    return transfer;
}

static void export(const char *name, const char *lines) {
    struct database *database = open_for(name, DATABASE_READ);
    FILE *file = fopen(in_folder(lines), "w");
    struct transfer transfer;
    assert_non_null(file);
    assert_int_equal(exchange_export(database, NULL, file, &transfer, &error), DLT_OK);
    fclose(file);
    database_close(database);
}

static void files_come_and_go(void **state) {
    struct transfer transfer;
    (void)state;
    fill("a.db", 7);
    export("a.db", "lines");
    transfer = import("b.db", "lines", DLT_OK);
    assert_int_equal(transfer.read, 7);
    assert_int_equal(transfer.added, 7);
    assert_int_equal(import("b.db", "lines", DLT_OK).added, 0);
    assert_int_equal(import("a.db", "lines", DLT_OK).added, 0);
    export("b.db", "again");
    char command[1200];
    snprintf(command, sizeof command, "cmp %s %s", in_folder("lines"), in_folder("again"));
    assert_int_equal(system(command), 0);
}

static void a_bad_line_takes_nothing_in(void **state) {
    struct transfer transfer;
    FILE *file;
    (void)state;
    fill("a.db", 3);
    export("a.db", "lines");
    file = fopen(in_folder("lines"), "a");
    fputs("\n  \n{\"schema\":\"dltune-record/1\"}\n", file);
    fclose(file);
    transfer = import("b.db", "lines", DLT_ERROR_DATABASE);
    assert_int_equal(transfer.added, 0);
    assert_non_null(strstr(problems, "lines: line 6: identity: missing"));
    assert_string_equal(error.message,
                        "lines: 1 of 4 lines cannot be believed, so nothing was taken in");
    export("b.db", "again");
    struct stat status;
    assert_int_equal(stat(in_folder("again"), &status), 0);
    assert_int_equal(status.st_size, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_record_survives_the_way),
        TEST(what_is_no_record_is_refused_by_name),
        TEST(files_come_and_go),
        TEST(a_bad_line_takes_nothing_in),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
