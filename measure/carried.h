/* The worker's program within the library.
 *
 * A program that tunes may lie anywhere, and so may the library that it was linked with: no folder
 * is known where a worker could be looked for. So libdltune-tune carries the program as bytes, of
 * its own version always, and starts it from a file in memory. The program `dltune` carries none
 * and has its worker beside it. */
#ifndef MEASURE_CARRIED_H
#define MEASURE_CARRIED_H

/* A descriptor of the program, to be executed as /proc/self/fd/N and closed by the caller; closed
 * on exec. -1: none is carried, or the system executes nothing that lies in memory. */
int carried_worker(void);

#endif
