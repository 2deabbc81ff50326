/* SPDX-License-Identifier: MIT
 * file_parts.c - buffers in a row, some of which are done. */
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "file.h"
#include "util.h"

int eddy__file_parts_init(struct eddy__file_parts *parts, const struct iovec *first, int count) {
    *parts = (struct eddy__file_parts){.first = first, .count = count};
    if (count < 0)
        return -EINVAL;
    for (int i = 0; i < count; i++) {
        if (first[i].iov_len > (size_t)SSIZE_MAX - parts->left)
            return -EINVAL;
        parts->left += first[i].iov_len;
    }
    return 0;
}

int eddy__file_parts_next(const struct eddy__file_parts *parts, size_t limit_bytes,
                          struct iovec next[FILE_PARTS_MAX]) {
    size_t skip = parts->skip;
    int count = 0;

    for (int i = 0; i < parts->count && count < FILE_PARTS_MAX && limit_bytes > 0; i++) {
        size_t size = MIN(parts->first[i].iov_len - skip, limit_bytes);
        if (size > 0)
            next[count++] = (struct iovec){(char *)parts->first[i].iov_base + skip, size};
        limit_bytes -= size;
        skip = 0;
    }
    return count;
}

void eddy__file_parts_advance(struct eddy__file_parts *parts, size_t bytes) {
    parts->left -= bytes;
    parts->skip += bytes;
    while (parts->count > 0 && parts->skip >= parts->first->iov_len) {
        parts->skip -= parts->first->iov_len;
        parts->first++;
        parts->count--;
    }
}

void eddy__file_parts_fill(struct eddy__file_parts *parts, const char *bytes, size_t size) {
    while (size > 0) {
        size_t part = MIN(parts->first->iov_len - parts->skip, size);
        if (part > 0)
            memcpy((char *)parts->first->iov_base + parts->skip, bytes, part);
        eddy__file_parts_advance(parts, part);
        bytes += part;
        size -= part;
    }
}
