/* report.c - time, the latency histogram, and one JSON line a phase on stdout. */
#include "fanload.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static u64 read_clock(clockid_t id) {
    struct timespec t;
    clock_gettime(id, &t);
    return (u64)t.tv_sec * SECOND + (u64)t.tv_nsec;
}

u64 now_ns(void) {
    return read_clock(CLOCK_MONOTONIC) % 10000000000000000ull;
}

u64 own_cpu_ns(void) {
    return read_clock(CLOCK_PROCESS_CPUTIME_ID);
}

void die(const char *format, ...) {
    va_list args;
    va_start(args, format);
    fputs("fanload: ", stderr);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    exit(2);
}

void warn_few(const char *format, ...) {
    static int told;
    if (told++ >= 20)
        return;
    va_list args;
    va_start(args, format);
    fputs("fanload: ", stderr);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
}

/* Values below 64 have a bucket each; above, the top six bits after the leading one choose it. */
void histogram_add(struct histogram *h, u64 ns) {
    int i = (int)ns;
    if (ns >= 64) {
        int exponent = 63 - __builtin_clzll(ns);
        i = (exponent - 5) * 64 + (int)((ns >> (exponent - 6)) & 63);
    }
    h->bucket[i < BUCKETS ? i : BUCKETS - 1]++;
    h->count++;
    if (ns > h->max)
        h->max = ns;
}

double quantile_ms(const struct histogram *h, double q) {
    u64 wanted = (u64)(q * (double)h->count), seen = 0;
    for (int i = 0; i < BUCKETS && h->count; i++) {
        seen += h->bucket[i];
        if (seen <= wanted)
            continue;
        if (i < 64)
            return i / 1e6;
        return (double)(64 + (i & 63)) * (double)(1ull << (i / 64 - 1)) / 1e6;
    }
    return (double)h->max / 1e6;
}

void line_begin(const char *phase) {
    printf("{\"label\":\"%s\",\"phase\":\"%s\",\"viewers\":%d", opt.label, phase, opt.viewers);
}

void line_int(const char *name, u64 value) {
    printf(",\"%s\":%llu", name, (unsigned long long)value);
}

void line_num(const char *name, double value) {
    printf(",\"%s\":%.3f", name, value);
}

void line_text(const char *name, const char *value) {
    printf(",\"%s\":\"%s\"", name, value);
}

void line_latency(const char *name, const struct histogram *h) {
    printf(",\"%s_p50_ms\":%.3f,\"%s_p99_ms\":%.3f,\"%s_max_ms\":%.3f", name, quantile_ms(h, 0.5), name,
           quantile_ms(h, 0.99), name, (double)h->max / 1e6);
}

void line_end(void) {
    puts("}");
    fflush(stdout);
}
