/* Evaluating, checking and storing regression trees; see trees.h. */
#include "costmodel/trees.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char magic[16] = "dltune trees 1";

/* What stands before the roots and the nodes. */
struct header {
    char magic[16];
    int32_t feature_version, feature_count, objective, tree_count, node_count;
    float base;
};

struct cost_model *trees_create(int tree_count, int node_count) {
    struct cost_model *model = calloc(1, sizeof *model);
    if (!model)
        return NULL;
    model->tree_count = tree_count;
    model->node_count = node_count;
    model->roots = calloc((size_t)tree_count + 1, sizeof *model->roots);
    model->nodes = calloc((size_t)node_count + 1, sizeof *model->nodes);
    if (model->roots && model->nodes)
        return model;
    cost_model_free(model);
    return NULL;
}

void cost_model_free(struct cost_model *model) {
    if (!model)
        return;
    free(model->roots);
    free(model->nodes);
    free(model);
}

/* ---- checking ---- */

static bool is_objective(int number) {
    return number == MODEL_REGRESSION || number == MODEL_RANKING;
}

/* Children lie behind their parent and within the tree, so every way down ends in a leaf. */
static bool is_node(const struct tree_node *node, int number, int end) {
    if (!isfinite(node->value))
        return false;
    if (node->feature == TREE_LEAF)
        return node->left == 0 && node->right == 0;
    return node->feature >= 0 && node->feature < FEATURE_COUNT && node->left > number &&
           node->left < end && node->right > number && node->right < end;
}

static double largest_leaf(const struct cost_model *model, int first, int end) {
    double largest = 0;
    for (int i = first; i < end; i++)
        if (model->nodes[i].feature == TREE_LEAF)
            largest = fmax(largest, fabs((double)model->nodes[i].value));
    return largest;
}

dlt_status trees_check(const struct cost_model *model, struct error *error) {
    double most = fabs((double)model->base); /* that a score can come to */
    if (!is_objective((int)model->objective) || !isfinite(model->base))
        return error_set(error, DLT_ERROR_ARGUMENT, "model: damaged: its objective or base");
    for (int tree = 0; tree < model->tree_count; tree++) {
        int first = model->roots[tree];
        int end = tree + 1 < model->tree_count ? model->roots[tree + 1] : model->node_count;
        if ((tree == 0 && first != 0) || first < 0 || first >= end || end > model->node_count)
            return error_set(error, DLT_ERROR_ARGUMENT, "model: damaged: tree %d of %d", tree,
                             model->tree_count);
        for (int i = first; i < end; i++)
            if (!is_node(&model->nodes[i], i, end))
                return error_set(error, DLT_ERROR_ARGUMENT, "model: damaged: node %d of %d", i,
                                 model->node_count);
        most += largest_leaf(model, first, end);
    }
    return most < 1e30 ? DLT_OK
                       : error_set(error, DLT_ERROR_ARGUMENT, "model: damaged: its scores");
}

/* ---- predicting ---- */

static float leaf_of(const struct tree_node *nodes, int32_t root, const float *features) {
    const struct tree_node *node = &nodes[root];
    while (node->feature != TREE_LEAF)
        node = &nodes[features[node->feature] < node->value ? node->left : node->right];
    return node->value;
}

/* Tree by tree, since the nodes of one stay in the cache for all rows. */
dlt_status cost_model_predict(const struct cost_model *model, int64_t count, const float *features,
                              float *scores, struct error *error) {
    (void)error;
    for (int64_t i = 0; i < count; i++)
        scores[i] = model->base;
    for (int tree = 0; tree < model->tree_count; tree++)
        for (int64_t i = 0; i < count; i++)
            scores[i] += leaf_of(model->nodes, model->roots[tree], features + i * FEATURE_COUNT);
    for (int64_t i = 0; i < count && model->objective == MODEL_RANKING; i++)
        scores[i] = -scores[i]; /* more is better there */
    return DLT_OK;
}

/* ---- bytes ---- */

dlt_status cost_model_save(const struct cost_model *model, struct text *bytes,
                           struct error *error) {
    struct header header = {.feature_version = FEATURE_VERSION,
                            .feature_count = FEATURE_COUNT,
                            .objective = (int32_t)model->objective,
                            .tree_count = model->tree_count,
                            .node_count = model->node_count,
                            .base = model->base};
    memcpy(header.magic, magic, sizeof magic);
    text_append_bytes(bytes, (const char *)&header, sizeof header);
    text_append_bytes(bytes, (const char *)model->roots,
                      (size_t)model->tree_count * sizeof *model->roots);
    text_append_bytes(bytes, (const char *)model->nodes,
                      (size_t)model->node_count * sizeof *model->nodes);
    return bytes->failed ? error_set(error, DLT_ERROR_MEMORY, "out of memory") : DLT_OK;
}

static size_t size_of(const struct header *header) {
    return sizeof *header + (size_t)header->tree_count * sizeof(int32_t) +
           (size_t)header->node_count * sizeof(struct tree_node);
}

static dlt_status check_header(const void *bytes, size_t size, struct header *header,
                               struct error *error) {
    if (size < sizeof *header)
        return error_set(error, DLT_ERROR_ARGUMENT, "model: %zu bytes are too few for one", size);
    memcpy(header, bytes, sizeof *header);
    if (memcmp(header->magic, magic, sizeof magic))
        return error_set(error, DLT_ERROR_ARGUMENT, "model: these bytes are none of this version");
    if (header->feature_version != FEATURE_VERSION || header->feature_count != FEATURE_COUNT)
        return error_set(error, DLT_ERROR_REFUSED,
                         "model: it is of version %d of the features, this is version %d",
                         (int)header->feature_version, FEATURE_VERSION);
    if (!is_objective(header->objective) || header->tree_count < 0 ||
        header->tree_count > MAX_TREES || header->node_count < 0 ||
        header->node_count > MAX_NODES || size != size_of(header))
        return error_set(error, DLT_ERROR_ARGUMENT,
                         "model: damaged: %zu bytes are not %d trees of %d nodes", size,
                         (int)header->tree_count, (int)header->node_count);
    return DLT_OK;
}

dlt_status cost_model_load(const void *bytes, size_t size, struct cost_model **model,
                           struct error *error) {
    struct header header;
    struct cost_model *made;
    const char *roots = (const char *)bytes + sizeof header, *nodes;
    dlt_status status;
    *model = NULL;
    TRY(check_header(bytes, size, &header, error));
    made = trees_create(header.tree_count, header.node_count);
    if (!made)
        return error_set(error, DLT_ERROR_MEMORY, "out of memory");
    nodes = roots + (size_t)header.tree_count * sizeof *made->roots;
    made->objective = (enum cost_model_objective)header.objective;
    made->base = header.base;
    memcpy(made->roots, roots, (size_t)header.tree_count * sizeof *made->roots);
    memcpy(made->nodes, nodes, (size_t)header.node_count * sizeof *made->nodes);
    status = trees_check(made, error);
    if (status != DLT_OK) {
        cost_model_free(made);
        return status;
    }
    *model = made;
    return DLT_OK;
}
