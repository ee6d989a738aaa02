/* The list of peers, the missing ones among them. */
#include "bench/peers/list.h"

#include <string.h>

#ifndef HAVE_ONEDNN
const struct peer onednn_own = {.name = "onednn-own", .package = "libdnnl-dev"};
const struct peer onednn_plain = {.name = "onednn-plain", .package = "libdnnl-dev"};
const struct peer onednn_reorder = {.name = "onednn-reorder", .package = "libdnnl-dev"};
#endif
#ifndef HAVE_OPENBLAS
const struct peer openblas = {.name = "openblas", .package = "libopenblas-dev"};
#endif
#ifndef HAVE_LIBXSMM
const struct peer libxsmm = {.name = "libxsmm", .package = "libxsmm-dev"};
#endif
#ifndef HAVE_XNNPACK
const struct peer xnnpack = {.name = "xnnpack", .package = "libxnnpack-dev"};
#endif

const struct peer *const peers[] = {
    &onednn_own, &onednn_plain, &onednn_reorder, &openblas, &libxsmm, &xnnpack, NULL,
};

const struct peer *peer_find(const char *name) {
    for (int i = 0; peers[i]; i++)
        if (!strcmp(peers[i]->name, name))
            return peers[i];
    return NULL;
}
