/* The seconds of a run, in one account: proposing, making inputs, evaluating the reference,
 * compiling, checking, timing, finalists, training and probes of the machine all ask here what is
 * left, and what has no share left does not begin.
 *
 * Phases that come last are paid for first: while others run, `reserve` is kept for them. What a
 * run cannot do without (a first right kernel) may begin within the grace after the end: a tenth
 * of the time, or a second. */
#ifndef MEASURE_ACCOUNT_H
#define MEASURE_ACCOUNT_H

#include <stdbool.h>

struct account {
    double start, end; /* by its clock; end INFINITY: no limit */
    double last;       /* of the account that it is a share of: its own end otherwise */
    double reserve;    /* of it, for later phases */
    bool is_optional;  /* another kernel is there: nothing begins after the end */
    double (*clock)(void *context); /* seconds; NULL: the wall clock */
    void *context;
};

/* Begins now and has so many seconds; 0: no limit. */
void account_open(struct account *account, double seconds);

double account_now(const struct account *account);
double account_spent(const struct account *account);
double account_limit(const struct account *account); /* the seconds it was given */

/* Seconds until the reserve begins, below 0 once it did; INFINITY without a limit. */
double account_left(const struct account *account);
/* The same, for what has begun: of the account that it is a share of. */
double account_left_to_end(const struct account *account);
/* Until the grace is over, for what a run cannot do without. */
double account_left_with_grace(const struct account *account);

/* Whether that much is left. */
bool account_affords(const struct account *account, double seconds);

/* A part of an account: so many seconds from now, but no more than there are. What begins in it may
 * go on until the account ends. */
struct account account_share(const struct account *account, double seconds);

#endif
