/* conn.c - sockets and the loop: one epoll, edge-triggered, one read buffer for all. */
#include "fanload.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define READ_CAP (1 << 20)
#define EVENTS 512
#define GATHER_NS (SECOND / 2000)

struct conn *viewers, publisher;
struct totals total;
u64 loop_now;
static int epoll = -1;
static unsigned char *incoming;

void loop_start(void) {
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    viewers = calloc((size_t)opt.viewers, sizeof *viewers);
    incoming = malloc(READ_CAP);
    epoll = epoll_create1(0);
    loop_now = now_ns();
}

/* A closed viewer leaves no TIME_WAIT behind (linger 0), and many source addresses lift the limit of ports. */
static int new_socket(int source, int port, struct sockaddr_in *to) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), one = 1;
    if (fd < 0)
        die("socket: %s", strerror(errno));
    struct linger reset = {1, 0};
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
    struct sockaddr_in from = {.sin_family = AF_INET};
    from.sin_addr.s_addr = htonl(INADDR_LOOPBACK + (uint32_t)(source % opt.sources));
    if (bind(fd, (struct sockaddr *)&from, sizeof from))
        die("bind: %s", strerror(errno));
    *to = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    inet_pton(AF_INET, opt.host, &to->sin_addr);
    if (ntohl(to->sin_addr.s_addr) >> 24 != 127)
        die("loopback only");
    return fd;
}

bool conn_open(struct conn *c, int source) {
    struct sockaddr_in to;
    c->fd = new_socket(source, c->publisher ? opt.publisher_port : opt.port, &to);
    c->state = CONNECTING;
    c->life++;
    c->partial_len = 0;
    c->join_from = now_ns();
    if (connect(c->fd, (struct sockaddr *)&to, sizeof to) && errno != EINPROGRESS) {
        conn_lost(c, strerror(errno));
        return false;
    }
    struct epoll_event event = {.events = EPOLLOUT | EPOLLIN | EPOLLET, .data.ptr = c};
    epoll_ctl(epoll, EPOLL_CTL_ADD, c->fd, &event);
    return true;
}

static void forget_socket(struct conn *c) {
    total.open -= c->state == OPEN && !c->publisher;
    total.ready -= c->ready && !c->publisher;
    c->ready = false;
    c->state = DEAD;
    c->life++;
    asks_forgiven(c);
    close(c->fd);
    c->fd = -1;
}

void conn_reset(struct conn *c) {
    if (c->state != ABSENT && c->state != DEAD)
        forget_socket(c);
}

void conn_lost(struct conn *c, const char *why) {
    if (c->state == DEAD)
        return;
    if (why)
        warn_few("a %s is lost: %s", c->publisher ? "publisher" : "viewer", why);
    bool was_ready = c->ready;
    forget_socket(c);
    if (c->publisher)
        die("the publisher is gone");
    join_failed(c, was_ready);
}

/* Frames of a load client are small: a send buffer that is full means the server does not read. */
void conn_send(struct conn *c, const void *bytes, size_t n) {
    size_t sent = 0;
    while (sent < n && c->state != DEAD) {
        ssize_t wrote = send(c->fd, (const char *)bytes + sent, n - sent, MSG_NOSIGNAL);
        if (wrote > 0)
            sent += (size_t)wrote;
        else if (errno != EAGAIN || !c->publisher)
            conn_lost(c, strerror(errno));
        else
            poll_once(0);
    }
}

void conn_opened(struct conn *c) {
    unsigned char text[8192], out[8300];
    c->state = OPEN;
    struct bytes first = c->publisher ? opt.publisher_first : c->join.len ? c->join : opt.subscribe;
    if (joins.how == RESUMING && c->resume_token && !c->publisher)
        first = opt.resume;
    if (!c->publisher) {
        total.open++;
        if (!opt.ready) {
            c->ready = true;
            total.ready++;
            join_done(c);
        }
    }
    if (!first.len)
        return;
    struct fill values = {.seq = c->seq, .token = c->resume_token, .epoch = c->epoch};
    values.ref = wants_ref(first) ? ask(c, ASKED_JOIN, c->join_from, NULL) : 0;
    size_t n = fill_template(text, sizeof text, first, &values);
    conn_send(c, out, ws_frame(out, c->publisher ? opt.publisher_opcode : opt.subscribe_opcode, text, n));
}

static void connected(struct conn *c, uint32_t events) {
    int error = 0;
    socklen_t size = sizeof error;
    getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error) {
        conn_lost(c, strerror(error));
    } else if (events & EPOLLOUT) {
        char request[2048];
        struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.ptr = c};
        epoll_ctl(epoll, EPOLL_CTL_MOD, c->fd, &event);
        c->state = HANDSHAKE;
        if (c->publisher && opt.publisher_kind != 'w')
            c->state = OPEN;
        else
            conn_send(c, request, ws_request(request, sizeof request, c->publisher ? opt.publisher_path : opt.path));
    }
}

static void keep_partial(struct conn *c, const unsigned char *from, size_t n) {
    if (n >= READ_CAP)
        die("a frame is longer than %d bytes", READ_CAP);
    if ((int)n > c->partial_cap) {
        c->partial_cap = n < 256 ? 256 : (int)n * 2;
        c->partial = realloc(c->partial, (size_t)c->partial_cap);
    }
    if (n)
        memcpy(c->partial, from, n);
    c->partial_len = (int)n;
}

/* Reads until the kernel has no more: with edge triggers nobody tells again. */
static void read_all(struct conn *c) {
    for (;;) {
        size_t before = (size_t)c->partial_len, room = READ_CAP - before;
        memcpy(incoming, c->partial, before);
        ssize_t got = recv(c->fd, incoming + before, room, 0);
        if (got < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (got <= 0) {
            conn_lost(c, got ? strerror(errno) : "end of stream");
            return;
        }
        total.reads++;
        total.bytes += c->publisher ? 0 : (u64)got;
        size_t n = before + (size_t)got, used = n;
        if (!c->publisher || opt.publisher_kind == 'w')
            used = ws_parse(c, incoming, n);
        if (c->state == DEAD)
            return;
        keep_partial(c, incoming + used, n - used);
        if ((size_t)got < room)
            return;
    }
}

/* While a fan-out runs, what comes within half a millisecond is read in one go: to be woken for every few sockets would
 * cost as much again as to read them, and cost the server, which has to wake us, something that viewers elsewhere do
 * not. The first event after a silence is read at once. */
int poll_once(int timeout_ms) {
    static bool more_to_come;
    struct epoll_event events[EVENTS];
    if (more_to_come && timeout_ms)
        nanosleep(&(struct timespec){.tv_nsec = GATHER_NS}, NULL);
    int n = epoll_wait(epoll, events, EVENTS, timeout_ms);
    more_to_come = n > 0 && n < EVENTS; /* more than that wait already, if all are taken */
    for (int i = 0; i < n; i++) {
        struct conn *c = events[i].data.ptr;
        loop_now = now_ns();
        if (c->state == CONNECTING)
            connected(c, events[i].events);
        else if (c->state == HANDSHAKE || c->state == OPEN)
            read_all(c);
    }
    return n < 0 ? 0 : n;
}

void poll_for(double seconds) {
    u64 end = now_ns() + (u64)(seconds * 1e9);
    while (now_ns() < end)
        poll_once(5);
}
