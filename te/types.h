/* Element types and their properties, one row each. */
#ifndef TE_TYPES_H
#define TE_TYPES_H

#include <stdbool.h>

enum data_type {
    TYPE_F32,
    TYPE_F64,
    TYPE_S32,
    TYPE_S8,
    TYPE_U8,
    TYPE_BF16,
    TYPE_COUNT,
};

struct data_type_info {
    const char *name; /* as users write it: "f32" */
    int bytes;
    bool is_float;
    double epsilon; /* the spacing of numbers at 1 (unit in the last place); 0 for integers */
};

extern const struct data_type_info data_types[TYPE_COUNT];

bool data_type_parse(const char *name, enum data_type *type);

#endif
