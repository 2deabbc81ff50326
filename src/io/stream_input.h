/* SPDX-License-Identifier: MIT
 * stream_input.h - what a stream has received and nobody has read.
 *
 *   unread:   [ front | lease ]      either may be missing; an idle stream has neither
 *
 * Bytes come in a lease (loop/op.h), and views point into it: nothing is copied. Only what its
 * lease does not hold whole is put together in `front`, memory of the stream's own: the beginning
 * of a record, copied out before the wait for its rest, so that a lease never waits with its
 * stream; and what a failed read gave back. What was read stays where it is until the next reading
 * call, and views with it. */
#ifndef EDDY__STREAM_INPUT_H
#define EDDY__STREAM_INPUT_H

#include <eddy/base.h>

#include "buffer.h"
#include "op.h"

struct stream_input {
    struct eddy__buffer front;
    char *lease;         /* or NULL */
    uint32_t start, end; /* of what is unread in it */
};

static inline size_t eddy__input_size(const struct stream_input *input) {
    return eddy__buffer_size(&input->front) + (input->end - input->start);
}

/* A reading call begins, and views end: gives back what holds nothing unread. */
void eddy__input_release(struct stream_input *input, eddy_loop *loop);

/* A wait for more begins: gives the lease back, what is unread in it goes to the front. Returns 0
 * or -ENOMEM, nothing lost. */
int eddy__input_prepare(struct stream_input *input, eddy_loop *loop);

/* More has come; there is no lease. Takes this one. */
void eddy__input_add(struct stream_input *input, char *lease, size_t size);

/* Copies at most `size` bytes out. Returns how many. */
size_t eddy__input_take(struct stream_input *input, void *memory, size_t size);

/* A view of the next `size` bytes, as many as there are at most. Returns 0, or -ENOMEM: they lie in
 * two places and cannot be put together. */
int eddy__input_view(struct stream_input *input, size_t size, eddy_slice *out);

/* How many bytes lie together at the beginning: 0 only when nothing is unread. */
size_t eddy__input_piece(const struct stream_input *input);

/* Where the first `separator` ends, counted from the first unread byte; 0: it has not come. The
 * first `scanned` bytes, which a wait has moved to the front, are known not to hold a whole one. */
size_t eddy__input_find(const struct stream_input *input, size_t scanned, const char *separator,
                        size_t separator_size);

/* The same for several, of which the one that ends first counts. */
size_t eddy__input_find_any(const struct stream_input *input, size_t scanned,
                            const eddy_slice separators[], size_t count);

/* Bytes taken and given back go before the others. Returns 0 or -ENOMEM. */
int eddy__input_give_back(struct stream_input *input, const void *data, size_t size);

/* Drops all. */
void eddy__input_deinit(struct stream_input *input, eddy_loop *loop);

#endif
