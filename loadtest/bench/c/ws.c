/* ws.c - RFC 6455 as a client needs it, and permessage-deflate without context takeover (RFC 7692). */
#include "fanload.h"

#include <stdio.h>
#include <string.h>
#include <zlib.h>

static const char KEY[] = "dGhlIHNhbXBsZSBub25jZQ=="; /* the sample of RFC 6455, section 1.3 */
static const char ACCEPT[] = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

size_t ws_frame(unsigned char *out, int opcode, const void *payload, size_t n) {
    static const unsigned char mask[4] = {0x11, 0x22, 0x33, 0x44};
    size_t head = 2;
    if (n > 65535)
        die("a frame to the server is longer than 64 KiB");
    out[0] = (unsigned char)(0x80 | opcode);
    out[1] = (unsigned char)(0x80 | (n < 126 ? n : 126));
    if (n >= 126) {
        out[2] = (unsigned char)(n >> 8);
        out[3] = (unsigned char)n;
        head = 4;
    }
    memcpy(out + head, mask, 4);
    head += 4;
    for (size_t i = 0; i < n; i++)
        out[head + i] = ((const unsigned char *)payload)[i] ^ mask[i & 3];
    return head + n;
}

static size_t header(char *out, size_t cap, const char *name, const char *value) {
    return value ? (size_t)snprintf(out, cap, "%s: %s\r\n", name, value) : 0;
}

size_t ws_request(char *out, size_t cap, const char *path) {
    size_t n = (size_t)snprintf(out, cap,
                                "GET %s HTTP/1.1\r\nHost: %s:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                                "Sec-WebSocket-Key: %s\r\nSec-WebSocket-Version: 13\r\n",
                                path, opt.host, opt.port, KEY);
    n += header(out + n, cap - n, "Sec-WebSocket-Protocol", opt.protocol);
    n += header(out + n, cap - n, "Sec-WebSocket-Extensions", opt.extensions);
    return n + (size_t)snprintf(out + n, cap - n, "\r\n");
}

/* Returns: bytes of the response head, 0 while it is not whole. */
static size_t read_response(struct conn *c, const unsigned char *bytes, size_t n) {
    const unsigned char *end = memmem(bytes, n, "\r\n\r\n", 4);
    if (!end)
        return 0;
    if (n < 12 || memcmp(bytes + 9, "101", 3)) {
        conn_lost(c, n < 12 ? "bad response" : (char[]){'H', 'T', 'T', 'P', ' ', (char)bytes[9], (char)bytes[10], (char)bytes[11], 0});
        return n;
    }
    if (!memmem(bytes, (size_t)(end - bytes), ACCEPT, strlen(ACCEPT)))
        die("the server's Sec-WebSocket-Accept is wrong");
    conn_opened(c);
    return (size_t)(end - bytes) + 4;
}

size_t ws_parse(struct conn *c, unsigned char *bytes, size_t n) {
    size_t used = 0;
    if (c->state == HANDSHAKE && !(used = read_response(c, bytes, n)))
        return 0;
    while (c->state == OPEN && n - used >= 2) {
        unsigned char *p = bytes + used;
        size_t head = 2;
        u64 len = p[1];
        if (len & 128)
            die("the server masks its frames");
        if (!(p[0] & 0x80) || !(p[0] & 15))
            die("the server fragments its messages");
        if (len >= 126) {
            head = len == 126 ? 4 : 10;
            if (n - used < head)
                break;
            len = 0;
            for (size_t i = 2; i < head; i++)
                len = len << 8 | p[i];
        }
        if (n - used < head + len)
            break;
        on_payload(c, p[0] & 15, p[0] & 0x40, p + head, len);
        used += head + len;
    }
    return used;
}

/* The sender cut the last four bytes of the flush off; they are put back. Valid until the next call. */
const unsigned char *ws_inflate(const unsigned char *payload, size_t n, size_t *plain_len) {
    static unsigned char plain[4 << 20];
    static unsigned char tail[4] = {0, 0, 0xff, 0xff};
    static z_stream z;
    static bool ready;
    if (ready ? inflateReset(&z) : inflateInit2(&z, -15))
        die("inflate does not start");
    ready = true;
    z.next_out = plain;
    z.avail_out = sizeof plain;
    z.next_in = (unsigned char *)payload;
    z.avail_in = (unsigned)n;
    int first = inflate(&z, Z_SYNC_FLUSH);
    z.next_in = tail;
    z.avail_in = 4;
    int last = inflate(&z, Z_SYNC_FLUSH);
    if (first != Z_OK || last != Z_OK || !z.avail_out)
        die("a compressed payload does not inflate by itself");
    *plain_len = sizeof plain - z.avail_out;
    return plain;
}
