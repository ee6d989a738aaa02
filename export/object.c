/* Source to an object file, by libtcc.
 *
 * Some fatal errors of libtcc end the process, so it works in a child, which hands back its message
 * through a pipe and the object through a file. */
#include "export/private.h"

#include "base/plain.h"

#include <errno.h>
#include <libtcc.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void send_message(void *context, const char *message) {
    int *pipe_end = context;
    ssize_t written = write(*pipe_end, message, strlen(message));
    (void)written; /* nobody is left to tell */
}

/* The child's whole life. */
static void compile_in_child(const char *source, const char *path, int message_pipe) {
    TCCState *state = tcc_new();
    if (!state)
        _exit(1);
    tcc_set_error_func(state, &message_pipe, send_message);
    tcc_set_options(state, "-nostdlib");
    tcc_set_output_type(state, TCC_OUTPUT_OBJ);
    plain_enter(); /* libtcc reads numbers with the locale's decimal point */
    if (tcc_compile_string(state, source) != 0 || tcc_output_file(state, path) != 0)
        _exit(1);
    _exit(0);
}

static dlt_status run_child(const char *source, const char *path, char *message, size_t capacity,
                            struct error *error) {
    int ends[2], status = 0;
    size_t length = 0;
    if (pipe(ends) != 0)
        return error_set(error, DLT_ERROR_SYSTEM, "pipe: %s", strerror(errno));
    pid_t child = fork();
    if (child == 0) {
        close(ends[0]);
        compile_in_child(source, path, ends[1]);
    }
    int reason = errno;
    close(ends[1]);
    if (child > 0) {
        char rest[256];
        ssize_t count;
        while ((count = read(ends[0], length + 1 < capacity ? message + length : rest,
                             length + 1 < capacity ? capacity - 1 - length : sizeof rest)) > 0)
            length += length + 1 < capacity ? (size_t)count : 0;
        while (waitpid(child, &status, 0) < 0 && errno == EINTR)
            continue;
    }
    message[length] = 0;
    close(ends[0]);
    if (child < 0)
        return error_set(error, DLT_ERROR_SYSTEM, "fork: %s", strerror(reason));
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        return error_set(error, DLT_ERROR_COMPILE, "compiling the library: %s",
                         *message ? message : "the compiler ended without a word");
    return DLT_OK;
}

static dlt_status read_whole(const char *path, struct text *out, struct error *error) {
    char bytes[4096];
    size_t count;
    FILE *file = fopen(path, "rb");
    if (!file)
        return error_set(error, DLT_ERROR_SYSTEM, "%s: %s", path, strerror(errno));
    while ((count = fread(bytes, 1, sizeof bytes, file)) > 0)
        text_append_bytes(out, bytes, count);
    bool failed = ferror(file);
    fclose(file);
    if (failed)
        return error_set(error, DLT_ERROR_SYSTEM, "%s: cannot be read", path);
    return out->failed ? error_set(error, DLT_ERROR_MEMORY, "out of memory") : DLT_OK;
}

dlt_status compile_object(const char *source, const char *scratch, struct text *object,
                          struct error *error) {
    char message[256] = "";
    dlt_status status = run_child(source, scratch, message, sizeof message, error);
    if (status == DLT_OK)
        status = read_whole(scratch, object, error);
    unlink(scratch);
    return status;
}
