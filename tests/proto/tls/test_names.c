/* SPDX-License-Identifier: MIT
 * test_names.c - several certificates on one server, protocols, versions: what is agreed on. */
#include <stdio.h>

#include "tls.h"

/* What the client sees after a hand-shake. The server's view in *server. */
static int facts_of(eddy_tls_context *server_context, eddy_tls_context *client, const char *name,
                    eddy_tls_facts *facts, char names[64]) {
    struct tls_host host = {.context = server_context};
    eddy_stream *stream;
    int r;

    tls_host_start(&host);
    r = tls_connect(host.port, client, name, &stream);
    if (r == 0) {
        ASSERT_OK(eddy_tls_info(stream, facts));
        snprintf(names, 64, "%s", facts->peer_names ? facts->peer_names : "");
        facts->peer_names = NULL;
        eddy_stream_close(stream);
    }
    tls_host_stop(&host);
    return r;
}

/* --- names ------------------------------------------------------------------------------------ */

static void assert_certificate(eddy_tls_context *server, eddy_tls_context *client, const char *name,
                               const char *expected) {
    eddy_tls_facts facts;
    char names[64];

    ASSERT_OK(facts_of(server, client, name, &facts, names));
    ASSERT_STR_EQ(names, expected);
}

TASK_TEST(the_name_that_a_client_asks_for_chooses_the_certificate) {
    CLEANUP(context_unrefp) eddy_tls_context *elsewhere = tls_server("elsewhere");
    CLEANUP(context_unrefp) eddy_tls_context *wild = tls_server("wildcard");
    const eddy_tls_name names[] = {
        {"elsewhere.example", elsewhere}, {"*.wild.example", wild}, {NULL}};
    CLEANUP(context_unrefp)
    eddy_tls_context *server = tls_server_with("good", (eddy_tls_options){.names = names});
    CLEANUP(context_unrefp) eddy_tls_context *client = tls_client();
    CLEANUP(context_unrefp)
    eddy_tls_context *careless = tls_client_with((eddy_tls_options){.insecure_any_host = true});

    assert_certificate(server, client, "elsewhere.example",
                       "elsewhere.example, www.elsewhere.example");
    assert_certificate(server, client, "ELSEWHERE.example",
                       "elsewhere.example, www.elsewhere.example");
    assert_certificate(server, client, "a.wild.example", "*.wild.example");
    assert_certificate(server, client, "localhost", "localhost, 127.0.0.1");
    assert_certificate(server, client, "127.0.0.1", "localhost, 127.0.0.1");
    assert_certificate(server, careless, "unknown.example", "localhost, 127.0.0.1");
    return 0;
}

/* A session of one name must not open another, which asks for more. */
TASK_TEST(a_session_of_one_name_does_not_open_another) {
    CLEANUP(context_unrefp)
    eddy_tls_context *strict = tls_server_with(
        "elsewhere", (eddy_tls_options){.client_certificates = EDDY_TLS_CLIENTS_MUST,
                                        .ca_file = tls_file("ca.pem")});
    const eddy_tls_name names[] = {{"elsewhere.example", strict}, {NULL}};
    CLEANUP(context_unrefp)
    eddy_tls_context *server = tls_server_with("good", (eddy_tls_options){.names = names});
    struct tls_host host = {.context = server};
    struct tool tool;

    tls_host_start(&host);
    for (int version = 2; version <= 3; version++) {
        peer_start(&tool, "two_names", host.port, version == 2 ? "1.2" : "1.3", NULL);
        ASSERT_INT_EQ(tool_wait(&tool), 0);
        ASSERT_STR_EQ(tool.said, "localhost again: resumed\nelsewhere.example: refused\n");
        ASSERT_CODE(EDDY_ECERTIFICATE, host.result);
    }
    tls_host_stop(&host);
    return 0;
}

/* --- protocols -------------------------------------------------------------------------------- */

static const char *const both[] = {"h2", "http/1.1", NULL};
static const char *const old[] = {"http/1.1", NULL};
static const char *const other[] = {"smtp", NULL};

static int negotiate(const char *const *server_list, const char *const *client_list,
                     char chosen[16]) {
    CLEANUP(context_unrefp)
    eddy_tls_context *server = tls_server_with("good", (eddy_tls_options){.alpn = server_list});
    CLEANUP(context_unrefp)
    eddy_tls_context *client = tls_client_with((eddy_tls_options){.alpn = client_list});
    struct tls_host host = {.context = server};
    eddy_tls_facts facts;
    eddy_stream *stream;
    int r;

    tls_host_start(&host);
    r = tls_connect(host.port, client, "localhost", &stream);
    if (r == 0) {
        ASSERT_OK(eddy_tls_info(stream, &facts));
        snprintf(chosen, 16, "%s", facts.alpn ? facts.alpn : "");
        eddy_stream_close(stream);
    }
    tls_host_stop(&host);
    return r;
}

TASK_TEST(the_servers_preference_among_what_is_offered_is_spoken) {
    char chosen[16];

    ASSERT_OK(negotiate(both, both, chosen));
    ASSERT_STR_EQ(chosen, "h2");
    ASSERT_OK(negotiate(both, old, chosen));
    ASSERT_STR_EQ(chosen, "http/1.1");
    ASSERT_OK(negotiate(NULL, both, chosen));
    ASSERT_STR_EQ(chosen, "");
    ASSERT_OK(negotiate(both, NULL, chosen));
    ASSERT_STR_EQ(chosen, "");
    return 0;
}

TASK_TEST(who_offers_nothing_that_is_spoken_is_refused) {
    CLEANUP(context_unrefp)
    eddy_tls_context *server = tls_server_with("good", (eddy_tls_options){.alpn = both});
    CLEANUP(context_unrefp)
    eddy_tls_context *client = tls_client_with((eddy_tls_options){.alpn = other});
    struct tls_host host;

    ASSERT_CODE(EDDY_EALERT, tls_try(server, client, "localhost", &host));
    ASSERT_STR_CONTAINS(eddy_last_error()->message, "no application protocol");
    ASSERT_CODE(EDDY_ETLS, host.result);
    ASSERT_STR_CONTAINS(host.text, "offers no protocol (ALPN) that is spoken here");
    return 0;
}

/* --- versions --------------------------------------------------------------------------------- */

static eddy_tls_options only(eddy_tls_version version) {
    return (eddy_tls_options){.minimum_version = version, .maximum_version = version};
}

TASK_TEST(the_newest_version_that_both_speak_is_spoken) {
    CLEANUP(context_unrefp) eddy_tls_context *any = tls_server("rsa");
    CLEANUP(context_unrefp) eddy_tls_context *client = tls_client();
    CLEANUP(context_unrefp) eddy_tls_context *older = tls_client_with(only(EDDY_TLS_1_2));
    eddy_tls_facts facts;
    char names[64];

    ASSERT_OK(facts_of(any, client, "localhost", &facts, names));
    ASSERT_STR_EQ(facts.version, "TLSv1.3");
    ASSERT_OK(facts_of(any, older, "localhost", &facts, names));
    ASSERT_STR_EQ(facts.version, "TLSv1.2");
    ASSERT(strncmp(facts.cipher, "ECDHE-", 6) == 0);
    return 0;
}

TASK_TEST(without_a_version_in_common_both_say_so) {
    CLEANUP(context_unrefp) eddy_tls_context *server = tls_server_with("good", only(EDDY_TLS_1_3));
    CLEANUP(context_unrefp) eddy_tls_context *client = tls_client_with(only(EDDY_TLS_1_2));
    struct tls_host host;

    ASSERT_CODE(EDDY_EALERT, tls_try(server, client, "localhost", &host));
    ASSERT_STR_CONTAINS(eddy_last_error()->message, "protocol version");
    ASSERT_CODE(EDDY_ETLS, host.result);
    ASSERT_STR_CONTAINS(host.text, "no version of TLS in common");
    return 0;
}

TASK_TEST(without_a_cipher_in_common_both_say_so) {
    eddy_tls_options options = only(EDDY_TLS_1_2);
    options.ciphers = "ECDHE-RSA-AES128-GCM-SHA256";
    CLEANUP(context_unrefp) eddy_tls_context *server = tls_server("good"); /* elliptic */
    CLEANUP(context_unrefp) eddy_tls_context *client = tls_client_with(options);
    struct tls_host host;

    ASSERT_CODE(EDDY_EALERT, tls_try(server, client, "localhost", &host));
    ASSERT_CODE(EDDY_ETLS, host.result);
    ASSERT_STR_CONTAINS(host.text, "no cipher of TLS in common");
    return 0;
}

/* --- what is known ---------------------------------------------------------------------------- */

TASK_TEST(a_stream_of_tls_tells_what_was_agreed_on_and_who_is_there) {
    CLEANUP(context_unrefp) eddy_tls_context *server = tls_server("good");
    CLEANUP(context_unrefp) eddy_tls_context *client = tls_client();
    struct tls_pair pair;
    eddy_tls_facts facts;

    tls_pair_open(&pair, server, client);
    ASSERT_OK(eddy_tls_info(pair.client, &facts));
    ASSERT_STR_EQ(facts.version, "TLSv1.3");
    ASSERT_STR_CONTAINS(facts.cipher, "TLS_");
    ASSERT_NULL(facts.alpn);
    ASSERT_STR_EQ(facts.server_name, "localhost");
    ASSERT(!facts.is_resumed);
    ASSERT_STR_EQ(facts.peer_subject, "CN=good");
    ASSERT_STR_EQ(facts.peer_issuer, "CN=eddy test authority");
    ASSERT_STR_EQ(facts.peer_names, "localhost, 127.0.0.1");
    ASSERT_INT_EQ(facts.peer_valid_from, 1577836800);  /* 2020-01-01 */
    ASSERT_INT_EQ(facts.peer_valid_until, 2524521600); /* 2049-12-31 */
    ASSERT(facts.peer_der.size > 100);
    ASSERT_INT_EQ(facts.peer_der.data[0], 0x30);
    ASSERT(strncmp(facts.peer_pem, "-----BEGIN CERTIFICATE-----\n", 28) == 0);

    ASSERT_OK(eddy_tls_info(pair.server, &facts));
    ASSERT_STR_EQ(facts.server_name, "localhost");
    ASSERT_NULL(facts.peer_subject);
    ASSERT_NULL(facts.peer_pem);
    ASSERT_UINT_EQ(facts.peer_der.size, 0);
    tls_pair_close(&pair);
    return 0;
}

TASK_TEST(a_plain_stream_has_no_tls_to_tell_of) {
    struct pair pair;
    eddy_tls_facts facts;

    pair_open(&pair, NULL);
    ASSERT_CODE(-EINVAL, eddy_tls_info(pair.stream, &facts));
    pair_close(&pair);
    return 0;
}
