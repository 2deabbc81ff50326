/* SPDX-License-Identifier: MIT
 * http_eddy.c - many GETs of one URL by eddy-http: a task per concurrent transfer, which fetches
 * until all are done. One session with its defaults; bodies are read whole and checked.
 * usage: http_eddy URL REQUESTS CONCURRENCY BODY_BYTES. Beside it: http_libcurl.c. */
#include <eddy/http.h>
#include <stdlib.h>

#include "bench.h"
#include "http_report.h"

struct job {
    eddy_http_session *session;
    const char *url;
    long to_start;
    size_t body_bytes; /* what every body must have */
};

static int response_check(eddy_http_response *response, size_t body_bytes) {
    eddy_slice body;

    int r = eddy_http_response_text(response, &body);
    if (r < 0)
        return r;
    if (eddy_http_response_status(response) != 200)
        return eddy_raise(-EBADMSG, "the status is not 200");
    if (body.size != body_bytes)
        return eddy_raise(-EBADMSG, "a body of the wrong size");
    return 0;
}

static int fetch_until_done(void *arg) {
    struct job *job = arg;
    eddy_http_response *response;
    int r = 0;

    while (r >= 0 && job->to_start > 0) {
        job->to_start--;
        r = eddy_http_get(job->session, job->url, &response);
        if (r < 0)
            return r;
        r = response_check(response, job->body_bytes);
        eddy_http_response_free(response);
    }
    return r;
}

static int fetch_all(struct job *job, long concurrency) {
    eddy_task **tasks = calloc((size_t)concurrency, sizeof(eddy_task *));
    if (!tasks)
        return -ENOMEM;

    for (long i = 0; i < concurrency; i++)
        tasks[i] = eddy_create_task(fetch_until_done, job);
    int r = eddy_gather_array(tasks, (int)concurrency, NULL);
    free(tasks);
    return r;
}

static char **arguments; /* of main() */
static int argument_count;

static int bench_main(void *arg) {
    long requests = bench_count(argument_count, arguments, 2, 10000);
    long concurrency = bench_count(argument_count, arguments, 3, 100);
    struct job job = {
        .url = argument_count > 1 ? arguments[1] : "http://127.0.0.1/",
        .to_start = requests,
        .body_bytes = (size_t)bench_count(argument_count, arguments, 4, 1024),
    };

    (void)arg;
    int r = eddy_http_session_new(NULL, &job.session);
    if (r < 0)
        return r;

    int64_t start_ns = bench_now_ns();
    r = fetch_all(&job, concurrency);
    if (r >= 0)
        http_report(requests, bench_now_ns() - start_ns);
    eddy_http_session_free(job.session);
    return r;
}

int main(int argc, char *argv[]) {
    argument_count = argc;
    arguments = argv;
    return eddy_main(bench_main, NULL);
}
