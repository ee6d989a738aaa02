/* A filter of system calls, and pinning; see confine.h. */
#define _GNU_SOURCE
#include "measure/confine.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#endif

#if defined(ARCHITECTURE) && defined(SECCOMP_FILTER_FLAG_SPEC_ALLOW)

#define FIELD(name)           offsetof(struct seccomp_data, name)
#define LOAD(offset)          BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (unsigned)(offset))
#define ANSWER(answer)        BPF_STMT(BPF_RET | BPF_K, (answer))
#define REFUSE(call, failure) UNLESS(call, 1), ANSWER(SECCOMP_RET_ERRNO | (failure))
#define UNLESS(number, skip)  BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (number), 0, (skip))

/* The number of clone3 is checked first of all: its flags lie in memory, where a filter cannot
 * look, and C libraries that are told it does not exist use clone. SPEC_ALLOW, since without it
 * some kernels would slow every load of the worker. */
bool confine_process(void) {
    struct sock_filter filter[] = {
        LOAD(FIELD(arch)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCHITECTURE, 1, 0),
        ANSWER(SECCOMP_RET_ALLOW),
        LOAD(FIELD(nr)),
        REFUSE(SYS_clone3, ENOSYS),
#ifdef SYS_fork
        REFUSE(SYS_fork, EPERM),
        REFUSE(SYS_vfork, EPERM),
#endif
        REFUSE(SYS_execve, EPERM),
        REFUSE(SYS_execveat, EPERM),
        REFUSE(SYS_setsid, EPERM),
        REFUSE(SYS_setpgid, EPERM),
        UNLESS(SYS_clone, 3),
        LOAD(FIELD(args[0])), /* the flags: their low half on little-endian machines */
        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, CLONE_THREAD, 1, 0),
        ANSWER(SECCOMP_RET_ERRNO | EPERM),
        ANSWER(SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {.len = sizeof filter / sizeof filter[0], .filter = filter};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
                   SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_SPEC_ALLOW, &program) == 0;
}

#else

bool confine_process(void) {
    return false;
}

#endif

bool pin_to_processor(void) {
    cpu_set_t set;
    int processor = sched_getcpu();
    if (processor < 0 || processor >= CPU_SETSIZE)
        return false;
    CPU_ZERO(&set);
    CPU_SET(processor, &set);
    return sched_setaffinity(0, sizeof set, &set) == 0;
}
