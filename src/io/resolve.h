/* SPDX-License-Identifier: MIT
 * resolve.h - a look-up of names, awaited by a task. */
#ifndef EDDY__RESOLVE_H
#define EDDY__RESOLVE_H

#include <netdb.h>

#include "name.h"
#include "task.h"

/* Looks up TCP addresses, as eddy__lookup_submit() does, after the caller's checkpoint. Suspends.
 * Returns 0 and a list of at least one (the caller's: eddy__addresses_free), EDDY_ENAME, -EINVAL,
 * -ECANCELED, -ENOMEM; the last error says it in a sentence. */
int eddy__resolve(struct eddy__task *task, const char *host, const char *port, int flags,
                  struct addrinfo **out);

/* The same with getaddrinfo()'s hints: one family, another kind of socket. Suspends. */
int eddy__resolve_hints(struct eddy__task *task, const char *host, const char *port,
                        const struct addrinfo *hints, struct addrinfo **out);

static inline void eddy__addressesp_free(struct addrinfo **addresses) {
    eddy__addresses_free(*addresses);
}

#endif
