/* Names in an exported library: C identifiers that a reader recognises. */
#include "export/private.h"

#include "base/plain.h"

#include <string.h>

/* Letters, digits and underscores of the text; anything else becomes an underscore. */
char *identifier_of(struct arena *arena, const char *text) {
    char *name = arena_format(arena, "%s%s", plain_is_digit(*text) ? "_" : "", text);
    for (char *c = name; *c; c++)
        if (!plain_is_alphanumeric(*c))
            *c = '_';
    return name;
}

/* The task's identifier and how many entries before it have the same. */
const char *entry_identifier(struct arena *arena, const struct entry *entries, int index) {
    int same = 0;
    for (int i = 0; i < index; i++)
        same += strcmp(entries[i].task->identifier, entries[index].task->identifier) == 0;
    return arena_format(arena, "%s_%d", identifier_of(arena, entries[index].task->identifier),
                        same);
}

/* A tensor may be called what C, C++ or the wrapper already use for something else. */
const char *argument_name(struct arena *arena, const struct tensor *tensor) {
    static const char *const taken[] = {
        "packed",   "workspace", "threads", "tensors",  "auto",     "break",    "case",
        "char",     "class",     "const",   "default",  "delete",   "do",       "double",
        "else",     "enum",      "extern",  "float",    "for",      "goto",     "if",
        "inline",   "int",       "long",    "new",      "operator", "private",  "register",
        "return",   "short",     "signed",  "sizeof",   "static",   "struct",   "switch",
        "template", "this",      "typedef", "typename", "union",    "unsigned", "using",
        "virtual",  "void",      "while",   "volatile", "bool",     "restrict"};
    const char *name = identifier_of(arena, tensor->name);
    for (size_t i = 0; i < sizeof taken / sizeof taken[0]; i++)
        if (strcmp(name, taken[i]) == 0)
            return arena_format(arena, "%s_", name);
    return name;
}

const char *element_type(enum data_type type) {
    static const char *const types[TYPE_COUNT] = {
        [TYPE_F32] = "float",      [TYPE_F64] = "double",       [TYPE_S32] = "int",
        [TYPE_S8] = "signed char", [TYPE_U8] = "unsigned char", [TYPE_BF16] = "unsigned short"};
    return types[type];
}
