/* SPDX-License-Identifier: MIT
 * lines.h - a text without end whose lines are their own numbers, 16 bytes each: any piece of it
 * can be made, and verified, from its position alone. nginx's large.txt begins with it. */
#ifndef TEST_LINES_H
#define TEST_LINES_H

#include <stddef.h>

/* "000000000000042\n" */
static inline void line_write(char line[16], size_t number) {
    line[15] = '\n';
    for (int i = 14; i >= 0; i--, number /= 10)
        line[i] = (char)('0' + number % 10);
}

/* Writes `size` bytes of the text, from `position` on. */
static inline void lines_write(char *data, size_t position, size_t size) {
    char line[16];

    for (size_t i = 0; i < size; i++, position++) {
        if (i == 0 || position % 16 == 0)
            line_write(line, position / 16);
        data[i] = line[position % 16];
    }
}

#endif
