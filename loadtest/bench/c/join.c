/* join.c - brings viewers into the room, and back into it: as many as the server admits, few in flight. */
#include "fanload.h"

#include <stdlib.h>
#include <string.h>

#define PAUSE_NS (SECOND / 5) /* before a refused viewer tries again */
#define GUARD_S 60

struct joins joins;

/* Viewers who wait for a socket, first come first served. A refused one goes to the end. */
static int *queue;
static u64 *due, head, tail;
static int in_flight;

static void wait_in_line(struct conn *c, u64 from) {
    u64 at = tail++ % (u64)opt.viewers;
    queue[at] = (int)(c - viewers);
    due[at] = from;
}

void join_done(struct conn *c) {
    if (!joins.running)
        return;
    in_flight--;
    histogram_add(&joins.each, now_ns() - c->join_from);
}

/* While everyone joins, a lost viewer tries again; later it is lost. */
void join_failed(struct conn *c, bool was_ready) {
    total.lost++;
    in_flight -= joins.running && !was_ready;
    if (!joins.running || c->tries >= opt.tries) {
        total.given_up++;
        return;
    }
    joins.retries++;
    wait_in_line(c, now_ns() + PAUSE_NS);
}

static void open_due(void) {
    while (head < tail && in_flight < opt.in_flight && due[head % (u64)opt.viewers] <= now_ns()) {
        struct conn *c = &viewers[queue[head++ % (u64)opt.viewers]];
        if (c->ready)
            continue;
        c->tries++;
        in_flight++;
        conn_open(c, (int)(c - viewers));
    }
}

static void line_up(void) {
    if (!queue) {
        queue = malloc((size_t)opt.viewers * sizeof *queue);
        due = malloc((size_t)opt.viewers * sizeof *due);
    }
    head = tail = total.given_up = 0;
    in_flight = 0;
    for (int i = 0; i < opt.viewers; i++) {
        viewers[i].tries = 0;
        wait_in_line(&viewers[i], 0);
    }
}

bool join_everyone(enum how how, void (*meanwhile)(void)) {
    memset(&joins, 0, sizeof joins);
    joins.how = how;
    joins.running = true;
    u64 guard = now_ns() + GUARD_S * SECOND;
    line_up();
    while (total.ready + total.given_up < (u64)opt.viewers && now_ns() < guard) {
        open_due();
        if (meanwhile)
            meanwhile();
        poll_once(opt.spin ? 0 : 2);
    }
    joins.running = false;
    if (total.ready < (u64)opt.viewers)
        warn_few("%llu of %d viewers are in", (unsigned long long)total.ready, opt.viewers);
    return total.ready == (u64)opt.viewers;
}

void open_publisher(void) {
    publisher.publisher = true;
    conn_open(&publisher, 0);
    u64 guard = now_ns() + 5 * SECOND;
    while ((publisher.state != OPEN || publisher.owed) && now_ns() < guard)
        poll_once(5);
    if (publisher.state != OPEN || publisher.owed)
        die("the publisher is not let in");
    if (opt.publisher_kind != 'w' && opt.publisher_first.len)
        conn_send(&publisher, opt.publisher_first.data, opt.publisher_first.len);
}
