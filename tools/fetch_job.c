/* SPDX-License-Identifier: MIT
 * fetch_job.c - one URL, from its first attempt to the one that stands.
 *
 * The body is read block by block, so memory does not grow with it, and a full sink slows the
 * transfer down. The time-out is around an attempt's talk with the server; giving the finished body
 * its place is outside, since a slow reader of ours is not the server's fault. */
#include "fetch_job.h"

#include <limits.h>
#include <string.h>

#include "cleanup.h"
#include "fetch_report.h"
#include "fetch_retry.h"
#include "format.h"

struct attempt {
    struct fetch *fetch;
    struct fetch_job *job;
    char *block;            /* FETCH_BLOCK_BYTES */
    struct fetch_body body; /* of a good answer */
    double retry_after;     /* what the server asks for, or -1 */
    bool sink_failed;       /* the fault is ours, not the server's */
};

static void response_freep(eddy_http_response **response) {
    eddy_http_response_free(*response);
}

/* r: the code of its attempt so far. */
static bool is_good(const struct fetch_job *job, int r) {
    return r >= 0 && job->status < 400;
}

/* --- the talk with the server --- */

static int request(struct attempt *a, eddy_http_response **out) {
    eddy_http_request_options options = {
        .url = a->job->url,
        .method = a->fetch->options->head ? "HEAD" : NULL,
    };
    return eddy_http_request(a->fetch->session, &options, out);
}

static void note_answer(struct attempt *a, const eddy_http_response *response) {
    struct fetch_job *job = a->job;
    job->status = eddy_http_response_status(response);
    a->retry_after = fetch_retry_after(eddy_http_response_header(response, "Retry-After"));

    /* The length of a compressed body says nothing about what is read. */
    bool is_packed = eddy_http_response_header(response, "Content-Encoding");
    bool has_body = !a->fetch->options->head;
    job->bytes_expected = is_packed || !has_body ? -1 : eddy_http_response_content_length(response);
}

static int check_limit(const struct attempt *a) {
    int64_t most = a->fetch->options->body_bytes_max;
    if (a->job->bytes <= most && a->job->bytes_expected <= most)
        return 0;
    return eddy_raise(EDDY_ELIMIT, "the body is longer than %s (--max-bytes)",
                      format_bytes(most).text);
}

/* Reads until the block is full or the body ends. Returns how many bytes are in it. Suspends. */
static ssize_t fill_block(struct attempt *a, eddy_http_response *response) {
    size_t used = 0;
    while (used < FETCH_BLOCK_BYTES) {
        ssize_t n = eddy_http_response_read(response, a->block + used, FETCH_BLOCK_BYTES - used);
        if (n < 0)
            return n;
        if (n == 0)
            break;
        used += n;
        a->job->bytes += n;
        a->fetch->tally.bytes += n;

        int r = check_limit(a);
        if (r < 0)
            return r;
    }
    return used;
}

static int receive(struct attempt *a, eddy_http_response *response) {
    for (;;) {
        ssize_t n = fill_block(a, response);
        if (n <= 0)
            return n;

        int r = fetch_body_write(&a->body, a->block, n);
        a->sink_failed = r < 0 && r != -ECANCELED;
        if (r < 0)
            return r;
    }
}

static int talk(struct attempt *a) {
    CLEANUP(response_freep) eddy_http_response *response = NULL;
    int r = request(a, &response);
    if (r < 0)
        return r;

    note_answer(a, response);
    r = check_limit(a);
    if (r < 0)
        return r;

    if (is_good(a->job, r)) { /* an error page is counted, not kept */
        r = fetch_body_open(&a->body, &a->fetch->sink, a->job->name);
        a->sink_failed = r < 0;
        if (r < 0)
            return r;
    }
    return receive(a, response);
}

/* --- an attempt --- */

static void set_error(struct fetch_job *job, const char *sentence) {
    free(job->error);
    job->error = strdup(sentence); /* without memory: no sentence, the state tells */
}

static const char *sentence_of(int r) {
    const eddy_error *error = eddy_last_error();
    return error && error->code == r ? error->message : eddy_error_text(r);
}

static const char *status_text(int status) {
    static const struct {
        int status;
        const char *text;
    } known[] = {
        {400, " Bad Request"}, {401, " Unauthorized"},        {403, " Forbidden"},
        {404, " Not Found"},   {405, " Method Not Allowed"},  {408, " Request Timeout"},
        {410, " Gone"},        {429, " Too Many Requests"},   {500, " Internal Server Error"},
        {502, " Bad Gateway"}, {503, " Service Unavailable"}, {504, " Gateway Timeout"},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (known[i].status == status)
            return known[i].text;
    return "";
}

/* What will be said about it, while the reasons are at hand. */
static void note_failure(struct attempt *a, int r, bool is_late) {
    char text[160];
    const char *sentence = text;
    if (is_late)
        snprintf(text, sizeof text, "timed out after %s, %s had come",
                 format_seconds(a->fetch->options->timeout_seconds).text,
                 format_bytes(a->job->bytes).text);
    else if (r < 0)
        sentence = sentence_of(r);
    else
        snprintf(text, sizeof text, "the server answered %d%s", a->job->status,
                 status_text(a->job->status));
    set_error(a->job, sentence);
}

/* Returns >= 0: answered; -ECANCELED; or why not. Suspends. */
static int attempt(struct attempt *a) {
    eddy_timeout timeout;
    eddy_timeout_begin(&timeout, a->fetch->options->timeout_seconds);
    int r = talk(a);
    bool is_late = r == -ECANCELED && eddy_timeout_expired(&timeout);
    r = eddy_timeout_end(&timeout, r);

    if (is_good(a->job, r)) {
        r = fetch_body_commit(&a->body);
        a->sink_failed = r < 0 && r != -ECANCELED;
    }
    fetch_body_discard(&a->body);

    if (r == -ECANCELED)
        return r;
    if (!is_good(a->job, r))
        note_failure(a, r, is_late);
    if (a->sink_failed)
        fetch_break_off(a->fetch, a->job->error);
    return r;
}

/* --- a job --- */

static void begin_attempt(struct attempt *a) {
    struct fetch_job *job = a->job;
    free(job->error);
    job->error = NULL;
    job->state = FETCH_RUNNING;
    job->status = 0;
    job->bytes = 0;
    job->bytes_expected = -1;
    job->attempts++;
    a->body = (struct fetch_body){.sink = &a->fetch->sink, .fd = -1};
    a->retry_after = -1;
}

/* Whether to try again, after the rest that this takes. Suspends. -ECANCELED, else 0 or 1. */
static int rest(struct attempt *a, int r) {
    struct fetch_job *job = a->job;
    bool is_left = job->attempts <= a->fetch->options->retries;
    if (!is_left || a->sink_failed || !fetch_is_worth_retrying(r, job->status))
        return 0;

    double seconds = fetch_retry_delay(job->attempts, a->retry_after);
    if (seconds < 0)
        return 0;
    job->state = FETCH_RESTING;
    job->rests_until = eddy_time() + seconds;
    r = eddy_sleep(seconds);
    return r < 0 ? r : 1;
}

static void job_begin(struct fetch *fetch, struct fetch_job *job) {
    job->started = eddy_time();
    TAILQ_INSERT_TAIL(&fetch->active, job, link);
}

static void job_end(struct fetch *fetch, struct fetch_job *job, int r) {
    struct fetch_tally *tally = &fetch->tally;
    job->state = r == -ECANCELED ? FETCH_CANCELLED : is_good(job, r) ? FETCH_DONE : FETCH_FAILED;
    job->ended = eddy_time();
    TAILQ_REMOVE(&fetch->active, job, link);

    tally->cancelled += job->state == FETCH_CANCELLED;
    tally->done += job->state == FETCH_DONE;
    tally->failed += job->state == FETCH_FAILED;
    if (r == -ECANCELED)
        set_error(job, "cancelled");
    fetch_report_job(fetch, job);
}

int fetch_job_run(struct fetch *fetch, struct fetch_job *job, char *block) {
    struct attempt a = {.fetch = fetch, .job = job, .block = block};
    int r, again;
    job_begin(fetch, job);
    do {
        begin_attempt(&a);
        r = attempt(&a);
        again = r == -ECANCELED ? r : rest(&a, r);
    } while (again > 0);

    if (again < 0)
        r = again; /* cancelled at rest */
    job_end(fetch, job, r);
    return r == -ECANCELED ? r : 0;
}
