/* Runs every kernel of an exported library called `suite`, as a program that links it would; built
 * by bench_exported with C and C++ compilers alike.
 *
 *     driver MANIFEST DATA RESULTS
 *
 * A line of the manifest is a kernel: how many variable inputs and parameters it has, the bytes of
 * each, the bytes of the result, the workload. DATA holds the tensors in that order; RESULTS gets
 * the results. Answers 0, or says which kernel answered what. */
#include "suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    MOST_TENSORS = 16
};

static void fail(const char *what, const char *workload) {
    fprintf(stderr, "driver: %s: %s\n", what, workload);
    exit(1);
}

/* From a file, or zero; 64 bytes aligned, which packed data and workspaces need. */
static void *take(FILE *file, size_t bytes) {
    void *data = aligned_alloc(64, (bytes + 64) / 64 * 64);
    if (!data || (file && fread(data, 1, bytes, file) != bytes))
        fail("cannot be read", "the tensors");
    return data;
}

struct line {
    int variables, parameters;
    size_t bytes[MOST_TENSORS + 1];
    char workload[512];
};

static int read_line(FILE *manifest, struct line *line) {
    if (fscanf(manifest, "%d %d", &line->variables, &line->parameters) != 2)
        return 0;
    for (int i = 0; i <= line->variables + line->parameters; i++)
        if (fscanf(manifest, "%zu", &line->bytes[i]) != 1)
            return 0;
    return fscanf(manifest, " %511[^\n]", line->workload) == 1;
}

static void run(const struct line *line, FILE *data, FILE *results) {
    const suite_kernel *kernel = suite_find(line->workload);
    int inputs = line->variables + line->parameters;
    void *tensors[MOST_TENSORS + 1];
    if (!kernel)
        fail("not found", line->workload);
    for (int i = 0; i <= inputs; i++)
        tensors[i] = take(i < inputs ? data : NULL, line->bytes[i]);
    void *packed = take(NULL, suite_packed_bytes(kernel));
    void *workspace = take(NULL, suite_workspace_bytes(kernel, 1));
    const void *const *all = (const void *const *)tensors;
    if (suite_pack(kernel, all + line->variables, packed) != suite_OK)
        fail("packing failed", line->workload);
    if (suite_run(kernel, all, packed, tensors[inputs], workspace, NULL) != suite_OK)
        fail("running failed", line->workload);
    if (fwrite(tensors[inputs], 1, line->bytes[inputs], results) != line->bytes[inputs])
        fail("cannot be written", "the results");
    for (int i = 0; i <= inputs; i++)
        free(tensors[i]);
    free(packed);
    free(workspace);
}

int main(int count, char **arguments) {
    FILE *manifest = count == 4 ? fopen(arguments[1], "r") : NULL;
    FILE *data = manifest ? fopen(arguments[2], "rb") : NULL;
    FILE *results = data ? fopen(arguments[3], "wb") : NULL;
    struct line line;
    if (!results)
        fail("usage", "driver MANIFEST DATA RESULTS");
    while (read_line(manifest, &line))
        run(&line, data, results);
    return fclose(results) != 0;
}
