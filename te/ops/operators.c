/* The list of operators. A new one is a file of its own and a line here; see
 * docs/adding-an-operator.md. */
#include "te/ops/operators.h"

#include <string.h>

extern const struct operator_definition conv2d_definition, conv2d_transpose_definition,
    matmul_definition, batch_matmul_definition, expression_definition;

const struct operator_definition *const operator_definitions[] = {
    &conv2d_definition,       &conv2d_transpose_definition, &matmul_definition,
    &batch_matmul_definition, &expression_definition,       NULL,
};

const struct operator_definition *operator_find(const char *name) {
    for (int i = 0; operator_definitions[i]; i++)
        if (!strcmp(operator_definitions[i]->name, name))
            return operator_definitions[i];
    return NULL;
}
