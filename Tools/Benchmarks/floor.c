// What a download costs without any protocol: what comes is hashed with SHA-1, piece by piece, and written.
//
//   floor send FILE ADDRESS                      serves FILE once with sendfile, prints {"event": "ready", "endpoint": ...}
//   floor receive ADDRESS:PORT FILE PIECE [2]    receives to FILE with one thread, or with 2: one reads, one hashes and writes
//
// cc -O2 -o floor floor.c -lcrypto -lpthread
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { READ_BYTES = 256 << 10, RING = 8 };

static void die(const char *what) {
    perror(what);
    exit(1);
}

static struct sockaddr_in parse(const char *text, int port) {
    struct sockaddr_in address = {.sin_family = AF_INET};
    char host[64];
    if (sscanf(text, "%63[^:]:%d", host, &port) < 1 || inet_pton(AF_INET, host, &address.sin_addr) != 1) {
        fprintf(stderr, "floor: '%s' is no IPv4 address\n", text);
        exit(64);
    }
    address.sin_port = htons(port);
    return address;
}

static void send_file(const char *path, const char *host) {
    int file = open(path, O_RDONLY), listener = socket(AF_INET, SOCK_STREAM, 0);
    struct stat info;
    struct sockaddr_in address = parse(host, 0);
    socklen_t length = sizeof address;
    if (file < 0 || fstat(file, &info)) die(path);
    if (bind(listener, (struct sockaddr *)&address, length) || listen(listener, 1)) die(host);
    getsockname(listener, (struct sockaddr *)&address, &length);
    printf("{\"event\": \"ready\", \"endpoint\": \"%s:%d\"}\n", host, ntohs(address.sin_port));
    fflush(stdout);
    int peer = accept(listener, NULL, NULL);
    if (peer < 0) die("accept");
    for (off_t sent = 0; sent < info.st_size;)
        if (sendfile(peer, file, &sent, info.st_size - sent) <= 0) die("sendfile");
}

/// A piece: read by one, hashed and written by the other.
struct piece {
    char *bytes;
    size_t filled;
};

static int out;
static struct piece ring[RING];
static size_t produced, consumed;
static int is_over;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static EVP_MD_CTX *hasher;
static EVP_MD *sha1;

static void finish(struct piece *piece) {
    unsigned char digest[20];
    EVP_DigestFinal_ex(hasher, digest, NULL);
    for (size_t done = 0; done < piece->filled;) {
        ssize_t count = write(out, piece->bytes + done, piece->filled - done);
        if (count <= 0) die("write");
        done += count;
    }
}

/// With one thread, bytes are hashed as they come, while they are hot.
static void fill(int peer, struct piece *piece, size_t size, int hashes) {
    piece->filled = 0;
    while (piece->filled < size) {
        size_t room = size - piece->filled;
        ssize_t count = recv(peer, piece->bytes + piece->filled, room < READ_BYTES ? room : READ_BYTES, 0);
        if (count < 0) die("recv");
        if (count == 0) return;
        if (hashes) EVP_DigestUpdate(hasher, piece->bytes + piece->filled, count);
        piece->filled += count;
    }
}

static void *write_pieces(void *unused) {
    for (;;) {
        pthread_mutex_lock(&lock);
        while (consumed == produced && !is_over) pthread_cond_wait(&changed, &lock);
        int none = consumed == produced;
        pthread_mutex_unlock(&lock);
        if (none) return unused;
        struct piece *piece = &ring[consumed % RING];
        EVP_DigestInit_ex2(hasher, sha1, NULL);
        EVP_DigestUpdate(hasher, piece->bytes, piece->filled);
        finish(piece);
        pthread_mutex_lock(&lock);
        consumed++;
        pthread_cond_signal(&changed);
        pthread_mutex_unlock(&lock);
    }
}

static void receive(const char *endpoint, const char *path, size_t size, int threads) {
    struct sockaddr_in address = parse(endpoint, 0);
    int peer = socket(AF_INET, SOCK_STREAM, 0);
    out = open(path, O_CREAT | O_EXCL | O_WRONLY, 0644);
    if (out < 0) die(path);
    if (connect(peer, (struct sockaddr *)&address, sizeof address)) die(endpoint);
    sha1 = EVP_MD_fetch(NULL, "SHA1", NULL);
    hasher = EVP_MD_CTX_new();
    for (int i = 0; i < (threads > 1 ? RING : 1); i++)
        if (!(ring[i].bytes = malloc(size))) die("malloc");
    pthread_t writer;
    if (threads > 1) pthread_create(&writer, NULL, write_pieces, NULL);
    for (;;) {
        pthread_mutex_lock(&lock);
        while (threads > 1 && produced - consumed == RING) pthread_cond_wait(&changed, &lock);
        struct piece *piece = &ring[threads > 1 ? produced % RING : 0];
        pthread_mutex_unlock(&lock);
        if (threads == 1) EVP_DigestInit_ex2(hasher, sha1, NULL);
        fill(peer, piece, size, threads == 1);
        int is_last = piece->filled < size;
        if (threads == 1 && piece->filled > 0) finish(piece);
        pthread_mutex_lock(&lock);
        if (piece->filled > 0) produced++;
        is_over = is_last;
        pthread_cond_signal(&changed);
        pthread_mutex_unlock(&lock);
        if (is_last) break;
    }
    if (threads > 1) pthread_join(writer, NULL);
    printf("{\"event\": \"completed\"}\n");
}

int main(int count, char **words) {
    if (count == 4 && !strcmp(words[1], "send")) {
        send_file(words[2], words[3]);
    } else if ((count == 5 || count == 6) && !strcmp(words[1], "receive") && atol(words[4]) > 0) {
        receive(words[2], words[3], atol(words[4]), count == 6 ? atoi(words[5]) : 1);
    } else {
        fprintf(stderr, "floor send FILE ADDRESS | floor receive ADDRESS:PORT FILE PIECE [2]\n");
        return 64;
    }
    return 0;
}
