/* text.c - what is said: sentences of a corpus around a marker, put into the caller's template. */
#include "fanload.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char **sentences;
static size_t sentence_count;

/* Understands \r \n \t \xHH and \\. */
struct bytes unescape(const char *text) {
    struct bytes out = {0, malloc(strlen(text) + 1)};
    for (; *text; text++) {
        unsigned char byte = (unsigned char)*text;
        if (byte == '\\' && text[1]) {
            switch (*++text) {
            case 'r': byte = '\r'; break;
            case 'n': byte = '\n'; break;
            case 't': byte = '\t'; break;
            case 'x':
                if (!text[1] || !text[2])
                    die("\\x needs two hexadecimal digits");
                byte = (unsigned char)strtol((char[]){text[1], text[2], 0}, NULL, 16);
                text += 2;
                break;
            default: byte = (unsigned char)*text;
            }
        }
        out.data[out.len++] = byte;
    }
    return out;
}

/* Calls `take` with every line that is not empty, without its newline. */
static void each_line(const char *path, void (*take)(char *line, size_t n)) {
    FILE *file = fopen(path, "r");
    if (!file)
        die("cannot read %s", path);
    char *line = NULL;
    size_t cap = 0;
    ssize_t n;
    while ((n = getline(&line, &cap, file)) >= 0) {
        while (n && (line[n - 1] == '\n' || line[n - 1] == '\r'))
            line[--n] = 0;
        if (n)
            take(line, (size_t)n);
    }
    free(line);
    fclose(file);
}

/* A sentence goes into JSON as it is, so what JSON would escape is replaced: the length stays known. */
static void take_sentence(char *line, size_t n) {
    for (size_t i = 0; i < n; i++)
        line[i] = line[i] == '"' ? '\'' : line[i] == '\\' ? '/' : (unsigned char)line[i] < ' ' ? ' ' : line[i];
    if (sentence_count % 256 == 0)
        sentences = realloc(sentences, (sentence_count + 256) * sizeof *sentences);
    sentences[sentence_count++] = strdup(line);
}

void load_corpus(const char *path) {
    each_line(path, take_sentence);
    if (!sentence_count)
        die("%s holds no sentence", path);
}

static int joins_taken;
static void take_join(char *line, size_t n) {
    if (joins_taken < opt.viewers)
        viewers[joins_taken++].join = (struct bytes){n, (unsigned char *)strdup(line)};
}

void load_joins(const char *path) {
    each_line(path, take_join);
    if (joins_taken < opt.viewers)
        die("%s has %d lines for %d viewers", path, joins_taken, opt.viewers);
}

/* Copies at most `n` bytes of UTF-8 and never half a character. Returns: bytes copied. */
static size_t copy_text(char *out, const char *text, size_t n) {
    size_t len = strlen(text);
    if (len > n) {
        len = n;
        while (len && ((unsigned char)text[len] & 0xC0) == 0x80)
            len--;
    }
    memcpy(out, text, len);
    return len;
}

void write_body(char *out, const struct message *m, int size) {
    static size_t next;
    size_t n = (size_t)sprintf(out, "%s=%016llu ", m->kind == HOST ? "hs" : "ts", (unsigned long long)m->stamp);
    size_t limit = size ? (size_t)size : 180;
    if (sentence_count && n < limit)
        n += copy_text(out + n, sentences[next++ % sentence_count], limit - n);
    while (n < (size_t)size)
        out[n++] = 'x';
    out[n] = 0;
}

bool wants_ref(struct bytes template) {
    return memmem(template.data, template.len, "%r", 2);
}

size_t fill_template(unsigned char *out, size_t cap, struct bytes template, const struct fill *values) {
    size_t n = 0;
    for (size_t i = 0; i < template.len; i++) {
        char number[24];
        const char *put = NULL;
        if (template.data[i] == '%' && i + 1 < template.len) {
            switch (template.data[i + 1]) {
            case 's': put = values->text; break;
            case 't': put = values->token; break;
            case 'e': put = values->epoch; break;
            case 'r': sprintf(number, "%llu", (unsigned long long)values->ref), put = number; break;
            case 'q': sprintf(number, "%llu", (unsigned long long)values->seq), put = number; break;
            case '%': put = "%"; break;
            }
        }
        size_t len = put ? strlen(put) : 1;
        if (n + len > cap)
            die("a message is longer than %zu bytes", cap);
        memcpy(out + n, put ? (const void *)put : template.data + i, len);
        n += len;
        i += put != NULL;
    }
    return n;
}
