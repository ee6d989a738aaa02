/* Orders of loops: the choices behind the knobs `order`. */
#include "schedules/space_private.h"

#include <string.h>

enum {
    MAX_PERMUTATIONS = 24,
};

int space_permutations(int count, int (*list)[MAX_RANK]) {
    int current[MAX_RANK], made = 0;
    for (int i = 0; i < count; i++)
        current[i] = i;
    for (;;) {
        int i = count - 2, j = count - 1;
        memcpy(list[made++], current, sizeof current);
        while (i >= 0 && current[i] > current[i + 1])
            i--;
        if (i < 0 || made == MAX_PERMUTATIONS)
            return made;
        while (current[j] < current[i])
            j--;
        int swap = current[i];
        current[i] = current[j];
        current[j] = swap;
        for (int a = i + 1, b = count - 1; a < b; a++, b--) {
            swap = current[a];
            current[a] = current[b];
            current[b] = swap;
        }
    }
}
