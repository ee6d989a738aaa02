/* Emptying the caches of what a kernel left there, for cold times. */
#ifndef MEASURE_FLUSH_H
#define MEASURE_FLUSH_H

#include "base/error.h"

struct flush;

/* Sized by the machine's last cache. */
dlt_status flush_create(struct flush **flush, struct error *error);
void flush_free(struct flush *flush); /* also of NULL */
void flush_caches(void *flush);

#endif
