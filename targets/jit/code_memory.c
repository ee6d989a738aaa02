/* Pages for code: mapped writable, filled, then made executable; see code_memory.h. */
#include "targets/jit/code_memory.h"

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

dlt_status code_memory_seal(const struct code_memory *memory, struct error *error) {
    if (mprotect(memory->code, memory->bytes, PROT_READ | PROT_EXEC) != 0)
        return error_set(error, DLT_ERROR_SYSTEM, "mprotect of code to executable: %s",
                         strerror(errno));
    return DLT_OK;
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
