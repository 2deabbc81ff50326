/* SPDX-License-Identifier: MIT
 * eddy/channel.h - items on their way between tasks of any threads: any number send, any number
 * receive.
 *
 *     r = eddy_channel_send(channel, item);               in one thread, again and again
 *     eddy_channel_close(channel);                        at the end
 *
 *     while ((r = eddy_channel_receive(channel, &item)) == 0)           in another thread
 *         use(item);
 *     return r == EDDY_ESHUTDOWN ? 0 : r;
 *
 * All calls are for any thread, but none for signal handlers. Those that say "Suspends" do so in a
 * task of whichever loop; outside any task they block the thread, running its default loop; in a
 * callback of a loop and in a thread of the pool they answer -EDEADLK (the _nowait calls are
 * welcome there). Among tasks of one loop a queue (eddy/sync.h) does the same without a lock.
 *
 * It is fair: who came first has the first turn, and an item or its room is handed over in the
 * moment of the send or the receive. -ECANCELED means that the call had no effect: the item is
 * still the sender's, and none was received. A task that is cancelled after its turn has come gets
 * what it waited for all the same; its next call is refused. When a loop is closed over tasks that
 * wait here, they leave; an item that one of them was just given goes to the next receiver.
 *
 * A loop's virtual time does not stand still for a channel. In the child of a fork() the channels
 * of before answer EDDY_EFORKED. */
#ifndef EDDY_CHANNEL_H
#define EDDY_CHANNEL_H

#include <eddy/error.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct eddy_channel eddy_channel;

/* All zero is the default. */
typedef struct eddy_channel_options {
    void (*destroy)(void *item); /* of what is left in it at its end; in the thread that ends it */
} eddy_channel_options;

/* capacity <= 0: unbounded. A bounded channel has all its room from now on. options may be NULL.
 * Returns 0 or -ENOMEM. The caller has one reference to *out. */
EDDY_API int eddy_channel_new_sized(int capacity, const eddy_channel_options *options,
                                    size_t options_size, eddy_channel **out);
static inline int eddy_channel_new(int capacity, eddy_channel **out) {
    return eddy_channel_new_sized(capacity, NULL, 0, out);
}
static inline int eddy_channel_new_with(int capacity, const eddy_channel_options *options,
                                        eddy_channel **out) {
    return eddy_channel_new_sized(capacity, options, sizeof(eddy_channel_options), out);
}

/* A reference for each who may outlive the others, mostly for each thread. unref returns NULL; the
 * last one frees, and destroys the items that are left. */
EDDY_API eddy_channel *eddy_channel_ref(eddy_channel *channel);
EDDY_API eddy_channel *eddy_channel_unref(eddy_channel *channel);

/* Sends an item, a pointer of yours (NULL is one), and waits while the channel is full. Suspends.
 * Returns 0; EDDY_ESHUTDOWN: it is closed; of an unbounded channel also -ENOMEM. nowait: does not
 * suspend; -EAGAIN if it is full. What the sender has written before, the receiver sees. */
EDDY_API int eddy_channel_send(eddy_channel *channel, void *item);
EDDY_API int eddy_channel_send_nowait(eddy_channel *channel, void *item);

/* Takes the oldest item out, and waits while there is none. Suspends. Returns 0 and *item, or
 * EDDY_ESHUTDOWN: it is closed and empty. nowait: does not suspend; -EAGAIN if it is empty. */
EDDY_API int eddy_channel_receive(eddy_channel *channel, void **item);
EDDY_API int eddy_channel_receive_nowait(eddy_channel *channel, void **item);

/* From now on send answers EDDY_ESHUTDOWN, also where it waits, and receive as soon as the channel
 * is empty. Harmless when it is closed. */
EDDY_API void eddy_channel_close(eddy_channel *channel);

/* What other threads do may have changed the answer by the time it is read. */
EDDY_API int eddy_channel_size(const eddy_channel *channel);     /* items in it */
EDDY_API int eddy_channel_capacity(const eddy_channel *channel); /* 0: unbounded */
EDDY_API bool eddy_channel_is_closed(const eddy_channel *channel);

#ifdef __cplusplus
}
#endif

#endif
