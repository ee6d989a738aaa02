/* Where a reduction has terms.
 *
 * A padded convolution multiplies a select, "the element if it exists, else 0", by a weight. A term
 * that is nothing is not added: where the select's conditions fail there is no term, whatever the
 * weight is, infinity and NaN too. So conditions under which the body is the combiner's identity
 * belong to the reduction, in what the expression means (te/reference.c) as in what runs
 * (ir/extract_domains.c).
 *
 * Only the reduction's own body counts. A padded tensor of its own has elements there, which are 0, and
 * a schedule that inlines it may not make them vanish: is_inlined tells its selects. */
#ifndef TE_DOMAIN_H
#define TE_DOMAIN_H

#include "te/expression.h"

struct domain {
    struct arena *arena;
    int count, capacity;
    const struct affine **conditions; /* each means "is >= 0" */
};

/* The value without the selects that make all of it the combiner's identity; their conditions are
 * added to the domain. */
const struct value *domain_extract(struct domain *domain, const struct value *value,
                                   enum combiner combiner);

#endif
