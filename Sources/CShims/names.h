#ifndef MAINLINE_ARES_H
#define MAINLINE_ARES_H

// The part of c-ares' interface that is used, as it is since 1.16: functions, structures and numbers, none of which
// change as long as the library is called libcares.so.2.

#include "MainlineNames.h"

#include "address.h"

#include <sys/time.h>

/// ares_options, up to the last member that is set.
struct ares_options {
    int flags;
    int timeout;
    int tries;
    int ndots;
    unsigned short udp_port;
    unsigned short tcp_port;
    int socket_send_buffer_size;
    int socket_receive_buffer_size;
    struct in_addr *servers;
    int nservers;
    char **domains;
    int ndomains;
    char *lookups;
    /// Later versions have more, which are read only where the mask names them.
    void *unused[16];
};

/// Bits of the mask beside ares_options.
enum { ARES_HAS_TRIES = 1 << 2, ARES_HAS_LOOKUPS = 1 << 8, ARES_HAS_TIMEOUT_MS = 1 << 13 };

/// ares_addr_node.
struct ares_server {
    struct ares_server *next;
    int family;
    union {
        struct in_addr v4;
        struct in6_addr v6;
    } address;
};

struct ares_addrinfo_hints {
    int ai_flags;
    int ai_family;
    int ai_socktype;
    int ai_protocol;
};

/// In the order of the answer: sorting would open sockets of its own.
enum { ARES_AI_NOSORT = 1 << 7 };

struct ares_addrinfo_node {
    int ai_ttl;
    int ai_flags;
    int ai_family;
    int ai_socktype;
    int ai_protocol;
    socklen_t ai_addrlen;
    struct sockaddr *ai_addr;
    struct ares_addrinfo_node *ai_next;
};

struct ares_addrinfo {
    void *cnames;
    struct ares_addrinfo_node *nodes;
};

enum { ARES_OK = 0, ARES_TIMED_OUT = 12, ARES_CANCELLED = 24, ARES_START_ALL = 1, ARES_NO_SOCKET = -1 };

/// ARES_GETSOCK_MAXNUM: bit i of the mask says readable, bit i + 16 writable.
enum { ARES_SOCKETS_MAX = 16 };

typedef void (*ares_found)(void *context, int status, int timeouts, struct ares_addrinfo *result);
typedef int (*ares_configure)(int descriptor, int type, void *context);

struct mainline_names_library {
    int (*library_init)(int flags);
    int (*init_options)(void **channel, struct ares_options *options, int mask);
    void (*destroy)(void *channel);
    void (*set_socket_configure_callback)(void *channel, ares_configure callback, void *context);
    int (*get_servers)(void *channel, struct ares_server **servers);
    int (*set_servers)(void *channel, struct ares_server *servers);
    void (*free_data)(void *data);
    void (*getaddrinfo)(
        void *channel, const char *name, const char *service, const struct ares_addrinfo_hints *hints,
        ares_found callback, void *context);
    void (*freeaddrinfo)(struct ares_addrinfo *result);
    int (*getsock)(void *channel, int *sockets, int count);
    struct timeval *(*timeout)(void *channel, struct timeval *longest, struct timeval *place);
    void (*process_fd)(void *channel, int readable, int writable);
    void (*cancel)(void *channel);
    const char *(*strerror)(int code);
};

#endif
