/* TinyCC's object in memory. libtcc writes it to a path only: here to that of a file that has none
 * but its descriptor's under /proc. */
#include "targets/jit/object_file.h"

#include "base/plain.h"
#include "targets/jit/compile.h"
#include "targets/jit/nameless_file.h"

#include <errno.h>
#include <libtcc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Keeps the first error; a warning only until then. */
static void keep_message(void *context, const char *message) {
    struct error *kept = context;
    if (kept->status == DLT_OK)
        error_set(kept, strstr(message, "error") ? DLT_ERROR_COMPILE : DLT_OK, "%s", message);
}

static dlt_status read_back(int file, struct object_file *object, struct error *error) {
    struct stat status;
    size_t read = 0;
    if (fstat(file, &status) != 0)
        return error_set(error, DLT_ERROR_SYSTEM, "the object in memory: %s", strerror(errno));
    object->count = (size_t)status.st_size;
    object->bytes = malloc(object->count + 1);
    if (!object->bytes)
        return error_set(error, DLT_ERROR_MEMORY, "out of memory");
    while (read < object->count) {
        ssize_t count = pread(file, object->bytes + read, object->count - read, (off_t)read);
        if (count <= 0)
            return error_set(error, DLT_ERROR_SYSTEM, "the object in memory: cannot be read");
        read += (size_t)count;
    }
    return DLT_OK;
}

static dlt_status write_and_read(TCCState *state, struct object_file *object,
                                 const struct error *message, struct error *error) {
    char path[64];
    dlt_status status;
    int file = nameless_file_open();
    if (file < 0)
        return error_set(error, DLT_ERROR_SYSTEM, "memfd_create: %s", strerror(errno));
    snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    if (tcc_output_file(state, path) != 0)
        status = error_set(error, DLT_ERROR_COMPILE, "compiling the kernel: %s (is there a /proc?)",
                           message->message);
    else
        status = read_back(file, object, error);
    close(file);
    return status;
}

static dlt_status compile(TCCState *state, const char *source, struct object_file *object,
                          struct error *error) {
    struct error message = {.status = DLT_OK};
    double start = clock_microseconds();
    tcc_set_error_func(state, &message, keep_message);
    tcc_set_options(state, "-nostdlib");
    tcc_set_output_type(state, TCC_OUTPUT_OBJ);
    locale_t before = plain_enter(); /* libtcc reads numbers with the locale's decimal point */
    int compiled = tcc_compile_string(state, source);
    plain_leave(before);
    if (compiled < 0)
        return error_set(error, DLT_ERROR_COMPILE, "compiling the kernel: %s", message.message);
    object->compile_microseconds = clock_microseconds() - start;
    return write_and_read(state, object, &message, error);
}

dlt_status object_file_create(const char *source, struct object_file *file, struct error *error) {
    *file = (struct object_file){.bytes = NULL};
    TCCState *state = tcc_new();
    if (!state)
        return error_set(error, DLT_ERROR_MEMORY, "out of memory");
    dlt_status status = compile(state, source, file, error);
    tcc_delete(state);
    if (status != DLT_OK)
        object_file_free(file);
    return status;
}

void object_file_free(struct object_file *file) {
    free(file->bytes);
    *file = (struct object_file){.bytes = NULL};
}
