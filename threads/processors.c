/* Affinity and quotas of control groups; see processors.h. */
#define _GNU_SOURCE
#include "threads/processors.h"

#include <errno.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    MOST_PROCESSORS = 1 << 16, /* a mask that is not enough for them has another reason */
    PATH_BYTES = 1024,         /* longer paths are not looked at */
};

/* ---- affinity ---- */

/* Masks longer than cpu_set_t's 1024 processors exist: the kernel says EINVAL until it fits. */
static int processors_of_affinity(void) {
    for (int processors = CPU_SETSIZE; processors <= MOST_PROCESSORS; processors *= 2) {
        size_t bytes = CPU_ALLOC_SIZE(processors);
        cpu_set_t *set = CPU_ALLOC(processors);
        int found = 0;
        if (!set)
            break;
        if (sched_getaffinity(0, bytes, set) == 0)
            found = CPU_COUNT_S(bytes, set);
        CPU_FREE(set);
        if (found > 0)
            return found;
        if (errno != EINVAL)
            break;
    }
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    return online > 0 && online <= MOST_PROCESSORS ? (int)online : 1;
}

/* ---- quotas ---- */

/* One hierarchy of control groups that limits CPU time. */
struct hierarchy {
    bool second;              /* version 2 */
    char group[PATH_BYTES];   /* of this process, as /proc/self/cgroup says: "/a/b" */
    char mounted[PATH_BYTES]; /* where it is mounted */
    char origin[PATH_BYTES];  /* the group that the mount shows as its top: "/" but in containers */
};

/* Whether a comma-separated list has a word. */
static bool has_word(const char *list, size_t length, const char *word) {
    size_t wanted = strlen(word);
    for (const char *next = list, *end = list + length; next < end;) {
        const char *comma = memchr(next, ',', (size_t)(end - next));
        size_t found = comma ? (size_t)(comma - next) : (size_t)(end - next);
        if (found == wanted && !memcmp(next, word, wanted))
            return true;
        next += found + 1;
    }
    return false;
}

static FILE *open_below(const char *root, const char *path) {
    char full[4 * PATH_BYTES];
    snprintf(full, sizeof full, "%s%s", root, path);
    return fopen(full, "re");
}

/* The group in a line "ID:CONTROLLERS:PATH"; version 2 has no controllers there. */
static bool read_group(char *line, struct hierarchy *hierarchy) {
    char *controllers = strchr(line, ':'), *path;
    if (!controllers || !(path = strchr(controllers + 1, ':')))
        return false;
    controllers++;
    line[strcspn(line, "\n")] = 0;
    if (hierarchy->second ? path != controllers
                          : !has_word(controllers, (size_t)(path - controllers), "cpu"))
        return false;
    snprintf(hierarchy->group, sizeof hierarchy->group, "%s", path + 1);
    return true;
}

static bool find_group(const char *root, struct hierarchy *hierarchy) {
    FILE *file = open_below(root, "/proc/self/cgroup");
    char *line = NULL;
    size_t size = 0;
    bool found = false;
    while (file && !found && getline(&line, &size, file) >= 0)
        found = read_group(line, hierarchy);
    free(line);
    if (file)
        fclose(file);
    return found;
}

/* Spaces in mount points are written as \040. */
static void unescape(char *text) {
    char *out = text;
    for (; *text; text++) {
        if (text[0] == '\\' && text[1] >= '0' && text[1] <= '3' && text[2] && text[3]) {
            *out++ = (char)((text[1] - '0') * 64 + (text[2] - '0') * 8 + (text[3] - '0'));
            text += 3;
        } else {
            *out++ = *text;
        }
    }
    *out = 0;
}

/* "ID PARENT DEVICE ORIGIN POINT OPTIONS [FIELDS] - TYPE SOURCE OPTIONS" */
static bool read_mount(char *line, struct hierarchy *hierarchy) {
    char origin[PATH_BYTES], point[PATH_BYTES], type[32], options[512];
    const char *rest = strstr(line, " - ");
    if (!rest || sscanf(line, "%*s %*s %*s %1023s %1023s", origin, point) != 2 ||
        sscanf(rest + 3, "%31s %*s %511s", type, options) != 2)
        return false;
    if (strcmp(type, hierarchy->second ? "cgroup2" : "cgroup") != 0 ||
        (!hierarchy->second && !has_word(options, strlen(options), "cpu")))
        return false;
    unescape(origin);
    unescape(point);
    strcpy(hierarchy->origin, origin);
    strcpy(hierarchy->mounted, point);
    return true;
}

static bool find_mount(const char *root, struct hierarchy *hierarchy) {
    FILE *file = open_below(root, "/proc/self/mountinfo");
    char *line = NULL;
    size_t size = 0;
    bool found = false;
    while (file && !found && getline(&line, &size, file) >= 0)
        found = read_mount(line, hierarchy);
    free(line);
    if (file)
        fclose(file);
    return found;
}

static bool read_text(const char *root, const struct hierarchy *hierarchy, const char *group,
                      const char *name, char *text, int size) {
    char path[3 * PATH_BYTES];
    FILE *file;
    bool read;
    snprintf(path, sizeof path, "%s%s/%s", hierarchy->mounted, group, name);
    file = open_below(root, path);
    if (!file)
        return false;
    read = fgets(text, size, file) != NULL;
    fclose(file);
    return read;
}

/* What one group allows, in processors, rounded up; 0: no limit ("max", -1, or no such file, as in
 * the topmost group). */
static int quota_of(const char *root, const struct hierarchy *hierarchy, const char *group) {
    char text[64], period_text[64];
    long long quota = 0, period = 0;
    if (hierarchy->second) {
        if (!read_text(root, hierarchy, group, "cpu.max", text, sizeof text) ||
            sscanf(text, "%lld %lld", &quota, &period) != 2)
            return 0;
    } else if (!read_text(root, hierarchy, group, "cpu.cfs_quota_us", text, sizeof text) ||
               !read_text(root, hierarchy, group, "cpu.cfs_period_us", period_text,
                          sizeof period_text) ||
               sscanf(text, "%lld", &quota) != 1 || sscanf(period_text, "%lld", &period) != 1) {
        return 0;
    }
    if (quota <= 0 || period <= 0 || quota / period >= MOST_PROCESSORS)
        return 0;
    return (int)((quota + period - 1) / period);
}

static int least_limit(int a, int b) {
    return !a ? b : !b ? a : a < b ? a : b;
}

/* The path of this process' group below the mount. Where the mount shows other groups than
 * /proc/self/cgroup names, as in some containers, its top is the best that can be seen. */
static const char *group_below(const struct hierarchy *hierarchy) {
    size_t length = strlen(hierarchy->origin);
    if (strstr(hierarchy->group, "/.."))
        return "";
    if (!strcmp(hierarchy->origin, "/"))
        return hierarchy->group;
    if (strncmp(hierarchy->group, hierarchy->origin, length) != 0 ||
        (hierarchy->group[length] && hierarchy->group[length] != '/'))
        return "";
    return hierarchy->group + length;
}

static int quota_of_hierarchy(const char *root, bool second) {
    struct hierarchy *hierarchy = calloc(1, sizeof *hierarchy);
    int limit = 0;
    if (!hierarchy)
        return 0;
    hierarchy->second = second;
    if (find_group(root, hierarchy) && find_mount(root, hierarchy)) {
        char group[PATH_BYTES];
        snprintf(group, sizeof group, "%s", group_below(hierarchy));
        for (char *last = group + strlen(group); last; last = strrchr(group, '/')) {
            *last = 0;
            limit = least_limit(limit, quota_of(root, hierarchy, group));
        }
    }
    free(hierarchy);
    return limit;
}

int processors_of_quota(const char *root) {
    return least_limit(quota_of_hierarchy(root, false), quota_of_hierarchy(root, true));
}

/* ---- both ---- */

int processors_usable(void) {
    return least_limit(processors_of_affinity(), processors_of_quota(""));
}

int processors_for(int threads) {
    int usable = threads > 1 ? processors_usable() : 1;
    return threads < usable ? threads : usable;
}
