/* SPDX-License-Identifier: MIT
 * test_misuse.c - calls where they do not belong: an error with a sentence, and nothing breaks. */
#include "client.h"

#include <sys/resource.h>
#include <unistd.h>

/* --- who may call when ------------------------------------------------------------------------ */

struct call {
    const char *url;
    int result;
};

static void get_in_a_callback(void *arg) {
    struct call *call = arg;
    call->result = try_get(NULL, call->url);
}

TEST(a_get_in_a_loop_callback_is_refused) {
    struct call call = {nginx_url("NGINX_HTTP", "/small.txt"), 0};
    eddy_call_soon(NULL, get_in_a_callback, &call);
    ASSERT_OK(eddy_sleep(0.001));

    ASSERT_CODE(-EDEADLK, call.result);
    ASSERT_INT_EQ(get_answer(NULL, call.url).status, 200);
}

static ssize_t sleep_in_the_body(void *buffer, size_t size, void *arg) {
    (void)buffer, (void)size, (void)arg;
    return eddy_sleep(0.001);
}

TEST(a_body_callback_that_suspends_is_refused) {
    CLEANUP(peer_stopp) struct peer *peer = peer_start(peer_echoes, NULL);
    struct answer answer;
    eddy_http_request_options options = {.url = peer_url(peer, "/"), .body_fn = sleep_in_the_body};
    ASSERT_CODE(-EDEADLK, try_request(NULL, &options, &answer));
}

static int read_one(void *response) {
    char byte;
    return (int)eddy_http_response_read(response, &byte, 1);
}

/* A response of which nothing more will come, and a task that waits for it all the same. */
static eddy_task *start_waiting(struct peer *peer, eddy_http_response **response) {
    char first[5];
    ASSERT_OK(eddy_http_get(NULL, peer_url(peer, "/"), response));
    for (size_t n = 0; n < sizeof first; n++)
        ASSERT_INT_EQ(eddy_http_response_read(*response, first + n, 1), 1);

    eddy_task *task = eddy_create_task(read_one, *response);
    ASSERT_CODE(0, eddy_wait(&task, 1, 0.005, EDDY_ALL_COMPLETED));
    return task;
}

TEST(a_second_reader_is_refused_while_the_first_waits) {
    CLEANUP(peer_stopp) struct peer *peer = peer_start(peer_stops_after_headers, NULL);
    CLEANUP(response_freep) eddy_http_response *response = NULL;
    eddy_slice body;
    eddy_task *first = start_waiting(peer, &response);

    ASSERT_CODE(-EBUSY, read_one(response));
    ASSERT_CODE(-EBUSY, eddy_http_response_text(response, &body));
    eddy_cancel(first);
    ASSERT_CODE(-ECANCELED, eddy_await(first));
}

TEST(a_response_freed_under_a_waiting_task_wakes_it) {
    CLEANUP(peer_stopp) struct peer *peer = peer_start(peer_stops_after_headers, NULL);
    eddy_http_response *response = NULL;
    eddy_task *task = start_waiting(peer, &response);
    eddy_http_response_free(response);

    ASSERT_CODE(EDDY_ECLOSED, eddy_await(task));
    ASSERT_OK(await_peer(peer, PEER_LEFT, 1));
}

/* --- loops that come and go ------------------------------------------------------------------- */

TEST(a_session_serves_one_run_after_another) {
    CLEANUP(session_freep) eddy_http_session *session = new_session(NULL);

    for (int i = 0; i < 3; i++) {
        struct page page = {session, nginx_url("NGINX_HTTP", "/small.txt"), 0};
        ASSERT_OK(eddy_run(get_page, &page));
        ASSERT_INT_EQ(page.status, 200);
    }
    ASSERT_INT_EQ(get_answer(session, nginx_url("NGINX_HTTP", "/small.txt")).status, 200);
}

static int get_and_leave_open(void *arg) {
    eddy_http_response **response = arg;
    return eddy_http_get(NULL, nginx_url("NGINX_HTTP", "/large.txt"), response);
}

TEST(a_response_left_by_a_run_can_be_freed_after_it) {
    CLEANUP(response_freep) eddy_http_response *response = NULL;
    ASSERT_OK(eddy_run(get_and_leave_open, &response));
    ASSERT_INT_EQ(eddy_http_response_status(response), 200);
}

/* --- the system says no ----------------------------------------------------------------------- */

/* Lets the process open no descriptor more. */
static struct rlimit use_up_descriptors(void) {
    struct rlimit before, none;
    int lowest = dup(STDIN_FILENO);

    close(lowest);
    getrlimit(RLIMIT_NOFILE, &before);
    none = (struct rlimit){(rlim_t)lowest, before.rlim_max};
    setrlimit(RLIMIT_NOFILE, &none);
    return before;
}

TEST(a_lack_of_descriptors_is_named) {
    CLEANUP(peer_stopp) struct peer *peer = peer_start(peer_answers, "after all");
    CLEANUP(session_freep) eddy_http_session *session = new_session(NULL);
    ASSERT_INT_EQ(get_answer(session, nginx_url("NGINX_HTTP", "/small.txt")).status, 200);
    struct rlimit before = use_up_descriptors();
    int r = try_get(session, peer_url(peer, "/"));
    setrlimit(RLIMIT_NOFILE, &before);

    ASSERT_CODE(-EMFILE, r);
    ASSERT_STR_CONTAINS(eddy_last_error()->message, peer_url(peer, "/"));
    ASSERT_STR_EQ(get_answer(session, peer_url(peer, "/")).text, "after all");
}
