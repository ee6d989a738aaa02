/* What a kernel's tensors have to look like as DLTensors, and whether one does.
 *
 * A layout that is an order of whole axes is seen by its logical shape and strides; one that cuts
 * axes is seen by its own dimensions, compact. */
#ifndef RUNTIME_TENSORS_H
#define RUNTIME_TENSORS_H

#include "base/arena.h"
#include "base/error.h"
#include "dltune/dltune.h"
#include "te/expression.h"

struct tensor_form {
    dlt_tensor_info info;
    const char *axis_names[DLT_MAX_RANK];
    int bytes_each;
};

/* Strings live in the arena or belong to the tensor. Caller sets the recovery point. */
dlt_status tensor_form(struct arena *arena, const struct tensor *tensor, struct tensor_form *form,
                       struct error *error);

/* Checks a tensor and answers the address of its first element. `role` begins the message. */
dlt_status tensor_address(const struct tensor_form *form, const char *role, const DLTensor *tensor,
                          void **address, struct error *error);

#endif
