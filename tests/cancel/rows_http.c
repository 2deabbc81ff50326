/* SPDX-License-Identifier: MIT
 * rows_http.c - the suspending calls of the HTTP client, against a server that waits for its cue.
 */
#include <eddy/http.h>
#include <stdio.h>

#include "row.h"

static const char head[] = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n";

struct page {
    eddy_http_session *session;
    eddy_http_response *response;
    char url[64];
    bool head_first; /* the head is sent before the cue, the body after it */
};

static struct page page; /* of the row whose turn it is */

static int answer_on_cue(eddy_stream *stream, void *arg) {
    struct scene *scene = arg;
    eddy_slice request;
    ssize_t n;
    int r = 0;

    while (r == 0 && (n = eddy_stream_read_until(stream, "\r\n\r\n", &request)) > 0) {
        if (page.head_first)
            r = eddy_stream_write(stream, head, sizeof(head) - 1);
        if (r == 0)
            r = eddy_event_wait(&scene->event);
        if (r == 0 && !page.head_first)
            r = eddy_stream_write(stream, head, sizeof(head) - 1);
        if (r == 0)
            r = eddy_stream_write(stream, "abc\n", 4);
    }
    return 0;
}

static void give_cue(struct scene *scene) {
    eddy_event_set(&scene->event);
}

static void open_page(struct scene *scene) {
    page = (struct page){0};
    ASSERT_OK(eddy_start_server(answer_on_cue, scene, "127.0.0.1", "0", NULL, &scene->server));
    snprintf(page.url, sizeof(page.url), "http://127.0.0.1:%d/", eddy_server_port(scene->server));
    ASSERT_OK(eddy_http_session_new(&(eddy_http_session_options){.proxy = ""}, &page.session));
}

static void open_body(struct scene *scene) {
    open_page(scene);
    page.head_first = true;
    ASSERT_OK(eddy_http_get(page.session, page.url, &page.response));
}

static void close_page(struct scene *scene) {
    eddy_http_response_free(page.response);
    eddy_http_session_free(page.session);
    if (eddy_running_loop())
        eddy_server_cancel_clients(scene->server);
    eddy_server_close(scene->server);
}

static int got(int r, eddy_http_response *response) {
    ASSERT((r >= 0) == (response != NULL));
    if (r >= 0)
        ASSERT_INT_EQ(eddy_http_response_status(response), 200);
    eddy_http_response_free(response);
    return r;
}

static int gets(struct scene *scene) {
    eddy_http_response *response = NULL;
    int r = eddy_http_get(page.session, page.url, &response);

    (void)scene;
    return got(r, response);
}

static int requests(struct scene *scene) {
    eddy_http_response *response = NULL;
    int r = eddy_http_request(
        NULL, &(eddy_http_request_options){.url = page.url, .body = "abc", .body_bytes = 3},
        &response);

    (void)scene;
    return got(r, response);
}

static int reads(struct scene *scene) {
    ssize_t n = eddy_http_response_read(page.response, scene->lent, sizeof(scene->lent));

    ASSERT(n < 0 || n == 4);
    return n < 0 ? (int)n : 0;
}

static int reads_text(struct scene *scene) {
    eddy_slice text;
    int r = eddy_http_response_text(page.response, &text);

    (void)scene;
    if (r >= 0)
        ASSERT_STR_EQ(text.data, "abc\n");
    return r;
}

const struct row http_rows[] = {
    {"eddy_http_get", gets, give_cue, open_page, close_page, LATCHES | THREAD},
    {"eddy_http_request", requests, give_cue, open_page, close_page, LATCHES | THREAD},
    {"eddy_http_response_read", reads, give_cue, open_body, close_page, TAKES | THREAD},
    {"eddy_http_response_text", reads_text, give_cue, open_body, close_page, TAKES | THREAD},
    {NULL},
};
