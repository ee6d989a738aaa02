/* A carried program becomes a file in memory; see carried.h. */
#define _GNU_SOURCE
#include "measure/carried.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#ifndef MFD_EXEC
#define MFD_EXEC 0x10u
#endif

enum {
    FIRST_OWN_DESCRIPTOR = 10 /* above those that a worker's are moved to */
};

/* Of measure/worker_image/; nowhere but in libdltune-tune. */
extern const unsigned char worker_image[] __attribute__((weak));
extern const unsigned char worker_image_end[] __attribute__((weak));

static bool write_whole(int file, const unsigned char *bytes, size_t count) {
    while (count) {
        ssize_t written = write(file, bytes, count);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return false;
        bytes += written;
        count -= (size_t)written;
    }
    return true;
}

/* Nothing that is open for writing is executed: the same file, opened again. */
static int open_for_execution(int file) {
    char path[64];
    int again, moved;
    snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    if (access(path, X_OK) != 0)
        return -1;
    again = open(path, O_RDONLY | O_CLOEXEC);
    if (again < 0)
        return -1;
    moved = fcntl(again, F_DUPFD_CLOEXEC, FIRST_OWN_DESCRIPTOR);
    close(again);
    return moved;
}

int carried_worker(void) {
    int file, program = -1;
    if (!worker_image)
        return -1;
    file = memfd_create("dltune-worker", MFD_CLOEXEC | MFD_EXEC);
    if (file < 0 && errno == EINVAL) /* a kernel that does not ask */
        file = memfd_create("dltune-worker", MFD_CLOEXEC);
    if (file < 0)
        return -1;
    if (write_whole(file, worker_image, (size_t)(worker_image_end - worker_image)))
        program = open_for_execution(file);
    close(file);
    return program;
}
