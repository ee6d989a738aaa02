/* The identifier of a task: a C identifier made from the workload and the threads alone, so that it
 * means the same whatever else is stored or exported.
 *
 *     conv2d_n1_c64_h56_w56_k64_r3_s3_pad1_post_relu_1a2b3c4d
 *
 * First the words of the canonical text, as many whole words as fit; then the threads, if there are
 * several; at the end a hash of everything, for what the words do not tell. Programs that call
 * exported kernels have these names in their source: what is made here is frozen
 * (docs/export.md). */
#include "te/identifier.h"

#include "base/hash.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
    HASH_LENGTH = 9, /* "_1a2b3c4d" */
    MAX_WORD = 64,
};

/* In every locale the same. */
static bool is_letter_or_digit(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Appends the text's letters and digits; whatever stands between them becomes one underscore. */
static void append_letters(char word[MAX_WORD], const char *text, size_t length) {
    size_t used = strlen(word);
    for (size_t i = 0; i < length && used < MAX_WORD - 1; i++) {
        char c = is_letter_or_digit(text[i]) ? text[i] : '_';
        if (c == '_' && used && word[used - 1] == '_')
            continue;
        word[used++] = c;
    }
    word[used] = 0;
}

/* "stride=4x2" is "_stride4x2", "post=bias,relu" is "_post_bias_relu". */
static void name_word(char word[MAX_WORD], const char *text, size_t length) {
    const char *equals = memchr(text, '=', length);
    size_t key_length = equals ? (size_t)(equals - text) : length;
    strcpy(word, "_");
    append_letters(word, text, key_length);
    if (!equals)
        return;
    if (equals[1] < '0' || equals[1] > '9')
        append_letters(word, "_", 1);
    append_letters(word, equals + 1, length - key_length - 1);
}

/* A workload that is told in quotes, an expression, is called by its operator and its result. */
static void name_expression(char *name, size_t room, const char *workload,
                            const struct expression *expression) {
    const char *result = expression_result(expression)->name;
    char word[MAX_WORD] = "";
    append_letters(word, workload, strcspn(workload, " "));
    append_letters(word, "_", 1);
    append_letters(word, result, strlen(result));
    snprintf(name, room + 1, "%s", word);
}

static void name_words(char *name, size_t room, const char *workload) {
    size_t used = 0;
    char word[MAX_WORD];
    for (const char *rest = workload; *rest; rest += strspn(rest, " ")) {
        size_t length = strcspn(rest, " ");
        name_word(word, rest, length);
        if (used + strlen(word + !used) > room)
            return;
        used += (size_t)snprintf(name + used, room + 1 - used, "%s", word + !used);
        rest += length;
    }
}

void task_identifier(const char *workload, const struct expression *expression, int threads,
                     char identifier[MAX_IDENTIFIER + 1]) {
    char of_threads[16] = "", name[MAX_IDENTIFIER + 1] = "";
    size_t length, room;
    uint64_t hash = hash_combine(hash_string(workload), (uint64_t)threads);
    if (threads > 1)
        snprintf(of_threads, sizeof of_threads, "_t%d", threads);
    room = MAX_IDENTIFIER - HASH_LENGTH - strlen(of_threads);
    if (strpbrk(workload, "\"'"))
        name_expression(name, room, workload, expression);
    else
        name_words(name, room, workload);
    length = strlen(name);
    while (length && name[length - 1] == '_') /* two in a row are C++'s own */
        name[--length] = 0;
    snprintf(identifier, MAX_IDENTIFIER + 1, "%s%s_%08" PRIx32, name, of_threads, (uint32_t)hash);
}
