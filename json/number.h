/* Numbers in JSON, to the last bit and in any locale. cJSON's own printing loses the last bits of
 * one number in six, and both its printing and its reading follow the locale. */
#ifndef JSON_NUMBER_H
#define JSON_NUMBER_H

#include <cJSON.h>

/* Answers NULL if memory ran out. JSON has no infinity and no NaN: null stands for them. */
cJSON *json_add_number(cJSON *object, const char *name, double number);

/* As cJSON_ParseWithLength, with a point in numbers whatever the locale says. */
cJSON *json_parse(const char *text, size_t length);

#endif
