/* SPDX-License-Identifier: MIT
 * lease.c - a stack of free buffers, trimmed by what it never went below. */
#include "lease.h"

#include <errno.h>

#include "memory.h"
#include "os.h"
#include "util.h"

#define LEASES_KEPT    4    /* however idle: sparse traffic must not allocate */
#define TAKES_PER_TRIM 1024 /* a busy poller's period */

static struct eddy__lease *leases_pop(struct eddy__leases *leases) {
    struct eddy__lease *lease = leases->free;

    leases->free = lease->next;
    leases->free_count--;
    leases->least_free = MIN(leases->least_free, leases->free_count);
    return lease;
}

void *eddy__lease_take(struct eddy__leases *leases) {
    struct eddy__lease *lease;

    if (++leases->takes >= TAKES_PER_TRIM)
        eddy__leases_trim(leases);
    lease = leases->free ? leases_pop(leases) : eddy__alloc(sizeof(*lease));
    return lease ? lease->bytes : NULL;
}

void eddy__lease_give(struct eddy__leases *leases, void *buffer) {
    struct eddy__lease *lease = eddy__lease_of(buffer);

    lease->next = leases->free;
    leases->free = lease;
    leases->free_count++;
}

/* The buffer is out if something came, else it is given back. */
static ssize_t lease_filled(struct eddy__leases *leases, void **buffer, ssize_t r) {
    if (r <= 0)
        eddy__lease_give(leases, TAKE_POINTER(*buffer));
    return r;
}

ssize_t eddy__lease_receive(struct eddy__leases *leases, int fd, void **buffer) {
    *buffer = eddy__lease_take(leases);
    if (!*buffer)
        return -ENOMEM;
    return lease_filled(leases, buffer, eddy__os_recv(fd, *buffer, LEASE_BYTES, MSG_DONTWAIT));
}

ssize_t eddy__lease_read(struct eddy__leases *leases, int fd, void **buffer) {
    *buffer = eddy__lease_take(leases);
    if (!*buffer)
        return -ENOMEM;
    return lease_filled(leases, buffer, eddy__os_read(fd, *buffer, LEASE_BYTES));
}

void eddy__lease_free(void *buffer) {
    eddy__free(eddy__lease_of(buffer));
}

bool eddy__leases_are_many(const struct eddy__leases *leases) {
    return leases->free_count > LEASES_KEPT;
}

void eddy__leases_trim(struct eddy__leases *leases) {
    uint32_t unneeded = leases->least_free;

    for (; unneeded > 0 && eddy__leases_are_many(leases); unneeded--)
        eddy__free(leases_pop(leases));
    leases->least_free = leases->free_count;
    leases->takes = 0;
}

void eddy__leases_deinit(struct eddy__leases *leases) {
    while (leases->free)
        eddy__free(leases_pop(leases));
    *leases = (struct eddy__leases){0};
}
