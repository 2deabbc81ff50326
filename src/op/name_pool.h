/* SPDX-License-Identifier: MIT
 * name_pool.h - the threads that ask the resolver, for all loops of the process.
 *
 * Slow answers must hold up nobody else's question, at a bounded price. Three rules see to it:
 *
 *   - A thread whose question has been under way for 2 ms is stuck, and stuck threads are not
 *     counted: others may start in their place, four times as many as are stuck. While questions
 * wait and nobody submits, a watch thread looks at the clock for them.
 *   - Questions stand in lines, one for each site (the last two labels of a name; one for all
 *     reverse look-ups), and lines take turns: one site's thousand questions are one other's
 *     neighbour. No site has more than three quarters of the threads.
 *   - The same question is asked once for all who ask it within a second.
 *
 * The limit is 1,024 threads, or a quarter of the descriptors that the process may have, as each
 * question that is under way holds a socket. docs/internals/names.md has the reasons. */
#ifndef EDDY__NAME_POOL_H
#define EDDY__NAME_POOL_H

#include "name_query.h"

/* Has the question asked, and then request->post posted to request->loop; a loop that takes no
 * posts any more has its request freed. Returns 0, -ENOMEM, or -EAGAIN when no thread could be
 * started and there is none: then nothing has happened. */
int eddy__name_pool_submit(struct name_request *request, const struct name_question *question);

/* The request's loop's thread. True: it will not be posted, and is the caller's to free. */
bool eddy__name_pool_withdraw(struct name_request *request);

#endif
