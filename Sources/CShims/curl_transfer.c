#include "curl.h"

#include <stdlib.h>
#include <string.h>

typedef void (*any_function)(void);

static void set_number(struct mainline_http_transfer *transfer, int option, long number) {
    int code = transfer->loop->library->easy_setopt(transfer->easy, option, number);
    if (transfer->code == 0) transfer->code = code;
}

static void set_pointer(struct mainline_http_transfer *transfer, int option, const void *pointer) {
    int code = transfer->loop->library->easy_setopt(transfer->easy, option, pointer);
    if (transfer->code == 0) transfer->code = code;
}

static void set_function(struct mainline_http_transfer *transfer, int option, any_function function) {
    int code = transfer->loop->library->easy_setopt(transfer->easy, option, function);
    if (transfer->code == 0) transfer->code = code;
}

/// What no request may have otherwise.
static void set_rules(struct mainline_http_transfer *transfer, int64_t body_bytes_max) {
    struct mainline_http_library *library = transfer->loop->library;
    set_pointer(transfer, CURL_PRIVATE, transfer->listener.context);
    set_pointer(transfer, CURL_ERROR_BUFFER, transfer->reason);
    set_number(transfer, CURL_NO_SIGNAL, 1);
    set_number(transfer, CURL_FOLLOW, 1);
    // The newer options that take names are not there in every libcurl.so.4.
    set_number(transfer, CURL_PROTOCOLS, CURL_PROTOCOL_HTTP | CURL_PROTOCOL_HTTPS);
    set_number(transfer, CURL_REDIRECT_PROTOCOLS, CURL_PROTOCOL_HTTP | CURL_PROTOCOL_HTTPS);
    set_number(transfer, CURL_HTTP_VERSION, 2);  // 1.1: one request at a time on a connection
    set_number(transfer, CURL_HTTP09_ALLOWED, 0);
    set_pointer(transfer, CURL_ACCEPT_ENCODING, "");
    set_pointer(transfer, CURL_NO_PROXY, "");
    set_function(transfer, CURL_OPEN_SOCKET_FUNCTION, (any_function)mainline_curl_open_socket);
    set_pointer(transfer, CURL_OPEN_SOCKET_DATA, transfer);
    set_function(transfer, CURL_HEADER_FUNCTION, (any_function)mainline_curl_received_header);
    set_pointer(transfer, CURL_HEADER_DATA, transfer);
    set_function(transfer, CURL_WRITE_FUNCTION, (any_function)mainline_curl_received_body);
    set_pointer(transfer, CURL_WRITE_DATA, transfer);
    int code = library->easy_setopt(transfer->easy, CURL_FILE_SIZE_MAX, body_bytes_max);
    if (transfer->code == 0) transfer->code = code;
    // A name that nobody answers for would otherwise hold up all other transfers when its own is ended. Since 7.87.
    library->easy_setopt(transfer->easy, CURL_QUICK_EXIT, 1L);
    // Since 7.80.
    transfer->asks_before_request =
        library->easy_setopt(
            transfer->easy, CURL_BEFORE_REQUEST_FUNCTION, (any_function)mainline_curl_before_request) == 0;
    if (transfer->asks_before_request) set_pointer(transfer, CURL_BEFORE_REQUEST_DATA, transfer);
}

struct mainline_http_transfer *mainline_http_make(
    struct mainline_http_loop *loop, struct mainline_http_listener listener, int64_t body_bytes_max) {
    struct mainline_http_transfer *transfer = calloc(1, sizeof *transfer);
    void *easy = transfer != NULL ? loop->library->easy_init() : NULL;
    if (easy == NULL) {
        free(transfer);
        return NULL;
    }
    transfer->loop = loop;
    transfer->easy = easy;
    transfer->listener = listener;
    set_rules(transfer, body_bytes_max);
    return transfer;
}

void mainline_http_set_text(
    struct mainline_http_transfer *transfer, enum mainline_http_text setting, const char *text) {
    set_pointer(transfer, (int)setting, text);
}

void mainline_http_set_number(struct mainline_http_transfer *transfer, enum mainline_http_number setting, long number) {
    set_number(transfer, (int)setting, number);
}

void mainline_http_set_device(struct mainline_http_transfer *transfer, const char *device) {
    strncpy(transfer->device, device, sizeof transfer->device - 1);
    set_function(transfer, CURL_CLOSE_SOCKET_FUNCTION, (any_function)mainline_curl_keep_socket);
    set_pointer(transfer, CURL_CLOSE_SOCKET_DATA, transfer->loop);
}

void mainline_http_set_source(struct mainline_http_transfer *transfer, struct mainline_endpoint source) {
    transfer->source = source;
    transfer->source.port = 0;
    transfer->has_source = true;
}

void mainline_http_refuse_names(struct mainline_http_transfer *transfer) {
    set_function(transfer, CURL_BEFORE_LOOKUP_FUNCTION, (any_function)mainline_curl_before_lookup);
    set_pointer(transfer, CURL_BEFORE_LOOKUP_DATA, transfer);
}

void mainline_http_know_name(struct mainline_http_transfer *transfer, const char *entry) {
    struct mainline_http_library *library = transfer->loop->library;
    void *names = library->list_append(transfer->names, entry);
    if (names != NULL) {
        transfer->names = names;
    } else if (transfer->code == 0) {
        transfer->code = CURL_NOT_STARTED;
    }
}

/// The addresses of names are those that this transfer was given: the table of the loop would remember them for ever.
static void set_names(struct mainline_http_transfer *transfer) {
    struct mainline_http_library *library = transfer->loop->library;
    transfer->share = library->share_init();
    if (transfer->share == NULL || library->share_setopt(transfer->share, CURL_SHARE_WHAT, CURL_SHARE_NAMES) != 0) {
        transfer->code = CURL_NOT_STARTED;
        return;
    }
    set_pointer(transfer, CURL_SHARE, transfer->share);
    set_pointer(transfer, CURL_NAMES, transfer->names);
}

int mainline_http_start(struct mainline_http_transfer *transfer) {
    // A connection that is kept could serve a request that nobody was asked about.
    if (!transfer->asks_before_request) set_number(transfer, MAINLINE_HTTP_CLOSES_CONNECTION, 1);
    if (transfer->names != NULL) set_names(transfer);
    if (transfer->code != 0) return transfer->code;
    int code = transfer->loop->library->multi_add_handle(transfer->loop->multi, transfer->easy);
    transfer->is_started = code == 0;
    return transfer->is_started ? 0 : CURL_NOT_STARTED;
}

void mainline_http_close(struct mainline_http_transfer *transfer) {
    struct mainline_http_library *library = transfer->loop->library;
    if (transfer->is_started) library->multi_remove_handle(transfer->loop->multi, transfer->easy);
    library->easy_cleanup(transfer->easy);
    if (transfer->share != NULL) library->share_cleanup(transfer->share);
    library->list_free(transfer->names);
    library->free(transfer->refused_host);
    free(transfer);
}

struct mainline_http_outcome mainline_http_describe(struct mainline_http_transfer *transfer, int code) {
    struct mainline_http_library *library = transfer->loop->library;
    struct mainline_http_outcome outcome = {
        .headers_too_long = transfer->headers_too_long,
        .name_refused = transfer->name_refused,
        .refused_host = transfer->refused_host != NULL ? transfer->refused_host : "",
        .refused_port = transfer->refused_port,
        .socket_error = transfer->socket_error,
        .reason = transfer->reason[0] != 0 ? transfer->reason : library->easy_strerror(code),
    };
    library->easy_getinfo(transfer->easy, CURL_INFO_STATUS, &outcome.status);
    library->easy_getinfo(transfer->easy, CURL_INFO_PORT, &outcome.port);
    library->easy_getinfo(transfer->easy, CURL_INFO_REDIRECTS, &outcome.redirects);
    if (library->easy_getinfo(transfer->easy, CURL_INFO_URL, &outcome.url) != 0 || outcome.url == NULL)
        outcome.url = "";
    if (library->easy_getinfo(transfer->easy, CURL_INFO_ADDRESS, &outcome.address) != 0 || outcome.address == NULL)
        outcome.address = "";
    return outcome;
}
