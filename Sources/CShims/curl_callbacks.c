#define _GNU_SOURCE

#include "curl.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/// Of all responses of a transfer together; a tracker needs some hundred.
enum { HEADER_BYTES_MAX = 64 * 1024 };

/// A part of the URL asked for now, to be freed by the library; NULL if it has none.
///
/// It is libcurl's own parser that reads it: two parsers could see two different hosts in one URL.
static char *current_url_part(struct mainline_http_transfer *transfer, int part, unsigned flags) {
    struct mainline_http_library *library = transfer->loop->library;
    const char *current = NULL;
    char *text = NULL;
    if (library->easy_getinfo(transfer->easy, CURL_INFO_URL, &current) != 0 || current == NULL) return NULL;
    void *url = library->url();
    if (url == NULL) return NULL;
    if (library->url_set(url, CURL_PART_URL, current, 0) != 0 || library->url_get(url, part, &text, flags) != 0)
        text = NULL;
    library->url_cleanup(url);
    return text;
}

static bool is_allowed(struct mainline_http_transfer *transfer, const struct sockaddr *address) {
    struct mainline_http_library *library = transfer->loop->library;
    long redirects = 0;
    library->easy_getinfo(transfer->easy, CURL_INFO_REDIRECTS, &redirects);
    char *host = current_url_part(transfer, CURL_PART_HOST, 0);
    char *path = current_url_part(transfer, CURL_PART_PATH, 0);
    bool allowed = host != NULL && path != NULL
        && transfer->listener.allows(
            transfer->listener.context, address, address->sa_family, host, path, redirects);
    library->free(host);
    library->free(path);
    return allowed;
}

/// Is called for addresses in text form as well.
int mainline_curl_before_lookup(void *state, void *reserved, void *context) {
    (void)state, (void)reserved;
    struct mainline_http_transfer *transfer = context;
    struct in_addr v4;
    char *host = current_url_part(transfer, CURL_PART_HOST, 0);
    bool is_name = host == NULL || (host[0] != '[' && inet_pton(AF_INET, host, &v4) != 1);
    if (!is_name) {
        transfer->loop->library->free(host);
        return 0;
    }
    char *port = current_url_part(transfer, CURL_PART_PORT, CURL_DEFAULT_PORT);
    transfer->name_refused = true;
    transfer->loop->library->free(transfer->refused_host);
    transfer->refused_host = host;
    transfer->refused_port = port != NULL ? strtol(port, NULL, 10) : 0;
    transfer->loop->library->free(port);
    return 1;
}

int mainline_curl_open_socket(void *context, int purpose, struct curl_address *address) {
    struct mainline_http_transfer *transfer = context;
    if (purpose != 0 || (address->family != AF_INET && address->family != AF_INET6)) return CURL_NO_SOCKET;
    if (!is_allowed(transfer, &address->address)) return CURL_NO_SOCKET;
    // libcurl makes the socket non-blocking. It would resolve the own address as if it were a name, so we bind to it.
    union address source;
    socklen_t length = mainline_fill(&source, &transfer->source);
    if (transfer->has_source && source.any.sa_family != address->family) return CURL_NO_SOCKET;
    int descriptor = socket(address->family, address->type | SOCK_CLOEXEC, address->protocol);
    if (descriptor >= 0
        && (transfer->device[0] == 0
            || setsockopt(descriptor, SOL_SOCKET, SO_BINDTODEVICE, transfer->device, strlen(transfer->device) + 1)
                == 0)
        && (!transfer->has_source || bind(descriptor, &source.any, length) == 0))
        return descriptor;
    if (transfer->socket_error == 0) transfer->socket_error = errno;
    if (descriptor >= 0) close(descriptor);
    return CURL_NO_SOCKET;
}

/// Also sees connections that were opened by an earlier request.
int mainline_curl_before_request(void *context, char *remote, char *local, int remote_port, int local_port) {
    (void)local, (void)local_port;
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } address;
    memset(&address, 0, sizeof address);
    if (inet_pton(AF_INET, remote, &address.v4.sin_addr) == 1) {
        address.v4.sin_family = AF_INET;
        address.v4.sin_port = htons((uint16_t)remote_port);
    } else if (inet_pton(AF_INET6, remote, &address.v6.sin6_addr) == 1) {
        address.v6.sin6_family = AF_INET6;
        address.v6.sin6_port = htons((uint16_t)remote_port);
    } else {
        return 1;
    }
    return is_allowed(context, &address.any) ? 0 : 1;
}

size_t mainline_curl_received_header(const char *bytes, size_t size, size_t count, void *context) {
    (void)bytes;
    struct mainline_http_transfer *transfer = context;
    transfer->header_bytes += size * count;
    transfer->headers_too_long = transfer->header_bytes > HEADER_BYTES_MAX;
    return transfer->headers_too_long ? 0 : size * count;
}

size_t mainline_curl_received_body(const char *bytes, size_t size, size_t count, void *context) {
    struct mainline_http_transfer *transfer = context;
    size_t total = size * count;
    if (total == 0) return 0;
    return transfer->listener.received(transfer->listener.context, (const uint8_t *)bytes, total) ? total : 0;
}
