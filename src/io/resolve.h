/* SPDX-License-Identifier: MIT
 * resolve.h - a look-up of names, awaited by a task. */
#ifndef EDDY__RESOLVE_H
#define EDDY__RESOLVE_H

#include <netdb.h>

#include "task.h"

/* Looks up TCP addresses, as eddy__lookup_submit() does, after the caller's checkpoint. Suspends.
 * Returns 0 and a list of at least one (the caller's: freeaddrinfo), EDDY_ENAME, -EINVAL,
 * -ECANCELED, -ENOMEM; the last error says it in a sentence. */
int eddy__resolve(struct eddy__task *task, const char *host, const char *port, int flags,
                  struct addrinfo **out);

static inline void eddy__addressesp_free(struct addrinfo **addresses) {
    if (*addresses)
        freeaddrinfo(*addresses);
}

#endif
