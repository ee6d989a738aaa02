/* The table of vector operations: what each takes, touches and gives. */
#include "ir/vectors.h"

#define VALUE(name, sources)                                                                       \
    { name, sources, false, false, true, false, CLASS_VECTOR, MASK_NONE }
#define COMMUTING(name, sources)                                                                   \
    { name, sources, false, false, true, true, CLASS_VECTOR, MASK_NONE }
#define KEEPING(name, sources)                                                                     \
    { name, sources, false, false, true, true, CLASS_VECTOR, MASK_KEEPS }
#define READING(name, mask)                                                                        \
    { name, 0, true, false, true, false, CLASS_VECTOR, mask }
#define WRITING(name, mask)                                                                        \
    { name, 1, false, true, false, false, CLASS_VECTOR, mask }
#define MASK(name, sources, both)                                                                  \
    { name, sources, false, false, true, both, CLASS_MASK, MASK_NONE }

const struct vector_operation_info vector_operations[VECTOR_OPCODE_COUNT] = {
    [VECTOR_LOAD] = READING("load", MASK_ALLOWED),
    [VECTOR_LOAD_BROADCAST] = READING("load_broadcast", MASK_NONE),
    [VECTOR_LOAD_STRIDED] = READING("load_strided", MASK_ALLOWED),
    [VECTOR_STORE] = WRITING("store", MASK_ALLOWED),
    [VECTOR_STORE_STRIDED] = WRITING("store_strided", MASK_ALLOWED),
    [VECTOR_STORE_STREAM] = WRITING("store_stream", MASK_NONE),
    /* A prefetch neither reads nor writes in the sense of ordering, but it has an address. */
    [VECTOR_PREFETCH] = {"prefetch", 0, false, false, false, false, CLASS_VECTOR, MASK_NONE},
    [VECTOR_CONSTANT] = VALUE("constant", 0),
    [VECTOR_MOVE] = VALUE("move", 1),
    [VECTOR_LANES] = VALUE("lanes", 0),
    [VECTOR_ADD] = KEEPING("add", 2),
    [VECTOR_SUBTRACT] = VALUE("subtract", 2),
    [VECTOR_MULTIPLY] = KEEPING("multiply", 2),
    [VECTOR_DIVIDE] = VALUE("divide", 2),
    /* Not exchangeable: of zeros of both signs, and in the first two of a NaN and a number, the
     * second source wins. */
    [VECTOR_MINIMUM] = VALUE("minimum", 2),
    [VECTOR_MAXIMUM] = VALUE("maximum", 2),
    [VECTOR_MINIMUM_OR_NAN] = VALUE("minimum_or_nan", 2),
    [VECTOR_MAXIMUM_OR_NAN] = VALUE("maximum_or_nan", 2),
    [VECTOR_SQUARE_ROOT] = VALUE("square_root", 1),
    [VECTOR_MULTIPLY_ADD] = KEEPING("multiply_add", 3),
    [VECTOR_MULTIPLY_SUBTRACT] = COMMUTING("multiply_subtract", 3),
    [VECTOR_NEGATED_MULTIPLY_ADD] = COMMUTING("negated_multiply_add", 3),
    [VECTOR_ROUND] = VALUE("round", 1),
    [VECTOR_FLOOR] = VALUE("floor", 1),
    [VECTOR_FUNCTION] = VALUE("function", 1),
    [VECTOR_AND] = COMMUTING("and", 2),
    [VECTOR_AND_NOT] = VALUE("and_not", 2),
    [VECTOR_OR] = COMMUTING("or", 2),
    [VECTOR_XOR] = COMMUTING("xor", 2),
    [VECTOR_SHIFT_LEFT] = VALUE("shift_left", 1),
    [VECTOR_SHIFT_RIGHT] = VALUE("shift_right", 1),
    [VECTOR_SHIFT_RIGHT_ARITHMETIC] = VALUE("shift_right_arithmetic", 1),
    [VECTOR_ADD_INTEGER] = COMMUTING("add_integer", 2),
    [VECTOR_SUBTRACT_INTEGER] = VALUE("subtract_integer", 2),
    [VECTOR_TO_INTEGER] = VALUE("to_integer", 1),
    [VECTOR_TO_FLOAT] = VALUE("to_float", 1),
    [VECTOR_MASK_CONSTANT] = MASK("mask_constant", 0, false),
    [VECTOR_MASK_COUNT] = MASK("mask_count", 0, false),
    [VECTOR_MASK_LESS] = MASK("mask_less", 2, false),
    [VECTOR_MASK_EQUAL] = MASK("mask_equal", 2, true),
    [VECTOR_MASK_AND] = MASK("mask_and", 2, true),
    [VECTOR_BLEND] = {"blend", 2, false, false, true, false, CLASS_VECTOR, MASK_NEEDED},
    [VECTOR_INTERLEAVE_LOW] = VALUE("interleave_low", 2),
    [VECTOR_INTERLEAVE_HIGH] = VALUE("interleave_high", 2),
    [VECTOR_SHUFFLE_PARTS] = VALUE("shuffle_parts", 2),
    [VECTOR_PICK_ALTERNATE] = VALUE("pick_alternate", 2),
    [VECTOR_REDUCE_ADD] = VALUE("reduce_add", 1),
    [VECTOR_REDUCE_MAXIMUM] = VALUE("reduce_maximum", 1),
    [VECTOR_REDUCE_MINIMUM] = VALUE("reduce_minimum", 1),
    [VECTOR_REDUCE_MULTIPLY] = VALUE("reduce_multiply", 1),
};
