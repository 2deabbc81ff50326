/* SPDX-License-Identifier: MIT
 * test_programs.c - the other end is somebody else's: openssl's s_client and s_server, Python's ssl
 * and asyncio, curl. Those of nginx: test_nginx.c. */
#include "tls.h"

#include <stdio.h>
#include <unistd.h>

/* The number behind this text in what a program says. */
static void tool_port(struct tool *tool, const char *before, char port[8]) {
    char format[64];
    const char *end;

    tool_await(tool, before);
    end = strstr(tool->said, before) + strlen(before);
    while (!strchr(end, '\n')) {
        tool_await(tool, "\n");
        eddy_sleep(0.005);
    }
    snprintf(format, sizeof(format), "%%7[0-9]");
    ASSERT_INT_EQ(sscanf(end, format, port), 1);
}

/* --- openssl s_client ------------------------------------------------------------------------- */

static int answer_line(eddy_stream *stream, void *arg) {
    eddy_slice line;
    ssize_t n = eddy_stream_read_line(stream, &line);

    (void)arg;
    if (n <= 0)
        return (int)n;
    ASSERT_SLICE_EQ(line, "are you there\n");
    return eddy_stream_write(stream, "yes, I am\n", 10);
}

static void assert_s_client(const char *version, const char *certificate, const char *says) {
    CLEANUP(context_unrefp)
    eddy_tls_context *server = tls_server_with(
        certificate, (eddy_tls_options){.alpn = (const char *const[]){"echo", NULL}});
    struct tls_host host = {.context = server, .fn = answer_line};
    struct tool tool;
    char address[32];

    tls_host_start(&host);
    snprintf(address, sizeof(address), "127.0.0.1:%s", host.port);
    tool_start(&tool, (const char *const[]){"openssl", "s_client", "-connect", address, version,
                                            "-CAfile", tls_file("ca.pem"), "-verify_return_error",
                                            "-verify_hostname", "localhost", "-servername",
                                            "localhost", "-alpn", "echo", NULL});
    tool_await(&tool, "Verify return code: 0 (ok)");
    tool_await(&tool, says);
    tool_await(&tool, "ALPN protocol: echo");
    tool_say(&tool, "are you there\n");
    tool_await(&tool, "yes, I am");
    tool_await(&tool, "closed"); /* our notice is its end */
    tool_wait(&tool);
    tls_host_stop(&host);
}

TASK_TEST(openssl_s_client_talks_to_us) {
    assert_s_client("-tls1_3", "good", "New, TLSv1.3");
    assert_s_client("-tls1_2", "good", "New, TLSv1.2");
    assert_s_client("-tls1_2", "rsa", "New, TLSv1.2");
    return 0;
}

TASK_TEST(openssl_s_client_resumes_five_times) {
    CLEANUP(context_unrefp) eddy_tls_context *server = tls_server("good");
    struct tls_host host = {.context = server};
    struct tool tool;
    char address[32];
    int reused = 0;

    tls_host_start(&host);
    snprintf(address, sizeof(address), "127.0.0.1:%s", host.port);
    tool_start(&tool, (const char *const[]){"openssl", "s_client", "-connect", address, "-tls1_2",
                                            "-reconnect", NULL});
    for (int i = 0; i < 5; i++)
        tool_await(&tool, "Reused, TLSv1.2");
    while (host.count < 6)
        settle();
    tool_wait(&tool);
    for (const char *at = tool.said; (at = strstr(at, "Reused,")); at++)
        reused++;
    ASSERT_INT_EQ(reused, 5);
    tls_host_stop(&host);
    return 0;
}

TASK_TEST(openssl_s_client_without_a_version_in_common_is_told) {
    CLEANUP(context_unrefp) eddy_tls_context *server = tls_server("good");
    struct tls_host host = {.context = server};
    struct tool tool;
    char address[32];

    tls_host_start(&host);
    snprintf(address, sizeof(address), "127.0.0.1:%s", host.port);
    tool_start(&tool, (const char *const[]){"openssl", "s_client", "-connect", address, "-tls1_1",
                                            "-cipher", "DEFAULT@SECLEVEL=0", NULL});
    tool_await(&tool, "alert protocol version");
    tool_wait(&tool);
    ASSERT_CODE(EDDY_ETLS, host.result);
    ASSERT_STR_CONTAINS(host.text, "no version of TLS in common");
    tls_host_stop(&host);
    return 0;
}

/* --- openssl s_server ------------------------------------------------------------------------- */

/* Says each line backwards. Further arguments come before the NULL. */
static void s_server_start(struct tool *tool, const char *name, const char *extra, const char *more,
                           char port[8]) {
    char certificate[32], key[32];

    snprintf(certificate, sizeof(certificate), "%s.pem", name);
    snprintf(key, sizeof(key), "%s.key", name);
    tool_start(tool, (const char *const[]){"openssl", "s_server", "-accept", "127.0.0.1:0", "-rev",
                                           "-cert", tls_file(certificate), "-key", tls_file(key),
                                           extra, more, NULL});
    tool_port(tool, "ACCEPT 127.0.0.1:", port);
}

static bool talk_backwards(const char *port, eddy_tls_context *client) {
    CLEANUP(stream_closep) eddy_stream *stream = NULL;
    eddy_tls_facts facts;
    eddy_slice line;

    ASSERT_OK(tls_connect(port, client, "localhost", &stream));
    ASSERT_OK(eddy_stream_write(stream, "hello\n", 6));
    ASSERT_OK(eddy_stream_read_line(stream, &line));
    ASSERT_SLICE_EQ(line, "olleh\n");
    ASSERT_OK(eddy_tls_info(stream, &facts));
    return facts.is_resumed;
}

static void assert_s_server(const char *version, const char *name) {
    CLEANUP(context_unrefp) eddy_tls_context *client = tls_client();
    struct tool tool;
    char port[8];

    s_server_start(&tool, name, version, NULL, port);
    ASSERT(!talk_backwards(port, client));
    ASSERT(talk_backwards(port, client)); /* and it resumes */
    ASSERT(talk_backwards(port, client));
    tool_kill(&tool);
}

TASK_TEST(we_talk_to_openssl_s_server_and_resume) {
    assert_s_server("-tls1_3", "good");
    assert_s_server("-tls1_2", "good");
    assert_s_server("-tls1_2", "rsa");
    return 0;
}

/* What we say of an s_server with this certificate. */
static void assert_refused(const char *name, const char *extra, const char *more, int code,
                           const char *sentence) {
    CLEANUP(context_unrefp) eddy_tls_context *client = tls_client();
    eddy_stream *stream = NULL;
    struct tool tool;
    char port[8];

    s_server_start(&tool, name, extra, more, port);
    ASSERT_CODE(code, tls_connect(port, client, "localhost", &stream));
    ASSERT_STR_CONTAINS(eddy_last_error()->message, sentence);
    tool_kill(&tool);
}

TASK_TEST(bad_certificates_of_openssl_s_server_are_refused) {
    assert_refused("expired", NULL, NULL, EDDY_ECERT_EXPIRED, "expired on 2021-01-01");
    assert_refused("elsewhere", NULL, NULL, EDDY_ECERT_HOST, "is for elsewhere.example");
    assert_refused("self_signed", NULL, NULL, EDDY_ECERT_SELF_SIGNED, "is self-signed");
    assert_refused("weak", "-cipher", "DEFAULT@SECLEVEL=0", EDDY_ECERT_WEAK, "RSA, 1024 bits");
    return 0;
}

/* It asks for a certificate, and says of which it has heard. */
TASK_TEST(openssl_s_server_knows_us_by_our_certificate) {
    CLEANUP(context_unrefp)
    eddy_tls_context *client = tls_client_with((eddy_tls_options){
        .certificate_file = tls_file("client.pem"), .key_file = tls_file("client.key")});
    struct tool tool;
    char port[8];

    s_server_start(&tool, "good", "-Verify", "1", port);
    ASSERT(!talk_backwards(port, client));
    tool_await(&tool, "CN = client");
    tool_kill(&tool);
    return 0;
}

/* --- Python ----------------------------------------------------------------------------------- */

TASK_TEST(asyncio_of_python_talks_to_us) {
    CLEANUP(context_unrefp) eddy_tls_context *server = tls_server("good");
    struct tls_host host = {.context = server};
    struct tool tool;

    tls_host_start(&host);
    for (int version = 2; version <= 3; version++) {
        char expected[64];

        peer_start(&tool, "talk", host.port, version == 2 ? "1.2" : "1.3", NULL);
        snprintf(expected, sizeof(expected), "TLSv1.%d echoed 1048576\n", version);
        ASSERT_INT_EQ(tool_wait(&tool), 0);
        ASSERT_STR_EQ(tool.said, expected);
    }
    tls_host_stop(&host);
    return 0;
}

static int upgrade(eddy_stream *stream, void *context) {
    eddy_slice line;
    int r;

    ASSERT_OK(eddy_stream_read_line(stream, &line));
    ASSERT_OK(eddy_stream_write(stream, "go ahead\n", 9));
    r = eddy_start_tls(stream, context, NULL);
    return r < 0 ? r : tls_echo(stream, NULL);
}

TASK_TEST(asyncio_of_python_starts_tls_on_a_live_connection) {
    CLEANUP(context_unrefp) eddy_tls_context *context = tls_server("good");
    eddy_server *server;
    struct tool tool;
    char port[8];

    ASSERT_OK(eddy_start_server(upgrade, context, "127.0.0.1", "0", NULL, &server));
    snprintf(port, sizeof(port), "%d", eddy_server_port(server));
    peer_start(&tool, "upgrade", port, "1.3", NULL);
    ASSERT_INT_EQ(tool_wait(&tool), 0);
    ASSERT_STR_EQ(tool.said, "heard hello\n");
    ASSERT_OK(eddy_server_close(server));
    return 0;
}

TASK_TEST(we_talk_to_a_server_of_python) {
    CLEANUP(context_unrefp) eddy_tls_context *client = tls_client();

    for (int version = 2; version <= 3; version++) {
        CLEANUP(stream_closep) eddy_stream *stream = NULL;
        struct tool tool;
        eddy_tls_facts facts;
        char port[8];

        peer_start(&tool, "serve", "rsa", version == 2 ? "1.2" : "1.3", NULL);
        tool_port(&tool, "port ", port);
        ASSERT_OK(tls_connect(port, client, "localhost", &stream));
        ASSERT_OK(eddy_tls_info(stream, &facts));
        ASSERT_INT_EQ(facts.version[6], '0' + version);
        tls_assert_echo(stream, "hello, Python\n");
        stream = eddy_stream_close(stream);
        tool_kill(&tool);
    }
    return 0;
}

TASK_TEST(a_server_of_python_that_forgets_the_notice_is_told) {
    CLEANUP(context_unrefp) eddy_tls_context *client = tls_client();
    CLEANUP(stream_closep) eddy_stream *stream = NULL;
    struct tool tool;
    eddy_slice line;
    char port[8];

    peer_start(&tool, "truncate", NULL, NULL, NULL);
    tool_port(&tool, "port ", port);
    ASSERT_OK(tls_connect(port, client, "localhost", &stream));
    ASSERT_OK(eddy_stream_read_line(stream, &line));
    ASSERT_SLICE_EQ(line, "half of it\n");
    ASSERT_OK(eddy_stream_write(stream, "x", 1));
    ASSERT_CODE(EDDY_ETRUNCATED, eddy_stream_read_line(stream, &line));
    stream = eddy_stream_close(stream);
    tool_kill(&tool);
    return 0;
}

TASK_TEST(a_server_of_python_that_ends_first_waits_for_our_end) {
    CLEANUP(context_unrefp) eddy_tls_context *client = tls_client();
    CLEANUP(stream_closep) eddy_stream *stream = NULL;
    struct tool tool;
    eddy_slice line;
    char port[8];

    peer_start(&tool, "half_close", NULL, NULL, NULL);
    tool_port(&tool, "port ", port);
    ASSERT_OK(tls_connect(port, client, "localhost", &stream));
    ASSERT_OK(eddy_stream_read_line(stream, &line));
    ASSERT_SLICE_EQ(line, "that is all\n");
    ASSERT_INT_EQ(eddy_stream_read_line(stream, &line), 0);
    stream = eddy_stream_close(stream);
    tool_await(&tool, "ended well"); /* unwrap() has had our notice */
    tool_kill(&tool);
    return 0;
}

/* --- curl ------------------------------------------------------------------------------------- */

static int serve_http(eddy_stream *stream, void *arg) {
    static const char answer[] = "HTTP/1.0 200 OK\r\n\r\nhello from eddy\n";
    eddy_slice head;
    ssize_t n = eddy_stream_read_until(stream, "\r\n\r\n", &head);

    (void)arg;
    return n < 0 ? (int)n : eddy_stream_write(stream, answer, strlen(answer));
}

TASK_TEST(curl_gets_a_page_whose_end_is_the_connections) {
    CLEANUP(context_unrefp) eddy_tls_context *server = tls_server("good");
    struct tls_host host = {.context = server, .fn = serve_http};
    struct tool tool;
    char url[64];
    int status;

    tls_host_start(&host);
    snprintf(url, sizeof(url), "https://localhost:%s/", host.port);
    tool_start(&tool, (const char *const[]){"curl", "-sS", "--noproxy", "*", "-4", "--cacert",
                                            tls_file("ca.pem"), url, NULL});
    status = tool_wait(&tool);
    if (status == 127)
        printf("skipped: there is no curl\n");
    else
        ASSERT_STR_EQ(tool.said, "hello from eddy\n");
    tls_host_stop(&host);
    return 0;
}
