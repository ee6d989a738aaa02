/* Traces: steps are accepted or refused with a message, and what was accepted replays. The first
 * byte chooses the work. */
#include "fuzz/fuzz.h"

#include "schedules/schedule.h"
#include "te/task.h"

static const char *const workloads[] = {
    "matmul m=12 n=40 k=9 const=b post=bias,relu",
    "conv2d n=2 c=6 h=7 w=9 k=8 r=3 s=3 pad=1 post=bias,add,relu",
    "conv2d n=1 c=8 h=5 w=5 k=8 r=1 s=1 groups=2 stride=2",
};

enum {
    COUNT = sizeof workloads / sizeof workloads[0]
};

/* Replays; `trace` gets the accepted steps. */
static bool replay(const struct task *task, const char *steps, struct text *trace) {
    struct error error = {.status = DLT_OK};
    struct schedule *schedule;
    struct arena arena;
    bool good;
    arena_initialise(&arena);
    if (arena_recover(&arena))
        abort();
    schedule = schedule_create(&arena, task->collapsed);
    good = schedule_replay(schedule, steps, &error) == DLT_OK;
    require(good || error.message[0]);
    text_append(trace, schedule_trace(schedule));
    schedule_free(schedule);
    arena_free(&arena);
    return good;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct task *tasks[COUNT];
    struct text first = {0}, second = {0};
    struct task **task;
    char *steps;
    if (!size)
        return 0;
    task = &tasks[data[0] % COUNT];
    if (!*task)
        require(task_create_text(workloads[data[0] % COUNT], "c", 2, task, NULL) == DLT_OK);
    steps = text_of(data + 1, size - 1);
    replay(*task, steps, &first);
    require(replay(*task, text_string(&first), &second));
    require(strcmp(text_string(&first), text_string(&second)) == 0);
    text_free(&first);
    text_free(&second);
    free(steps);
    return 0;
}
