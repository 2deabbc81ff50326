/* SPDX-License-Identifier: MIT
 * test_context.c - making a context: certificates, keys, authorities, and what is refused. */
#include <stdio.h>

#include "names.h"
#include "tls.h"

/* Its options are refused with this code, and a sentence that has this in it. */
static void assert_refused(eddy_tls_options options, int code, const char *sentence) {
    eddy_tls_context *context = NULL;

    ASSERT_CODE(code, eddy_tls_context_new(&options, &context));
    ASSERT_NULL(context);
    ASSERT_STR_CONTAINS(eddy_last_error()->message, sentence);
}

static void assert_accepted(eddy_tls_options options) {
    eddy_tls_context *context = NULL;

    ASSERT_OK(eddy_tls_context_new(&options, &context));
    ASSERT_NULL(eddy_tls_context_unref(context));
}

static eddy_slice read_file(const char *name) {
    static char texts[2][8192];
    static int used;
    char *text = texts[used++ % 2];
    FILE *file = fopen(tls_file(name), "r");
    size_t size;

    ASSERT_NOT_NULL(file);
    size = fread(text, 1, sizeof(texts[0]), file);
    fclose(file);
    return (eddy_slice){text, size};
}

TEST(a_client_needs_no_options) {
    eddy_tls_context *context;

    ASSERT_OK(eddy_tls_context_new(NULL, &context));
    ASSERT_PTR_EQ(eddy_tls_context_ref(context), context);
    ASSERT_NULL(eddy_tls_context_unref(context));
    ASSERT_NULL(eddy_tls_context_unref(context));
    ASSERT_NULL(eddy_tls_context_unref(NULL));
}

TEST(the_default_context_is_one_for_all) {
    ASSERT_NOT_NULL(eddy_tls_default());
    ASSERT_PTR_EQ(eddy_tls_default(), eddy_tls_default());
}

TEST(a_server_needs_a_certificate) {
    assert_refused((eddy_tls_options){.is_server = true}, -EINVAL, "needs a certificate");
}

TEST(certificate_and_key_may_be_in_one_file) {
    assert_accepted(
        (eddy_tls_options){.is_server = true, .certificate_file = tls_file("both.pem")});
}

TEST(certificate_and_key_and_authorities_may_be_in_memory) {
    assert_accepted((eddy_tls_options){
        .is_server = true, .certificate = read_file("good.pem"), .key = read_file("good.key")});
    assert_accepted((eddy_tls_options){.ca = read_file("ca.pem")});
}

TEST(a_file_that_is_not_there_is_named) {
    assert_refused((eddy_tls_options){.is_server = true, .certificate_file = "/nowhere/my.pem"},
                   -ENOENT, "/nowhere/my.pem");
    assert_refused((eddy_tls_options){.is_server = true,
                                      .certificate_file = tls_file("good.pem"),
                                      .key_file = "/nowhere/my.key"},
                   -ENOENT, "/nowhere/my.key");
    assert_refused((eddy_tls_options){.ca_file = "/nowhere/ca.pem"}, -ENOENT, "/nowhere/ca.pem");
    assert_refused((eddy_tls_options){.ca_directory = "/nowhere/ca"}, -ENOENT, "/nowhere/ca");
    assert_refused((eddy_tls_options){.revoked_file = "/nowhere/crl"}, -ENOENT, "/nowhere/crl");
    assert_refused((eddy_tls_options){.key_log_file = "/nowhere/keys"}, -ENOENT, "/nowhere/keys");
}

TEST(what_is_no_certificate_is_told) {
    assert_refused((eddy_tls_options){.is_server = true, .certificate_file = tls_file("ca.conf")},
                   EDDY_ECERTIFICATE, "there is no certificate (PEM) in");
    assert_refused((eddy_tls_options){.is_server = true,
                                      .certificate_file = tls_file("good.pem"),
                                      .key_file = tls_file("ca.conf")},
                   EDDY_ECERTIFICATE, "there is no key (PEM) in");
    assert_refused((eddy_tls_options){.ca_file = tls_file("ca.conf")}, EDDY_ECERTIFICATE,
                   "there is no certificate (PEM) in");
    assert_refused((eddy_tls_options){.revoked_file = tls_file("ca.pem")}, EDDY_ECERTIFICATE,
                   "there is no list of revocations (PEM) in");
}

TEST(a_key_of_another_certificate_is_refused) {
    assert_refused((eddy_tls_options){.is_server = true,
                                      .certificate_file = tls_file("good.pem"),
                                      .key_file = tls_file("client.key")},
                   EDDY_ECERTIFICATE, "key values mismatch");
}

TEST(a_weak_key_of_our_own_is_refused_unless_that_is_asked_for) {
    eddy_tls_options options = {.is_server = true,
                                .certificate_file = tls_file("weak.pem"),
                                .key_file = tls_file("weak.key")};

    assert_refused(options, EDDY_ECERT_WEAK, "ee key too small");
    options.insecure_weak_keys = true;
    assert_accepted(options);
}

static int give_password(char *buffer, size_t size, void *password) {
    return snprintf(buffer, size, "%s", (const char *)password);
}

TEST(an_encrypted_key_asks_for_its_password) {
    eddy_tls_options options = {.is_server = true,
                                .certificate_file = tls_file("good.pem"),
                                .key_file = tls_file("good.locked.key"),
                                .password_fn = give_password,
                                .password_arg = (void *)"open sesame"};

    assert_accepted(options);
    options.password_arg = (void *)"wrong";
    assert_refused(options, EDDY_ECERTIFICATE, "good.locked.key");
    options.password_fn = NULL;
    assert_refused(options, EDDY_ECERTIFICATE, "is encrypted, and there is no password_fn");
}

TEST(versions_ciphers_and_groups_that_leave_nothing_are_refused) {
    assert_refused(
        (eddy_tls_options){.minimum_version = EDDY_TLS_1_3, .maximum_version = EDDY_TLS_1_2},
        -EINVAL, "leave none");
    assert_refused((eddy_tls_options){.minimum_version = (eddy_tls_version)0x0301}, -EINVAL,
                   "1.2 and 1.3 are spoken");
    assert_refused((eddy_tls_options){.ciphers = "none-such"}, EDDY_ETLS, "ciphers of TLS 1.2");
    assert_refused((eddy_tls_options){.cipher_suites = "none-such"}, EDDY_ETLS, "TLS 1.3");
    assert_refused((eddy_tls_options){.groups = "none-such"}, EDDY_ETLS, "groups");
}

TEST(protocols_have_names_of_1_to_255_bytes) {
    char long_name[257] = {0};

    memset(long_name, 'x', 256);
    assert_refused((eddy_tls_options){.alpn = (const char *const[]){"", NULL}}, -EINVAL,
                   "protocol");
    assert_refused((eddy_tls_options){.alpn = (const char *const[]){long_name, NULL}}, -EINVAL,
                   "protocol");
    assert_accepted((eddy_tls_options){.alpn = (const char *const[]){"h2", "http/1.1", NULL}});
    assert_accepted((eddy_tls_options){.alpn = (const char *const[]){NULL}});
}

TEST(the_names_of_a_server_need_servers) {
    CLEANUP(context_unrefp) eddy_tls_context *client = tls_client();
    const eddy_tls_name names[] = {{"a.example", client}, {NULL}};

    assert_refused((eddy_tls_options){.is_server = true,
                                      .certificate_file = tls_file("both.pem"),
                                      .names = names},
                   -EINVAL, "a.example is not a server's");
}

TEST(a_star_stands_for_one_label) {
    ASSERT(eddy__tls_name_matches("a.example", "A.Example", 9));
    ASSERT(!eddy__tls_name_matches("a.example", "b.example", 9));
    ASSERT(!eddy__tls_name_matches("a.example", "a.example.org", 13));
    ASSERT(eddy__tls_name_matches("*.example", "a.example", 9));
    ASSERT(!eddy__tls_name_matches("*.example", "a.b.example", 11));
    ASSERT(!eddy__tls_name_matches("*.example", "example", 7));
    ASSERT(!eddy__tls_name_matches("*.example", ".example", 8));
}

TEST(options_of_an_older_program_are_shorter) {
    eddy_tls_context *context;
    struct {
        bool is_server;
        const char *certificate_file;
    } older = {true, tls_file("both.pem")};

    ASSERT_OK(
        eddy_tls_context_new_sized((const eddy_tls_options *)&older, sizeof(older), &context));
    eddy_tls_context_unref(context);
}
