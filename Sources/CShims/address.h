#ifndef MAINLINE_ADDRESS_H
#define MAINLINE_ADDRESS_H

#include "CShims.h"

#include <netinet/in.h>
#include <sys/socket.h>

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

/// Writes the kernel's form of an endpoint and returns its length.
socklen_t mainline_fill(union address *address, const struct mainline_endpoint *endpoint);

/// The endpoint that the kernel has written; port 0 if it has not.
struct mainline_endpoint mainline_read(const union address *address);

#endif
