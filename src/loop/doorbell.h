/* SPDX-License-Identifier: MIT
 * doorbell.h - how a loop that waits in the kernel is woken from outside.
 *
 * The best way is a message that the poller takes as it is, an answer in its ring that nobody has
 * asked for: then the woken loop has nothing to read and nothing to ask again. Where the poller or
 * the kernel has no such thing, or has no room now, an eventfd is written to.
 *
 * Threads ring while the loop is closed. The eventfd's number stays its own until the loop's last
 * reference goes, and who rings has one. The poller cannot stay so long: so those who are sending
 * it a message are counted, and the close waits for them. */
#ifndef EDDY__DOORBELL_H
#define EDDY__DOORBELL_H

#include <stdatomic.h>

/* Sends a message to the poller with this descriptor. Async-signal-safe; keeps errno. Returns 0 or
 * a negative code: nothing was sent. */
typedef int eddy__message_fn(int poller_fd);

struct eddy__doorbell {
    int event_fd;
    int poller_fd;
    eddy__message_fn *send;   /* NULL: there are no messages */
    _Atomic unsigned senders; /* of messages, just now; and whether it is closed */
};

/* Returns 0 or -EMFILE and the like. */
int eddy__doorbell_open(struct eddy__doorbell *bell, eddy__message_fn *send, int poller_fd);

/* From here on the poller gets no messages, and none is under way. Ringing goes on. */
void eddy__doorbell_close(struct eddy__doorbell *bell);

/* Nobody will ring any more. */
void eddy__doorbell_deinit(struct eddy__doorbell *bell);

/* Makes a poll that waits return. Any thread, signal handlers too. */
void eddy__doorbell_ring(struct eddy__doorbell *bell);

#endif
