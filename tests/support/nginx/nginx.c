/* SPDX-License-Identifier: MIT
 * nginx.c - reads the environment that with_nginx.py made. */
#include "nginx.h"

#include <stdio.h>
#include <stdlib.h>

const char *nginx_value(const char *name) {
    const char *value = getenv(name);
    if (value)
        return value;

    fprintf(stderr, "%s is not set: run this test through tests/support/nginx/with_nginx.py\n",
            name);
    exit(2);
}

const char *nginx_url(const char *server, const char *path) {
    static char urls[8][256];
    static unsigned turn;
    char *url = urls[turn++ % 8];

    snprintf(url, sizeof urls[0], "%s%s", nginx_value(server), path);
    return url;
}
