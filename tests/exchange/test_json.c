/* Records and summaries as JSON. */
#include "tests/db/support.h"

#include "exchange/json.h"
#include "machine/description.h"

static void prints(cJSON *object, const char *expected) {
    char *text = cJSON_PrintUnformatted(object);
    assert_non_null(text);
    assert_string_equal(text, expected);
    free(text);
    cJSON_Delete(object);
}

static void a_right_record(void **state) {
    struct record record = sample(2);
    (void)state;
    prints(record_to_json(&record, 100000, 200000),
           "{\"task\":\"" TASK "\",\"status\":\"ok\",\"target\":\"c\",\"threads\":1,"
           "\"host\":\"here\",\"generator\":\"1\","
           "\"layouts\":{\"a\":\"m k\",\"b\":\"k n\",\"c\":\"m n\"},"
           "\"schedule\":\"split output m 4 guard\\n\",\"knobs\":{\"tile.x\":8,\"order\":\"xy\"},"
           "\"median_us\":2,\"min_us\":1,\"spread\":0.01,\"clock\":\"cpu\",\"gflops\":50,"
           "\"gflops_nominal\":100,\"peak_gflops\":100,\"peak_fraction\":0.5,\"max_error\":0.25,"
           "\"verified\":false,\"from\":\"here\",\"finalist\":false,\"seed\":3,\"created\":"
           "1700000000}");
}

/* Verified is what was compared here: not on another machine, and not before it was taken in. */
static void whose_a_record_is(void **state) {
    (void)state;
    for (int imported = 0; imported < 2; imported++) {
        struct record record = sample(2);
        cJSON *object, *from;
        record.host = host_name();
        record.imported = imported;
        object = record_to_json(&record, 0, 0);
        from = cJSON_GetObjectItem(object, "from");
        assert_int_equal(cJSON_IsTrue(cJSON_GetObjectItem(object, "verified")), !imported);
        assert_int_equal(cJSON_IsNull(from), !imported);
        if (imported)
            assert_string_equal(cJSON_GetStringValue(from), host_name());
        cJSON_Delete(object);
    }
}

static void a_failed_record_has_no_times(void **state) {
    struct record record = sample(0);
    (void)state;
    record.outcome = "crash";
    record.message = "signal 11";
    record.verified = false;
    record.layouts = "";
    record.knobs = "garbage";
    record.task = "odd";
    prints(
        record_to_json(&record, 100000, 0),
        "{\"task\":\"odd\",\"status\":\"failed\",\"outcome\":\"crash\",\"message\":\"signal 11\","
        "\"host\":\"here\",\"generator\":\"1\",\"layouts\":{},"
        "\"schedule\":\"split output m 4 guard\\n\",\"knobs\":{},"
        "\"verified\":false,\"from\":\"here\",\"finalist\":false,\"seed\":3,\"created\":"
        "1700000000}");
}

static void summaries(void **state) {
    (void)state;
    prints(task_summary_to_json(
               &(struct task_summary){.task = TASK, .records = 3, .right = 2, .best_us = 1.5}),
           "{\"task\":\"" TASK "\",\"target\":\"c\",\"threads\":1,\"records\":3,\"right\":2,"
           "\"best_us\":1.5}");
    prints(task_summary_to_json(&(struct task_summary){.task = "odd", .records = 1}),
           "{\"task\":\"odd\",\"records\":1,\"right\":0,\"best_us\":null}");
}

static void values_of_keys(void **state) {
    char value[8];
    (void)state;
    assert_true(task_key_value("op a=1  ab=22 c=", "ab", value, sizeof value));
    assert_string_equal(value, "22");
    assert_true(task_key_value("op a=1 ab=22 c=", "a", value, sizeof value));
    assert_string_equal(value, "1");
    assert_true(task_key_value("op a=1 ab=22 c=", "c", value, sizeof value));
    assert_string_equal(value, "");
    assert_false(task_key_value("op a=1", "b", value, sizeof value));
    assert_false(task_key_value("op a=12345678", "a", value, sizeof value));
    assert_false(task_key_value("", "a", value, sizeof value));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_right_record),
        cmocka_unit_test(whose_a_record_is),
        cmocka_unit_test(a_failed_record_has_no_times),
        cmocka_unit_test(summaries),
        cmocka_unit_test(values_of_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
