/* oneDNN's element-wise primitives over an array, in the order of bench/math_speed.c. */
#ifndef BENCH_MATH_SPEED_ONEDNN_H
#define BENCH_MATH_SPEED_ONEDNN_H

struct math_onednn;

/* NULL where it has no such function. */
struct math_onednn *math_onednn_open(int number, float *x, float *y, int count);
void math_onednn_run(struct math_onednn *primitive); /* NULL: nothing */
void math_onednn_close(struct math_onednn *primitive);

#endif
