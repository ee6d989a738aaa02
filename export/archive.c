/* Archives as every Unix linker reads them, with an index of symbols.
 *
 *     "!<arch>\n"
 *     member "/"     the index: number of symbols, for each the offset of the member that defines
 *                    it (both 32 bits, most significant byte first), then their names
 *     member "//"    long names of members, each ended by "/\n"; only if one does not fit a header
 *     member         the object
 *
 * A member is a header of 60 characters and its bytes, at even offsets. Times and owners are zero,
 * so the same objects give the same archive. */
#include "export/private.h"

#include <stdio.h>
#include <string.h>

enum {
    HEADER_BYTES = 60,
    SHORT_NAME = 15
};

struct index {
    struct text names; /* each ended by NUL */
    unsigned count;
};

static void add_symbol(void *context, const char *name) {
    struct index *index = context;
    text_append_bytes(&index->names, name, strlen(name) + 1);
    index->count++;
}

static void append_header(struct text *archive, const char *name, size_t bytes) {
    text_format(archive, "%-16s%-12d%-6d%-6d%-8s%-10zu`\n", name, 0, 0, 0, "644", bytes);
}

static void append_padding(struct text *archive) {
    if (archive->length % 2)
        text_append_bytes(archive, "\n", 1);
}

static void append_word(struct text *archive, size_t word) {
    const unsigned char bytes[4] = {(unsigned char)(word >> 24), (unsigned char)(word >> 16),
                                    (unsigned char)(word >> 8), (unsigned char)word};
    text_append_bytes(archive, (const char *)bytes, sizeof bytes);
}

static size_t even(size_t bytes) {
    return bytes + bytes % 2;
}

static void append_index(struct text *archive, const struct index *index, size_t member_offset) {
    append_header(archive, "/", 4 + 4 * (size_t)index->count + index->names.length);
    append_word(archive, index->count);
    for (unsigned i = 0; i < index->count; i++)
        append_word(archive, member_offset);
    text_append_bytes(archive, text_string(&index->names), index->names.length);
    append_padding(archive);
}

static void append_all(struct text *archive, const struct index *index, const char *member,
                       const struct text *object) {
    char short_name[SHORT_NAME + 2], long_names[EXPORT_MAX_NAME + 8];
    bool is_long = strlen(member) > SHORT_NAME;
    size_t offset = 8 + HEADER_BYTES + even(4 + 4 * (size_t)index->count + index->names.length);
    snprintf(long_names, sizeof long_names, "%s/\n", member);
    if (is_long)
        offset += HEADER_BYTES + even(strlen(long_names));
    text_append(archive, "!<arch>\n");
    append_index(archive, index, offset);
    if (is_long) {
        append_header(archive, "//", strlen(long_names));
        text_append(archive, long_names);
        append_padding(archive);
    }
    snprintf(short_name, sizeof short_name, "%.15s/", member);
    append_header(archive, is_long ? "/0" : short_name, object->length);
    text_append_bytes(archive, object->data, object->length);
    append_padding(archive);
}

dlt_status archive_print(const char *member, const struct text *object, struct text *archive,
                         struct error *error) {
    struct index index = {.count = 0};
    dlt_status status = object_symbols(object, add_symbol, &index, error);
    if (status == DLT_OK)
        append_all(archive, &index, member, object);
    if (status == DLT_OK && (index.names.failed || archive->failed))
        status = error_set(error, DLT_ERROR_MEMORY, "out of memory");
    text_free(&index.names);
    return status;
}
