/* Random workloads: sizes of one, primes, one beside a vector's length, and every attribute. */
#include "draw.h"

#include <string.h>

static int64_t any_size(struct random *random) {
    static const int sizes[] = {1, 1, 2, 3, 4, 5, 7, 8, 9, 11, 13, 15, 16, 17, 23, 31, 32, 33, 47};
    return sizes[random_between(random, 0, sizeof sizes / sizeof sizes[0] - 1)];
}

static void draw_steps(struct random *random, struct operator_case *o) {
    unsigned used = 0;
    if (random_chance(random, 2))
        return;
    for (int i = (int)random_between(random, 1, 3); i > 0; i--) {
        int step = random_chance(random, 2) ? (int)random_between(random, 0, 2)
                                            : (int)random_between(random, 0, 8);
        if ((step < 2 && used >> step & 1) ||
            (o->step_count && o->steps[o->step_count - 1] == step))
            continue;
        used |= 1u << step;
        o->steps[o->step_count++] = step;
    }
}

/* Not all inputs may be parameters. */
static void draw_constants(struct random *random, struct operator_case *o) {
    int inputs = 2;
    for (int i = 0; i < o->step_count; i++)
        inputs += o->steps[i] < 2;
    if (random_chance(random, 2))
        return;
    o->constant_given = true;
    do
        o->constants = (unsigned)random_between(random, 0, (1 << inputs) - 1);
    while (o->constants == (1u << inputs) - 1);
}

static void add_piece(struct operator_case *o, int axis, int64_t divisor, int64_t modulus,
                      int64_t more) {
    o->pieces[o->piece_count++] = (struct piece){axis, divisor, modulus, more};
}

static void shuffle_pieces(struct random *random, struct operator_case *o) {
    for (int i = o->piece_count - 1; i > 0; i--) {
        int j = (int)random_between(random, 0, i);
        struct piece piece = o->pieces[i];
        o->pieces[i] = o->pieces[j];
        o->pieces[j] = piece;
    }
}

static void draw_layout(struct random *random, struct operator_case *o) {
    static const int blocks[] = {2, 3, 4, 8, 8, 16, 16};
    static const int channels_last[] = {0, 2, 3, 1};
    int64_t block = blocks[random_between(random, 0, 6)];
    switch (random_between(random, 0, 7)) {
    case 0: /* channels last */
        for (int i = 0; i < 4; i++)
            add_piece(o, channels_last[i], 1, 0, 0);
        break;
    case 1: /* blocks of channels, the usual way */
    case 2:
        for (int i = 0; i < 4; i++)
            add_piece(o, i, i == 1 ? block : 1, 0, 0);
        add_piece(o, 1, 1, block, 0);
        break;
    case 3: /* rows that are apart */
        for (int i = 0; i < 4; i++)
            add_piece(o, i, 1, 0, random_chance(random, 2) ? random_between(random, 1, 5) : 0);
        break;
    case 4: /* any order, blocks of any axis */
        for (int i = 0; i < 4; i++) {
            bool blocked = o->piece_count < 5 && random_chance(random, 3);
            add_piece(o, i, blocked ? block : 1, 0,
                      random_chance(random, 5) ? random_between(random, 1, 3) : 0);
            if (blocked)
                add_piece(o, i, 1, block, 0);
        }
        shuffle_pieces(random, o);
        break;
    default:
        break;
    }
}

static void draw_window(struct random *random, struct operator_case *o) {
    bool transpose = o->kind == OPERATOR_CONV2D_TRANSPOSE;
    bool strided = random_chance(random, transpose ? 1 : 3), dilated = random_chance(random, 4);
    bool padded = !random_chance(random, 3);
    int64_t taps[] = {o->r, o->s, o->r, o->s};
    for (int i = 0; i < 2; i++) {
        o->stride[i] = strided ? random_between(random, 1, transpose ? 5 : 4) : 1;
        o->dilation[i] = dilated ? random_between(random, 1, 3) : 1;
        o->output_padding[i] = 0;
        if (transpose && random_chance(random, 3))
            o->output_padding[i] = random_between(random, 0, o->stride[i] - 1);
    }
    for (int i = 0; i < 4; i++) {
        int64_t window = (taps[i] - 1) * o->dilation[i % 2] + 1;
        o->pad[i] =
            padded ? random_between(random, 0, random_chance(random, 12) ? window + 1 : window - 1)
                   : 0;
    }
    if (random_chance(random, 2)) /* the usual: the same on both sides */
        memcpy(o->pad + 2, o->pad, 2 * sizeof *o->pad);
}

static void draw_convolution(struct random *random, struct operator_case *o) {
    o->n = random_chance(random, 3) ? random_between(random, 2, 3) : 1;
    o->groups = 1;
    o->c = any_size(random);
    o->k = any_size(random);
    if (random_chance(random, 4)) {
        o->groups = any_size(random);
        o->c = o->groups * (random_chance(random, 2) ? 1 : random_between(random, 1, 4));
        o->k = o->groups * (random_chance(random, 2) ? 1 : random_between(random, 1, 4));
    }
    o->h = random_chance(random, 2) ? random_between(random, 1, 9) : any_size(random);
    o->w = any_size(random);
    o->r = random_between(random, 1, 5);
    o->s = random_chance(random, 2) ? o->r : random_between(random, 1, 5);
    draw_window(random, o);
    draw_layout(random, o);
}

static void draw_product(struct random *random, struct operator_case *o) {
    o->b = random_between(random, 1, 4);
    o->m = any_size(random);
    o->n = any_size(random);
    o->k = random_chance(random, 8) ? random_between(random, 50, 300) : any_size(random);
    for (int i = 0; i < 3; i++)
        o->more[i] = random_chance(random, 4) ? random_between(random, 1, 9) : 0;
}

static void draw_any(struct random *random, struct operator_case *o) {
    memset(o, 0, sizeof *o);
    o->kind = (enum operator_kind)random_between(random, 0, OPERATOR_COUNT - 1);
    if (o->kind <= OPERATOR_CONV2D_TRANSPOSE)
        draw_convolution(random, o);
    else
        draw_product(random, o);
    o->strided = random_chance(random, 3);
    for (int i = 0; i < o->piece_count; i++)
        if (o->pieces[i].divisor > 1 || o->pieces[i].modulus)
            o->strided = false;
    o->accumulate = random_chance(random, 4);
    draw_steps(random, o);
    draw_constants(random, o);
    o->order = random_chance(random, 2) ? random_bits(random) : 0;
}

/* Whether the case is work at all, and how much. */
static double terms_of(const struct operator_case *o) {
    struct definition definition;
    double terms = 0;
    definition_initialise(&definition);
    if (operator_build(o, &definition))
        terms = definition_terms(&definition);
    definition_free(&definition);
    return terms;
}

void draw_operator(struct random *random, double terms, struct operator_case *operator) {
    double have;
    do {
        draw_any(random, operator);
        have = terms_of(operator);
    } while (have == 0 || have > terms);
}

void draw_neighbour(struct random *random, struct operator_case *operator) {
    struct operator_case changed;
    do {
        int64_t *const sizes[] = {&changed.n, &changed.c, &changed.h, &changed.w,
                                  &changed.k, &changed.m, &changed.b};
        changed = *operator;
        int64_t *size = sizes[random_between(random, 0, 6)];
        *size += random_between(random, -3, 5);
        if (changed.groups > 1 && (size == &changed.c || size == &changed.k))
            *size = changed.groups * random_between(random, 1, 3);
        if (*size < 1)
            *size = 1;
    } while (terms_of(&changed) == 0);
    *operator= changed;
}

static int64_t pick(struct random *random, const int *list, int count) {
    int64_t size = list[random_between(random, 0, count - 1)];
    return random_chance(random, 4) ? size + random_between(random, -1, 1) : size;
}

static void draw_realistic(struct random *random, struct operator_case *o) {
    static const int channels[] = {3, 16, 32, 48, 64, 96, 128, 192, 256, 512};
    static const int pixels[] = {7, 13, 14, 28, 32, 56, 64, 112};
    static const int lengths[] = {2, 16, 64, 100, 128, 197, 256, 384, 512, 768, 1024};
    draw_any(random, o);
    memset(o->more, 0, sizeof o->more);
    o->strided = false;
    if (o->step_count > 2) {
        o->step_count = 2;
        o->constant_given = false;
    }
    if (o->kind > OPERATOR_CONV2D_TRANSPOSE) {
        o->m = pick(random, lengths, 11);
        o->n = pick(random, lengths, 11);
        o->k = pick(random, lengths, 11);
        o->b = random_between(random, 1, 16);
        return;
    }
    o->c = pick(random, channels, 10);
    o->k = pick(random, channels, 10);
    o->h = pick(random, pixels, 8);
    o->w = random_chance(random, 3) ? pick(random, pixels, 8) : o->h;
    o->groups = 1;
    if (random_chance(random, 6))
        o->groups = o->k = o->c;
    if (random_chance(random, 2)) {
        o->stride[0] = o->stride[1] = random_between(random, 1, 2);
        o->dilation[0] = o->dilation[1] = 1;
        o->s = o->r;
        for (int i = 0; i < 4; i++)
            o->pad[i] = (o->r - 1) / 2;
    }
}

void draw_realistic_operator(struct random *random, double terms, struct operator_case *operator) {
    double have;
    do {
        draw_realistic(random, operator);
        have = terms_of(operator);
    } while (have < terms / 1000 || have > terms);
}

/* ---- simpler cases ---- */

enum {
    SIZES = 24,
};

/* Numbers that a case may have less of, and the least of each. */
static void list_numbers(struct operator_case *o, int64_t **numbers, int64_t *least) {
    int64_t *const all[SIZES] = {&o->n,
                                 &o->c,
                                 &o->h,
                                 &o->w,
                                 &o->k,
                                 &o->r,
                                 &o->s,
                                 &o->b,
                                 &o->m,
                                 &o->groups,
                                 &o->stride[0],
                                 &o->stride[1],
                                 &o->dilation[0],
                                 &o->dilation[1],
                                 &o->pad[0],
                                 &o->pad[1],
                                 &o->pad[2],
                                 &o->pad[3],
                                 &o->output_padding[0],
                                 &o->output_padding[1],
                                 &o->more[0],
                                 &o->more[1],
                                 &o->more[2],
                                 NULL};
    memcpy(numbers, all, sizeof all);
    for (int i = 0; i < SIZES; i++)
        least[i] = i < 14;
}

static bool simplify_structure(struct operator_case *o, int index) {
    switch (index) {
    case 0:
        o->piece_count = 0;
        o->strided = false;
        return true;
    case 1:
        o->step_count = 0;
        o->constants &= 3;
        return true;
    case 2:
        if (o->step_count)
            o->step_count--;
        o->constants &= 3;
        return true;
    case 3:
        o->accumulate = false;
        return true;
    case 4:
        o->constant_given = false;
        return true;
    default:
        o->order = 0;
        return true;
    }
}

bool simplify_operator(const struct operator_case *operator, int index,
                       struct operator_case *simpler) {
    int64_t *numbers[SIZES], least[SIZES];
    int way = index % 3, number = index / 3;
    *simpler = *operator;
    if (index < 6)
        return simplify_structure(simpler, index);
    index -= 6;
    way = index % 3;
    number = index / 3;
    if (number >= SIZES - 1)
        return false;
    list_numbers(simpler, numbers, least);
    if (*numbers[number] > least[number])
        *numbers[number] = way == 0   ? least[number]
                           : way == 1 ? (*numbers[number] + least[number]) / 2
                                      : *numbers[number] - 1;
    return true;
}
