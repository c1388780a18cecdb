/* fanload.h - what the parts of the load client share.
 *
 * One thread, one epoll loop, two kinds of connection: N viewers that only
 * count, and one publisher. Each .c file is one idea:
 *
 *   options    the command line            conn      sockets and the loop
 *   ws         RFC 6455 and inflate        digest    what one payload holds
 *   receive    what it means to a viewer   asks      every ref answered once
 *   messages   a message and who has it    text      bodies and templates
 *   say        who speaks, and how          join      connects and resumes
 *   phases     closed, paced, flood, cut    measure   what a phase cost
 *   account    CPU and memory of others     report    histogram and JSON lines
 *
 * The globals below are all the state there is; a process measures once and ends.
 */
#ifndef FANLOAD_H
#define FANLOAD_H
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint64_t u64;

#define SECOND 1000000000ull
#define STAMP_DIGITS 16

/* ---- report.c: time, histogram, JSON lines ---- */
u64 now_ns(void);     /* CLOCK_MONOTONIC cut to 16 digits, so that it fits a marker; wraps every 115 days */
u64 own_cpu_ns(void); /* CPU of this process */
void die(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));
void warn_few(const char *format, ...) __attribute__((format(printf, 1, 2))); /* the first twenty, then silence */

#define BUCKETS (64 * 44)
struct histogram { /* 64 buckets for each power of two: 1.6 % error */
    u64 bucket[BUCKETS], count, max;
};
void histogram_add(struct histogram *h, u64 ns);
double quantile_ms(const struct histogram *h, double q);

void line_begin(const char *phase);
void line_int(const char *name, u64 value);
void line_num(const char *name, double value);
void line_text(const char *name, const char *value);
void line_latency(const char *name, const struct histogram *h); /* NAME_p50_ms, NAME_p99_ms, NAME_max_ms */
void line_end(void);

/* ---- options.c ---- */
struct bytes {
    size_t len;
    unsigned char *data;
};
struct options {
    int viewers, port, publisher_port, in_flight, sources, tries, spin, barrier;
    int size, senders, wait_acks, publisher_opcode, subscribe_opcode, alarm_s;
    double settle_s;
    char publisher_kind; /* w: websocket, h: HTTP POST, r: raw TCP */
    const char *host, *path, *publisher_path, *protocol, *extensions, *ready, *label, *phases;
    const char *join_file, *corpus_file;
    struct bytes subscribe, publisher_first, say, comment, resume;
    int server_pids[64], server_pid_count;
    int cores[8], core_count;
};
extern struct options opt;
void read_options(int argc, char **argv);

/* ---- conn.c: sockets and the loop ---- */
enum conn_state { ABSENT, CONNECTING, HANDSHAKE, OPEN, DEAD };
struct conn {
    int fd;
    enum conn_state state;
    bool ready, publisher;
    int life;      /* rises with every socket, so that an answer owed to a dead one is not missed */
    int tries;     /* sockets used for the present join */
    int owed;      /* refs it waits for */
    u64 join_from; /* when the present socket was opened */
    bool following; /* it had a snapshot, so from here on its seq must rise by one */
    u64 seq;        /* newest event of the room log it has */
    struct bytes join;           /* its own first message, of -subfile; empty: -sub */
    char *resume_token, *epoch;  /* of its last `joined` */
    unsigned char *partial;      /* a frame that has not come whole */
    int partial_len, partial_cap;
};
struct totals {
    u64 frames, reads, bytes, payload_wire, payload_plain; /* of viewers; bytes: with heads and HTTP */
    u64 gaps, backwards; /* in the seq that any viewer saw */
    u64 open, ready, lost, closed_by_server;
    u64 given_up; /* viewers that will not come back by themselves */
};
extern struct conn *viewers, publisher;
extern struct totals total;
extern u64 loop_now; /* time of the read that is being handled */
void loop_start(void);
int poll_once(int timeout_ms); /* returns: events handled */
void poll_for(double seconds);
bool conn_open(struct conn *c, int source);
void conn_send(struct conn *c, const void *bytes, size_t n);
void conn_reset(struct conn *c); /* RST, as a viewer whose network is gone */
void conn_lost(struct conn *c, const char *why);
void conn_opened(struct conn *c); /* the handshake is done: say the first message */

/* ---- ws.c ---- */
enum { WS_TEXT = 1, WS_CLOSE = 8, WS_PING = 9, WS_PONG = 10 };
size_t ws_frame(unsigned char *out, int opcode, const void *payload, size_t n);
size_t ws_request(char *out, size_t cap, const char *path);
size_t ws_parse(struct conn *c, unsigned char *bytes, size_t n); /* returns: bytes used */
const unsigned char *ws_inflate(const unsigned char *payload, size_t n, size_t *plain_len);

/* ---- messages.c: a message and who has it ---- */
enum kind { COMMENT, HOST, KINDS }; /* markers `ts=` and `hs=` */
struct message {
    u64 stamp; /* the intended time, which is its name as well */
    uint32_t got, expected;
    uint8_t kind;
    bool used, open; /* open: ours, and not every viewer has it */
};
struct deliveries {
    u64 count, published, open;
    struct histogram each, full; /* to any viewer; to the last viewer */
};
extern struct deliveries delivered[KINDS];
struct message *message_new(enum kind kind, u64 intended);
struct message *message_seen(enum kind kind, u64 stamp);
void message_delivered(struct message *m);
void message_dropped(struct message *m); /* refused or not shown: nobody will have it */
u64 messages_open(void);
void deliveries_reset(void);

/* ---- digest.c: what one payload holds ---- */
#define MARKS 4096
struct digest {
    bool deflated, direct, snapshot; /* direct: holds replies, so it is for one connection */
    size_t wire_len, wire_cap, plain_len;
    unsigned char *wire;
    const unsigned char *plain; /* valid until the next digest */
    int logs, broken;           /* broken: neighbours within the frame whose seq is not +1 */
    u64 snapshot_seq, first_seq, last_seq;
    int mark_count;
    struct message *marks[MARKS];
};
const struct digest *digest_of(const unsigned char *payload, size_t n, bool deflated);

/* ---- receive.c ---- */
void on_payload(struct conn *c, int opcode, bool deflated, unsigned char *payload, size_t n);

/* ---- asks.c: every ref is answered exactly once ---- */
enum asked { ASKED_JOIN, ASKED_SAY, ASKED_COMMENT, ASKED_KINDS };
u64 ask(struct conn *c, enum asked kind, u64 intended, struct message *m); /* returns: the ref */
void read_replies(struct conn *c, const unsigned char *plain, size_t n);
u64 asks_waiting(void);
void asks_forgiven(struct conn *c); /* its socket is gone, nobody can answer */
void asks_reset(void);
void asks_report(enum asked kind, const char *name);
void asks_report_faults(void);

/* ---- text.c: bodies and templates ---- */
struct fill {
    u64 ref, seq;
    const char *text, *token, *epoch;
};
struct bytes unescape(const char *text);
void load_corpus(const char *path);
void load_joins(const char *path);
void write_body(char *out, const struct message *m, int size); /* size 0: as long as the sentence is */
bool wants_ref(struct bytes template);
size_t fill_template(unsigned char *out, size_t cap, struct bytes template, const struct fill *values);

/* ---- join.c ---- */
enum how { FRESH, RESUMING };
struct joins {
    enum how how;
    bool running;
    u64 retries, resumed, reset; /* reset: came back with a resume and got a snapshot */
    struct histogram each;
};
extern struct joins joins;
bool join_everyone(enum how how, void (*meanwhile)(void)); /* false: not all within a minute */
void join_failed(struct conn *c, bool was_ready);
void join_done(struct conn *c);
void open_publisher(void);

/* ---- say.c ---- */
void publish(u64 intended, int burst, enum kind kind); /* `burst` host messages in one write */
void comment(u64 intended);

/* ---- measure.c ---- */
struct mark { /* everything that is told as a difference */
    u64 at, server_cpu, own_cpu, core_busy[8], core_all[8];
    double user_s, sys_s;
    struct totals total;
};
struct mark mark_now(void);
u64 viewers_behind(void); /* viewers whose log is not at the top that another viewer has seen */
void report(const struct mark *start, const struct mark *stop);

/* ---- phases.c ---- */
bool run_phase(const char *spec); /* false: it stalled */

/* ---- account.c: CPU and memory of the server ---- */
u64 server_cpu_ns(void);
void server_user_sys(double *user_s, double *sys_s);
u64 server_rss_kb(void);
u64 kernel_socket_kb(void);
void core_ticks(int core, u64 *busy, u64 *all);

#endif
