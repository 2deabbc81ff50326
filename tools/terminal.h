/* SPDX-License-Identifier: MIT
 * terminal.h - what the terminal behind a stream can do. */
#ifndef TOOLS_TERMINAL_H
#define TOOLS_TERMINAL_H

#include <stdbool.h>
#include <stdio.h>

/* A terminal whose cursor can be moved; false for TERM=dumb and for what is no terminal. */
bool terminal_can_move(FILE *stream);

/* The same, and nobody has set NO_COLOR. */
bool terminal_wants_colour(FILE *stream);

/* Whether the locale's characters are Unicode: needs setlocale(LC_CTYPE, ""). */
bool terminal_has_unicode(void);

/* Its size now; COLUMNS and LINES make it smaller, and stand in where it does not tell. */
void terminal_size(FILE *stream, int *columns, int *rows);

#endif
