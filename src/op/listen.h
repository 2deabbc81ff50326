/* SPDX-License-Identifier: MIT
 * listen.h - a listening socket on every address of a name. */
#ifndef EDDY__LISTEN_H
#define EDDY__LISTEN_H

#include <netdb.h>
#include <stdbool.h>

#include "address.h"

#define LISTEN_MAX 64 /* addresses of one name */

/* Listens on each of the addresses, once where the resolver repeats one. Those that this machine
 * does not have (no IPv6) are left out, if there are others. Port 0 is the same free port on all,
 * if one can be found. reuse_port: the port is shared with others that say so, too. Returns how
 * many descriptors are in fds[], or the code of the address that failed, whose text is in failed[].
 */
int eddy__listen(const struct addrinfo *addresses, int backlog, bool reuse_port,
                 int fds[LISTEN_MAX], char failed[ADDRESS_TEXT_BYTES]);

#endif
