/* Layouts: how the logical axes of a tensor lie in memory.
 *
 * A layout is a list of physical dimensions, outermost first. Each is a piece of one logical axis,
 * (axis / divisor) % modulus, or the whole of it:
 *
 *     n c h w             plain
 *     n h w c             channels last
 *     n c/16 h w c%16     channels in blocks of 16 (c is padded to a multiple of 16)
 *     k/16 c/4 k%16 c%4   blocks of two axes
 *     m k:1040            rows of k elements, 1040 apart (padded)
 *
 * written with `/D`, `%M` or `/D%M` after the axis, and `:EXTENT` for a physical extent larger than
 * needed. The pieces of an axis together must give each of its values one place. Elements that
 * blocks add hold zero; what `:EXTENT` leaves between rows is nobody's business. */
#ifndef TE_LAYOUT_H
#define TE_LAYOUT_H

#include "base/error.h"
#include "te/affine.h"
#include "te/limits.h"

struct layout_dimension {
    int axis;        /* which logical axis */
    int64_t divisor; /* >= 1 */
    int64_t modulus; /* 0: none */
    int64_t extent;  /* physical extent, padding included */
    int64_t stride;  /* elements from one index to the next: product of the inner extents, and more
                        where a schedule padded its own buffer */
};

struct layout {
    int dimension_count;
    struct layout_dimension dimensions[MAX_LAYOUT_DIMENSIONS];
    int64_t elements; /* all, padding included */
};

/* The plain layout of `rank` axes with these extents, outermost first. */
dlt_status layout_plain(struct layout *layout, int rank, const int64_t *extents,
                        struct error *error);

/* Parses text; axis names are those of the tensor. Single-letter names may be written without
 * spaces when nothing but letters occurs ("nchw"). Checks that every value has exactly one
 * place. */
dlt_status layout_parse(struct layout *layout, const char *text, int rank,
                        const char *const *axis_names, const int64_t *extents, struct error *error);

void layout_print(struct text *text, const struct layout *layout, const char *const *axis_names,
                  const int64_t *extents);
bool layout_equal(const struct layout *a, const struct layout *b);

/* Offset in elements of the element with these logical subscripts (`rank` of them). */
const struct affine *layout_offset(struct arena *arena, const struct layout *layout,
                                   const struct affine *const *subscripts);
int64_t layout_offset_of(const struct layout *layout, const int64_t *subscripts);

/* Elements up to the last one that counts: what `:EXTENT` leaves behind it may not be memory. */
int64_t layout_used(const struct layout *layout, const int64_t *extents);

/* Copies a dense tensor in plain order to the layout, padding set to zero, and back. `bytes` is the
 * size of an element; `extents` are the logical ones. */
void layout_store(const struct layout *layout, int rank, const int64_t *extents, int bytes,
                  const void *plain, void *laid_out);
void layout_load(const struct layout *layout, int rank, const int64_t *extents, int bytes,
                 const void *laid_out, void *plain);

#endif
