/* SPDX-License-Identifier: MIT
 * unix_socket.h - Unix sockets: names, and the file that a listening one leaves in the file system.
 *
 * The kernel binds a name that no file has, and never removes the file. So a server that crashed
 * would lock its successor out, and one that ended would leave something that looks like a server.
 * We remove a file in two cases only: it is a socket that nobody has, or it is our own. */
#ifndef EDDY__UNIX_SOCKET_H
#define EDDY__UNIX_SOCKET_H

#include "address.h"
#include "socket.h"

/* "/run/x", or "@x": an abstract name, which has no file. Returns the size of the address, -EINVAL
 * for "" or -ENAMETOOLONG. "@" alone is no name; to bind it is to ask the kernel for one. */
int eddy__unix_address(const char *path, union eddy__address *out);

/* The same failure in a sentence. Returns the code. */
int eddy__unix_raise(int code, const char *path);

/* The file that belongs to a socket of ours; all zero is none. */
struct eddy__unix_file {
    char *path; /* from the root; allocated */
    dev_t device;
    ino_t inode;
    pid_t process; /* a child of fork() leaves its parent's file alone */
};

/* Binds a socket to what eddy__unix_address() has made. A socket file that nobody has open is
 * replaced; `mode` is the file's, 0: what the umask leaves. Returns 0, -EADDRINUSE, ... *file is
 * set on success only. */
int eddy__unix_bind(int fd, const union eddy__address *address, socklen_t size, mode_t mode,
                    struct eddy__unix_file *file);

/* Listens. A socket file that nobody listens on is replaced; `mode` is the file's, 0: what the
 * umask leaves. Returns the descriptor, -EADDRINUSE, ... *file is set on success only. */
int eddy__unix_listen(const char *path, mode_t mode, const struct eddy__listen_options *options,
                      struct eddy__unix_file *file);

/* To be called while the socket is open: as long as it is, no other file can have its inode.
 * Removes the file if it still is ours; frees the path. */
void eddy__unix_file_remove(struct eddy__unix_file *file);
/* Only frees. */
void eddy__unix_file_keep(struct eddy__unix_file *file);

#endif
