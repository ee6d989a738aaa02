/* The pages of a database file, read without SQLite: what is left of a damaged file.
 *
 * SQLite stops at the first damaged page on the way to a row. Each page that holds rows can be read
 * on its own, though, so here all pages are gone through, whoever points to them. The file format
 * is SQLite's documented one (https://sqlite.org/fileformat2.html). */
#ifndef DB_PAGES_H
#define DB_PAGES_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    MAX_COLUMNS = 32
};

enum column_kind {
    COLUMN_NULL,
    COLUMN_INTEGER,
    COLUMN_REAL,
    COLUMN_TEXT,
    COLUMN_BLOB,
};

struct column {
    enum column_kind kind;
    int64_t integer;
    double real;               /* of integers too */
    const unsigned char *data; /* of texts and blobs; texts are not terminated */
    size_t bytes;
};

struct row {
    int64_t id; /* of a row of a table; an index has none */
    int column_count;
    struct column columns[MAX_COLUMNS];
    unsigned char *assembled; /* a row too long for its page */
};

enum page_kind {
    PAGE_OTHER,
    PAGE_INDEX_INNER = 0x02,
    PAGE_TABLE_INNER = 0x05,
    PAGE_INDEX_LEAF = 0x0a,
    PAGE_TABLE_LEAF = 0x0d,
};

struct pages {
    unsigned char *bytes;
    size_t size, page_bytes, usable; /* usable: without what other software reserved */
    uint32_t count;                  /* the last may be cut short */
};

dlt_status pages_read(const char *path, struct pages *pages, struct error *error);
void pages_free(struct pages *pages);

/* Pages are numbered from 1. */
enum page_kind page_kind(const struct pages *pages, uint32_t page);
int page_cell_count(const struct pages *pages, uint32_t page);

/* The row in a cell of a leaf; false if it is not whole. row_free after use. */
bool page_row(const struct pages *pages, uint32_t page, int cell, struct row *row);
void row_free(struct row *row);

/* The page below the cell of an inner page; the last child has the number page_cell_count. 0:
 * none. */
uint32_t page_child(const struct pages *pages, uint32_t page, int cell);

#endif
