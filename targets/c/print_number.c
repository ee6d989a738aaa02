/* Numbers as constants of C, to the last bit.
 *
 * A compiler reads 0.1 in its locale, and may compute what is made of constants alone with more
 * bits than a kernel has: libtcc adds, multiplies and rounds in 80. So a floating constant that is
 * no small integer is a named object that is told by its bits. */
#include "targets/c/print_private.h"

#include "base/number.h"

#include <inttypes.h>
#include <math.h>

static void print_integer(struct text *text, enum data_type type, double number) {
    double lowest = type == TYPE_S32 ? INT32_MIN : type == TYPE_S8 ? -128 : 0;
    double highest = type == TYPE_S32 ? INT32_MAX : type == TYPE_S8 ? 127 : 255;
    if (!(number > lowest)) { /* an identity such as -infinity is the least there is */
        if (type == TYPE_S32)
            text_append(text, "(-2147483647 - 1)");
        else
            text_format(text, "%d", (int)lowest);
        return;
    }
    text_format(text, "%" PRId64, (int64_t)(number < highest ? number : highest));
}

static uint64_t bits_of(enum data_type type, double number) {
    return type == TYPE_F64 ? number_bits_f64(number) : number_bits_f32(number);
}

static void print_bits(struct text *text, enum data_type type, uint64_t bits) {
    text_format(text, type == TYPE_F64 ? "0x%016" PRIx64 "UL" : "0x%08" PRIx64 "U", bits);
}

/* The name of a constant is its bits: PREFIX_f32_3f000000. */
static void print_name(struct text *text, const char *prefix, enum data_type type, uint64_t bits) {
    text_format(text, type == TYPE_F64 ? "%s_f64_%016" PRIx64 : "%s_f32_%08" PRIx64, prefix, bits);
}

/* Remembers that the unit needs the constant. */
static void use(struct printer *printer, enum data_type type, uint64_t bits) {
    struct used_constant **last = &printer->constants;
    while (*last && ((*last)->type != type || (*last)->bits != bits))
        last = &(*last)->next;
    if (*last)
        return;
    *last = ARENA_NEW(printer->arena, struct used_constant);
    (*last)->type = type;
    (*last)->bits = bits;
}

/* These are read alike in every locale, and what is folded of them in more bits is the same. */
static bool is_small_integer(double number) {
    return fabs(number) <= 1 << 20 && number == floor(number) && !(number == 0 && signbit(number));
}

void print_number(struct printer *printer, enum data_type type, double number) {
    struct text *out = printer->out;
    if (!data_types[type].is_float) {
        print_integer(out, type, number);
        return;
    }
    enum data_type wide = type == TYPE_F64 ? TYPE_F64 : TYPE_F32; /* that C computes in */
    uint64_t bits = bits_of(wide, number);
    if (is_small_integer(number)) {
        text_format(out, wide == TYPE_F64 ? "%d.0" : "%d.0f", (int)number);
        return;
    }
    use(printer, wide, bits);
    print_name(out, printer->options->prefix, wide, bits);
    text_append(out, ".number");
}

void print_bits_type(struct text *text, enum data_type type) {
    text_append(text, type == TYPE_F64 ? "union { unsigned long bits; double number; } "
                                       : "union { unsigned bits; float number; } ");
}

static double number_of(const struct used_constant *constant) {
    union {
        uint64_t bits;
        double number;
    } f64 = {.bits = constant->bits};
    union {
        uint32_t bits;
        float number;
    } f32 = {.bits = (uint32_t)constant->bits};
    return constant->type == TYPE_F64 ? f64.number : (double)f32.number;
}

void print_constants(struct printer *printer, struct text *out) {
    for (const struct used_constant *c = printer->constants; c; c = c->next) {
        char digits[NUMBER_BYTES];
        bool is_double = c->type == TYPE_F64;
        text_append(out, "static const ");
        print_bits_type(out, c->type);
        print_name(out, printer->options->prefix, c->type, c->bits);
        text_append(out, " = {");
        print_bits(out, c->type, c->bits);
        text_format(out, "}; /* %s */\n",
                    is_double ? number_text(digits, number_of(c))
                              : number_text_f32(digits, (float)number_of(c)));
    }
    text_append(out, printer->constants ? "\n" : "");
}

bool has_bits(enum data_type type) {
    return type == TYPE_F32 || type == TYPE_F64;
}

void print_literal_number(struct text *text, enum data_type type, double number) {
    if (type == TYPE_BF16) {
        text_format(text, "0x%04x", bf16_bits(number));
    } else if (has_bits(type)) {
        text_append(text, "{");
        print_bits(text, type, bits_of(type, number));
        text_append(text, "}");
    } else {
        print_integer(text, type, number);
    }
}
