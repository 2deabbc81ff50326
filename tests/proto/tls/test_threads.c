/* SPDX-License-Identifier: MIT
 * test_threads.c - contexts are shared by threads, and so are their sessions. */
#include "tls.h"

#include <pthread.h>
#include <stdatomic.h>

enum { THREADS = 4, CONNECTIONS = 12 };

struct shared {
    eddy_tls_context *server, *client;
    atomic_int resumed;
};

static int connect_some(void *arg) {
    struct shared *shared = arg;
    struct tls_host host = {.context = shared->server};

    tls_host_start(&host);
    for (int i = 0; i < CONNECTIONS; i++) {
        eddy_stream *stream;
        eddy_tls_facts facts;

        ASSERT_OK(tls_connect(host.port, shared->client, "localhost", &stream));
        tls_assert_echo(stream, "from a thread\n");
        ASSERT_OK(eddy_tls_info(stream, &facts));
        atomic_fetch_add(&shared->resumed, facts.is_resumed);
        eddy_stream_close(stream);
    }
    tls_host_stop(&host);
    return 0;
}

static void *run_thread(void *arg) {
    ASSERT_OK(eddy_run(connect_some, arg));
    return NULL;
}

static void run_threads(struct shared *shared) {
    pthread_t threads[THREADS];

    for (int i = 0; i < THREADS; i++)
        ASSERT_INT_EQ(pthread_create(&threads[i], NULL, run_thread, shared), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    ASSERT_INT_EQ(atomic_load(&shared->resumed), THREADS * (CONNECTIONS - 1));
}

TEST(threads_share_contexts) {
    struct shared shared = {tls_server("good"), tls_client(), 0};

    run_threads(&shared);
    eddy_tls_context_unref(shared.server);
    eddy_tls_context_unref(shared.client);
}

TEST(threads_share_contexts_of_tls_1_2) {
    struct shared shared = {tls_server("good"),
                            tls_client_with((eddy_tls_options){.maximum_version = EDDY_TLS_1_2}),
                            0};

    run_threads(&shared);
    eddy_tls_context_unref(shared.server);
    eddy_tls_context_unref(shared.client);
}

static void *take_default(void *arg) {
    *(eddy_tls_context **)arg = eddy_tls_default();
    return NULL;
}

TEST(threads_that_ask_at_once_get_one_default) {
    eddy_tls_context *taken[THREADS];
    pthread_t threads[THREADS];

    for (int i = 0; i < THREADS; i++)
        ASSERT_INT_EQ(pthread_create(&threads[i], NULL, take_default, &taken[i]), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < THREADS; i++)
        ASSERT_PTR_EQ(taken[i], eddy_tls_default());
}
