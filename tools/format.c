/* SPDX-License-Identifier: MIT
 * format.c - numbers as people read them. Sizes are in powers of 1000, as networks count. */
#include "format.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

struct format format_bytes(double bytes) {
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB"};
    int unit = 0;
    while (bytes >= 999.95 && unit < 4) {
        bytes /= 1000;
        unit++;
    }
    struct format f;
    snprintf(f.text, sizeof f.text, "%.*f %s", unit > 0, bytes, units[unit]);
    return f;
}

struct format format_seconds(double seconds) {
    struct format f;
    if (seconds < 9.995)
        snprintf(f.text, sizeof f.text, "%.2f s", seconds);
    else if (seconds < 99.95)
        snprintf(f.text, sizeof f.text, "%.1f s", seconds);
    else
        snprintf(f.text, sizeof f.text, "%.20s min", format_clock(seconds).text);
    return f;
}

struct format format_clock(double seconds) {
    struct format f;
    long s = (long)seconds;
    if (s < 3600)
        snprintf(f.text, sizeof f.text, "%ld:%02ld", s / 60, s % 60);
    else
        snprintf(f.text, sizeof f.text, "%ld:%02ld:%02ld", s / 3600, s / 60 % 60, s % 60);
    return f;
}

struct format format_rate(double a_second) {
    struct format f;
    snprintf(f.text, sizeof f.text, "%.*f", a_second < 9.95, a_second);
    return f;
}

int format_parse_bytes(const char *text, int64_t *out) {
    char *end;
    double value = strtod(text, &end);
    if (end == text || !(value >= 0))
        return -EINVAL;

    double unit = *end == 'k' || *end == 'K' ? 1e3 : *end == 'M' ? 1e6 : *end == 'G' ? 1e9 : 1;
    if (unit > 1)
        end++;
    if (*end != '\0' || value * unit > 1e18)
        return -EINVAL;
    *out = (int64_t)(value * unit);
    return 0;
}
