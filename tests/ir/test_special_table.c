/* The tables of special values in docs/numerics.md, walked through: each cell is computed on every
 * target that runs here, by default schedules and by others, and by the reference.
 *
 * A table is one whose first column is headed by a letter: that and the next letters are operands,
 * the other headings expressions of them in backticks, or names of activations. Reductions are not
 * in a table: a NaN must win wherever it stands. */
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "running.h"

#include "base/number.h"
#include "te/task.h"

enum {
    MAX_COLUMNS = 10,
    MAX_LINE = 512,
    ELEMENTS = 37, /* full vectors and a tail */
    POINTS = 5,
};

struct row {
    int count;
    char cells[MAX_COLUMNS][64];
};

/* "| a | `b` |" to cells without blanks and backticks around them. */
static bool read_row(const char *line, struct row *row) {
    row->count = 0;
    if (*line++ != '|')
        return false;
    while (*line && *line != '\n' && row->count < MAX_COLUMNS) {
        size_t length = strcspn(line, "|"), used = length;
        const char *start = line;
        while (used && (*start == ' ' || *start == '`'))
            start++, used--;
        while (used && (start[used - 1] == ' ' || start[used - 1] == '`'))
            used--;
        snprintf(row->cells[row->count++], sizeof row->cells[0], "%.*s", (int)used, start);
        line += length + (line[length] == '|');
    }
    return true;
}

static float number_of(const char *cell) {
    bool negative = cell[0] == '-';
    double number;
    if (strcmp(cell + negative, "infinity") == 0)
        return negative ? -INFINITY : INFINITY;
    if (strcmp(cell, "NaN") == 0)
        return NAN;
    if (!number_parse(cell, &number))
        fail_msg("%s is no number", cell);
    return (float)number;
}

static bool agrees(double got, double wanted) {
    if (isnan(wanted) || isnan(got))
        return isnan(wanted) && isnan(got);
    if (wanted == 0 || isinf(wanted))
        return got == wanted && signbit(got) == signbit(wanted);
    return fabs(got - wanted) <= 1e-6;
}

static bool is_letter(char c) {
    return isalpha((unsigned char)c) || c == '_';
}

/* The workload of a column: "x" becomes "x[n]" in it. */
static void write_workload(const struct row *head, int operands, const char *column, char *text,
                           size_t bytes) {
    size_t used = 0;
    if (operands == 1 && !strchr(column, '(') && column[0] != '-') {
        snprintf(text, bytes, "matmul m=1 n=%d k=1 post=%s", ELEMENTS, column);
        return;
    }
    used += (size_t)snprintf(text, bytes, "expression text='");
    for (int i = 0; i < operands; i++)
        used += (size_t)snprintf(text + used, bytes - used, "input %s[n=%d] f32 variable; ",
                                 head->cells[i], ELEMENTS);
    used += (size_t)snprintf(text + used, bytes - used, "result[n=%d] f32 = ", ELEMENTS);
    for (const char *c = column; *c; c++) {
        bool operand = false;
        for (int i = 0; i < operands; i++)
            operand |=
                *c == head->cells[i][0] && (c == column || !is_letter(c[-1])) && !is_letter(c[1]);
        used += (size_t)snprintf(text + used, bytes - used, operand ? "%c[n]" : "%c", *c);
    }
    snprintf(text + used, bytes - used, "'");
}

/* A workload with its inputs, and what each element of the result should be. */
struct trial {
    struct task *task;
    struct subject subject;
    float wanted[64 * ELEMENTS];
    bool any[64 * ELEMENTS]; /* not said */
};

static void compare(const struct trial *t, const float *got) {
    const struct tensor *result = expression_result(t->task->expression);
    for (int64_t i = 0; i < element_count(result); i++)
        if (!t->any[i] && !agrees((double)got[i], (double)t->wanted[i]))
            fail_msg("%s for %s: element %lld is %a, not %a\n%s", trying_expression, trying_target,
                     (long long)i, (double)got[i], (double)t->wanted[i], trying_trace);
}

static int try_schedule(struct trial *t, const struct schedule *schedule,
                        const struct target_description *description) {
    struct error error = {.status = DLT_OK};
    struct kernel *kernel;
    trying_trace = schedule_trace(schedule);
    if (kernel_create(schedule, description, "special", &kernel, &error) == DLT_ERROR_REFUSED)
        return 0;
    if (error.status)
        fail_msg("%s: %s", trying_expression, error.message);
    struct guarded result = run_kernel(&t->subject, kernel);
    compare(t, result.data);
    guarded_free(&result);
    kernel_free(kernel);
    return 1;
}

static void try_target(struct trial *t, const char *target, int points) {
    struct arena *arena = &t->task->arena;
    struct target_description description;
    struct error error = {.status = DLT_OK};
    struct random random;
    struct space *space;
    int point[MAX_KNOBS] = {0}, compiled = 0;
    random_seed(&random, 7);
    trying_target = target;
    assert_int_equal(target_describe(target, &description, &error), DLT_OK);
    if (space_create(arena, t->task->collapsed, &description, 1, &space, &error))
        fail_msg("%s: %s", trying_expression, error.message);
    for (int i = 0; i < points && (i == 0 || random_point(space, &random, point)); i++) {
        struct schedule *schedule = schedule_create(arena, t->task->collapsed);
        if (space_schedule(space, point, schedule, &error) != DLT_OK)
            fail_msg("%s: %s", trying_expression, error.message);
        compiled += try_schedule(t, schedule, &description);
        schedule_free(schedule);
    }
    assert_true(compiled > 0);
}

static void try_reference(const struct trial *t) {
    const struct tensor *result = expression_result(t->task->expression);
    int64_t subscripts[MAX_RANK] = {0};
    trying_target = "the reference";
    for (int64_t i = 0; i < element_count(result); i++, next_subscripts(result, subscripts)) {
        struct reference_element element;
        struct error error;
        assert_int_equal(reference_evaluate(t->subject.reference, subscripts, &element, &error),
                         DLT_OK);
        if (!t->any[i] && !agrees(element.value, (double)t->wanted[i]))
            fail_msg("%s: the reference of element %lld is %a, not %a", trying_expression,
                     (long long)i, element.value, (double)t->wanted[i]);
    }
}

static float one(struct random *random) {
    (void)random;
    return 1;
}

static void open_trial(struct trial *t, const char *workload) {
    struct error error = {.status = DLT_OK};
    struct random random;
    random_seed(&random, 1);
    trying_expression = workload;
    if (task_create_text(workload, "c", 1, &t->task, &error))
        fail_msg("%s: %s", workload, error.message);
    if (arena_recover(&t->task->arena))
        fail_msg("out of memory");
    subject_open(&t->subject, t->task->expression, &random, one);
    memset(t->any, 0, sizeof t->any);
}

static void run_trial(struct trial *t, int points) {
    try_reference(t);
    for (int i = 0; target_names[i]; i++)
        if (target_runs_here(target_names[i]))
            try_target(t, target_names[i], points);
    subject_close(&t->subject);
    task_free(t->task);
}

static void try_column(const struct row *head, int operands, int column, const struct row *rows,
                       int row_count) {
    static struct trial t;
    char workload[1024];
    write_workload(head, operands, head->cells[column], workload, sizeof workload);
    open_trial(&t, workload);
    for (int i = 0; i < ELEMENTS; i++) {
        const struct row *row = &rows[i % row_count];
        bool is_product = strncmp(workload, "matmul", 6) == 0;
        for (int j = 0; j < operands; j++)
            ((float *)t.subject.inputs[is_product ? 1 : j].data)[i] = number_of(row->cells[j]);
        t.any[i] = row->cells[column][0] == 0;
        t.wanted[i] = t.any[i] ? 0 : number_of(row->cells[column]);
    }
    run_trial(&t, POINTS);
}

static void try_table(FILE *file, const struct row *head) {
    struct row rows[32];
    char line[MAX_LINE];
    int count = 0, operands = 0;
    while (operands < head->count && strlen(head->cells[operands]) == 1)
        operands++;
    while (fgets(line, sizeof line, file) && count < 32 && read_row(line, &rows[count]))
        count += strncmp(rows[count].cells[0], "---", 3) != 0;
    assert_true(count > 1);
    for (int column = operands; column < head->count; column++)
        try_column(head, operands, column, rows, count);
}

static void test_tables(void **state) {
    FILE *file = fopen(NUMERICS, "r");
    char line[MAX_LINE];
    struct row head;
    int tables = 0;
    (void)state;
    assert_non_null(file);
    while (fgets(line, sizeof line, file))
        if (read_row(line, &head) && strlen(head.cells[0]) == 1) {
            try_table(file, &head);
            tables++;
        }
    fclose(file);
    assert_int_equal(tables, 4);
}

/* Row n has its NaN at n, or none. */
static void try_reduction(const char *workload, bool most, bool columns) {
    static struct trial t;
    float peak = most ? 60 : -60;
    open_trial(&t, workload);
    float *x = t.subject.inputs[0].data;
    for (int n = 0; n < ELEMENTS + 1; n++) {
        t.wanted[n] = n < ELEMENTS ? NAN : peak;
        for (int c = 0; c < ELEMENTS; c++)
            x[columns ? c * (ELEMENTS + 1) + n : n * ELEMENTS + c] = c == n ? NAN
                                                                     : c % 7 == 3
                                                                         ? peak
                                                                         : (float)(c * 5 % 17 - 8);
    }
    run_trial(&t, 20);
}

static void test_reductions(void **state) {
    static const char *const combiners_tried[] = {"min", "max"};
    char workload[256];
    (void)state;
    for (int most = 0; most < 2; most++)
        for (int columns = 0; columns < 2; columns++) {
            snprintf(workload, sizeof workload,
                     "expression text='input x[%s] f32 variable; top[n=%d] f32 = %s(c=%d) x[%s]'",
                     columns ? "c=37, n=38" : "n=38, c=37", ELEMENTS + 1, combiners_tried[most],
                     ELEMENTS, columns ? "c, n" : "n, c");
            try_reduction(workload, most, columns);
        }
}

/* An infinity in the first element of an input reaches no element that it should not meet: what
 * else would meet it is padding, a tap that is none, a lane that is added. */
static void try_beside(const char *workload, int input) {
    static struct trial t;
    int64_t subscripts[MAX_RANK] = {0}, infinite = 0;
    open_trial(&t, workload);
    const struct tensor *result = expression_result(t.task->expression);
    ((float *)t.subject.inputs[input].data)[0] = INFINITY;
    assert_true(element_count(result) <= (int64_t)(sizeof t.wanted / sizeof t.wanted[0]));
    for (int64_t i = 0; i < element_count(result); i++, next_subscripts(result, subscripts)) {
        struct reference_element exact;
        struct error error;
        assert_int_equal(reference_evaluate(t.subject.reference, subscripts, &exact, &error),
                         DLT_OK);
        assert_false(isnan(exact.value));
        infinite += isinf(exact.value) != 0;
        t.wanted[layout_offset_of(&result->layout, subscripts)] = (float)exact.value;
    }
    assert_true(infinite < element_count(result));
    run_trial(&t, 20);
}

static void test_beside(void **state) {
    (void)state;
    try_beside("conv2d_transpose c=1 h=4 w=4 k=1 r=1 s=1 stride=2 output_padding=1", 0);
    try_beside("conv2d_transpose c=3 h=3 w=9 k=5 r=2 s=2 stride=3 output_padding=2 const=none", 0);
    try_beside("conv2d c=2 h=1 w=17 k=3 r=3 s=3 pad=1 const=none", 1);
    try_beside("conv2d c=5 h=4 w=6 k=5 r=3 s=3 pad=1 groups=5 const=none", 1);
    try_beside("conv2d c=1 h=3 w=9 k=1 r=2 s=3 pad=1 dilation=2 const=none", 1);
    try_beside("expression text='input x[n=37] f32 variable; input w[r=5] f32 variable; "
               "y[n=37] f32 = sum(r=5) select(0 <= n + r - 2 < 37, x[n + r - 2], 0) * w[r]'",
               1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tables),
        cmocka_unit_test(test_reductions),
        cmocka_unit_test(test_beside),
    };
    describe_crashes();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
