#define _GNU_SOURCE

#include "address.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>
#include <unistd.h>

// Since Linux 4.15, and not in every C library.
#ifndef IPV6_FREEBIND
#define IPV6_FREEBIND 78
#endif
#ifndef IPV6_MINHOPCOUNT
#define IPV6_MINHOPCOUNT 73
#endif

socklen_t mainline_fill(union address *address, const struct mainline_endpoint *endpoint) {
    memset(address, 0, sizeof *address);
    if (!endpoint->is_v6) {
        address->v4.sin_family = AF_INET;
        address->v4.sin_port = htons(endpoint->port);
        address->v4.sin_addr.s_addr = htonl((uint32_t)endpoint->low);
        return sizeof address->v4;
    }
    address->v6.sin6_family = AF_INET6;
    address->v6.sin6_port = htons(endpoint->port);
    for (int i = 0; i < 8; i++) {
        address->v6.sin6_addr.s6_addr[i] = (uint8_t)(endpoint->high >> (56 - 8 * i));
        address->v6.sin6_addr.s6_addr[8 + i] = (uint8_t)(endpoint->low >> (56 - 8 * i));
    }
    return sizeof address->v6;
}

struct mainline_endpoint mainline_read(const union address *address) {
    struct mainline_endpoint endpoint = {0};
    if (address->any.sa_family == AF_INET) {
        endpoint.low = ntohl(address->v4.sin_addr.s_addr);
        endpoint.port = ntohs(address->v4.sin_port);
    } else if (address->any.sa_family == AF_INET6) {
        endpoint.is_v6 = true;
        endpoint.port = ntohs(address->v6.sin6_port);
        for (int i = 0; i < 8; i++) {
            endpoint.high = endpoint.high << 8 | address->v6.sin6_addr.s6_addr[i];
            endpoint.low = endpoint.low << 8 | address->v6.sin6_addr.s6_addr[8 + i];
        }
    }
    return endpoint;
}

static int open_bound(struct mainline_endpoint local, int type, const char *device, bool *device_refused) {
    union address address;
    *device_refused = false;
    socklen_t length = mainline_fill(&address, &local);
    int descriptor = socket(address.any.sa_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (descriptor < 0) return -errno;
    // Since Linux 5.7 no rights are needed for this, as long as the socket has no device yet.
    if (device != NULL && setsockopt(descriptor, SOL_SOCKET, SO_BINDTODEVICE, device, (socklen_t)strlen(device)) != 0) {
        int error = errno;
        *device_refused = true;
        close(descriptor);
        return -error;
    }
    int on = 1;
    // A listener's port is free again at once after a restart; a second UDP socket on a port would steal packets.
    if ((type == SOCK_STREAM && setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0)
        // For `mainline_tcp_renounce`. The UDP socket of the same port keeps other programs away.
        || (type == SOCK_STREAM && device != NULL
            && setsockopt(descriptor, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) != 0)
        || (local.is_v6 && setsockopt(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) != 0)
        || bind(descriptor, &address.any, length) != 0) {
        int error = errno;
        close(descriptor);
        return -error;
    }
    return descriptor;
}

static void ask_for_buffer(int descriptor, int forced, int plain, int bytes) {
    // The forced kind passes the system's maximum and needs CAP_NET_ADMIN.
    if (setsockopt(descriptor, SOL_SOCKET, forced, &bytes, sizeof bytes) != 0)
        setsockopt(descriptor, SOL_SOCKET, plain, &bytes, sizeof bytes);
}

int mainline_udp_open(
    struct mainline_endpoint local, const char *device, int buffer_bytes, bool *device_refused) {
    int descriptor = open_bound(local, SOCK_DGRAM, device, device_refused);
    if (descriptor < 0) return descriptor;
    ask_for_buffer(descriptor, SO_RCVBUFFORCE, SO_RCVBUF, buffer_bytes);
    ask_for_buffer(descriptor, SO_SNDBUFFORCE, SO_SNDBUF, buffer_bytes);
    return descriptor;
}

static bool join_group(int descriptor, const union address *group, const union address *local, const char *interface) {
    int on = 1, off = 0;
    if (group->any.sa_family == AF_INET6) {
        struct ipv6_mreq membership = {.ipv6mr_multiaddr = group->v6.sin6_addr};
        membership.ipv6mr_interface = if_nametoindex(interface);
        return setsockopt(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) == 0
            && setsockopt(descriptor, IPPROTO_IPV6, IPV6_JOIN_GROUP, &membership, sizeof membership) == 0
            && setsockopt(
                   descriptor, IPPROTO_IPV6, IPV6_MULTICAST_IF, &membership.ipv6mr_interface,
                   sizeof membership.ipv6mr_interface) == 0;
    }
    struct ip_mreqn membership = {.imr_multiaddr = group->v4.sin_addr, .imr_address = local->v4.sin_addr};
    membership.imr_ifindex = (int)if_nametoindex(interface);
    return setsockopt(descriptor, IPPROTO_IP, IP_MULTICAST_ALL, &off, sizeof off) == 0
        && setsockopt(descriptor, IPPROTO_IP, IP_ADD_MEMBERSHIP, &membership, sizeof membership) == 0
        && setsockopt(descriptor, IPPROTO_IP, IP_MULTICAST_IF, &membership, sizeof membership) == 0;
}

int mainline_multicast_open(
    struct mainline_endpoint group, struct mainline_endpoint local, const char *interface, bool must_hold) {
    union address addresses[2];
    socklen_t length = mainline_fill(&addresses[0], &group);
    mainline_fill(&addresses[1], &local);
    int descriptor = socket(addresses[0].any.sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (descriptor < 0) return -errno;
    int on = 1;
    // What others on this machine have joined, and what comes by other interfaces, is not for us.
    bool holds =
        setsockopt(descriptor, SOL_SOCKET, SO_BINDTODEVICE, interface, (socklen_t)strlen(interface)) == 0;
    if ((must_hold && !holds) || setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0
        || !join_group(descriptor, &addresses[0], &addresses[1], interface)
        || bind(descriptor, &addresses[0].any, length) != 0) {
        int error = errno;
        close(descriptor);
        return -error;
    }
    return descriptor;
}

int mainline_tcp_listen(
    struct mainline_endpoint local, const char *device, int backlog, bool *device_refused) {
    int descriptor = open_bound(local, SOCK_STREAM, device, device_refused);
    if (descriptor < 0) return descriptor;
    if (listen(descriptor, backlog) != 0) {
        int error = errno;
        close(descriptor);
        return -error;
    }
    return descriptor;
}

int mainline_local_port(int descriptor) {
    union address address;
    socklen_t length = sizeof address;
    if (getsockname(descriptor, &address.any, &length) != 0) return -errno;
    return ntohs(address.any.sa_family == AF_INET6 ? address.v6.sin6_port : address.v4.sin_port);
}

int mainline_port_guard(struct mainline_endpoint local, const char *device) {
    // Drops what asks for a connection (SYN without ACK, in byte 13 of the header), and passes the rest.
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 13),
        BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0x12),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x02, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, 0),
        BPF_STMT(BPF_RET | BPF_K, 0xFFFFFFFF),
    };
    struct sock_fprog program = {.len = sizeof filter / sizeof filter[0], .filter = filter};
    union address address;
    socklen_t length = mainline_fill(&address, &local);
    int descriptor = socket(address.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (descriptor < 0) return -errno;
    int on = 1;
    if (setsockopt(descriptor, SOL_SOCKET, SO_BINDTODEVICE, device, (socklen_t)strlen(device)) != 0
        || setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0
        || setsockopt(descriptor, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) != 0
        || (local.is_v6 && setsockopt(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) != 0)
        || bind(descriptor, &address.any, length) != 0) {
        int error = errno;
        close(descriptor);
        return -error;
    }
    // Some systems grant no memory for filters: then one caller is kept waiting, and others get no answer.
    setsockopt(descriptor, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program);
    if (listen(descriptor, 0) != 0) {
        int error = errno;
        close(descriptor);
        return -error;
    }
    return descriptor;
}

int mainline_tcp_renounce(struct mainline_endpoint local, const char *device, struct mainline_endpoint remote) {
    union address addresses[2];
    socklen_t lengths[] = {mainline_fill(&addresses[0], &local), mainline_fill(&addresses[1], &remote)};
    int descriptor = socket(addresses[0].any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (descriptor < 0) return -errno;
    int on = 1;
    if (setsockopt(descriptor, SOL_SOCKET, SO_BINDTODEVICE, device, (socklen_t)strlen(device)) != 0
        || setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0
        || setsockopt(descriptor, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) != 0
        || bind(descriptor, &addresses[0].any, lengths[0]) != 0
        || (connect(descriptor, &addresses[1].any, lengths[1]) != 0 && errno != EINPROGRESS)) {
        int error = errno;
        close(descriptor);
        return -error;
    }
    return descriptor;
}

int mainline_mute_open(struct mainline_endpoint local, bool is_tcp) {
    union address address;
    socklen_t length = mainline_fill(&address, &local);
    int type = (is_tcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_NONBLOCK | SOCK_CLOEXEC;
    int descriptor = socket(address.any.sa_family, type, 0);
    if (descriptor < 0) return -errno;
    int on = 1, bytes = 0, hops_max = 255;
    int level = local.is_v6 ? IPPROTO_IPV6 : IPPROTO_IP;
    // A packet that has passed no router would have 255 left: all others are dropped before TCP sees them.
    if (setsockopt(descriptor, level, local.is_v6 ? IPV6_FREEBIND : IP_FREEBIND, &on, sizeof on) != 0
        || (is_tcp
            && setsockopt(
                   descriptor, level, local.is_v6 ? IPV6_MINHOPCOUNT : IP_MINTTL, &hops_max, sizeof hops_max) != 0)
        || (is_tcp && setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0)
        || setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes) != 0
        || (local.is_v6 && setsockopt(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) != 0)
        || bind(descriptor, &address.any, length) != 0 || (is_tcp && listen(descriptor, 0) != 0)) {
        int error = errno;
        close(descriptor);
        return -error;
    }
    return descriptor;
}

int mainline_changes_open(void) {
    struct sockaddr_nl address = {
        .nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR};
    int descriptor = socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, NETLINK_ROUTE);
    if (descriptor < 0) return -errno;
    if (bind(descriptor, (struct sockaddr *)&address, sizeof address) != 0) {
        int error = errno;
        close(descriptor);
        return -error;
    }
    return descriptor;
}

int mainline_interface_index(const char *interface) { return (int)if_nametoindex(interface); }

void mainline_close(int descriptor) {
    close(descriptor);
}
