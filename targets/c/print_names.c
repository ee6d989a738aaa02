/* Names in printed C: identifiers out of the names of variables and tensors. */
#include "targets/c/print_private.h"

#include "base/plain.h"

const char *c_type_name(enum data_type type) {
    static const char *const names[TYPE_COUNT] = {
        [TYPE_F32] = "float",      [TYPE_F64] = "double",       [TYPE_S32] = "int",
        [TYPE_S8] = "signed char", [TYPE_U8] = "unsigned char", [TYPE_BF16] = "unsigned short",
    };
    return names[type];
}

/* Names hold letters, digits, dots and the like; all that C does not know becomes '_'. */
static void print_identifier(struct text *text, const char *name) {
    if (!plain_is_letter(name[0]))
        text_append(text, "v");
    for (const char *c = name; *c; c++) {
        char safe = plain_is_alphanumeric(*c) ? *c : '_';
        text_append_bytes(text, &safe, 1);
    }
}

void print_variable(struct text *text, const struct variable *variable) {
    print_identifier(text, variable->name);
    text_format(text, "_%d", variable->id);
}

void print_buffer(struct printer *printer, struct text *text, const struct buffer *buffer) {
    int number = 0;
    while (printer->program->buffers[number] != buffer)
        number++;
    if (buffer->kind == BUFFER_LITERAL) /* an array at file scope */
        text_format(text, "%s_", printer->options->prefix);
    print_identifier(text, buffer->name);
    text_format(text, "_b%d", number);
}
