/* Moving conditions from stores to the loops they constrain; private to this folder. */
#ifndef IR_BOUNDS_H
#define IR_BOUNDS_H

#include "ir/program.h"

typedef bool condition_test(void *context, const struct affine *condition,
                            const struct variable *variable);

/* Makes those conditions bounds of the loop that `is_bound` accepts and all its stores share. */
void take_bounds(struct arena *arena, struct node *loop, condition_test *is_bound, void *context);

const struct node *first_store(const struct node *nodes);
bool store_has(const struct node *store, const struct affine *condition);
bool every_store_has(const struct node *nodes, const struct affine *condition);
void remove_condition(struct arena *arena, struct node *nodes, const struct affine *condition);

#endif
