/* Random workloads of the operators: sizes of one, primes, one off a vector, and attributes. */
#ifndef TESTS_IR_RANDOM_WORKLOAD_H
#define TESTS_IR_RANDOM_WORKLOAD_H

#include "base/text.h"
#include "random_schedule.h"

static int random_size(struct random *random) {
    static const int sizes[] = {1, 1, 2, 3, 5, 7, 8, 13, 15, 16, 17, 23, 31, 32, 33};
    return sizes[random_below(random, sizeof sizes / sizeof sizes[0])];
}

static int small(struct random *random, int most) {
    return (int)between(random, 1, most);
}

static void append_pads(struct text *text, struct random *random, int r, int s) {
    switch (random_below(random, 4)) {
    case 0:
        return;
    case 1:
        text_format(text, " pad=%d", r / 2);
        return;
    case 2:
        text_format(text, " pad=%dx%d", small(random, r + 3) - 1, small(random, s + 3) - 1);
        return;
    default:
        text_format(text, " pad=%d,%d,%d,%d", small(random, r + 3) - 1, small(random, s + 3) - 1,
                    small(random, r + 3) - 1, small(random, s + 3) - 1);
    }
}

static void append_post(struct text *text, struct random *random) {
    static const char *const posts[] = {
        "", " post=bias", " post=bias,relu", " post=add,relu", " post=relu", " post=bias,add"};
    text_append(text, posts[random_below(random, sizeof posts / sizeof posts[0])]);
}

static void append_accumulate(struct text *text, struct random *random) {
    if (chance(random, 4))
        text_append(text, " accumulate=1");
}

static void random_convolution(struct text *text, struct random *random) {
    static const char *const layouts[] = {"", "", " layout=nhwc", " layout=n,c/16,h,w,c%16",
                                          " layout=n,h,c/3,w,c%3"};
    int groups = chance(random, 4) ? small(random, 5) : 1;
    int c = chance(random, 2) ? small(random, 5) : random_size(random);
    int r = small(random, 4), s = small(random, 4);
    text_format(text, "conv2d n=%d c=%d h=%d w=%d k=%d r=%d s=%d", small(random, 2), c * groups,
                chance(random, 2) ? small(random, 9) : random_size(random), random_size(random),
                (chance(random, 3) ? 1 : random_size(random)) * groups, r, s);
    if (groups > 1)
        text_format(text, " groups=%d", groups);
    append_pads(text, random, r, s);
    if (chance(random, 3))
        text_format(text, " stride=%dx%d", small(random, 3), small(random, 3));
    if (chance(random, 4))
        text_format(text, " dilation=%dx%d", small(random, 2), small(random, 3));
    text_append(text, layouts[random_below(random, 5)]);
    append_accumulate(text, random);
    append_post(text, random);
    if (chance(random, 5))
        text_append(text, chance(random, 2) ? " const=none" : " const=weight,bias");
}

static void random_transpose(struct text *text, struct random *random) {
    static const char *const layouts[] = {"", "", " layout=nhwc", " layout=n,c/16,h,w,c%16"};
    int groups = chance(random, 4) ? small(random, 3) : 1;
    int r = small(random, 5);
    text_format(text, "conv2d_transpose n=%d c=%d h=%d w=%d k=%d r=%d s=%d stride=%dx%d",
                small(random, 2), small(random, 5) * groups,
                chance(random, 2) ? small(random, 5) : random_size(random), small(random, 13),
                (chance(random, 2) ? small(random, 5) : random_size(random)) * groups, r,
                small(random, 5), small(random, 5), small(random, 5));
    if (groups > 1)
        text_format(text, " groups=%d", groups);
    if (chance(random, 2))
        text_format(text, " pad=%d,%d,%d,%d", small(random, r) - 1, small(random, 3) - 1,
                    small(random, r) - 1, small(random, 3) - 1);
    if (chance(random, 4))
        text_append(text, " output_padding=1");
    if (chance(random, 5))
        text_format(text, " dilation=%dx%d", small(random, 3), small(random, 3));
    text_append(text, layouts[random_below(random, 4)]);
    append_accumulate(text, random);
    append_post(text, random);
}

__attribute__((unused)) static void random_product(struct text *text, struct random *random) {
    int n = random_size(random), k = random_size(random);
    if (chance(random, 3))
        text_format(text, "batch_matmul b=%d m=%d n=%d k=%d", small(random, 4), random_size(random),
                    n, k);
    else
        text_format(text, "matmul m=%d n=%d k=%d", random_size(random), n, k);
    if (chance(random, 4))
        text_format(text, " lda=%d ldb=%d", k + small(random, 9), n + small(random, 9));
    if (chance(random, 6))
        text_format(text, " ldc=%d", n + small(random, 9));
    append_accumulate(text, random);
    append_post(text, random);
    if (chance(random, 3))
        text_append(text, " const=b");
}

#endif
