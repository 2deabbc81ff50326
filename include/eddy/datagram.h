/* SPDX-License-Identifier: MIT
 * eddy/datagram.h - datagrams: UDP over IPv4 and IPv6, and Unix datagrams.
 *
 * An endpoint receives and sends. Any number of tasks may do so at the same time; receivers are
 * served in the order in which they came. Closing wakes them all with EDDY_ECLOSED. All calls
 * belong to the thread of the loop that made the endpoint.
 *
 * Errors. A datagram may be lost without a word. If a connected endpoint's peer says that nobody
 * listens there, the next call of either kind returns -ECONNREFUSED, once, and a receiver that
 * waits is woken; the endpoint goes on. An endpoint that is not connected hears nothing of the
 * kind, as everywhere: what one peer has caused would fail the sending to another. Who must know
 * connects one endpoint to each peer. */
#ifndef EDDY_DATAGRAM_H
#define EDDY_DATAGRAM_H

#include <eddy/address.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct eddy_datagram_endpoint eddy_datagram_endpoint;

/* All zero is the default of everything; texts are copied. An endpoint needs a family: by an
 * address, or by itself. */
typedef struct eddy_datagram_options {
    const char *local_host;  /* where it receives: a name, an address; NULL: all addresses */
    const char *local_port;  /* NULL or "0": a free one */
    const char *remote_host; /* connected to: send() goes there, and only what comes from there is
                                received */
    const char *remote_port;
    const char *local_path; /* a Unix socket instead: a path, which is removed with the endpoint,
                               "@name" for an abstract one, "@" for one that the system chooses */
    const char *remote_path;
    int family;                      /* AF_INET, AF_INET6, AF_UNIX; 0: that of the addresses */
    bool broadcast;                  /* may send to broadcast addresses */
    bool reuse_address;              /* others may receive on the same address: multicast */
    bool reuse_port;                 /* others share the port, and what comes is spread over them */
    bool no_multicast_loop;          /* our own multicasts do not come back to this machine */
    int hops;                        /* so many routers a datagram may pass; 0: the system's */
    int multicast_hops;              /* and a multicast; 0: 1 */
    const char *multicast_interface; /* that multicasts leave by: "eth0"; NULL: the system's */
    int receive_buffer_bytes;        /* in the kernel; 0: the system's. It may give less */
    int send_buffer_bytes;
} eddy_datagram_options;

/* Makes an endpoint. Suspends: names are looked up. The caller owns *out: eddy_datagram_close().
 * Returns 0, EDDY_ENAME, -EINVAL (no family, or two), -EADDRINUSE, -EADDRNOTAVAIL, -EACCES,
 * -ENODEV (no such interface), -ECANCELED, -EMFILE, -ENOMEM ... */
EDDY_API int eddy_create_datagram_endpoint_sized(const eddy_datagram_options *options,
                                                 size_t options_size, eddy_datagram_endpoint **out);
static inline int eddy_create_datagram_endpoint(const eddy_datagram_options *options,
                                                eddy_datagram_endpoint **out) {
    return eddy_create_datagram_endpoint_sized(options, sizeof(eddy_datagram_options), out);
}

/* Receives one datagram. Returns its size, which may be 0; more than `size` if it did not fit: the
 * rest is lost. *from, which may be NULL, is who sent it; a Unix socket without a name has none
 * (size 0). Suspends. Returns -ECONNREFUSED, EDDY_ECLOSED, -ECANCELED (nothing was taken), -ENOMEM
 * ... */
EDDY_API ssize_t eddy_datagram_receive(eddy_datagram_endpoint *endpoint, void *buffer, size_t size,
                                       eddy_address *from);

/* Sends one datagram to the peer of a connected endpoint, or to an address. Suspends while there is
 * no room, which is seldom. (What there is no room for at a Unix receiver to whom we are not
 * connected is tried again each millisecond: nothing tells.) Returns 0, -EMSGSIZE, -EDESTADDRREQ
 * (not connected), -ECONNREFUSED, -ENETUNREACH, -EACCES (broadcast), EDDY_ECLOSED, -ECANCELED (not
 * sent) ... */
EDDY_API int eddy_datagram_send(eddy_datagram_endpoint *endpoint, const void *data, size_t size);
EDDY_API int eddy_datagram_send_to(eddy_datagram_endpoint *endpoint, const void *data, size_t size,
                                   const eddy_address *to);

/* One of several. */
typedef struct eddy_datagram {
    void *data;           /* the caller's memory */
    size_t room;          /* of it; to be sent: not looked at */
    size_t size;          /* of the datagram: more than `room` if it did not fit */
    eddy_address address; /* who sent it; whom it is for, all zero: the connected peer */
} eddy_datagram;

/* Receives those that have come, at least one and at most `count`, by one call of the kernel for
 * each 32. Suspends while there is none. Returns how many, or a code if none. */
EDDY_API int eddy_datagram_receive_many(eddy_datagram_endpoint *endpoint, eddy_datagram *datagrams,
                                        int count);

/* Sends all, likewise. Suspends while there is no room. Returns how many; fewer than count when one
 * could not be sent, and a code if that was the first. */
EDDY_API int eddy_datagram_send_many(eddy_datagram_endpoint *endpoint,
                                     const eddy_datagram *datagrams, int count);

/* Joins a multicast group ("239.0.0.1", "ff02::1234") on an interface ("eth0"; NULL: the system's
 * choice), and leaves it. Returns 0, -EINVAL (no group of this family), -ENODEV (no such
 * interface), -EADDRINUSE (it is in it), -EADDRNOTAVAIL (it is not), EDDY_EWRONG_THREAD ... */
EDDY_API int eddy_datagram_join(eddy_datagram_endpoint *endpoint, const char *group,
                                const char *interface);
EDDY_API int eddy_datagram_leave(eddy_datagram_endpoint *endpoint, const char *group,
                                 const char *interface);

/* Where it receives, and whom it is connected to (size 0: nobody). Borrowed from the endpoint. */
EDDY_API const eddy_address *eddy_datagram_local(const eddy_datagram_endpoint *endpoint);
EDDY_API const eddy_address *eddy_datagram_remote(const eddy_datagram_endpoint *endpoint);

/* Its socket, for options that are not among ours. Borrowed: not to be closed. */
EDDY_API int eddy_datagram_fd(const eddy_datagram_endpoint *endpoint);

/* Closes and frees; returns NULL. Never suspends. What was sent is with the kernel. close(NULL) is
 * NULL. */
EDDY_API eddy_datagram_endpoint *eddy_datagram_close(eddy_datagram_endpoint *endpoint);

#ifdef __cplusplus
}
#endif

#endif
