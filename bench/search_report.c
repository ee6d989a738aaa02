/* What curves of searches say: a table, and pictures.
 *
 *     bench_search_report CURVES [SVG [TITLE]]
 *
 * CURVES comes from bench_replay_search or bench_live_search (bench/curves.h). The table has the
 * median number of trials to within 2 % of the best of any run; the picture the regret curves. */
#include "bench/curves.h"

#include <stdio.h>

int main(int argument_count, char **arguments) {
    static struct curves curves;
    struct error error = {.status = DLT_OK};
    dlt_status status;
    if (argument_count < 2) {
        fprintf(stderr, "usage: bench_search_report CURVES [SVG [TITLE]]\n");
        return 2;
    }
    status = curves_read(&curves, arguments[1], &error);
    if (status == DLT_OK)
        curves_print(&curves, stdout);
    if (status == DLT_OK && argument_count > 2)
        status = curves_plot(&curves, arguments[2], argument_count > 3 ? arguments[3] : "", &error);
    if (status != DLT_OK)
        fprintf(stderr, "bench_search_report: %s\n", error.message);
    curves_free(&curves);
    return status == DLT_OK ? 0 : 1;
}
