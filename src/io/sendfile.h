/* SPDX-License-Identifier: MIT
 * sendfile.h - the bytes of a file to a socket, and no wait for a disk on the loop's thread. */
#ifndef EDDY__SENDFILE_H
#define EDDY__SENDFILE_H

#include <stdbool.h>
#include <sys/types.h>

/* Sends up to `size` bytes of a regular file from *offset on, which moves along. is_foreign: the
 * socket is the user's own (loop/op.h). Suspends. Returns how many bytes: fewer at the end of the
 * file, or when a failure or a cancel came in between; a code if there are none. */
ssize_t eddy__sendfile(int socket_fd, bool is_foreign, int file_fd, off_t *offset, size_t size);

/* The start of a piece for who sends it himself: cuts *size to one, and to what the file has (0 at
 * its end), and waits until that is in memory. Suspends. Returns 0, -EINVAL: no regular file, ...
 */
int eddy__sendfile_prepare(int file_fd, off_t offset, size_t *size);

#endif
