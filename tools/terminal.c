/* SPDX-License-Identifier: MIT
 * terminal.c - what the terminal behind a stream can do: asked each time, since windows change. */
#include "terminal.h"

#include <langinfo.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

bool terminal_can_move(FILE *stream) {
    const char *term = getenv("TERM");
    return isatty(fileno(stream)) && term && *term && strcmp(term, "dumb") != 0;
}

bool terminal_wants_colour(FILE *stream) {
    const char *no_colour = getenv("NO_COLOR");
    return terminal_can_move(stream) && (!no_colour || !*no_colour);
}

bool terminal_has_unicode(void) {
    return strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

/* told: what the window says, 0 for nothing. */
static int bounded(int told, const char *variable, int otherwise) {
    const char *text = getenv(variable);
    int wanted = text ? atoi(text) : 0;
    if (wanted <= 0)
        return told > 0 ? told : otherwise;
    return told > 0 && told < wanted ? told : wanted;
}

void terminal_size(FILE *stream, int *columns, int *rows) {
    struct winsize size = {0};
    ioctl(fileno(stream), TIOCGWINSZ, &size);
    *columns = bounded(size.ws_col, "COLUMNS", 80);
    *rows = bounded(size.ws_row, "LINES", 24);
}
