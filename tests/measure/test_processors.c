/* Counting processors: affinity masks, quotas of control groups of both versions, also nested, in
 * containers and malformed. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "threads/processors.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
    MOST_FILES = 6
};

/* A system as its files show it. */
struct example {
    const char *what;
    int processors; /* that its quotas allow; 0: no limit */
    struct {
        const char *path, *text;
    } files[MOST_FILES];
};

#define FIRST   "30 25 0:26 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid - cgroup cgroup rw,cpu,cpuacct\n"
#define SECOND  "35 25 0:30 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n"
#define UNIFIED "36 25 0:31 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"
#define CGROUP  "/proc/self/cgroup"
#define MOUNTS  "/proc/self/mountinfo"

static const struct example examples[] = {
    {"no control groups", 0, {{"/proc/self/status", "Name: test\n"}}},
    {"version 2, no limit",
     0,
     {{CGROUP, "0::/user\n"}, {MOUNTS, SECOND}, {"/sys/fs/cgroup/user/cpu.max", "max 100000\n"}}},
    {"version 2, rounded up",
     2,
     {{CGROUP, "0::/user\n"},
      {MOUNTS, SECOND},
      {"/sys/fs/cgroup/user/cpu.max", "150000 100000\n"}}},
    {"version 2, less than one processor",
     1,
     {{CGROUP, "0::/a\n"}, {MOUNTS, SECOND}, {"/sys/fs/cgroup/a/cpu.max", "5000 100000\n"}}},
    {"version 2, a group above has less",
     3,
     {{CGROUP, "0::/a/b/c\n"},
      {MOUNTS, "20 1 8:1 / / rw - ext4 /dev/sda rw\n" SECOND},
      {"/sys/fs/cgroup/a/cpu.max", "300000 100000\n"},
      {"/sys/fs/cgroup/a/b/cpu.max", "max 100000\n"},
      {"/sys/fs/cgroup/a/b/c/cpu.max", "800000 100000\n"}}},
    {"version 2, the top of a namespace",
     4,
     {{CGROUP, "0::/\n"}, {MOUNTS, SECOND}, {"/sys/fs/cgroup/cpu.max", "200000 50000\n"}}},
    {"version 2, mounted elsewhere, with a space",
     2,
     {{CGROUP, "0::/a\n"},
      {MOUNTS, "35 25 0:30 / /my\\040groups rw - cgroup2 cgroup2 rw\n"},
      {"/my groups/a/cpu.max", "200000 100000\n"}}},
    {"version 1",
     2,
     {{CGROUP, "5:memory:/m\n4:cpu,cpuacct:/a\n"},
      {MOUNTS, "29 25 0:25 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset\n" FIRST},
      {"/sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_quota_us", "200000\n"},
      {"/sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_period_us", "100000\n"}}},
    {"version 1, no limit",
     0,
     {{CGROUP, "4:cpu,cpuacct:/a\n"},
      {MOUNTS, FIRST},
      {"/sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_quota_us", "-1\n"},
      {"/sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_period_us", "100000\n"}}},
    {"version 1, in a container that sees only its own group",
     6,
     {{CGROUP, "4:cpu,cpuacct:/docker/1f\n"},
      {MOUNTS, "30 25 0:26 /docker/1f /sys/fs/cgroup/cpu ro - cgroup cgroup rw,cpu,cpuacct\n"},
      {"/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "600000\n"},
      {"/sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n"}}},
    {"both versions, each with a limit",
     2,
     {{CGROUP, "4:cpu,cpuacct:/a\n0::/a\n"},
      {MOUNTS, FIRST UNIFIED},
      {"/sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_quota_us", "500000\n"},
      {"/sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_period_us", "100000\n"},
      {"/sys/fs/cgroup/unified/a/cpu.max", "200000 100000\n"}}},
    {"a controller whose name only begins so",
     0,
     {{CGROUP, "4:cpuset:/a\n"},
      {MOUNTS, "30 25 0:26 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset\n"},
      {"/sys/fs/cgroup/cpuset/a/cpu.cfs_quota_us", "100000\n"},
      {"/sys/fs/cgroup/cpuset/a/cpu.cfs_period_us", "100000\n"}}},
    {"a group outside of the namespace",
     3,
     {{CGROUP, "0::/../other\n"},
      {MOUNTS, SECOND},
      {"/sys/fs/cgroup/cpu.max", "300000 100000\n"},
      {"/sys/fs/other/cpu.max", "100000 100000\n"}}},
    {"files that say nothing",
     0,
     {{CGROUP, "nothing\n::\n0::/a\n"},
      {MOUNTS, "a - b\n - \n" SECOND},
      {"/sys/fs/cgroup/a/cpu.max", "many few\n"},
      {"/sys/fs/cgroup/cpu.max", "100000 0\n"}}},
};

static void make_file(const char *root, const char *path, const char *text) {
    char full[512];
    snprintf(full, sizeof full, "%s%s", root, path);
    for (char *slash = strchr(full + strlen(root) + 1, '/'); slash;
         slash = strchr(slash + 1, '/')) {
        *slash = 0;
        mkdir(full, 0777);
        *slash = '/';
    }
    FILE *file = fopen(full, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void quotas(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof examples / sizeof examples[0]; i++) {
        const struct example *example = &examples[i];
        char root[] = "/tmp/dltune-processors-XXXXXX", command[64];
        assert_non_null(mkdtemp(root));
        for (int j = 0; j < MOST_FILES && example->files[j].path; j++)
            make_file(root, example->files[j].path, example->files[j].text);
        int found = processors_of_quota(root);
        snprintf(command, sizeof command, "rm -r %s", root);
        assert_int_equal(system(command), 0);
        if (found != example->processors)
            fail_msg("%s: %d, not %d", example->what, found, example->processors);
    }
}

static void affinity(void **state) {
    cpu_set_t all, one;
    (void)state;
    assert_int_equal(sched_getaffinity(0, sizeof all, &all), 0);
    assert_in_range(processors_usable(), 1, CPU_COUNT(&all));
    for (int i = 0; i < CPU_SETSIZE; i++) {
        if (!CPU_ISSET(i, &all))
            continue;
        CPU_ZERO(&one);
        CPU_SET(i, &one);
        break;
    }
    assert_int_equal(sched_setaffinity(0, sizeof one, &one), 0);
    assert_int_equal(processors_usable(), 1);
    assert_int_equal(processors_for(1000), 1);
    assert_int_equal(sched_setaffinity(0, sizeof all, &all), 0);
    assert_int_equal(processors_for(1), 1);
    assert_int_equal(processors_for(1 << 20), processors_usable());
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(quotas), cmocka_unit_test(affinity)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
