/* SPDX-License-Identifier: MIT
 * test_proxy.c - proxies: of the session, of the environment, none; plain and by tunnel. */
#include "client.h"

#include <stdlib.h>

/* A host that only a proxy can know. */
#define FAR_AWAY "http://far-away.invalid/page?a=b"

/* "127.0.0.1:<port>" in a buffer of its own, with or without the scheme. */
static const char *proxy_of(const struct peer *peer) {
    return peer_url(peer, "");
}

TEST(a_proxy_of_the_session_is_asked_for_the_whole_url) {
    CLEANUP(peer_stopp) struct peer *peer = peer_start(peer_echoes, NULL);
    CLEANUP(session_freep)
    eddy_http_session *session = new_session(&(eddy_http_session_options){.proxy = proxy_of(peer)});

    ASSERT_STR_CONTAINS(get_answer(session, FAR_AWAY).text, "GET " FAR_AWAY " HTTP/1.1\r\n");
}

TEST(a_proxy_of_the_environment_is_used) {
    CLEANUP(peer_stopp) struct peer *peer = peer_start(peer_echoes, NULL);
    setenv("http_proxy", proxy_of(peer), true);

    ASSERT_STR_CONTAINS(get_answer(NULL, FAR_AWAY).text, "GET " FAR_AWAY " HTTP/1.1\r\n");
}

TEST(no_proxy_of_the_environment_makes_exceptions) {
    CLEANUP(peer_stopp) struct peer *peer = peer_start(peer_echoes, NULL);
    setenv("http_proxy", proxy_of(peer), true);
    setenv("no_proxy", "127.0.0.1,localhost", true);

    ASSERT_STR_EQ(get_answer(NULL, nginx_url("NGINX_HTTP", "/small.txt")).text,
                  "hello from nginx\n");
    ASSERT_STR_CONTAINS(get_answer(NULL, FAR_AWAY).text, FAR_AWAY);
}

TEST(an_empty_proxy_of_the_session_goes_before_the_environment) {
    CLEANUP(peer_stopp) struct peer *peer = peer_start(peer_echoes, NULL);
    CLEANUP(session_freep)
    eddy_http_session *session = new_session(&(eddy_http_session_options){.proxy = ""});
    setenv("http_proxy", proxy_of(peer), true);

    ASSERT_STR_EQ(get_answer(session, nginx_url("NGINX_HTTP", "/small.txt")).text,
                  "hello from nginx\n");
    ASSERT_INT_EQ(peer_count(peer, PEER_CONNECTED), 0);
}

TEST(https_goes_through_a_tunnel_and_is_still_verified) {
    CLEANUP(peer_stopp) struct peer *peer = peer_start(peer_tunnels, NULL);
    CLEANUP(session_freep)
    eddy_http_session *session = new_session(
        &(eddy_http_session_options){.proxy = proxy_of(peer), .ca_file = nginx_value("NGINX_CA")});

    ASSERT_STR_EQ(get_answer(session, nginx_url("NGINX_TLS", "/small.txt")).text,
                  "hello from nginx\n");
    ASSERT_INT_EQ(peer_count(peer, PEER_REQUESTED), 1);
    assert_get_fails(session, nginx_url("NGINX_TLS_EXPIRED", "/small.txt"), EDDY_ECERTIFICATE,
                     "expired");
}

/* The headers of the proxy's own answer are not those of the page. */
TEST(the_answer_through_a_tunnel_is_the_servers) {
    CLEANUP(peer_stopp) struct peer *peer = peer_start(peer_tunnels, NULL);
    CLEANUP(session_freep)
    eddy_http_session *session = new_session(
        &(eddy_http_session_options){.proxy = proxy_of(peer), .ca_file = nginx_value("NGINX_CA")});
    CLEANUP(response_freep) eddy_http_response *response = NULL;
    ASSERT_OK(eddy_http_get(session, nginx_url("NGINX_TLS", "/small.txt"), &response));

    ASSERT_STR_EQ(eddy_http_response_header(response, "Content-Type"), "text/plain");
    ASSERT_NULL(eddy_http_response_header(response, "X-Proxy"));
}

TEST(a_proxy_that_refuses_the_tunnel_is_named_with_its_status) {
    CLEANUP(peer_stopp) struct peer *peer = peer_start(peer_tunnels, NULL);
    CLEANUP(session_freep)
    eddy_http_session *session = new_session(&(eddy_http_session_options){.proxy = proxy_of(peer)});

    ASSERT(try_get(session, "https://far-away.invalid/") < 0);
    ASSERT_STR_CONTAINS(eddy_last_error()->message, "https://far-away.invalid/");
    ASSERT_STR_CONTAINS(eddy_last_error()->message, "502");
}

TEST(a_proxy_that_cannot_be_reached_is_an_error) {
    int fd, port = peer_refusing_port(&fd);
    char proxy[64];
    snprintf(proxy, sizeof proxy, "http://127.0.0.1:%d", port);
    CLEANUP(session_freep)
    eddy_http_session *session = new_session(&(eddy_http_session_options){.proxy = proxy});

    assert_get_fails(session, FAR_AWAY, -ECONNREFUSED, "refused");
}
