/* SPDX-License-Identifier: MIT
 * eddy/name.h - host names and addresses, looked up as the system does it.
 *
 * These are getaddrinfo(3) and getnameinfo(3), suspending: /etc/hosts, search domains,
 * nsswitch.conf with all of its plugins, IPv6 zones ("fe80::1%eth0") are what they are for every
 * other program. The look-ups run in threads of their own, which start as they are needed: slow
 * ones hold up neither the loop, nor eddy_to_thread(), nor each other, up to 1,024 (or a quarter of
 * RLIMIT_NOFILE) at a time, three quarters of them in one domain. The same question, asked again
 * within a second, waits for the same answer. Nothing is kept for later: there is no cache.
 *
 * A cancelled look-up ends at once, and its thread finishes alone.
 *
 * A failure's sentence has the resolver's words, and eddy_last_error()->detail its code
 * (<netdb.h>): EAI_NONAME and EAI_NODATA are final, after EAI_AGAIN (the name servers did not
 * answer) it may go better later. */
#ifndef EDDY_NAME_H
#define EDDY_NAME_H

#include <netdb.h>
#include <sys/socket.h>

#include <eddy/error.h>

#ifdef __cplusplus
extern "C" {
#endif

struct addrinfo; /* <netdb.h> hides it from strict C11, without _POSIX_C_SOURCE */

/* Looks up the addresses of host and port ("80", "http"; at most 65535), as hints say: ai_family,
 * ai_socktype, ai_protocol, ai_flags (AI_PASSIVE, AI_CANONNAME ...); NULL: no wishes, and no flags.
 * Either text may be NULL or "", not both. Suspends; numbers are answered at once, without a
 * thread. The caller owns *out, a list of at least one: eddy_freeaddrinfo(), not freeaddrinfo().
 * Returns 0; EDDY_ENAME; -EINVAL for a bad port or flags; -EAFNOSUPPORT, -ESOCKTNOSUPPORT for
 * hints that do not fit; -EMFILE, -EAGAIN (no thread can be started) or -ENOMEM; -ECANCELED. */
EDDY_API int eddy_getaddrinfo(const char *host, const char *port, const struct addrinfo *hints,
                              struct addrinfo **out);

/* Frees the whole list; returns NULL. NULL is nothing. Any thread. */
EDDY_API struct addrinfo *eddy_freeaddrinfo(struct addrinfo *addresses);

/* Looks up the names of an address and its port, as flags say: NI_NUMERICHOST, NI_NUMERICSERV,
 * NI_NAMEREQD, NI_DGRAM, NI_NOFQDN. An address without a name is written as a number, unless
 * NI_NAMEREQD. Room of 0 bytes: not wanted. NI_MAXHOST and NI_MAXSERV bytes are always enough.
 * Suspends, unless both are to be numbers. Written on success only. Returns 0; EDDY_ENAME;
 * -EOVERFLOW when there is too little room; -EAFNOSUPPORT, -EINVAL; -EMFILE, -EAGAIN or -ENOMEM;
 * -ECANCELED. */
EDDY_API int eddy_getnameinfo(const struct sockaddr *address, socklen_t size, char *host,
                              size_t host_bytes, char *port, size_t port_bytes, int flags);

#ifdef __cplusplus
}
#endif

#endif
