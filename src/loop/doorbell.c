/* SPDX-License-Identifier: MIT
 * doorbell.c - ringing, and the close that waits for those who send a message. */
#include "doorbell.h"

#include "os.h"
#include "util.h"

#define CLOSED 0x80000000u

int eddy__doorbell_open(struct eddy__doorbell *bell, eddy__message_fn *send, int poller_fd) {
    int fd = eddy__os_eventfd();

    if (fd < 0)
        return fd;
    *bell = (struct eddy__doorbell){.event_fd = fd, .poller_fd = poller_fd, .send = send};
    return 0;
}

/* A signal handler that interrupts this sends no message, and waits for nothing. */
void eddy__doorbell_close(struct eddy__doorbell *bell) {
    unsigned senders = atomic_fetch_or(&bell->senders, CLOSED) | CLOSED;

    while (senders != CLOSED) {
        eddy__os_futex_wait(&bell->senders, senders);
        senders = atomic_load(&bell->senders);
    }
}

void eddy__doorbell_deinit(struct eddy__doorbell *bell) {
    eddy__os_close(bell->event_fd);
}

static bool message_send(struct eddy__doorbell *bell) {
    unsigned before = atomic_fetch_add(&bell->senders, 1);
    bool is_sent = !(before & CLOSED) && bell->send(bell->poller_fd) == 0;

    if (unlikely(atomic_fetch_sub(&bell->senders, 1) == (CLOSED | 1)))
        eddy__os_futex_wake(&bell->senders, 1);
    return is_sent;
}

void eddy__doorbell_ring(struct eddy__doorbell *bell) {
    if (!bell->send || !message_send(bell))
        eddy__os_eventfd_write(bell->event_fd);
}
