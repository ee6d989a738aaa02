/* The worker's side of the conversation with bench/bench.h: one request, answers line by line.
 *
 * The request is a JSON object on standard input: task (a key), trace (absent: the default point),
 * peers, skip (names), seed. Answers are JSON objects on standard output, one a line:
 *
 *     {"begin": NAME}        a contestant is being prepared: who is to blame if nothing follows
 *     {"error": MESSAGE}     the contest failed
 *     {"contestants": [...], "trace": ..., "peak_gflops": ..., "clock": ...}     it is over */
#ifndef BENCH_WORKER_SERVE_H
#define BENCH_WORKER_SERVE_H

int serve(void); /* answers the exit status */

#endif
