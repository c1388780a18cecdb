/* phases.c - what is done with a full room. Each phase ends in one JSON line.
 *
 *   closed:SECS:BURST      BURST host messages in one write; the next when all viewers have all of them
 *   paced:SECS:RATE        host messages on schedule
 *   flood:SECS:RATE:HOST   comments on schedule by the senders, host messages at HOST a second beside them
 *   joins:QUIET            cut everyone, QUIET seconds, everyone joins anew
 *   resumes:QUIET          the same, with resumes
 *   cut:HOST               cut everyone at once and resume at once, while the host talks
 *   idle:SECS              nothing
 *
 * Schedules are open: a late server does not slow the arrivals, and latency runs from the intended time.
 */
#include "fanload.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GRACE (3 * SECOND) /* for what is still under way when a schedule ends */
#define STALL (5 * SECOND) /* without any event, closed gives up */

struct pacer { /* one open schedule */
    void (*send)(u64 intended);
    u64 next, interval, end;
};
static struct mark start, stop; /* of what the phase measures: a cut and its quiet are left out */
static struct pacer beside; /* the host's, while others flood or come back */

static void say(u64 intended) {
    publish(intended, 1, COMMENT);
}

static void say_beside(u64 intended) { /* with its own marker, to be told from the comments */
    publish(intended, 1, HOST);
}

static struct pacer pacer(void (*send)(u64), double per_s, double secs) {
    u64 now = now_ns(), interval = per_s > 0 ? (u64)(1e9 / per_s) : SECOND;
    return (struct pacer){send, now + interval, interval, per_s > 0 ? now + (u64)(secs * 1e9) : now};
}

/* Sends what is due. Returns: nanoseconds until the next, at most 20 ms. */
static u64 pace(struct pacer *p) {
    u64 now = now_ns(), most = SECOND / 50;
    for (; p->next < p->end && p->next <= now; p->next += p->interval)
        p->send(p->next);
    if (p->next >= p->end)
        return most;
    return p->next - now < most ? p->next - now : most;
}

static void step(u64 wait_ns) {
    poll_once(opt.spin ? 0 : (int)((wait_ns + 999999) / 1000000));
}

static bool run_closed(double secs, double burst) {
    u64 end = now_ns() + (u64)(secs * 1e9), progress = now_ns(), seen = 0;
    for (;;) {
        u64 now = now_ns();
        bool quiet = !messages_open() && (!opt.wait_acks || !asks_waiting());
        if (quiet && now >= end && !asks_waiting())
            return true;
        if (quiet && now < end)
            publish(now, (int)burst, COMMENT);
        step(SECOND / 100);
        u64 count = delivered[COMMENT].count;
        progress = count == seen ? progress : now;
        seen = count;
        if (now - progress > STALL)
            return false;
    }
}

static bool run_schedule(double secs, struct pacer main) {
    u64 end = now_ns() + (u64)(secs * 1e9);
    for (;;) {
        u64 a = pace(&main), b = pace(&beside), now = now_ns();
        if (now >= end && !messages_open() && !asks_waiting())
            return true;
        if (now >= end + GRACE)
            return false;
        step(now >= end ? SECOND / 200 : a < b ? a : b);
    }
}

static void talk(void) {
    pace(&beside);
}

static bool run_rejoin(enum how how, double quiet_s, double host_per_s) {
    for (int i = 0; i < opt.viewers; i++)
        conn_reset(&viewers[i]);
    poll_for(quiet_s);
    beside = pacer(say_beside, host_per_s, 100);
    start = mark_now();
    bool all = join_everyone(how, talk);
    stop = mark_now();
    double took_s = (double)(stop.at - start.at) / 1e9;
    line_num("joined_s", took_s);
    line_num("joins_per_s", (double)total.ready / took_s);
    line_num("server_us_per_join", (double)(stop.server_cpu - start.server_cpu) / 1e3 / (double)opt.viewers);
    line_latency("join", &joins.each);
    line_int("retries", joins.retries);
    line_int("resumed", joins.resumed);
    line_int("resets", joins.reset);
    return all;
}

static bool run_named(const char *name, double a, double b, double c) {
    beside = pacer(say_beside, 0, 0);
    if (!strcmp(name, "closed"))
        return run_closed(a, b);
    if (!strcmp(name, "paced"))
        return run_schedule(a, pacer(say, b, a));
    if (!strcmp(name, "flood")) {
        beside = pacer(say_beside, c, a);
        return run_schedule(a, pacer(comment, b, a));
    }
    if (!strcmp(name, "joins") || !strcmp(name, "resumes"))
        return run_rejoin(name[0] == 'j' ? FRESH : RESUMING, a, 0);
    if (!strcmp(name, "cut"))
        return run_rejoin(RESUMING, 0, a);
    if (strcmp(name, "idle"))
        die("no phase is called %s", name);
    poll_for(a);
    return true;
}

bool run_phase(const char *spec) {
    char name[32] = "";
    double a = 1, b = 1, c = 0;
    sscanf(spec, "%31[^:]:%lf:%lf:%lf", name, &a, &b, &c);
    deliveries_reset();
    asks_reset();
    line_begin(name);
    line_text("spec", spec);
    stop.at = 0;
    start = mark_now();
    bool good = run_named(name, a, b, c);
    if (!stop.at)
        stop = mark_now();
    for (int i = 0; i < 100 && viewers_behind(); i++)
        poll_for(0.02); /* what was said last is still under way to some */
    report(&start, &stop);
    line_int("stalled", !good);
    line_end();
    return good;
}
