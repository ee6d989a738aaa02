/* How libraries are to run, said in the environment before they are loaded.
 *
 * What this process inherited must not decide: every variable of the libraries and of the runtimes
 * of their threads is removed, then some are set as the target and the number of threads want them.
 * OpenBLAS does not know every CPU and then takes kernels of half the speed, so it is told which;
 * the others are held to a target's instructions.
 */
#include "bench/process.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern char **environ;

/* How the names of removed variables begin. */
static const char *const families[] = {
    "OMP_", "GOMP_", "KMP_", "OPENBLAS_", "GOTO_", "DNNL_", "ONEDNN_", "LIBXSMM_", "XNN_",
};

struct setting {
    const char *target; /* NULL: any */
    const char *name;
    const char *value; /* NULL: the number of threads */
};

static const struct setting settings[] = {
    {NULL, "OMP_NUM_THREADS", NULL},
    {NULL, "OPENBLAS_NUM_THREADS", NULL},
    {"x86-avx512", "OPENBLAS_CORETYPE", "SKYLAKEX"},
    {"x86-avx2", "OPENBLAS_CORETYPE", "Haswell"},
    {"x86-avx2", "DNNL_MAX_CPU_ISA", "AVX2"},
    {"x86-avx2", "LIBXSMM_TARGET", "hsw"},
};

enum {
    SETTING_COUNT = sizeof settings / sizeof settings[0],
    SETTING_BYTES = 64,
};

static bool is_removed(const char *variable) {
    for (size_t i = 0; i < sizeof families / sizeof families[0]; i++)
        if (!strncmp(variable, families[i], strlen(families[i])))
            return true;
    return false;
}

char **bench_environment(const struct task *task) {
    size_t inherited = 0, count = 0;
    char **variables, *own;
    while (environ[inherited])
        inherited++;
    variables = calloc(1, (inherited + SETTING_COUNT + 1) * sizeof *variables +
                              SETTING_COUNT * SETTING_BYTES);
    if (!variables)
        return NULL;
    own = (char *)(variables + inherited + SETTING_COUNT + 1);
    for (size_t i = 0; i < inherited; i++)
        if (!is_removed(environ[i]))
            variables[count++] = environ[i];
    for (int i = 0; i < SETTING_COUNT; i++) {
        const struct setting *setting = &settings[i];
        if (setting->target && strcmp(setting->target, task->target))
            continue;
        if (setting->value)
            snprintf(own, SETTING_BYTES, "%s=%s", setting->name, setting->value);
        else
            snprintf(own, SETTING_BYTES, "%s=%d", setting->name, task->threads);
        variables[count++] = own;
        own += SETTING_BYTES;
    }
    return variables;
}
