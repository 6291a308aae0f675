#ifndef MAINLINE_CSHIMS_H
#define MAINLINE_CSHIMS_H

// System calls that Swift on Linux cannot make or can make only clumsily. No decision is taken here.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// An address and port in host byte order; IPv4 uses the low 32 bits of `low`.
struct mainline_endpoint {
    uint64_t high;
    uint64_t low;
    uint16_t port;
    bool is_v6;
};

/// Bytes `offset ..< offset + length` of a common buffer, and where they go, or came from.
struct mainline_datagram {
    uint32_t offset;
    uint32_t length;
    struct mainline_endpoint peer;
};

/// A bound, non-blocking UDP socket, or the negative errno. An IPv6 socket takes no IPv4.
///
/// `device` is the network interface that the socket is bound to before it gets its address, or NULL for any;
/// `device_refused` says whether that was what failed. `buffer_bytes` is what is asked for as receive and send buffer;
/// beyond the system's maximum only where we may.
int mainline_udp_open(
    struct mainline_endpoint local, const char *device, int buffer_bytes, bool *device_refused);

/// A non-blocking UDP socket that hears what comes to a multicast group by one interface, and sends by it; or the
/// negative errno.
///
/// `local` is an address of the interface, from which IPv4 packets leave. Others may have the same port. With
/// `must_hold` a socket that cannot be bound to the interface is an error.
int mainline_multicast_open(
    struct mainline_endpoint group, struct mainline_endpoint local, const char *interface, bool must_hold);

/// A listening, non-blocking TCP socket, or the negative errno; `device` as for `mainline_udp_open`.
///
/// An IPv6 socket takes no IPv4. Connections that it accepts are bound to the device too.
int mainline_tcp_listen(
    struct mainline_endpoint local, const char *device, int backlog, bool *device_refused);

/// A socket that answers for a port from which connections to peers are made: TCP, bound to `device`.
///
/// What arrives for a connection that is over, the system answers with a reset. Without a socket on that port the reset
/// leaves by the best route, which may be another interface; this one makes it leave by `device`. It takes no
/// connection. Connections from the port set SO_REUSEPORT, as it does. Returns the socket or the negative errno.
int mainline_port_guard(struct mainline_endpoint local, const char *device);

/// A socket that takes what comes for an address and port by any interface, and answers nothing: UDP, or TCP.
///
/// It holds the place of one whose interface is gone, until that is back: without, the system would refuse what comes
/// first, and say so by whatever route is best. The address need not be there. Returns the socket or the negative errno.
int mainline_mute_open(struct mainline_endpoint local, bool is_tcp);

/// A socket that has something to read whenever an interface or an address of this machine changes, or the negative
/// errno.
int mainline_changes_open(void);

/// Asks for a connection that the other end believes in already, from its port: `local` has that port.
///
/// The other end answers that this cannot be, the system here that it knows of no such connection, and with that the
/// other end drops it. Returns a socket to be closed a little later, or the negative errno.
int mainline_tcp_renounce(struct mainline_endpoint local, const char *device, struct mainline_endpoint remote);

/// The number of a network interface, which changes when it is deleted and made again; 0 if it is not there.
int mainline_interface_index(const char *interface);

/// The port that a socket is bound to, or the negative errno.
int mainline_local_port(int descriptor);

void mainline_close(int descriptor);

/// Sends `count` datagrams of `bytes` with as few system calls as it can, in order.
///
/// One that the kernel refuses is left out and does not stop the others: UDP may lose. Returns how many were left
/// out; `last_error` is the errno of the last of them.
size_t mainline_udp_send(
    int descriptor, const uint8_t *bytes, const struct mainline_datagram *datagrams, size_t count, int *last_error);

/// Reads the datagrams that have come, at most `count` and 64, without waiting: each into a stretch of `room` bytes.
///
/// What is longer loses its end. Returns how many came; none also when the socket has failed.
size_t mainline_udp_receive(
    int descriptor, uint8_t *bytes, size_t room, struct mainline_datagram *datagrams, size_t count);

/// A pipe whose ends do not block: `ends[0]` to read from, `ends[1]` to write to.
///
/// `bytes` is the room that is asked for. Returns the room that it has, or the negative errno.
int mainline_pipe_open(int ends[2], int bytes);

/// How many bytes are in a pipe, or -1.
int mainline_pipe_held(int read_end);

/// Pages of memory, or NULL. What is lent to a pipe keeps its pages beyond `mainline_pages_unmap`.
void *mainline_pages_map(size_t count);
void mainline_pages_unmap(void *pages, size_t count);

/// Puts bytes into a pipe without copying them: `vmsplice`. They must never be changed again, for a socket that they
/// are moved on to may have to send them once more. False when not all went in.
bool mainline_pipe_lend(int write_end, void *bytes, size_t count);

/// Moves up to `count` bytes between a pipe and a file or socket, as pages and without copying them: `splice`.
///
/// `offset` is where in a file that is moved from; negative when `from` is a pipe. It never waits for a pipe or a
/// socket that does not block; it may wait for a disk. Returns how many bytes were moved, 0 at the end of a file, or
/// the negative errno.
ptrdiff_t mainline_splice(int from, int64_t offset, int to, size_t count);

/// `mallopt` with both thresholds at `bytes`; false when the C library did not take them.
bool mainline_keep_freed_memory(int bytes);

/// A clock that never runs back, whatever the clock does that it is read from; all zero at first.
struct mainline_steady {
    int64_t last;
    int64_t offset;
};

/// The time in nanoseconds, at least zero and at least what any thread was told before; `read` reads the clock.
///
/// After a step back of a second or more, time goes on from where it was; a smaller one is waited for.
int64_t mainline_steady_next(struct mainline_steady *steady, int64_t (*read)(void *context), void *context);

#include "MainlineHTTP.h"
#include "MainlineNames.h"

#endif
