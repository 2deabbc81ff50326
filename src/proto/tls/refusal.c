/* SPDX-License-Identifier: MIT
 * refusal.c - certificates that were refused: a code for each reason, and a sentence with the names
 * and dates that explain it. */
#include "refusal.h"

#include <openssl/x509_vfy.h>
#include <stdio.h>

#include "certificate.h"
#include "connection.h"
#include "util.h"

int eddy__tls_verify(int is_well, X509_STORE_CTX *verifying) {
    int index = SSL_get_ex_data_X509_STORE_CTX_idx();
    const SSL *ssl = X509_STORE_CTX_get_ex_data(verifying, index);
    struct tls_connection *connection = SSL_get_app_data(ssl);
    struct tls_refusal *refusal = &connection->refusal;
    X509 *certificate = X509_STORE_CTX_get_current_cert(verifying);

    if (is_well || refusal->reason)
        return is_well;
    refusal->reason = X509_STORE_CTX_get_error(verifying);
    refusal->depth = X509_STORE_CTX_get_error_depth(verifying);
    if (certificate && X509_up_ref(certificate))
        refusal->certificate = certificate;
    return is_well;
}

void eddy__tls_refusal_deinit(struct tls_refusal *refusal) {
    X509_free(refusal->certificate);
}

int eddy__tls_refusal_code(int reason) {
    static const struct {
        int reason, code;
    } codes[] = {
        {X509_V_ERR_OUT_OF_MEM, -ENOMEM},
        {X509_V_ERR_CERT_HAS_EXPIRED, EDDY_ECERT_EXPIRED},
        {X509_V_ERR_CERT_NOT_YET_VALID, EDDY_ECERT_NOT_YET},
        {X509_V_ERR_HOSTNAME_MISMATCH, EDDY_ECERT_HOST},
        {X509_V_ERR_IP_ADDRESS_MISMATCH, EDDY_ECERT_HOST},
        {X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, EDDY_ECERT_SELF_SIGNED},
        {X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, EDDY_ECERT_ISSUER},
        {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, EDDY_ECERT_ISSUER},
        {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, EDDY_ECERT_ISSUER},
        {X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, EDDY_ECERT_ISSUER},
        {X509_V_ERR_CERT_UNTRUSTED, EDDY_ECERT_ISSUER},
        {X509_V_ERR_EE_KEY_TOO_SMALL, EDDY_ECERT_WEAK},
        {X509_V_ERR_CA_KEY_TOO_SMALL, EDDY_ECERT_WEAK},
        {X509_V_ERR_CA_MD_TOO_WEAK, EDDY_ECERT_WEAK},
        {X509_V_ERR_CERT_REVOKED, EDDY_ECERT_REVOKED},
    };

    for (size_t i = 0; i < ARRAY_SIZE(codes); i++)
        if (codes[i].reason == reason)
            return codes[i].code;
    return EDDY_ECERTIFICATE;
}

/* --- sentences -------------------------------------------------------------------------------- */

/* "the certificate of example.org", or of one that leads to it: "the certificate of the authority
 * "Example CA", which vouches for example.org," */
static void subject_text(const struct tls_refusal *refusal, const char *who, char *text,
                         size_t size) {
    char name[256];

    if (refusal->depth == 0 || !refusal->certificate) {
        snprintf(text, size, "the certificate of %s", who);
        return;
    }
    eddy__tls_name_short(X509_get_subject_name(refusal->certificate), name, sizeof(name));
    snprintf(text, size, "the certificate of the authority \"%s\", which vouches for %s,", name,
             who);
}

static int raise_date(const char *subject, const char *what, int code, const ASN1_TIME *time) {
    char date[16];

    eddy__tls_date_text(time, date);
    return eddy_raise(code, "%s %s %s", subject, what, date);
}

static int raise_host(const X509 *certificate, const char *who, const char *host) {
    char names[512];

    eddy__tls_names_text(certificate, names, sizeof(names));
    return eddy_raise(EDDY_ECERT_HOST, "the certificate of %s is for %s, not for %s", who,
                      *names ? names : "no host at all", host ? host : "it");
}

/* The last certificate that was sent names the authority that nobody here knows. */
static int raise_issuer(const struct tls_refusal *refusal, const char *who) {
    char name[256];

    eddy__tls_name_short(X509_get_issuer_name(refusal->certificate), name, sizeof(name));
    return eddy_raise(
        EDDY_ECERT_ISSUER,
        "the certificate of %s was issued by \"%s\", an authority that is not trusted "
        "here",
        who, name);
}

static int raise_weak(const struct tls_refusal *refusal, const char *subject) {
    char key[64];

    if (refusal->reason == X509_V_ERR_CA_MD_TOO_WEAK)
        return eddy_raise(EDDY_ECERT_WEAK, "%s is signed in a way that is too weak (%s)", subject,
                          OBJ_nid2ln(X509_get_signature_nid(refusal->certificate)));
    eddy__tls_key_text(refusal->certificate, key, sizeof(key));
    return eddy_raise(EDDY_ECERT_WEAK, "%s has a key that is too weak (%s)", subject, key);
}

int eddy__tls_refusal_raise(const struct tls_refusal *refusal, const char *who, const char *host) {
    int code = eddy__tls_refusal_code(refusal->reason);
    const X509 *certificate = refusal->certificate;
    char subject[640];

    subject_text(refusal, who, subject, sizeof(subject));
    if (certificate && code == EDDY_ECERT_EXPIRED)
        return raise_date(subject, "expired on", code, X509_get0_notAfter(certificate));
    if (certificate && code == EDDY_ECERT_NOT_YET)
        return raise_date(subject, "is not valid before", code, X509_get0_notBefore(certificate));
    if (certificate && code == EDDY_ECERT_HOST)
        return raise_host(certificate, who, host);
    if (certificate && code == EDDY_ECERT_ISSUER)
        return raise_issuer(refusal, who);
    if (certificate && code == EDDY_ECERT_WEAK)
        return raise_weak(refusal, subject);
    if (code == EDDY_ECERT_SELF_SIGNED)
        return eddy_raise(code, "%s is self-signed", subject);
    if (code == EDDY_ECERT_REVOKED)
        return eddy_raise(code, "%s was revoked", subject);
    return eddy_raise(code, "%s was refused: %s", subject,
                      X509_verify_cert_error_string(refusal->reason));
}
