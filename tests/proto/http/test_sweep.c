/* SPDX-License-Identifier: MIT
 * test_sweep.c - the same request again and again, cancelled a little later each time: it must end
 * at once, and leave nothing behind for the leak checker. test_starve.c does it with memory. */
#include "client.h"

/* Cancels a GET after 0, 1, 2 ... steps of 50 microseconds, until it is there before the cancel. */
static void cancel_everywhere(eddy_http_session *session, const char *url) {
    int done = 0;

    for (int i = 0; i < 100 && done < 3; i++) {
        struct page page = {session, url, 0};
        eddy_task *task = eddy_create_task(get_page, &page);
        ASSERT_OK(eddy_wait(&task, 1, i * 50e-6, EDDY_ALL_COMPLETED));
        eddy_cancel(task);
        int r = eddy_await(task);
        ASSERT(r == -ECANCELED || r == 0);
        done += r == 0;
    }
}

TEST(a_cancel_at_any_moment_leaves_nothing_behind) {
    CLEANUP(session_freep) eddy_http_session *session = new_session(NULL);
    cancel_everywhere(NULL, nginx_url("NGINX_HTTP", "/small.txt"));
    cancel_everywhere(NULL, nginx_url("NGINX_OTHER", "/small.txt"));
    cancel_everywhere(session, nginx_url("NGINX_HTTP", "/redirect/3"));
    cancel_everywhere(session, nginx_url("NGINX_HTTP", "/large.txt"));
    ASSERT_INT_EQ(get_answer(session, nginx_url("NGINX_HTTP", "/small.txt")).status, 200);
}

TEST(a_cancel_at_any_moment_of_tls_leaves_nothing_behind) {
    CLEANUP(session_freep) eddy_http_session *session = new_tls_session();
    CLEANUP(session_freep)
    eddy_http_session *http1 = new_session(&(eddy_http_session_options){
        .ca_file = nginx_value("NGINX_CA"), .http1_only = true, .idle_connections_max = 1});
    cancel_everywhere(session, nginx_url("NGINX_TLS", "/small.txt"));
    cancel_everywhere(session, nginx_url("NGINX_TLS", "/large.txt"));
    cancel_everywhere(http1, nginx_url("NGINX_TLS", "/large.txt"));
    ASSERT_INT_EQ(get_answer(session, nginx_url("NGINX_TLS", "/small.txt")).status, 200);
}
