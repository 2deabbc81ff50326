/* SPDX-License-Identifier: MIT
 * alpn.c - application protocols: a client offers, a server chooses by its own preference. */
#include "alpn.h"

#include <string.h>

enum { NAME_BYTES_MAX = 255, LIST_BYTES_MAX = 65535 };

static int list_size(const char *const *names, size_t *out) {
    *out = 0;
    for (; *names; names++) {
        size_t length = strlen(*names);

        if (length == 0 || length > NAME_BYTES_MAX)
            return eddy_raise(-EINVAL, "\"%.300s\" cannot be the name of a protocol", *names);
        *out += 1 + length;
    }
    return *out <= LIST_BYTES_MAX ? 0 : eddy_raise(-EINVAL, "the list of protocols is too long");
}

static int list_copy(eddy_tls_context *context, const char *const *names, size_t size) {
    unsigned char *end = OPENSSL_malloc(size);

    if (!end)
        return -ENOMEM;
    context->alpn = end;
    context->alpn_size = (unsigned)size;
    for (; *names; names++) {
        size_t length = strlen(*names);

        *end++ = (unsigned char)length;
        memcpy(end, *names, length);
        end += length;
    }
    return 0;
}

/* A server that shares nothing with the client ends the hand-shake (RFC 7301): otherwise each would
 * take the other to speak its own. */
static int choose(SSL *ssl, const unsigned char **out, unsigned char *out_size,
                  const unsigned char *offered, unsigned offered_size, void *arg) {
    const eddy_tls_context *context = arg;
    unsigned char *chosen;

    (void)ssl;
    if (SSL_select_next_proto(&chosen, out_size, context->alpn, context->alpn_size, offered,
                              offered_size) != OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

int eddy__tls_alpn_set(eddy_tls_context *context, const char *const *names) {
    size_t size = 0;
    int r = names ? list_size(names, &size) : 0;

    if (r < 0 || size == 0)
        return r;
    r = list_copy(context, names, size);
    if (r < 0)
        return r;
    if (context->layer.is_server)
        SSL_CTX_set_alpn_select_cb(context->ssl_context, choose, context);
    else if (SSL_CTX_set_alpn_protos(context->ssl_context, context->alpn, context->alpn_size) != 0)
        return -ENOMEM;
    return 0;
}
