/* CPUID: instructions that exist and that the operating system lets us use, and caches.
 *
 * A feature counts only if XGETBV says that its registers survive a context switch. */
#define _GNU_SOURCE
#include "machine/cpu.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#if defined(__x86_64__)
#include <cpuid.h>

enum {
    LEAF1_ECX_FMA = 12,
    LEAF1_ECX_OSXSAVE = 27,
    LEAF7_EBX_AVX2 = 5,
    LEAF7_EBX_AVX512F = 16,
    LEAF7_EBX_AVX512DQ = 17,
    LEAF7_EBX_AVX512BW = 30,
    LEAF7_EBX_AVX512VL = 31,
    XCR0_AVX = 0x06,    /* xmm, ymm */
    XCR0_AVX512 = 0xe6, /* and k, upper halves of zmm0-15, zmm16-31 */
};

static unsigned saved_state(void) {
    unsigned low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return low;
}

static bool bit(unsigned word, int number) {
    return word >> number & 1;
}

static void detect_features(struct cpu *cpu) {
    unsigned a, b, c, d, state, b7 = 0;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !bit(c, LEAF1_ECX_OSXSAVE))
        return;
    state = saved_state();
    if (!__get_cpuid_count(7, 0, &a, &b7, &d, &d))
        return;
    cpu->avx2_fma =
        (state & XCR0_AVX) == XCR0_AVX && bit(c, LEAF1_ECX_FMA) && bit(b7, LEAF7_EBX_AVX2);
    cpu->avx512 = cpu->avx2_fma && (state & XCR0_AVX512) == XCR0_AVX512 &&
                  bit(b7, LEAF7_EBX_AVX512F) && bit(b7, LEAF7_EBX_AVX512DQ) &&
                  bit(b7, LEAF7_EBX_AVX512BW) && bit(b7, LEAF7_EBX_AVX512VL);
}

static void detect_model(struct cpu *cpu) {
    unsigned words[12];
    char name[sizeof words + 1];
    const char *start = name;
    for (unsigned i = 0; i < 3; i++)
        if (!__get_cpuid(0x80000002 + i, &words[4 * i], &words[4 * i + 1], &words[4 * i + 2],
                         &words[4 * i + 3]))
            return;
    memcpy(name, words, sizeof words);
    name[sizeof words] = 0;
    start += strspn(start, " ");
    snprintf(cpu->model, sizeof cpu->model, "%s", start);
    for (size_t n = strlen(cpu->model); n > 0 && cpu->model[n - 1] == ' '; n--)
        cpu->model[n - 1] = 0;
}

/* One entry of leaf 4 (Intel) or 0x8000001d (AMD), which have the same form. False after the
 * last. */
static bool read_cache(unsigned leaf, unsigned index, struct cpu *cpu) {
    unsigned a = 0, b, c, d, type, level;
    struct cache_description cache;
    if (!__get_cpuid_count(leaf, index, &a, &b, &c, &d) || (a & 31) == 0)
        return false;
    type = a & 31; /* 1 data, 2 instructions, 3 both */
    level = a >> 5 & 7;
    if (type == 2 || level < 1 || level > CACHE_LEVELS)
        return true;
    cache.line_bytes = (int)(b & 4095) + 1;
    cache.ways = (int)(b >> 22) + 1;
    cache.bytes =
        (int64_t)cache.ways * ((b >> 12 & 1023) + 1) * cache.line_bytes * ((int64_t)c + 1);
    cpu->caches[level - 1] = cache;
    return true;
}

static void detect_caches(struct cpu *cpu) {
    static const unsigned leaves[] = {4, 0x8000001d};
    for (int i = 0; i < 2 && !cpu->caches[0].bytes; i++)
        for (unsigned index = 0; index < 16 && read_cache(leaves[i], index, cpu); index++)
            ;
}
#else
static void detect_features(struct cpu *cpu) {
    (void)cpu;
}
static void detect_model(struct cpu *cpu) {
    (void)cpu;
}
static void detect_caches(struct cpu *cpu) {
    (void)cpu;
}
#endif

/* What the operating system knows, where the processor did not tell. */
static void ask_system(struct cpu *cpu) {
#ifdef _SC_LEVEL1_DCACHE_SIZE
    static const int names[CACHE_LEVELS][3] = {
        {_SC_LEVEL1_DCACHE_SIZE, _SC_LEVEL1_DCACHE_ASSOC, _SC_LEVEL1_DCACHE_LINESIZE},
        {_SC_LEVEL2_CACHE_SIZE, _SC_LEVEL2_CACHE_ASSOC, _SC_LEVEL2_CACHE_LINESIZE},
        {_SC_LEVEL3_CACHE_SIZE, _SC_LEVEL3_CACHE_ASSOC, _SC_LEVEL3_CACHE_LINESIZE},
    };
    for (int level = 0; level < CACHE_LEVELS; level++) {
        struct cache_description *cache = &cpu->caches[level];
        if (cache->bytes > 0 || sysconf(names[level][0]) <= 0)
            continue;
        cache->bytes = sysconf(names[level][0]);
        cache->ways = (int)sysconf(names[level][1]);
        cache->line_bytes = (int)sysconf(names[level][2]);
    }
#endif
}

void cpu_detect(struct cpu *cpu) {
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    memset(cpu, 0, sizeof *cpu);
    snprintf(cpu->model, sizeof cpu->model, "unknown processor");
    cpu->cores = cores > 0 ? (int)cores : 1;
    detect_features(cpu);
    detect_model(cpu);
    detect_caches(cpu);
    ask_system(cpu);
}
