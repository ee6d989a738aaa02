/* Pages and rows of a database file; see pages.h. Nothing in the file is trusted: every offset is
 * looked at before it is followed. */
#include "db/pages.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    FILE_HEADER_BYTES = 100,
    MAX_ROW_BYTES = 1 << 24, /* far above what a record takes */
    DEFAULT_PAGE_BYTES = 4096,
};

static unsigned number16(const unsigned char *bytes) {
    return (unsigned)bytes[0] << 8 | bytes[1];
}

static uint32_t number32(const unsigned char *bytes) {
    return (uint32_t)number16(bytes) << 16 | number16(bytes + 2);
}

/* 1 to 9 bytes, seven bits each; false if they do not end before `end`. */
static bool read_varint(const unsigned char **at, const unsigned char *end, uint64_t *number) {
    *number = 0;
    for (int i = 0; i < 9 && *at < end; i++) {
        unsigned char byte = *(*at)++;
        if (i == 8) {
            *number = *number << 8 | byte;
            return true;
        }
        *number = *number << 7 | (byte & 0x7f);
        if (!(byte & 0x80))
            return true;
    }
    return false;
}

/* ---- the file ---- */

static dlt_status read_bytes(FILE *file, const char *path, struct pages *pages,
                             struct error *error) {
    size_t capacity = 1 << 16;
    pages->bytes = malloc(capacity);
    while (pages->bytes) {
        pages->size += fread(pages->bytes + pages->size, 1, capacity - pages->size, file);
        if (pages->size < capacity)
            break;
        unsigned char *larger = realloc(pages->bytes, capacity *= 2);
        if (!larger)
            free(pages->bytes);
        pages->bytes = larger;
    }
    if (!pages->bytes)
        return error_set(error, DLT_ERROR_MEMORY, "out of memory");
    if (ferror(file))
        return error_set(error, DLT_ERROR_DATABASE, "%s: %s", path, strerror(errno));
    return DLT_OK;
}

/* The header says how large pages are, if it is still there. */
static void find_page_size(struct pages *pages) {
    bool whole =
        pages->size >= FILE_HEADER_BYTES && memcmp(pages->bytes, "SQLite format 3", 16) == 0;
    size_t bytes = whole ? number16(pages->bytes + 16) : 0;
    unsigned reserved = whole ? pages->bytes[20] : 0;
    if (bytes == 1)
        bytes = 65536;
    if (bytes < 512 || bytes & (bytes - 1))
        bytes = DEFAULT_PAGE_BYTES;
    if (bytes - reserved < 480)
        reserved = 0;
    pages->page_bytes = bytes;
    pages->usable = bytes - reserved;
    pages->count = (uint32_t)((pages->size + bytes - 1) / bytes);
}

dlt_status pages_read(const char *path, struct pages *pages, struct error *error) {
    FILE *file = fopen(path, "rb");
    dlt_status status;
    *pages = (struct pages){0};
    if (!file)
        return error_set(error, DLT_ERROR_DATABASE, "%s: %s", path,
                         errno == ENOENT ? "there is no such database" : strerror(errno));
    status = read_bytes(file, path, pages, error);
    fclose(file);
    if (status != DLT_OK)
        pages_free(pages);
    else
        find_page_size(pages);
    return status;
}

void pages_free(struct pages *pages) {
    free(pages->bytes);
    *pages = (struct pages){0};
}

/* ---- a page ---- */

static const unsigned char *page_begin(const struct pages *pages, uint32_t page) {
    return pages->bytes + (size_t)(page - 1) * pages->page_bytes;
}

static const unsigned char *page_end(const struct pages *pages, uint32_t page) {
    size_t end = (size_t)(page - 1) * pages->page_bytes + pages->usable;
    return pages->bytes + (end < pages->size ? end : pages->size);
}

/* The header of the tree's page; in the first page the file's own comes before it. NULL if it is
 * not there. */
static const unsigned char *tree_header(const struct pages *pages, uint32_t page) {
    const unsigned char *header;
    if (page < 1 || page > pages->count)
        return NULL;
    header = page_begin(pages, page) + (page == 1 ? FILE_HEADER_BYTES : 0);
    return page_end(pages, page) - header >= 12 ? header : NULL;
}

enum page_kind page_kind(const struct pages *pages, uint32_t page) {
    const unsigned char *header = tree_header(pages, page);
    if (!header)
        return PAGE_OTHER;
    switch (header[0]) {
    case PAGE_INDEX_INNER:
    case PAGE_TABLE_INNER:
    case PAGE_INDEX_LEAF:
    case PAGE_TABLE_LEAF:
        return (enum page_kind)header[0];
    default:
        return PAGE_OTHER;
    }
}

int page_cell_count(const struct pages *pages, uint32_t page) {
    const unsigned char *header = tree_header(pages, page);
    return header ? (int)number16(header + 3) : 0;
}

/* Where a cell begins; NULL if that is outside the page. */
static const unsigned char *cell_begin(const struct pages *pages, uint32_t page, int cell) {
    const unsigned char *header = tree_header(pages, page), *end = page_end(pages, page), *pointer;
    bool inner = header[0] == PAGE_TABLE_INNER || header[0] == PAGE_INDEX_INNER;
    pointer = header + (inner ? 12 : 8) + 2 * (size_t)cell;
    if (end - pointer < 2)
        return NULL;
    const unsigned char *begin = page_begin(pages, page) + number16(pointer);
    return begin > pointer && end - begin >= 4 ? begin : NULL;
}

uint32_t page_child(const struct pages *pages, uint32_t page, int cell) {
    const unsigned char *begin;
    if (cell == page_cell_count(pages, page))
        return number32(tree_header(pages, page) + 8);
    begin = cell_begin(pages, page, cell);
    return begin ? number32(begin) : 0;
}

/* ---- a row ---- */

/* How much of a row of that length is in its cell; the rest is in a chain of other pages. */
static size_t local_bytes(const struct pages *pages, bool index, size_t payload) {
    size_t usable = pages->usable, most = index ? (usable - 12) * 64 / 255 - 23 : usable - 35;
    size_t least = (usable - 12) * 32 / 255 - 23, kept;
    if (payload <= most)
        return payload;
    kept = least + (payload - least) % (usable - 4);
    return kept <= most ? kept : least;
}

static bool follow_chain(const struct pages *pages, uint32_t page, unsigned char *out,
                         size_t bytes) {
    while (bytes) {
        const unsigned char *begin;
        size_t share = bytes < pages->usable - 4 ? bytes : pages->usable - 4;
        if (page < 1 || page > pages->count)
            return false;
        begin = page_begin(pages, page);
        if (page_end(pages, page) - begin < (ptrdiff_t)(4 + share))
            return false;
        memcpy(out, begin + 4, share);
        page = number32(begin);
        out += share;
        bytes -= share;
    }
    return true;
}

/* The row's bytes in one piece, from its cell or put together. */
static const unsigned char *row_bytes(const struct pages *pages, bool index,
                                      const unsigned char *at, const unsigned char *end,
                                      size_t payload, struct row *row) {
    size_t local = local_bytes(pages, index, payload);
    if ((size_t)(end - at) < local + (local < payload ? 4 : 0))
        return NULL;
    if (local == payload)
        return at;
    row->assembled = malloc(payload);
    if (!row->assembled)
        return NULL;
    memcpy(row->assembled, at, local);
    if (!follow_chain(pages, number32(at + local), row->assembled + local, payload - local))
        return NULL;
    return row->assembled;
}

static int64_t signed_number(const unsigned char *bytes, size_t count) {
    uint64_t number = bytes[0] & 0x80 ? ~(uint64_t)0 : 0;
    for (size_t i = 0; i < count; i++)
        number = number << 8 | bytes[i];
    return (int64_t)number;
}

static bool read_column(uint64_t type, const unsigned char **at, const unsigned char *end,
                        struct column *column) {
    static const size_t sizes[] = {0, 1, 2, 3, 4, 6, 8, 8, 0, 0};
    size_t bytes;
    *column = (struct column){.kind = COLUMN_NULL};
    if (type == 10 || type == 11 || type > MAX_ROW_BYTES)
        return false;
    bytes = type < 10 ? sizes[type] : (size_t)(type - 12) / 2;
    if ((size_t)(end - *at) < bytes)
        return false;
    if (type >= 12) {
        column->kind = type % 2 ? COLUMN_TEXT : COLUMN_BLOB;
        column->data = *at;
        column->bytes = bytes;
    } else if (type == 7) {
        uint64_t bits = (uint64_t)signed_number(*at, 8);
        column->kind = COLUMN_REAL;
        memcpy(&column->real, &bits, sizeof bits);
    } else if (type) {
        column->kind = COLUMN_INTEGER;
        column->integer = type == 8 ? 0 : type == 9 ? 1 : signed_number(*at, bytes);
        column->real = (double)column->integer;
    }
    *at += bytes;
    return true;
}

static bool read_columns(const unsigned char *bytes, size_t count, struct row *row) {
    const unsigned char *types = bytes, *end = bytes + count, *values;
    uint64_t header_bytes, type;
    if (!read_varint(&types, end, &header_bytes) || header_bytes > count)
        return false;
    values = bytes + header_bytes;
    for (row->column_count = 0; types < bytes + header_bytes; row->column_count++)
        if (row->column_count == MAX_COLUMNS || !read_varint(&types, bytes + header_bytes, &type) ||
            !read_column(type, &values, end, &row->columns[row->column_count]))
            return false;
    return values == end;
}

bool page_row(const struct pages *pages, uint32_t page, int cell, struct row *row) {
    const unsigned char *at = cell_begin(pages, page, cell), *end = page_end(pages, page), *bytes;
    bool index = page_kind(pages, page) == PAGE_INDEX_LEAF;
    uint64_t payload, id = 0;
    *row = (struct row){0};
    if (!at || !read_varint(&at, end, &payload) || payload > MAX_ROW_BYTES)
        return false;
    if (!index && !read_varint(&at, end, &id))
        return false;
    row->id = (int64_t)id;
    bytes = row_bytes(pages, index, at, end, (size_t)payload, row);
    if (bytes && read_columns(bytes, (size_t)payload, row))
        return true;
    row_free(row);
    return false;
}

void row_free(struct row *row) {
    free(row->assembled);
    row->assembled = NULL;
}
