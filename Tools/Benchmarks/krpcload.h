/* What the load generator and the echo server share. */
#ifndef KRPCLOAD_H
#define KRPCLOAD_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum { BATCH = 64, PACKET_BYTES = 2048, SOCKET_BUFFER_BYTES = 8 << 20 };

static inline void fail(const char *what) {
    perror(what);
    exit(1);
}

static inline uint64_t now_ns(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000ull + (uint64_t)time.tv_nsec;
}

/* `1.2.3.4:6881`; only loopback addresses are ever talked to. */
static inline struct sockaddr_in parse_endpoint(const char *text) {
    char host[64];
    unsigned port;
    struct sockaddr_in address = {.sin_family = AF_INET};
    if (sscanf(text, "%63[0-9.]:%u", host, &port) != 2 || port > 65535 || inet_pton(AF_INET, host, &address.sin_addr) != 1 ||
        (ntohl(address.sin_addr.s_addr) >> 24) != 127) {
        fprintf(stderr, "not an endpoint on loopback: %s\n", text);
        exit(64);
    }
    address.sin_port = htons((uint16_t)port);
    return address;
}

/* A UDP socket with large buffers, beyond `rmem_max` where we may; `*buffer_bytes` is what the kernel gave. */
static inline int open_socket(struct sockaddr_in address, int *buffer_bytes) {
    int descriptor = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (descriptor < 0) fail("socket");
    int bytes = SOCKET_BUFFER_BYTES;
    if (setsockopt(descriptor, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes) < 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
    if (setsockopt(descriptor, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof bytes) < 0)
        setsockopt(descriptor, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
    socklen_t length = sizeof *buffer_bytes;
    getsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, buffer_bytes, &length);
    if (bind(descriptor, (struct sockaddr *)&address, sizeof address) < 0) fail("bind");
    return descriptor;
}

static inline unsigned bound_port(int descriptor) {
    struct sockaddr_in address;
    socklen_t length = sizeof address;
    if (getsockname(descriptor, (struct sockaddr *)&address, &length) < 0) fail("getsockname");
    return ntohs(address.sin_port);
}

#endif
