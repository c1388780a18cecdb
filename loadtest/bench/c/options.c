/* options.c - the command line, as one table. `fanload -help` prints it. */
#include "fanload.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct options opt = {
    .viewers = 1000,
    .port = 9001,
    .in_flight = 100,
    .sources = 16,
    .tries = 1,
    .size = 128,
    .publisher_opcode = WS_TEXT,
    .subscribe_opcode = WS_TEXT,
    .alarm_s = 280,
    .settle_s = 0.5,
    .publisher_kind = 'w',
    .host = "127.0.0.1",
    .path = "/ws",
    .publisher_path = "/pub",
    .label = "",
    .phases = "",
    .say = {2, (unsigned char *)"%s"},
};

static const char *pids, *cores, *kind;

enum type { INT, NUM, TEXT, BYTES, BINARY };
static const struct {
    const char *flag;
    enum type type;
    void *where;
    const char *meaning;
} TABLE[] = {
    {"-n", INT, &opt.viewers, "viewers"},
    {"-host", TEXT, &opt.host, "address, of 127.0.0.0/8"},
    {"-p", INT, &opt.port, "port"},
    {"-path", TEXT, &opt.path, "path of the viewers' handshake"},
    {"-proto", TEXT, &opt.protocol, "Sec-WebSocket-Protocol"},
    {"-ext", TEXT, &opt.extensions, "Sec-WebSocket-Extensions"},
    {"-sub", BYTES, &opt.subscribe, "template sent after the handshake, as text"},
    {"-subbin", BINARY, &opt.subscribe, "the same, as a binary frame"},
    {"-subfile", TEXT, &opt.join_file, "file of such templates: each viewer takes the next line"},
    {"-rdy", TEXT, &opt.ready, "a viewer is ready when a frame contains this"},
    {"-resume", BYTES, &opt.resume, "template sent instead when a viewer comes back"},
    {"-tries", INT, &opt.tries, "sockets a viewer may use for one join"},
    {"-c", INT, &opt.in_flight, "connects in flight"},
    {"-nsrc", INT, &opt.sources, "source addresses, 127.0.0.1 and up"},
    {"-pk", TEXT, &kind, "publisher: w websocket, h HTTP POST, r raw TCP"},
    {"-pport", INT, &opt.publisher_port, "its port, if another"},
    {"-ppath", TEXT, &opt.publisher_path, "its path"},
    {"-pop", INT, &opt.publisher_opcode, "its opcode: 1 text, 2 binary"},
    {"-pinit", BYTES, &opt.publisher_first, "template it sends first"},
    {"-say", BYTES, &opt.say, "template of a host message"},
    {"-comment", BYTES, &opt.comment, "template of a comment"},
    {"-senders", INT, &opt.senders, "viewers who comment, the first ones"},
    {"-size", INT, &opt.size, "bytes of a host message's text"},
    {"-corpus", TEXT, &opt.corpus_file, "file of sentences, one a line"},
    {"-ackwait", INT, &opt.wait_acks, "closed: the next burst waits for the replies too"},
    {"-spin", INT, &opt.spin, "1: poll without sleeping"},
    {"-barrier", INT, &opt.barrier, "1: wait for a line on stdin between connect and phases"},
    {"-settle", NUM, &opt.settle_s, "seconds of quiet after the connects"},
    {"-spid", TEXT, &pids, "pids of the server, for its CPU and memory"},
    {"-cores", TEXT, &cores, "cores whose busy share is told"},
    {"-alarm", INT, &opt.alarm_s, "seconds after which it ends, whatever happens"},
    {"-label", TEXT, &opt.label, "told in every line"},
    {"-phases", TEXT, &opt.phases, "what to do; see README.md"},
};

static void help(void) {
    for (size_t i = 0; i < sizeof TABLE / sizeof *TABLE; i++)
        printf("%-10s %s\n", TABLE[i].flag, TABLE[i].meaning);
    puts("Templates: \\r \\n \\t \\xHH; %s text, %r ref, %t resume token, %e epoch, %q seq, %% percent.");
    exit(0);
}

static void set(size_t i, const char *value) {
    switch (TABLE[i].type) {
    case INT: *(int *)TABLE[i].where = atoi(value); break;
    case NUM: *(double *)TABLE[i].where = atof(value); break;
    case TEXT: *(const char **)TABLE[i].where = value; break;
    case BINARY: opt.subscribe_opcode = 2; /* fall through */
    case BYTES: *(struct bytes *)TABLE[i].where = unescape(value); break;
    }
}

static int number_list(const char *text, int *out, int most) {
    int count = 0;
    while (text && *text && count < most) {
        char *end;
        out[count++] = (int)strtol(text, &end, 10);
        text = *end == ',' ? end + 1 : end;
    }
    return count;
}

void read_options(int argc, char **argv) {
    const size_t known = sizeof TABLE / sizeof *TABLE;
    for (int a = 1; a < argc; a += 2) {
        size_t i = 0;
        while (i < known && strcmp(argv[a], TABLE[i].flag))
            i++;
        if (!strcmp(argv[a], "-help"))
            help();
        if (i == known || a + 1 == argc)
            die("unknown option or missing value: %s (see -help)", argv[a]);
        set(i, argv[a + 1]);
    }
    if (kind)
        opt.publisher_kind = kind[0];
    if (!opt.publisher_port)
        opt.publisher_port = opt.port;
    if (opt.senders < 1 || opt.senders > opt.viewers)
        opt.senders = opt.viewers;
    if (opt.size > 2000)
        die("-size is at most 2000");
    opt.server_pid_count = number_list(pids, opt.server_pids, 64);
    opt.core_count = number_list(cores, opt.cores, 8);
}
