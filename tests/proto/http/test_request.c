/* SPDX-License-Identifier: MIT
 * test_request.c - what is sent: methods, headers, bodies from memory and from a callback. */
#include "client.h"

#include <stdlib.h>
#include <string.h>

/* --- methods ---------------------------------------------------------------------------------- */

TEST(any_method_is_sent_as_it_is) {
    CLEANUP(peer_stopp) struct peer *peer = peer_start(peer_echoes, NULL);
    static const char *const methods[] = {"GET", "PUT", "PATCH", "DELETE", "OPTIONS", "REPORT"};

    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
        char line[64];
        struct answer answer = request_answer(
            NULL, &(eddy_http_request_options){.url = peer_url(peer, "/"), .method = methods[i]});
        snprintf(line, sizeof line, "%s / HTTP/1.1\r\n", methods[i]);
        ASSERT_STR_CONTAINS(answer.text, line);
    }
}

TEST(a_head_has_the_length_and_no_body) {
    CLEANUP(response_freep) eddy_http_response *response = NULL;
    eddy_http_request_options options = {.url = nginx_url("NGINX_HTTP", "/small.txt"),
                                         .method = "HEAD"};
    eddy_slice body;
    ASSERT_OK(eddy_http_request(NULL, &options, &response));
    ASSERT_OK(eddy_http_response_text(response, &body));

    ASSERT_INT_EQ(eddy_http_response_content_length(response), 17);
    ASSERT_INT_EQ(body.size, 0);
}

TEST(a_range_is_answered_with_a_part) {
    struct answer answer = request_answer(
        NULL,
        &(eddy_http_request_options){.url = nginx_url("NGINX_HTTP", "/large.txt"),
                                     .headers = (const char *[]){"Range: bytes=160-175", NULL}});
    ASSERT_INT_EQ(answer.status, 206);
    ASSERT_STR_EQ(answer.text, "000000000000010\n");
}

TEST(a_post_without_a_body_says_that_it_has_none) {
    CLEANUP(peer_stopp) struct peer *peer = peer_start(peer_echoes, NULL);
    struct answer answer = request_answer(
        NULL, &(eddy_http_request_options){.url = peer_url(peer, "/"), .method = "POST"});

    ASSERT_STR_CONTAINS(answer.text, "POST / HTTP/1.1\r\n");
    ASSERT_STR_CONTAINS(answer.text, "Content-Length: 0\r\n");
}

/* --- headers ---------------------------------------------------------------------------------- */

TEST(headers_are_sent_and_defaults_can_be_taken_away) {
    const char *headers[] = {"X-Test: a value: with, signs", "User-Agent:", NULL};
    struct answer answer =
        request_answer(NULL, &(eddy_http_request_options){
                                 .url = nginx_url("NGINX_HTTP", "/request"), .headers = headers});

    ASSERT_STR_CONTAINS(answer.text, "x-test: a value: with, signs\n");
    ASSERT_STR_CONTAINS(answer.text, "user-agent: \n");
}

TEST(the_user_agent_is_eddy_unless_the_session_has_one) {
    CLEANUP(session_freep)
    eddy_http_session *session = new_session(&(eddy_http_session_options){.user_agent = "ada/1"});
    const char *url = nginx_url("NGINX_HTTP", "/request");

    ASSERT_STR_CONTAINS(get_answer(NULL, url).text, "user-agent: eddy/");
    ASSERT_STR_CONTAINS(get_answer(session, url).text, "user-agent: ada/1\n");
}

/* Each would put a line of the caller's data where only the program's should be. */
TEST(a_header_that_would_smuggle_in_another_is_refused) {
    CLEANUP(peer_stopp) struct peer *peer = peer_start(peer_echoes, NULL);
    static const char *const wrong[] = {"X-A: b\r\nX-Evil: c",
                                        "X-A: b\nX-Evil: c",
                                        "X-A: b\rc",
                                        "X-A\r\n: b",
                                        "no colon",
                                        ": no name",
                                        ""};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        eddy_http_response *response = NULL;
        eddy_http_session *session = NULL;
        const char *headers[] = {wrong[i], NULL};
        eddy_http_request_options options = {.url = peer_url(peer, "/"), .headers = headers};
        ASSERT_CODE(-EINVAL, eddy_http_request(NULL, &options, &response));
        ASSERT_CODE(-EINVAL, eddy_http_session_new(&(eddy_http_session_options){.headers = headers},
                                                   &session));
        ASSERT(response == NULL && session == NULL);
    }
    ASSERT_INT_EQ(peer_count(peer, PEER_CONNECTED), 0);
}

TEST(a_method_that_is_no_word_is_refused) {
    static const char *const wrong[] = {"", "GET /other HTTP/1.1\r\nX-Evil: c", "G T", "GET\n"};

    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        eddy_http_response *response = NULL;
        eddy_http_request_options options = {.url = nginx_url("NGINX_HTTP", "/small.txt"),
                                             .method = wrong[i]};
        ASSERT_CODE(-EINVAL, eddy_http_request(NULL, &options, &response));
    }
}

/* --- bodies from memory ----------------------------------------------------------------------- */

TEST(a_body_makes_it_a_post) {
    CLEANUP(peer_stopp) struct peer *peer = peer_start(peer_echoes, NULL);
    const char *headers[] = {"Content-Type: application/json", NULL};
    struct answer answer =
        request_answer(NULL, &(eddy_http_request_options){.url = peer_url(peer, "/"),
                                                          .headers = headers,
                                                          .body = "{\"eddy\": true}",
                                                          .body_bytes = 14});

    ASSERT_STR_CONTAINS(answer.text, "POST / HTTP/1.1\r\n");
    ASSERT_STR_CONTAINS(answer.text, "Content-Type: application/json\r\n");
    ASSERT_STR_CONTAINS(answer.text, "Content-Length: 14\r\n");
    ASSERT_STR_CONTAINS(answer.text, "\r\n\r\n{\"eddy\": true}");
}

TEST(a_body_may_hold_zero_bytes) {
    CLEANUP(peer_stopp) struct peer *peer = peer_start(peer_echoes, NULL);
    CLEANUP(response_freep) eddy_http_response *response = NULL;
    eddy_http_request_options options = {
        .url = peer_url(peer, "/"), .method = "PUT", .body = "a\0b\0c", .body_bytes = 5};
    eddy_slice body;
    ASSERT_OK(eddy_http_request(NULL, &options, &response));
    ASSERT_OK(eddy_http_response_text(response, &body));

    ASSERT_INT_EQ(memcmp(body.data + body.size - 5, "a\0b\0c", 5), 0);
}

/* Sends lines that are their own numbers with PUT, has nginx keep them, and reads them back. */
static void assert_upload(const char *server, const char *path, eddy_http_request_options options) {
    CLEANUP(session_freep) eddy_http_session *session = new_tls_session();
    CLEANUP(response_freep) eddy_http_response *response = NULL;

    options.url = nginx_url(server, path);
    options.method = "PUT";
    ASSERT_INT_EQ(request_answer(session, &options).status, 201);
    ASSERT_OK(eddy_http_get(session, options.url, &response));
    ASSERT_INT_EQ(read_lines(response, 0, 4 << 20), 4 << 20);
}

static char *new_lines(size_t size) {
    char *text = malloc(size);
    lines_write(text, 0, size);
    return text;
}

TEST(a_large_body_from_memory_arrives_whole) {
    char *lines = new_lines(4 << 20);
    eddy_http_request_options options = {.body = lines, .body_bytes = 4 << 20};
    assert_upload("NGINX_HTTP", "/uploads/memory", options);
    assert_upload("NGINX_TLS", "/uploads/memory-http2", options);
    free(lines);
}

TEST(a_server_may_answer_before_it_has_read_the_body) {
    CLEANUP(peer_stopp) struct peer *peer = peer_start(peer_refuses_upload, NULL);
    char *lines = new_lines(32 << 20);
    struct answer answer = request_answer(
        NULL, &(eddy_http_request_options){
                  .url = peer_url(peer, "/"), .body = lines, .body_bytes = 32 << 20});
    free(lines);

    ASSERT_INT_EQ(answer.status, 413);
    ASSERT_STR_EQ(answer.text, "too much");
}

/* --- bodies from a callback ------------------------------------------------------------------- */

struct source {
    size_t sent, size;
    size_t asked;     /* how often */
    int hesitations;  /* so often it has nothing yet */
    int failure;      /* at the end: this code instead of 0 */
    size_t piece_max; /* 0: whatever is asked */
};

static ssize_t source_read(void *buffer, size_t size, void *arg) {
    struct source *source = arg;

    source->asked++;
    if (source->hesitations > 0) {
        source->hesitations--;
        return -EAGAIN;
    }
    if (source->sent == source->size)
        return source->failure;

    size_t n = size < source->size - source->sent ? size : source->size - source->sent;
    if (source->piece_max && n > source->piece_max)
        n = source->piece_max;
    lines_write(buffer, source->sent, n);
    source->sent += n;
    return (ssize_t)n;
}

static const char *const servers[] = {"NGINX_HTTP", "NGINX_TLS"};

TEST(a_body_of_known_size_is_streamed) {
    for (int i = 0; i < 2; i++) {
        struct source source = {.size = 4 << 20};
        eddy_http_request_options options = {
            .body_fn = source_read, .body_arg = &source, .body_fn_bytes = 4 << 20};
        assert_upload(servers[i], i == 0 ? "/uploads/known" : "/uploads/known-http2", options);
    }
}

TEST(a_body_of_unknown_size_is_streamed) {
    for (int i = 0; i < 2; i++) {
        struct source source = {.size = 4 << 20, .piece_max = 5000};
        eddy_http_request_options options = {.body_fn = source_read, .body_arg = &source};
        assert_upload(servers[i], i == 0 ? "/uploads/unknown" : "/uploads/unknown-http2", options);
    }
}

TEST(a_callback_that_has_nothing_yet_is_asked_again) {
    CLEANUP(peer_stopp) struct peer *peer = peer_start(peer_echoes, NULL);
    struct source source = {.size = 16, .hesitations = 5};
    struct answer answer = request_answer(
        NULL, &(eddy_http_request_options){
                  .url = peer_url(peer, "/"), .body_fn = source_read, .body_arg = &source});

    ASSERT_STR_CONTAINS(answer.text, "Transfer-Encoding: chunked\r\n");
    ASSERT_STR_CONTAINS(answer.text, "\r\n\r\n000000000000000\n");
}

TEST(an_error_of_the_callback_becomes_the_requests) {
    CLEANUP(peer_stopp) struct peer *peer = peer_start(peer_echoes, NULL);
    struct source source = {.size = 100, .failure = -EIO};
    struct answer answer;

    ASSERT_CODE(-EIO, try_request(NULL,
                                  &(eddy_http_request_options){.url = peer_url(peer, "/upload"),
                                                               .body_fn = source_read,
                                                               .body_arg = &source},
                                  &answer));
    ASSERT_STR_CONTAINS(eddy_last_error()->message, peer_url(peer, "/upload"));
}

TEST(a_callback_that_ends_before_its_promise_is_an_error) {
    CLEANUP(peer_stopp) struct peer *peer = peer_start(peer_echoes, NULL);
    struct source source = {.size = 100};
    struct answer answer;
    ASSERT_CODE(EDDY_EINCOMPLETE,
                try_request(NULL,
                            &(eddy_http_request_options){.url = peer_url(peer, "/"),
                                                         .body_fn = source_read,
                                                         .body_arg = &source,
                                                         .body_fn_bytes = 1000},
                            &answer));
}

static int upload_for_ever(void *arg) {
    struct source source = {.size = SIZE_MAX};
    struct answer answer;

    int r = try_request(
        NULL, &(eddy_http_request_options){.url = arg, .body_fn = source_read, .body_arg = &source},
        &answer);
    ASSERT(source.sent < 16 << 20); /* the kernel's buffers on both sides, and a little more */
    return r;
}

TEST(a_peer_that_does_not_read_pauses_the_upload) {
    CLEANUP(peer_stopp) struct peer *peer = peer_start(peer_never_reads, NULL);
    eddy_task *task = eddy_create_task(upload_for_ever, (void *)peer_url(peer, "/"));
    ASSERT_OK(await_peer(peer, PEER_REQUESTED, 1));

    ASSERT_CODE(-ETIMEDOUT, eddy_wait_for(task, 0.3));
}

/* --- bodies and redirects --------------------------------------------------------------------- */

TEST(see_other_turns_a_post_into_a_get) {
    struct answer answer = request_answer(
        NULL, &(eddy_http_request_options){.url = nginx_url("NGINX_HTTP", "/redirect/see-other"),
                                           .body = "form",
                                           .body_bytes = 4});
    ASSERT_STR_CONTAINS(answer.text, "method: GET\n");
    ASSERT_STR_CONTAINS(answer.text, "content-length: \n");
}

TEST(a_temporary_redirect_sends_the_body_again) {
    struct answer answer = request_answer(
        NULL, &(eddy_http_request_options){.url = nginx_url("NGINX_HTTP", "/redirect/temporary"),
                                           .body = "form",
                                           .body_bytes = 4});
    ASSERT_STR_CONTAINS(answer.text, "method: POST\n");
    ASSERT_STR_CONTAINS(answer.text, "content-length: 4\n");
}

TEST(a_body_from_a_callback_cannot_be_sent_again) {
    struct source source = {.size = 4};
    struct answer answer;
    int r = try_request(
        NULL,
        &(eddy_http_request_options){.url = nginx_url("NGINX_HTTP", "/redirect/temporary"),
                                     .body_fn = source_read,
                                     .body_arg = &source,
                                     .body_fn_bytes = 4},
        &answer);
    ASSERT(r < 0);
    ASSERT_STR_CONTAINS(eddy_last_error()->message, "body");
}
