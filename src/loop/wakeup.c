/* SPDX-License-Identifier: MIT
 * wakeup.c - the stack of posts, and eddy_call_soon_threadsafe() on it. */
#include "wakeup.h"

#include <errno.h>

#include "calls.h"
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
    const struct eddy__poller_class *class = loop->poller_class;
    int message_fd = class->send ? class->message_fd(loop->poller) : -1;
    int r = eddy__doorbell_open(&wakeup->bell, class->send, message_fd);

    if (r < 0)
        return r;
    wakeup->watch =
        (struct eddy__watch){.fd = wakeup->bell.event_fd, .events = EPOLLIN, .ready = wakeup_ready};
    r = class->watch(loop->poller, &wakeup->watch);
    if (r < 0) {
        eddy__doorbell_deinit(&wakeup->bell);
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

/* It may be used again from the moment in which it is counted. */
static void call_run(eddy_loop *loop, struct eddy__calls_done *done, const struct eddy__call *call,
                     bool is_dropped) {
    eddy_callback *fn = call->fn;
    void *arg = call->arg;

    eddy__calls_done_add(done, call);
    if (!is_dropped)
        eddy__loop_call(loop, fn, arg);
}

/* Runs what was posted; calls are dropped by a loop that closes, as those of eddy_call_soon(). */
static int posts_run(eddy_loop *loop, struct eddy__post *newest, bool is_closing) {
    struct eddy__post *next, *post = posts_reverse(newest);
    struct eddy__calls_done done = {0};
    int count = 0;

    for (; post; post = next, count++) {
        next = post->next; /* run() may free it */
        if (post->run)
            post->run(post);
        else
            call_run(loop, &done, container_of(post, struct eddy__call, post), is_closing);
    }
    eddy__calls_done_flush(&done);
    return count;
}

void eddy__wakeup_close(eddy_loop *loop, struct eddy__wakeup *wakeup) {
    posts_run(loop, atomic_exchange(&wakeup->posts, &closed_mark), true);
    eddy__doorbell_close(&wakeup->bell);
    loop->poller_class->unwatch(loop->poller, &wakeup->watch);
}

void eddy__wakeup_deinit(struct eddy__wakeup *wakeup) {
    eddy__doorbell_deinit(&wakeup->bell);
}

int eddy__wakeup_put(struct eddy__wakeup *wakeup, struct eddy__post *post) {
    struct eddy__post *newest = atomic_load_explicit(&wakeup->posts, memory_order_relaxed);

    do {
        if (newest == &closed_mark)
            return EDDY_ESHUTDOWN;
        post->next = newest;
    } while (!atomic_compare_exchange_weak(&wakeup->posts, &newest, post));
    return 0;
}

int eddy__wakeup_push(struct eddy__wakeup *wakeup, struct eddy__post *post) {
    int r = eddy__wakeup_put(wakeup, post);

    if (r == 0)
        eddy__wakeup_kick(wakeup);
    return r;
}

/* The push and this load, the loop's store to `asleep` and its look at the stack: all sequentially
 * consistent, so that one of the two sides sees the other. */
void eddy__wakeup_kick(struct eddy__wakeup *wakeup) {
    if (atomic_load(&wakeup->asleep) && atomic_exchange(&wakeup->asleep, false))
        eddy__doorbell_ring(&wakeup->bell);
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
    return posts_run(container_of(wakeup, eddy_loop, wakeup), atomic_exchange(&wakeup->posts, NULL),
                     false);
}

/* --- eddy_call_soon_threadsafe ---------------------------------------------------------------- */

int eddy_call_soon_threadsafe(eddy_loop *loop, eddy_callback *fn, void *arg) {
    int saved = errno, r;
    struct eddy__call *call;

    if (loop->fork_generation != eddy__fork_generation)
        return EDDY_EFORKED;
    call = eddy__call_take();
    if (!call) {
        errno = saved;
        return -ENOMEM;
    }
    *call = (struct eddy__call){.fn = fn, .arg = arg};
    r = eddy__loop_post(loop, &call->post);
    if (r < 0)
        eddy__call_give(call);
    errno = saved;
    return r;
}
