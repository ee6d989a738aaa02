/* Counting reasons; see reasons.h. */
#include "search/reasons.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* Equal but for their numbers: "b[3, 1] is 0.5" and "b[12, 7] is -2e-3". */
static bool is_alike(const char *a, const char *b) {
    static const char numeric[] = "0123456789.-+e";
    for (;;) {
        bool number = isdigit((unsigned char)*a) && isdigit((unsigned char)*b);
        if (number) {
            a += strspn(a, numeric);
            b += strspn(b, numeric);
        }
        while (*a == '-' && isdigit((unsigned char)a[1]))
            a++;
        while (*b == '-' && isdigit((unsigned char)b[1]))
            b++;
        if (isdigit((unsigned char)*a) && isdigit((unsigned char)*b))
            continue;
        if (*a != *b)
            return false;
        if (!*a)
            return true;
        a++;
        b++;
    }
}

void failure_reasons_add(struct failure_reasons *reasons, enum measure_outcome outcome,
                         const char *message, int64_t count) {
    struct failure_reason *reason;
    char kept[sizeof reason->message];
    snprintf(kept, sizeof kept, "%s", message);
    for (int i = 0; i < reasons->count; i++) {
        reason = &reasons->reasons[i];
        if (reason->outcome == outcome && is_alike(reason->message, kept)) {
            reason->count += count;
            return;
        }
    }
    if (reasons->count == MOST_REASONS)
        return;
    reason = &reasons->reasons[reasons->count++];
    reason->outcome = outcome;
    reason->count = count;
    memcpy(reason->message, kept, sizeof kept);
}

const struct failure_reason *failure_reasons_commonest(const struct failure_reasons *reasons) {
    const struct failure_reason *commonest = NULL;
    for (int i = 0; i < reasons->count; i++)
        if (!commonest || reasons->reasons[i].count > commonest->count)
            commonest = &reasons->reasons[i];
    return commonest;
}
