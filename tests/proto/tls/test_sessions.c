/* SPDX-License-Identifier: MIT
 * test_sessions.c - a second connection goes on with the session of the first. */
#include "sessions.h"

#include "tls.h"

/* Whether a connection to this host resumes; it reads, as tickets come with what is said. */
static bool resumes(const char *port, eddy_tls_context *client, const char *name) {
    eddy_stream *stream;
    eddy_tls_facts facts;

    ASSERT_OK(tls_connect(port, client, name, &stream));
    tls_assert_echo(stream, "hello\n");
    ASSERT_OK(eddy_tls_info(stream, &facts));
    ASSERT_NOT_NULL(facts.peer_names); /* also of a session that goes on */
    ASSERT_OK(eddy_stream_write_eof(stream));
    ASSERT_INT_EQ(eddy_stream_read(stream, &(char){0}, 1), 0);
    eddy_stream_close(stream);
    return facts.is_resumed;
}

static void assert_resumed(eddy_tls_options server_options, eddy_tls_options client_options,
                           bool expected) {
    CLEANUP(context_unrefp) eddy_tls_context *server = tls_server_with("good", server_options);
    CLEANUP(context_unrefp) eddy_tls_context *client = tls_client_with(client_options);
    struct tls_host host = {.context = server};

    tls_host_start(&host);
    ASSERT(!resumes(host.port, client, "localhost"));
    for (int i = 0; i < 3; i++)
        ASSERT_INT_EQ(resumes(host.port, client, "localhost"), expected);
    ASSERT(!resumes(host.port, client, "127.0.0.1")); /* another name */
    tls_host_stop(&host);
}

TASK_TEST(a_second_connection_resumes) {
    assert_resumed((eddy_tls_options){0}, (eddy_tls_options){0}, true);
    return 0;
}

TASK_TEST(a_second_connection_of_tls_1_2_resumes) {
    assert_resumed((eddy_tls_options){0}, (eddy_tls_options){.maximum_version = EDDY_TLS_1_2},
                   true);
    return 0;
}

TASK_TEST(sessions_can_be_switched_off_at_either_end) {
    assert_resumed((eddy_tls_options){.sessions_max = -1}, (eddy_tls_options){0}, false);
    assert_resumed((eddy_tls_options){0}, (eddy_tls_options){.sessions_max = -1}, false);
    assert_resumed((eddy_tls_options){.sessions_max = -1},
                   (eddy_tls_options){.maximum_version = EDDY_TLS_1_2}, false);
    return 0;
}

TASK_TEST(another_server_at_the_same_port_is_shaken_hands_with_afresh) {
    CLEANUP(context_unrefp) eddy_tls_context *first = tls_server("good");
    CLEANUP(context_unrefp) eddy_tls_context *second = tls_server("rsa");
    CLEANUP(context_unrefp) eddy_tls_context *client = tls_client();
    struct tls_host host = {.context = first};

    tls_host_start(&host);
    ASSERT(!resumes(host.port, client, "localhost"));
    ASSERT(resumes(host.port, client, "localhost"));
    host.context = second; /* it has other keys of tickets */
    ASSERT(!resumes(host.port, client, "localhost"));
    ASSERT(resumes(host.port, client, "localhost"));
    tls_host_stop(&host);
    return 0;
}

TEST(of_too_many_servers_the_one_that_was_used_longest_ago_is_forgotten) {
    struct tls_sessions sessions = {0};
    SSL_SESSION *session[3], *taken;

    eddy__tls_sessions_init(&sessions, 2);
    for (int i = 0; i < 3; i++) {
        session[i] = SSL_SESSION_new();
        SSL_SESSION_set_protocol_version(session[i], TLS1_2_VERSION);
    }
    eddy__tls_sessions_put(&sessions, "a:1", session[0]);
    eddy__tls_sessions_put(&sessions, "b:1", session[1]);
    taken = eddy__tls_sessions_take(&sessions, "a:1");
    ASSERT_PTR_EQ(taken, session[0]);
    SSL_SESSION_free(taken);
    eddy__tls_sessions_put(&sessions, "c:1", session[2]);
    ASSERT_NULL(eddy__tls_sessions_take(&sessions, "b:1"));
    taken = eddy__tls_sessions_take(&sessions, "a:1"); /* of TLS 1.2: again and again */
    ASSERT_PTR_EQ(taken, session[0]);
    SSL_SESSION_free(taken);
    ASSERT_INT_EQ(sessions.count, 2);
    eddy__tls_sessions_deinit(&sessions);
}

TEST(a_session_of_tls_1_3_is_used_once) {
    struct tls_sessions sessions = {0};
    SSL_SESSION *session = SSL_SESSION_new(), *taken;

    SSL_SESSION_set_protocol_version(session, TLS1_3_VERSION);
    eddy__tls_sessions_init(&sessions, 2);
    eddy__tls_sessions_put(&sessions, "a:1", session);
    taken = eddy__tls_sessions_take(&sessions, "a:1");
    ASSERT_PTR_EQ(taken, session);
    SSL_SESSION_free(taken);
    ASSERT_NULL(eddy__tls_sessions_take(&sessions, "a:1"));
    eddy__tls_sessions_deinit(&sessions);
}
