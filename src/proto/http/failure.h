/* SPDX-License-Identifier: MIT
 * failure.h - why a transfer failed, as a code of eddy's and a sentence. */
#ifndef EDDY__HTTP_FAILURE_H
#define EDDY__HTTP_FAILURE_H

#include "transfer.h"

/* Raises the failure of a transfer that has ended without success; returns its code. For the task
 * that waited for it, outside of libcurl. */
int eddy__http_raise(const eddy_http_response *transfer);

#endif
