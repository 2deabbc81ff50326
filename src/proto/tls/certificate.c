/* SPDX-License-Identifier: MIT
 * certificate.c - names, keys and dates of a certificate, as text.
 *
 * What stands in a certificate was written by whoever made it: control characters do not pass. */
#include "certificate.h"

#include <arpa/inet.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "util.h"

static void copy_clean(char *text, size_t size, const char *data, size_t length) {
    size_t end = MIN(length, size - 1);

    for (size_t i = 0; i < end; i++)
        text[i] = (unsigned char)data[i] < 0x20 || data[i] == 0x7f ? '?' : data[i];
    text[end] = '\0';
}

void eddy__tls_name_text(const X509_NAME *name, char *text, size_t size) {
    BIO *bio = BIO_new(BIO_s_mem());
    char *data;
    long length = 0;

    text[0] = '\0';
    if (bio && X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB) >= 0)
        length = BIO_get_mem_data(bio, &data);
    if (length > 0)
        copy_clean(text, size, data, (size_t)length);
    BIO_free(bio);
}

void eddy__tls_name_short(const X509_NAME *name, char *text, size_t size) {
    int at = X509_NAME_get_index_by_NID(name, NID_commonName, -1);
    const ASN1_STRING *common = NULL;

    if (at >= 0)
        common = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at));
    if (!common) {
        eddy__tls_name_text(name, text, size);
        return;
    }
    copy_clean(text, size, (const char *)ASN1_STRING_get0_data(common),
               (size_t)ASN1_STRING_length(common));
}

/* --- alternative names ------------------------------------------------------------------------ */

static bool alternative_text(const GENERAL_NAME *name, char *text, size_t size) {
    const ASN1_STRING *value;
    int type, length;

    value = GENERAL_NAME_get0_value(name, &type);
    if (type != GEN_DNS && type != GEN_IPADD)
        return false;
    length = ASN1_STRING_length(value);
    if (type == GEN_DNS)
        copy_clean(text, size, (const char *)ASN1_STRING_get0_data(value), (size_t)length);
    else
        return (length == 4 || length == 16) &&
               inet_ntop(length == 4 ? AF_INET : AF_INET6, ASN1_STRING_get0_data(value), text,
                         (socklen_t)size);
    return true;
}

void eddy__tls_names_text(const X509 *certificate, char *text, size_t size) {
    GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    size_t had = 0;

    text[0] = '\0';
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        char name[256];
        int written;

        if (!alternative_text(sk_GENERAL_NAME_value(names, i), name, sizeof(name)))
            continue;
        written = snprintf(text + had, size - had, "%s%s", had > 0 ? ", " : "", name);
        if ((size_t)written >= size - had) {
            text[had] = '\0'; /* whole names only */
            break;
        }
        had += (size_t)written;
    }
    GENERAL_NAMES_free(names);
}

/* --- keys and dates --------------------------------------------------------------------------- */

void eddy__tls_key_text(const X509 *certificate, char *text, size_t size) {
    const EVP_PKEY *key = X509_get0_pubkey(certificate);
    const char *type = key ? EVP_PKEY_get0_type_name(key) : NULL;

    snprintf(text, size, "%s, %d bits", type ? type : "unknown", key ? EVP_PKEY_get_bits(key) : 0);
}

int64_t eddy__tls_time(const ASN1_TIME *time) {
    struct tm parts;

    return ASN1_TIME_to_tm(time, &parts) ? (int64_t)timegm(&parts) : 0;
}

void eddy__tls_date_text(const ASN1_TIME *time, char text[16]) {
    struct tm parts = {0};

    if (!ASN1_TIME_to_tm(time, &parts) || strftime(text, 16, "%Y-%m-%d", &parts) == 0)
        strcpy(text, "?");
}
