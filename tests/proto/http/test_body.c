/* SPDX-License-Identifier: MIT
 * test_body.c - bodies: streamed in pieces, paused by a slow reader, read whole under a limit. */
#include "client.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { LARGE_BYTES = 10 * 1024 * 1024 };

TEST(a_large_body_streams_in_order) {
    CLEANUP(response_freep) eddy_http_response *response = NULL;
    char byte;
    ASSERT_OK(eddy_http_get(NULL, nginx_url("NGINX_HTTP", "/large.txt"), &response));

    ASSERT_INT_EQ(read_lines(response, 0, LARGE_BYTES), LARGE_BYTES);
    ASSERT_INT_EQ(eddy_http_response_read(response, &byte, 1), 0);
    ASSERT_INT_EQ(eddy_http_response_read(response, &byte, 1), 0);
}

TEST(a_body_can_be_read_byte_by_byte) {
    CLEANUP(response_freep) eddy_http_response *response = NULL;
    char text[32] = "";
    size_t size = 0;
    ASSERT_OK(eddy_http_get(NULL, nginx_url("NGINX_HTTP", "/small.txt"), &response));
    while (eddy_http_response_read(response, text + size, 1) == 1)
        size++;

    ASSERT_STR_EQ(text, "hello from nginx\n");
}

TEST(the_text_after_a_read_is_the_rest) {
    CLEANUP(response_freep) eddy_http_response *response = NULL;
    char hello[5];
    eddy_slice rest;
    ASSERT_OK(eddy_http_get(NULL, nginx_url("NGINX_HTTP", "/small.txt"), &response));
    ASSERT_INT_EQ(eddy_http_response_read(response, hello, 5), 5);
    ASSERT_OK(eddy_http_response_text(response, &rest));

    ASSERT_STR_EQ(rest.data, " from nginx\n");
}

TEST(a_large_body_is_read_whole) {
    CLEANUP(response_freep) eddy_http_response *response = NULL;
    eddy_slice body;
    ASSERT_OK(eddy_http_get(NULL, nginx_url("NGINX_HTTP", "/large.txt"), &response));
    ASSERT_OK(eddy_http_response_text(response, &body));

    ASSERT_INT_EQ(body.size, LARGE_BYTES);
    ASSERT_STR_EQ(body.data + LARGE_BYTES - 16, "000000000655359\n");
}

/* --- limits ----------------------------------------------------------------------------------- */

TEST(a_text_over_the_limit_is_refused) {
    CLEANUP(session_freep)
    eddy_http_session *session =
        new_session(&(eddy_http_session_options){.body_limit_bytes = 1 << 20});
    assert_get_fails(session, nginx_url("NGINX_HTTP", "/large.txt"), EDDY_ELIMIT, "1048576");
}

TEST(a_text_of_exactly_the_limit_is_read) {
    struct answer answer;
    eddy_http_request_options options = {.url = nginx_url("NGINX_HTTP", "/small.txt")};

    options.body_limit_bytes = 17;
    ASSERT_OK(try_request(NULL, &options, &answer));
    options.body_limit_bytes = 16;
    ASSERT_CODE(EDDY_ELIMIT, try_request(NULL, &options, &answer));
}

TEST(the_limit_counts_what_comes_out_of_the_decompression) {
    CLEANUP(session_freep)
    eddy_http_session *session = /* compressed it is about 1.6 MB */
        new_session(&(eddy_http_session_options){.body_limit_bytes = 4 << 20});
    assert_get_fails(session, nginx_url("NGINX_HTTP", "/gzip/large.txt"), EDDY_ELIMIT, "limit");
}

TEST(a_body_without_end_runs_into_the_limit) {
    CLEANUP(peer_stopp) struct peer *peer = peer_start(peer_sends_for_ever, NULL);
    CLEANUP(session_freep)
    eddy_http_session *session =
        new_session(&(eddy_http_session_options){.body_limit_bytes = 1 << 20});

    assert_get_fails(session, peer_url(peer, "/"), EDDY_ELIMIT, "limit");
    ASSERT_OK(await_peer(peer, PEER_LEFT, 1));
}

TEST(the_limit_of_a_request_goes_before_the_sessions) {
    CLEANUP(session_freep)
    eddy_http_session *session = new_session(&(eddy_http_session_options){.body_limit_bytes = 5});
    struct answer answer = request_answer(
        session, &(eddy_http_request_options){.url = nginx_url("NGINX_HTTP", "/small.txt"),
                                              .body_limit_bytes = 100});
    ASSERT_STR_EQ(answer.text, "hello from nginx\n");
}

TEST(reading_in_pieces_knows_no_limit) {
    CLEANUP(session_freep)
    eddy_http_session *session = new_session(&(eddy_http_session_options){.body_limit_bytes = 5});
    CLEANUP(response_freep) eddy_http_response *response = NULL;
    ASSERT_OK(eddy_http_get(session, nginx_url("NGINX_HTTP", "/large.txt"), &response));

    ASSERT_INT_EQ(read_lines(response, 0, LARGE_BYTES), LARGE_BYTES);
}

/* --- back-pressure ---------------------------------------------------------------------------- */

/* The kernel lets the buffer of a quick reader grow, until a body of many megabytes fits into it
 * and its sender never waits: not for a socket whose buffer was set. */
int socket(int domain, int type, int protocol) {
    int fd = (int)syscall(SYS_socket, domain, type, protocol);

    if (fd >= 0 && domain != AF_UNIX)
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &(int){64 << 10}, sizeof(int));
    return fd;
}

TEST(a_slow_reader_pauses_the_transfer) {
    CLEANUP(peer_stopp) struct peer *peer = peer_start(peer_sends_watched, NULL);
    CLEANUP(response_freep) eddy_http_response *response = NULL;
    ASSERT_OK(eddy_http_get(NULL, peer_url(peer, "/"), &response));
    ASSERT_OK(await_peer(peer, PEER_STALLED, 1));

    /* 256 KiB are ours, the rest are the two buffers of the kernel's. */
    ASSERT(peer_bytes_sent(peer) < 3 * 1024 * 1024);
    ASSERT_INT_EQ(read_lines(response, 0, PEER_WATCHED_BYTES), PEER_WATCHED_BYTES);
}

TEST(a_reader_that_stops_again_pauses_the_transfer_again) {
    CLEANUP(peer_stopp) struct peer *peer = peer_start(peer_sends_watched, NULL);
    CLEANUP(response_freep) eddy_http_response *response = NULL;
    size_t half = PEER_WATCHED_BYTES / 2;
    ASSERT_OK(eddy_http_get(NULL, peer_url(peer, "/"), &response));
    ASSERT_OK(await_peer(peer, PEER_STALLED, 1));
    ASSERT_INT_EQ(read_lines(response, 0, half), half);
    ASSERT_OK(await_peer(peer, PEER_STALLED, peer_count(peer, PEER_STALLED) + 1));

    ASSERT_INT_EQ(read_lines(response, half, half), half);
}

TEST(an_unread_http2_body_does_not_hold_up_another) {
    CLEANUP(session_freep) eddy_http_session *session = new_tls_session();
    CLEANUP(response_freep) eddy_http_response *unread = NULL;
    ASSERT_OK(eddy_http_get(session, nginx_url("NGINX_TLS", "/large.txt"), &unread));
    struct answer answer = get_answer(session, nginx_url("NGINX_TLS", "/small.txt"));

    ASSERT_STR_EQ(answer.text, "hello from nginx\n");
    ASSERT_INT_EQ(read_lines(unread, 0, LARGE_BYTES), LARGE_BYTES);
}

TEST(a_paused_compressed_body_loses_nothing) {
    CLEANUP(response_freep) eddy_http_response *response = NULL;
    ASSERT_OK(eddy_http_get(NULL, nginx_url("NGINX_HTTP", "/gzip/large.txt"), &response));
    for (size_t position = 0; position < LARGE_BYTES; position += LARGE_BYTES / 4) {
        ASSERT_OK(get_answer(NULL, nginx_url("NGINX_HTTP", "/small.txt")).status);
        ASSERT_INT_EQ(read_lines(response, position, LARGE_BYTES / 4), LARGE_BYTES / 4);
    }
    char byte;
    ASSERT_INT_EQ(eddy_http_response_read(response, &byte, 1), 0);
}

/* --- the end ---------------------------------------------------------------------------------- */

TEST(freeing_an_unfinished_response_closes_its_connection) {
    CLEANUP(peer_stopp) struct peer *peer = peer_start(peer_stops_after_headers, NULL);
    CLEANUP(session_freep) eddy_http_session *session = new_session(NULL);
    eddy_http_response *response = NULL;
    ASSERT_OK(eddy_http_get(session, peer_url(peer, "/"), &response));
    ASSERT_INT_EQ(peer_count(peer, PEER_LEFT), 0);
    eddy_http_response_free(response);

    ASSERT_OK(await_peer(peer, PEER_LEFT, 1));
}

TEST(a_half_read_body_may_be_left) {
    CLEANUP(session_freep) eddy_http_session *session = new_session(NULL);
    for (int i = 0; i < 3; i++) {
        CLEANUP(response_freep) eddy_http_response *response = NULL;
        ASSERT_OK(eddy_http_get(session, nginx_url("NGINX_HTTP", "/large.txt"), &response));
        ASSERT_INT_EQ(read_lines(response, 0, 100000), 100000);
    }
    ASSERT_INT_EQ(get_answer(session, nginx_url("NGINX_HTTP", "/small.txt")).status, 200);
}

TEST(a_read_into_no_room_reads_nothing) {
    CLEANUP(response_freep) eddy_http_response *response = NULL;
    char byte;
    ASSERT_OK(eddy_http_get(NULL, nginx_url("NGINX_HTTP", "/small.txt"), &response));
    ASSERT_INT_EQ(eddy_http_response_read(response, &byte, 0), 0);
    ASSERT_INT_EQ(eddy_http_response_read(response, &byte, 1), 1);
    ASSERT_INT_EQ(byte, 'h');
}
