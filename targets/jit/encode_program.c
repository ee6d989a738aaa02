/* The machine code of a program's tiles; variants whose bytes are equal share them. */
#include "targets/jit/kernel.h"

#include <string.h>

static int count_variants(const struct program *program) {
    int count = 0;
    for (int i = 0; i < program->tile_count; i++)
        for (int j = 0; j < program->tiles[i]->variant_count; j++)
            count += program->tiles[i]->variants[j].vectors != NULL;
    return count;
}

/* The number of the code, added unless equal bytes are there. */
static int share(struct program_code *all, const struct machine_code *code) {
    for (int i = 0; i < all->count; i++)
        if (all->codes[i].size == code->size &&
            memcmp(all->codes[i].bytes, code->bytes, code->size) == 0)
            return i;
    all->codes[all->count] = *code;
    return all->count++;
}

static dlt_status encode_tile(struct arena *arena, const struct tile *tile,
                              const struct target *target,
                              const struct target_description *description,
                              struct program_code *all, struct error *error) {
    for (int i = 0; i < tile->variant_count; i++) {
        struct tile_variant *variant = &tile->variants[i];
        struct machine_code code = {0};
        if (!variant->vectors)
            continue;
        dlt_status status = target->encode(variant->vectors, description, arena, &code, error);
        if (status != DLT_OK) {
            error_prefix(error, "tile %d, variant %d", tile->number, i);
            return status;
        }
        variant->code = share(all, &code);
    }
    return DLT_OK;
}

dlt_status program_encode(struct arena *arena, const struct program *program,
                          const struct target_description *description, struct program_code *code,
                          struct error *error) {
    const struct target *target = target_find(description->name);
    int variants = count_variants(program);
    *code = (struct program_code){0};
    if (!target)
        return error_set(error, DLT_ERROR_ARGUMENT, "target: there is none named %s",
                         description->name);
    if (variants == 0 || !target->encode) /* then tiles are printed as C */
        return DLT_OK;
    code->codes = ARENA_ARRAY(arena, struct machine_code, (size_t)variants);
    for (int i = 0; i < program->tile_count; i++)
        TRY(encode_tile(arena, program->tiles[i], target, description, code, error));
    return DLT_OK;
}
