/* SPDX-License-Identifier: MIT
 * wakeup.c - the stack of posts, and eddy_call_soon_threadsafe() on it. */
#include "wakeup.h"

#include <errno.h>
#include <sys/mman.h>

#include "loop.h"
#include "os.h"

/* Marks the stack of a closed loop; never followed. */
static struct eddy__post closed_mark;

/* The eventfd is edge-triggered in spirit: read once per wake-up, so that a host's own poll sees it
 * rest. */
static void wakeup_ready(struct eddy__watch *watch, uint32_t events) {
    (void)events;
    eddy__os_eventfd_read(watch->fd);
}

int eddy__wakeup_open(eddy_loop *loop, struct eddy__wakeup *wakeup) {
    int fd = eddy__os_eventfd(), r;

    if (fd < 0)
        return fd;
    wakeup->event_fd = fd;
    wakeup->watch = (struct eddy__watch){.fd = fd, .events = EPOLLIN, .ready = wakeup_ready};
    r = loop->poller_class->watch(loop->poller, &wakeup->watch);
    if (r < 0) {
        eddy__os_close(fd);
        return r;
    }
    atomic_init(&wakeup->posts, NULL);
    /* Until the loop has looked for the first time, every post must wake a host that polls its
     * descriptor. */
    atomic_init(&wakeup->asleep, true);
    return 0;
}

static struct eddy__post *posts_reverse(struct eddy__post *newest) {
    struct eddy__post *oldest = NULL;

    while (newest) {
        struct eddy__post *next = newest->next;
        newest->next = oldest;
        oldest = newest;
        newest = next;
    }
    return oldest;
}

static int posts_run(struct eddy__post *oldest) {
    int count = 0;

    while (oldest) {
        struct eddy__post *next = oldest->next; /* run() may free it */
        oldest->run(oldest);
        oldest = next;
        count++;
    }
    return count;
}

static void calls_give_used(struct eddy__wakeup *wakeup);

static int wakeup_run(struct eddy__wakeup *wakeup, struct eddy__post *newest) {
    int count = posts_run(posts_reverse(newest));

    calls_give_used(wakeup);
    return count;
}

void eddy__wakeup_close(eddy_loop *loop, struct eddy__wakeup *wakeup) {
    wakeup_run(wakeup, atomic_exchange(&wakeup->posts, &closed_mark));
    loop->poller_class->unwatch(loop->poller, &wakeup->watch);
    /* event_fd is closed with the last reference: a producer may be about to write to it. */
}

int eddy__wakeup_push(struct eddy__wakeup *wakeup, struct eddy__post *post) {
    struct eddy__post *newest = atomic_load_explicit(&wakeup->posts, memory_order_relaxed);

    do {
        if (newest == &closed_mark)
            return EDDY_ESHUTDOWN;
        post->next = newest;
    } while (!atomic_compare_exchange_weak(&wakeup->posts, &newest, post));
    eddy__wakeup_kick(wakeup);
    return 0;
}

/* The push and this load, the loop's store to `asleep` and its look at the stack: all sequentially
 * consistent, so that one of the two sides sees the other. */
void eddy__wakeup_kick(struct eddy__wakeup *wakeup) {
    if (atomic_load(&wakeup->asleep) && atomic_exchange(&wakeup->asleep, false))
        eddy__os_eventfd_write(wakeup->event_fd);
}

/* An exchange, though a store would do: emulators of AArch64 let the load overtake that. */
bool eddy__wakeup_sleep(struct eddy__wakeup *wakeup) {
    atomic_exchange(&wakeup->asleep, true);
    return atomic_load(&wakeup->posts) == NULL;
}

void eddy__wakeup_awake(struct eddy__wakeup *wakeup) {
    atomic_store_explicit(&wakeup->asleep, false, memory_order_relaxed);
}

int eddy__wakeup_run(struct eddy__wakeup *wakeup) {
    if (atomic_load_explicit(&wakeup->posts, memory_order_relaxed) == NULL)
        return 0;
    return wakeup_run(wakeup, atomic_exchange(&wakeup->posts, NULL));
}

/* --- eddy_call_soon_threadsafe ------------------------------------------------------------------
 *
 * Called from signal handlers, it may not use malloc: its posts come from a process-wide free list,
 * a stack of indices with a tag against the ABA problem, that grows by mmap (a bare system call).
 */

#define CALLS_FIRST_CHUNK 256u /* chunk k has 256 << k posts */
#define CALLS_CHUNKS      17u  /* 32 million in all */
#define CALLS_GIVEN_BACK  64   /* at once */

struct eddy__call {
    struct eddy__post post;
    eddy_loop *loop;
    eddy_callback *fn;
    void *arg;
    atomic_uint next_free; /* index + 1 */
    uint32_t index;
};

static _Atomic(struct eddy__call *) call_chunks[CALLS_CHUNKS];
static _Atomic uint64_t calls_free; /* tag << 32 | index + 1 */

static struct eddy__call *call_at(uint32_t index) {
    uint32_t position = index / CALLS_FIRST_CHUNK + 1;
    uint32_t chunk = 31u - (uint32_t)__builtin_clz(position);
    uint32_t first = CALLS_FIRST_CHUNK * ((1u << chunk) - 1);

    return &atomic_load(&call_chunks[chunk])[index - first];
}

/* A chain of them, from the first to the last. */
static void calls_give(struct eddy__call *first, struct eddy__call *last) {
    uint64_t head = atomic_load_explicit(&calls_free, memory_order_relaxed), replacement;

    do {
        atomic_store_explicit(&last->next_free, (uint32_t)head, memory_order_relaxed);
        replacement = ((head >> 32) + 1) << 32 | (first->index + 1);
    } while (!atomic_compare_exchange_weak(&calls_free, &head, replacement));
}

/* Producers and the loop would pass the head of the free list to and fro for each call: so the loop
 * gives back many at once. */
static void calls_give_used(struct eddy__wakeup *wakeup) {
    if (wakeup->used)
        calls_give(wakeup->used, wakeup->last_used);
    wakeup->used = NULL;
    wakeup->used_count = 0;
}

static void calls_add_used(struct eddy__wakeup *wakeup, struct eddy__call *call) {
    if (wakeup->used)
        atomic_store_explicit(&call->next_free, wakeup->used->index + 1, memory_order_relaxed);
    else
        wakeup->last_used = call;
    wakeup->used = call;
    if (++wakeup->used_count == CALLS_GIVEN_BACK)
        calls_give_used(wakeup);
}

/* Adds the next chunk to the free list, unless another thread just has. False: no memory. */
static bool calls_grow(void) {
    for (uint32_t chunk = 0; chunk < CALLS_CHUNKS; chunk++) {
        uint32_t count = CALLS_FIRST_CHUNK << chunk,
                 first = CALLS_FIRST_CHUNK * ((1u << chunk) - 1);
        struct eddy__call *calls, *none = NULL;

        if (atomic_load(&call_chunks[chunk]))
            continue;
        calls = mmap(NULL, count * sizeof(*calls), PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (calls == MAP_FAILED)
            return false;
        for (uint32_t i = 0; i < count; i++)
            calls[i].index = first + i;
        if (!atomic_compare_exchange_strong(&call_chunks[chunk], &none, calls)) {
            munmap(calls, count * sizeof(*calls));
            return true;
        }
        for (uint32_t i = 0; i + 1 < count; i++)
            atomic_store_explicit(&calls[i].next_free, first + i + 2, memory_order_relaxed);
        calls_give(&calls[0], &calls[count - 1]);
        return true;
    }
    return false;
}

static struct eddy__call *call_take(void) {
    for (;;) {
        uint64_t head = atomic_load(&calls_free), replacement;
        struct eddy__call *call;

        while ((uint32_t)head) {
            call = call_at((uint32_t)head - 1);
            replacement = ((head >> 32) + 1) << 32 |
                          atomic_load_explicit(&call->next_free, memory_order_relaxed);
            if (atomic_compare_exchange_weak(&calls_free, &head, replacement))
                return call;
        }
        if (!calls_grow())
            return NULL;
    }
}

static void call_run(struct eddy__post *post) {
    struct eddy__call *call = container_of(post, struct eddy__call, post);
    eddy_loop *loop = call->loop;
    eddy_callback *fn = call->fn;
    void *arg = call->arg;

    if (loop->closing)
        fn = NULL; /* dropped, as those of eddy_call_soon() are */
    calls_add_used(&loop->wakeup, call);
    if (fn)
        eddy__loop_call(loop, fn, arg);
}

int eddy_call_soon_threadsafe(eddy_loop *loop, eddy_callback *fn, void *arg) {
    int saved = errno, r;
    struct eddy__call *call;

    if (loop->fork_generation != eddy__fork_generation)
        return EDDY_EFORKED;
    call = call_take();

    if (!call) {
        errno = saved;
        return -ENOMEM;
    }
    call->post.run = call_run;
    call->loop = loop;
    call->fn = fn;
    call->arg = arg;
    r = eddy__loop_post(loop, &call->post);
    if (r < 0)
        calls_give(call, call);
    errno = saved;
    return r;
}
