/* SPDX-License-Identifier: MIT
 * backend.h - which poller a loop gets, and why.
 *
 * The options decide; without a word of theirs EDDY_BACKEND; without one of its, the best that the
 * kernel allows. Containers and old kernels refuse io_uring: then it is epoll, and the loop can say
 * why (eddy_loop_info(), and a line in the log with EDDY_DEBUG set). */
#ifndef EDDY__BACKEND_H
#define EDDY__BACKEND_H

#include <eddy/base.h>

/* Opens loop->poller by loop->options; sets its class and the reason. Raises the sentence of what
 * it returns: 0, -ENOTSUP (a backend that was asked for and is not to be had), -ENOMEM, -EMFILE. */
int eddy__backend_open(eddy_loop *loop);

#endif
