/* SPDX-License-Identifier: MIT
 * scenario_http.c - pages out of a server of eddy's own, by a session and without one.
 *
 * libcurl's calls of the kernel are its own, and do not fail here; what it asks of the loop does.
 */
#include <eddy/http.h>
#include <stdio.h>

#include "scenario.h"
#include "test.h"
#include "util.h"

static void response_freep(eddy_http_response **response) {
    eddy_http_response_free(*response);
}

/* One request, its head unread but for its end. */
static int answer(eddy_stream *stream, void *arg) {
    static const char text[] = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello\n";
    eddy_slice head;
    ssize_t n;

    (void)arg;
    while ((n = eddy_stream_read_until(stream, "\r\n\r\n", &head)) > 0) {
        n = eddy_stream_write(stream, text, sizeof(text) - 1);
        if (n < 0)
            break;
    }
    return n == EDDY_EINCOMPLETE ? 0 : (int)n;
}

static int get(eddy_http_session *session, const char *url) {
    CLEANUP(response_freep) eddy_http_response *response = NULL;
    eddy_slice body;
    int r = eddy_http_get(session, url, &response);

    if (r >= 0)
        r = eddy_http_response_text(response, &body);
    if (r < 0)
        return r;
    ASSERT_INT_EQ(eddy_http_response_status(response), 200);
    ASSERT_STR_EQ(body.data, "hello\n");
    return 0;
}

struct getter {
    eddy_http_session *session;
    const char *url;
};

static int get_two(void *arg) {
    const struct getter *getter = arg;

    return first_of(get(getter->session, getter->url), get(getter->session, getter->url));
}

static int get_pages(const char *url) {
    eddy_http_session *session;
    int r = eddy_http_session_new(&(eddy_http_session_options){.proxy = ""}, &session);

    if (r < 0)
        return r;
    struct getter alone = {NULL, url}, together = {session, url};
    r = eddy_gather(eddy_create_task(get_two, &together), eddy_create_task(get_two, &together),
                    eddy_create_task(get_two, &alone));
    eddy_http_session_free(session);
    return r;
}

static int serve(void *unused) {
    eddy_server *server;
    char url[64];
    int r = eddy_start_server(answer, NULL, "127.0.0.1", "0", NULL, &server);

    (void)unused;
    if (r < 0)
        return r;
    snprintf(url, sizeof(url), "http://127.0.0.1:%d/", eddy_server_port(server));
    r = get_pages(url);
    eddy_server_cancel_clients(server);
    return first_of(r, eddy_server_close(server));
}

int scenario_http(void) {
    return scenario_run(EDDY_CLOCK_MONOTONIC, serve, NULL);
}
