/* Training through XGBoost's C API; see model.h. model_none.c takes this file's place without it.
 *
 * XGBoost makes trees; what is predicted with, kept and read again is our own (trees.h). */
#include "costmodel/xgboost/boosted.h"

#include "base/number.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <xgboost/c_api.h>

enum {
    DEFAULT_TREES = 80,
    DEFAULT_DEPTH = 6,
};

#define DEFAULT_RATE       0.15
#define DEFAULT_LEAST_LEAF 2
#define AGREEMENT          1e-4 /* of XGBoost's predictions and ours; both add in 32 bits */

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

static dlt_status boost(BoosterHandle booster, DMatrixHandle matrix,
                        const struct cost_model_options *options, struct error *error) {
    int trees = options->trees ? options->trees : DEFAULT_TREES;
    TRY(set_options(booster, options, error));
    for (int i = 0; i < trees; i++) {
        if (options->stop && options->stop(options->context))
            return error_set(error, DLT_ERROR_CANCELLED, "training was stopped");
        TRY(check(XGBoosterUpdateOneIter(booster, i, matrix), error));
    }
    return DLT_OK;
}

/* The trees as we read them answer what XGBoost answers, or a newer XGBoost means something else by
 * what it saves. A few rows tell. */
static dlt_status compare(BoosterHandle booster, DMatrixHandle matrix,
                          const struct cost_model *model, const struct cost_model_rows *rows,
                          struct error *error) {
    enum {
        SOME_ROWS = 16
    };
    int64_t count = rows->count < SOME_ROWS ? rows->count : SOME_ROWS;
    float scores[SOME_ROWS], sign = model->objective == MODEL_RANKING ? -1 : 1;
    const float *theirs;
    bst_ulong length;
    TRY(check(XGBoosterPredict(booster, matrix, 0, 0, 0, &length, &theirs), error));
    TRY(cost_model_predict(model, count, rows->features, scores, error));
    for (int64_t i = 0; i < count; i++)
        if (!(fabsf(sign * scores[i] - theirs[i]) <= AGREEMENT * (1 + fabsf(theirs[i]))))
            return error_set(error, DLT_ERROR_REFUSED,
                             "model: XGBoost's trees, as this dltune reads them, give %g for %g",
                             (double)(sign * scores[i]), (double)theirs[i]);
    return DLT_OK;
}

static dlt_status train(BoosterHandle booster, DMatrixHandle matrix,
                        const struct cost_model_rows *rows,
                        const struct cost_model_options *options, struct cost_model **model,
                        struct error *error) {
    const char *json;
    bst_ulong size;
    TRY(boost(booster, matrix, options, error));
    TRY(check(XGBoosterSaveModelToBuffer(booster, "{\"format\": \"json\"}", &size, &json), error));
    TRY(boosted_read(json, (size_t)size, options->objective, model, error));
    return compare(booster, matrix, *model, rows, error);
}

dlt_status cost_model_train(const struct cost_model_rows *rows,
                            const struct cost_model_options *options, struct cost_model **model,
                            struct error *error) {
    BoosterHandle booster = NULL;
    DMatrixHandle matrix;
    dlt_status status;
    *model = NULL;
    if (rows->count < 1)
        return error_set(error, DLT_ERROR_ARGUMENT, "rows: none to train a model on");
    TRY(make_matrix(rows, options->objective, &matrix, error));
    status = check(XGBoosterCreate(&matrix, 1, &booster), error);
    if (status == DLT_OK)
        status = train(booster, matrix, rows, options, model, error);
    if (booster)
        XGBoosterFree(booster);
    XGDMatrixFree(matrix);
    if (status != DLT_OK) {
        cost_model_free(*model);
        *model = NULL;
    }
    return status;
}
