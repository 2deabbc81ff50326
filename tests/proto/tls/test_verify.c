/* SPDX-License-Identifier: MIT
 * test_verify.c - certificates that are refused: each for its reason, with a sentence. */
#include <stdio.h>

#include "tls.h"

/* A client that trusts our authority and expects `name`, and a server with this certificate. */
static void assert_refused(const char *certificate, const char *name, int code,
                           const char *sentence) {
    CLEANUP(context_unrefp) eddy_tls_context *server = tls_server(certificate);
    CLEANUP(context_unrefp) eddy_tls_context *client = tls_client();
    struct tls_host host;

    ASSERT_CODE(code, tls_try(server, client, name, &host));
    ASSERT_STR_CONTAINS(eddy_last_error()->message, sentence);
    ASSERT(eddy_is_certificate_error(code));
    ASSERT_CODE(EDDY_EALERT, host.result); /* the server hears of it */
    ASSERT_STR_CONTAINS(host.text, "ended TLS with the alert");
}

static int try_good(eddy_tls_context *client, const char *name) {
    CLEANUP(context_unrefp) eddy_tls_context *server = tls_server("good");

    return tls_try(server, client, name, NULL);
}

TASK_TEST(a_certificate_of_a_trusted_authority_for_this_host_is_accepted) {
    CLEANUP(context_unrefp) eddy_tls_context *client = tls_client();

    ASSERT_OK(try_good(client, "localhost"));
    ASSERT_OK(try_good(client, "LOCALHOST."));
    ASSERT_OK(try_good(client, "127.0.0.1"));
    return 0;
}

TASK_TEST(an_expired_certificate_is_refused) {
    assert_refused("expired", "localhost", EDDY_ECERT_EXPIRED,
                   "the certificate of localhost expired on 2021-01-01");
    return 0;
}

TASK_TEST(a_certificate_of_the_future_is_refused) {
    assert_refused("not_yet", "localhost", EDDY_ECERT_NOT_YET,
                   "the certificate of localhost is not valid before 2040-01-01");
    return 0;
}

TASK_TEST(a_certificate_for_another_host_is_refused) {
    assert_refused("elsewhere", "localhost", EDDY_ECERT_HOST,
                   "the certificate of localhost is for elsewhere.example, www.elsewhere.example, "
                   "not for localhost");
    assert_refused("good", "127.0.0.2", EDDY_ECERT_HOST, "not for 127.0.0.2");
    assert_refused("wildcard", "a.b.wild.example", EDDY_ECERT_HOST, "is for *.wild.example");
    return 0;
}

TASK_TEST(a_wildcard_is_for_any_one_label) {
    CLEANUP(context_unrefp) eddy_tls_context *server = tls_server("wildcard");
    CLEANUP(context_unrefp) eddy_tls_context *client = tls_client();

    ASSERT_OK(tls_try(server, client, "a.wild.example", NULL));
    return 0;
}

TASK_TEST(a_self_signed_certificate_is_refused) {
    assert_refused("self_signed", "localhost", EDDY_ECERT_SELF_SIGNED,
                   "the certificate of localhost is self-signed");
    return 0;
}

TASK_TEST(a_certificate_of_an_unknown_authority_is_refused) {
    assert_refused("stranger/stranger", "localhost", EDDY_ECERT_ISSUER,
                   "the certificate of localhost was issued by \"an authority that nobody knows\"");
    return 0;
}

TASK_TEST(a_weak_key_is_refused) {
    assert_refused("weak", "localhost", EDDY_ECERT_WEAK,
                   "the certificate of localhost has a key that is too weak (RSA, 1024 bits)");
    return 0;
}

TASK_TEST(a_revoked_certificate_is_refused_where_a_list_is_given) {
    CLEANUP(context_unrefp) eddy_tls_context *server = tls_server("revoked");
    CLEANUP(context_unrefp) eddy_tls_context *trusting = tls_client();
    CLEANUP(context_unrefp)
    eddy_tls_context *client =
        tls_client_with((eddy_tls_options){.revoked_file = tls_file("revoked.crl")});

    ASSERT_OK(tls_try(server, trusting, "localhost", NULL));
    ASSERT_CODE(EDDY_ECERT_REVOKED, tls_try(server, client, "localhost", NULL));
    ASSERT_STR_CONTAINS(eddy_last_error()->message, "the certificate of localhost was revoked");
    ASSERT_OK(try_good(client, "localhost"));
    return 0;
}

TASK_TEST(the_system_trusts_no_authority_of_ours) {
    ASSERT_CODE(EDDY_ECERT_ISSUER, try_good(NULL, "localhost"));
    return 0;
}

TASK_TEST(a_client_that_checks_needs_the_name_of_a_host) {
    CLEANUP(context_unrefp) eddy_tls_context *client = tls_client();
    struct pair pair;

    pair_open(&pair, NULL);
    ASSERT_CODE(-EINVAL, eddy_start_tls(pair.stream, client, NULL));
    ASSERT_STR_CONTAINS(eddy_last_error()->message, "name of the host");
    ASSERT_OK(eddy_stream_write(pair.stream, "x", 1)); /* it is as it was */
    pair_close(&pair);
    return 0;
}

TASK_TEST(what_is_insecure_has_to_be_asked_for_by_that_name) {
    static const char *const certificates[] = {"expired", "elsewhere", "self_signed", "weak"};
    CLEANUP(context_unrefp)
    eddy_tls_context *client = tls_client_with(
        (eddy_tls_options){.insecure_no_verification = true, .insecure_weak_keys = true});

    for (int i = 0; i < 4; i++) {
        CLEANUP(context_unrefp) eddy_tls_context *server = tls_server(certificates[i]);
        ASSERT_OK(tls_try(server, client, NULL, NULL));
    }
    return 0;
}

TASK_TEST(any_host_still_means_a_trusted_authority) {
    CLEANUP(context_unrefp)
    eddy_tls_context *client = tls_client_with((eddy_tls_options){.insecure_any_host = true});
    CLEANUP(context_unrefp) eddy_tls_context *elsewhere = tls_server("elsewhere");
    CLEANUP(context_unrefp) eddy_tls_context *self_signed = tls_server("self_signed");

    ASSERT_OK(tls_try(elsewhere, client, "localhost", NULL));
    ASSERT_OK(tls_try(elsewhere, client, NULL, NULL));
    ASSERT_CODE(EDDY_ECERT_SELF_SIGNED, tls_try(self_signed, client, "localhost", NULL));
    return 0;
}

/* --- certificates of clients ------------------------------------------------------------------ */

static eddy_tls_context *server_that_asks(eddy_tls_client_certificates certificates) {
    return tls_server_with("good", (eddy_tls_options){.client_certificates = certificates,
                                                      .ca_file = tls_file("ca.pem")});
}

static eddy_tls_context *client_with(const char *certificate, const char *key) {
    return tls_client_with(
        (eddy_tls_options){.certificate_file = tls_file(certificate), .key_file = tls_file(key)});
}

static int name_client(eddy_stream *stream, void *arg) {
    eddy_tls_facts facts;

    (void)arg;
    ASSERT_OK(eddy_tls_info(stream, &facts));
    return eddy_stream_write(stream, facts.peer_names ? facts.peer_names : "nobody",
                             strlen(facts.peer_names ? facts.peer_names : "nobody"));
}

/* Whom the server takes its client for; or the code that the client reads. */
static int greet(eddy_tls_context *server, eddy_tls_context *client, char text[64],
                 struct tls_host *host) {
    eddy_stream *stream;
    ssize_t n;
    int r;

    *host = (struct tls_host){.context = server, .fn = name_client};
    tls_host_start(host);
    r = tls_connect(host->port, client, "localhost", &stream);
    n = r;
    if (r == 0)
        n = eddy_stream_read(stream, text, 63);
    if (n >= 0)
        text[n] = '\0';
    else
        snprintf(text, 64, "%.63s", eddy_last_error()->message);
    if (r == 0)
        eddy_stream_close(stream);
    tls_host_stop(host);
    return (int)MIN(n, 0);
}

TASK_TEST(a_server_that_must_know_its_clients_refuses_who_sends_no_certificate) {
    CLEANUP(context_unrefp) eddy_tls_context *server = server_that_asks(EDDY_TLS_CLIENTS_MUST);
    CLEANUP(context_unrefp) eddy_tls_context *nobody = tls_client();
    struct tls_host host;
    char text[64];

    ASSERT_CODE(EDDY_EALERT, greet(server, nobody, text, &host));
    ASSERT_STR_CONTAINS(text, "localhost ended TLS with the alert \"certificate requ");
    ASSERT_CODE(EDDY_ECERTIFICATE, host.result);
    ASSERT_STR_CONTAINS(host.text, "sent no certificate, which is required");
    return 0;
}

TASK_TEST(a_server_knows_its_clients_by_their_certificates) {
    CLEANUP(context_unrefp) eddy_tls_context *must = server_that_asks(EDDY_TLS_CLIENTS_MUST);
    CLEANUP(context_unrefp) eddy_tls_context *may = server_that_asks(EDDY_TLS_CLIENTS_MAY);
    CLEANUP(context_unrefp) eddy_tls_context *client = client_with("client.pem", "client.key");
    CLEANUP(context_unrefp) eddy_tls_context *nobody = tls_client();
    struct tls_host host;
    char text[64];

    ASSERT_OK(greet(must, client, text, &host));
    ASSERT_STR_EQ(text, "client.example");
    ASSERT_OK(greet(may, client, text, &host));
    ASSERT_STR_EQ(text, "client.example");
    ASSERT_OK(greet(may, nobody, text, &host));
    ASSERT_STR_EQ(text, "nobody");
    return 0;
}

TASK_TEST(a_server_refuses_a_client_of_an_unknown_authority) {
    CLEANUP(context_unrefp) eddy_tls_context *may = server_that_asks(EDDY_TLS_CLIENTS_MAY);
    CLEANUP(context_unrefp)
    eddy_tls_context *client = client_with("stranger/stranger.pem", "stranger/stranger.key");
    struct tls_host host;
    char text[64];

    ASSERT_CODE(EDDY_EALERT, greet(may, client, text, &host));
    ASSERT_STR_CONTAINS(text, "unknown CA");
    ASSERT_CODE(EDDY_ECERT_ISSUER, host.result);
    return 0;
}
