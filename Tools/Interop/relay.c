// Delays UDP between the nodes of a rig: one TUN device, a delay for each pair of hosts (docs/calibration.md).
//
// A program is bound to 44.X.Y.Z and is known to all others as 45.X.Y.Z. What it sends to 45/8 comes out of the TUN
// device; it is held for the pair's one-way time, then goes back in with the first octets of both addresses changed
// (44 to 45 and 45 to 44). One octet gains what the other loses, so that neither checksum changes.
//
// The host's row of the matrix is (X - 1) + 250 * (Y / 16): addresses that differ in the rest share a row.
//
//     relay DEVICE MATRIX [LOSS [SEED]]
//
// MATRIX has N lines of N one-way times in milliseconds. Anything but UDP between known hosts is dropped: a host
// that is gone is silent, and sends no ICMP. SIGTERM ends it with a line of counters.

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

enum { packet_bytes_max = 1500, held_max = 65536, hosts_max = 4000 };

struct held {
    uint64_t due_ns;
    uint64_t number; // packets that are due at the same time leave in their order
    uint16_t bytes;
    uint8_t *packet;
};

static struct held heap[held_max];
static size_t heap_count;
static float *matrix;
static size_t host_count;
static volatile sig_atomic_t is_stopped;
static uint64_t passed, lost, dropped, overflowed, late_ns_max;

static void stop(int number) { (void)number, is_stopped = 1; }

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static uint64_t now_ns(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

static int precedes(const struct held *a, const struct held *b) {
    return a->due_ns != b->due_ns ? a->due_ns < b->due_ns : a->number < b->number;
}

static void hold(struct held packet) {
    size_t at = heap_count++;
    for (; at > 0 && precedes(&packet, &heap[(at - 1) / 2]); at = (at - 1) / 2) heap[at] = heap[(at - 1) / 2];
    heap[at] = packet;
}

static struct held take_first(void) {
    struct held first = heap[0], last = heap[--heap_count];
    size_t at = 0;
    for (size_t child; (child = 2 * at + 1) < heap_count; at = child) {
        if (child + 1 < heap_count && precedes(&heap[child + 1], &heap[child])) child++;
        if (!precedes(&heap[child], &last)) break;
        heap[at] = heap[child];
    }
    heap[at] = last;
    return first;
}

static void read_matrix(const char *path) {
    FILE *file = fopen(path, "r");
    if (!file) fail(path);
    char *line = NULL;
    size_t capacity = 0, numbers = 0;
    while (getline(&line, &capacity, file) > 0) {
        line[strcspn(line, "#\n")] = 0;
        char *at = line, *end;
        for (float value; value = strtof(at, &end), end != at; at = end) {
            if (numbers % 1024 == 0) matrix = realloc(matrix, (numbers + 1024) * sizeof *matrix);
            if (!matrix) fail("memory");
            matrix[numbers++] = value;
        }
        if (!host_count) host_count = numbers;
    }
    free(line);
    fclose(file);
    if (!host_count || host_count > hosts_max || numbers != host_count * host_count) {
        fprintf(stderr, "%s: no square matrix\n", path);
        exit(1);
    }
}

static int open_device(const char *name) {
    struct ifreq request = {.ifr_flags = IFF_TUN | IFF_NO_PI};
    int device = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (device < 0) fail("/dev/net/tun");
    strncpy(request.ifr_name, name, IFNAMSIZ - 1);
    if (ioctl(device, TUNSETIFF, &request) < 0) fail(name);
    return device;
}

static long row(const uint8_t *address) {
    long row = address[1] - 1 + 250L * (address[2] / 16);
    return address[1] >= 1 && address[1] <= 250 && row < (long)host_count ? row : -1;
}

// A share of 2^64 that is drawn afresh for each packet (splitmix64).
static uint64_t draw(uint64_t *state) {
    uint64_t z = *state += 0x9E3779B97F4A7C15;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9;
    z = (z ^ z >> 27) * 0x94D049BB133111EB;
    return z ^ z >> 31;
}

static void receive(const uint8_t *packet, size_t bytes, double loss, uint64_t *generator) {
    static uint64_t number;
    const uint8_t *source = packet + 12, *target = packet + 16;
    int is_ours = bytes >= 28 && packet[0] >> 4 == 4 && packet[9] == 17 && source[0] == 44 && target[0] == 45;
    if (!is_ours || row(source) < 0 || row(target) < 0) {
        dropped++;
        return;
    }
    if (draw(generator) >> 11 < (uint64_t)(loss * 0x1p53)) {
        lost++;
        return;
    }
    if (heap_count == held_max) {
        overflowed++;
        return;
    }
    float milliseconds = matrix[(size_t)row(source) * host_count + (size_t)row(target)];
    struct held held = {now_ns() + (uint64_t)(milliseconds * 1e6), number++, (uint16_t)bytes, malloc(bytes)};
    if (!held.packet) fail("memory");
    memcpy(held.packet, packet, bytes);
    held.packet[12] = 45;
    held.packet[16] = 44;
    hold(held);
}

static void send_due(int device) {
    for (uint64_t now; heap_count > 0 && heap[0].due_ns <= (now = now_ns());) {
        struct held first = take_first();
        if (now - first.due_ns > late_ns_max) late_ns_max = now - first.due_ns;
        if (write(device, first.packet, first.bytes) == first.bytes) passed++;
        else overflowed++;
        free(first.packet);
    }
}

int main(int count, char **arguments) {
    if (count < 3) {
        fprintf(stderr, "usage: relay DEVICE MATRIX [LOSS [SEED]]\n");
        return 2;
    }
    double loss = count > 3 ? strtod(arguments[3], NULL) : 0;
    uint64_t generator = count > 4 ? strtoull(arguments[4], NULL, 10) : 1;
    prctl(PR_SET_PDEATHSIG, SIGTERM); // it serves nobody else
    read_matrix(arguments[2]);
    int device = open_device(arguments[1]);
    struct sigaction action = {.sa_handler = stop};
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    printf("{\"event\": \"ready\", \"hosts\": %zu}\n", host_count);
    fflush(stdout);
    static uint8_t packet[packet_bytes_max];
    while (!is_stopped) {
        send_due(device);
        uint64_t now = now_ns(), wait = heap_count == 0 ? 1000000000 : heap[0].due_ns > now ? heap[0].due_ns - now : 0;
        struct timespec timeout = {(time_t)(wait / 1000000000), (long)(wait % 1000000000)};
        struct pollfd waited = {.fd = device, .events = POLLIN};
        if (ppoll(&waited, 1, &timeout, NULL) < 0 && errno != EINTR) fail("ppoll");
        for (int turn = 0; turn < 64; turn++) {
            ssize_t bytes = read(device, packet, sizeof packet);
            if (bytes <= 0) break;
            receive(packet, (size_t)bytes, loss, &generator);
        }
    }
    printf(
        "{\"event\": \"relayed\", \"passed\": %llu, \"lost\": %llu, \"dropped\": %llu, \"overflowed\": %llu, "
        "\"late_ms_max\": %.3f}\n",
        (unsigned long long)passed, (unsigned long long)lost, (unsigned long long)dropped,
        (unsigned long long)overflowed, (double)late_ns_max / 1e6);
    return 0;
}
