/* Random search: legal points, uniformly. The yardstick of other strategies. */
#include "search/strategy.h"

static dlt_status create(const struct space *space, void **state, struct error *error) {
    (void)space, (void)error;
    *state = NULL;
    return DLT_OK;
}

static void propose(void *state, struct proposals *proposals) {
    (void)state;
    while (proposals_offer_random(proposals))
        ;
}

static void observe(void *state, struct proposals *proposals, const int *point, double score) {
    (void)state, (void)proposals, (void)point, (void)score;
}

static void release(void *state) {
    (void)state;
}

const struct strategy random_strategy = {
    .name = "random",
    .help = "legal points, uniformly",
    .batch = 8,
    .create = create,
    .propose = propose,
    .observe = observe,
    .free = release,
};
