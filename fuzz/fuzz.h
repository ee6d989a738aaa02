/* What fuzz targets share. Each is a program of libFuzzer: tools/fuzz.sh builds and runs them. */
#ifndef FUZZ_FUZZ_H
#define FUZZ_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What has to hold for every input: the fuzzer reports the abort with the input. */
static inline void require(bool condition) {
    if (!condition)
        abort();
}

/* The input as a string, to be freed; it ends at its first NUL. */
static inline char *text_of(const uint8_t *data, size_t size) {
    char *text = malloc(size + 1);
    require(text != NULL);
    memcpy(text, data, size);
    text[size] = 0;
    return text;
}

#endif
