/* SPDX-License-Identifier: MIT
 * test_cancel.c - a cancel or a time-out ends a transfer at once, wherever it stands, and the peer
 * sees its connection closed. */
#include "client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

/* Cancels a task that waits for this peer, once it has come so far; expects it to end by that. */
static void assert_cancel_ends(eddy_task *task, struct peer *peer, enum peer_event so_far) {
    ASSERT_OK(await_peer(peer, so_far, 1));
    ASSERT(eddy_cancel(task));
    ASSERT_CODE(-ECANCELED, eddy_await(task));
    ASSERT_OK(await_peer(peer, PEER_LEFT, 1));
}

/* --- where it may stand ----------------------------------------------------------------------- */

TEST(a_cancel_while_waiting_for_the_answer_closes_the_connection) {
    CLEANUP(peer_stopp) struct peer *peer = peer_start(peer_stays_silent, NULL);
    struct page page = {NULL, peer_url(peer, "/"), 0};
    assert_cancel_ends(eddy_create_task(get_page, &page), peer, PEER_REQUESTED);
}

/* Reads the client's greeting, says nothing, and sees it leave. */
static void peer_ignores_the_handshake(struct peer_client *client) {
    peer_await_leave(client);
}

TEST(a_cancel_in_the_handshake_closes_the_connection) {
    CLEANUP(peer_stopp) struct peer *peer = peer_start(peer_ignores_the_handshake, NULL);
    struct page page = {NULL, peer_url_with("https://", peer, "/"), 0};
    assert_cancel_ends(eddy_create_task(get_page, &page), peer, PEER_CONNECTED);
}

struct reader {
    const char *url;
    eddy_future *has_read;
};

static int read_on(void *arg) {
    struct reader *reader = arg;
    CLEANUP(response_freep) eddy_http_response *response = NULL;
    char buffer[100];

    ASSERT_OK(eddy_http_get(NULL, reader->url, &response));
    ssize_t n = 0;
    for (size_t total = 0; total < 5; total += (size_t)n)
        ASSERT_OK(n = eddy_http_response_read(response, buffer, sizeof buffer));
    eddy_future_set_result(reader->has_read, NULL);
    return (int)eddy_http_response_read(response, buffer, sizeof buffer);
}

TEST(a_cancel_while_reading_closes_the_connection) {
    CLEANUP(peer_stopp) struct peer *peer = peer_start(peer_stops_after_headers, NULL);
    struct reader reader = {peer_url(peer, "/"), eddy_future_new(NULL)};
    eddy_task *task = eddy_create_task(read_on, &reader);
    ASSERT_OK(eddy_await(eddy_ref(reader.has_read)));
    eddy_unref(reader.has_read);

    assert_cancel_ends(task, peer, PEER_REQUESTED);
}

static int collect(void *arg) {
    return try_get(NULL, arg);
}

TEST(a_cancel_while_a_body_is_collected_closes_the_connection) {
    CLEANUP(peer_stopp) struct peer *peer = peer_start(peer_stops_after_headers, NULL);
    eddy_task *task = eddy_create_task(collect, (void *)peer_url(peer, "/"));
    assert_cancel_ends(task, peer, PEER_REQUESTED);
}

TEST(a_cancel_while_a_body_rushes_in_closes_the_connection) {
    CLEANUP(peer_stopp) struct peer *peer = peer_start(peer_sends_for_ever, NULL);
    CLEANUP(session_freep)
    eddy_http_session *session =
        new_session(&(eddy_http_session_options){.body_limit_bytes = (size_t)1 << 40});
    struct page page = {session, peer_url(peer, "/"), 0};
    assert_cancel_ends(eddy_create_task(get_page, &page), peer, PEER_REQUESTED);
}

/* A port whose queue of connections is full: the kernel lets further ones wait. */
struct full_port {
    int fd, waiting[4];
    char url[64];
};

static void full_port_open(struct full_port *port) {
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof address;

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    port->fd = socket(AF_INET, SOCK_STREAM, 0);
    bind(port->fd, (struct sockaddr *)&address, size);
    listen(port->fd, 0);
    getsockname(port->fd, (struct sockaddr *)&address, &size);
    for (int i = 0; i < 4; i++) {
        port->waiting[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        connect(port->waiting[i], (struct sockaddr *)&address, size);
    }
    snprintf(port->url, sizeof port->url, "http://127.0.0.1:%d/", ntohs(address.sin_port));
}

static void full_port_close(struct full_port *port) {
    close(port->fd);
    for (int i = 0; i < 4; i++)
        close(port->waiting[i]);
}

TEST(a_cancel_while_connecting_ends_at_once) {
    CLEANUP(full_port_close) struct full_port port;
    full_port_open(&port);
    struct page page = {NULL, port.url, 0};
    eddy_task *task = eddy_create_task(get_page, &page);
    ASSERT_CODE(0, eddy_wait(&task, 1, 0.05, EDDY_ALL_COMPLETED));

    eddy_cancel(task);
    ASSERT_CODE(-ECANCELED, eddy_await(task));
}

TEST(a_cancel_before_the_start_makes_no_connection) {
    CLEANUP(peer_stopp) struct peer *peer = peer_start(peer_stays_silent, NULL);
    struct page page = {NULL, peer_url(peer, "/"), 0};
    eddy_task *task = eddy_create_task(get_page, &page);
    eddy_cancel(task);

    ASSERT_CODE(-ECANCELED, eddy_await(task));
    ASSERT_INT_EQ(peer_count(peer, PEER_CONNECTED), 0);
}

static int get_although_cancelled(void *arg) {
    struct page *page = arg;

    eddy_cancel(eddy_current_task());
    ASSERT_CODE(-ECANCELED, get_page(page));
    ASSERT_CODE(-ECANCELED, get_page(page));
    eddy_uncancel();
    return get_page(page);
}

TEST(a_cancelled_task_is_refused_until_it_uncancels) {
    struct page page = {NULL, nginx_url("NGINX_HTTP", "/small.txt"), 0};
    ASSERT_OK(eddy_await(eddy_create_task(get_although_cancelled, &page)));
    ASSERT_INT_EQ(page.status, 200);
}

TEST(a_cancel_while_waiting_for_a_connection_leaves_the_others_alone) {
    CLEANUP(peer_stopp) struct peer *peer = peer_start(peer_answers_when_released, NULL);
    CLEANUP(session_freep)
    eddy_http_session *session = new_session(&(eddy_http_session_options){.connections_max = 1});
    struct page first = {session, peer_url(peer, "/1"), 0}, second = {session, "", 0};
    second.url = peer_url(peer, "/2");
    eddy_task *has_it = eddy_create_task(get_page, &first);
    ASSERT_OK(await_peer(peer, PEER_REQUESTED, 1));
    eddy_task *waits = eddy_create_task(get_page, &second);
    ASSERT_CODE(0, eddy_wait(&waits, 1, 0.02, EDDY_ALL_COMPLETED));

    eddy_cancel(waits);
    ASSERT_CODE(-ECANCELED, eddy_await(waits));
    peer_release(peer);
    ASSERT_OK(eddy_await(has_it));
    ASSERT_INT_EQ(first.status, 200);
}

/* --- time-outs -------------------------------------------------------------------------------- */

TEST(a_time_out_around_a_get_closes_the_connection) {
    CLEANUP(peer_stopp) struct peer *peer = peer_start(peer_stays_silent, NULL);
    eddy_http_response *response = NULL;
    eddy_timeout t;
    eddy_timeout_begin(&t, 0.2);
    int r = eddy_http_get(NULL, peer_url(peer, "/"), &response);

    ASSERT_CODE(-ETIMEDOUT, eddy_timeout_end(&t, r));
    ASSERT_NULL(response);
    ASSERT_OK(await_peer(peer, PEER_LEFT, 1));
}

TEST(a_time_out_around_a_read_leaves_the_response_to_be_freed) {
    CLEANUP(peer_stopp) struct peer *peer = peer_start(peer_stops_after_headers, NULL);
    eddy_http_response *response = NULL;
    char buffer[100];
    ASSERT_OK(eddy_http_get(NULL, peer_url(peer, "/"), &response));
    ASSERT_INT_EQ(eddy_http_response_read(response, buffer, 5), 5);
    eddy_timeout t;
    eddy_timeout_begin(&t, 0.1);
    ssize_t n = eddy_http_response_read(response, buffer, sizeof buffer);
    ASSERT_CODE(-ETIMEDOUT, eddy_timeout_end(&t, (int)n));

    eddy_http_response_free(response);
    ASSERT_OK(await_peer(peer, PEER_LEFT, 1));
}

TEST(a_time_out_ends_a_connect_that_hangs) {
    CLEANUP(full_port_close) struct full_port port;
    full_port_open(&port);
    struct page page = {NULL, port.url, 0};
    ASSERT_CODE(-ETIMEDOUT, eddy_with_timeout(0.2, get_page, &page));
}

TEST(a_time_out_ends_an_answer_that_trickles) {
    struct page page = {NULL, nginx_url("NGINX_HTTP", "/slow/large.txt"), 0};
    ASSERT_CODE(-ETIMEDOUT, eddy_with_timeout(0.3, get_page, &page));
}

TEST(wait_for_cancels_the_request) {
    CLEANUP(peer_stopp) struct peer *peer = peer_start(peer_stays_silent, NULL);
    struct page page = {NULL, peer_url(peer, "/"), 0};
    ASSERT_CODE(-ETIMEDOUT, eddy_wait_for(eddy_create_task(get_page, &page), 0.2));
    ASSERT_OK(await_peer(peer, PEER_LEFT, 1));
}

TEST(a_time_out_that_is_long_enough_changes_nothing) {
    struct page page = {NULL, nginx_url("NGINX_HTTP", "/small.txt"), 0};
    ASSERT_OK(eddy_with_timeout(60, get_page, &page));
    ASSERT_INT_EQ(page.status, 200);
}

TEST(a_session_goes_on_after_a_time_out) {
    CLEANUP(peer_stopp) struct peer *peer = peer_start(peer_stays_silent, NULL);
    CLEANUP(session_freep) eddy_http_session *session = new_session(NULL);
    struct page page = {session, peer_url(peer, "/"), 0};
    ASSERT_CODE(-ETIMEDOUT, eddy_with_timeout(0.1, get_page, &page));

    ASSERT_INT_EQ(get_answer(session, nginx_url("NGINX_HTTP", "/small.txt")).status, 200);
}

/* --- many ------------------------------------------------------------------------------------- */

TEST(a_hundred_requests_are_cancelled_at_once) {
    enum { COUNT = 100 };
    CLEANUP(peer_stopp) struct peer *peer = peer_start(peer_stays_silent, NULL);
    CLEANUP(session_freep) eddy_http_session *session = new_session(NULL);
    struct page page = {session, peer_url(peer, "/"), 0};
    eddy_task *tasks[COUNT];
    int results[COUNT];
    for (int i = 0; i < COUNT; i++)
        tasks[i] = eddy_create_task(get_page, &page);
    ASSERT_OK(await_peer(peer, PEER_REQUESTED, COUNT));
    for (int i = 0; i < COUNT; i++)
        eddy_cancel(tasks[i]);

    ASSERT_CODE(-ECANCELED, eddy_gather_array(tasks, COUNT, results));
    for (int i = 0; i < COUNT; i++)
        ASSERT_CODE(-ECANCELED, results[i]);
    ASSERT_OK(await_peer(peer, PEER_LEFT, COUNT));
}

static int gather_two(void *arg) {
    return eddy_gather(eddy_create_task(get_page, arg), eddy_create_task(get_page, arg));
}

TEST(a_cancelled_gather_cancels_its_requests) {
    CLEANUP(peer_stopp) struct peer *peer = peer_start(peer_stays_silent, NULL);
    struct page page = {NULL, peer_url(peer, "/"), 0};
    eddy_task *task = eddy_create_task(gather_two, &page);
    ASSERT_OK(await_peer(peer, PEER_REQUESTED, 2));
    eddy_cancel(task);

    ASSERT_CODE(-ECANCELED, eddy_await(task));
    ASSERT_OK(await_peer(peer, PEER_LEFT, 2));
}

struct left_behind {
    struct page page;
    struct peer *peer;
};

static int leave_one_behind(void *arg) {
    struct left_behind *left = arg;
    ASSERT_OK(eddy_detach(eddy_create_task(get_page, &left->page)));
    return await_peer(left->peer, PEER_REQUESTED, 1);
}

TEST(a_request_left_behind_ends_with_the_run) {
    CLEANUP(peer_stopp) struct peer *peer = peer_start(peer_stays_silent, NULL);
    struct left_behind left = {{NULL, peer_url(peer, "/"), 0}, peer};

    ASSERT_OK(eddy_run(leave_one_behind, &left));
    ASSERT(peer_wait(peer, PEER_LEFT, 1));
}
