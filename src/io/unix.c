/* SPDX-License-Identifier: MIT
 * unix.c - streams that need no address: Unix sockets, and sockets that somebody else has made. */
#include <errno.h>
#include <string.h>

#include "connect.h"
#include "connecting.h"
#include "os.h"
#include "stream.h"
#include "unix_socket.h"

/* --- a Unix socket ---------------------------------------------------------------------------- */

/* Suspends. Returns a descriptor. */
static int connect_to_path(struct eddy__task *task, const char *path,
                           const eddy_connect_options *options) {
    CLEANUP(eddy__connectingp_free) struct eddy__connecting *connecting = NULL;
    const struct eddy__socket_options socket = eddy__socket_options_of(options);
    union eddy__address address;
    int size = path && strcmp(path, "@") == 0 ? -EINVAL : eddy__unix_address(path, &address), r;

    if (size < 0)
        return eddy__unix_raise(size, path);
    r = eddy__connecting_to(task->future.loop, &address.any, (socklen_t)size, &socket, &connecting);
    return r < 0 ? r : eddy__connecting_run(connecting, NULL);
}

int eddy_open_unix_connection_sized(const char *path, const eddy_connect_options *given,
                                    size_t given_size, eddy_stream **out) {
    eddy_connect_options options = eddy__connect_options(given, given_size);
    struct eddy__task *task;
    int r = eddy__checkpoint(NULL, &task);

    if (r < 0)
        return r;
    r = connect_to_path(task, path, &options);
    return r < 0 ? r : eddy__stream_open(task, r, NULL, &options, out);
}

int eddy_stream_credentials(const eddy_stream *stream, eddy_credentials *out) {
    struct ucred peer;
    union eddy__address address;
    socklen_t size = sizeof(address);
    int r = eddy__os_getsockname(stream->fd, &address.any, &size);

    if (r == 0 && address.any.sa_family != AF_UNIX)
        r = -EOPNOTSUPP;
    if (r == 0)
        r = eddy__os_peer_credentials(stream->fd, &peer);
    if (r < 0)
        return eddy__fail(r);
    *out = (eddy_credentials){.pid = peer.pid, .uid = peer.uid, .gid = peer.gid};
    return 0;
}

/* --- a socket of the user's own --------------------------------------------------------------- */

/* Is it a connected stream socket? */
static int socket_check(int fd) {
    union eddy__address address;
    socklen_t size = sizeof(address);
    int type = eddy__os_get_option(fd, SOL_SOCKET, SO_TYPE);

    if (type < 0)
        return type;
    if (type != SOCK_STREAM)
        return -EPROTOTYPE;
    return eddy__os_getpeername(fd, &address.any, &size);
}

static int socket_adopt(int fd, const eddy_connect_options *options) {
    const struct eddy__socket_options socket = eddy__socket_options_of(options);
    int r = socket_check(fd);

    if (r == 0)
        r = eddy__os_set_nonblocking(fd);
    if (r == 0)
        r = eddy__os_set_close_on_exec(fd);
    if (r == 0)
        r = eddy__socket_tell(fd, &socket);
    if (r < 0)
        return eddy_raise(r, "descriptor %d cannot be a stream: %s", fd, eddy_error_text(r));
    return 0;
}

int eddy_stream_from_fd_sized(int fd, const eddy_connect_options *given, size_t given_size,
                              eddy_stream **out) {
    CLEANUP(eddy__os_closep) int own = fd;
    eddy_connect_options options = eddy__connect_options(given, given_size);
    struct eddy__task *task;
    int r = eddy__checkpoint(NULL, &task);

    if (r == 0)
        r = socket_adopt(fd, &options);
    return r < 0 ? r : eddy__stream_open(task, TAKE_FD(own), NULL, &options, out);
}
