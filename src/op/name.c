/* SPDX-License-Identifier: MIT
 * name.c - look-ups, and the threads that make them.
 *
 * A request has two ends. The loop's end (request->lookup) is touched on the loop's thread only,
 * so abandoning needs no lock: it is set to NULL, and the request, when it comes back through the
 * loop's posts, finds nobody. The thread's end needs of the loop only its memory (a reference): a
 * loop that was closed meanwhile refuses the post, and the thread frees the request itself. */
#include "name.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "loop.h"
#include "memory.h"
#include "util.h"

#define THREADS_MAX    16
#define IDLE_SECONDS   10
#define NAME_BYTES_MAX 1024 /* longer than any name that DNS can carry */

struct lookup_request {
    struct eddy__post post;      /* how it comes back */
    struct list_node node;       /* in pool.queue until a thread takes it */
    eddy_loop *loop;             /* a reference */
    struct eddy__lookup *lookup; /* who waits; NULL: abandoned */
    struct addrinfo hints;
    char *host; /* NULL: none was given. Both lie behind the request */
    char *port;
    int resolver_code;
    int system_error; /* errno, where resolver_code is EAI_SYSTEM */
    struct addrinfo *addresses;
};

struct lookup_pool {
    pthread_mutex_t lock;
    pthread_cond_t has_work; /* on CLOCK_MONOTONIC */
    struct list_node queue;
    int queued, threads, idle; /* a thread that was woken counts as idle until it runs */
};

static struct lookup_pool pool;
static pthread_once_t pool_once = PTHREAD_ONCE_INIT;

eddy__resolver_fn *eddy__resolver = getaddrinfo;

/* --- requests --------------------------------------------------------------------------------- */

/* The request with its texts behind it: one allocation. */
static struct lookup_request *request_new(eddy_loop *loop, const char *host, const char *port) {
    size_t host_bytes = host ? strlen(host) + 1 : 0, port_bytes = strlen(port) + 1;
    struct lookup_request *request = eddy__zalloc(sizeof(*request) + host_bytes + port_bytes);

    if (!request)
        return NULL;
    request->port = (char *)(request + 1);
    memcpy(request->port, port, port_bytes);
    if (host)
        request->host = memcpy(request->port + port_bytes, host, host_bytes);
    request->loop = eddy_loop_ref(loop);
    list_init(&request->node);
    return request;
}

static void request_free(struct lookup_request *request) {
    if (request->addresses)
        freeaddrinfo(request->addresses);
    eddy_loop_unref(request->loop);
    eddy__free(request);
}

static int code_of(int resolver_code, int system_error) {
    switch (resolver_code) {
    case 0:
        return 0;
    case EAI_MEMORY:
        return -ENOMEM;
    case EAI_SYSTEM:
        return system_error ? -system_error : EDDY_ENAME;
    default:
        return EDDY_ENAME;
    }
}

/* On the loop's stack: the answer goes to who waits for it. */
static void request_came_back(struct eddy__post *post) {
    struct lookup_request *request = container_of(post, struct lookup_request, post);
    struct eddy__lookup *lookup = request->lookup;

    if (lookup) {
        request->loop->outside--;
        lookup->request = NULL;
        lookup->result = code_of(request->resolver_code, request->system_error);
        lookup->resolver_code = request->resolver_code;
        lookup->addresses = TAKE_POINTER(request->addresses);
    }
    request_free(request);
    if (lookup)
        lookup->done(lookup);
}

/* In a thread of the pool. Once posted, the request may be gone, and its reference to the loop with
 * it, while the post still has to wake that loop. */
static void request_work(struct lookup_request *request) {
    eddy_loop *loop = eddy_loop_ref(request->loop);

    request->resolver_code =
        eddy__resolver(request->host, request->port, &request->hints, &request->addresses);
    request->system_error = request->resolver_code == EAI_SYSTEM ? errno : 0;
    request->post.run = request_came_back;
    if (eddy__loop_post(loop, &request->post) < 0)
        request_free(request);
    eddy_loop_unref(loop);
}

/* --- the pool ------------------------------------------------------------------------------------
 *
 * Threads start when a request finds none idle, end after some idle seconds, and are detached: a
 * process that exits does not wait for them. */

static void pool_init(void) {
    pthread_condattr_t attributes;

    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_mutex_init(&pool.lock, NULL);
    pthread_cond_init(&pool.has_work, &attributes);
    pthread_condattr_destroy(&attributes);
    list_init(&pool.queue);
    pool.queued = pool.threads = pool.idle = 0;
}

static void pool_open(void) {
    pool_init();
    /* A child of fork() has none of the threads, and whatever they held is held for ever: it starts
     * with a new pool. The requests were for the parent's loops. */
    pthread_atfork(NULL, NULL, pool_init);
}

/* The next request, or NULL after IDLE_SECONDS without one. */
static struct lookup_request *pool_take(void) {
    struct list_node *node;
    struct timespec until;
    int r = 0;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += IDLE_SECONDS;
    while (!(node = list_take_first(&pool.queue)) && r == 0) {
        pool.idle++;
        r = pthread_cond_timedwait(&pool.has_work, &pool.lock, &until);
        pool.idle--;
    }
    if (!node)
        return NULL;
    pool.queued--;
    return container_of(node, struct lookup_request, node);
}

static void *pool_main(void *unused) {
    struct lookup_request *request;

    eddy__thread.in_pool = true;
    pthread_mutex_lock(&pool.lock);
    while ((request = pool_take())) {
        pthread_mutex_unlock(&pool.lock);
        request_work(request);
        pthread_mutex_lock(&pool.lock);
    }
    pool.threads--;
    pthread_mutex_unlock(&pool.lock);
    return unused;
}

/* Signals are for the threads of the user: these take none. */
static int pool_start_thread(void) {
    sigset_t all, former;
    pthread_attr_t attributes;
    pthread_t thread;
    int r;

    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &former);
    r = pthread_create(&thread, &attributes, pool_main, NULL);
    pthread_sigmask(SIG_SETMASK, &former, NULL);
    pthread_attr_destroy(&attributes);
    pool.threads += r == 0;
    return -r;
}

/* With threads at work, one that cannot be started is no failure: they will come to it. */
static int pool_submit(struct lookup_request *request) {
    int r = 0;

    pthread_once(&pool_once, pool_open);
    pthread_mutex_lock(&pool.lock);
    if (pool.queued >= pool.idle && pool.threads < THREADS_MAX)
        r = pool_start_thread();
    if (r < 0 && pool.threads > 0)
        r = 0;
    if (r == 0) {
        list_append(&pool.queue, &request->node);
        pool.queued++;
        pthread_cond_signal(&pool.has_work);
    }
    pthread_mutex_unlock(&pool.lock);
    return r;
}

/* True: no thread had taken it, and none will. */
static bool pool_withdraw(struct lookup_request *request) {
    bool was_waiting;

    pthread_mutex_lock(&pool.lock);
    was_waiting = !list_is_empty(&request->node);
    list_remove(&request->node);
    pool.queued -= was_waiting;
    pthread_mutex_unlock(&pool.lock);
    return was_waiting;
}

int eddy__resolver_threads(void) {
    int threads;

    pthread_once(&pool_once, pool_open);
    pthread_mutex_lock(&pool.lock);
    threads = pool.threads;
    pthread_mutex_unlock(&pool.lock);
    return threads;
}

/* --- look-ups --------------------------------------------------------------------------------- */

static bool is_number(const char *port) {
    return port[strspn(port, "0123456789")] == '\0';
}

/* getaddrinfo cuts a larger number to 16 bits, and would connect to another port. */
static bool is_port(const char *port) {
    return port && *port &&
           (!is_number(port) || (strlen(port) <= 5 && strtol(port, NULL, 10) <= 65535));
}

static bool lookup_complete(struct eddy__lookup *lookup, int code, int resolver_code) {
    lookup->result = code;
    lookup->resolver_code = resolver_code;
    return true;
}

/* Numbers, and "this machine", are answered without looking anywhere. False: it was a name. */
static bool lookup_numbers(struct eddy__lookup *lookup, const char *host, const char *port,
                           const struct addrinfo *hints) {
    struct addrinfo numeric = *hints;
    int r;

    if (!is_number(port))
        return false;
    numeric.ai_flags |= AI_NUMERICHOST | AI_NUMERICSERV;
    r = getaddrinfo(host, port, &numeric, &lookup->addresses);
    if (r == EAI_NONAME && host)
        return false;
    return lookup_complete(lookup, code_of(r, errno), r);
}

bool eddy__lookup_submit(eddy_loop *loop, struct eddy__lookup *lookup, const char *host,
                         const char *port, int flags) {
    const struct addrinfo hints = {
        .ai_flags = flags, .ai_socktype = SOCK_STREAM, .ai_protocol = IPPROTO_TCP};

    return eddy__lookup_submit_hints(loop, lookup, host, port, &hints);
}

bool eddy__lookup_submit_hints(eddy_loop *loop, struct eddy__lookup *lookup, const char *host,
                               const char *port, const struct addrinfo *hints) {
    struct lookup_request *request;
    int r;

    lookup->addresses = NULL;
    lookup->request = NULL;
    if (host && !*host)
        host = NULL;
    if (!is_port(port))
        return lookup_complete(lookup, -EINVAL, 0);
    if ((host && strlen(host) > NAME_BYTES_MAX) || strlen(port) > NAME_BYTES_MAX)
        return lookup_complete(lookup, EDDY_ENAME, EAI_NONAME);
    if (lookup_numbers(lookup, host, port, hints))
        return true;

    request = request_new(loop, host, port);
    if (!request)
        return lookup_complete(lookup, -ENOMEM, 0);
    request->hints = *hints;
    request->lookup = lookup;
    r = pool_submit(request);
    if (r < 0) {
        request_free(request);
        return lookup_complete(lookup, r, 0);
    }
    lookup->request = request;
    loop->outside++;
    return false;
}

void eddy__addresses_free(struct addrinfo *addresses) {
    if (addresses)
        freeaddrinfo(addresses);
}

void eddy__lookup_cancel(struct eddy__lookup *lookup) {
    struct lookup_request *request = TAKE_POINTER(lookup->request);

    if (!request)
        return;
    request->loop->outside--;
    request->lookup = NULL;
    if (pool_withdraw(request))
        request_free(request);
    lookup_complete(lookup, -ECANCELED, 0);
    lookup->done(lookup);
}

int eddy__lookup_raise(const struct eddy__lookup *lookup, const char *host, const char *port) {
    const char *cause = lookup->resolver_code && lookup->resolver_code != EAI_SYSTEM
                            ? gai_strerror(lookup->resolver_code)
                            : eddy_error_text(lookup->result);

    if (lookup->result == -ECANCELED)
        return eddy__fail(-ECANCELED);
    if (lookup->result == -EINVAL)
        return eddy_raise(-EINVAL, "\"%.64s\" is no port: 0 to 65535, or the name of a service",
                          port ? port : "");
    if (lookup->resolver_code == EAI_SERVICE)
        return eddy_raise(lookup->result, "cannot resolve the port \"%.64s\": %s", port, cause);
    return eddy_raise(lookup->result, "cannot resolve \"%.255s\": %s", host ? host : "", cause);
}
