/* SPDX-License-Identifier: MIT
 * test_tls.c - certificates are verified, and a refusal says why. */
#include "client.h"

TEST(a_certificate_of_a_trusted_authority_is_accepted) {
    CLEANUP(session_freep) eddy_http_session *session = new_tls_session();
    struct answer answer = get_answer(session, nginx_url("NGINX_TLS", "/small.txt"));
    ASSERT_STR_EQ(answer.text, "hello from nginx\n");
    ASSERT_STR_EQ(answer.protocol, "HTTP/2");
}

TEST(http2_is_not_spoken_where_the_session_says_so) {
    CLEANUP(session_freep)
    eddy_http_session *session = new_session(
        &(eddy_http_session_options){.ca_file = nginx_value("NGINX_CA"), .http1_only = true});
    struct answer answer = get_answer(session, nginx_url("NGINX_TLS", "/small.txt"));
    ASSERT_STR_EQ(answer.protocol, "HTTP/1.1");
}

TEST(headers_over_http2_are_found_in_any_case) {
    CLEANUP(session_freep) eddy_http_session *session = new_tls_session();
    CLEANUP(response_freep) eddy_http_response *response = NULL;
    ASSERT_OK(eddy_http_get(session, nginx_url("NGINX_TLS", "/small.txt"), &response));
    ASSERT_STR_EQ(eddy_http_response_header(response, "Content-Type"), "text/plain");
}

TEST(a_large_body_over_tls_streams_in_order) {
    CLEANUP(session_freep) eddy_http_session *session = new_tls_session();
    CLEANUP(response_freep) eddy_http_response *response = NULL;
    ASSERT_OK(eddy_http_get(session, nginx_url("NGINX_TLS", "/large.txt"), &response));
    ASSERT_INT_EQ(read_lines(response, 0, 10 << 20), 10 << 20);
}

TEST(an_authority_that_is_not_trusted_is_refused) {
    assert_get_fails(NULL, nginx_url("NGINX_TLS", "/small.txt"), EDDY_ECERTIFICATE, "issuer");
}

TEST(a_certificate_for_another_host_is_refused) {
    CLEANUP(session_freep) eddy_http_session *session = new_tls_session();
    assert_get_fails(session, nginx_url("NGINX_TLS_ELSEWHERE", "/small.txt"), EDDY_ECERTIFICATE,
                     "name");
}

TEST(an_expired_certificate_is_refused) {
    CLEANUP(session_freep) eddy_http_session *session = new_tls_session();
    assert_get_fails(session, nginx_url("NGINX_TLS_EXPIRED", "/small.txt"), EDDY_ECERTIFICATE,
                     "expired");
}

TEST(a_self_signed_certificate_is_refused) {
    CLEANUP(session_freep) eddy_http_session *session = new_tls_session();
    assert_get_fails(session, nginx_url("NGINX_TLS_SELF_SIGNED", "/small.txt"), EDDY_ECERTIFICATE,
                     "self");
}

TEST(a_refused_certificate_is_refused_again_by_the_same_session) {
    CLEANUP(session_freep) eddy_http_session *session = new_tls_session();
    for (int i = 0; i < 3; i++)
        ASSERT_CODE(EDDY_ECERTIFICATE,
                    try_get(session, nginx_url("NGINX_TLS_EXPIRED", "/small.txt")));
}

TEST(an_insecure_session_accepts_them_all) {
    CLEANUP(session_freep)
    eddy_http_session *session = new_session(&(eddy_http_session_options){.insecure = true});
    static const char *const servers[] = {"NGINX_TLS", "NGINX_TLS_ELSEWHERE", "NGINX_TLS_EXPIRED",
                                          "NGINX_TLS_SELF_SIGNED"};
    for (int i = 0; i < 4; i++)
        ASSERT_INT_EQ(get_answer(session, nginx_url(servers[i], "/small.txt")).status, 200);
}

TEST(what_an_insecure_session_accepts_a_secure_one_still_refuses) {
    CLEANUP(session_freep)
    eddy_http_session *insecure = new_session(&(eddy_http_session_options){.insecure = true});
    CLEANUP(session_freep) eddy_http_session *secure = new_session(NULL);
    const char *url = nginx_url("NGINX_TLS_SELF_SIGNED", "/small.txt");

    ASSERT_INT_EQ(get_answer(insecure, url).status, 200);
    ASSERT_CODE(EDDY_ECERTIFICATE, try_get(secure, url));
}

TEST(a_file_of_authorities_that_is_not_there_is_named) {
    eddy_http_session *session = NULL;
    eddy_http_session_options options = {.ca_file = "/nowhere/ca.pem"};

    int r = eddy_http_session_new(&options, &session);
    if (r >= 0)
        r = try_get(session, nginx_url("NGINX_TLS", "/small.txt"));
    ASSERT(r < 0);
    ASSERT_STR_CONTAINS(eddy_last_error()->message, "/nowhere/ca.pem");
    eddy_http_session_free(session);
}

TEST(a_server_that_speaks_no_tls_is_an_error_of_tls) {
    CLEANUP(peer_stopp) struct peer *peer = peer_start(peer_sends_tls_garbage, NULL);
    assert_get_fails(NULL, peer_url_with("https://", peer, "/"), EDDY_ETLS, "TLS");
}

TEST(a_server_that_closes_in_the_handshake_is_an_error) {
    CLEANUP(peer_stopp) struct peer *peer = peer_start(peer_closes_at_once, NULL);
    const char *url = peer_url_with("https://", peer, "/");

    int r = try_get(NULL, url);
    ASSERT(r == EDDY_ETLS || r == -ECONNRESET);
    ASSERT_STR_CONTAINS(eddy_last_error()->message, url);
}
