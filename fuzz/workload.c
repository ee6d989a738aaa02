/* Workloads and keys: whatever the text, a task with a canonical key that comes back, or a
 * message. */
#include "fuzz/fuzz.h"

#include "te/task.h"

static void comes_back(const struct task *task) {
    struct error error;
    struct task *again;
    require(task_create_key(task->key, &again, &error) == DLT_OK);
    require(strcmp(task->key, again->key) == 0);
    task_free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct error error = {.status = DLT_OK};
    char *text = text_of(data, size);
    struct task *task;
    if (task_create_text(text, "c", 1, &task, &error) == DLT_OK) {
        comes_back(task);
        task_free(task);
    } else {
        require(error.message[0]);
    }
    if (task_create_key(text, &task, &error) == DLT_OK) {
        comes_back(task);
        task_free(task);
    }
    free(text);
    return 0;
}
