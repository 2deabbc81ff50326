/* SPDX-License-Identifier: MIT
 * names.c - chooses the context of a connection by the name in the client's first message.
 *
 * OpenSSL has a callback for that name, but in TLS 1.3 it comes after an old session was accepted:
 * who has shaken hands under one name could go on under another, whose certificates of clients were
 * never asked for. So the name is read from the first message itself, before anything else is
 * done with it, and a session belongs to the context that has made it (its identifier). */
#include "names.h"

#include <stdlib.h>
#include <string.h>

#include "connection.h"
#include "util.h"

/* --- the list --------------------------------------------------------------------------------- */

static int name_copy(struct tls_name *own, const eddy_tls_name *given) {
    if (!given->context || !given->context->layer.is_server)
        return eddy_raise(-EINVAL, "the context for %s is not a server's", given->name);
    own->name = strdup(given->name);
    if (!own->name)
        return eddy_raise(-ENOMEM, "no memory for TLS");
    own->context = eddy_tls_context_ref(given->context);
    return 0;
}

static int names_copy(eddy_tls_context *context, const eddy_tls_name *names) {
    size_t count = 0;

    while (names[count].name)
        count++;
    context->names = calloc(count + 1, sizeof(*context->names));
    if (!context->names)
        return eddy_raise(-ENOMEM, "no memory for TLS");
    for (; context->names_count < count; context->names_count++) {
        int r = name_copy(&context->names[context->names_count], &names[context->names_count]);
        if (r < 0)
            return r;
    }
    return 0;
}

void eddy__tls_names_deinit(eddy_tls_context *context) {
    for (size_t i = 0; i < context->names_count; i++) {
        free(context->names[i].name);
        eddy_tls_context_unref(context->names[i].context);
    }
    free(context->names);
}

/* --- which of them ---------------------------------------------------------------------------- */

/* The star stands for one label, which is not empty. */
bool eddy__tls_name_matches(const char *pattern, const char *host, size_t host_size) {
    if (strncmp(pattern, "*.", 2) == 0) {
        const char *dot = memchr(host, '.', host_size);

        if (!dot || dot == host)
            return false;
        pattern += 2;
        host_size -= (size_t)(dot + 1 - host);
        host = dot + 1;
    }
    return strlen(pattern) == host_size && strncasecmp(pattern, host, host_size) == 0;
}

/* A name that is written out goes before one with a star. */
static const eddy_tls_context *names_find(const eddy_tls_context *context, const char *host,
                                          size_t host_size) {
    const eddy_tls_context *found = context;

    for (size_t i = 0; i < context->names_count; i++) {
        const struct tls_name *name = &context->names[i];

        if (!eddy__tls_name_matches(name->name, host, host_size))
            continue;
        if (*name->name != '*')
            return name->context;
        if (found == context)
            found = name->context;
    }
    return found;
}

static size_t number_at(const unsigned char *bytes) {
    return (size_t)bytes[0] << 8 | bytes[1];
}

/* The extension: a list's size, then of its one entry the type (0), the size, the name. */
static bool hello_name(SSL *ssl, const char **out, size_t *out_size) {
    const unsigned char *bytes;
    size_t size;

    if (!SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, &bytes, &size) || size < 5)
        return false;
    if (number_at(bytes) != size - 2 || bytes[2] != TLSEXT_NAMETYPE_host_name ||
        number_at(bytes + 3) != size - 5)
        return false;
    *out = (const char *)bytes + 5;
    *out_size = size - 5;
    return true;
}

/* SSL_set_SSL_CTX() changes the certificate and what is looked up in the context later; what SSL
 * copied from its first context follows here. */
static bool connection_move(SSL *ssl, SSL_CTX *to) {
    SSL_set_verify(ssl, SSL_CTX_get_verify_mode(to), SSL_CTX_get_verify_callback(to));
    return SSL_set_SSL_CTX(ssl, to) == to &&
           SSL_set_min_proto_version(ssl, (int)SSL_CTX_get_min_proto_version(to)) &&
           SSL_set_max_proto_version(ssl, (int)SSL_CTX_get_max_proto_version(to));
}

static int on_hello(SSL *ssl, int *alert, void *arg) {
    const eddy_tls_context *context = arg, *found = context;
    const char *host;
    size_t host_size;

    if (hello_name(ssl, &host, &host_size))
        found = names_find(context, host, host_size);
    if (found == context || connection_move(ssl, found->ssl_context))
        return SSL_CLIENT_HELLO_SUCCESS;
    *alert = SSL_AD_INTERNAL_ERROR;
    return SSL_CLIENT_HELLO_ERROR;
}

/* The client hears that its name was heeded. */
static int on_name(SSL *ssl, int *alert, void *arg) {
    (void)ssl, (void)alert, (void)arg;
    return SSL_TLSEXT_ERR_OK;
}

int eddy__tls_names_set(eddy_tls_context *context, const eddy_tls_name *names) {
    int r = names ? names_copy(context, names) : 0;

    if (r < 0)
        return r;
    SSL_CTX_set_client_hello_cb(context->ssl_context, on_hello, context);
    SSL_CTX_set_tlsext_servername_callback(context->ssl_context, on_name);
    return 0;
}
