/* What a call of the library answers: a status, and a message kept by the handle it was called on.
 *
 * Errors are values: the library never prints, exits or aborts. DLT_OK is zero, so `if (status)`
 * reads "if it failed". The message names the argument, what it was and what it may be. */
#ifndef DLTUNE_STATUS_H
#define DLTUNE_STATUS_H

#if defined(__GNUC__)
#define DLT_API __attribute__((visibility("default")))
#else
#define DLT_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

typedef enum dlt_status {
    DLT_OK = 0,
    DLT_ERROR_ARGUMENT,  /* an argument is malformed or out of range; nothing was done */
    DLT_ERROR_REFUSED,   /* well formed, but this schedule, target or machine cannot do it */
    DLT_ERROR_NOT_FOUND, /* nothing stored answers the question */
    DLT_ERROR_DATABASE,  /* the database is none, damaged, newer, locked or not writable */
    DLT_ERROR_SYSTEM,    /* the operating system refused a call */
    DLT_ERROR_MEMORY,    /* out of memory */
    DLT_ERROR_COMPILE,   /* a kernel could not be turned into native code */
    DLT_ERROR_WRONG,     /* a kernel's result differed from the reference */
    DLT_ERROR_CANCELLED, /* the caller asked to stop */
} dlt_status;

/* A stable word for a status ("ok", "argument", "refused", ...), never NULL. Any thread. */
DLT_API const char *dlt_status_name(dlt_status status);

/* The message of the calling thread's last failure on this handle, never NULL; "" if there was
 * none. `handle` is any handle that a dlt_..._create or _open gives: an expression, task, schedule,
 * runtime, kernel or thread pool; but not a node of an expression. A kernel shares the messages of
 * its runtime. Of NULL, which is what creating a handle gives if memory ran out, it says so. Valid
 * until the thread's next failure there or until the handle is closed. Any thread. */
DLT_API const char *dlt_error(const void *handle);

#ifdef __cplusplus
}
#endif
#endif
