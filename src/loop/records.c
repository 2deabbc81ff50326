/* SPDX-License-Identifier: MIT
 * records.c - see records.h. */
#include "records.h"

int eddy__records_refill(struct eddy__ring *ready, struct eddy__slab *slab) {
    uint32_t more = eddy__slab_must_open(slab) ? eddy__slab_page_records(slab) : 0;
    int r = eddy__ring_reserve_many(ready, more);

    if (r < 0)
        return r;
    r = eddy__slab_refill(slab);
    if (r < 0)
        eddy__ring_unreserve_many(ready, more);
    return r;
}

bool eddy__records_trim(struct eddy__ring *ready, struct eddy__slab *slab) {
    uint32_t open = slab->open;
    bool more = eddy__slab_trim(slab);

    eddy__ring_unreserve_many(ready, open - slab->open);
    return more;
}
