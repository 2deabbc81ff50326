/* SPDX-License-Identifier: MIT
 * fetch_name.c - names of files for URLs: readable, harmless, unique.
 *
 * A URL is foreign text, so a name is built from what is allowed, never by removing what is not.
 * User and password are left out, and so is the fragment, which the server never sees. Names are
 * compared without regard to case, for file systems that do the same. */
#include "fetch_name.h"

#include <search.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { NAME_BYTES_MAX = 200, PLAIN_BYTES_MAX = 160, SUFFIX_BYTES_MAX = 16 };

struct name {
    unsigned given; /* how many names have been made of it */
    char text[];
};

/* --- from a URL to a plain name --- */

static bool is_allowed(char c) {
    bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    return is_letter || (c >= '0' && c <= '9') || (c && strchr("._=&,+@-", c));
}

/* FNV-1a: tells apart what was cut off. */
static uint64_t hash(const char *text) {
    uint64_t h = 0xcbf29ce484222325;
    for (; *text; text++)
        h = (h ^ (unsigned char)*text) * 0x100000001b3;
    return h;
}

/* Where the host begins: behind "https://user:password@". */
static const char *host_of(const char *url) {
    const char *host = strstr(url, "://");
    host = host ? host + 3 : url;
    size_t authority = strcspn(host, "/?#");
    const char *at = memrchr(host, '@', authority);
    return at ? at + 1 : host;
}

/* Writes at most NAME_BYTES_MAX bytes and a NUL. */
static void plain_name(const char *url, char out[NAME_BYTES_MAX + 1]) {
    const char *from = host_of(url);
    size_t size = strcspn(from, "#"), n = 0;
    while (size > 0 && from[size - 1] == '/')
        size--;

    for (size_t i = 0; i < size && n < PLAIN_BYTES_MAX; i++) {
        bool may_begin = is_allowed(from[i]) && !strchr("._=&,+@-", from[i]);
        if (n > 0 || may_begin)
            out[n++] = is_allowed(from[i]) ? from[i] : '_';
    }
    out[n] = '\0';
    if (n == 0)
        strcpy(out, "index");
    if (size > PLAIN_BYTES_MAX)
        sprintf(out + n, "-%016llx", (unsigned long long)hash(url));
    if (strlen(out) >= 5 && strcasecmp(out + strlen(out) - 5, ".part") == 0)
        strcat(out, "_"); /* that ending is for halves */
}

/* --- unique names --- */

static int compare(const void *a, const void *b) {
    const struct name *left = a, *right = b;
    return strcasecmp(left->text, right->text);
}

/* The record of a name, made where there is none; NULL without memory. */
static struct name *record(struct fetch_names *names, const char *text) {
    struct name *fresh = calloc(1, sizeof *fresh + strlen(text) + 1);
    if (!fresh)
        return NULL;
    strcpy(fresh->text, text);

    struct name **found = tsearch(fresh, &names->tree, compare);
    if (!found || *found != fresh)
        free(fresh);
    return found ? *found : NULL;
}

/* "page.html", 2 -> "page-2.html" */
static void numbered(const char *plain, unsigned number, char *out, size_t size) {
    const char *dot = strrchr(plain, '.');
    if (!dot || strlen(dot) > 6 || strchr(dot, '_') || strchr(dot, '-'))
        dot = plain + strlen(plain);
    snprintf(out, size, "%.*s-%u%s", (int)(dot - plain), plain, number, dot);
}

char *fetch_names_new(struct fetch_names *names, const char *url) {
    char plain[NAME_BYTES_MAX + 1], name[NAME_BYTES_MAX + SUFFIX_BYTES_MAX];
    plain_name(url, plain);
    struct name *first = record(names, plain);
    if (!first)
        return NULL;
    if (first->given++ == 0)
        return strdup(plain);

    for (;;) { /* a numbered name may be another URL's plain one */
        numbered(plain, first->given, name, sizeof name);
        struct name *other = record(names, name);
        if (!other)
            return NULL;
        if (other->given++ == 0)
            return strdup(name);
        first->given++;
    }
}

void fetch_names_deinit(struct fetch_names *names) {
    if (names->tree)
        tdestroy(names->tree, free);
}
