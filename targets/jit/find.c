/* The table of targets: a new one is a line here and in machine/description.c. */
#include "targets/c/target.h"
#include "targets/x86/targets.h"

#include <string.h>

const struct target *target_find(const char *name) {
    static const struct target *const all[] = {&target_x86_avx512, &target_x86_avx2, &target_c};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        if (strcmp(all[i]->name, name) == 0)
            return all[i];
    return NULL;
}
