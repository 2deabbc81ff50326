/* SPDX-License-Identifier: MIT
 * fetch_picture.c - one frame of the moving picture.
 *
 *   ━━━━━━━━━━━━━━━━━━━━━━━╾───────────────  62%   62 of 100   1.9 MB/s   61 pages/s   0:01
 *   62 done   37 running
 *
 *   ━━━━━━━━━━━━━━━━╾───    80%    16.0 kB    0.8 s  http://127.0.0.1:8080/63
 *   ...
 *   ▇▇▇▇▆▆▆▆▅▅▅▅▃▃▃▃▂▂▂▂  20 more
 *
 * The oldest transfers get a line each; those beyond the window's height are one character each, as
 * tall as they have come far. Widths are counted in cells: everything drawn is one cell wide. */
#include "fetch_picture.h"

#include <math.h>
#include <stdarg.h>
#include <string.h>

#include "format.h"

enum {
    COLUMNS_LEAST = 20,
    BAR_CELLS = 20,
    TOTAL_CELLS_LEAST = 10,
    TOTAL_CELLS = 40,
    FIXED_LINES = 5, /* the total, the counts, a blank, those that do not fit; the cursor's */
    FREE_SHARE = 6   /* a sixth of the window keeps what stood there before */
};

enum colour { PLAIN, DIM, GREEN, CYAN, YELLOW, RED };

struct brush {
    FILE *out;
    const struct fetch_view *view;
    enum colour colour;
    int cells_left; /* of this line */
};

static void colour(struct brush *b, enum colour colour) {
    static const char *const sequences[] = {"\033[0m",    "\033[0;2m",  "\033[0;32m",
                                            "\033[0;36m", "\033[0;33m", "\033[0;31m"};
    if (b->view->colour && b->colour != colour)
        fputs(sequences[colour], b->out);
    b->colour = colour;
}

static void line_begin(struct brush *b) {
    b->cells_left = b->view->columns - 1; /* the last column would wrap */
}

static void line_end(struct brush *b) {
    colour(b, PLAIN);
    fputs("\033[K\n", b->out); /* wipes what an earlier frame left behind its end */
}

/* A cell, in either alphabet. */
static void cell(struct brush *b, const char *unicode, char ascii) {
    if (b->cells_left-- <= 0)
        return;
    if (b->view->unicode)
        fputs(unicode, b->out);
    else
        fputc(ascii, b->out);
}

/* Printable ASCII, cut where the line ends. */
static void words(struct brush *b, const char *text) {
    for (; *text && b->cells_left > 0; text++, b->cells_left--)
        fputc(*text >= ' ' && *text <= '~' ? *text : '?', b->out);
}

__attribute__((format(printf, 2, 3))) static void print(struct brush *b, const char *format, ...) {
    char text[256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    words(b, text);
}

/* Its head and its tail, where it does not fit: pages of a site differ in the tail. */
static void address(struct brush *b, const char *url) {
    int size = (int)strlen(url), room = b->cells_left;
    if (size <= room) {
        words(b, url);
        return;
    }
    int head = room / 3, tail = room - head - 1;
    if (tail <= 0)
        return;
    print(b, "%.*s", head, url);
    cell(b, "…", '~');
    words(b, url + size - tail);
}

/* --- bars --- */

static void bar(struct brush *b, int cells, double share, enum colour full) {
    int halves = (int)(2 * cells * fmin(fmax(share, 0), 1));
    colour(b, full);
    for (int i = 0; i < halves / 2; i++)
        cell(b, "━", '#');
    if (halves % 2)
        cell(b, "╾", '>');
    colour(b, DIM);
    for (int i = halves / 2 + halves % 2; i < cells; i++)
        cell(b, "─", '-');
    colour(b, PLAIN);
}

/* For a body whose length nobody has told: a piece that wanders. */
static void wandering_bar(struct brush *b, int cells, double now) {
    enum { PIECE = 5 };
    int way = 2 * (cells - PIECE), at = (int)fmod(now * 20, way);
    if (at > cells - PIECE)
        at = way - at;
    for (int i = 0; i < cells; i++) {
        bool is_piece = i >= at && i < at + PIECE;
        colour(b, is_piece ? CYAN : DIM);
        cell(b, is_piece ? "━" : "─", is_piece ? '#' : '-');
    }
    colour(b, PLAIN);
}

static double share_of(const struct fetch_job *job) {
    return job->bytes_expected > 0 ? (double)job->bytes / job->bytes_expected : 0;
}

/* --- the lines --- */

/* How many jobs are under way, and how much of them has come: half of each of two is one. */
static size_t running_count(const struct fetch *fetch, double *share) {
    size_t count = 0;
    const struct fetch_job *job;
    *share = 0;
    TAILQ_FOREACH(job, &fetch->active, link) {
        *share += fmin(share_of(job), 1);
        count++;
    }
    return count;
}

static int within(int least, int value, int most) {
    return value < least ? least : value > most ? most : value;
}

static void total_line(struct brush *b, const struct fetch *fetch, double running_share) {
    size_t ended = fetch->tally.done + fetch->tally.failed;
    double share = fetch->count ? (ended + running_share) / fetch->count : 0;
    int cells = within(TOTAL_CELLS_LEAST, b->view->columns - 56, TOTAL_CELLS);

    line_begin(b);
    words(b, "  ");
    bar(b, cells, share, GREEN);
    print(b, " %3.0f%%   %zu of %zu   %s/s   %s pages/s   %s", floor(100 * share), ended,
          fetch->count, format_bytes(b->view->bytes_per_second).text,
          format_rate(b->view->pages_per_second).text,
          format_clock(b->view->now - fetch->started).text);
    line_end(b);
}

static void count_of(struct brush *b, size_t count, const char *what, enum colour of) {
    if (count == 0)
        return;
    colour(b, of);
    print(b, "  %zu %s", count, what);
    colour(b, PLAIN);
}

static void count_line(struct brush *b, const struct fetch *fetch, size_t running) {
    line_begin(b);
    count_of(b, fetch->tally.done, "done", GREEN);
    count_of(b, fetch->tally.failed, "failed", RED);
    count_of(b, running, "running", CYAN);
    count_of(b, fetch->count - fetch->next, "waiting", DIM);
    line_end(b);
}

static void resting_job(struct brush *b, const struct fetch_job *job) {
    char text[BAR_CELLS + 1];
    snprintf(text, sizeof text, "again in %.1f s", fmax(0, job->rests_until - b->view->now));
    colour(b, YELLOW);
    print(b, "%-*s  %4s", BAR_CELLS, text, "");
    colour(b, PLAIN);
}

static void running_job(struct brush *b, const struct fetch_job *job) {
    if (job->bytes_expected > 0) {
        bar(b, BAR_CELLS, share_of(job), CYAN);
        print(b, "  %3.0f%%", fmin(floor(100 * share_of(job)), 100));
    } else {
        if (job->status == 0)
            bar(b, BAR_CELLS, 0, DIM);
        else
            wandering_bar(b, BAR_CELLS, b->view->now);
        print(b, "  %4s", "");
    }
}

static void job_line(struct brush *b, const struct fetch_job *job) {
    line_begin(b);
    words(b, "  ");
    if (job->state == FETCH_RESTING)
        resting_job(b, job);
    else
        running_job(b, job);
    print(b, " %9s %7s  ", format_bytes(job->bytes).text,
          format_seconds(b->view->now - job->started).text);
    colour(b, DIM);
    address(b, job->url);
    line_end(b);
}

/* One character each, from `job` on. */
static void more_line(struct brush *b, const struct fetch_job *job, size_t count) {
    static const char *const blocks[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    line_begin(b);
    words(b, "  ");
    b->cells_left -= 16; /* "  100000 more" */
    for (; job && b->cells_left > 0; job = TAILQ_NEXT(job, link)) {
        int level = (int)fmin(share_of(job) * 8, 7);
        bool rests = job->state == FETCH_RESTING;
        colour(b, rests ? YELLOW : job->status ? CYAN : DIM);
        cell(b, blocks[level], ".:-=+*%#"[level]);
    }
    colour(b, PLAIN);
    b->cells_left += 16;
    print(b, "  %zu more", count);
    line_end(b);
}

int fetch_picture(FILE *out, const struct fetch *fetch, const struct fetch_view *view) {
    if (view->columns < COLUMNS_LEAST || view->rows <= FIXED_LINES)
        return 0;

    struct brush b = {.out = out, .view = view};
    double running_share;
    size_t running = running_count(fetch, &running_share), shown = 0;
    size_t room = view->rows - FIXED_LINES - view->rows / FREE_SHARE;
    total_line(&b, fetch, running_share);
    count_line(&b, fetch, running);
    line_begin(&b);
    line_end(&b);

    const struct fetch_job *job = TAILQ_FIRST(&fetch->active);
    for (; job && shown < room; job = TAILQ_NEXT(job, link), shown++)
        job_line(&b, job);
    if (!job)
        return 3 + (int)shown;

    more_line(&b, job, running - shown);
    return 4 + (int)shown;
}
