/* SPDX-License-Identifier: MIT
 * tls_certificate.c - makes a certificate, or reads one that another server is to have, too. */
#include "tls_certificate.h"

#include <errno.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"

#define BYTES_MAX     16384
#define VALID_SECONDS 86400L

static X509 *certificate_new(EVP_PKEY *key) {
    X509 *certificate = X509_new();
    X509_NAME *name = X509_get_subject_name(certificate);

    X509_set_version(certificate, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -VALID_SECONDS);
    X509_gmtime_adj(X509_getm_notAfter(certificate), VALID_SECONDS);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"localhost", -1, -1,
                               0);
    X509_set_issuer_name(certificate, name);
    X509_set_pubkey(certificate, key);
    bench_require(X509_sign(certificate, key, EVP_sha256()) ? 0 : -EINVAL, "a certificate");
    return certificate;
}

static void certificate_write(BIO *out) {
    EVP_PKEY *key = EVP_EC_gen("P-256");

    bench_require(key ? 0 : -EINVAL, "a key");
    X509 *certificate = certificate_new(key);
    PEM_write_bio_X509(out, certificate);
    PEM_write_bio_PrivateKey(out, key, NULL, NULL, 0, NULL, NULL);
    X509_free(certificate);
    EVP_PKEY_free(key);
}

char *tls_certificate(const char *file) {
    BIO *bio = file ? BIO_new_file(file, "r") : BIO_new(BIO_s_mem());
    char *text = calloc(1, BYTES_MAX);

    bench_require(bio && text ? 0 : -ENOENT, "the certificate");
    if (!file)
        certificate_write(bio);
    bench_require(BIO_read(bio, text, BYTES_MAX - 1) > 0 ? 0 : -EINVAL, "the certificate");
    BIO_free(bio);
    return text;
}
