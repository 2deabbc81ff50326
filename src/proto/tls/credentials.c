/* SPDX-License-Identifier: MIT
 * credentials.c - certificates, keys and authorities, from files and from memory (PEM).
 *
 * Files are read here, not by OpenSSL: so that a file that is not there is the system's error with
 * the file's name, and what is in memory goes the same way. */
#include "credentials.h"

#include <errno.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "failure.h"
#include "refusal.h"
#include "util.h"

static void x509_freep(X509 **certificate) {
    X509_free(*certificate);
}

static void key_freep(EVP_PKEY **key) {
    EVP_PKEY_free(*key);
}

/* What is read, and its name for sentences. */
struct source {
    BIO *bio;
    char name[320];
};

static void source_closep(struct source *source) {
    BIO_free(source->bio);
}

static int source_open(struct source *source, const char *what, const char *file,
                       eddy_slice memory) {
    if (!file) {
        snprintf(source->name, sizeof(source->name), "%s", what);
        if (memory.size > INT_MAX)
            return eddy_raise(-EINVAL, "%s is too large", what);
        source->bio = BIO_new_mem_buf(memory.data, (int)memory.size);
        return source->bio ? 0 : eddy_raise(-ENOMEM, "no memory for TLS");
    }
    snprintf(source->name, sizeof(source->name), "%s %.255s", what, file);
    errno = 0;
    source->bio = BIO_new_file(file, "r");
    if (source->bio)
        return 0;
    if (errno == 0 || errno == ENOMEM)
        return eddy_raise(-ENOMEM, "no memory for TLS");
    return eddy_raise(-errno, "cannot read %s: %s", source->name, eddy_error_text(-errno));
}

/* The queue says "no more PEM here" at each end. */
static bool is_end_of_pem(void) {
    unsigned long error = ERR_peek_last_error();

    return ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
}

static int raise_no_pem(const struct source *source, const char *what) {
    return eddy_raise(EDDY_ECERTIFICATE, "there is no %s (PEM) in %s", what, source->name);
}

/* --- who we are ------------------------------------------------------------------------------- */

/* OpenSSL's security level finds weak keys and signatures of our own, too. */
static int own_certificate_failed(const struct source *source) {
    int reason = ERR_GET_REASON(ERR_peek_error());

    if (reason == SSL_R_EE_KEY_TOO_SMALL || reason == SSL_R_CA_KEY_TOO_SMALL ||
        reason == SSL_R_CA_MD_TOO_WEAK)
        return eddy__tls_setup_failed(EDDY_ECERT_WEAK, source->name);
    return eddy__tls_setup_failed(EDDY_ECERTIFICATE, source->name);
}

static int load_chain(SSL_CTX *context, const struct source *source) {
    for (;;) {
        X509 *link = PEM_read_bio_X509(source->bio, NULL, NULL, NULL);

        if (!link)
            return is_end_of_pem() ? 0 : own_certificate_failed(source);
        if (!SSL_CTX_add0_chain_cert(context, link)) {
            X509_free(link);
            return own_certificate_failed(source);
        }
    }
}

static int load_certificate(SSL_CTX *context, const eddy_tls_options *options) {
    CLEANUP(source_closep) struct source source = {0};
    CLEANUP(x509_freep) X509 *certificate = NULL;
    int r =
        source_open(&source, "the certificate", options->certificate_file, options->certificate);

    if (r < 0)
        return r;
    ERR_clear_error();
    certificate = PEM_read_bio_X509_AUX(source.bio, NULL, NULL, NULL);
    if (!certificate)
        return is_end_of_pem() ? raise_no_pem(&source, "certificate")
                               : own_certificate_failed(&source);
    if (!SSL_CTX_use_certificate(context, certificate))
        return own_certificate_failed(&source);
    return load_chain(context, &source);
}

/* Who is asked for the password of a key. */
struct locked_key {
    const eddy_tls_options *options;
    bool was_asked;
};

/* Without this OpenSSL would ask at the terminal. */
static int ask_password(char *buffer, int size, int is_writing, void *arg) {
    struct locked_key *key = arg;

    (void)is_writing;
    key->was_asked = true;
    if (!key->options->password_fn)
        return -1;
    return key->options->password_fn(buffer, (size_t)size, key->options->password_arg);
}

static int key_failed(const struct source *source, const struct locked_key *locked) {
    int reason = ERR_GET_REASON(ERR_peek_error());

    if (is_end_of_pem() || reason == ERR_R_UNSUPPORTED)
        return raise_no_pem(source, "key");
    if (locked->was_asked && !locked->options->password_fn && reason != ERR_R_MALLOC_FAILURE)
        return eddy_raise(EDDY_ECERTIFICATE, "%s is encrypted, and there is no password_fn",
                          source->name);
    return eddy__tls_setup_failed(EDDY_ECERTIFICATE, source->name);
}

static int load_key(SSL_CTX *context, const eddy_tls_options *options) {
    bool is_apart = options->key_file || options->key.size > 0;
    struct locked_key locked = {options, false};
    CLEANUP(source_closep) struct source source = {0};
    CLEANUP(key_freep) EVP_PKEY *key = NULL;
    int r =
        source_open(&source, "the key", is_apart ? options->key_file : options->certificate_file,
                    is_apart ? options->key : options->certificate);

    if (r < 0)
        return r;
    ERR_clear_error();
    key = PEM_read_bio_PrivateKey(source.bio, NULL, ask_password, &locked);
    if (!key)
        return key_failed(&source, &locked);
    if (!SSL_CTX_use_PrivateKey(context, key) || !SSL_CTX_check_private_key(context))
        return eddy__tls_setup_failed(EDDY_ECERTIFICATE, source.name);
    return 0;
}

int eddy__tls_load_identity(SSL_CTX *context, const eddy_tls_options *options) {
    int r;

    if (!options->certificate_file && options->certificate.size == 0) {
        if (options->is_server)
            return eddy_raise(-EINVAL, "a server of TLS needs a certificate");
        return 0;
    }
    r = load_certificate(context, options);
    return r < 0 ? r : load_key(context, options);
}

/* --- whom we trust ---------------------------------------------------------------------------- */

static int trust_failed(const struct source *source) {
    return eddy__tls_setup_failed(EDDY_ECERTIFICATE, source->name);
}

/* Each of them; a server names them to its clients. */
static int add_authority(SSL_CTX *context, bool is_server, X509 *authority) {
    if (!X509_STORE_add_cert(SSL_CTX_get_cert_store(context), authority))
        return -ENOMEM;
    return !is_server || SSL_CTX_add_client_CA(context, authority) ? 0 : -ENOMEM;
}

static int load_authorities(SSL_CTX *context, const eddy_tls_options *options) {
    CLEANUP(source_closep) struct source source = {0};
    int r = source_open(&source, "the authorities", options->ca_file, options->ca);
    int count = 0;

    if (r < 0)
        return r;
    ERR_clear_error();
    for (;; count++) {
        CLEANUP(x509_freep) X509 *authority = PEM_read_bio_X509(source.bio, NULL, NULL, NULL);

        if (!authority && is_end_of_pem())
            return count > 0 ? 0 : raise_no_pem(&source, "certificate");
        if (!authority || add_authority(context, options->is_server, authority) < 0)
            return trust_failed(&source);
    }
}

static int load_directory(SSL_CTX *context, const char *directory) {
    if (access(directory, R_OK | X_OK) < 0)
        return eddy_raise(-errno, "cannot read the authorities in %s: %s", directory,
                          eddy_error_text(-errno));
    if (!SSL_CTX_load_verify_dir(context, directory))
        return eddy__tls_setup_failed(EDDY_ECERTIFICATE, directory);
    return 0;
}

static void crl_freep(X509_CRL **list) {
    X509_CRL_free(*list);
}

static int load_revoked(SSL_CTX *context, const char *file) {
    X509_STORE *store = SSL_CTX_get_cert_store(context);
    CLEANUP(source_closep) struct source source = {0};
    int r = source_open(&source, "the revocations", file, (eddy_slice){0});
    int count = 0;

    if (r < 0)
        return r;
    ERR_clear_error();
    X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK);
    for (;; count++) {
        CLEANUP(crl_freep) X509_CRL *list = PEM_read_bio_X509_CRL(source.bio, NULL, NULL, NULL);

        if (!list && is_end_of_pem())
            return count > 0 ? 0 : raise_no_pem(&source, "list of revocations");
        if (!list || !X509_STORE_add_crl(store, list))
            return trust_failed(&source);
    }
}

int eddy__tls_load_trust(SSL_CTX *context, const eddy_tls_options *options) {
    bool has_own = options->ca_file || options->ca.size > 0;
    int r = has_own ? load_authorities(context, options) : 0;

    if (r == 0 && options->ca_directory)
        r = load_directory(context, options->ca_directory);
    if (r == 0 && !has_own && !options->ca_directory && !SSL_CTX_set_default_verify_paths(context))
        r = eddy__tls_setup_failed(EDDY_ETLS, "the system's authorities");
    if (r == 0 && options->revoked_file)
        r = load_revoked(context, options->revoked_file);
    return r;
}
