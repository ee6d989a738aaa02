/* The table of element types; see types.h. */
#include "te/types.h"

#include "base/number.h"

#include <float.h>
#include <math.h>
#include <string.h>

const struct data_type_info data_types[TYPE_COUNT] = {
    [TYPE_F32] = {"f32", 4, true, 0x1p-23}, [TYPE_F64] = {"f64", 8, true, 0x1p-52},
    [TYPE_S32] = {"s32", 4, false, 0},      [TYPE_S8] = {"s8", 1, false, 0},
    [TYPE_U8] = {"u8", 1, false, 0},        [TYPE_BF16] = {"bf16", 2, true, 0x1p-7},
};

bool data_type_parse(const char *name, enum data_type *type) {
    for (int i = 0; i < TYPE_COUNT; i++)
        if (strcmp(data_types[i].name, name) == 0) {
            *type = (enum data_type)i;
            return true;
        }
    return false;
}

uint16_t bf16_bits(double number) {
    uint32_t bits = number_bits_f32(number);
    return (uint16_t)(isnan(number) ? bits >> 16 : (bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

double bf16_value(uint16_t bits) {
    uint32_t wide = (uint32_t)bits << 16;
    float value;
    memcpy(&value, &wide, sizeof value);
    return value;
}

double data_type_constant(enum data_type type, double number) {
    char shortest[NUMBER_BYTES];
    float rounded = (float)number;
    double meant;
    if (isnan(number))
        return NAN;
    if (type != TYPE_F32)
        return number;
    number_read(number_text_f32(shortest, rounded), &meant);
    bool few_bits = fabs(number) < FLT_MIN || isinf(rounded);
    return few_bits || meant == number ? (double)rounded : number;
}

double data_type_element(enum data_type type, double number) {
    if (type == TYPE_BF16)
        return bf16_value(bf16_bits(number));
    return type == TYPE_F32 ? (double)(float)number : number;
}
