/* Models through XGBoost's C API; see model.h. model_none.c takes this file's place without it. */
#include "costmodel/model.h"

#include "base/number.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xgboost/c_api.h>

enum {
    DEFAULT_TREES = 80,
    DEFAULT_DEPTH = 6,
};

#define DEFAULT_RATE       0.15
#define DEFAULT_LEAST_LEAF 2
#define MAGIC              "dltune model"

struct cost_model {
    BoosterHandle booster;
    int rounds;
    enum cost_model_objective objective;
};

/* What stands before XGBoost's own bytes. */
struct header {
    char magic[16];
    int32_t feature_version, feature_count, rounds, objective;
};

bool cost_model_available(void) {
    return true;
}

static dlt_status check(int code, struct error *error) {
    return code == 0 ? DLT_OK
                     : error_set(error, DLT_ERROR_REFUSED, "model: %.400s", XGBGetLastError());
}

static dlt_status set_number(BoosterHandle booster, const char *name, double value,
                             struct error *error) {
    char text[NUMBER_BYTES];
    return check(XGBoosterSetParam(booster, name, number_text(text, value)), error);
}

static dlt_status set_threads(BoosterHandle booster, int threads, struct error *error) {
    TRY(set_number(booster, "nthread", threads > 0 ? threads : 1, error));
    return check(XGBoosterSetParam(booster, "verbosity", "0"), error);
}

static dlt_status set_options(BoosterHandle booster, const struct cost_model_options *options,
                              struct error *error) {
    const char *objective =
        options->objective == MODEL_RANKING ? "rank:pairwise" : "reg:squarederror";
    TRY(set_threads(booster, options->threads, error));
    TRY(set_number(booster, "max_depth", options->depth ? options->depth : DEFAULT_DEPTH, error));
    TRY(set_number(booster, "eta", options->rate > 0 ? options->rate : DEFAULT_RATE, error));
    TRY(set_number(booster, "lambda", options->shrinkage > 0 ? options->shrinkage : 1, error));
    TRY(set_number(booster, "min_child_weight",
                   options->least_leaf > 0 ? options->least_leaf : DEFAULT_LEAST_LEAF, error));
    TRY(set_number(booster, "seed", 0, error));
    TRY(set_number(booster, "max_bin", 64, error));
    TRY(check(XGBoosterSetParam(booster, "tree_method", "hist"), error));
    return check(XGBoosterSetParam(booster, "objective", objective), error);
}

/* Ranking wants more for the better: the sign is turned there and in predictions. */
static dlt_status set_labels(DMatrixHandle matrix, const struct cost_model_rows *rows,
                             enum cost_model_objective objective, struct error *error) {
    bst_ulong count = (bst_ulong)rows->count;
    float *labels = malloc((size_t)rows->count * sizeof *labels + 1);
    dlt_status status;
    if (!labels)
        return error_set(error, DLT_ERROR_MEMORY, "out of memory");
    for (int64_t i = 0; i < rows->count; i++)
        labels[i] = objective == MODEL_RANKING ? expf(-rows->targets[i]) : rows->targets[i];
    status = check(XGDMatrixSetFloatInfo(matrix, "label", labels, count), error);
    free(labels);
    TRY(status);
    if (rows->weights)
        TRY(check(XGDMatrixSetFloatInfo(matrix, "weight", rows->weights,
                                        objective == MODEL_RANKING ? (bst_ulong)rows->group_count
                                                                   : count),
                  error));
    if (objective == MODEL_RANKING && rows->groups)
        return check(
            XGDMatrixSetUIntInfo(matrix, "group", rows->groups, (bst_ulong)rows->group_count),
            error);
    return DLT_OK;
}

static dlt_status make_matrix(const struct cost_model_rows *rows,
                              enum cost_model_objective objective, DMatrixHandle *matrix,
                              struct error *error) {
    dlt_status status;
    TRY(check(XGDMatrixCreateFromMat_omp(rows->features, (bst_ulong)rows->count, FEATURE_COUNT, NAN,
                                         matrix, 1),
              error));
    status = set_labels(*matrix, rows, objective, error);
    if (status != DLT_OK)
        XGDMatrixFree(*matrix);
    return status;
}

static dlt_status boost(struct cost_model *model, DMatrixHandle matrix,
                        const struct cost_model_options *options, struct error *error) {
    int trees = options->trees ? options->trees : DEFAULT_TREES;
    for (int i = 0; i < trees; i++) {
        if (options->stop && options->stop(options->context))
            return error_set(error, DLT_ERROR_CANCELLED, "training was stopped");
        TRY(check(XGBoosterUpdateOneIter(model->booster, model->rounds++, matrix), error));
    }
    return DLT_OK;
}

static dlt_status train(struct cost_model *model, DMatrixHandle matrix,
                        const struct cost_model_options *options, struct error *error) {
    TRY(check(XGBoosterCreate(&matrix, 1, &model->booster), error));
    TRY(set_options(model->booster, options, error));
    return boost(model, matrix, options, error);
}

dlt_status cost_model_train(const struct cost_model_rows *rows,
                            const struct cost_model_options *options, struct cost_model **model,
                            struct error *error) {
    struct cost_model *made;
    DMatrixHandle matrix;
    dlt_status status;
    *model = NULL;
    if (rows->count < 1)
        return error_set(error, DLT_ERROR_ARGUMENT, "rows: none to train a model on");
    made = calloc(1, sizeof *made);
    if (!made)
        return error_set(error, DLT_ERROR_MEMORY, "out of memory");
    made->objective = options->objective;
    status = make_matrix(rows, options->objective, &matrix, error);
    if (status == DLT_OK) {
        status = train(made, matrix, options, error);
        XGDMatrixFree(matrix);
    }
    if (status != DLT_OK) {
        cost_model_free(made);
        return status;
    }
    *model = made;
    return DLT_OK;
}

dlt_status cost_model_predict(const struct cost_model *model, int64_t count, const float *features,
                              float *scores, struct error *error) {
    static const char config[] = "{\"type\": 0, \"iteration_begin\": 0, \"iteration_end\": 0, "
                                 "\"strict_shape\": false, \"missing\": NaN, \"cache_id\": 0}";
    char array[256];
    const bst_ulong *shape;
    bst_ulong dimensions;
    const float *result;
    if (count < 1)
        return DLT_OK;
    snprintf(array, sizeof array,
             "{\"data\": [%llu, true], \"shape\": [%lld, %d], \"typestr\": \"<f4\", "
             "\"version\": 3}",
             (unsigned long long)(uintptr_t)features, (long long)count, FEATURE_COUNT);
    TRY(check(XGBoosterPredictFromDense(model->booster, array, config, NULL, &shape, &dimensions,
                                        &result),
              error));
    for (int64_t i = 0; i < count; i++)
        scores[i] = model->objective == MODEL_RANKING ? -result[i] : result[i];
    return DLT_OK;
}

dlt_status cost_model_save(const struct cost_model *model, struct text *bytes,
                           struct error *error) {
    struct header header = {.magic = MAGIC,
                            .feature_version = FEATURE_VERSION,
                            .feature_count = FEATURE_COUNT,
                            .rounds = model->rounds,
                            .objective = model->objective};
    const char *data;
    bst_ulong size;
    TRY(check(XGBoosterSaveModelToBuffer(model->booster, "{\"format\": \"ubj\"}", &size, &data),
              error));
    text_append_bytes(bytes, (const char *)&header, sizeof header);
    text_append_bytes(bytes, data, (size_t)size);
    return bytes->failed ? error_set(error, DLT_ERROR_MEMORY, "out of memory") : DLT_OK;
}

static dlt_status check_header(const void *bytes, size_t size, struct header *header,
                               struct error *error) {
    if (size < sizeof *header)
        return error_set(error, DLT_ERROR_ARGUMENT, "model: %zu bytes are too few for one", size);
    memcpy(header, bytes, sizeof *header);
    if (memcmp(header->magic, MAGIC, sizeof MAGIC))
        return error_set(error, DLT_ERROR_ARGUMENT, "model: these bytes are none");
    if (header->feature_version != FEATURE_VERSION || header->feature_count != FEATURE_COUNT)
        return error_set(error, DLT_ERROR_REFUSED,
                         "model: it is of version %d of the features, this is version %d",
                         (int)header->feature_version, FEATURE_VERSION);
    if (header->objective != MODEL_REGRESSION && header->objective != MODEL_RANKING)
        return error_set(error, DLT_ERROR_ARGUMENT, "model: damaged");
    return DLT_OK;
}

static dlt_status load(struct cost_model *model, const void *bytes, size_t size,
                       struct error *error) {
    TRY(check(XGBoosterCreate(NULL, 0, &model->booster), error));
    TRY(set_threads(model->booster, 1, error));
    return check(XGBoosterLoadModelFromBuffer(model->booster, bytes, (bst_ulong)size), error);
}

dlt_status cost_model_load(const void *bytes, size_t size, struct cost_model **model,
                           struct error *error) {
    struct header header;
    struct cost_model *made;
    dlt_status status;
    *model = NULL;
    TRY(check_header(bytes, size, &header, error));
    made = calloc(1, sizeof *made);
    if (!made)
        return error_set(error, DLT_ERROR_MEMORY, "out of memory");
    made->rounds = header.rounds;
    made->objective = header.objective;
    status = load(made, (const char *)bytes + sizeof header, size - sizeof header, error);
    if (status != DLT_OK) {
        cost_model_free(made);
        return status;
    }
    *model = made;
    return DLT_OK;
}

void cost_model_free(struct cost_model *model) {
    if (!model)
        return;
    if (model->booster)
        XGBoosterFree(model->booster);
    free(model);
}
