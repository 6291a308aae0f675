#ifndef MAINLINE_CURL_H
#define MAINLINE_CURL_H

// The part of libcurl's interface that is used: functions and the numbers of options, none of which change as long as
// the library is called libcurl.so.4.

#include "MainlineHTTP.h"

#include "address.h"

#include <net/if.h>
#include <time.h>

/// CURLMsg.
struct curl_message {
    int kind;
    void *easy;
    union {
        void *pointer;
        int code;
    } data;
};

/// curl_sockaddr, whose last member is as long as `length` says.
struct curl_address {
    int family;
    int type;
    int protocol;
    unsigned length;
    struct sockaddr address;
};

struct mainline_http_library {
    int (*global_init)(long flags);
    void *(*easy_init)(void);
    int (*easy_setopt)(void *easy, int option, ...);
    int (*easy_getinfo)(void *easy, int info, ...);
    const char *(*easy_strerror)(int code);
    void (*easy_cleanup)(void *easy);
    void *(*multi_init)(void);
    int (*multi_setopt)(void *multi, int option, ...);
    int (*multi_add_handle)(void *multi, void *easy);
    int (*multi_remove_handle)(void *multi, void *easy);
    int (*multi_perform)(void *multi, int *running);
    struct curl_message *(*multi_info_read)(void *multi, int *left);
    int (*multi_poll)(void *multi, void *more, unsigned count, int milliseconds, int *ready);
    int (*multi_wakeup)(void *multi);
    int (*multi_cleanup)(void *multi);
    void *(*url)(void);
    int (*url_set)(void *url, int part, const char *text, unsigned flags);
    int (*url_get)(const void *url, int part, char **text, unsigned flags);
    void (*url_cleanup)(void *url);
    void (*free)(void *text);
    void *(*list_append)(void *list, const char *text);
    void (*list_free)(void *list);
    void *(*share_init)(void);
    int (*share_setopt)(void *share, int option, ...);
    int (*share_cleanup)(void *share);
};

/// CURL_ERROR_SIZE.
enum { CURL_REASON_SIZE = 256 };

/// Sockets that are read no more and kept for a while, and for how long.
enum { CURL_KEPT_SOCKETS = 64, CURL_KEPT_SECONDS = 3 };

struct mainline_http_loop {
    struct mainline_http_library *library;
    void *multi;
    /// A ring; free places have -1.
    int kept[CURL_KEPT_SOCKETS];
    time_t kept_since[CURL_KEPT_SOCKETS];
    size_t next_kept;
};

struct mainline_http_transfer {
    struct mainline_http_loop *loop;
    void *easy;
    struct mainline_http_listener listener;
    size_t header_bytes;
    bool headers_too_long;
    bool name_refused;
    /// The name that was refused, to be freed by the library, and the port of its URL.
    char *refused_host;
    long refused_port;
    /// Addresses of names for this transfer alone, and the table that keeps them from others.
    void *names;
    void *share;
    /// libcurl's code of the first setting that it refused.
    int code;
    int socket_error;
    /// Old versions do not ask before a request that finds its connection open.
    bool asks_before_request;
    bool is_started;
    char device[IFNAMSIZ];
    /// The own address, unless it is any.
    struct mainline_endpoint source;
    bool has_source;
    char reason[CURL_REASON_SIZE];
};

/// `CURL_NOT_STARTED` is CURLE_FAILED_INIT.
enum { CURL_DONE_MESSAGE = 1, CURL_NO_SOCKET = -1, CURL_NOT_STARTED = 2 };

/// curl_global_init: everything.
enum { CURL_START_ALL = 3 };

/// Bits of CURLOPT_PROTOCOLS and CURLOPT_REDIR_PROTOCOLS.
enum { CURL_PROTOCOL_HTTP = 1, CURL_PROTOCOL_HTTPS = 2 };

/// Parts of a URL.
enum { CURL_PART_URL = 0, CURL_PART_HOST = 5, CURL_PART_PORT = 6, CURL_PART_PATH = 7 };

/// CURLU_DEFAULT_PORT: the port of the scheme where the URL has none.
enum { CURL_DEFAULT_PORT = 1 };

/// CURLSHOPT_SHARE and CURL_LOCK_DATA_DNS.
enum { CURL_SHARE_WHAT = 1, CURL_SHARE_NAMES = 3 };

/// CURLMOPT_*.
enum { CURL_MULTI_CONNECTIONS_KEPT = 6 };

/// CURLINFO_*, with the type of the answer in the upper bits.
enum {
    CURL_INFO_URL = 0x100001,
    CURL_INFO_PRIVATE = 0x100015,
    CURL_INFO_ADDRESS = 0x100020,
    CURL_INFO_STATUS = 0x200002,
    CURL_INFO_REDIRECTS = 0x200014,
    CURL_INFO_PORT = 0x200028,
};

/// CURLOPT_*: numbers below 10,000 take a long, from 10,000 a pointer, from 20,000 a function, from 30,000 an offset.
enum {
    CURL_FOLLOW = 52,
    CURL_HTTP_VERSION = 84,
    CURL_NO_SIGNAL = 99,
    CURL_PROTOCOLS = 181,
    CURL_REDIRECT_PROTOCOLS = 182,
    CURL_HTTP09_ALLOWED = 285,
    CURL_QUICK_EXIT = 322,
    CURL_WRITE_DATA = 10001,
    CURL_ERROR_BUFFER = 10010,
    CURL_HEADER_DATA = 10029,
    CURL_SHARE = 10100,
    CURL_ACCEPT_ENCODING = 10102,
    CURL_PRIVATE = 10103,
    CURL_OPEN_SOCKET_DATA = 10164,
    CURL_CLOSE_SOCKET_DATA = 10209,
    CURL_NO_PROXY = 10177,
    CURL_NAMES = 10203,
    CURL_BEFORE_LOOKUP_DATA = 10273,
    CURL_BEFORE_REQUEST_DATA = 10313,
    CURL_WRITE_FUNCTION = 20011,
    CURL_HEADER_FUNCTION = 20079,
    CURL_OPEN_SOCKET_FUNCTION = 20163,
    CURL_CLOSE_SOCKET_FUNCTION = 20208,
    CURL_BEFORE_LOOKUP_FUNCTION = 20272,
    CURL_BEFORE_REQUEST_FUNCTION = 20312,
    CURL_FILE_SIZE_MAX = 30117,
};

// What libcurl calls, by the names of its options; `context` is the transfer.
int mainline_curl_open_socket(void *context, int purpose, struct curl_address *address);
int mainline_curl_keep_socket(void *loop, int descriptor);
int mainline_curl_before_lookup(void *state, void *reserved, void *context);
int mainline_curl_before_request(void *context, char *remote, char *local, int remote_port, int local_port);
size_t mainline_curl_received_header(const char *bytes, size_t size, size_t count, void *context);
size_t mainline_curl_received_body(const char *bytes, size_t size, size_t count, void *context);

#endif
