/* asks.c - every command carries a rising ref, and every ref is answered exactly once, where it was asked. */
#include "fanload.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct asked_one {
    u64 intended;
    struct conn *by;
    struct message *message;
    int life;
    uint8_t kind, answers;
};

#define CODES 12
struct tally {
    u64 asked, ok, hidden, refused; /* hidden: accepted, and not shown to others */
    struct histogram answer;                 /* from the intended time */
    struct {
        char name[32];
        u64 count;
    } codes[CODES];
};

static struct asked_one *asked; /* by ref; ref 0 is never used */
static u64 next_ref = 1, first_of_phase = 1, cap, twice, astray, owed;
static struct tally tallies[ASKED_KINDS];

u64 ask(struct conn *c, enum asked kind, u64 intended, struct message *m) {
    if (next_ref >= cap) {
        cap = cap ? cap * 2 : 4096;
        asked = realloc(asked, cap * sizeof *asked);
    }
    asked[next_ref] = (struct asked_one){intended, c, m, c->life, (uint8_t)kind, 0};
    tallies[kind].asked++;
    c->owed++;
    owed++;
    return next_ref++;
}

static void count_code(struct tally *t, const char *code) {
    t->refused++;
    for (int i = 0; i < CODES; i++) {
        if (!t->codes[i].count)
            snprintf(t->codes[i].name, sizeof t->codes[i].name, "%s", code);
        if (!strcmp(t->codes[i].name, code)) {
            t->codes[i].count++;
            return;
        }
    }
}

static void take_answer(struct conn *c, u64 ref, const char *code, bool shown) {
    if (ref == 0 || ref >= next_ref || asked[ref].by != c || asked[ref].life != c->life) {
        astray++;
        return;
    }
    struct asked_one *a = &asked[ref];
    if (a->answers++) {
        twice++;
        return;
    }
    c->owed--;
    owed--;
    struct tally *t = &tallies[a->kind];
    if (ref >= first_of_phase) {
        histogram_add(&t->answer, loop_now > a->intended ? loop_now - a->intended : 0);
        code ? count_code(t, code) : (void)(shown ? t->ok++ : t->hidden++);
    }
    if (a->message && (code || !shown))
        message_dropped(a->message);
    if (a->kind == ASKED_JOIN && code) {
        warn_few("join refused: %s", code);
        conn_lost(c, NULL);
    }
}

/* Copies the JSON string that follows `key` within the message. Returns: false if there is none. */
static bool string_of(const char *at, const char *end, const char *key, char *out, size_t cap_out) {
    const char *from = memmem(at, (size_t)(end - at), key, strlen(key));
    if (!from)
        return false;
    from += strlen(key);
    const char *to = memchr(from, '"', (size_t)(end - from));
    if (!to || (size_t)(to - from) >= cap_out)
        return false;
    memcpy(out, from, (size_t)(to - from));
    out[to - from] = 0;
    return true;
}

static void keep_joined(struct conn *c, const char *at, const char *end) {
    char token[3100], epoch[80];
    if (!string_of(at, end, "\"resume\":\"", token, sizeof token) || !string_of(at, end, "\"epoch\":\"", epoch, sizeof epoch))
        return;
    free(c->resume_token);
    free(c->epoch);
    c->resume_token = strdup(token);
    c->epoch = strdup(epoch);
    if (joins.how == RESUMING && memmem(at, (size_t)(end - at), "\"resumed\":true", 14))
        joins.resumed++;
}

/* Replies are flat maps with the name in front, so they are found without a JSON parser. */
void read_replies(struct conn *c, const unsigned char *plain, size_t n) {
    const char *at = (const char *)plain, *all = at + n;
    while (c->state == OPEN && (at = memmem(at, (size_t)(all - at), "{\"t\":\"", 6))) {
        const char *name = at + 6, *end = memmem(name, (size_t)(all - name), "{\"t\":\"", 6);
        end = end ? end : all;
        at = end;
        const char *ref = memmem(name, (size_t)(end - name), "\"ref\":", 6);
        if (!ref)
            continue;
        char code[32];
        bool error = !memcmp(name, "error", 5) && string_of(name, end, "\"code\":\"", code, sizeof code);
        bool shown = !memmem(name, (size_t)(end - name), "\"shown\":false", 13);
        if (!memcmp(name, "joined", 6))
            keep_joined(c, name, end);
        take_answer(c, strtoull(ref + 6, NULL, 10), error ? code : NULL, shown);
    }
}

u64 asks_waiting(void) {
    return owed;
}

void asks_forgiven(struct conn *c) {
    owed -= (u64)c->owed;
    c->owed = 0;
}

void asks_reset(void) {
    memset(tallies, 0, sizeof tallies);
    first_of_phase = next_ref;
    twice = astray = 0;
}

void asks_report(enum asked kind, const char *name) {
    const struct tally *t = &tallies[kind];
    printf(",\"%s\":{\"asked\":%llu,\"ok\":%llu,\"hidden\":%llu,\"refused\":{", name, (unsigned long long)t->asked,
           (unsigned long long)t->ok, (unsigned long long)t->hidden);
    for (int i = 0; i < CODES && t->codes[i].count; i++)
        printf("%s\"%s\":%llu", i ? "," : "", t->codes[i].name, (unsigned long long)t->codes[i].count);
    printf("},\"answer_p50_ms\":%.3f,\"answer_p99_ms\":%.3f}", quantile_ms(&t->answer, 0.5),
           quantile_ms(&t->answer, 0.99));
}

void asks_report_faults(void) {
    line_int("unanswered", asks_waiting());
    line_int("answered_twice", twice);
    line_int("answered_astray", astray);
}
