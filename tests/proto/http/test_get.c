/* SPDX-License-Identifier: MIT
 * test_get.c - a GET and what its answer tells: status, headers, URL, protocol, body. */
#include "client.h"

#include <string.h>

TEST(a_get_returns_status_headers_and_body) {
    CLEANUP(response_freep) eddy_http_response *response = NULL;
    eddy_slice body;
    ASSERT_OK(eddy_http_get(NULL, nginx_url("NGINX_HTTP", "/small.txt"), &response));
    ASSERT_OK(eddy_http_response_text(response, &body));

    ASSERT_INT_EQ(eddy_http_response_status(response), 200);
    ASSERT_STR_EQ(eddy_http_response_header(response, "Content-Type"), "text/plain");
    ASSERT_STR_EQ(eddy_http_response_protocol(response), "HTTP/1.1");
    ASSERT_STR_EQ(body.data, "hello from nginx\n");
    ASSERT_INT_EQ(body.size, 17);
}

static int get_in_a_task(void *arg) {
    *(struct answer *)arg = get_answer(NULL, nginx_url("NGINX_HTTP", "/small.txt"));
    return 7;
}

TEST(a_get_works_in_a_task) {
    struct answer answer;
    ASSERT_INT_EQ(eddy_run(get_in_a_task, &answer), 7);
    ASSERT_STR_EQ(answer.text, "hello from nginx\n");
}

TEST(the_output_is_untouched_when_a_get_fails) {
    eddy_http_response *const before = (eddy_http_response *)&before, *response = before;
    ASSERT_CODE(EDDY_EURL, eddy_http_get(NULL, "http://", &response));
    ASSERT_PTR_EQ(response, before);
}

TEST(freeing_nothing_does_nothing) {
    ASSERT_NULL(eddy_http_response_free(NULL));
    ASSERT_NULL(eddy_http_session_free(NULL));
}

TEST(the_text_called_again_is_the_same_view) {
    CLEANUP(response_freep) eddy_http_response *response = NULL;
    eddy_slice first, second;
    ASSERT_OK(eddy_http_get(NULL, nginx_url("NGINX_HTTP", "/small.txt"), &response));
    ASSERT_OK(eddy_http_response_text(response, &first));
    ASSERT_OK(eddy_http_response_text(response, &second));

    ASSERT_PTR_EQ(first.data, second.data);
    ASSERT_INT_EQ(first.size, second.size);
}

TEST(header_names_are_found_in_any_case) {
    CLEANUP(response_freep) eddy_http_response *response = NULL;
    ASSERT_OK(eddy_http_get(NULL, nginx_url("NGINX_HTTP", "/small.txt"), &response));

    ASSERT_STR_EQ(eddy_http_response_header(response, "cOnTeNt-TyPe"), "text/plain");
    ASSERT_NULL(eddy_http_response_header(response, "Content-Typ"));
    ASSERT_NULL(eddy_http_response_header(response, "X-Absent"));
}

TEST(of_repeated_headers_the_first_is_found_and_all_are_listed) {
    CLEANUP(response_freep) eddy_http_response *response = NULL;
    char all[1024] = "";
    const char *header;
    ASSERT_OK(eddy_http_get(NULL, nginx_url("NGINX_HTTP", "/headers/twice"), &response));
    for (size_t i = 0; (header = eddy_http_response_header_at(response, i)) != NULL; i++)
        snprintf(all + strlen(all), sizeof all - strlen(all), "%s|", header);

    ASSERT_STR_EQ(eddy_http_response_header(response, "X-Colour"), "red");
    ASSERT_STR_CONTAINS(all, "X-Colour: red|X-Colour: green|");
    ASSERT_STR_CONTAINS(all, "Content-Length: 6|");
}

TEST(a_status_of_404_or_500_is_an_answer) {
    struct answer missing = get_answer(NULL, nginx_url("NGINX_HTTP", "/status/404"));
    ASSERT_INT_EQ(missing.status, 404);
    ASSERT_STR_EQ(missing.text, "nothing of that name\n");

    struct answer broken = get_answer(NULL, nginx_url("NGINX_HTTP", "/status/500"));
    ASSERT_INT_EQ(broken.status, 500);
    ASSERT_STR_EQ(broken.text, "it broke\n");
}

TEST(an_answer_without_content_has_an_empty_text) {
    struct answer answer = get_answer(NULL, nginx_url("NGINX_HTTP", "/status/204"));
    ASSERT_INT_EQ(answer.status, 204);
    ASSERT_INT_EQ(answer.body_bytes, 0);
    ASSERT_STR_EQ(answer.text, "");

    struct answer empty = get_answer(NULL, nginx_url("NGINX_HTTP", "/empty.txt"));
    ASSERT_INT_EQ(empty.status, 200);
    ASSERT_INT_EQ(empty.body_bytes, 0);
}

TEST(the_content_length_is_what_the_server_says) {
    CLEANUP(response_freep) eddy_http_response *small = NULL;
    CLEANUP(response_freep) eddy_http_response *chunked = NULL;
    ASSERT_OK(eddy_http_get(NULL, nginx_url("NGINX_HTTP", "/small.txt"), &small));
    ASSERT_OK(eddy_http_get(NULL, nginx_url("NGINX_HTTP", "/gzip/large.txt"), &chunked));

    ASSERT_INT_EQ(eddy_http_response_content_length(small), 17);
    ASSERT_INT_EQ(eddy_http_response_content_length(chunked), -1);
}

TEST(a_compressed_body_arrives_decompressed) {
    CLEANUP(response_freep) eddy_http_response *response = NULL;
    size_t size = 10 * 1024 * 1024;
    ASSERT_OK(eddy_http_get(NULL, nginx_url("NGINX_HTTP", "/gzip/large.txt"), &response));

    ASSERT_STR_EQ(eddy_http_response_header(response, "Content-Encoding"), "gzip");
    ASSERT_INT_EQ(read_lines(response, 0, size + 1), size);
}

TEST(compression_is_asked_for_unless_the_session_says_no) {
    CLEANUP(session_freep)
    eddy_http_session *plain = new_session(&(eddy_http_session_options){.no_compression = true});
    const char *url = nginx_url("NGINX_HTTP", "/request");

    ASSERT_STR_CONTAINS(get_answer(NULL, url).text, "gzip");
    ASSERT_STR_CONTAINS(get_answer(plain, url).text, "accept-encoding: \n");
}

static void peer_sends_many_headers(struct peer_client *client) {
    struct peer_request request;
    char filler[1000];

    memset(filler, 'x', sizeof filler);
    if (!peer_read_request(client, &request) || !peer_say(client, "HTTP/1.1 200 OK\r\n"))
        return;
    for (int i = 0; i < 200; i++)
        if (!peer_say(client, "X-%d: %.*s\r\n", i, (int)sizeof filler, filler))
            return;
    if (peer_say(client, "X-Last: here\r\nContent-Length: 0\r\n\r\n"))
        peer_await_leave(client);
}

TEST(headers_below_the_limit_all_arrive) {
    CLEANUP(peer_stopp) struct peer *peer = peer_start(peer_sends_many_headers, NULL);
    CLEANUP(response_freep) eddy_http_response *response = NULL;
    ASSERT_OK(eddy_http_get(NULL, peer_url(peer, "/"), &response));

    ASSERT_INT_EQ(strlen(eddy_http_response_header(response, "X-199")), 1000);
    ASSERT_STR_EQ(eddy_http_response_header(response, "X-Last"), "here");
    ASSERT_STR_CONTAINS(eddy_http_response_header_at(response, 0), "X-0: xxx");
}

TEST(early_hints_are_not_the_answer) {
    CLEANUP(peer_stopp) struct peer *peer = peer_start(peer_hints_first, NULL);
    CLEANUP(response_freep) eddy_http_response *response = NULL;
    eddy_slice body;
    ASSERT_OK(eddy_http_get(NULL, peer_url(peer, "/"), &response));
    ASSERT_OK(eddy_http_response_text(response, &body));

    ASSERT_INT_EQ(eddy_http_response_status(response), 200);
    ASSERT_STR_EQ(body.data, "after the hints");
    ASSERT_NULL(eddy_http_response_header(response, "X-Hint"));
}

TEST(an_answer_that_comes_byte_by_byte_is_whole) {
    CLEANUP(peer_stopp) struct peer *peer = peer_start(peer_answers_byte_by_byte, "in small steps");
    struct answer answer = get_answer(NULL, peer_url(peer, "/"));

    ASSERT_INT_EQ(answer.status, 200);
    ASSERT_STR_EQ(answer.text, "in small steps");
}

TEST(a_query_is_sent_and_a_fragment_is_not) {
    CLEANUP(peer_stopp) struct peer *peer = peer_start(peer_echoes, NULL);
    struct answer answer = get_answer(NULL, peer_url(peer, "/a%20b?c=d&e=%2F#fragment"));
    ASSERT_STR_CONTAINS(answer.text, "GET /a%20b?c=d&e=%2F HTTP/1.1\r\n");
}

TEST(a_host_name_is_resolved) {
    struct answer answer = get_answer(NULL, nginx_url("NGINX_OTHER", "/small.txt"));
    ASSERT_STR_EQ(answer.text, "hello from nginx\n");
}

TEST(a_user_in_the_url_is_sent_as_basic_authorization) {
    CLEANUP(peer_stopp) struct peer *peer = peer_start(peer_echoes, NULL);
    struct answer answer = get_answer(NULL, peer_url_with("http://ada:secret@", peer, "/"));
    ASSERT_STR_CONTAINS(answer.text, "Authorization: Basic YWRhOnNlY3JldA==\r\n");
}
