#ifndef MAINLINE_NAMES_H
#define MAINLINE_NAMES_H

// Host names to addresses by c-ares, which is opened at run time, over sockets that are bound to one interface.

#include "CShims.h"

struct mainline_names_library;

/// Where the questions to name servers leave from.
struct mainline_names_route {
    /// The network interface that sockets are bound to, or NULL for none.
    const char *device;
    /// The own addresses, ports 0; a family without one is not used.
    struct mainline_endpoint v4;
    struct mainline_endpoint v6;
    bool has_v4;
    bool has_v6;
};

/// How a look-up that found nothing ended.
enum mainline_names_failure {
    /// No such name, or the name servers did not answer properly.
    MAINLINE_NAMES_UNKNOWN = -1,
    MAINLINE_NAMES_TIMED_OUT = -2,
    /// The name servers of this machine are its own programs, whose questions would leave from elsewhere.
    MAINLINE_NAMES_LOCAL_SERVER = -3,
    /// A socket could not be bound to the device or address.
    MAINLINE_NAMES_NOT_BOUND = -4,
};

/// Opens c-ares and starts it up; NULL with a line of text in `reason` when it cannot be had.
///
/// The library stays open for ever. To be called by one thread at a time.
struct mainline_names_library *mainline_names_open(const char *file, char *reason, size_t reason_size);

/// Looks a name up in /etc/hosts and at the name servers of /etc/resolv.conf, and waits for it at most
/// `milliseconds`; may be called from any thread.
///
/// Returns how many addresses of usable families were written to `found`, at most `room`; or a failure, with a line of
/// text in `reason`.
int mainline_names_look_up(
    const struct mainline_names_library *library, const char *name, const struct mainline_names_route *route,
    int milliseconds, struct mainline_endpoint *found, size_t room, char *reason, size_t reason_size);

#endif
