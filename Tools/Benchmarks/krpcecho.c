/*
 * The floor of a KRPC server: every packet goes back as it came. One socket, one thread, packets in batches where
 * `--single` does not ask for one system call each way for every packet.
 *
 *     krpcecho 127.0.0.1:0 [--single]
 *
 * Prints {"event": "ready", "endpoint"} and runs until it is killed.
 */
#define _GNU_SOURCE
#include "krpcload.h"

static char buffers[BATCH][PACKET_BYTES];

static void echo_batches(int descriptor) {
    static struct mmsghdr messages[BATCH];
    static struct iovec vectors[BATCH];
    static struct sockaddr_in sources[BATCH];
    for (;;) {
        for (int i = 0; i < BATCH; i++) {
            vectors[i] = (struct iovec){buffers[i], PACKET_BYTES};
            messages[i].msg_hdr = (struct msghdr){
                .msg_name = &sources[i], .msg_namelen = sizeof sources[i], .msg_iov = &vectors[i], .msg_iovlen = 1};
        }
        int count = recvmmsg(descriptor, messages, BATCH, MSG_WAITFORONE, NULL);
        if (count < 0) fail("recvmmsg");
        for (int i = 0; i < count; i++) vectors[i].iov_len = messages[i].msg_len;
        for (int sent = 0; sent < count;) {
            int more = sendmmsg(descriptor, messages + sent, (unsigned)(count - sent), 0);
            /* What cannot be sent is dropped. */
            sent += more > 0 ? more : 1;
        }
    }
}

static void echo_singly(int descriptor) {
    for (;;) {
        struct sockaddr_in source;
        socklen_t length = sizeof source;
        ssize_t count = recvfrom(descriptor, buffers[0], PACKET_BYTES, 0, (struct sockaddr *)&source, &length);
        if (count < 0) fail("recvfrom");
        sendto(descriptor, buffers[0], (size_t)count, 0, (struct sockaddr *)&source, length);
    }
}

int main(int argc, char **argv) {
    if (argc < 2 || argc > 3 || (argc == 3 && strcmp(argv[2], "--single") != 0)) {
        fprintf(stderr, "usage: krpcecho 127.0.0.1:0 [--single]\n");
        return 64;
    }
    struct sockaddr_in address = parse_endpoint(argv[1]);
    int buffer_bytes, descriptor = open_socket(address, &buffer_bytes);
    char host[INET_ADDRSTRLEN];
    inet_ntop(AF_INET, &address.sin_addr, host, sizeof host);
    printf("{\"event\": \"ready\", \"endpoint\": \"%s:%u\", \"buffer_bytes\": %d}\n", host, bound_port(descriptor), buffer_bytes);
    fflush(stdout);
    if (argc == 3) echo_singly(descriptor);
    echo_batches(descriptor);
}
