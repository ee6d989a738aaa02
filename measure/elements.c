/* Loading and storing elements of any type; see elements.h. */
#include "measure/elements.h"

#include <math.h>

static double clamp(double value, double lowest, double highest) {
    value = nearbyint(value);
    if (!(value > lowest)) /* NaN too */
        return lowest;
    return value < highest ? value : highest;
}

double element_load(enum data_type type, const void *elements, int64_t index) {
    switch (type) {
    case TYPE_F32:
        return ((const float *)elements)[index];
    case TYPE_F64:
        return ((const double *)elements)[index];
    case TYPE_S32:
        return ((const int32_t *)elements)[index];
    case TYPE_S8:
        return ((const int8_t *)elements)[index];
    case TYPE_U8:
        return ((const uint8_t *)elements)[index];
    case TYPE_BF16:
        return bf16_value(((const uint16_t *)elements)[index]);
    default:
        return NAN;
    }
}

void element_store(enum data_type type, void *elements, int64_t index, double value) {
    switch (type) {
    case TYPE_F32:
        ((float *)elements)[index] = (float)value;
        break;
    case TYPE_F64:
        ((double *)elements)[index] = value;
        break;
    case TYPE_S32:
        ((int32_t *)elements)[index] = (int32_t)clamp(value, INT32_MIN, INT32_MAX);
        break;
    case TYPE_S8:
        ((int8_t *)elements)[index] = (int8_t)clamp(value, INT8_MIN, INT8_MAX);
        break;
    case TYPE_U8:
        ((uint8_t *)elements)[index] = (uint8_t)clamp(value, 0, UINT8_MAX);
        break;
    case TYPE_BF16:
        ((uint16_t *)elements)[index] = bf16_bits(value);
        break;
    default:
        break;
    }
}
