/* SPDX-License-Identifier: MIT
 * test_starve.c - the same conversation again and again, each time another allocation fails: it
 * must end with a code, and leave nothing behind for the leak checker.
 *
 * Eddy's allocations fail through eddy_set_allocator(), those of src/proto/tls because the linker
 * puts the __wrap_ functions in their place, and OpenSSL's through CRYPTO_set_mem_functions(). Of
 * OpenSSL's, thousands, a sample. */
#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/ssl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>

#include "tls.h"

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
char *__real_strdup(const char *text);
char *__real_strndup(const char *text, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);
char *__wrap_strdup(const char *text);
char *__wrap_strndup(const char *text, size_t size);
int __wrap_asprintf(char **out, const char *format, ...) EDDY_PRINTF(2, 3);

static atomic_long left = LONG_MAX; /* the one that brings it to 0 fails */

static bool must_fail(void) {
    return atomic_fetch_sub(&left, 1) == 1;
}

void *__wrap_malloc(size_t size) {
    return must_fail() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size) {
    return must_fail() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *memory, size_t size) {
    return must_fail() ? NULL : __real_realloc(memory, size);
}

char *__wrap_strdup(const char *text) {
    return must_fail() ? NULL : __real_strdup(text);
}

char *__wrap_strndup(const char *text, size_t size) {
    return must_fail() ? NULL : __real_strndup(text, size);
}

int __wrap_asprintf(char **out, const char *format, ...) {
    va_list arguments;
    int r = -1;

    va_start(arguments, format);
    if (!must_fail())
        r = vasprintf(out, format, arguments);
    va_end(arguments);
    return r;
}

static void take_scarce_memory(void) {
    static const eddy_allocator allocator = {__wrap_malloc, __wrap_realloc, free};

    ASSERT_OK(eddy_set_allocator(&allocator));
}

/* --- OpenSSL's -------------------------------------------------------------------------------- */

static atomic_long openssl_left = LONG_MAX;

static bool openssl_must_fail(void) {
    return atomic_fetch_sub(&openssl_left, 1) == 1;
}

static void *openssl_malloc(size_t size, const char *file, int line) {
    (void)file, (void)line;
    return openssl_must_fail() ? NULL : __real_malloc(size);
}

static void *openssl_realloc(void *memory, size_t size, const char *file, int line) {
    (void)file, (void)line;
    return openssl_must_fail() ? NULL : __real_realloc(memory, size);
}

static void openssl_free(void *memory, const char *file, int line) {
    (void)file, (void)line;
    free(memory);
}

static void take_scarce_openssl(void) {
    ASSERT_INT_EQ(CRYPTO_set_mem_functions(openssl_malloc, openssl_realloc, openssl_free), 1);
}

/* --- the conversation ------------------------------------------------------------------------- */

static eddy_tls_context *contexts[2]; /* the server's, the client's */

static void drop_log(eddy_log_level level, const char *text, void *arg) {
    (void)level, (void)text, (void)arg;
}

static void make_contexts(void) {
    contexts[0] = tls_server("good");
    contexts[1] = tls_client();
    eddy_set_log(drop_log, NULL);
}

static void drop_contexts(void) {
    for (int i = 0; i < 2; i++)
        contexts[i] = eddy_tls_context_unref(contexts[i]);
}

static int echo(eddy_stream *stream, void *arg) {
    int r = eddy_start_tls(stream, contexts[0], NULL);

    return r < 0 ? r : tls_echo(stream, arg);
}

static int read_line(eddy_stream *stream) {
    eddy_slice line;
    ssize_t n = eddy_stream_read_line(stream, &line);

    return (int)MIN(n, 0);
}

static int ask(eddy_stream *stream) {
    static char much[100000];
    eddy_tls_facts facts;
    ssize_t n;
    int r = eddy_start_tls(stream, contexts[1],
                           &(eddy_start_tls_options){.server_hostname = "localhost"});

    if (r == 0)
        r = eddy_stream_write(stream, "hello\n", 6);
    if (r == 0)
        r = read_line(stream);
    if (r == 0)
        r = eddy_tls_info(stream, &facts);
    if (r == 0)
        r = eddy_stream_write(stream, much, sizeof(much));
    n = r < 0 ? r : eddy_stream_read_exactly(stream, much, sizeof(much));
    return (int)MIN(n, 0);
}

static int converse(void *arg) {
    CLEANUP(stream_closep) eddy_stream *stream = NULL;
    eddy_server *server;
    char port[8];
    int r = eddy_start_server(echo, arg, "127.0.0.1", "0", NULL, &server), closed;

    if (r < 0)
        return r;
    snprintf(port, sizeof(port), "%d", eddy_server_port(server));
    r = eddy_open_connection("127.0.0.1", port, NULL, &stream);
    if (r == 0)
        r = ask(stream);
    stream = eddy_stream_close(stream);
    eddy_server_cancel_clients(server);
    closed = eddy_server_close(server);
    return r < 0 ? r : closed;
}

static int converse_for_a_while(void *arg) {
    return eddy_with_timeout(5, converse, arg);
}

/* One of the codes that the headers name for a connection without memory at one of its ends. */
static void check_code(int r, long n) {
    static const int codes[] = {
        -ENOMEM,           -ENOBUFS,          -ECONNRESET,     -EPIPE,
        EDDY_EINCOMPLETE,  EDDY_ETRUNCATED,   EDDY_EALERT,     EDDY_ETLS,
        EDDY_ECERTIFICATE, EDDY_ECERT_ISSUER, EDDY_ECERT_HOST, EDDY_ECERT_WEAK};

    for (size_t i = 0; i < sizeof(codes) / sizeof(*codes); i++)
        if (r == codes[i])
            return;
    TEST_FAIL("without its allocation number %ld it is %s", n, eddy_error_name(r));
}

/* Fails the first allocation of a call, the second ..., until it needs no more than succeed.
 * Returns how many failures there were. */
static int starve(atomic_long *counter, int (*call)(void), long (*next)(long)) {
    int failures = 0;

    for (long n = 1;; n = next(n)) {
        int r;
        bool was_starved;

        atomic_store(counter, n);
        r = call();
        was_starved = atomic_exchange(counter, LONG_MAX) <= 0;
        if (r < 0)
            check_code(r, n);
        failures += r < 0;
        if (!was_starved) {
            ASSERT_OK(r);
            return failures;
        }
    }
}

static int run_conversation(void) {
    return eddy_run(converse_for_a_while, NULL);
}

static long each(long n) {
    return n + 1;
}

static long some(long n) {
    return n + 1 + n / (UNDER_SANITIZER ? 4 : 25);
}

TEST(a_conversation_survives_without_each_allocation_of_ours) {
    take_scarce_memory();
    make_contexts();
    ASSERT_OK(run_conversation());
    ASSERT(starve(&left, run_conversation, each) > 20);
    drop_contexts();
}

TEST(a_conversation_survives_without_any_allocation_of_openssl) {
    take_scarce_openssl();
    make_contexts();
    ASSERT_OK(run_conversation());
    ASSERT(starve(&openssl_left, run_conversation, some) > 20);
    drop_contexts();
}

/* --- contexts --------------------------------------------------------------------------------- */

static int make_context(void) {
    eddy_tls_context *made = NULL;
    const eddy_tls_name names[] = {{"a.example", contexts[0]}, {NULL}};
    eddy_tls_options options = {.is_server = true,
                                .certificate_file = tls_file("good.pem"),
                                .key_file = tls_file("good.key"),
                                .ca_file = tls_file("ca.pem"),
                                .client_certificates = EDDY_TLS_CLIENTS_MAY,
                                .revoked_file = tls_file("revoked.crl"),
                                .alpn = (const char *const[]){"h2", NULL},
                                .names = names};
    int r = eddy_tls_context_new(&options, &made);

    ASSERT((r == 0) == (made != NULL));
    eddy_tls_context_unref(made);
    return r;
}

TEST(a_context_is_made_or_says_why_without_each_allocation_of_ours) {
    take_scarce_memory();
    make_contexts();
    ASSERT(starve(&left, make_context, each) >= 3);
    drop_contexts();
}

TEST(a_context_is_made_or_says_why_without_any_allocation_of_openssl) {
    take_scarce_openssl();
    make_contexts();
    ASSERT(starve(&openssl_left, make_context, some) > 10);
    drop_contexts();
}
