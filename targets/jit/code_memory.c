/* Pages for code: mapped writable, filled, then made executable; see code_memory.h.
 *
 * Where a process may not make executable what it has written (MemoryDenyWriteExecute of systemd,
 * PR_SET_MDWE), the pages' content goes into a file in memory, which is mapped in their place. */
#include "targets/jit/code_memory.h"

#include "targets/jit/nameless_file.h"

#include <stdbool.h>

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

dlt_status code_memory_open(size_t bytes, struct code_memory *memory, struct error *error) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE), whole = (bytes + page - 1) & ~(page - 1);
    void *pages;
    *memory = (struct code_memory){0};
    if (bytes == 0 || whole < bytes)
        return error_set(error, DLT_ERROR_ARGUMENT, "code: %zu bytes cannot be run", bytes);
    pages = mmap(NULL, whole, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED)
        return error_set(error, DLT_ERROR_SYSTEM, "mmap of %zu bytes for code: %s", whole,
                         strerror(errno));
    *memory = (struct code_memory){pages, whole};
    return DLT_OK;
}

static bool write_all(int file, const char *bytes, size_t count) {
    while (count > 0) {
        ssize_t written = write(file, bytes, count);
        if (written <= 0 && errno != EINTR)
            return false;
        if (written > 0) {
            bytes += written;
            count -= (size_t)written;
        }
    }
    return true;
}

static bool map_copy_over(const struct code_memory *memory) {
    int file = nameless_file_open();
    bool done = file >= 0 && write_all(file, memory->code, memory->bytes) &&
                mmap(memory->code, memory->bytes, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_FIXED,
                     file, 0) != MAP_FAILED;
    if (file >= 0)
        close(file);
    return done;
}

dlt_status code_memory_seal(const struct code_memory *memory, struct error *error) {
    if (mprotect(memory->code, memory->bytes, PROT_READ | PROT_EXEC) == 0)
        return DLT_OK;
    int reason = errno;
    if ((reason == EACCES || reason == EPERM) && map_copy_over(memory))
        return DLT_OK;
    return error_set(error, DLT_ERROR_SYSTEM, "mprotect of code to executable: %s",
                     strerror(reason));
}

dlt_status code_memory_create(const void *code, size_t bytes, struct code_memory *memory,
                              struct error *error) {
    TRY(code_memory_open(bytes, memory, error));
    memcpy(memory->code, code, bytes);
    dlt_status status = code_memory_seal(memory, error);
    if (status != DLT_OK)
        code_memory_free(memory);
    return status;
}

void code_memory_free(struct code_memory *memory) {
    if (memory->code)
        munmap(memory->code, memory->bytes);
    *memory = (struct code_memory){0};
}
