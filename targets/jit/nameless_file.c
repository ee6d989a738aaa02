/* Files in memory; see nameless_file.h. */
#define _GNU_SOURCE
#include "targets/jit/nameless_file.h"

#include <errno.h>
#include <sys/mman.h>

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 8U
#endif

/* Not to be started as a program, ever, which some systems insist on and older kernels do not know;
 * to be mapped as code is another matter. */
int nameless_file_open(void) {
    int file = memfd_create("dltune", MFD_CLOEXEC | MFD_NOEXEC_SEAL);
    return file < 0 && errno == EINVAL ? memfd_create("dltune", MFD_CLOEXEC) : file;
}
