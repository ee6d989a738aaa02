/* Being asked to stop; see signals.h. */
#include "cli/signals.h"

#include <stddef.h>

volatile sig_atomic_t stop_signal;

static void on_signal(int number) {
    stop_signal = number;
}

void signals_catch(void) {
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND | SA_RESTART};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    if (signal(SIGHUP, SIG_IGN) != SIG_IGN) /* nohup */
        sigaction(SIGHUP, &action, NULL);
    signal(SIGPIPE, SIG_IGN); /* a closed pipe is an error of writing, not the end of a run */
}
