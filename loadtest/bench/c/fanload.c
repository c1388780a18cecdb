/* fanload - a load client for websocket fan-out: opens N viewers, drives one publisher, counts what arrives.
 *
 * Cheap enough to leave the server its core: one epoll thread, no JSON parser,
 * each payload looked at once. Traffic goes to 127.0.0.0/8 only (checked), and
 * it ends by itself (-alarm). See README.md.
 */
#include "fanload.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The connects are a measurement, too: joins a second, and memory of a viewer that does nothing. */
static void connect_viewers(void) {
    u64 rss = server_rss_kb(), sockets = kernel_socket_kb(), cpu = server_cpu_ns(), own = own_cpu_ns(), from = now_ns();
    join_everyone(FRESH, NULL);
    double took_s = (double)(now_ns() - from) / 1e9, joined = (double)(total.ready ? total.ready : 1);
    cpu = server_cpu_ns() - cpu;
    own = own_cpu_ns() - own;
    poll_for(opt.settle_s);
    line_begin("connect");
    line_int("open", total.open);
    line_int("ready", total.ready);
    line_int("lost", total.lost);
    line_int("retries", joins.retries);
    line_num("joins_per_s", joined / took_s);
    line_num("server_us_per_join", (double)cpu / 1e3 / joined);
    line_num("client_busy_pct", (double)own / 1e9 / took_s * 100);
    line_latency("join", &joins.each);
    asks_report(ASKED_JOIN, "joins");
    line_int("rss_before_kb", rss);
    line_int("rss_after_kb", server_rss_kb());
    line_num("rss_per_viewer_kb", ((double)server_rss_kb() - (double)rss) / joined);
    line_int("kernel_sockets_kb", kernel_socket_kb() - sockets);
    line_end();
}

/* One message must reach everyone before anything is measured. */
static bool everyone_hears(void) {
    for (int attempt = 0; attempt < 5; attempt++) {
        deliveries_reset();
        u64 guard = now_ns() + 2 * SECOND;
        publish(now_ns(), 1, COMMENT);
        while (messages_open() && now_ns() < guard)
            poll_once(5);
        bool heard = delivered[COMMENT].full.count == 1;
        poll_for(0.3);
        if (heard)
            return true;
        warn_few("%llu of %llu viewers got the first message", (unsigned long long)delivered[COMMENT].count,
                 (unsigned long long)total.open);
    }
    return false;
}

/* Several clients start their phases together, when the one who started them says so. */
static void wait_for_others(void) {
    struct pollfd input = {.fd = 0, .events = POLLIN};
    line_begin("ready");
    line_end();
    while (!poll(&input, 1, 0))
        poll_for(0.01);
    if (getchar() == EOF)
        die("nobody said go");
}

int main(int argc, char **argv) {
    read_options(argc, argv);
    loop_start();
    alarm((unsigned)opt.alarm_s);
    if (opt.join_file)
        load_joins(opt.join_file);
    if (opt.corpus_file)
        load_corpus(opt.corpus_file);
    connect_viewers();
    if (!total.ready)
        die("no viewer is in");
    open_publisher();
    if (!everyone_hears()) {
        line_begin("sanity");
        line_text("error", "not everyone got the first message");
        line_end();
        return 3;
    }
    if (opt.barrier)
        wait_for_others();
    char *list = strdup(opt.phases), *rest = list;
    for (char *spec; (spec = strsep(&rest, ","));) {
        if (*spec && !run_phase(spec))
            return 4;
        poll_for(0.2);
    }
    return 0;
}
