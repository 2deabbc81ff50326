/* SPDX-License-Identifier: MIT
 * uring_foreign.h - operations on descriptors that their user owns, in a table of their own.
 *
 * They are asked for one by one, and nothing is known of a descriptor but who waits for it: its
 * number may be another file's by now. What the kernel has goes on with the file that it was asked
 * for, which it holds open. Those that want to know of readiness are all with the kernel at once;
 * of those that read, and of those that write, the oldest is. */
#ifndef EDDY__URING_FOREIGN_H
#define EDDY__URING_FOREIGN_H

#include "op_queue.h"

struct eddy__poller;
struct io_uring_cqe;

struct eddy__uring_foreign {
    struct uring_foreigner *descriptors; /* by fd */
    int capacity;
    struct op_queue orphans; /* another file has their number; the kernel was asked to end them */
};

/* As the poller's submit(), cancel() and end_all(). */
bool eddy__uring_foreign_submit(struct eddy__poller *poller, struct eddy__op *op);
void eddy__uring_foreign_cancel(struct eddy__poller *poller, struct eddy__op *op);
void eddy__uring_foreign_end_all(struct eddy__poller *poller, int fd);

void eddy__uring_foreign_answered(struct eddy__poller *poller, struct eddy__op *op,
                                  const struct io_uring_cqe *answer);

/* Asks for what did not get a slot. */
void eddy__uring_foreign_feed(struct eddy__poller *poller);

void eddy__uring_foreign_cancel_all(struct eddy__poller *poller);
void eddy__uring_foreign_deinit(struct eddy__poller *poller);

#endif
