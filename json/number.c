/* Numbers in JSON; see number.h. */
#include "json/number.h"

#include "base/number.h"
#include "base/plain.h"

#include <math.h>

cJSON *json_add_number(cJSON *object, const char *name, double number) {
    char digits[NUMBER_BYTES];
    if (!isfinite(number))
        return cJSON_AddNullToObject(object, name);
    cJSON *item = cJSON_AddRawToObject(object, name, number_text(digits, number));
    if (item)
        item->valuedouble = number; /* for whoever looks before it is printed */
    return item;
}

cJSON *json_parse(const char *text, size_t length) {
    locale_t before = plain_enter();
    cJSON *parsed = cJSON_ParseWithLength(text, length);
    plain_leave(before);
    return parsed;
}
