/* SPDX-License-Identifier: MIT
 * format.h - numbers as people read them. */
#ifndef TOOLS_FORMAT_H
#define TOOLS_FORMAT_H

#include <stdint.h>

/* A small text by value, so that several fit into one printf: format_bytes(n).text. */
struct format {
    char text[32];
};

struct format format_bytes(double bytes);     /* "0 B", "999 B", "1.5 kB", "20.0 MB" */
struct format format_seconds(double seconds); /* "0.05 s", "12.3 s", "4:05 min" */
struct format format_clock(double seconds);   /* "0:01", "12:59", "1:00:00" */
struct format format_rate(double a_second);   /* "0.5", "97", "12000" */

/* "500", "20k", "1.5M", "2G" to bytes (powers of 1000). Returns 0 or -EINVAL. */
int format_parse_bytes(const char *text, int64_t *out);

#endif
