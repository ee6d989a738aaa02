/* The state of turning one variant of a tile into a vector program; private to vectorise*.c,
 * addresses.c and locations.c. */
#ifndef IR_VECTORISER_H
#define IR_VECTORISER_H

#include "ir/parts.h"
#include "ir/passes.h"
#include "schedules/tile_bound.h"

enum {
    MAX_PARTIALS = LANE_ACCUMULATORS /* independent accumulators of one element */
};

/* An element, or a row of elements, that the tile stores to: it lives in a register for as long as
 * its address does not change, and is written to memory when that ends. */
struct location {
    struct location *next;         /* of the same hash */
    struct location *next_in_list; /* of all, newest first */
    struct location *next_ended;   /* of those whose scope is complete, newest first */
    const struct buffer *buffer;
    struct vector_address address;
    int64_t lane_stride; /* elements from lane to lane; 0: one element */
    enum data_type type;
    int value;                                   /* the variable that holds it */
    struct vector_block *scope;                  /* innermost block that its address depends on */
    uint64_t lanes;                              /* all that were ever written or loaded */
    struct vector_instruction *load, *load_mask; /* its first load, if it had one */
    bool dirty;
    bool has_constant; /* its content is `constant`, and no register holds it yet */
    double constant;
    enum combiner partial_combiner; /* of the partial results below */
    int partial_count;
    int partials[MAX_PARTIALS]; /* variables: what vectorised reduction loops added, lane by lane */
};

enum {
    LOCATION_BUCKETS = 256
};

struct vectoriser {
    struct arena *arena;
    struct program *program;
    struct tile *tile;
    const struct target_description *target;
    struct error *error;
    dlt_status status; /* the first failure; everything after it does nothing */

    struct vector_program *vectors;
    struct vector_block *block; /* being filled */
    struct inner_variables inner;

    /* Unrolled and vectorised loops around the current statement: a number, or first + lane. */
    int binding_count;
    struct binding bindings[MAX_INNER];
    int64_t numbers[MAX_INNER]; /* that number, or first */
    int lanes_binding;          /* which of them is the vectorised loop's, or -1 */
    struct variable lane;
    bool in_lanes;   /* inside a vectorised loop */
    uint64_t active; /* lanes that exist in this chunk of it; 1 outside */
    int instructions;

    struct location *buckets[LOCATION_BUCKETS], *locations, *ended;
    struct address_form *forms[LOCATION_BUCKETS]; /* of addresses.c, by offset */
    int written_count;
    const struct buffer *written[MAX_STAGES]; /* buffers that the tile stores to */
};

/* A value during evaluation, and what the lanes that the current mask leaves out hold. */
struct lanes_value {
    int value;
    bool zero_outside;
    bool finite_outside; /* neither infinity nor NaN, whatever the data is: zero times it is zero */
};

void vectoriser_fail(struct vectoriser *v, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

struct vector_instruction *vectoriser_emit(struct vectoriser *v, enum vector_opcode opcode,
                                           enum data_type type);
/* An operation with a new destination. */
int vectoriser_operation(struct vectoriser *v, enum vector_opcode opcode, enum data_type type,
                         int a, int b);
int vectoriser_constant(struct vectoriser *v, enum data_type type, double constant);
/* A mask of these lanes, or VECTOR_NONE if it is all of them. */
int vectoriser_mask(struct vectoriser *v, enum data_type type, uint64_t lanes);
uint64_t all_lanes(const struct vectoriser *v, enum data_type type);

const struct affine *vectoriser_bind(struct vectoriser *v, const struct affine *index);
/* Lanes of `lanes` in which all conditions hold. */
uint64_t vectoriser_condition_lanes(struct vectoriser *v, int count,
                                    const struct affine *const *conditions, uint64_t lanes);
/* Which binding is the variable's, or -1. */
int binding_of(const struct vectoriser *v, const struct variable *variable);
/* The address of an element of a buffer; lane_stride in elements. */
bool vectoriser_address(struct vectoriser *v, const struct buffer *buffer,
                        const struct affine *offset, struct vector_address *address,
                        int64_t *lane_stride);

struct lanes_value evaluate_value(struct vectoriser *v, const struct value *value, uint64_t lanes);

/* Locations. */
bool is_written(const struct vectoriser *v, const struct buffer *buffer);
struct location *location_find(struct vectoriser *v, const struct buffer *buffer,
                               const struct vector_address *address, int64_t lane_stride);
/* The location, made if needed. `reads`: its present content is needed. */
struct location *location_use(struct vectoriser *v, const struct buffer *buffer,
                              const struct vector_address *address, int64_t lane_stride,
                              enum data_type type, uint64_t lanes, bool reads);
/* The variable for the next partial result of a vectorised reduction into one element; `chunk`
 * counts the vectors of its loop: different ones are independent. */
int location_partial(struct vectoriser *v, struct location *location, enum combiner combiner,
                     int64_t chunk);
/* Combines the partial results, in a fixed order, into the element. */
void location_settle(struct vectoriser *v, struct location *location);
enum vector_opcode combining_opcode(enum combiner combiner);
/* Sees to it that the variable holds the content. */
void location_materialise(struct vectoriser *v, struct location *location);

/* Writes back what lives no longer than this block. */
void locations_leave(struct vectoriser *v, struct vector_block *block);

#endif
