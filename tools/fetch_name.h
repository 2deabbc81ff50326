/* SPDX-License-Identifier: MIT
 * fetch_name.h - names of files for URLs. */
#ifndef TOOLS_FETCH_NAME_H
#define TOOLS_FETCH_NAME_H

/* The names given so far. All zero is empty. */
struct fetch_names {
    void *tree; /* tsearch()'s */
};

/* A name for `url` that no other URL has: a single path component of [A-Za-z0-9._=&,+@-] that
 * begins with a letter or digit, has at most 200 bytes and does not end in ".part".
 * "https://example.org/a/b?c=1" becomes "example.org_a_b_c=1"; a second one of that name gets "-2".
 * Returns new memory, or NULL without any. */
char *fetch_names_new(struct fetch_names *names, const char *url);

void fetch_names_deinit(struct fetch_names *names);

#endif
