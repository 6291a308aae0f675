#ifndef MAINLINE_HTTP_H
#define MAINLINE_HTTP_H

// HTTP requests by libcurl, which is opened at run time: a build needs neither its headers nor the library.
//
// A loop and its transfers belong to one thread; only `mainline_http_wake` may be called from others.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "CShims.h"

struct mainline_http_library;
struct mainline_http_loop;
struct mainline_http_transfer;

/// What a transfer asks and tells while its loop runs, on the loop's thread.
struct mainline_http_listener {
    void *context;
    /// Whether the next request of the transfer may go to `address`, a `sockaddr` of `family`.
    ///
    /// Asked before each connection and again before each request, since redirects and connections that are kept
    /// can lead elsewhere. `host` and `path` are of the URL asked for now, as libcurl itself reads it.
    bool (*allows)(void *context, const void *address, int family, const char *host, const char *path, long redirects);
    /// Takes bytes of the body, decompressed; false ends the transfer.
    bool (*received)(void *context, const uint8_t *bytes, size_t count);
};

/// The settings of a transfer that are text, by libcurl's numbers.
enum mainline_http_text {
    MAINLINE_HTTP_URL = 10002,
    /// Empty: none, also not one that the environment names.
    MAINLINE_HTTP_PROXY = 10004,
    MAINLINE_HTTP_USER_AGENT = 10018,
    /// A file of certificates to trust instead of the system's.
    MAINLINE_HTTP_CERTIFICATES = 10065,
};

/// The settings of a transfer that are numbers, by libcurl's numbers.
enum mainline_http_number {
    MAINLINE_HTTP_VERIFIES_PEER = 64,
    MAINLINE_HTTP_REDIRECTS_MAX = 68,
    MAINLINE_HTTP_CLOSES_CONNECTION = 75,
    /// 0 or 2.
    MAINLINE_HTTP_VERIFIES_HOST = 81,
    /// 0 any, 1 IPv4, 2 IPv6.
    MAINLINE_HTTP_FAMILY = 113,
    MAINLINE_HTTP_TOTAL_TIMEOUT_MS = 155,
    MAINLINE_HTTP_CONNECT_TIMEOUT_MS = 156,
};

/// How a transfer ended; the strings last as long as the transfer.
struct mainline_http_outcome {
    /// Of the last response, 0 when there was none.
    long status;
    /// After redirects.
    const char *url;
    /// The other end of the last connection, empty when there was none.
    const char *address;
    long port;
    /// A line of text about a failure.
    const char *reason;
    /// The headers were longer than any server needs them.
    bool headers_too_long;
    /// A name would have had to be looked up.
    bool name_refused;
    /// That name and the port of its URL; empty and 0 when there was none.
    const char *refused_host;
    long refused_port;
    /// How many redirects were followed.
    long redirects;
    /// The errno of the first socket that could not be made or bound to the device, or 0.
    int socket_error;
};

/// Opens libcurl and starts it up; NULL with a line of text in `reason` when it cannot be had.
///
/// The library stays open for ever, as what it started must. May be called from any thread.
struct mainline_http_library *mainline_http_open(const char *file, char *reason, size_t reason_size);

/// A loop without transfers, or NULL; takes the library over and gives it back to nobody.
struct mainline_http_loop *mainline_http_loop_make(struct mainline_http_library *library, long kept_connections);

/// Its transfers must have been closed before.
void mainline_http_loop_close(struct mainline_http_loop *loop);

/// A transfer that has not started, or NULL. `body_bytes_max` is compared with what the server announces.
struct mainline_http_transfer *mainline_http_make(
    struct mainline_http_loop *loop, struct mainline_http_listener listener, int64_t body_bytes_max);

void mainline_http_set_text(struct mainline_http_transfer *transfer, enum mainline_http_text setting, const char *text);
void mainline_http_set_number(struct mainline_http_transfer *transfer, enum mainline_http_number setting, long number);

/// Sockets are bound to this network interface besides; one that cannot be is not used.
void mainline_http_set_device(struct mainline_http_transfer *transfer, const char *device);

/// Sockets are bound to this own address; one of the other family is not used.
void mainline_http_set_source(struct mainline_http_transfer *transfer, struct mainline_endpoint source);

/// No name is looked up for this transfer, also not after redirects; the names that it knows need no look-up.
void mainline_http_refuse_names(struct mainline_http_transfer *transfer);

/// Gives the addresses of a name, as `HOST:PORT:ADDRESS[,ADDRESS]...`; they serve this transfer alone.
void mainline_http_know_name(struct mainline_http_transfer *transfer, const char *entry);

/// Returns 0, or libcurl's code of the first setting that was refused.
int mainline_http_start(struct mainline_http_transfer *transfer);

/// Ends the transfer if it runs, and frees it.
void mainline_http_close(struct mainline_http_transfer *transfer);

struct mainline_http_outcome mainline_http_describe(struct mainline_http_transfer *transfer, int code);

/// Moves all transfers on as far as they go without waiting; false when libcurl has failed altogether.
bool mainline_http_run(struct mainline_http_loop *loop);

/// The context of a transfer that has ended, with libcurl's code; NULL when there is no more.
void *mainline_http_next_ended(struct mainline_http_loop *loop, int *code);

/// Waits until a transfer can move on, the time is over, or somebody wakes the loop.
bool mainline_http_wait(struct mainline_http_loop *loop, int milliseconds);

void mainline_http_wake(struct mainline_http_loop *loop);

/// Writing to a connection that the other end has closed is an error for the calling thread, not the program's end.
void mainline_http_block_pipe_signal(void);

#endif
