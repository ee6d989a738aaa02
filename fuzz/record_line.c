/* Lines of JSON: a record that prints to a line which reads back the same, or a message; and such a
 * record passes the gate, or there is a message. */
#include "fuzz/fuzz.h"

#include "db/gate.h"
#include "exchange/exchange.h"

static void pass(const struct record *record) {
    struct error error = {.status = DLT_OK};
    struct gate gate = {0};
    require(gate_check_record(&gate, record, &error) == DLT_OK || error.message[0]);
    gate_free(&gate);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct error error = {.status = DLT_OK};
    char *line = text_of(data, size);
    struct text first = {0}, second = {0};
    struct record record, again;
    if (exchange_parse(line, &record, &error) != DLT_OK) {
        require(error.message[0]);
    } else {
        pass(&record);
        require(exchange_print(&record, &first, &error) == DLT_OK);
        require(exchange_parse(text_string(&first), &again, &error) == DLT_OK);
        require(exchange_print(&again, &second, &error) == DLT_OK);
        require(strcmp(text_string(&first), text_string(&second)) == 0);
        record_free(&record);
        record_free(&again);
    }
    text_free(&first);
    text_free(&second);
    free(line);
    return 0;
}
