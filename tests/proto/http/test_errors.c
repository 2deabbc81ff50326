/* SPDX-License-Identifier: MIT
 * test_errors.c - each way to fail has its code, and a sentence with the URL and the cause. */
#include "client.h"

#include <string.h>
#include <unistd.h>

/* Expects that a GET from a peer of this script fails so. */
static void assert_peer_fails(peer_script *script, int code, const char *cause) {
    CLEANUP(peer_stopp) struct peer *peer = peer_start(script, NULL);
    assert_get_fails(NULL, peer_url(peer, "/page"), code, cause);
}

/* --- no connection ---------------------------------------------------------------------------- */

TEST(a_closed_port_is_refused) {
    int fd, port = peer_refusing_port(&fd);
    char url[64];
    snprintf(url, sizeof url, "http://127.0.0.1:%d/page", port);

    assert_get_fails(NULL, url, -ECONNREFUSED, "refused");
    close(fd);
}

TEST(a_host_that_does_not_exist_is_named) {
    assert_get_fails(NULL, "http://no-such-host.invalid/page", EDDY_ENAME, "no-such-host.invalid");
}

TEST(a_malformed_url_is_refused) {
    static const char *const wrong[] = {"",
                                        "nonsense",
                                        "http://",
                                        "http:///page",
                                        "http://host:99999/",
                                        "http://host:port/",
                                        "http://[::1/",
                                        "http://ho st/",
                                        "http://127.0.0.1/\r\nX-Evil: yes",
                                        "://127.0.0.1/",
                                        "ftp://127.0.0.1/file",
                                        "file:///etc/hostname",
                                        "gopher://127.0.0.1/"};

    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        eddy_http_response *response = NULL;
        int r = eddy_http_get(NULL, wrong[i], &response);
        if (r != EDDY_EURL)
            TEST_FAIL("the URL \"%s\" gives %d, %s", wrong[i], r, eddy_error_name(r));
        ASSERT_NULL(response);
        ASSERT(strlen(eddy_last_error()->message) > 0);
    }
}

TEST(a_request_without_a_url_is_refused) {
    eddy_http_response *response = NULL;
    ASSERT_CODE(-EINVAL, eddy_http_get(NULL, NULL, &response));
    ASSERT_NULL(response);
}

TEST(a_password_in_a_url_is_not_in_the_sentence) {
    CLEANUP(peer_stopp) struct peer *peer = peer_start(peer_sends_too_little, NULL);
    ASSERT_CODE(EDDY_EINCOMPLETE,
                try_get(NULL, peer_url_with("http://ada:secret@", peer, "/page")));
    ASSERT_STR_CONTAINS(eddy_last_error()->message, "/page");
    ASSERT_NULL(strstr(eddy_last_error()->message, "secret"));
}

/* --- ends too early --------------------------------------------------------------------------- */

TEST(a_reset_before_the_answer_is_a_reset) {
    assert_peer_fails(peer_resets_unanswered, -ECONNRESET, "reset");
}

TEST(a_close_before_the_answer_is_incomplete) {
    assert_peer_fails(peer_closes_unanswered, EDDY_EINCOMPLETE, "");
}

TEST(a_close_in_the_headers_is_incomplete) {
    assert_peer_fails(peer_closes_in_the_headers, EDDY_EINCOMPLETE, "");
}

/* Our request may still be on its way: both are true of what happened. */
TEST(a_connection_that_ends_at_once_is_an_error) {
    peer_script *const scripts[] = {peer_closes_at_once, peer_resets_at_once};

    for (int i = 0; i < 2; i++) {
        CLEANUP(peer_stopp) struct peer *peer = peer_start(scripts[i], NULL);
        int r = try_get(NULL, peer_url(peer, "/page"));
        ASSERT(r == -ECONNRESET || r == EDDY_EINCOMPLETE || r == -EPIPE);
        ASSERT_STR_CONTAINS(eddy_last_error()->message, peer_url(peer, "/page"));
    }
}

TEST(a_reset_half_way_is_a_reset_after_the_bytes_that_came) {
    CLEANUP(peer_stopp) struct peer *peer = peer_start(peer_resets_half_way, NULL);
    CLEANUP(response_freep) eddy_http_response *response = NULL;
    char buffer[1000];
    ASSERT_OK(eddy_http_get(NULL, peer_url(peer, "/page"), &response));
    ssize_t total = 0, n = 0;
    while (total < 1000 && (n = eddy_http_response_read(response, buffer, sizeof buffer)) > 0)
        total += n;
    ASSERT_INT_EQ(total, 1000);
    peer_release(peer);

    ASSERT_CODE(-ECONNRESET, eddy_http_response_read(response, buffer, sizeof buffer));
    ASSERT_STR_CONTAINS(eddy_last_error()->message, peer_url(peer, "/page"));
    ASSERT_CODE(-ECONNRESET, eddy_http_response_read(response, buffer, sizeof buffer));
}

TEST(a_body_that_is_too_short_is_incomplete) {
    assert_peer_fails(peer_sends_too_little, EDDY_EINCOMPLETE, "");
}

TEST(a_body_that_ends_in_a_chunk_is_incomplete) {
    assert_peer_fails(peer_ends_in_a_chunk, EDDY_EINCOMPLETE, "");
}

TEST(what_came_of_a_short_body_can_be_read) {
    CLEANUP(peer_stopp) struct peer *peer = peer_start(peer_sends_too_little, NULL);
    CLEANUP(response_freep) eddy_http_response *response = NULL;
    char buffer[100];
    ASSERT_OK(eddy_http_get(NULL, peer_url(peer, "/"), &response));
    ssize_t total = 0, n;
    while ((n = eddy_http_response_read(response, buffer, sizeof buffer)) > 0)
        total += n;

    ASSERT_INT_EQ(total, 10);
    ASSERT_CODE(EDDY_EINCOMPLETE, n);
}

/* --- never ends ------------------------------------------------------------------------------- */

TEST(headers_without_end_run_into_the_limit) {
    assert_peer_fails(peer_sends_headers_for_ever, EDDY_ELIMIT, "header");
}

TEST(one_header_without_end_runs_into_the_limit) {
    assert_peer_fails(peer_sends_one_endless_header, EDDY_ELIMIT, "header");
}

TEST(interim_answers_without_end_run_into_the_limit) {
    assert_peer_fails(peer_sends_interim_for_ever, EDDY_ELIMIT, "header");
}

TEST(a_session_sets_the_limit_of_headers) {
    CLEANUP(peer_stopp) struct peer *peer = peer_start(peer_sends_headers_for_ever, NULL);
    CLEANUP(session_freep)
    eddy_http_session *session =
        new_session(&(eddy_http_session_options){.header_limit_bytes = 1000});

    assert_get_fails(session, peer_url(peer, "/"), EDDY_ELIMIT, "1000");
    ASSERT_OK(await_peer(peer, PEER_LEFT, 1));
}

/* --- is wrong --------------------------------------------------------------------------------- */

TEST(garbage_is_no_http) {
    assert_peer_fails(peer_sends_garbage, EDDY_EPROTOCOL, "HTTP");
}

TEST(a_chunk_of_an_absurd_size_breaks_the_protocol) {
    assert_peer_fails(peer_sends_huge_chunk, EDDY_EPROTOCOL, "chunk");
}

TEST(a_chunk_of_no_size_breaks_the_protocol) {
    assert_peer_fails(peer_sends_bad_chunk, EDDY_EPROTOCOL, "chunk");
}

TEST(a_negative_length_breaks_the_protocol) {
    assert_peer_fails(peer_sends_bad_length, EDDY_EPROTOCOL, "Content-Length");
}

TEST(a_body_that_does_not_decompress_breaks_the_protocol) {
    assert_peer_fails(peer_sends_bad_gzip, EDDY_EPROTOCOL, "");
}

/* --- after an error --------------------------------------------------------------------------- */

TEST(a_session_goes_on_after_each_error) {
    peer_script *const scripts[] = {peer_resets_unanswered, peer_sends_too_little,
                                    peer_sends_garbage, peer_sends_headers_for_ever,
                                    peer_sends_huge_chunk};
    CLEANUP(session_freep) eddy_http_session *session = new_session(NULL);

    for (size_t i = 0; i < sizeof scripts / sizeof scripts[0]; i++) {
        CLEANUP(peer_stopp) struct peer *peer = peer_start(scripts[i], NULL);
        ASSERT(try_get(session, peer_url(peer, "/")) < 0);
        ASSERT_INT_EQ(get_answer(session, nginx_url("NGINX_HTTP", "/small.txt")).status, 200);
    }
}

static int fail_to_get(void *arg) {
    return try_get(NULL, arg);
}

TEST(the_sentence_comes_through_the_task_that_failed) {
    CLEANUP(peer_stopp) struct peer *peer = peer_start(peer_sends_garbage, NULL);
    const char *url = peer_url(peer, "/deep");

    ASSERT_CODE(EDDY_EPROTOCOL, eddy_await(eddy_create_task(fail_to_get, (void *)url)));
    ASSERT_STR_CONTAINS(eddy_last_error()->message, url);
}
