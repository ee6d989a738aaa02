/* Tiles in C: the call of a tile's machine code, the same as straight lines, or its loops.
 *
 * A call fills an array of words, chooses the variant by the classes of the selectors, and calls
 * the variant's code. Variants without a body do nothing. For the C target, which has no code, the
 * variant's vector program stands in the place of the call. */
#include "targets/c/print_private.h"

#include <inttypes.h>

static bool has_vectors(const struct tile *tile) {
    for (int i = 0; i < tile->variant_count; i++)
        if (tile->variants[i].vectors)
            return true;
    return false;
}

/* What two variants must share to be one case of the switch. */
static bool does_the_same(const struct tile *tile, int a, int b, bool calls) {
    const struct tile_variant *x = &tile->variants[a], *y = &tile->variants[b];
    if (!x->body || !y->body)
        return !x->body && !y->body;
    return calls ? x->code == y->code : x->body == y->body;
}

static bool is_first_of_its_kind(const struct tile *tile, int variant, bool calls) {
    for (int i = 0; i < variant; i++)
        if (does_the_same(tile, i, variant, calls))
            return false;
    return true;
}

/* "(index >= t0) + (index >= t1)": how many thresholds are not above the index. */
static void print_class(struct text *out, const struct tile_selector *selector) {
    for (int i = 0; i < selector->threshold_count; i++) {
        text_append(out, i > 0 ? " + (" : "(");
        print_index(out, selector->index);
        text_format(out, " >= %" PRId64 ")", selector->thresholds[i]);
    }
    if (selector->threshold_count == 0)
        text_append(out, "0");
}

/* The mixed-radix number of the classes: "((c0) * 3 + (c1)) * 2 + (c2)". */
static void print_variant_number(struct printer *printer, const struct tile *tile) {
    struct text *out = printer->out;
    print_line(printer, "switch (");
    for (int i = 2; i < tile->selector_count; i++)
        text_append(out, "(");
    for (int i = 0; i < tile->selector_count; i++) {
        bool alone = tile->selector_count == 1;
        if (i > 0)
            text_format(out, " * %d + ", tile->selectors[i].threshold_count + 1);
        text_append(out, alone ? "" : "(");
        print_class(out, &tile->selectors[i]);
        if (alone && tile->selectors[i].threshold_count == 1)
            text_append(out, " ? 1 : 0"); /* compilers warn of a switch over a truth value */
        text_append(out, alone ? "" : ")");
        text_append(out, i > 0 && i + 1 < tile->selector_count ? ")" : "");
    }
    text_append(out, ") {\n");
}

static void print_variant(struct printer *printer, const struct tile *tile, int variant,
                          bool calls) {
    if (calls) {
        print_line(printer, "%s_tile_%d(words);\n", printer->options->prefix,
                   tile->variants[variant].code);
        return;
    }
    if (tile->variants[variant].vectors) {
        print_straight(printer, tile->variants[variant].vectors);
        return;
    }
    print_tile_buffers(printer, tile->variants[variant].body);
    print_nodes(printer, tile->variants[variant].body);
}

/* "case 0: case 2:": the variant and all that do the same. */
static void print_labels(struct printer *printer, const struct tile *tile, int variant,
                         bool calls) {
    print_line(printer, "case %d:", variant);
    for (int i = variant + 1; i < tile->variant_count; i++)
        if (does_the_same(tile, variant, i, calls))
            text_format(printer->out, " case %d:", i);
}

static void print_cases(struct printer *printer, const struct tile *tile, bool calls) {
    print_variant_number(printer, tile);
    for (int i = 0; i < tile->variant_count; i++) {
        if (!tile->variants[i].body || !is_first_of_its_kind(tile, i, calls))
            continue;
        print_labels(printer, tile, i, calls);
        if (calls) { /* on one line: TinyCC's time goes by lines */
            text_format(printer->out, " %s_tile_%d(words); break;\n", printer->options->prefix,
                        tile->variants[i].code);
            continue;
        }
        text_append(printer->out, " {\n");
        printer->depth++;
        print_variant(printer, tile, i, calls);
        print_line(printer, "break;\n");
        printer->depth--;
        print_line(printer, "}\n");
    }
    print_line(printer, "}\n");
}

static void print_variants(struct printer *printer, const struct tile *tile, bool calls) {
    for (int i = 1; i < tile->variant_count; i++)
        if (!does_the_same(tile, 0, i, calls)) {
            print_cases(printer, tile, calls);
            return;
        }
    print_variant(printer, tile, 0, calls);
}

/* The words of a loop whose ends are words. In a block of its own: several loops may share a
 * variable and differ in their bounds. */
static void print_range_words(struct printer *printer, const struct tile *tile,
                              const struct node *loop) {
    struct text *out = printer->out;
    int64_t minimum = loop->variable->minimum;
    print_line(printer, "{\n");
    printer->depth++;
    print_loop_range(printer, loop, arena_format(printer->arena, "%" PRId64, minimum),
                     arena_format(printer->arena, "%" PRId64, minimum + loop->variable->extent));
    print_line(printer, "if (");
    print_variable(out, loop->variable);
    text_append(out, "_end < ");
    print_variable(out, loop->variable);
    text_append(out, "_begin) ");
    print_variable(out, loop->variable);
    text_append(out, "_end = ");
    print_variable(out, loop->variable);
    text_append(out, "_begin;\n");
    for (int i = 0; i < tile->word_count; i++) {
        if (tile->words[i].loop != loop)
            continue;
        print_line(printer, "words[%d] = ", i);
        print_variable(out, loop->variable);
        text_append(out, tile->words[i].is_end ? "_end;\n" : "_begin;\n");
    }
    printer->depth--;
    print_line(printer, "}\n");
}

/* Each loop once. */
static void print_all_range_words(struct printer *printer, const struct tile *tile) {
    for (int i = 0; i < tile->word_count; i++) {
        bool seen = !tile->words[i].loop;
        for (int j = 0; j < i; j++)
            seen |= tile->words[j].loop == tile->words[i].loop;
        if (!seen)
            print_range_words(printer, tile, tile->words[i].loop);
    }
}

static void print_words(struct printer *printer, const struct tile *tile) {
    struct text *out = printer->out;
    print_line(printer, "long words[%d];\n", tile->word_count > 0 ? tile->word_count : 1);
    print_all_range_words(printer, tile);
    for (int i = 0; i < tile->word_count; i++) {
        const struct tile_word *word = &tile->words[i];
        int64_t zero;
        if (word->loop)
            continue;
        print_line(printer, "words[%d] = (long)(", i);
        print_buffer(printer, out, word->buffer);
        if (!affine_is_constant(word->offset, &zero) || zero != 0) {
            text_append(out, " + ");
            print_index_operand(out, word->offset);
        }
        text_append(out, ");\n");
    }
}

static bool has_body(const struct tile *tile) {
    for (int i = 0; i < tile->variant_count; i++)
        if (tile->variants[i].body)
            return true;
    return false;
}

void print_tile(struct printer *printer, const struct node *node) {
    struct tile_variant whole = {.body = node->body};
    struct tile tile = *node->tile;
    bool vectors = has_vectors(&tile), calls = vectors && printer->options->code_count > 0;
    if (tile.variant_count == 0 || (tile.variant_count == 1 && !tile.variants[0].body)) {
        tile.variants = &whole; /* not yet divided into variants */
        tile.variant_count = 1;
    }
    if (!has_body(&tile))
        return;
    print_line(printer, "{\n");
    printer->depth++;
    if (vectors)
        print_words(printer, &tile);
    print_variants(printer, &tile, calls);
    printer->depth--;
    print_line(printer, "}\n");
}

/* Machine code as a function of the unit. The label is local to the unit for gcc and clang; the
 * declaration, which TinyCC wants to see first, makes it hidden there. */
static void print_bytes(struct printer *printer, struct text *out, int number) {
    const struct machine_code *code = &printer->options->codes[number];
    const struct target *target = printer->options->target;
    const char *prefix = printer->options->prefix;
    if (target && target->disassemble) {
        text_append(out, "/*\n");
        target->disassemble(out, code);
        text_append(out, "*/\n");
    }
    text_format(out, "__asm__(\".p2align 6\\n.type %s_tile_%d,@function\\n%s_tile_%d:\\n\"", prefix,
                number, prefix, number);
    for (size_t i = 0; i < code->size; i++) {
        if (i % 16 == 0)
            text_append(out, i == 0 ? "\n    \".byte " : "\\n\"\n    \".byte ");
        else
            text_append(out, ",");
        text_format(out, "%u", code->bytes[i]);
    }
    text_append(out, code->size > 0 ? "\\n\");\n" : ");\n");
}

void print_tile_code(struct printer *printer, struct text *out) {
    const struct print_c_options *options = printer->options;
    const char *hidden = options->tiles_as_bytes ? " __attribute__((visibility(\"hidden\")))" : "";
    for (int i = 0; i < options->code_count; i++)
        text_format(out, "extern void %s_tile_%d(const long *words)%s;\n", options->prefix, i,
                    hidden);
    if (options->tiles_as_bytes) {
        text_append(out, "__asm__(\".section .note.GNU-stack,\\\"\\\",@progbits\\n.text\\n\");\n");
        for (int i = 0; i < options->code_count; i++)
            print_bytes(printer, out, i);
        text_append(out, "__asm__(\".text\\n\");\n");
    }
    text_append(out, "\n");
}
