/* Reading XGBoost's trees; see boosted.h. Its format is documented with the library ("Introduction
 * to Model IO"): a tree is arrays, an entry a node. */
#include "costmodel/xgboost/boosted.h"

#include "json/number.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum node_array {
    ARRAY_LEFT,
    ARRAY_RIGHT,
    ARRAY_FEATURE,
    ARRAY_VALUE, /* of a leaf its score */
    ARRAY_COUNT,
};

static const char *const array_names[ARRAY_COUNT] = {
    [ARRAY_LEFT] = "left_children",
    [ARRAY_RIGHT] = "right_children",
    [ARRAY_FEATURE] = "split_indices",
    [ARRAY_VALUE] = "split_conditions",
};

/* A tree of the file, whose arrays are lists there: numbers by node. */
struct tree {
    int count;
    double *numbers[ARRAY_COUNT];
};

struct reading {
    struct cost_model *model;
    int next; /* the node of the model that is filled next */
};

static const cJSON *find(const cJSON *object, const char *const *names) {
    for (; object && *names; names++)
        object = cJSON_GetObjectItemCaseSensitive(object, *names);
    return object;
}

static void free_tree(struct tree *tree) {
    for (int i = 0; i < ARRAY_COUNT; i++)
        free(tree->numbers[i]);
}

/* The numbers of an array; false if it is not `count` of them. */
static bool read_array(const cJSON *array, int count, double **numbers) {
    const cJSON *item;
    int i = 0;
    if (!cJSON_IsArray(array) || cJSON_GetArraySize(array) != count)
        return false;
    *numbers = malloc((size_t)count * sizeof **numbers + 1);
    cJSON_ArrayForEach(item, array) {
        if (!*numbers || !cJSON_IsNumber(item))
            return false;
        (*numbers)[i++] = item->valuedouble;
    }
    return true;
}

static bool read_tree(const cJSON *object, struct tree *tree) {
    *tree = (struct tree){.count = cJSON_GetArraySize(
                              cJSON_GetObjectItemCaseSensitive(object, array_names[ARRAY_LEFT]))};
    for (int i = 0; i < ARRAY_COUNT; i++)
        if (!read_array(cJSON_GetObjectItemCaseSensitive(object, array_names[i]), tree->count,
                        &tree->numbers[i]))
            return false;
    return true;
}

/* Appends the node and what is below it; nodes that pruning cut off are below nothing. */
static bool add_node(struct reading *reading, const struct tree *tree, double number) {
    struct cost_model *model = reading->model;
    struct tree_node *node = &model->nodes[reading->next];
    int at = (int)number;
    if (!(number >= 0 && number < tree->count) || reading->next == model->node_count)
        return false;
    reading->next++;
    *node =
        (struct tree_node){.feature = TREE_LEAF, .value = (float)tree->numbers[ARRAY_VALUE][at]};
    if (tree->numbers[ARRAY_LEFT][at] < 0)
        return true;
    node->feature = (int32_t)tree->numbers[ARRAY_FEATURE][at];
    node->left = reading->next;
    if (!add_node(reading, tree, tree->numbers[ARRAY_LEFT][at]))
        return false;
    node->right = reading->next;
    return add_node(reading, tree, tree->numbers[ARRAY_RIGHT][at]);
}

static bool add_trees(struct reading *reading, const cJSON *trees) {
    const cJSON *object;
    int number = 0;
    cJSON_ArrayForEach(object, trees) {
        struct tree tree;
        bool good = read_tree(object, &tree);
        reading->model->roots[number++] = reading->next;
        good = good && add_node(reading, &tree, 0);
        free_tree(&tree);
        if (!good)
            return false;
    }
    reading->model->node_count = reading->next;
    return true;
}

static int count_nodes(const cJSON *trees) {
    const cJSON *object;
    int count = 0;
    cJSON_ArrayForEach(object, trees) {
        count +=
            cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(object, array_names[ARRAY_LEFT]));
    }
    return count;
}

/* A text with a number, or with a list of one. */
static float read_base(const cJSON *item) {
    cJSON *parsed =
        cJSON_IsString(item) ? json_parse(item->valuestring, strlen(item->valuestring)) : NULL;
    const cJSON *number = cJSON_IsArray(parsed) ? cJSON_GetArrayItem(parsed, 0) : parsed;
    float base = cJSON_IsNumber(number) ? (float)number->valuedouble : (float)NAN;
    cJSON_Delete(parsed);
    return base;
}

static dlt_status read_model(const cJSON *root, struct cost_model **model, struct error *error) {
    static const char *const trees_path[] = {"learner", "gradient_booster", "model", "trees", NULL};
    static const char *const base_path[] = {"learner", "learner_model_param", "base_score", NULL};
    const cJSON *trees = find(root, trees_path);
    struct reading reading = {.model = trees_create(cJSON_GetArraySize(trees), count_nodes(trees))};
    if (!reading.model)
        return error_set(error, DLT_ERROR_MEMORY, "out of memory");
    reading.model->base = read_base(find(root, base_path));
    *model = reading.model;
    if (!cJSON_IsArray(trees) || !add_trees(&reading, trees))
        return error_set(error, DLT_ERROR_REFUSED,
                         "model: XGBoost saved something else than trees");
    return trees_check(reading.model, error);
}

dlt_status boosted_read(const char *json, size_t bytes, enum cost_model_objective objective,
                        struct cost_model **model, struct error *error) {
    cJSON *root = json_parse(json, bytes);
    dlt_status status;
    *model = NULL;
    status = root ? read_model(root, model, error)
                  : error_set(error, DLT_ERROR_REFUSED, "model: XGBoost saved no JSON");
    cJSON_Delete(root);
    if (*model)
        (*model)->objective = objective;
    if (status != DLT_OK) {
        cost_model_free(*model);
        *model = NULL;
    }
    return status;
}
