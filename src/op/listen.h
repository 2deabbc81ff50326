/* SPDX-License-Identifier: MIT
 * listen.h - a listening socket on every address of a name. */
#ifndef EDDY__LISTEN_H
#define EDDY__LISTEN_H

#include <netdb.h>

#include "address.h"
#include "socket.h"

#define LISTEN_MAX 64 /* addresses of one server */

/* Listens on each of the addresses, once where the resolver repeats one. Those that this machine
 * does not have (no IPv6) are left out, if there are others. Port 0 is the same free port on all,
 * if one can be found. Dual stack: where IPv6 has every address, IPv4 needs no socket of its own.
 * Returns how many descriptors are in fds[], or the code of the address that failed, whose text is
 * in failed[]. */
int eddy__listen(const struct addrinfo *addresses, const struct eddy__listen_options *options,
                 int fds[LISTEN_MAX], char failed[ADDRESS_TEXT_BYTES]);

#endif
