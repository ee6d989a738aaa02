/* Regression trees: what a cost model is once it has learnt.
 *
 * Stored models come from other machines and through other hands, so no library's reader is given
 * their bytes: trees are an array of nodes of our own, checked node by node when it is read. A
 * row's score is the base and the leaves that it reaches, one of each tree. */
#ifndef COSTMODEL_TREES_H
#define COSTMODEL_TREES_H

#include "costmodel/model.h"

enum {
    TREE_LEAF = -1,
    MAX_TREES = 4096,
    MAX_NODES = 1 << 22, /* of all trees together */
};

/* A row goes left if its feature is below `value`; a leaf has its score there. */
struct tree_node {
    int32_t feature; /* TREE_LEAF, or its number */
    float value;
    int32_t left, right; /* numbers of nodes, each above this one's; 0 in a leaf */
};

/* The nodes of a tree lie together, its root first. */
struct cost_model {
    enum cost_model_objective objective;
    float base;
    int tree_count, node_count;
    int32_t *roots; /* of each tree, ascending; the first is 0 */
    struct tree_node *nodes;
};

/* An empty model with room for trees; NULL if out of memory. */
struct cost_model *trees_create(int tree_count, int node_count);

/* Whether predicting comes to an end and to a finite score for every row: DLT_ERROR_ARGUMENT says
 * what is wrong. */
dlt_status trees_check(const struct cost_model *model, struct error *error);

#endif
