/* Element types and their properties, one row each. */
#ifndef TE_TYPES_H
#define TE_TYPES_H

#include <stdbool.h>
#include <stdint.h>

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

/* What is kept of a constant that a user wrote or computed, so that 0.1 as text, the double 0.1 and
 * the float 0.1f are one f32 constant: the float whose shortest text it is. Digits beyond those of
 * a float stay, for the reference to know, except where floats have fewer bits. All NaNs are
 * one. */
double data_type_constant(enum data_type type, double number);

/* The element that a number becomes in memory: to nearest, ties to even. Of a floating type. */
double data_type_element(enum data_type type, double number);

/* The upper half of a float's bits, rounded to nearest, ties to even; and back. */
uint16_t bf16_bits(double number);
double bf16_value(uint16_t bits);

#endif
