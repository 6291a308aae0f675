#define _GNU_SOURCE

#include "CShims.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

int mainline_pipe_open(int ends[2], int bytes) {
    if (pipe2(ends, O_NONBLOCK | O_CLOEXEC) != 0) return -errno;
    // More than the default is a favour that the system may refuse.
    fcntl(ends[1], F_SETPIPE_SZ, bytes);
    return fcntl(ends[1], F_GETPIPE_SZ);
}

int mainline_pipe_held(int read_end) {
    int held = -1;
    return ioctl(read_end, FIONREAD, &held) == 0 ? held : -1;
}

void *mainline_pages_map(size_t count) {
    void *pages = mmap(NULL, count, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return pages == MAP_FAILED ? NULL : pages;
}

void mainline_pages_unmap(void *pages, size_t count) { munmap(pages, count); }

bool mainline_pipe_lend(int write_end, void *bytes, size_t count) {
    struct iovec vector = {bytes, count};
    return vmsplice(write_end, &vector, 1, SPLICE_F_NONBLOCK) == (ssize_t)count;
}

ptrdiff_t mainline_splice(int from, int64_t offset, int to, size_t count) {
    loff_t position = offset;
    ssize_t moved;
    do {
        moved = splice(from, offset < 0 ? NULL : &position, to, NULL, count, SPLICE_F_NONBLOCK);
    } while (moved < 0 && errno == EINTR);
    return moved < 0 ? -errno : moved;
}
