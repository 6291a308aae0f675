#define _GNU_SOURCE

#include "CShims.h"

#include <dlfcn.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { NANOSECONDS_PER_SECOND = 1000000000 };

/// A step back that is smaller is waited for: clocks of several processors may differ by a little, again and again.
static const int64_t waited_for_max = NANOSECONDS_PER_SECOND;

static int64_t sum(int64_t left, int64_t right) {
    int64_t result;
    if (!__builtin_add_overflow(left, right, &result)) return result;
    return left < 0 ? INT64_MIN : INT64_MAX;
}

int64_t mainline_steady_next(struct mainline_steady *steady, int64_t (*read)(void *context), void *context) {
    while (true) {
        int64_t offset = __atomic_load_n(&steady->offset, __ATOMIC_ACQUIRE);
        int64_t last = __atomic_load_n(&steady->last, __ATOMIC_ACQUIRE);
        // Read after `last`: a value below it is no late reading of another thread, but a step back.
        int64_t now = sum(read(context), offset);
        if (now >= last) {
            while (last < now
                && !__atomic_compare_exchange_n(
                    &steady->last, &last, now, true, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
            }
            return now;
        }
        if (now >= last - waited_for_max) return last;
        // Unless another thread has seen the step first.
        int64_t missing = now < 0 && last > INT64_MAX + now ? INT64_MAX : last - now;
        if (__atomic_compare_exchange_n(
                &steady->offset, &offset, sum(offset, missing), false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
            return last;
    }
}

typedef int clock_function(clockid_t, struct timespec *);

/// The function that the one below stands before.
static clock_function *system_function(void) {
    static clock_function *found;
    clock_function *function = __atomic_load_n(&found, __ATOMIC_RELAXED);
    if (function == NULL) {
        // POSIX lets a pointer to an object carry a function.
        *(void **)&function = dlsym(RTLD_NEXT, "clock_gettime");
        __atomic_store_n(&found, function, __ATOMIC_RELAXED);
    }
    return function;
}

static int read_system(clockid_t clock, struct timespec *time) {
    clock_function *function = system_function();
    return function != NULL ? function(clock, time) : (int)syscall(SYS_clock_gettime, clock, time);
}

struct reading {
    clockid_t clock;
    int code;
};

static int64_t read_nanoseconds(void *context) {
    struct reading *reading = context;
    struct timespec time = {0, 0};
    reading->code = read_system(reading->clock, &time);
    int64_t nanoseconds;
    if (__builtin_mul_overflow((int64_t)time.tv_sec, (int64_t)NANOSECONDS_PER_SECOND, &nanoseconds))
        return time.tv_sec < 0 ? INT64_MIN : INT64_MAX;
    return sum(nanoseconds, time.tv_nsec);
}

/// Takes the place of the C library's function in the whole program: SwiftNIO, libdispatch and the Swift runtime read
/// clocks by it as well (docs/decisions/0011-steady-clock.md).
int clock_gettime(clockid_t clock, struct timespec *time) {
    static struct mainline_steady monotonic, raw, coarse, boot;
    struct mainline_steady *steady = NULL;
    switch (clock) {
        case CLOCK_MONOTONIC: steady = &monotonic; break;
        case CLOCK_MONOTONIC_RAW: steady = &raw; break;
        case CLOCK_MONOTONIC_COARSE: steady = &coarse; break;
        case CLOCK_BOOTTIME: steady = &boot; break;
        default: return read_system(clock, time);
    }
    struct reading reading = {clock, 0};
    int64_t now = mainline_steady_next(steady, read_nanoseconds, &reading);
    if (reading.code != 0) return reading.code;
    time->tv_sec = now / NANOSECONDS_PER_SECOND;
    time->tv_nsec = now % NANOSECONDS_PER_SECOND;
    return 0;
}
