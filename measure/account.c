/* Seconds that are left; see account.h. */
#include "measure/account.h"

#include "measure/clock.h"

#include <math.h>

#define GRACE_SHARE   0.1 /* of the time given, and at least */
#define GRACE_SECONDS 1.0
#define GRACE_MARGIN  0.75 /* what began there has to end, too */

void account_open(struct account *account, double seconds) {
    *account = (struct account){.start = clock_seconds(), .end = INFINITY};
    if (seconds > 0)
        account->end = account->start + seconds;
    account->last = account->end;
}

double account_now(const struct account *account) {
    return account->clock ? account->clock(account->context) : clock_seconds();
}

double account_spent(const struct account *account) {
    return account_now(account) - account->start;
}

double account_limit(const struct account *account) {
    return account->end - account->start;
}

double account_left(const struct account *account) {
    return account->end - account->reserve - account_now(account);
}

double account_left_to_end(const struct account *account) {
    return account->last - account->reserve - account_now(account);
}

double account_left_with_grace(const struct account *account) {
    double grace = account->is_optional
                       ? 0
                       : fmax(GRACE_SHARE * account_limit(account), GRACE_SECONDS) * GRACE_MARGIN;
    return account->last + grace - account_now(account);
}

bool account_affords(const struct account *account, double seconds) {
    return account_left(account) >= seconds;
}

struct account account_share(const struct account *account, double seconds) {
    struct account share = *account;
    share.start = account_now(account);
    share.last = account->last - account->reserve;
    share.end = fmin(share.start + seconds, share.last);
    share.reserve = 0;
    return share;
}
