/* measure.c - what a phase cost and brought, as the fields of its JSON line. */
#include "fanload.h"

#include <stdio.h>

u64 viewers_behind(void) {
    u64 top = publisher.seq, behind = 0;
    for (int i = 0; i < opt.viewers; i++)
        top = viewers[i].seq > top ? viewers[i].seq : top;
    for (int i = 0; i < opt.viewers; i++)
        behind += viewers[i].following && viewers[i].seq < top;
    return behind;
}

struct mark mark_now(void) {
    struct mark m = {.at = now_ns(), .server_cpu = server_cpu_ns(), .own_cpu = own_cpu_ns(), .total = total};
    server_user_sys(&m.user_s, &m.sys_s);
    for (int i = 0; i < opt.core_count; i++)
        core_ticks(opt.cores[i], &m.core_busy[i], &m.core_all[i]);
    return m;
}

static void report_costs(const struct mark *a, const struct mark *b) {
    double secs = (double)(b->at - a->at) / 1e9, server_s = (double)(b->server_cpu - a->server_cpu) / 1e9;
    u64 count = delivered[COMMENT].count + delivered[HOST].count;
    line_num("secs", secs);
    line_int("deliveries", count);
    line_num("deliveries_per_s", (double)count / secs);
    line_num("server_cpu_s", server_s);
    line_num("server_busy_pct", server_s / secs * 100);
    line_num("server_us_per_delivery", count ? server_s * 1e6 / (double)count : 0);
    line_num("server_user_s", b->user_s - a->user_s);
    line_num("server_sys_s", b->sys_s - a->sys_s);
    line_num("client_busy_pct", (double)(b->own_cpu - a->own_cpu) / 1e9 / secs * 100);
    for (int i = 0; i < opt.core_count; i++) {
        char name[32];
        u64 all = b->core_all[i] - a->core_all[i];
        snprintf(name, sizeof name, "core%d_busy_pct", opt.cores[i]);
        line_num(name, all ? (double)(b->core_busy[i] - a->core_busy[i]) * 100 / (double)all : 0);
    }
    line_int("server_rss_kb", server_rss_kb());
}

static void report_traffic(const struct totals *a, const struct totals *b) {
    line_int("frames", b->frames - a->frames);
    line_int("reads", b->reads - a->reads);
    line_int("bytes", b->bytes - a->bytes);
    line_int("payload_wire", b->payload_wire - a->payload_wire);
    line_int("payload_plain", b->payload_plain - a->payload_plain);
    line_int("lost", b->lost - a->lost);
    line_int("closed_by_server", b->closed_by_server - a->closed_by_server);
    line_int("seq_gaps", b->gaps - a->gaps);
    line_int("seq_backwards", b->backwards - a->backwards);
    line_int("behind", viewers_behind());
}

static void report_messages(void) {
    static const char *names[KINDS] = {"comment", "host"};
    line_latency("lat", &delivered[COMMENT].each);
    line_latency("full", &delivered[COMMENT].full);
    if (delivered[HOST].published) {
        line_latency("host_lat", &delivered[HOST].each);
        line_latency("host_full", &delivered[HOST].full);
    }
    for (int i = 0; i < KINDS; i++) {
        char name[32];
        snprintf(name, sizeof name, "%s_published", names[i]);
        line_int(name, delivered[i].published);
        snprintf(name, sizeof name, "%s_missed", names[i]);
        line_int(name, delivered[i].open);
        snprintf(name, sizeof name, "%s_deliveries", names[i]);
        line_int(name, delivered[i].count);
    }
    asks_report(ASKED_JOIN, "joins");
    asks_report(ASKED_SAY, "says");
    asks_report(ASKED_COMMENT, "comments");
    asks_report_faults();
}

void report(const struct mark *start, const struct mark *stop) {
    report_costs(start, stop);
    report_traffic(&start->total, &total);
    report_messages();
}
