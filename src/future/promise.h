/* SPDX-License-Identifier: MIT
 * promise.h - what future.c knows of shared futures that are completed by hand. */
#ifndef EDDY__PROMISE_H
#define EDDY__PROMISE_H

#include "shared.h"

bool eddy__is_promise(const eddy_future *future);

/* Completes it, with a value or a failure. Takes error. Any thread; the caller holds a reference.
 * Returns 0, or EDDY_EINVALID_STATE when another was faster (the value is then still his who gives
 * it). */
int eddy__promise_set(eddy_future *future, int result, const eddy_error *error, void *value,
                      void (*destroy)(void *value));

#endif
