/* Preloaded: the monotonic clocks of a program step back by two seconds, again and again. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdatomic.h>
#include <stddef.h>
#include <time.h>

static int (*real)(clockid_t, struct timespec *);
static _Atomic long calls;

int clock_gettime(clockid_t id, struct timespec *out)
{
    if (!real) real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    int code = real(id, out);
    int is_monotonic = id == CLOCK_MONOTONIC || id == CLOCK_BOOTTIME || id == CLOCK_MONOTONIC_RAW;
    if (!code && is_monotonic) {
        /* Two seconds for each 300 looks at the clock, up to a minute, for ever. */
        long back = atomic_fetch_add(&calls, 1) / 300 * 2;
        if (back > 60) back = 60;
        out->tv_sec = out->tv_sec > back ? out->tv_sec - back : 1;
    }
    return code;
}
