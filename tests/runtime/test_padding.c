/* Padding as wide as the filter and wider, on every target and in several layouts: by the default
 * schedule results are those of a plain loop nest, and outputs whose taps all fall outside of an
 * image of NaNs are exactly the bias. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "db/db.h"
#include "dltune/dltune.h"
#include "machine/description.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    CHANNELS = 5, /* of x and of the output */
    MOST = 32 * 1024,
};

struct example {
    int h, w, r, s, stride, dilation, pads[4]; /* top, left, bottom, right */
};

static const struct example examples[] = {
    {9, 9, 1, 1, 1, 1, {1, 1, 1, 1}},
    {9, 9, 3, 3, 1, 1, {5, 3, 4, 7}},
    {1, 2, 2, 1, 3, 1, {4, 3, 4, 3}},
    {5, 19, 1, 1, 2, 1, {2, 1, 0, 3}},
    {3, 3, 2, 2, 1, 5, {9, 9, 9, 9}},
    {2, 2, 1, 1, 4, 1, {1, 1, 1, 1}}, /* no output sees any of x */
    {4, 33, 3, 3, 1, 1, {0, 17, 0, 20}},
};

static char path[] = "/tmp/dltune-padding-XXXXXX.db";

static int outputs(int size, int taps, const struct example *e, int pads) {
    return (size + pads - (taps - 1) * e->dilation - 1) / e->stride + 1;
}

static bool is_inside(const struct example *e, int row, int column) {
    return row >= 0 && row < e->h && column >= 0 && column < e->w;
}

/* Where an element of channel, row, column is. */
static int place(bool channels_last, int channel, int row, int column, int rows, int columns) {
    return channels_last ? (row * columns + column) * CHANNELS + channel
                         : (channel * rows + row) * columns + column;
}

/* One output without its bias; `taps_inside` counts. */
static double sum_at(const struct example *e, bool last, const float *x, const float *weight, int k,
                     int y, int column, int *taps_inside) {
    double sum = 0;
    *taps_inside = 0;
    for (int c = 0; c < CHANNELS; c++)
        for (int r = 0; r < e->r; r++)
            for (int s = 0; s < e->s; s++) {
                int row = y * e->stride + r * e->dilation - e->pads[0];
                int at = column * e->stride + s * e->dilation - e->pads[1];
                if (!is_inside(e, row, at))
                    continue;
                ++*taps_inside;
                sum += (double)x[place(last, c, row, at, e->h, e->w)] *
                       weight[((k * CHANNELS + c) * e->r + r) * e->s + s];
            }
    return sum;
}

static void check(const struct example *e, bool last, const float *x, const float *weight,
                  const float *bias, const float *got, const char *task) {
    int rows = outputs(e->h, e->r, e, e->pads[0] + e->pads[2]);
    int columns = outputs(e->w, e->s, e, e->pads[1] + e->pads[3]), inside;
    for (int k = 0; k < CHANNELS; k++)
        for (int y = 0; y < rows; y++)
            for (int column = 0; column < columns; column++) {
                float found = got[place(last, k, y, column, rows, columns)];
                double sum = sum_at(e, last, x, weight, k, y, column, &inside) + bias[k];
                if (inside ? !(fabs(found - sum) <= 1e-4 || (isnan(sum) && isnan(found)))
                           : found != bias[k])
                    fail_msg("%s: output[%d, %d, %d] is %g, not %g", task, k, y, column, found,
                             sum);
            }
}

/* `info` has to live as long as the tensor. */
static DLTensor tensor(const dlt_kernel *kernel, dlt_role role, int index, dlt_tensor_info *info,
                       float *data) {
    assert_int_equal(dlt_kernel_tensor(kernel, role, index, info), DLT_OK);
    return (DLTensor){.data = data,
                      .device = {kDLCPU, 0},
                      .ndim = info->rank,
                      .dtype = info->type,
                      .shape = info->shape,
                      .strides = info->strides};
}

static void run(dlt_kernel *kernel, float *x, float *weight, float *bias, float *output) {
    dlt_tensor_info infos[4];
    dlt_kernel_info info;
    dlt_kernel_describe(kernel, &info);
    DLTensor of_x = tensor(kernel, DLT_ROLE_INPUT, 0, &infos[0], x);
    DLTensor of_weight = tensor(kernel, DLT_ROLE_PARAMETER, 0, &infos[1], weight);
    DLTensor of_bias = tensor(kernel, DLT_ROLE_PARAMETER, 1, &infos[2], bias);
    DLTensor of_output = tensor(kernel, DLT_ROLE_OUTPUT, 0, &infos[3], output);
    DLTensor *inputs[] = {&of_x}, *parameters[] = {&of_weight, &of_bias};
    void *packed = aligned_alloc(64, (info.packed_bytes + 64) & ~(size_t)63);
    void *workspace = aligned_alloc(64, (info.workspace_bytes + 64) & ~(size_t)63);
    if (dlt_kernel_pack(kernel, parameters, packed) != DLT_OK ||
        dlt_kernel_run(kernel, inputs, &of_output, packed, workspace, NULL) != DLT_OK)
        fail_msg("%s: %s", info.task, dlt_error(kernel));
    free(packed);
    free(workspace);
}

static void try_example(dlt_runtime *runtime, const struct example *e, bool last) {
    static float x[MOST], weight[MOST], bias[CHANNELS], output[MOST];
    char workload[256];
    dlt_kernel *kernel;
    snprintf(workload, sizeof workload,
             "conv2d c=%d h=%d w=%d k=%d r=%d s=%d stride=%d dilation=%d pad=%d,%d,%d,%d post=bias "
             "const=weight,bias "
             "layout=%s",
             CHANNELS, e->h, e->w, CHANNELS, e->r, e->s, e->stride, e->dilation, e->pads[0],
             e->pads[1], e->pads[2], e->pads[3], last ? "nhwc" : "nchw");
    if (dlt_runtime_get(runtime, workload, 1, &kernel) != DLT_OK)
        fail_msg("%s: %s", workload, dlt_error(runtime));
    for (int i = 0; i < MOST; i++) {
        x[i] = (float)((i * 7) % 13 - 6) / 8;
        weight[i] = (float)((i * 5) % 11 - 5) / 8;
    }
    for (int i = 0; i < CHANNELS; i++)
        bias[i] = (float)i + 0.1f;
    run(kernel, x, weight, bias, output);
    check(e, last, x, weight, bias, output, workload);
    for (int i = 0; i < MOST; i++)
        x[i] = NAN, output[i] = -1;
    run(kernel, x, weight, bias, output);
    check(e, last, x, weight, bias, output, workload);
    dlt_kernel_release(kernel);
}

static void padding_is_exact(void **state) {
    (void)state;
    for (int t = 0; target_names[t]; t++) {
        dlt_runtime *runtime;
        if (!target_runs_here(target_names[t]))
            continue;
        assert_int_equal(dlt_runtime_open(path, target_names[t], &runtime), DLT_OK);
        for (size_t i = 0; i < sizeof examples / sizeof examples[0]; i++)
            for (int last = 0; last < 2; last++)
                try_example(runtime, &examples[i], last);
        dlt_runtime_close(runtime);
    }
}

/* A target refuses types that it does not compute in; the target c computes. */
static void types_are_refused(void **state) {
    static const char workload[] =
        "expression text=\"input x[i=8] f64 variable; y[i=8] f64 = x[i] * 2\"";
    (void)state;
    for (int t = 0; target_names[t]; t++) {
        bool plain = !strcmp(target_names[t], "c");
        dlt_runtime *runtime;
        dlt_kernel *kernel;
        if (!target_runs_here(target_names[t]))
            continue;
        assert_int_equal(dlt_runtime_open(path, target_names[t], &runtime), DLT_OK);
        assert_int_equal(dlt_runtime_get(runtime, workload, 1, &kernel),
                         plain ? DLT_OK : DLT_ERROR_ARGUMENT);
        if (plain)
            dlt_kernel_release(kernel);
        else
            assert_non_null(strstr(dlt_error(runtime), "tensor x: its type is f64"));
        dlt_runtime_close(runtime);
    }
}

static int set_up(void **state) {
    struct database *database;
    int file = mkstemps(path, 3);
    (void)state;
    if (file < 0 || close(file) != 0 ||
        database_open(path, DATABASE_WRITE, &database, NULL) != DLT_OK)
        return -1;
    database_close(database);
    return 0;
}

static int tear_down(void **state) {
    static const char *const suffixes[] = {"", "-wal", "-shm"};
    char name[64];
    (void)state;
    for (int i = 0; i < 3; i++) {
        snprintf(name, sizeof name, "%s%s", path, suffixes[i]);
        unlink(name);
    }
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(padding_is_exact),
                                       cmocka_unit_test(types_are_refused)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
