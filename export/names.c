/* Names in an exported library: C identifiers that a reader recognises. Each is made from the
 * kernel's task alone. */
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

/* What C, C++ or the wrappers already use for something else. */
static bool is_taken(struct arena *arena, const char *name) {
    static const char taken[] =
        " NULL alignas alignof and and_eq asm auto bitand bitor bool break case catch char "
        "char16_t char32_t char8_t class co_await co_return co_yield compl concept const "
        "const_cast consteval constexpr constinit continue decltype default delete do double "
        "dynamic_cast else enum explicit export extern false float for friend goto i386 if "
        "inline int linux long mutable namespace new noexcept not not_eq nullptr offsetof "
        "operator or or_eq packed private protected public register reinterpret_cast "
        "requires restrict return short signed size_t sizeof static static_assert "
        "static_cast struct switch template tensors this thread_local threads throw true try "
        "typedef typeid typename typeof typeof_unqual union unix unsigned using virtual void "
        "volatile wchar_t while workspace xor xor_eq ";
    return strstr(taken, arena_format(arena, " %s ", name)) != NULL;
}

/* "a.b" and "a_b" are two tensors: the one that comes first has the name. */
static bool is_used(const struct entry *entry, int count, const char *name) {
    for (int i = 0; i < count; i++)
        if (strcmp(entry->names[i], name) == 0)
            return true;
    return false;
}

void name_arguments(struct library *library, struct entry *entry) {
    const struct expression *expression = entry->task->expression;
    struct arena *arena = &library->arena;
    entry->names = ARENA_ARRAY(arena, const char *, (size_t)expression->tensor_count);
    for (int i = 0; i < expression->tensor_count; i++) {
        const char *name = identifier_of(arena, expression->tensors[i]->name);
        size_t length = strlen(library->name);
        if (strncmp(name, library->name, length) == 0 && name[length] == '_')
            name = arena_format(arena, "tensor_%s", name); /* else it may hide a function */
        while (is_taken(arena, name) || is_used(entry, i, name))
            name = arena_format(arena, "%s_", name);
        entry->names[i] = name;
    }
}

const char *argument_name(const struct entry *entry, const struct tensor *tensor) {
    const struct expression *expression = entry->task->expression;
    int i = 0;
    while (expression->tensors[i] != tensor)
        i++;
    return entry->names[i];
}

const char *element_type(enum data_type type) {
    static const char *const types[TYPE_COUNT] = {
        [TYPE_F32] = "float",      [TYPE_F64] = "double",       [TYPE_S32] = "int",
        [TYPE_S8] = "signed char", [TYPE_U8] = "unsigned char", [TYPE_BF16] = "unsigned short"};
    return types[type];
}
