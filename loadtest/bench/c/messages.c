/* messages.c - every message by its stamp, and how many viewers have it.
 *
 * A delivery is one marker (`ts=` or `hs=` and 16 digits) seen by one viewer, so
 * messages merged into one frame count as many. Latency runs from the stamp,
 * which is the time the schedule intended, not the time of the write.
 */
#include "fanload.h"

#include <string.h>

#define SLOTS (1 << 18)
static struct message slots[SLOTS];
static unsigned used;

struct deliveries delivered[KINDS];

static struct message *find(enum kind kind, u64 stamp) {
    u64 at = (stamp * 0x9E3779B97F4A7C15ull) >> 46; /* the top 18 bits */
    while (slots[at].used && (slots[at].stamp != stamp || slots[at].kind != kind))
        at = (at + 1) % SLOTS;
    return &slots[at];
}

static struct message *take(struct message *m, enum kind kind, u64 stamp) {
    if (++used > SLOTS / 4 * 3)
        die("too many messages for one run");
    *m = (struct message){.stamp = stamp, .kind = kind, .used = true, .expected = (uint32_t)((u64)opt.viewers - total.given_up)};
    return m;
}

struct message *message_new(enum kind kind, u64 intended) {
    struct message *m;
    while ((m = find(kind, intended))->used)
        intended++; /* a burst has one intended time; a nanosecond apart gives each its name */
    take(m, kind, intended)->open = true;
    delivered[kind].published++;
    delivered[kind].open++;
    return m;
}

/* A stamp that is not ours comes from the client beside us, on the same clock. */
struct message *message_seen(enum kind kind, u64 stamp) {
    struct message *m = find(kind, stamp);
    return m->used ? m : take(m, kind, stamp);
}

static void close_message(struct message *m) {
    if (m->open)
        delivered[m->kind].open--;
    m->open = false;
}

void message_delivered(struct message *m) {
    struct deliveries *of = &delivered[m->kind];
    u64 late = loop_now > m->stamp ? loop_now - m->stamp : 0;
    of->count++;
    histogram_add(&of->each, late);
    if (++m->got == m->expected) {
        histogram_add(&of->full, late);
        close_message(m);
    }
}

void message_dropped(struct message *m) {
    close_message(m);
}

u64 messages_open(void) {
    return delivered[COMMENT].open + delivered[HOST].open;
}

void deliveries_reset(void) {
    memset(delivered, 0, sizeof delivered);
    for (int i = 0; i < SLOTS; i++)
        slots[i].open = false;
}
