/* The layouts of a task's tensors as one line of text. */
#include "search/search.h"

static void print_tensor(struct text *text, const struct tensor *tensor) {
    const char *names[MAX_RANK];
    int64_t extents[MAX_RANK];
    for (int i = 0; i < tensor->rank; i++) {
        names[i] = tensor->axes[i]->name;
        extents[i] = tensor->axes[i]->extent;
    }
    text_format(text, "%s%s=", text->length ? " " : "", tensor->name);
    layout_print(text, &tensor->layout, names, extents);
}

void task_print_layouts(const struct task *task, struct text *text) {
    const struct expression *expression = task->expression;
    for (int i = 0; i < expression->tensor_count; i++)
        if (expression->tensors[i]->kind == TENSOR_VARIABLE ||
            expression->tensors[i]->kind == TENSOR_PARAMETER)
            print_tensor(text, expression->tensors[i]);
    print_tensor(text, expression_result(expression));
}
