/* The table of element types; see types.h. */
#include "te/types.h"

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
