#define _GNU_SOURCE

#include "curl.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

struct mainline_http_loop *mainline_http_loop_make(struct mainline_http_library *library, long kept_connections) {
    struct mainline_http_loop *loop = calloc(1, sizeof *loop);
    void *multi = loop != NULL ? library->multi_init() : NULL;
    if (multi == NULL) {
        free(loop);
        free(library);
        return NULL;
    }
    library->multi_setopt(multi, CURL_MULTI_CONNECTIONS_KEPT, kept_connections);
    for (size_t i = 0; i < CURL_KEPT_SOCKETS; i++) loop->kept[i] = -1;
    loop->library = library;
    loop->multi = multi;
    return loop;
}

static time_t seconds_now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec;
}

static void drop_kept(struct mainline_http_loop *loop, time_t before) {
    for (size_t i = 0; i < CURL_KEPT_SOCKETS; i++) {
        if (loop->kept[i] < 0 || loop->kept_since[i] > before) continue;
        close(loop->kept[i]);
        loop->kept[i] = -1;
    }
}

/// What arrives for a connection whose socket is gone, the system answers by whatever route is best: while the other end
/// closes too, the socket stays.
int mainline_curl_keep_socket(void *context, int descriptor) {
    struct mainline_http_loop *loop = context;
    shutdown(descriptor, SHUT_WR);
    drop_kept(loop, seconds_now() - CURL_KEPT_SECONDS);
    if (loop->kept[loop->next_kept] >= 0) close(loop->kept[loop->next_kept]);
    loop->kept[loop->next_kept] = descriptor;
    loop->kept_since[loop->next_kept] = seconds_now();
    loop->next_kept = (loop->next_kept + 1) % CURL_KEPT_SOCKETS;
    return 0;
}

void mainline_http_loop_close(struct mainline_http_loop *loop) {
    loop->library->multi_cleanup(loop->multi);
    drop_kept(loop, seconds_now());
    free(loop->library);
    free(loop);
}

bool mainline_http_run(struct mainline_http_loop *loop) {
    int running = 0;
    return loop->library->multi_perform(loop->multi, &running) == 0;
}

void *mainline_http_next_ended(struct mainline_http_loop *loop, int *code) {
    int left = 0;
    struct curl_message *message;
    while ((message = loop->library->multi_info_read(loop->multi, &left)) != NULL) {
        if (message->kind != CURL_DONE_MESSAGE) continue;
        // The message dies with its transfer.
        *code = message->data.code;
        void *context = NULL;
        if (loop->library->easy_getinfo(message->easy, CURL_INFO_PRIVATE, &context) == 0 && context != NULL)
            return context;
    }
    return NULL;
}

bool mainline_http_wait(struct mainline_http_loop *loop, int milliseconds) {
    int ready = 0;
    return loop->library->multi_poll(loop->multi, NULL, 0, milliseconds, &ready) == 0;
}

void mainline_http_wake(struct mainline_http_loop *loop) {
    loop->library->multi_wakeup(loop->multi);
}

void mainline_http_block_pipe_signal(void) {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
}
