/* say.c - who speaks: the host through the publisher, comments through the viewers themselves. */
#include "fanload.h"

#include <stdio.h>
#include <string.h>

static size_t host_message(unsigned char *out, size_t cap, struct message *m) {
    char text[2100];
    unsigned char body[8192];
    write_body(text, m, opt.size);
    struct fill values = {.text = text, .ref = wants_ref(opt.say) ? ask(&publisher, ASKED_SAY, m->stamp, m) : 0};
    size_t n = fill_template(body, sizeof body, opt.say, &values);
    if (opt.publisher_kind == 'w')
        return ws_frame(out, opt.publisher_opcode, body, n);
    size_t head = 0;
    if (opt.publisher_kind == 'h')
        head = (size_t)snprintf((char *)out, cap, "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Length: %zu\r\n\r\n",
                                opt.publisher_path, opt.host, n);
    memcpy(out + head, body, n);
    return head + n;
}

void publish(u64 intended, int burst, enum kind kind) {
    static unsigned char out[4 << 20];
    size_t n = 0;
    for (int i = 0; i < burst; i++) {
        if (sizeof out - n < 9000)
            die("a burst does not fit");
        n += host_message(out + n, sizeof out - n, message_new(kind, intended));
    }
    conn_send(&publisher, out, n);
}

void comment(u64 intended) {
    static int turn;
    char text[512];
    unsigned char body[2048], out[2100];
    struct conn *c = &viewers[turn++ % opt.senders];
    if (!c->ready)
        return;
    struct message *m = message_new(COMMENT, intended);
    write_body(text, m, 0);
    struct fill values = {.text = text, .ref = ask(c, ASKED_COMMENT, m->stamp, m)};
    size_t n = fill_template(body, sizeof body, opt.comment, &values);
    conn_send(c, out, ws_frame(out, opt.subscribe_opcode, body, n));
}
