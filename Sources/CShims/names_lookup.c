#define _GNU_SOURCE

#include "names.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    /// How long one server has for its answer; doubled from try to try.
    TRY_MILLISECONDS = 1500,
    TRIES = 3,
    /// c-ares' own timers are looked at this often at least.
    WAIT_MILLISECONDS_MAX = 500,
    /// A look-up of two families at two servers takes four.
    KEPT_SOCKETS = 32,
};

/// One look-up under way.
struct lookup {
    const struct mainline_names_library *library;
    const struct mainline_names_route *route;
    struct mainline_endpoint *found;
    size_t room;
    size_t count;
    bool is_over;
    int status;
    /// The errno of the first socket that could not be bound.
    int socket_error;
};

static int64_t milliseconds_now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

/// Sockets that are read no more: an answer that comes late would be refused by the system, which says so by whatever
/// route is best. The oldest makes room.
static struct {
    pthread_mutex_t lock;
    int descriptors[KEPT_SOCKETS];
    size_t count;
} kept = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void keep(int descriptor) {
    int copy = fcntl(descriptor, F_DUPFD_CLOEXEC, 0);
    if (copy < 0) return;
    pthread_mutex_lock(&kept.lock);
    size_t place = kept.count++ % KEPT_SOCKETS;
    if (kept.count > KEPT_SOCKETS) close(kept.descriptors[place]);
    kept.descriptors[place] = copy;
    pthread_mutex_unlock(&kept.lock);
}

/// Binds a new socket of c-ares to the device and the own address; the look-up goes on without a socket that cannot be.
static int configure(int descriptor, int type, void *context) {
    struct lookup *lookup = context;
    const struct mainline_names_route *route = lookup->route;
    int family = 0;
    socklen_t size = sizeof family;
    union address address;
    errno = 0;
    if (getsockopt(descriptor, SOL_SOCKET, SO_DOMAIN, &family, &size) == 0) {
        bool is_v6 = family == AF_INET6;
        if (!(is_v6 ? route->has_v6 : route->has_v4)) {
            errno = EAFNOSUPPORT;
        } else if (
            route->device == NULL
            || setsockopt(
                   descriptor, SOL_SOCKET, SO_BINDTODEVICE, route->device, (socklen_t)strlen(route->device))
                == 0) {
            socklen_t length = mainline_fill(&address, is_v6 ? &route->v6 : &route->v4);
            if (bind(descriptor, &address.any, length) == 0) {
                if (route->device != NULL && type == SOCK_DGRAM) keep(descriptor);
                return 0;
            }
        }
    }
    if (lookup->socket_error == 0) lookup->socket_error = errno;
    return -1;
}

static void found(void *context, int status, int timeouts, struct ares_addrinfo *result) {
    (void)timeouts;
    struct lookup *lookup = context;
    lookup->is_over = true;
    lookup->status = status;
    if (status != ARES_OK || result == NULL) return;
    for (struct ares_addrinfo_node *node = result->nodes; node != NULL; node = node->ai_next) {
        if (node->ai_addr == NULL || lookup->count == lookup->room) continue;
        bool is_v6 = node->ai_family == AF_INET6;
        if (node->ai_family != AF_INET && !is_v6) continue;
        if (!(is_v6 ? lookup->route->has_v6 : lookup->route->has_v4)) continue;
        union address address;
        memset(&address, 0, sizeof address);
        memcpy(&address, node->ai_addr, node->ai_addrlen < sizeof address ? node->ai_addrlen : sizeof address);
        lookup->found[lookup->count] = mainline_read(&address);
        lookup->found[lookup->count].port = 0;
        lookup->count++;
    }
    lookup->library->freeaddrinfo(result);
}

static bool is_loopback(const struct ares_server *server) {
    return server->family == AF_INET6 ? IN6_IS_ADDR_LOOPBACK(&server->address.v6)
                                      : ntohl(server->address.v4.s_addr) >> 24 == 127;
}

/// Leaves the servers that the route can reach. Returns how many they are; `own` is the first one of this machine.
static int keep_reachable_servers(struct lookup *lookup, void *channel, char *own, size_t own_size) {
    struct ares_server *servers = NULL;
    struct ares_server kept[ARES_SOCKETS_MAX];
    int count = 0;
    if (lookup->library->get_servers(channel, &servers) != ARES_OK) return 0;
    for (struct ares_server *server = servers; server != NULL && count < ARES_SOCKETS_MAX; server = server->next) {
        if (is_loopback(server)) {
            if (own[0] == 0) inet_ntop(server->family, &server->address, own, (socklen_t)own_size);
        } else if (server->family == AF_INET6 ? lookup->route->has_v6 : lookup->route->has_v4) {
            kept[count] = *server;
            kept[count].next = NULL;
            if (count > 0) kept[count - 1].next = &kept[count];
            count++;
        }
    }
    lookup->library->free_data(servers);
    return count > 0 && lookup->library->set_servers(channel, kept) == ARES_OK ? count : 0;
}

/// Until the look-up is over or the time is.
static void run(struct lookup *lookup, void *channel, int64_t deadline) {
    while (!lookup->is_over) {
        int64_t left = deadline - milliseconds_now();
        // Ends the look-up, by `found`.
        if (left <= 0) return lookup->library->cancel(channel);
        if (left > WAIT_MILLISECONDS_MAX) left = WAIT_MILLISECONDS_MAX;
        struct timeval longest = {.tv_sec = left / 1000, .tv_usec = (left % 1000) * 1000}, place;
        struct timeval *wait = lookup->library->timeout(channel, &longest, &place);
        int sockets[ARES_SOCKETS_MAX];
        unsigned mask = (unsigned)lookup->library->getsock(channel, sockets, ARES_SOCKETS_MAX);
        struct pollfd polled[ARES_SOCKETS_MAX];
        nfds_t count = 0;
        for (unsigned i = 0; i < ARES_SOCKETS_MAX; i++) {
            short events = (short)((mask >> i & 1 ? POLLIN : 0) | (mask >> (i + ARES_SOCKETS_MAX) & 1 ? POLLOUT : 0));
            if (events != 0) polled[count++] = (struct pollfd){.fd = sockets[i], .events = events};
        }
        int milliseconds = wait != NULL ? (int)(wait->tv_sec * 1000 + wait->tv_usec / 1000 + 1) : (int)left;
        if (poll(polled, count, milliseconds) <= 0) {
            lookup->library->process_fd(channel, ARES_NO_SOCKET, ARES_NO_SOCKET);
            continue;
        }
        for (nfds_t i = 0; i < count && !lookup->is_over; i++) {
            short events = polled[i].revents;
            if (events == 0) continue;
            lookup->library->process_fd(
                channel, events & (POLLIN | POLLERR | POLLHUP) ? polled[i].fd : ARES_NO_SOCKET,
                events & POLLOUT ? polled[i].fd : ARES_NO_SOCKET);
        }
    }
}

static int outcome(const struct lookup *lookup, bool asks_servers, const char *own, char *reason, size_t size) {
    if (lookup->count > 0) return (int)lookup->count;
    if (lookup->status == ARES_CANCELLED || lookup->status == ARES_TIMED_OUT) {
        snprintf(reason, size, "no answer in time");
        return MAINLINE_NAMES_TIMED_OUT;
    }
    if (!asks_servers && lookup->status != ARES_OK) {
        snprintf(reason, size, "%s", own);
        return MAINLINE_NAMES_LOCAL_SERVER;
    }
    if (lookup->socket_error != 0) {
        snprintf(reason, size, "%s", strerror(lookup->socket_error));
        return MAINLINE_NAMES_NOT_BOUND;
    }
    snprintf(
        reason, size, "%s",
        lookup->status == ARES_OK ? "no address of a family that is used" : lookup->library->strerror(lookup->status));
    return MAINLINE_NAMES_UNKNOWN;
}

int mainline_names_look_up(
    const struct mainline_names_library *library, const char *name, const struct mainline_names_route *route,
    int milliseconds, struct mainline_endpoint *result, size_t room, char *reason, size_t reason_size) {
    int64_t deadline = milliseconds_now() + milliseconds;
    struct lookup lookup = {.library = library, .route = route, .found = result, .room = room};
    char own[INET6_ADDRSTRLEN] = "";
    void *channel = NULL;
    // The files first, then DNS: what /etc/nsswitch.conf names besides is not asked.
    struct ares_options options = {.timeout = TRY_MILLISECONDS, .tries = TRIES, .lookups = "fb"};
    int mask = ARES_HAS_TIMEOUT_MS | ARES_HAS_TRIES | ARES_HAS_LOOKUPS;
    int code = library->init_options(&channel, &options, mask);
    bool asks_servers = code == ARES_OK && keep_reachable_servers(&lookup, channel, own, sizeof own) > 0;
    if (code == ARES_OK && !asks_servers) {
        library->destroy(channel);
        options.lookups = "f";
        code = library->init_options(&channel, &options, mask);
    }
    if (code != ARES_OK) {
        snprintf(reason, reason_size, "%s", library->strerror(code));
        return MAINLINE_NAMES_UNKNOWN;
    }
    library->set_socket_configure_callback(channel, configure, &lookup);
    struct ares_addrinfo_hints hints = {
        .ai_flags = ARES_AI_NOSORT,
        .ai_family = !route->has_v6 ? AF_INET : !route->has_v4 ? AF_INET6 : AF_UNSPEC,
    };
    library->getaddrinfo(channel, name, NULL, &hints, found, &lookup);
    run(&lookup, channel, deadline);
    library->destroy(channel);
    return outcome(&lookup, asks_servers, own, reason, reason_size);
}
