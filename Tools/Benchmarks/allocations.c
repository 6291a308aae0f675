// Counts the calls that ask for memory, when loaded before the C library (LD_PRELOAD).

#define _GNU_SOURCE
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

void *__libc_malloc(size_t);
void *__libc_calloc(size_t, size_t);
void *__libc_realloc(void *, size_t);
void *__libc_memalign(size_t, size_t);

static atomic_uint_fast64_t count;

uint64_t mainline_allocation_count(void) { return atomic_load(&count); }

static void add(void) { atomic_fetch_add_explicit(&count, 1, memory_order_relaxed); }

void *malloc(size_t bytes) {
    add();
    return __libc_malloc(bytes);
}

void *calloc(size_t members, size_t bytes) {
    add();
    return __libc_calloc(members, bytes);
}

void *realloc(void *old, size_t bytes) {
    add();
    return __libc_realloc(old, bytes);
}

void *aligned_alloc(size_t alignment, size_t bytes) {
    add();
    return __libc_memalign(alignment, bytes);
}

int posix_memalign(void **result, size_t alignment, size_t bytes) {
    add();
    *result = __libc_memalign(alignment, bytes);
    return *result == NULL ? 12 : 0;
}
