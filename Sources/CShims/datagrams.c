#define _GNU_SOURCE

#include "address.h"

#include <errno.h>
#include <string.h>

/// Datagrams per system call, as many as are read per call.
enum { BATCH = 64 };

size_t mainline_udp_send(
    int descriptor, const uint8_t *bytes, const struct mainline_datagram *datagrams, size_t count, int *last_error) {
    struct mmsghdr messages[BATCH];
    struct iovec vectors[BATCH];
    union address addresses[BATCH];
    size_t refused = 0;
    *last_error = 0;
    for (size_t start = 0; start < count;) {
        size_t size = count - start < BATCH ? count - start : BATCH;
        memset(messages, 0, size * sizeof messages[0]);
        for (size_t i = 0; i < size; i++) {
            const struct mainline_datagram *datagram = &datagrams[start + i];
            vectors[i].iov_base = (void *)(bytes + datagram->offset);
            vectors[i].iov_len = datagram->length;
            messages[i].msg_hdr.msg_name = &addresses[i];
            messages[i].msg_hdr.msg_namelen = mainline_fill(&addresses[i], &datagram->peer);
            messages[i].msg_hdr.msg_iov = &vectors[i];
            messages[i].msg_hdr.msg_iovlen = 1;
        }
        for (size_t sent = 0; sent < size;) {
            int result = sendmmsg(descriptor, messages + sent, (unsigned)(size - sent), 0);
            if (result > 0) {
                sent += (size_t)result;
            } else if (errno == EAGAIN) {
                // The queue is full: the rest would only fail one by one.
                *last_error = errno;
                return refused + count - start - sent;
            } else if (errno != EINTR) {
                // An error belongs to the first message of the call alone.
                *last_error = errno;
                refused++;
                sent++;
            }
        }
        start += size;
    }
    return refused;
}

size_t mainline_udp_receive(
    int descriptor, uint8_t *bytes, size_t room, struct mainline_datagram *datagrams, size_t count) {
    struct mmsghdr messages[BATCH];
    struct iovec vectors[BATCH];
    union address addresses[BATCH];
    if (count > BATCH) count = BATCH;
    memset(messages, 0, count * sizeof messages[0]);
    for (size_t i = 0; i < count; i++) {
        vectors[i].iov_base = bytes + i * room;
        vectors[i].iov_len = room;
        messages[i].msg_hdr.msg_name = &addresses[i];
        messages[i].msg_hdr.msg_namelen = sizeof addresses[i];
        messages[i].msg_hdr.msg_iov = &vectors[i];
        messages[i].msg_hdr.msg_iovlen = 1;
    }
    int result = recvmmsg(descriptor, messages, (unsigned)count, MSG_DONTWAIT, NULL);
    if (result < 0) return 0;
    for (int i = 0; i < result; i++) {
        datagrams[i].offset = (uint32_t)((size_t)i * room);
        datagrams[i].length = messages[i].msg_len;
        datagrams[i].peer = mainline_read(&addresses[i]);
    }
    return (size_t)result;
}
