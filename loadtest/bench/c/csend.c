/* csend - the limit: an epoll websocket server whose publish is a bare send(2) loop.
 *
 *   csend -p PORT -m send|coalesce
 *     send      one send(2) a message and subscriber
 *     coalesce  all messages of one read in one send(2) a subscriber
 *
 * GET /pub makes a connection the publisher: each text frame it sends goes to
 * all subscribers. Any other path subscribes. No pings, no close handshake, no
 * auth, no policy for slow consumers: it is a floor to compare with, not a
 * server. Loopback only, and it ends by itself after 15 minutes.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define MOST_SUBSCRIBERS 65536
#define MOST_MESSAGES 4096 /* in one read */
#define READ_CAP (1 << 20)

struct conn {
    int fd, index, len;
    bool open, publisher;
    unsigned char *bytes; /* what came and is not used up */
};

static struct conn *subscribers[MOST_SUBSCRIBERS];
static int subscriber_count, epoll;
static bool coalesce;
static unsigned char out[READ_CAP + 4 * MOST_MESSAGES];
static int starts[MOST_MESSAGES + 1], message_count;

static uint32_t rotate(uint32_t x, int by) {
    return x << by | x >> (32 - by);
}

/* One block of SHA-1 (RFC 3174, method 1). */
static void sha1_block(uint32_t h[5], const unsigned char *block) {
    uint32_t w[80], a = h[0], b = h[1], c = h[2], d = h[3], e = h[4];
    for (int i = 0; i < 16; i++)
        w[i] = (uint32_t)block[4 * i] << 24 | (uint32_t)block[4 * i + 1] << 16 | (uint32_t)block[4 * i + 2] << 8 | block[4 * i + 3];
    for (int i = 16; i < 80; i++)
        w[i] = rotate(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
    for (int i = 0; i < 80; i++) {
        uint32_t f = b ^ c ^ d, k = i < 40 ? 0x6ED9EBA1 : 0xCA62C1D6;
        if (i < 20)
            f = (b & c) | (~b & d), k = 0x5A827999;
        else if (i >= 40 && i < 60)
            f = (b & c) | (b & d) | (c & d), k = 0x8F1BBCDC;
        uint32_t next = rotate(a, 5) + f + e + k + w[i];
        e = d, d = c, c = rotate(b, 30), b = a, a = next;
    }
    h[0] += a, h[1] += b, h[2] += c, h[3] += d, h[4] += e;
}

/* SHA-1 of at most 119 bytes: a key and its GUID have 60. */
static void sha1(const unsigned char *message, size_t n, unsigned char digest[20]) {
    uint32_t h[5] = {0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0};
    unsigned char padded[128] = {0};
    size_t blocks = (n + 8) / 64 + 1;
    memcpy(padded, message, n);
    padded[n] = 0x80;
    padded[blocks * 64 - 1] = (unsigned char)(n * 8);
    padded[blocks * 64 - 2] = (unsigned char)(n * 8 >> 8);
    for (size_t i = 0; i < blocks; i++)
        sha1_block(h, padded + 64 * i);
    for (int i = 0; i < 20; i++)
        digest[i] = (unsigned char)(h[i / 4] >> (24 - 8 * (i % 4)));
}

static void base64(const unsigned char *from, int n, char *to) {
    static const char set[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (int i = 0; i < n; i += 3) {
        uint32_t v = (uint32_t)from[i] << 16 | (i + 1 < n ? (uint32_t)from[i + 1] << 8 : 0) | (i + 2 < n ? from[i + 2] : 0);
        *to++ = set[v >> 18];
        *to++ = set[v >> 12 & 63];
        *to++ = i + 1 < n ? set[v >> 6 & 63] : '=';
        *to++ = i + 2 < n ? set[v & 63] : '=';
    }
    *to = 0;
}

static void forget(struct conn *c) {
    if (c->open && !c->publisher) { /* the last one takes its place */
        subscribers[c->index] = subscribers[--subscriber_count];
        subscribers[c->index]->index = c->index;
    }
    close(c->fd);
    free(c->bytes);
    free(c);
}

/* Returns: false if the connection is gone. */
static bool shake_hands(struct conn *c) {
    if (!memmem(c->bytes, (size_t)c->len, "\r\n\r\n", 4))
        return true;
    c->bytes[c->len] = 0;
    char *key = strcasestr((char *)c->bytes, "sec-websocket-key:");
    if (!key || subscriber_count == MOST_SUBSCRIBERS) {
        forget(c);
        return false;
    }
    char both[128], accept[40], response[256];
    unsigned char digest[20];
    int n = sprintf(both, "%.24s258EAFA5-E914-47DA-95CA-C5AB0DC85B11", key + 18 + strspn(key + 18, " "));
    sha1((unsigned char *)both, (size_t)n, digest);
    base64(digest, 20, accept);
    n = sprintf(response,
                "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                "Sec-WebSocket-Accept: %s\r\n\r\n",
                accept);
    c->publisher = !memcmp(c->bytes, "GET /pub", 8);
    c->open = true;
    c->len = 0;
    free(c->bytes);
    c->bytes = NULL;
    if (!c->publisher) {
        c->index = subscriber_count;
        subscribers[subscriber_count++] = c;
    }
    if (send(c->fd, response, (size_t)n, MSG_NOSIGNAL) == n)
        return true;
    forget(c);
    return false;
}

/* A send that fails or is short is a lost delivery: the client counts and tells. */
static void send_to_all(const unsigned char *bytes, int n) {
    for (int i = 0; i < subscriber_count; i++)
        (void)!send(subscribers[i]->fd, bytes, (size_t)n, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void fan_out(void) {
    if (coalesce)
        send_to_all(out, starts[message_count]);
    else
        for (int i = 0; i < message_count; i++)
            send_to_all(out + starts[i], starts[i + 1] - starts[i]);
}

/* Unmasks one text frame of the publisher and frames it anew for the subscribers. */
static void take_message(const unsigned char *mask, const unsigned char *payload, int n) {
    unsigned char *to = out + starts[message_count];
    *to++ = 0x81;
    *to++ = (unsigned char)(n < 126 ? n : 126);
    if (n >= 126) {
        *to++ = (unsigned char)(n >> 8);
        *to++ = (unsigned char)n;
    }
    for (int i = 0; i < n; i++)
        *to++ = payload[i] ^ mask[i & 3];
    starts[++message_count] = (int)(to - out);
}

/* Takes the whole frames among what came, keeps the rest. */
static void read_publisher(struct conn *c) {
    int used = 0;
    message_count = 0;
    while (c->len - used >= 6 && message_count < MOST_MESSAGES) {
        unsigned char *p = c->bytes + used;
        int head = 2, n = p[1] & 127;
        if (n == 126) {
            if (c->len - used < 8)
                break;
            n = p[2] << 8 | p[3];
            head = 4;
        }
        if (c->len - used < head + 4 + n)
            break;
        if ((p[0] & 15) == 1)
            take_message(p + head, p + head + 4, n);
        used += head + 4 + n;
    }
    memmove(c->bytes, c->bytes + used, (size_t)(c->len - used));
    c->len -= used;
    if (message_count)
        fan_out();
}

static void read_some(struct conn *c) {
    static unsigned char incoming[READ_CAP];
    ssize_t got = recv(c->fd, incoming, sizeof incoming, 0);
    if (got == 0 || (got < 0 && errno != EAGAIN)) {
        forget(c);
        return;
    }
    if (got < 0 || (c->open && !c->publisher) || c->len + got > READ_CAP)
        return;
    c->bytes = realloc(c->bytes, (size_t)(c->len + got + 1));
    memcpy(c->bytes + c->len, incoming, (size_t)got);
    c->len += (int)got;
    if (c->open)
        read_publisher(c);
    else
        shake_hands(c);
}

static void accept_some(int listener) {
    int fd, one = 1;
    for (int i = 0; i < 128 && (fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0; i++) {
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        struct conn *c = calloc(1, sizeof *c);
        c->fd = fd;
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
        epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
    }
}

static int listen_on(int port) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), one = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(fd, (struct sockaddr *)&at, sizeof at) || listen(fd, 4096)) {
        perror("csend");
        exit(1);
    }
    return fd;
}

int main(int argc, char **argv) {
    int port = 9001;
    for (int i = 1; i + 1 < argc; i += 2) {
        if (!strcmp(argv[i], "-p"))
            port = atoi(argv[i + 1]);
        else if (!strcmp(argv[i], "-m"))
            coalesce = !strcmp(argv[i + 1], "coalesce");
    }
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    int listener = listen_on(port);
    epoll = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event);
    alarm(900);
    for (;;) {
        struct epoll_event events[512];
        int n = epoll_wait(epoll, events, 512, -1);
        for (int i = 0; i < n; i++)
            events[i].data.ptr ? read_some(events[i].data.ptr) : accept_some(listener);
    }
}
