/* SPDX-License-Identifier: MIT
 * fetch_report.c - what is said of a run.
 *
 * A few URLs get a row each; of many, only the failures do, and of many failures the first. --json
 * has them all, a line each as they complete. Those lines are written at once and may block: a
 * reader that stops reading stops the fetch, as with any pipe, and a line is no more than a page's
 * address. */
#include "fetch_report.h"

#include <math.h>
#include <string.h>

#include "format.h"
#include "terminal.h"
#include "text.h"

enum { ROWS_MAX = 20 };

/* --- JSON --- */

static void print_json(const struct fetch_job *job) {
    const char *error = job->state == FETCH_WAITING ? "not started" : job->error;
    fputs("{\"url\":", stdout);
    text_print_json(stdout, job->url);
    if (job->status > 0)
        printf(",\"status\":%d", job->status);
    else
        fputs(",\"status\":null", stdout);

    printf(",\"bytes\":%lld,\"seconds\":%.3f,\"error\":", (long long)job->bytes,
           job->ended - job->started);
    if (error)
        text_print_json(stdout, error);
    else
        fputs(job->state == FETCH_DONE ? "null" : "\"failed\"", stdout);
    fputs("}\n", stdout);
}

void fetch_report_job(struct fetch *fetch, const struct fetch_job *job) {
    if (!fetch->options->json || fetch->broken)
        return;

    print_json(job);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        char text[128];
        snprintf(text, sizeof text, "cannot write to standard output: %s", strerror(errno));
        fetch_break_off(fetch, text);
    }
}

/* --- rows --- */

struct paper {
    FILE *stream;
    bool colour;
};

static const char *paint(const struct paper *paper, const char *sequence) {
    return paper->colour ? sequence : "";
}

static void print_head(const struct paper *paper) {
    fprintf(paper->stream, "%sstatus       bytes        time  page%s\n", paint(paper, "\033[2m"),
            paint(paper, "\033[0m"));
}

/* The sentence without "GET <url>: " where it begins so: the row has the address already. */
static const char *essence(const struct fetch_job *job) {
    const char *url = strstr(job->error, job->url);
    const char *end = url ? url + strlen(job->url) : job->error;
    return strncmp(end, ": ", 2) == 0 ? end + 2 : job->error;
}

static void print_row(const struct paper *paper, const struct fetch_job *job) {
    bool is_good = job->state == FETCH_DONE;
    char status[16] = "-";
    if (job->status > 0)
        snprintf(status, sizeof status, "%d", job->status);

    fprintf(paper->stream, "%s%6s%s  %10s  %10s  ", paint(paper, is_good ? "\033[32m" : "\033[31m"),
            status, paint(paper, "\033[0m"), format_bytes(job->bytes).text,
            format_seconds(job->ended - job->started).text);
    text_print_plain(paper->stream, job->url);

    if (job->error) {
        fprintf(paper->stream, "\n%32s%s", "", paint(paper, "\033[31m"));
        text_print_plain(paper->stream, essence(job));
        if (job->attempts > 1)
            fprintf(paper->stream, " (%d attempts)", job->attempts);
        fputs(paint(paper, "\033[0m"), paper->stream);
    }
    fputc('\n', paper->stream);
}

static void print_rows(const struct paper *paper, const struct fetch *fetch) {
    bool all = fetch->count <= ROWS_MAX;
    size_t rows = 0;
    for (size_t i = 0; i < fetch->count && rows < ROWS_MAX; i++) {
        const struct fetch_job *job = &fetch->jobs[i];
        bool has_ended = job->state == FETCH_DONE || job->state == FETCH_CANCELLED;
        if (job->state != FETCH_FAILED && !(all && has_ended))
            continue;
        if (rows++ == 0)
            print_head(paper);
        print_row(paper, job);
    }
    if (!all && fetch->tally.failed > rows)
        fprintf(paper->stream, "%32s... and %zu more that failed (--json lists them all)\n", "",
                fetch->tally.failed - rows);
    if (rows > 0)
        fputc('\n', paper->stream);
}

/* --- the last line --- */

static const char *interruption(const struct fetch *fetch) {
    return fetch->broken ? "broken off" : fetch->signal ? "interrupted" : NULL;
}

static void print_count(const struct paper *paper, size_t count, const char *what,
                        const char *colour) {
    if (count > 0)
        fprintf(paper->stream, ", %s%zu %s%s", paint(paper, colour), count, what,
                paint(paper, "\033[0m"));
}

static void print_counts(const struct paper *paper, const struct fetch *fetch) {
    const struct fetch_tally *tally = &fetch->tally;
    const char *why = interruption(fetch);
    if (why)
        fprintf(paper->stream, "%s%s:%s ", paint(paper, "\033[33m"), why, paint(paper, "\033[0m"));

    fprintf(paper->stream, "%zu of %zu %s fetched", tally->done, fetch->count,
            fetch->count == 1 ? "page" : "pages");
    print_count(paper, tally->failed, "failed", "\033[31m");
    print_count(paper, tally->cancelled, "cancelled", "\033[33m");
    print_count(paper, fetch->count - tally->done - tally->failed - tally->cancelled, "not started",
                "\033[33m");
}

static void print_total(const struct paper *paper, const struct fetch *fetch) {
    print_counts(paper, fetch);
    double seconds = fmax(fetch->ended - fetch->started, 1e-3); /* for the rates' sake */
    fprintf(paper->stream, "; %s in %s (%s/s, %s pages/s)\n", format_bytes(fetch->tally.bytes).text,
            format_seconds(seconds).text, format_bytes(fetch->tally.bytes / seconds).text,
            format_rate(fetch->tally.done / seconds).text);
}

void fetch_report(struct fetch *fetch) {
    const struct fetch_options *options = fetch->options;
    if (options->json)
        for (size_t i = 0; i < fetch->count; i++)
            if (fetch->jobs[i].state == FETCH_WAITING)
                fetch_report_job(fetch, &fetch->jobs[i]);

    FILE *stream = options->json || options->to_stdout ? stderr : stdout;
    struct paper paper = {stream, terminal_wants_colour(stream)};
    if (!options->quiet) {
        print_rows(&paper, fetch);
        print_total(&paper, fetch);
    }
    if (fetch->broken) {
        fputs("eddy fetch: ", stderr);
        text_print_plain(stderr, fetch->broken);
        fputc('\n', stderr);
    }
}
