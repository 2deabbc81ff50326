/* SPDX-License-Identifier: MIT
 * stream_input.c - the front and the lease as one row of bytes (see stream_input.h). */
#include "stream_input.h"

#include <string.h>

#include "util.h"

static size_t lease_size(const struct stream_input *input) {
    return input->end - input->start;
}

static const char *lease_data(const struct stream_input *input) {
    return input->lease + input->start;
}

static void lease_end(struct stream_input *input, eddy_loop *loop) {
    if (input->lease)
        eddy__lease_return(loop, TAKE_POINTER(input->lease));
    input->start = input->end = 0;
}

void eddy__input_deinit(struct stream_input *input, eddy_loop *loop) {
    eddy__buffer_deinit(&input->front);
    lease_end(input, loop);
}

void eddy__input_release(struct stream_input *input, eddy_loop *loop) {
    if (input->front.bytes && eddy__buffer_size(&input->front) == 0)
        eddy__buffer_deinit(&input->front);
    if (input->lease && lease_size(input) == 0)
        lease_end(input, loop);
}

void eddy__input_add(struct stream_input *input, char *lease, size_t size) {
    assert(!input->lease);
    input->lease = lease;
    input->start = 0;
    input->end = (uint32_t)size;
}

/* The next bytes of the lease, copied behind the front. */
static int lease_to_front(struct stream_input *input, size_t size) {
    int r = eddy__buffer_append(&input->front, lease_data(input), size);

    if (r == 0)
        input->start += (uint32_t)size;
    return r;
}

int eddy__input_prepare(struct stream_input *input, eddy_loop *loop) {
    int r = lease_size(input) > 0 ? lease_to_front(input, lease_size(input)) : 0;

    if (r == 0)
        eddy__input_release(input, loop);
    return r;
}

/* --- reading ---------------------------------------------------------------------------------- */

size_t eddy__input_piece(const struct stream_input *input) {
    size_t front_size = eddy__buffer_size(&input->front);

    return front_size > 0 ? front_size : lease_size(input);
}

static size_t front_take(struct stream_input *input, char *memory, size_t size) {
    size = MIN(size, eddy__buffer_size(&input->front));
    if (size > 0)
        memcpy(memory, eddy__buffer_data(&input->front), size);
    eddy__buffer_consume(&input->front, size);
    return size;
}

static size_t lease_take(struct stream_input *input, char *memory, size_t size) {
    size = MIN(size, lease_size(input));
    if (size > 0)
        memcpy(memory, lease_data(input), size);
    input->start += (uint32_t)size;
    return size;
}

size_t eddy__input_take(struct stream_input *input, void *memory, size_t size) {
    size_t taken = front_take(input, memory, size);

    return taken + lease_take(input, (char *)memory + taken, size - taken);
}

int eddy__input_view(struct stream_input *input, size_t size, eddy_slice *out) {
    size_t front_size = eddy__buffer_size(&input->front);

    if (size == 0) {
        *out = (eddy_slice){"", 0};
    } else if (front_size == 0) {
        *out = (eddy_slice){lease_data(input), size};
        input->start += (uint32_t)size;
    } else {
        int r = size > front_size ? lease_to_front(input, size - front_size) : 0;
        if (r < 0)
            return r;
        *out = (eddy_slice){eddy__buffer_data(&input->front), size};
        eddy__buffer_consume(&input->front, size);
    }
    return 0;
}

int eddy__input_give_back(struct stream_input *input, const void *data, size_t size) {
    return eddy__buffer_prepend(&input->front, data, size);
}

/* --- finding ---------------------------------------------------------------------------------- */

/* Where it ends in `size` bytes, of which the first `scanned` need no look; 0: nowhere. */
static size_t find_within(const char *data, size_t size, size_t scanned, const char *separator,
                          size_t separator_size) {
    size_t from = scanned < separator_size ? 0 : scanned - (separator_size - 1);
    const char *found;

    if (size < separator_size)
        return 0;
    found = memmem(data + from, size - from, separator, separator_size);
    return found ? (size_t)(found - data) + separator_size : 0;
}

/* Begun in the front, ended in the lease: how much of it lies in the lease; 0: none does so. */
static size_t find_across(const struct stream_input *input, const char *separator,
                          size_t separator_size) {
    size_t front_size = eddy__buffer_size(&input->front);
    const char *front_end = eddy__buffer_tail(&input->front);

    for (size_t before = MIN(front_size, separator_size - 1); before > 0; before--) {
        size_t behind = separator_size - before;
        if (behind <= lease_size(input) && memcmp(front_end - before, separator, before) == 0 &&
            memcmp(lease_data(input), separator + before, behind) == 0)
            return behind;
    }
    return 0;
}

size_t eddy__input_find(const struct stream_input *input, size_t scanned, const char *separator,
                        size_t separator_size) {
    size_t front_size = eddy__buffer_size(&input->front), end = 0;

    if (front_size > 0) {
        end = find_within(eddy__buffer_data(&input->front), front_size, scanned, separator,
                          separator_size);
        if (end > 0)
            return end;
        end = find_across(input, separator, separator_size);
    }
    if (end == 0 && lease_size(input) > 0)
        end = find_within(lease_data(input), lease_size(input), 0, separator, separator_size);
    return end > 0 ? front_size + end : 0;
}

/* --- several separators ------------------------------------------------------------------------
 */

/* Where it ends within the first `size` bytes, of which `scanned` are known not to hold it; 0:
 * nowhere. */
static size_t find_in_first(const struct stream_input *input, size_t scanned, size_t size,
                            eddy_slice separator) {
    size_t front_size = eddy__buffer_size(&input->front), end = 0;
    struct stream_input first = *input;

    first.end = first.start + (uint32_t)(size > front_size ? size - front_size : 0);
    first.front.end = first.front.start + MIN(front_size, size);
    if (scanned <= front_size)
        return eddy__input_find(&first, scanned, separator.data, separator.size);
    if (scanned - front_size < separator.size) /* it may have begun in the front */
        return eddy__input_find(&first, front_size, separator.data, separator.size);
    end = find_within(lease_data(&first), lease_size(&first), scanned - front_size, separator.data,
                      separator.size);
    return end > 0 ? front_size + end : 0;
}

/* Each is looked for in what the others have not ruled out. */
static size_t find_first_end(const struct stream_input *input, size_t scanned, size_t size,
                             const eddy_slice separators[], size_t count) {
    size_t first = 0;

    for (size_t i = 0; i < count; i++) {
        size_t end = find_in_first(input, scanned, first ? first - 1 : size, separators[i]);
        first = end > 0 ? end : first;
    }
    return first;
}

/* In windows that double: one that never comes must not be looked for in all that has come, for
 * each record anew. */
size_t eddy__input_find_any(const struct stream_input *input, size_t scanned,
                            const eddy_slice separators[], size_t count) {
    size_t size = eddy__input_size(input), window = 256;

    for (; scanned < size; window *= 2) {
        size_t within = MIN(scanned + window, size);
        size_t end = find_first_end(input, scanned, within, separators, count);
        if (end > 0)
            return end;
        scanned = within;
    }
    return 0;
}
