/* SPDX-License-Identifier: MIT
 * test_starve.c - the same request again and again, each time the next allocation fails: it must
 * end with an error, and leave nothing behind for the leak checker.
 *
 * Eddy's allocations fail through eddy_set_allocator(), those of src/proto/http because the linker
 * puts the __wrap_ functions in their place. libcurl's own do not: in 7.88 a failing one can leave
 * a transfer hanging or divide by zero (its table of sockets), and that is not ours to test. */
#include "client.h"

#include <curl/curl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
char *__real_strdup(const char *text);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);
char *__wrap_strdup(const char *text);

static atomic_long allocations_left = LONG_MAX; /* the one that brings it to 0 fails */

static bool must_fail(void) {
    return atomic_fetch_sub(&allocations_left, 1) == 1;
}

void *__wrap_malloc(size_t size) {
    return must_fail() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size) {
    return must_fail() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *memory, size_t size) {
    return must_fail() ? NULL : __real_realloc(memory, size);
}

char *__wrap_strdup(const char *text) {
    return must_fail() ? NULL : __real_strdup(text);
}

CURLMcode __real_curl_multi_socket_action(CURLM *curl, curl_socket_t fd, int events, int *running);
CURLMcode __wrap_curl_multi_socket_action(CURLM *curl, curl_socket_t fd, int events, int *running);

static int actions_left = INT_MAX; /* libcurl fails after as many */

CURLMcode __wrap_curl_multi_socket_action(CURLM *curl, curl_socket_t fd, int events, int *running) {
    if (actions_left-- <= 0)
        return CURLM_OUT_OF_MEMORY;
    return __real_curl_multi_socket_action(curl, fd, events, running);
}

static void take_scarce_memory(void) {
    static const eddy_allocator allocator = {__wrap_malloc, __wrap_realloc, free};
    ASSERT_OK(eddy_set_allocator(&allocator));
    ASSERT_OK(eddy_yield()); /* the loop is made: it shall not be what fails */
}

/* Fails the first allocation of a call, the second ..., until it needs no more than succeed.
 * Returns how many it needs. */
static long starve(eddy_fn *fn, void *arg) {
    for (long n = 1;; n++) {
        atomic_store(&allocations_left, n);
        int r = eddy_with_timeout(5, fn, arg);
        bool was_starved = atomic_exchange(&allocations_left, LONG_MAX) <= 0;

        if (r == -ETIMEDOUT)
            TEST_FAIL("without its allocation number %ld it never ends", n);
        if (r < 0)
            ASSERT_NOT_NULL(eddy_last_error());
        if (!was_starved) {
            ASSERT_OK(r);
            return n - 1;
        }
    }
}

TEST(a_get_of_a_session_survives_without_each_allocation) {
    take_scarce_memory();
    CLEANUP(session_freep) eddy_http_session *session = new_session(NULL);
    struct page page = {session, nginx_url("NGINX_HTTP", "/redirect/2"), 0};

    ASSERT(starve(get_page, &page) > 0);
    ASSERT_INT_EQ(page.status, 200);
}

TEST(a_get_without_a_session_survives_without_each_allocation) {
    take_scarce_memory();
    struct page page = {NULL, nginx_url("NGINX_HTTP", "/gzip/large.txt"), 0};

    ASSERT(starve(get_page, &page) > 0);
    ASSERT_INT_EQ(page.status, 200);
}

static int post(void *arg) {
    struct page *page = arg;
    const char *headers[] = {"X-Test: yes", "Accept:", NULL};
    static const char body[100 * 1000];
    struct answer answer;

    int r = try_request(page->session,
                        &(eddy_http_request_options){.url = page->url,
                                                     .method = "PUT",
                                                     .headers = headers,
                                                     .body = body,
                                                     .body_bytes = sizeof body},
                        &answer);
    page->status = r < 0 ? r : answer.status;
    return r;
}

TEST(a_put_with_headers_survives_without_each_allocation) {
    take_scarce_memory();
    struct page page = {NULL, nginx_url("NGINX_HTTP", "/uploads/starved"), 0};

    ASSERT(starve(post, &page) > 0);
    ASSERT_INT_EQ(page.status, 204);
}

static int open_and_close(void *arg) {
    const char *headers[] = {"X-Base: always", NULL};
    eddy_http_session_options options = {.headers = headers,
                                         .user_agent = "starved",
                                         .ca_file = nginx_value("NGINX_CA"),
                                         .proxy = "",
                                         .cookie_file = arg};
    eddy_http_session *session = NULL;

    int r = eddy_http_session_new(&options, &session);
    ASSERT(r == 0 || r == -ENOMEM);
    eddy_http_session_free(session);
    return r;
}

TEST(a_session_opens_or_says_that_there_is_no_memory) {
    take_scarce_memory();
    ASSERT(starve(open_and_close, "/dev/null") > 0);
}

/* The server takes its time: a small page may come within the one action that asks for it. */
TEST(when_libcurl_cannot_go_on_the_transfer_fails_instead_of_hanging) {
    CLEANUP(session_freep) eddy_http_session *session = new_session(NULL);

    for (int actions = 0; actions < 2; actions++) {
        actions_left = actions;
        assert_get_fails(session, nginx_url("NGINX_HTTP", "/slow/large.txt"), -ENOMEM, "no memory");
        actions_left = INT_MAX;
        get_answer(session, nginx_url("NGINX_HTTP", "/small.txt"));
    }
}
