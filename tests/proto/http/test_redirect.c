/* SPDX-License-Identifier: MIT
 * test_redirect.c - redirects: followed, counted, and never to where they may not lead. */
#include "client.h"

TEST(redirects_are_followed_and_the_answer_says_where_they_led) {
    struct answer answer = get_answer(NULL, nginx_url("NGINX_HTTP", "/redirect/3"));
    ASSERT_INT_EQ(answer.status, 200);
    ASSERT_STR_EQ(answer.text, "hello from nginx\n");
    ASSERT_STR_EQ(answer.url, nginx_url("NGINX_HTTP", "/small.txt"));
}

TEST(without_a_redirect_the_url_is_the_one_asked_for) {
    struct answer answer = get_answer(NULL, nginx_url("NGINX_HTTP", "/small.txt"));
    ASSERT_STR_EQ(answer.url, nginx_url("NGINX_HTTP", "/small.txt"));
}

TEST(the_headers_are_those_of_the_final_answer) {
    CLEANUP(response_freep) eddy_http_response *response = NULL;
    ASSERT_OK(eddy_http_get(NULL, nginx_url("NGINX_HTTP", "/redirect/with-header"), &response));

    ASSERT_INT_EQ(eddy_http_response_status(response), 200);
    ASSERT_NULL(eddy_http_response_header(response, "X-Hop"));
    ASSERT_NULL(eddy_http_response_header(response, "Location"));
}

TEST(a_loop_of_redirects_ends) {
    assert_get_fails(NULL, nginx_url("NGINX_HTTP", "/redirect/loop"), EDDY_EREDIRECTS, "20");
}

TEST(redirects_without_end_are_followed_twenty_times) {
    CLEANUP(peer_stopp) struct peer *peer = peer_start(peer_redirects_for_ever, NULL);
    assert_get_fails(NULL, peer_url(peer, "/"), EDDY_EREDIRECTS, "redirect");
    ASSERT_INT_EQ(peer_count(peer, PEER_REQUESTED), 21);
}

TEST(a_session_sets_how_many_are_followed) {
    CLEANUP(session_freep)
    eddy_http_session *session = new_session(&(eddy_http_session_options){.redirects_max = 2});

    ASSERT_INT_EQ(get_answer(session, nginx_url("NGINX_HTTP", "/redirect/2")).status, 200);
    assert_get_fails(session, nginx_url("NGINX_HTTP", "/redirect/3"), EDDY_EREDIRECTS, "2");
}

TEST(a_session_that_follows_none_returns_the_redirect) {
    CLEANUP(session_freep)
    eddy_http_session *session = new_session(&(eddy_http_session_options){.redirects_max = -1});
    CLEANUP(response_freep) eddy_http_response *response = NULL;
    ASSERT_OK(eddy_http_get(session, nginx_url("NGINX_HTTP", "/redirect/1"), &response));

    ASSERT_INT_EQ(eddy_http_response_status(response), 302);
    ASSERT_STR_CONTAINS(eddy_http_response_header(response, "Location"), "/small.txt");
}

TEST(a_redirect_to_a_file_is_refused) {
    assert_get_fails(NULL, nginx_url("NGINX_HTTP", "/redirect/to-file"), EDDY_EURL, "file");
}

TEST(a_redirect_to_nonsense_is_refused) {
    assert_get_fails(NULL, nginx_url("NGINX_HTTP", "/redirect/to-nonsense"), EDDY_EURL, "");
}

TEST(a_redirect_may_leave_tls) {
    CLEANUP(session_freep) eddy_http_session *session = new_tls_session();
    struct answer answer = get_answer(session, nginx_url("NGINX_TLS", "/redirect/to-plain"));
    ASSERT_STR_EQ(answer.url, nginx_url("NGINX_HTTP", "/small.txt"));
}

/* What was meant for one host is not told to another. */
TEST(credentials_do_not_follow_to_another_host) {
    CLEANUP(session_freep) eddy_http_session *session = new_session(NULL);
    const char *headers[] = {"Authorization: Bearer secret", "Cookie: id=secret", "X-Test: yes",
                             NULL};
    struct answer answer = request_answer(
        session, &(eddy_http_request_options){.url = nginx_url("NGINX_HTTP", "/redirect/elsewhere"),
                                              .headers = headers});

    ASSERT_STR_EQ(answer.url, nginx_url("NGINX_OTHER", "/request"));
    ASSERT_STR_CONTAINS(answer.text, "x-test: yes\n");
    ASSERT_STR_CONTAINS(answer.text, "authorization: \n");
    ASSERT_STR_CONTAINS(answer.text, "cookie: \n");
}
