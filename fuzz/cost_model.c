/* Stored cost models: bytes are refused with a message, or become a model that predicts finite
 * scores for any row and is stored as the same bytes. */
#include "fuzz/fuzz.h"

#include "costmodel/model.h"

#include <math.h>

enum {
    ROWS = 4
};

/* Small and large, equal to thresholds or not. */
static void fill(float *features, const uint8_t *data, size_t size) {
    for (size_t i = 0; i < ROWS * FEATURE_COUNT; i++)
        features[i] = ldexpf((float)data[i % size] - 128, (int)(i % 40) - 20);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct error error = {.status = DLT_OK};
    float features[ROWS * FEATURE_COUNT], scores[ROWS];
    struct cost_model *model;
    struct text bytes = {0};
    if (cost_model_load(data, size, &model, &error) != DLT_OK) {
        require(!model && error.message[0]);
        return 0;
    }
    fill(features, data, size);
    require(cost_model_predict(model, ROWS, features, scores, &error) == DLT_OK);
    for (int i = 0; i < ROWS; i++)
        require(isfinite(scores[i]));
    require(cost_model_save(model, &bytes, &error) == DLT_OK);
    require(bytes.length == size && memcmp(bytes.data, data, size) == 0);
    text_free(&bytes);
    cost_model_free(model);
    return 0;
}
