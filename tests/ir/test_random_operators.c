/* Convolutions and matrix products of random sizes (ones, primes, one off a vector) and attributes,
 * under random schedules, compared with the reference on every target that runs here.
 *
 * DLTUNE_RANDOM_OPERATORS=count or first_seed:count tries others than the first few. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "running.h"

#include "random_schedule.h"
#include "te/task.h"

enum {
    MAX_TERMS = 300000, /* of all elements */
};

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
    int stride = chance(random, 4) ? small(random, 3) : 2, r = small(random, 5);
    text_format(text, "conv2d_transpose n=%d c=%d h=%d w=%d k=%d r=%d s=%d stride=%d",
                small(random, 2), small(random, 5) * groups, small(random, 5), small(random, 9),
                (chance(random, 2) ? small(random, 5) : random_size(random)) * groups, r,
                small(random, 5), stride);
    if (groups > 1)
        text_format(text, " groups=%d", groups);
    if (chance(random, 2))
        text_format(text, " pad=%d,%d,%d,%d", small(random, r) - 1, small(random, 3) - 1,
                    small(random, r) - 1, small(random, 3) - 1);
    if (stride > 1 && chance(random, 3))
        text_append(text, " output_padding=1");
    if (chance(random, 5))
        text_format(text, " dilation=%dx%d", small(random, 3), small(random, 3));
    text_append(text, layouts[random_below(random, 4)]);
    append_accumulate(text, random);
    append_post(text, random);
}

static void random_product(struct text *text, struct random *random) {
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

static bool try_seed(uint64_t seed, struct tally *tallies) {
    struct random random;
    struct text text = {0};
    struct task *task;
    struct error error = {.status = DLT_OK};
    struct subject subject;
    random_seed(&random, seed);
    if (chance(&random, 3))
        random_product(&text, &random);
    else if (chance(&random, 4))
        random_transpose(&text, &random);
    else
        random_convolution(&text, &random);
    trying_seed = seed;
    trying_expression = text_string(&text);
    trying_trace = "";
    if (task_create_text(text_string(&text), "c", 1, &task, &error)) {
        assert_int_equal(error.status, DLT_ERROR_ARGUMENT);
        text_free(&text);
        return false;
    }
    bool small_enough = task->nominal_operations < 2 * MAX_TERMS;
    if (small_enough) {
        if (arena_recover(&task->arena))
            fail_msg("out of memory");
        const struct expression *expression =
            chance(&random, 2) ? task->collapsed : task->expression;
        struct schedule *schedule = schedule_create(&task->arena, expression);
        random_schedule(schedule, &random);
        trying_trace = schedule_trace(schedule);
        subject_open(&subject, expression, &random,
                     seed % 2 ? number_or_special : number_around_one);
        check_on_targets(&subject, schedule, tallies);
        subject_close(&subject);
        schedule_free(schedule);
    }
    task_free(task);
    text_free(&text);
    return small_enough;
}

static void test_random_operators(void **state) {
    struct tally tallies[MAX_TARGETS] = {{0}};
    int count = 600, valid = 0;
    uint64_t first;
    (void)state;
    describe_crashes();
    read_range("DLTUNE_RANDOM_OPERATORS", &first, &count);
    for (int i = 0; i < count; i++)
        valid += try_seed(first + (uint64_t)i, tallies);
    print_message("%d of %d workloads were legal and small enough\n", valid, count);
    if (count >= 100)
        assert_true(valid * 2 > count);
    check_tallies(tallies, count);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_operators),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
