/* SPDX-License-Identifier: MIT
 * fetch_progress.c - the moving picture of a run: when it is drawn, and over what.
 *
 * A frame is made in memory and written in one piece over the one before, and the screen below it
 * is wiped. The cursor rests at the start of the line below the picture, so that whatever ends the
 * program leaves a usable terminal.
 * Read next: fetch_picture.c, what a frame looks like. */
#include "fetch_progress.h"

#include <stdlib.h>
#include <unistd.h>

#include "cleanup.h"
#include "fetch_picture.h"
#include "terminal.h"

#define FRAME_SECONDS 0.1
enum { SAMPLES = 20 }; /* rates are those of the last two seconds */

struct sample {
    double time;
    int64_t bytes;
    size_t pages;
};

struct progress {
    const struct fetch *fetch;
    bool colour, unicode;
    int height;   /* lines of the frame on the screen */
    size_t frame; /* how many have been drawn */
    struct sample samples[SAMPLES];
};

bool fetch_progress_is_wanted(const struct fetch_options *options) {
    bool shares_screen = (options->json || options->to_stdout) && isatty(STDOUT_FILENO);
    return !options->quiet && !options->no_progress && !shares_screen && terminal_can_move(stderr);
}

/* Notes where we are, and takes the difference to the oldest sample there is. */
static void measure(struct progress *p, struct fetch_view *view) {
    const struct fetch_tally *tally = &p->fetch->tally;
    struct sample now = {eddy_time(), tally->bytes, tally->done + tally->failed};
    struct sample oldest = p->samples[p->frame % SAMPLES];
    if (p->frame < SAMPLES)
        oldest = (struct sample){.time = p->fetch->started};
    p->samples[p->frame++ % SAMPLES] = now;

    double seconds = now.time - oldest.time;
    view->now = now.time;
    view->bytes_per_second = seconds > 0 ? (now.bytes - oldest.bytes) / seconds : 0;
    view->pages_per_second = seconds > 0 ? (now.pages - oldest.pages) / seconds : 0;
}

/* A terminal that takes nothing is left alone until the next frame. */
static void write_terminal(const char *data, size_t size) {
    while (size > 0) {
        ssize_t n = write(STDERR_FILENO, data, size);
        if (n <= 0)
            return;
        data += n;
        size -= n;
    }
}

/* view NULL: only wipes. */
static void draw(struct progress *p, const struct fetch_view *view) {
    CLEANUP(freep) char *frame = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&frame, &size);
    if (!out)
        return;

    if (p->height > 0)
        fprintf(out, "\r\033[%dA", p->height); /* "\r": the terminal may have echoed "^C" */
    int height = view ? fetch_picture(out, p->fetch, view) : 0;
    fputs("\033[J", out);
    if (fclose(out) != 0)
        return;
    write_terminal(frame, size);
    p->height = height;
}

int fetch_progress(void *arg) {
    struct progress p = {
        .fetch = arg,
        .colour = terminal_wants_colour(stderr),
        .unicode = terminal_has_unicode(),
    };
    int r;
    while ((r = eddy_sleep(FRAME_SECONDS)) >= 0) {
        struct fetch_view view = {.colour = p.colour, .unicode = p.unicode};
        terminal_size(stderr, &view.columns, &view.rows);
        measure(&p, &view);
        draw(&p, &view);
    }
    if (p.height > 0)
        draw(&p, NULL);
    return r;
}
