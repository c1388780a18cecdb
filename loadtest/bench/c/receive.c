/* receive.c - what a payload means to the viewer that got it. */
#include "fanload.h"

#include <string.h>

static void pong(struct conn *c, const unsigned char *payload, size_t n) {
    unsigned char out[160];
    conn_send(c, out, ws_frame(out, WS_PONG, payload, n < 125 ? n : 125));
}

static void closed_by_server(struct conn *c, const unsigned char *payload, size_t n) {
    total.closed_by_server++;
    warn_few("the server closes: %d %.*s", n >= 2 ? payload[0] << 8 | payload[1] : 0, n > 2 ? (int)n - 2 : 0, payload + 2);
    conn_lost(c, NULL);
}

/* The seq a viewer sees rises by one; anything else is counted, and 0 is what is asked for. */
static void follow_log(struct conn *c, const struct digest *d) {
    if (d->snapshot) {
        c->seq = d->snapshot_seq;
        c->following = true;
        joins.reset += joins.running && joins.how == RESUMING;
    }
    if (!d->logs)
        return;
    total.gaps += (u64)d->broken;
    if (c->following && d->first_seq > c->seq + 1)
        total.gaps++;
    if (c->following && d->first_seq <= c->seq)
        total.backwards++;
    if (d->last_seq > c->seq)
        c->seq = d->last_seq;
}

static void become_ready(struct conn *c, const struct digest *d) {
    if (c->ready || !opt.ready || c->publisher)
        return;
    if (memmem(d->plain, d->plain_len, opt.ready, strlen(opt.ready))) {
        c->ready = true;
        total.ready++;
        join_done(c);
    }
}

void on_payload(struct conn *c, int opcode, bool deflated, unsigned char *payload, size_t n) {
    if (opcode == WS_PING)
        pong(c, payload, n);
    if (opcode == WS_CLOSE)
        closed_by_server(c, payload, n);
    if (opcode >= WS_CLOSE)
        return;
    const struct digest *d = digest_of(payload, n, deflated);
    follow_log(c, d);
    if (d->direct || !c->ready)
        become_ready(c, d);
    if (!c->publisher) {
        total.frames++;
        total.payload_wire += n;
        total.payload_plain += d->plain_len;
        for (int i = 0; i < d->mark_count; i++)
            message_delivered(d->marks[i]);
    }
    if (d->direct)
        read_replies(c, d->plain, d->plain_len);
}
