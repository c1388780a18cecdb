/* digest.c - what one payload holds: markers, log numbers, whether it is a reply.
 *
 * The server writes the same bytes to every viewer, so a payload is read once
 * and then only compared: memcmp costs a tenth of a search, and an inflate is
 * saved. Nothing is guessed: all bytes are compared.
 */
#include "fanload.h"

#include <stdlib.h>
#include <string.h>

#define KEPT 8 /* frames under way to different viewers at one time */
static struct digest kept[KEPT], single;
static int newest;

/* Returns: the first byte after `what`, or NULL. */
static const unsigned char *after(const unsigned char *at, const unsigned char *end, const char *what) {
    size_t n = strlen(what);
    const unsigned char *hit = memmem(at, (size_t)(end - at), what, n);
    return hit ? hit + n : NULL;
}

static u64 digits(const unsigned char *at, const unsigned char *end, int *count) {
    u64 value = 0;
    for (*count = 0; at < end && *at >= '0' && *at <= '9'; at++, ++*count)
        value = value * 10 + (u64)(*at - '0');
    return value;
}

static void read_marks(struct digest *d, const unsigned char *end) {
    const unsigned char *at = d->plain;
    while ((at = after(at, end, "s="))) {
        int count;
        u64 stamp = digits(at, end, &count);
        if (count != STAMP_DIGITS || at - d->plain < 3 || (at[-3] != 't' && at[-3] != 'h'))
            continue;
        if (d->mark_count == MARKS)
            die("more than %d markers in a frame", MARKS);
        d->marks[d->mark_count++] = message_seen(at[-3] == 'h' ? HOST : COMMENT, stamp);
    }
}

static void read_log(struct digest *d, const unsigned char *end) {
    const unsigned char *at = d->plain;
    while ((at = after(at, end, "\"t\":\"log\",\"seq\":"))) {
        int count;
        u64 seq = digits(at, end, &count);
        if (d->logs++ == 0)
            d->first_seq = seq;
        else if (seq != d->last_seq + 1)
            d->broken++;
        d->last_seq = seq;
    }
}

/* A snapshot repeats old messages: they are no deliveries. */
static void read_snapshot(struct digest *d, const unsigned char *end) {
    const unsigned char *at = after(d->plain, end, "\"t\":\"snapshot\"");
    d->snapshot = at != NULL;
    if (at && (at = after(at, end, "\"seq\":")))
        d->snapshot_seq = digits(at, end, &(int){0});
}

static void read_payload(struct digest *d, const unsigned char *payload, size_t n, bool deflated) {
    d->plain = payload;
    d->plain_len = n;
    if (deflated)
        d->plain = ws_inflate(payload, n, &d->plain_len);
    d->deflated = deflated;
    d->wire_len = n;
    d->logs = d->broken = d->mark_count = 0;
    d->first_seq = d->last_seq = 0;
    const unsigned char *end = d->plain + d->plain_len;
    d->direct = after(d->plain, end, "\"ref\":") != NULL;
    read_snapshot(d, end);
    read_log(d, end);
    if (!d->snapshot)
        read_marks(d, end);
}

static void keep(struct digest *d, const unsigned char *payload) {
    if (d->wire_cap < d->wire_len) {
        d->wire_cap = d->wire_len * 2;
        d->wire = realloc(d->wire, d->wire_cap);
    }
    memcpy(d->wire, payload, d->wire_len);
}

const struct digest *digest_of(const unsigned char *payload, size_t n, bool deflated) {
    for (int i = 0; i < KEPT; i++) {
        struct digest *d = &kept[(newest - i + KEPT) % KEPT];
        if (d->wire_len == n && d->deflated == deflated && d->wire && !memcmp(d->wire, payload, n))
            return d;
    }
    read_payload(&single, payload, n, deflated);
    if (single.direct)
        return &single;
    newest = (newest + 1) % KEPT;
    struct digest *d = &kept[newest];
    unsigned char *wire = d->wire;
    size_t cap = d->wire_cap;
    memcpy(d, &single, offsetof(struct digest, marks) + (size_t)single.mark_count * sizeof *single.marks);
    d->wire = wire;
    d->wire_cap = cap;
    keep(d, payload);
    return d;
}
