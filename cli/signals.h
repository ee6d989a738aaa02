/* Ctrl-C, SIGTERM and SIGHUP ask the run to stop; a second one ends it at once. What was ignored
 * when the program started stays ignored: nohup, commands that a script runs in the background.
 *
 * A closed pipe and a file that may not grow further (`ulimit -f`) are errors of writing, with a
 * message, not the end of the program. Only the program ignores these signals: the library leaves
 * what a host does with signals alone. */
#ifndef CLI_SIGNALS_H
#define CLI_SIGNALS_H

#include <signal.h>

extern volatile sig_atomic_t stop_signal; /* the number of the signal that came; 0: none */

void signals_catch(void);
void signals_ignore(void); /* when the program starts */

#endif
