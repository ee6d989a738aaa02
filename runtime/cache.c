/* The cache: a table from the texts that users wrote to kernels; see runtime.h.
 *
 * A kernel has its canonical text as a name, and some of the other spellings that were used, so
 * that a text seen before needs no parsing. Kernels nobody holds are kept up to a number; beyond it
 * the one that was not used for longest goes. */
#include "runtime/runtime.h"

#include "base/hash.h"

#include <stdlib.h>
#include <string.h>

static uint64_t hash_name(const char *text, int threads) {
    return hash_combine(hash_string(text), (uint64_t)threads);
}

dlt_kernel *cache_find(struct cache *cache, const char *text, int threads) {
    uint64_t hash = hash_name(text, threads);
    struct cache_name *name = cache->buckets[hash % CACHE_BUCKETS];
    for (; name; name = name->next)
        if (name->hash == hash && name->threads == threads && strcmp(name->text, text) == 0)
            return name->kernel;
    return NULL;
}

bool cache_add(struct cache *cache, const char *text, int threads, dlt_kernel *kernel) {
    uint64_t hash = hash_name(text, threads);
    struct cache_name *name;
    if (kernel->aliases >= CACHE_ALIASES)
        return true;
    name = malloc(sizeof *name + strlen(text) + 1);
    if (!name)
        return false;
    if (!kernel->aliases++) {
        kernel->next = cache->kernels;
        cache->kernels = kernel;
    }
    name->hash = hash;
    name->threads = threads;
    name->kernel = kernel;
    strcpy(name->text, text);
    name->next = cache->buckets[hash % CACHE_BUCKETS];
    cache->buckets[hash % CACHE_BUCKETS] = name;
    return true;
}

void cache_forget(struct cache *cache, dlt_kernel *kernel) {
    for (int i = 0; i < CACHE_BUCKETS && kernel->aliases; i++)
        for (struct cache_name **link = &cache->buckets[i]; *link;) {
            struct cache_name *name = *link;
            if (name->kernel == kernel) {
                *link = name->next;
                free(name);
                kernel->aliases--;
            } else {
                link = &name->next;
            }
        }
    for (dlt_kernel **link = &cache->kernels; *link; link = &(*link)->next)
        if (*link == kernel) {
            *link = kernel->next;
            return;
        }
}

void cache_hold(struct cache *cache, dlt_kernel *kernel) {
    if (kernel->holders++ == 0 && kernel->state == KERNEL_READY)
        cache->idle--;
    kernel->last_used = ++cache->clock;
}

static dlt_kernel *oldest_idle(const struct cache *cache) {
    dlt_kernel *oldest = NULL;
    for (dlt_kernel *kernel = cache->kernels; kernel; kernel = kernel->next)
        if (!kernel->holders && (!oldest || kernel->last_used < oldest->last_used))
            oldest = kernel;
    return oldest;
}

dlt_kernel *cache_evict(struct cache *cache) {
    dlt_kernel *kernel;
    if (cache->idle <= cache->idle_limit)
        return NULL;
    kernel = oldest_idle(cache);
    cache_forget(cache, kernel);
    cache->idle--;
    return kernel;
}

dlt_kernel *cache_release(struct cache *cache, dlt_kernel *kernel) {
    if (--kernel->holders > 0)
        return NULL;
    if (kernel->state == KERNEL_FAILED)
        return kernel;
    cache->idle++;
    return cache_evict(cache);
}
