/* Tiles in printed C: as loops, as symbols and as bytes, with variants and words. */
#include "tests/targets/printed.h"

#include <stdio.h>
#include <string.h>

/* A tile that is not a vector program: loops around a local array. */
static struct tile *new_tile(struct fixture *f, int variants) {
    struct tile *tile = ARENA_NEW(&f->arena, struct tile);
    tile->variant_count = variants;
    tile->variants = ARENA_ARRAY(&f->arena, struct tile_variant, (size_t)variants);
    f->program.tiles[f->program.tile_count++] = tile;
    return tile;
}

static struct node *new_tile_node(struct fixture *f, struct tile *tile, struct node *body) {
    struct node *node = ARENA_NEW(&f->arena, struct node);
    node->kind = NODE_TILE;
    node->tile = tile;
    node->body = body;
    return node;
}

static void test_tile_of_loops(void **state) {
    struct fixture *f = *state;
    RECOVER(f);
    const struct buffer *x = new_buffer(f, "x", BUFFER_INPUT, TYPE_F32, 0);
    const struct buffer *y = new_buffer(f, "y", BUFFER_OUTPUT, TYPE_F32, 1);
    const struct buffer *sum = new_buffer(f, "sum", BUFFER_TILE, TYPE_F32, 0);
    const struct variable *i = new_variable(f, "i", 0, 6), *r = new_variable(f, "r", 0, 4);
    const struct affine *zero = affine_constant(&f->arena, 0);
    const struct affine *at =
        affine_add(&f->arena, affine_scale(&f->arena, index_of(f, i), 4), index_of(f, r));
    struct node *body = new_store(f, sum, zero, COMBINE_NONE, number(f, 0));
    body->next =
        new_loop(f, r, LOOP_VECTORISED, new_store(f, sum, zero, COMBINE_SUM, read_of(f, x, at)));
    body->next->next = new_store(f, y, index_of(f, i), COMBINE_NONE, read_of(f, sum, zero));
    struct tile *tile = new_tile(f, 1);
    tile->variants[0].body = body;
    append_run(f, new_loop(f, i, LOOP_SERIAL, new_tile_node(f, tile, body)));
    float in[24], out[6];
    for (int a = 0; a < 24; a++)
        in[a] = (float)a;
    run(f, (void *[]){in, out}, NULL, NULL);
    for (int a = 0; a < 6; a++)
        assert_float_equal(out[a], 16 * a + 6, 0);
}

#ifdef __x86_64__
/* mov rax,[rdi]; mov ecx,[rdi+8]; mov [rax],ecx; mov ecx,[rdi+16]; mov [rax+4],ecx;
 * mov dword [rax+8],N; ret: stores two words and a number at the pointer. */
static struct machine_code tile_bytes(struct fixture *f, unsigned char number) {
    const unsigned char bytes[] = {0x48, 0x8b,   0x07, 0x8b, 0x4f, 0x08, 0x89, 0x08,
                                   0x8b, 0x4f,   0x10, 0x89, 0x48, 0x04, 0xc7, 0x40,
                                   0x08, number, 0,    0,    0,    0xc3};
    return (struct machine_code){.bytes = arena_copy(&f->arena, bytes, sizeof bytes),
                                 .size = sizeof bytes,
                                 .code_size = sizeof bytes};
}

/* Two selectors: i >= 3, i >= 6 and j >= 1; variants 0 1 / 2 3 / 4 5, of which 3 does nothing. */
static struct program_code make_tiles(struct fixture *f, const struct buffer *y) {
    struct arena *arena = &f->arena;
    static const int64_t thresholds[] = {3, 6}, one[] = {1};
    static const int codes[] = {0, 1, 1, -1, 0, 2};
    static struct vector_program vectors;
    const struct variable *i = new_variable(f, "i", 0, 8), *j = new_variable(f, "j", 0, 2);
    const struct variable *r = new_variable(f, "r", 0, 5);
    const struct affine *vi = index_of(f, i), *vr = index_of(f, r);
    struct tile *tile = new_tile(f, 6);
    const struct affine **bounds = ARENA_ARRAY(arena, const struct affine *, 2);
    bounds[0] = affine_add_constant(arena, affine_add(arena, vr, vi), -2);
    bounds[1] = affine_add_constant(arena, affine_scale(arena, affine_add(arena, vr, vi), -1), 5);
    struct node *loop =
        new_loop(f, r, LOOP_SERIAL, new_store(f, y, vi, COMBINE_NONE, number(f, 0)));
    loop->bounds = bounds;
    loop->bound_count = 2;
    for (int v = 0; v < 6; v++)
        if (codes[v] >= 0)
            tile->variants[v] = (struct tile_variant){loop, &vectors, codes[v]};
    tile->selector_count = 2;
    tile->selectors = ARENA_ARRAY(arena, struct tile_selector, 2);
    tile->selectors[0] = (struct tile_selector){vi, 2, thresholds};
    tile->selectors[1] = (struct tile_selector){index_of(f, j), 1, one};
    tile->word_count = 3;
    tile->words = ARENA_ARRAY(arena, struct tile_word, 3);
    const struct affine *at =
        affine_add(arena, affine_scale(arena, vi, 6), affine_scale(arena, index_of(f, j), 3));
    tile->words[0] = (struct tile_word){.buffer = y, .offset = at};
    tile->words[1] = (struct tile_word){.loop = loop};
    tile->words[2] = (struct tile_word){.loop = loop, .is_end = true};
    append_run(
        f, new_loop(f, i, LOOP_SERIAL, new_loop(f, j, LOOP_SERIAL, new_tile_node(f, tile, loop))));
    struct program_code code = {3, ARENA_ARRAY(arena, struct machine_code, 3)};
    for (int c = 0; c < 3; c++)
        code.codes[c] = tile_bytes(f, (unsigned char)(10 + c));
    return code;
}

static void check_tiles(const int32_t *out) {
    static const int codes[3][2] = {{10, 11}, {11, 0}, {10, 12}};
    for (int i = 0; i < 8; i++)
        for (int j = 0; j < 2; j++) {
            const int32_t *stored = out + 6 * i + 3 * j;
            int code = codes[(i >= 3) + (i >= 6)][j];
            int begin = i < 2 ? 2 - i : 0, end = 6 - i < 5 ? 6 - i : 5;
            assert_int_equal(stored[2], code);
            assert_int_equal(stored[0], code ? begin : 0);
            assert_int_equal(stored[1], code ? (end > begin ? end : begin) : 0);
        }
}

static void test_calls_of_tiles(void **state) {
    struct fixture *f = *state;
    RECOVER(f);
    const struct buffer *y = new_buffer(f, "y", BUFFER_OUTPUT, TYPE_S32, 0);
    struct program_code code = make_tiles(f, y);
    for (int bytes = 0; bytes < 2; bytes++) {
        struct compiled compiled;
        int32_t out[48] = {0};
        compile(f, &code, bytes, &compiled);
        assert_int_equal(((kernel_run *)compiled.run)((void *[]){out}, NULL, NULL, NULL), 0);
        assert_int_equal(compiled.tile_bytes, bytes ? 0 : 3 * 64);
        code_memory_free(&compiled.memory);
        check_tiles(out);
    }
}

/* Whatever C compilers there are take the text without a warning, and keep tiles to themselves. */
static void test_other_compilers(void **state) {
    static const char *const compilers[] = {"gcc", "clang", "tcc"};
    struct fixture *f = *state;
    RECOVER(f);
    struct program_code code = make_tiles(f, new_buffer(f, "y", BUFFER_OUTPUT, TYPE_S32, 0));
    const struct buffer *x = new_buffer(f, "x", BUFFER_INPUT, TYPE_F32, 1);
    const struct buffer *z = new_buffer(f, "z", BUFFER_OUTPUT, TYPE_F32, 2);
    const struct variable *i = new_variable(f, "k", 0, 5);
    const struct value *v = read_of(f, x, index_of(f, i));
    for (int o = OP_ABSOLUTE; o <= OP_ERF; o++)
        v = operation(f, (enum operation)o, v, NULL);
    append_run(f,
               new_loop(f, i, LOOP_PARALLEL, new_store(f, z, index_of(f, i), COMBINE_MAXIMUM, v)));
    struct text text = print(f, &code, true);
    char folder[] = "/tmp/dltune-test-XXXXXX", path[64], command[512];
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/unit.c", folder);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text_string(&text), file);
    fclose(file);
    for (size_t c = 0; c < sizeof compilers / sizeof compilers[0]; c++) {
        snprintf(command, sizeof command, "command -v %s >/dev/null", compilers[c]);
        if (system(command) != 0)
            continue;
        snprintf(command, sizeof command,
                 "cd %s && %s -Wall -Wextra -Werror -fPIC -c unit.c -o unit.o && cc -shared unit.o "
                 "-o unit.so"
                 " && nm -D unit.so | grep -q p_run && ! nm -D unit.so | grep p_tile",
                 folder, compilers[c]);
        if (system(command) != 0)
            fail_msg("%s does not compile\n%s", compilers[c], text_string(&text));
    }
    snprintf(command, sizeof command, "rm -r %s", folder);
    assert_int_equal(system(command), 0);
    text_free(&text);
}
#endif

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_tile_of_loops),
#ifdef __x86_64__
        TEST(test_calls_of_tiles),
        TEST(test_other_compilers),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
