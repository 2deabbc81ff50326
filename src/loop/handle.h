/* SPDX-License-Identifier: MIT
 * handle.h - the records behind eddy_handle: callbacks that wait for their turn or their time.
 *
 * A token is loop id (12 bits), generation (28 bits) and slot (24 bits). The generation goes on
 * where the last loop of the same id stopped, so a stale token never meets a live record. */
#ifndef EDDY__HANDLE_H
#define EDDY__HANDLE_H

#include "callers.h"
#include "slab.h"

#include <eddy/loop.h>

#define HANDLE_LOOPS_MAX (1u << 12)

struct eddy__timer;

struct eddy__handles {
    struct eddy__slab slab; /* of struct handle_record */
    uint64_t loop_token;    /* the loop's id, where a token has it */
    uint32_t generation;    /* of the last token given out */
    /* What a free record's timer has, which makes it fit for use; debug: NULL, so that each use is
     * begun by the slow way, which notes the caller. */
    void (*fire)(struct eddy__timer *timer);
    struct eddy__callers callers; /* debug */
};

/* Registers the loop under an id. Returns 0, or -EMFILE with 4,096 loops open. */
int eddy__handles_open(eddy_loop *loop, struct eddy__handles *handles);

/* Frees them; none may be in the wheel or the ready queue any more. */
void eddy__handles_close(struct eddy__handles *handles);

#endif
