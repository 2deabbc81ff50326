/* SPDX-License-Identifier: MIT
 * test_session.c - what a session adds: the pool, base headers, cookies. */
#include "client.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* --- the pool --------------------------------------------------------------------------------- */

TEST(requests_one_after_the_other_share_a_connection) {
    CLEANUP(peer_stopp) struct peer *peer = peer_start(peer_echoes, NULL);
    CLEANUP(session_freep) eddy_http_session *session = new_session(NULL);

    for (int i = 0; i < 10; i++)
        ASSERT_INT_EQ(get_answer(session, peer_url(peer, "/")).status, 200);
    ASSERT_INT_EQ(peer_count(peer, PEER_CONNECTED), 1);
}

TEST(nginx_sees_one_connection_with_http1_and_with_http2) {
    CLEANUP(session_freep) eddy_http_session *session = new_tls_session();
    static const char *const servers[] = {"NGINX_HTTP", "NGINX_TLS"};

    for (int i = 0; i < 2; i++) {
        struct answer first = get_answer(session, nginx_url(servers[i], "/small.txt"));
        struct answer second = get_answer(session, nginx_url(servers[i], "/small.txt"));
        ASSERT_STR_CONTAINS(first.connection, " 1");
        ASSERT_STR_CONTAINS(second.connection, " 2");
        ASSERT_INT_EQ(atoi(first.connection), atoi(second.connection));
    }
}

TEST(without_a_session_each_request_has_its_own_connection) {
    CLEANUP(peer_stopp) struct peer *peer = peer_start(peer_echoes, NULL);

    for (int i = 0; i < 3; i++)
        ASSERT_INT_EQ(get_answer(NULL, peer_url(peer, "/")).status, 200);
    ASSERT_INT_EQ(peer_count(peer, PEER_CONNECTED), 3);
    ASSERT_OK(await_peer(peer, PEER_LEFT, 3));
}

TEST(freeing_the_session_closes_idle_connections) {
    CLEANUP(peer_stopp) struct peer *peer = peer_start(peer_echoes, NULL);
    eddy_http_session *session = new_session(NULL);
    ASSERT_INT_EQ(get_answer(session, peer_url(peer, "/")).status, 200);
    ASSERT_INT_EQ(peer_count(peer, PEER_LEFT), 0);
    eddy_http_session_free(session);

    ASSERT_OK(await_peer(peer, PEER_LEFT, 1));
}

TEST(a_response_may_outlive_its_session) {
    CLEANUP(response_freep) eddy_http_response *response = NULL;
    eddy_http_session *session = new_session(NULL);
    ASSERT_OK(eddy_http_get(session, nginx_url("NGINX_HTTP", "/large.txt"), &response));
    eddy_http_session_free(session);

    ASSERT_INT_EQ(read_lines(response, 0, 10 << 20), 10 << 20);
}

TEST(a_pooled_connection_that_has_died_is_replaced) {
    CLEANUP(peer_stopp) struct peer *peer = peer_start(peer_answers_once, NULL);
    CLEANUP(session_freep) eddy_http_session *session = new_session(NULL);

    for (int i = 0; i < 3; i++)
        ASSERT_STR_EQ(get_answer(session, peer_url(peer, "/")).text, "once");
}

enum { MANY = 100, VERY_MANY = 1000 };

static void get_all(eddy_http_session *session, const char *url, int count) {
    struct page pages[VERY_MANY];
    eddy_task *tasks[VERY_MANY];

    ASSERT(count <= VERY_MANY);
    for (int i = 0; i < count; i++) {
        pages[i] = (struct page){session, url, 0};
        tasks[i] = eddy_create_task(get_page, &pages[i]);
    }
    ASSERT_OK(eddy_gather_array(tasks, count, NULL));
    for (int i = 0; i < count; i++)
        ASSERT_INT_EQ(pages[i].status, 200);
}

TEST(a_hundred_requests_are_under_way_at_once) {
    CLEANUP(peer_stopp) struct peer *peer = peer_start(peer_answers_together, &(int){MANY});
    CLEANUP(session_freep) eddy_http_session *session = new_session(NULL);
    get_all(session, peer_url(peer, "/"), MANY);

    ASSERT_INT_EQ(peer_open_most(peer), MANY);
}

TEST(a_hundred_pages_come_from_nginx_over_each_protocol) {
    CLEANUP(session_freep) eddy_http_session *session = new_tls_session();
    get_all(session, nginx_url("NGINX_HTTP", "/small.txt"), MANY);
    get_all(session, nginx_url("NGINX_TLS", "/small.txt"), MANY);
}

TEST(a_thousand_pages_come_from_nginx_at_once) {
    CLEANUP(session_freep) eddy_http_session *session = new_session(NULL);
    get_all(session, nginx_url("NGINX_HTTP", "/small.txt"), VERY_MANY);
}

TEST(no_more_connections_are_open_than_the_session_allows) {
    CLEANUP(peer_stopp) struct peer *peer = peer_start(peer_answers_together, &(int){3});
    CLEANUP(session_freep)
    eddy_http_session *session = new_session(&(eddy_http_session_options){.connections_max = 3});
    get_all(session, peer_url(peer, "/"), 30);

    ASSERT_INT_EQ(peer_open_most(peer), 3);
}

TEST(the_limit_per_host_leaves_room_for_another_host) {
    int three = 3;
    CLEANUP(peer_stopp) struct peer *peer = peer_start(peer_stays_silent, NULL);
    CLEANUP(session_freep)
    eddy_http_session *session =
        new_session(&(eddy_http_session_options){.connections_per_host_max = three});
    struct page page = {session, peer_url(peer, "/"), 0};
    eddy_task *tasks[5];
    for (int i = 0; i < 5; i++)
        tasks[i] = eddy_create_task(get_page, &page);
    ASSERT_OK(await_peer(peer, PEER_REQUESTED, three));
    ASSERT_INT_EQ(get_answer(session, nginx_url("NGINX_OTHER", "/small.txt")).status, 200);
    ASSERT_INT_EQ(peer_count(peer, PEER_CONNECTED), three);

    for (int i = 0; i < 5; i++)
        eddy_cancel(tasks[i]);
    ASSERT_CODE(-ECANCELED, eddy_gather_array(tasks, 5, NULL));
}

TEST(no_more_idle_connections_are_kept_than_the_session_allows) {
    CLEANUP(peer_stopp) struct peer *peer = peer_start(peer_answers_together, &(int){10});
    CLEANUP(session_freep)
    eddy_http_session *session =
        new_session(&(eddy_http_session_options){.idle_connections_max = 2});
    get_all(session, peer_url(peer, "/"), 10);

    ASSERT_OK(await_peer(peer, PEER_LEFT, 8));
    ASSERT_INT_EQ(peer_count(peer, PEER_LEFT), 8);
}

/* --- headers ---------------------------------------------------------------------------------- */

TEST(base_headers_go_with_every_request) {
    const char *base[] = {"X-Base: always", NULL}, *own[] = {"X-Test: this time", NULL};
    CLEANUP(session_freep)
    eddy_http_session *session = new_session(&(eddy_http_session_options){.headers = base});
    base[0] = "overwritten: the session has its own copy";
    const char *url = nginx_url("NGINX_HTTP", "/request");

    ASSERT_STR_CONTAINS(get_answer(session, url).text, "x-base: always\n");
    struct answer both =
        request_answer(session, &(eddy_http_request_options){.url = url, .headers = own});
    ASSERT_STR_CONTAINS(both.text, "x-base: always\n");
    ASSERT_STR_CONTAINS(both.text, "x-test: this time\n");
}

TEST(a_request_can_take_a_base_header_away_or_replace_it) {
    const char *base[] = {"X-Base: always", NULL};
    CLEANUP(session_freep)
    eddy_http_session *session = new_session(&(eddy_http_session_options){.headers = base});
    eddy_http_request_options options = {.url = nginx_url("NGINX_HTTP", "/request")};

    options.headers = (const char *[]){"X-Base:", NULL};
    ASSERT_STR_CONTAINS(request_answer(session, &options).text, "x-base: \n");
    options.headers = (const char *[]){"x-base: for once", NULL};
    ASSERT_STR_CONTAINS(request_answer(session, &options).text, "x-base: for once\n");
}

/* --- cookies ---------------------------------------------------------------------------------- */

TEST(cookies_are_kept_sent_back_and_forgotten) {
    CLEANUP(session_freep) eddy_http_session *session = new_session(NULL);
    const char *show = nginx_url("NGINX_HTTP", "/request");

    get_answer(session, nginx_url("NGINX_HTTP", "/cookie/set"));
    ASSERT_STR_CONTAINS(get_answer(session, show).text, "cookie: flavour=oat\n");
    get_answer(session, nginx_url("NGINX_HTTP", "/cookie/forget"));
    ASSERT_STR_CONTAINS(get_answer(session, show).text, "cookie: \n");
}

TEST(cookies_stay_with_their_session_and_their_host) {
    CLEANUP(session_freep) eddy_http_session *session = new_session(NULL);
    CLEANUP(session_freep) eddy_http_session *stranger = new_session(NULL);
    get_answer(session, nginx_url("NGINX_HTTP", "/cookie/set"));

    struct answer answer = get_answer(stranger, nginx_url("NGINX_HTTP", "/request"));
    ASSERT_STR_CONTAINS(answer.text, "cookie: \n");
    answer = get_answer(session, nginx_url("NGINX_OTHER", "/request"));
    ASSERT_STR_CONTAINS(answer.text, "cookie: \n");
}

TEST(a_session_without_cookies_keeps_none) {
    CLEANUP(session_freep)
    eddy_http_session *session = new_session(&(eddy_http_session_options){.no_cookies = true});
    get_answer(session, nginx_url("NGINX_HTTP", "/cookie/set"));

    struct answer answer = get_answer(session, nginx_url("NGINX_HTTP", "/request"));
    ASSERT_STR_CONTAINS(answer.text, "cookie: \n");
}

TEST(a_cookie_file_carries_cookies_to_the_next_session) {
    char file[256];
    snprintf(file, sizeof file, "%s/cookies", nginx_value("NGINX_FOLDER"));
    eddy_http_session_options options = {.cookie_file = file};

    eddy_http_session *first = new_session(&options);
    get_answer(first, nginx_url("NGINX_HTTP", "/cookie/set"));
    get_answer(first, nginx_url("NGINX_HTTP", "/cookie/keep"));
    eddy_http_session_free(first);

    CLEANUP(session_freep) eddy_http_session *second = new_session(&options);
    struct answer answer = get_answer(second, nginx_url("NGINX_HTTP", "/request"));
    ASSERT_STR_CONTAINS(answer.text, "colour=blue");
    unlink(file);
}
