/* SPDX-License-Identifier: MIT
 * test_nginx.c - we talk to nginx, which serves pages over TLS; it is started by with_nginx.py. */
#include "tls.h"

#include <stdio.h>

/* The port of "https://localhost:1234". */
static const char *port_of(const char *server) {
    const char *url = getenv(server);

    if (!url)
        TEST_FAIL("%s is not set: run it by tests/support/nginx/with_nginx.py", server);
    return strrchr(url, ':') + 1;
}

static eddy_tls_context *client_for(const char *const *alpn) {
    eddy_tls_context *context;

    ASSERT_OK(eddy_tls_context_new(&(eddy_tls_options){.ca_file = getenv("NGINX_CA"), .alpn = alpn},
                                   &context));
    return context;
}

static bool get_page(eddy_tls_context *client) {
    static const char request[] =
        "GET /small.txt HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    CLEANUP(stream_closep) eddy_stream *stream = NULL;
    char page[4096];
    eddy_tls_facts facts;
    size_t size = 0;
    ssize_t n;

    ASSERT_OK(tls_connect(port_of("NGINX_TLS"), client, "localhost", &stream));
    ASSERT_OK(eddy_stream_write(stream, request, strlen(request)));
    while ((n = eddy_stream_read(stream, page + size, sizeof(page) - 1 - size)) > 0)
        size += (size_t)n;
    ASSERT_OK(n);
    page[size] = '\0';
    ASSERT_STR_CONTAINS(page, "\r\n\r\nhello from nginx\n");
    ASSERT_OK(eddy_tls_info(stream, &facts));
    ASSERT_STR_EQ(facts.alpn, "http/1.1");
    return facts.is_resumed;
}

TASK_TEST(nginx_serves_us_a_page) {
    CLEANUP(context_unrefp)
    eddy_tls_context *client = client_for((const char *const[]){"http/1.1", NULL});

    ASSERT(!get_page(client));
    (void)get_page(client); /* whether it resumes is nginx's choice */
    return 0;
}

static void assert_refused(const char *server, int code) {
    CLEANUP(context_unrefp) eddy_tls_context *client = client_for(NULL);
    eddy_stream *stream = NULL;

    ASSERT_CODE(code, tls_connect(port_of(server), client, "localhost", &stream));
}

TASK_TEST(bad_certificates_of_nginx_are_refused) {
    assert_refused("NGINX_TLS_ELSEWHERE", EDDY_ECERT_HOST);
    assert_refused("NGINX_TLS_EXPIRED", EDDY_ECERT_EXPIRED);
    assert_refused("NGINX_TLS_SELF_SIGNED", EDDY_ECERT_SELF_SIGNED);
    return 0;
}

TASK_TEST(a_plain_port_of_nginx_speaks_no_tls) {
    CLEANUP(context_unrefp) eddy_tls_context *client = client_for(NULL);
    eddy_stream *stream = NULL;

    ASSERT_CODE(EDDY_ENO_TLS, tls_connect(port_of("NGINX_HTTP"), client, "localhost", &stream));
    ASSERT_STR_CONTAINS(eddy_last_error()->message, "it said \"HTTP/1.1 400 Bad Request\"");
    return 0;
}
