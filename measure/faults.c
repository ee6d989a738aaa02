/* Reports of dying workers; see faults.h. */
#define _GNU_SOURCE
#include "measure/faults.h"

#include "measure/buffers.h"
#include "measure/protocol.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <ucontext.h>
#include <unistd.h>

enum {
    HANDLER_STACK_BYTES = 64 << 10
};

static const int fatal_signals[] = {SIGSEGV, SIGBUS,  SIGILL, SIGFPE,
                                    SIGABRT, SIGTRAP, SIGSYS, SIGALRM};

static int report_socket = -1;
static pid_t worker_process;
static size_t headroom;
static double seconds_allowed;
static char current_phase[sizeof((struct fault_report *)0)->phase];
static const struct fault_code *current_code;
static atomic_flag reported = ATOMIC_FLAG_INIT;

void faults_set_phase(const char *phase) {
    snprintf(current_phase, sizeof current_phase, "%s", phase);
}

void faults_limit_seconds(double seconds) {
    struct itimerval timer = {0};
    if (seconds <= 0 && seconds_allowed <= 0)
        return;
    seconds_allowed = seconds;
    timer.it_value.tv_sec = (time_t)seconds;
    timer.it_value.tv_usec = (suseconds_t)((seconds - (double)timer.it_value.tv_sec) * 1e6);
    setitimer(ITIMER_REAL, &timer, NULL);
}

void faults_set_code(const struct fault_code *code) {
    current_code = code;
}

/* Candidates ask in pieces of any size, so the last one may have failed with much still free. */
static bool memory_is_short(void) {
    void *probe;
    if (headroom == 0)
        return false;
    probe = mmap(NULL, headroom / 8, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (probe == MAP_FAILED)
        return true;
    munmap(probe, headroom / 8);
    return false;
}

static int fault_was_write(void *context) {
#if defined(__x86_64__)
    return (int)(((ucontext_t *)context)->uc_mcontext.gregs[REG_ERR] >> 1 & 1);
#else
    (void)context;
    return -1;
#endif
}

static const char *faulting_instruction(void *context) {
#if defined(__x86_64__)
    return (const char *)((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP];
#else
    (void)context;
    return NULL;
#endif
}

static void describe_code(struct fault_report *report, const char *instruction) {
    const struct fault_code *code = current_code;
    size_t offset;
    if (!code || !code->start || instruction < code->start ||
        instruction >= code->start + code->bytes)
        return;
    offset = (size_t)(instruction - code->start);
    report->in_code = 1;
    report->tile = code->tile_count - 1;
    while (report->tile >= 0 && offset < code->tile_starts[report->tile])
        report->tile--;
    if (offset >= code->tile_starts[code->tile_count]) {
        report->tile = -1;
        offset -= code->tile_starts[code->tile_count];
    } else {
        offset -= code->tile_starts[report->tile];
    }
    report->code_offset = (int64_t)offset;
}

static void describe_address(struct fault_report *report, const char *address) {
    const struct region *region = region_find(address);
    if (!region)
        return;
    report->has_region = 1;
    memcpy(report->buffer, region->name, sizeof report->buffer);
    if (address < region->data_start)
        report->before = region->data_start - address;
    else if (address >= region->data_end)
        report->behind = address - region->data_end + 1;
}

static void send_report(const struct fault_report *report) {
    /* Threads that fault together: the first one speaks. */
    if (!atomic_flag_test_and_set(&reported))
        message_send(report_socket, MESSAGE_FAULT, report, sizeof *report, NULL, 0);
}

static void handle(int signal, siginfo_t *information, void *context) {
    struct fault_report report = {.signal = signal, .is_write = -1};
    memcpy(report.phase, current_phase, sizeof report.phase);
    describe_code(&report, faulting_instruction(context));
    if (signal == SIGSEGV || signal == SIGBUS) {
        report.is_write = fault_was_write(context);
        if (information->si_code > 0)
            describe_address(&report, information->si_addr);
    }
    if (signal == SIGALRM && seconds_allowed > 0) /* else it is the candidate's own */
        report.seconds = seconds_allowed;
    else
        report.out_of_memory = !report.has_region && memory_is_short();
    send_report(&report);
    _exit(1);
}

static void handle_exit(void) {
    struct fault_report report = {.is_write = -1};
    if (getpid() != worker_process || current_phase[0] == 0)
        return; /* a child of the candidate, or the worker's own end */
    memcpy(report.phase, current_phase, sizeof report.phase);
    report.out_of_memory = memory_is_short();
    send_report(&report);
}

dlt_status faults_install(int socket, struct error *error) {
    static char stack[HANDLER_STACK_BYTES] __attribute__((aligned(16)));
    stack_t alternative = {.ss_sp = stack, .ss_size = sizeof stack};
    struct sigaction action = {.sa_sigaction = handle, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    report_socket = socket;
    worker_process = getpid();
    sigfillset(&action.sa_mask);
    if (sigaltstack(&alternative, NULL) != 0)
        return error_set(error, DLT_ERROR_SYSTEM, "sigaltstack failed");
    for (size_t i = 0; i < sizeof fatal_signals / sizeof fatal_signals[0]; i++)
        sigaction(fatal_signals[i], &action, NULL);
    atexit(handle_exit);
    return DLT_OK;
}

void faults_limit_memory(size_t memory_headroom) {
    struct rlimit limit;
    unsigned long long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (!file)
        return;
    if (fscanf(file, "%llu", &pages) == 1 && getrlimit(RLIMIT_AS, &limit) == 0) {
        rlim_t wanted = (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE) + memory_headroom;
        if (limit.rlim_max == RLIM_INFINITY || wanted < limit.rlim_max)
            limit.rlim_cur = wanted;
        headroom = setrlimit(RLIMIT_AS, &limit) == 0 ? memory_headroom : 0;
    }
    fclose(file);
}

static const char *signal_words(int signal) {
    switch (signal) {
    case SIGSEGV:
        return "invalid memory access";
    case SIGBUS:
        return "bus error";
    case SIGILL:
        return "illegal instruction";
    case SIGFPE:
        return "arithmetic trap";
    case SIGABRT:
        return "abort";
    case SIGTRAP:
        return "breakpoint trap";
    default:
        return "fatal signal";
    }
}

static enum measure_outcome describe_fault(const struct fault_report *report, char *message,
                                           size_t bytes) {
    const char *access = report->is_write < 0 ? "access" : report->is_write ? "write" : "read";
    if (report->has_region) {
        if (report->before)
            snprintf(message, bytes, "%s %lld bytes before the start of %.47s while %.15s", access,
                     (long long)report->before, report->buffer, report->phase);
        else if (report->behind)
            snprintf(message, bytes, "%s %lld bytes behind the end of %.47s while %.15s", access,
                     (long long)report->behind, report->buffer, report->phase);
        else
            snprintf(message, bytes, "%s to %.47s, which is read-only, while %.15s", access,
                     report->buffer, report->phase);
        return OUTCOME_OUTSIDE;
    }
    if (report->out_of_memory) {
        snprintf(message, bytes, "ran out of memory while %.15s", report->phase);
        return OUTCOME_MEMORY;
    }
    if (report->seconds > 0) {
        snprintf(message, bytes, "a call took longer than %.3g seconds", report->seconds);
        return OUTCOME_TIMEOUT;
    }
    if (report->signal == 0) {
        snprintf(message, bytes, "the process called exit while %.15s", report->phase);
        return OUTCOME_EXIT;
    }
    snprintf(message, bytes, "%s (signal %d) while %.15s", signal_words(report->signal),
             report->signal, report->phase);
    return OUTCOME_CRASH;
}

enum measure_outcome fault_outcome(const struct fault_report *report, char *message, size_t bytes) {
    enum measure_outcome outcome = describe_fault(report, message, bytes);
    size_t length = strlen(message);
    if (report->in_code && report->tile >= 0)
        snprintf(message + length, bytes - length, ", at byte %lld of tile %d",
                 (long long)report->code_offset, report->tile);
    else if (report->in_code)
        snprintf(message + length, bytes - length, ", at byte %lld of the code around the tiles",
                 (long long)report->code_offset);
    return outcome;
}
