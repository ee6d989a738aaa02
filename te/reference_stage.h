/* A computed tensor translated for the reference evaluator: its body as a tree whose indices are
 * numbers to add up rather than expressions to interpret.
 *
 * A stage gives each of its axes and reduction axes a slot that holds the current value. The
 * longest reduction axis is the running one and has the last slot. Along it almost every index
 * moves by a constant step; so an index is evaluated once for a run, and base + step * run gives
 * the others. An index that does not (inside a division or remainder) is evaluated anew for each
 * term. */
#ifndef TE_REFERENCE_STAGE_H
#define TE_REFERENCE_STAGE_H

#include "te/reference.h"

struct form;

struct form_term {
    int64_t coefficient;
    enum atom_kind kind;
    int slot;                   /* ATOM_VARIABLE */
    const struct form *operand; /* the other kinds */
    int64_t constant;
};

/* A te/affine index over slots. */
struct form {
    int64_t constant;
    int term_count;
    const struct form_term *terms;
};

int64_t form_evaluate(const struct form *form, const int64_t *slots);

/* An index of the body; all of a stage form a list. */
struct stage_index {
    const struct form *form;
    bool steps;         /* by a constant along the running axis */
    int64_t step, base; /* base: the value at the start of the run */
    struct stage_index *next;
};

struct stage;

struct node {
    enum operation operation;
    double weight;                     /* of a rounding in this node's type; see rounding.h */
    struct reference_element constant; /* OP_CONSTANT */
    struct stage_index *index;         /* OP_INDEX; OP_READ: the element's offset */
    struct stage *stage;               /* OP_READ of a computed tensor, else NULL */
    const void *data;                  /* OP_READ of an input */
    const double *literal;             /* OP_READ of a literal */
    enum data_type data_type;          /* of `data` */
    int condition_count;
    struct stage_index **conditions; /* OP_SELECT */
    const struct node *operands[MAX_OPERANDS];
};

/* Elements already evaluated, by their offset in plain order: open addressing, a power of two. */
struct memory {
    size_t capacity, count;
    int64_t *keys; /* offset + 1; 0: free */
    struct reference_element *elements;
};

struct stage {
    const struct tensor *tensor;
    const struct node *body;
    const struct node
        *start; /* a read of what the element held before, if it accumulates; or NULL */
    int slot_count;
    const struct variable *variables[2 * MAX_RANK]; /* by slot: axes, then reduction axes */
    int64_t slots[2 * MAX_RANK];
    struct stage_index *indices;
    struct memory memory;
    double terms; /* of its own reduction */
    bool repeats; /* reduction_repeats_terms */
    double cost;  /* of one element, with what it reads */
};

/* Translates the tensor. `stages` and `data` are those of the expression's tensors before it, in
 * order: computed ones have a stage, inputs have data. So has a result that accumulates. */
struct stage *stage_translate(struct arena *arena, const struct expression *expression,
                              const struct tensor *tensor, struct stage *const *stages,
                              const void *const *data);

#endif
