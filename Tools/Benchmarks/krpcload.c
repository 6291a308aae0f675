/*
 * Load for a KRPC server on loopback: many source addresses behind one socket, each a node of its own that also
 * answers what the server asks it, and a window of queries in flight or a steady rate of them.
 *
 *     krpcload --target 127.0.0.1:6881 [--pid PID] [--seconds 10] [--queries N] [--warm-up 0] [--sources 4096]
 *              [--window 256] [--mix 2:4:8:1] [--infohashes 1024] [--seed 1] [--rate N] [--malformed N] [--echo]
 *
 * The mix is ping : find_node : get_peers : announce_peer; an announce uses the token that its source was given, and
 * is a get_peers as long as there is none. With --rate queries leave evenly, so many a second, whatever comes back.
 * With --queries warm-up and run each end after so many, at the latest after their seconds: each server is asked, and
 * has announced to it, as much as any other.
 * --malformed adds so many broken packets a second from as many addresses of their own. --echo takes any packet that
 * comes back for an answer. Prints one JSON object.
 */
#define _GNU_SOURCE
#include "krpcload.h"

#include <dirent.h>
#include <poll.h>

enum { PING, FIND_NODE, GET_PEERS, ANNOUNCE, VERBS };
enum { TOKEN_BYTES = 64, WINDOW_MAX = 16384, SOURCES_MAX = 65536, MICROSECONDS_MAX = 1000000 };

static const char *const verb_names[VERBS] = {"ping", "find_node", "get_peers", "announce_peer"};
static const uint64_t timeout_ns = 1000000000ull;

static struct source {
    uint8_t id[20];
    uint8_t token[TOKEN_BYTES];
    int token_bytes;
    uint32_t token_hash;
} sources[SOURCES_MAX];

static struct slot {
    uint64_t sent_at; /* 0: free */
    uint32_t source, hash;
    uint16_t generation;
    uint8_t verb;
} slots[WINDOW_MAX];

static uint8_t (*hashes)[20];
static struct verb_counts {
    uint64_t sent, good, errors, wrong, lost;
} counts[VERBS];
static uint32_t latencies[MICROSECONDS_MAX + 1];
static uint64_t unknown_replies, queries_answered, malformed_sent, reply_bytes, replies;

/* Options. */
static struct sockaddr_in target;
static int pid, source_count = 4096, window = 256, hash_count = 1024, rate, malformed_rate, is_echo;
static double seconds = 10, warm_up;
static uint64_t query_limit = UINT64_MAX, queries_asked, last_query;
static int mix[VERBS] = {2, 4, 8, 1}, mix_total;
static uint32_t first_source = 0x7f500000, first_malformed = 0x7f600000;

static uint64_t random_state = 1;

static uint64_t next_random(void) { /* splitmix64 */
    uint64_t value = (random_state += 0x9e3779b97f4a7c15ull);
    value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9ull;
    value = (value ^ (value >> 27)) * 0x94d049bb133111ebull;
    return value ^ (value >> 31);
}

static uint32_t below(uint32_t limit) { return (uint32_t)((next_random() >> 32) * limit >> 32); }

static void fill_random(uint8_t *bytes, int count) {
    for (int i = 0; i < count; i++) bytes[i] = (uint8_t)(next_random() >> 56);
}

/* MARK: Outgoing packets, sent in batches */

static int descriptor;
static struct mmsghdr outgoing[BATCH];
static struct iovec outgoing_vectors[BATCH];
static char outgoing_bytes[BATCH][PACKET_BYTES];
static char outgoing_control[BATCH][CMSG_SPACE(sizeof(struct in_pktinfo))];
static int outgoing_count;

static void flush_packets(void) {
    for (int sent = 0; sent < outgoing_count;) {
        int more = sendmmsg(descriptor, outgoing + sent, (unsigned)(outgoing_count - sent), 0);
        sent += more > 0 ? more : 1; /* what cannot be sent is lost */
    }
    outgoing_count = 0;
}

/* Room for one packet that leaves from this address. */
static char *begin_packet(uint32_t address) {
    if (outgoing_count == BATCH) flush_packets();
    int i = outgoing_count;
    struct msghdr *header = &outgoing[i].msg_hdr;
    *header = (struct msghdr){.msg_name = &target, .msg_namelen = sizeof target, .msg_iov = &outgoing_vectors[i], .msg_iovlen = 1,
                              .msg_control = outgoing_control[i], .msg_controllen = sizeof outgoing_control[i]};
    struct cmsghdr *control = CMSG_FIRSTHDR(header);
    *control = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof(struct in_pktinfo)), .cmsg_level = IPPROTO_IP, .cmsg_type = IP_PKTINFO};
    *(struct in_pktinfo *)CMSG_DATA(control) = (struct in_pktinfo){.ipi_spec_dst.s_addr = htonl(address)};
    return outgoing_bytes[i];
}

static void finish_packet(char *end) {
    outgoing_vectors[outgoing_count] = (struct iovec){outgoing_bytes[outgoing_count], (size_t)(end - outgoing_bytes[outgoing_count])};
    outgoing_count++;
}

static char *put(char *to, const void *bytes, size_t count) {
    memcpy(to, bytes, count);
    return to + count;
}
static char *put_text(char *to, const char *text) { return put(to, text, strlen(text)); }

static char *write_query(char *to, const struct slot *slot, uint16_t index) {
    const struct source *source = &sources[slot->source];
    to = put(put_text(to, "d1:ad2:id20:"), source->id, 20);
    switch (slot->verb) {
    case FIND_NODE: to = put(put_text(to, "6:target20:"), hashes[slot->hash], 20); break;
    case ANNOUNCE: to = put_text(to, "12:implied_porti1e"); /* fall through */
    case GET_PEERS: to = put(put_text(to, "9:info_hash20:"), hashes[slot->hash], 20); break;
    }
    if (slot->verb == ANNOUNCE) {
        to += sprintf(to, "4:porti6881e5:token%d:", source->token_bytes);
        to = put(to, source->token, (size_t)source->token_bytes);
    }
    to += sprintf(to, "e1:q%zu:%s1:t4:", strlen(verb_names[slot->verb]), verb_names[slot->verb]);
    to = put(put(to, &index, 2), &slot->generation, 2);
    return put_text(to, "1:y1:qe");
}

static int draw_verb(void) {
    int position = (int)below((uint32_t)mix_total), verb = 0;
    while (position >= mix[verb]) position -= mix[verb++];
    return verb;
}

static void ask(uint16_t index, uint64_t now) {
    struct slot *slot = &slots[index];
    slot->source = below((uint32_t)source_count);
    slot->verb = (uint8_t)draw_verb();
    slot->hash = below((uint32_t)hash_count);
    if (slot->verb == ANNOUNCE) {
        if (sources[slot->source].token_bytes == 0) slot->verb = GET_PEERS;
        else slot->hash = sources[slot->source].token_hash;
    }
    slot->generation++;
    slot->sent_at = now;
    queries_asked++;
    counts[slot->verb].sent++;
    finish_packet(write_query(begin_packet(first_source + slot->source), slot, index));
}

/* A packet that is no message: cut off, twisted, nested too deep, with lengths that lie, or noise. */
static void send_malformed(void) {
    struct slot model = {.source = below((uint32_t)source_count), .hash = below((uint32_t)hash_count), .verb = (uint8_t)below(ANNOUNCE)};
    char *start = begin_packet(first_malformed + model.source), *end = write_query(start, &model, 0);
    switch (below(6)) {
    case 0: end = start + below((uint32_t)(end - start)); break;
    case 1:
        for (int i = 0; i < 4; i++) start[below((uint32_t)(end - start))] = (char)below(256);
        start[0] = 'x';
        break;
    case 2:
        memset(start, below(2) ? 'l' : 'd', 1200);
        end = start + 1 + below(1200);
        break;
    case 3: end = put_text(start, "d1:ad2:id99999999999999999999:"); break;
    case 4: end = put_text(start, "d1:ad2:idi-00000000000000000000000000001ee1:q4:ping1:t4:aaaa1:y1:qe"); break;
    default:
        end = start + 1 + below(1400);
        fill_random((uint8_t *)start, (int)(end - start));
    }
    finish_packet(end);
    malformed_sent++;
}

/* MARK: Incoming packets */

/* Where the transaction id of a message begins, and its length: the last such key of a packet. */
static const uint8_t *transaction(const uint8_t *bytes, size_t count, int *length) {
    for (size_t i = count; i-- > 5;) {
        if (bytes[i] != ':' || i < 4 || memcmp(bytes + i - 4, "1:t", 3) != 0) continue;
        *length = bytes[i - 1] - '0';
        if (*length >= 0 && *length <= 9 && i + 1 + (size_t)*length <= count) return bytes + i + 1;
    }
    return NULL;
}

static void keep_token(struct slot *slot, const uint8_t *bytes, size_t count) {
    const uint8_t *key = memmem(bytes, count, "5:token", 7);
    if (!key) return;
    const uint8_t *digits = key + 7;
    int length = 0;
    while (digits < bytes + count && *digits >= '0' && *digits <= '9' && length < TOKEN_BYTES) length = length * 10 + (*digits++ - '0');
    if (length <= 0 || length > TOKEN_BYTES || digits + 1 + length > bytes + count) return;
    struct source *source = &sources[slot->source];
    memcpy(source->token, digits + 1, (size_t)length);
    source->token_bytes = length;
    source->token_hash = slot->hash;
}

static int is_answer(const struct slot *slot, const uint8_t *bytes, size_t count) {
    switch (slot->verb) {
    case FIND_NODE: return memmem(bytes, count, "5:nodes", 7) != NULL;
    case GET_PEERS: return memmem(bytes, count, "5:token", 7) != NULL;
    default: return 1;
    }
}

/* The server asks one of our nodes. */
static void answer_query(const uint8_t *bytes, size_t count, uint32_t address) {
    int length;
    const uint8_t *id = transaction(bytes, count, &length);
    uint32_t source = address - first_source;
    if (!id || source >= (uint32_t)source_count) return;
    char *to = begin_packet(address);
    to = put(put_text(to, "d1:rd2:id20:"), sources[source].id, 20);
    to = put(to + sprintf(to, "5:nodes0:e1:t%d:", length), id, (size_t)length);
    finish_packet(put_text(to, "1:y1:re"));
    queries_answered++;
}

static void received(const uint8_t *bytes, size_t count, uint32_t address, uint64_t now) {
    int length;
    const uint8_t *id = transaction(bytes, count, &length);
    int is_query = count > 7 && memcmp(bytes + count - 7, "1:y1:qe", 7) == 0;
    if (is_query && !is_echo) return answer_query(bytes, count, address);
    uint16_t index, generation;
    if (!id || length != 4) {
        unknown_replies++;
        return;
    }
    memcpy(&index, id, 2);
    memcpy(&generation, id + 2, 2);
    if (index >= WINDOW_MAX || slots[index].sent_at == 0 || slots[index].generation != generation) {
        unknown_replies++;
        return;
    }
    struct slot *slot = &slots[index];
    uint64_t microseconds = (now - slot->sent_at) / 1000;
    latencies[microseconds < MICROSECONDS_MAX ? microseconds : MICROSECONDS_MAX]++;
    reply_bytes += count;
    replies++;
    if (!is_echo && memcmp(bytes + count - 7, "1:y1:ee", 7) == 0) counts[slot->verb].errors++;
    else if (is_echo || is_answer(slot, bytes, count)) counts[slot->verb].good++;
    else counts[slot->verb].wrong++;
    if (slot->verb == GET_PEERS && !is_echo) keep_token(slot, bytes, count);
    slot->sent_at = 0;
}

static void receive_all(void) {
    static struct mmsghdr messages[BATCH];
    static struct iovec vectors[BATCH];
    static uint8_t bytes[BATCH][PACKET_BYTES];
    static char control[BATCH][CMSG_SPACE(sizeof(struct in_pktinfo))];
    for (int i = 0; i < BATCH; i++) {
        vectors[i] = (struct iovec){bytes[i], PACKET_BYTES};
        messages[i].msg_hdr = (struct msghdr){.msg_iov = &vectors[i], .msg_iovlen = 1, .msg_control = control[i], .msg_controllen = sizeof control[i]};
    }
    int count = recvmmsg(descriptor, messages, BATCH, MSG_DONTWAIT, NULL);
    uint64_t now = now_ns();
    for (int i = 0; i < count; i++) {
        struct cmsghdr *header = CMSG_FIRSTHDR(&messages[i].msg_hdr);
        if (!header || header->cmsg_type != IP_PKTINFO) continue;
        received(bytes[i], messages[i].msg_len, ntohl(((struct in_pktinfo *)CMSG_DATA(header))->ipi_addr.s_addr), now);
    }
}

/* MARK: Running */

static void expire(uint64_t now) {
    for (int i = 0; i < WINDOW_MAX; i++)
        if (slots[i].sent_at != 0 && now - slots[i].sent_at > timeout_ns) {
            counts[slots[i].verb].lost++;
            slots[i].sent_at = 0;
        }
}

/* Queries that keep the window full, or those due at this rate. */
static void ask_more(uint64_t started, uint64_t now, uint64_t *asked) {
    static int position;
    if (rate == 0) {
        for (int i = 0; i < window && queries_asked < last_query; i++)
            if (slots[i].sent_at == 0) ask((uint16_t)i, now);
        return;
    }
    uint64_t due = (now - started) * (uint64_t)rate / 1000000000ull;
    for (int tries = 0; *asked < due && queries_asked < last_query && tries < WINDOW_MAX; tries++) {
        position = (position + 1) % WINDOW_MAX;
        if (slots[position].sent_at != 0) continue;
        ask((uint16_t)position, now);
        ++*asked;
    }
}

static void run(double duration) {
    uint64_t started = now_ns(), ends = started + (uint64_t)(duration * 1e9), asked = 0, expires = started, malformed = 0;
    last_query = query_limit < UINT64_MAX - queries_asked ? queries_asked + query_limit : UINT64_MAX;
    for (uint64_t now = started; now < ends && queries_asked < last_query; now = now_ns()) {
        ask_more(started, now, &asked);
        uint64_t due = (now - started) * (uint64_t)malformed_rate / 1000000000ull;
        for (; malformed < due; malformed++) send_malformed();
        flush_packets();
        struct pollfd poll_one = {.fd = descriptor, .events = POLLIN};
        poll(&poll_one, 1, 1);
        receive_all();
        if (now - expires > timeout_ns / 10) {
            expire(now);
            expires = now;
        }
    }
}

/* What is under way counts as well. */
static void drain(void) {
    int held = rate, held_window = window;
    rate = window = 0;
    run(timeout_ns / 1e9 + 0.2);
    expire(now_ns() + timeout_ns);
    rate = held, window = held_window;
}

static uint64_t cpu_ns(void) {
    uint64_t total = 0;
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/task", pid);
    DIR *folder = pid ? opendir(path) : NULL;
    for (struct dirent *entry; folder && (entry = readdir(folder));) {
        char file_path[400];
        snprintf(file_path, sizeof file_path, "%s/%s/schedstat", path, entry->d_name);
        FILE *file = entry->d_name[0] == '.' ? NULL : fopen(file_path, "r");
        unsigned long long busy;
        if (!file) continue;
        if (fscanf(file, "%llu", &busy) == 1) total += busy;
        fclose(file);
    }
    if (folder) closedir(folder);
    return total;
}

static double percentile(double share) {
    uint64_t total = 0, seen = 0;
    for (int i = 0; i <= MICROSECONDS_MAX; i++) total += latencies[i];
    for (int i = 0; i <= MICROSECONDS_MAX; i++)
        if (total && (double)(seen += latencies[i]) >= share * (double)total) return i / 1000.0;
    return 0;
}

static void report(double elapsed, uint64_t cpu, int buffer_bytes) {
    uint64_t good = 0, sent = 0;
    for (int verb = 0; verb < VERBS; verb++) good += counts[verb].good, sent += counts[verb].sent;
    printf("{\"event\": \"load\", \"seconds\": %.3f, \"sources\": %d, \"window\": %d, \"rate\": %d, \"sent\": %lu, \"good\": %lu, ", elapsed,
           source_count, rate ? 0 : window, rate, sent, good);
    printf("\"answered_share\": %.5f, \"answers_per_second\": %.0f, ", sent ? (double)good / (double)sent : 0, (double)good / elapsed);
    printf("\"cpu_us_per_answer\": ");
    if (pid && good) printf("%.3f", (double)cpu / 1000 / (double)good);
    else printf("null");
    printf(", \"cpu_share\": %.3f, \"p50_ms\": %.3f, \"p90_ms\": %.3f, \"p99_ms\": %.3f, ", (double)cpu / 1e9 / elapsed, percentile(0.5),
           percentile(0.9), percentile(0.99));
    printf("\"reply_bytes\": %.1f, \"queries_of_server\": %lu, \"malformed\": %lu, \"unknown_replies\": %lu, \"buffer_bytes\": %d, \"verbs\": {",
           replies ? (double)reply_bytes / (double)replies : 0, queries_answered, malformed_sent, unknown_replies, buffer_bytes);
    for (int verb = 0; verb < VERBS; verb++)
        printf("%s\"%s\": {\"sent\": %lu, \"good\": %lu, \"errors\": %lu, \"wrong\": %lu, \"lost\": %lu}", verb ? ", " : "", verb_names[verb],
               counts[verb].sent, counts[verb].good, counts[verb].errors, counts[verb].wrong, counts[verb].lost);
    printf("}}\n");
}

static void usage(const char *what) {
    fprintf(stderr, "krpcload: %s; the head of krpcload.c tells how it is used\n", what);
    exit(64);
}

static int number(const char *text, int low, int high) {
    char *end;
    long value = strtol(text, &end, 10);
    if (*end || value < low || value > high) usage(text);
    return (int)value;
}

static void parse(int argc, char **argv) {
    for (int i = 1; i < argc; i++) {
        const char *option = argv[i];
        if (strcmp(option, "--echo") == 0) {
            is_echo = 1;
            continue;
        }
        if (i + 1 == argc) usage(option);
        const char *value = argv[++i];
        if (strcmp(option, "--target") == 0) target = parse_endpoint(value);
        else if (strcmp(option, "--pid") == 0) pid = number(value, 1, 1 << 30);
        else if (strcmp(option, "--seconds") == 0) seconds = number(value, 1, 3600);
        else if (strcmp(option, "--queries") == 0) query_limit = (uint64_t)number(value, 1, 1 << 30);
        else if (strcmp(option, "--warm-up") == 0) warm_up = number(value, 0, 3600);
        else if (strcmp(option, "--sources") == 0) source_count = number(value, 1, SOURCES_MAX);
        else if (strcmp(option, "--window") == 0) window = number(value, 1, WINDOW_MAX);
        else if (strcmp(option, "--infohashes") == 0) hash_count = number(value, 1, 1 << 20);
        else if (strcmp(option, "--seed") == 0) random_state = (uint64_t)number(value, 0, 1 << 30);
        else if (strcmp(option, "--rate") == 0) rate = number(value, 1, 1000000);
        else if (strcmp(option, "--malformed") == 0) malformed_rate = number(value, 1, 1000000);
        else if (strcmp(option, "--mix") == 0) {
            if (sscanf(value, "%d:%d:%d:%d", &mix[0], &mix[1], &mix[2], &mix[3]) != VERBS) usage(value);
        } else usage(option);
    }
    for (int verb = 0; verb < VERBS; verb++) {
        if (mix[verb] < 0 || mix[verb] > 1000) usage("--mix");
        mix_total += mix[verb];
    }
    if (target.sin_port == 0 || mix_total == 0) usage("--target is missing, or the mix is empty");
}

int main(int argc, char **argv) {
    parse(argc, argv);
    hashes = malloc((size_t)hash_count * 20);
    if (!hashes) fail("malloc");
    for (int i = 0; i < hash_count; i++) fill_random(hashes[i], 20);
    for (int i = 0; i < source_count; i++) fill_random(sources[i].id, 20);
    int buffer_bytes, on = 1;
    descriptor = open_socket((struct sockaddr_in){.sin_family = AF_INET}, &buffer_bytes);
    if (setsockopt(descriptor, IPPROTO_IP, IP_PKTINFO, &on, sizeof on) < 0) fail("IP_PKTINFO");
    if (warm_up > 0) run(warm_up);
    drain();
    memset(counts, 0, sizeof counts);
    memset(latencies, 0, sizeof latencies);
    unknown_replies = queries_answered = malformed_sent = reply_bytes = replies = 0;
    uint64_t cpu = cpu_ns(), started = now_ns();
    run(seconds);
    double elapsed = (double)(now_ns() - started) / 1e9;
    cpu = cpu_ns() - cpu;
    drain();
    report(elapsed, cpu, buffer_bytes);
}
