/* SPDX-License-Identifier: MIT
 * eddy/tls.h - TLS on streams (library eddy-tls, over OpenSSL 3).
 *
 * A context says who we are, whom we trust, and how: it is made once, and shared by any number of
 * connections in any threads. Put it into the options of a connection or a server (`.tls`), or on a
 * live stream by eddy_start_tls(): the stream is then used as any other.
 *
 * What is safe is the default: TLS 1.2 at least, no renegotiation, forward secrecy; a client checks
 * the server's certificate against the system's authorities, and that it is for the host that was
 * asked for. What weakens this has a name that says so.
 *
 * Besides those of a plain connection, codes are EDDY_ECERT_EXPIRED and its like (why a certificate
 * was refused; the sentence names the host), EDDY_EALERT (the other end refused us), EDDY_ENO_TLS
 * (it speaks something else), EDDY_ETLS (anything else about TLS), and of reading EDDY_ETRUNCATED:
 * the connection ended without the notice that TLS sends first, so the end may be missing. */
#ifndef EDDY_TLS_H
#define EDDY_TLS_H

#include <eddy.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum eddy_tls_version {
    EDDY_TLS_ANY = 0, /* 1.2 and what is newer */
    EDDY_TLS_1_2 = 0x0303,
    EDDY_TLS_1_3 = 0x0304,
} eddy_tls_version;

/* What a server wants of its clients' certificates. */
typedef enum eddy_tls_client_certificates {
    EDDY_TLS_CLIENTS_UNASKED = 0,
    EDDY_TLS_CLIENTS_MAY,  /* one that is sent is checked */
    EDDY_TLS_CLIENTS_MUST, /* and who sends none is refused */
} eddy_tls_client_certificates;

/* Of one server, another certificate for another name: "example.org", or "*.example.org" for any
 * one label in the place of the star. The context is a server's; a reference is taken. */
typedef struct eddy_tls_name {
    const char *name;
    eddy_tls_context *context;
} eddy_tls_name;

/* Writes the password of an encrypted key, at most `size` bytes. Must not suspend. Returns how many
 * bytes it has, or a negative code. */
typedef int eddy_tls_password_fn(char *buffer, size_t size, void *arg);

/* All zero is the default of everything: a client that trusts the system's authorities. Borrowed
 * for the call: all is read and copied. */
typedef struct eddy_tls_options {
    bool is_server; /* it greets clients, and needs a certificate; else it greets servers */

    /* Who we are: PEM, in a file or in memory. The certificate comes first, then those that lead to
     * the authority. A server needs one, a client where it is asked. */
    const char *certificate_file;
    const char *key_file; /* NULL: the key is in certificate_file */
    eddy_slice certificate;
    eddy_slice key; /* empty: it is in `certificate` */
    eddy_tls_password_fn *password_fn;
    void *password_arg;

    /* Whom we trust; NULL and empty: the system's authorities (SSL_CERT_FILE and SSL_CERT_DIR of
     * the environment are heeded). PEM; a directory as `openssl rehash` makes it. */
    const char *ca_file;
    const char *ca_directory;
    eddy_slice ca;
    const char *revoked_file; /* lists of revoked certificates (CRL), for the other end's own one */
    eddy_tls_client_certificates client_certificates; /* of a server */

    /* Several certificates on one server, by the name that the client asks for: ends with a NULL
     * name. Who asks for no such name gets this context's. */
    const eddy_tls_name *names;

    /* What is spoken inside (ALPN), in the order of preference: "h2", "http/1.1"; ends with NULL. A
     * server refuses who offers something and nothing of it. */
    const char *const *alpn;

    eddy_tls_version minimum_version;
    eddy_tls_version maximum_version;
    const char *ciphers;       /* of TLS 1.2, in OpenSSL's words; NULL: with forward secrecy */
    const char *cipher_suites; /* of TLS 1.3; NULL: OpenSSL's */
    const char *groups;        /* key exchange: "X25519:P-256"; NULL: OpenSSL's */

    /* A client keeps the last sessions of so many servers, and a second connection to one of them
     * needs no certificates. 0: 256; negative: none, and a server gives out none. */
    int sessions_max;

    const char *key_log_file; /* appends the secrets of each connection, for Wireshark */

    /* A connection that ends without notice is taken for ended well: for what says its lengths
     * itself, as HTTP does. Not in the midst of a record. */
    bool accept_truncation;

    bool insecure_no_verification; /* accept any certificate: whoever is in between reads along */
    bool insecure_any_host;        /* accept a trusted certificate of any host */
    bool insecure_weak_keys;       /* RSA below 2048 bits, SHA-1, and their like */
} eddy_tls_options;

/* Reads the files, and makes a context, which the caller owns: eddy_tls_context_unref(). Blocks
 * (files are read). options may be NULL. Returns 0; -ENOENT, -EACCES ... with the file's name;
 * EDDY_ECERTIFICATE (no PEM, key and certificate do not belong together), EDDY_ECERT_WEAK;
 * EDDY_ETLS (ciphers or groups that OpenSSL does not know); -EINVAL, -ENOMEM. */
EDDY_API int eddy_tls_context_new_sized(const eddy_tls_options *options, size_t options_size,
                                        eddy_tls_context **out);
static inline int eddy_tls_context_new(const eddy_tls_options *options, eddy_tls_context **out) {
    return eddy_tls_context_new_sized(options, sizeof(eddy_tls_options), out);
}

/* A reference of your own, and its end; any thread. unref returns NULL. Connections and servers
 * have theirs. */
EDDY_API eddy_tls_context *eddy_tls_context_ref(eddy_tls_context *context);
EDDY_API eddy_tls_context *eddy_tls_context_unref(eddy_tls_context *context);

/* The process's own context for clients, with all defaults: made by the first call, borrowed, any
 * thread. SSLKEYLOGFILE of the environment is heeded. NULL: it cannot be made; see
 * eddy_last_error(). */
EDDY_API eddy_tls_context *eddy_tls_default(void);

/* All zero is the default of everything. */
typedef struct eddy_start_tls_options {
    const char *server_hostname; /* whom a client expects there, a name or an address; it needs one
                                    unless its context is insecure */
    double handshake_seconds;    /* 0: 60 */
} eddy_start_tls_options;

/* Puts TLS on a live stream, and shakes hands: what was received and not read is the beginning of
 * TLS. context NULL: eddy_tls_default(). It flushes first. While it waits the stream takes no other
 * call. Suspends. Returns 0; -EBUSY, -EINVAL (no host name), -ENOMEM: the stream is as it was. All
 * other codes (see above; -ETIMEDOUT, -ECANCELED, EDDY_EINCOMPLETE: it ended meanwhile) end the
 * stream: close it. */
EDDY_API int eddy_start_tls_sized(eddy_stream *stream, eddy_tls_context *context,
                                  const eddy_start_tls_options *options, size_t options_size);
static inline int eddy_start_tls(eddy_stream *stream, eddy_tls_context *context,
                                 const eddy_start_tls_options *options) {
    return eddy_start_tls_sized(stream, context, options, sizeof(eddy_start_tls_options));
}

/* What was agreed on, and who is there. Texts are borrowed from the stream; NULL: there is none. */
typedef struct eddy_tls_facts {
    const char *version;     /* "TLSv1.3" */
    const char *cipher;      /* "TLS_AES_256_GCM_SHA384" */
    const char *alpn;        /* what is spoken inside */
    const char *server_name; /* the name that the client has asked for */
    bool is_resumed;         /* a session went on, without certificates */

    /* The other end's certificate; NULL and 0 if it has sent none. */
    const char *peer_subject; /* "CN=example.org,O=Example" */
    const char *peer_issuer;
    const char *peer_names;  /* "example.org, *.example.org, 192.0.2.1" */
    int64_t peer_valid_from; /* seconds since 1970 */
    int64_t peer_valid_until;
    eddy_slice peer_der; /* the certificate itself */
    const char *peer_pem;
} eddy_tls_facts;

/* Returns 0, -EINVAL if the stream has no TLS or is still shaking hands, or -ENOMEM. */
EDDY_API int eddy_tls_info_sized(const eddy_stream *stream, eddy_tls_facts *out, size_t out_size);
static inline int eddy_tls_info(const eddy_stream *stream, eddy_tls_facts *out) {
    return eddy_tls_info_sized(stream, out, sizeof(eddy_tls_facts));
}

/* Whether a code says that the other end's certificate was refused. */
static inline bool eddy_is_certificate_error(int code) {
    return code == EDDY_ECERTIFICATE || (code <= EDDY_ECERT_EXPIRED && code >= EDDY_ECERT_REVOKED);
}

#ifdef __cplusplus
}
#endif

#endif
