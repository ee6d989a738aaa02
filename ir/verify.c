/* Verifies a loop program and the vector programs of its tiles; see verify.h. */
#include "ir/verify.h"

static dlt_status verify_tile(const struct tile *tile, struct error *error) {
    for (int i = 0; i < tile->variant_count; i++) {
        const struct vector_program *vectors = tile->variants[i].vectors;
        if (vectors && verify_vectors(vectors, error) != DLT_OK)
            return error_prefix(error, "tile %d, variant %d", tile->number, i);
    }
    return DLT_OK;
}

dlt_status verify_lowered(const struct program *program, const char *pass, struct error *error) {
    dlt_status status = verify_loops(program, error);
    for (int i = 0; i < program->tile_count && status == DLT_OK; i++)
        status = verify_tile(program->tiles[i], error);
    return status == DLT_OK ? DLT_OK : error_prefix(error, "after %s", pass);
}
