/* SPDX-License-Identifier: MIT
 * uring_multishot.c - questions that are answered more than once. */
#include "poller_uring.h"

void eddy__multishot_arm(struct eddy__poller *poller, struct eddy__multishot *multishot, int fd,
                         struct io_uring_sqe *slot) {
    io_uring_sqe_set_data64(slot, eddy__multishot_tag(multishot, fd));
    multishot->is_armed = true;
    multishot->is_stopping = false;
    poller->lent++;
}

void eddy__multishot_feed(struct eddy__poller *poller, const struct eddy__multishot *multishot,
                          int fd) {
    if (multishot->is_stopping &&
        !eddy__uring_take_back(&poller->uring, eddy__multishot_tag(multishot, fd)))
        poller->is_starved = true;
}

void eddy__multishot_stop(struct eddy__poller *poller, struct eddy__multishot *multishot, int fd) {
    if (!multishot->is_armed || multishot->is_stopping)
        return;
    multishot->is_stopping = true;
    eddy__multishot_feed(poller, multishot, fd);
    eddy__uring_hand_over(poller);
}

/* A forgotten one that goes on found no slot for its end. */
bool eddy__multishot_answered(struct eddy__poller *poller, struct eddy__multishot *multishot,
                              const struct io_uring_cqe *answer) {
    bool goes_on = answer->flags & IORING_CQE_F_MORE;

    if (!goes_on)
        poller->lent--;
    if (multishot->number != answer->user_data >> 32) {
        if (goes_on)
            eddy__uring_take_back(&poller->uring, answer->user_data);
        return false;
    }
    if (!goes_on)
        multishot->is_armed = multishot->is_stopping = false;
    return true;
}

bool eddy__multishot_forget(struct eddy__poller *poller, struct eddy__multishot *multishot,
                            int fd) {
    bool was_armed = multishot->is_armed;

    if (was_armed)
        eddy__uring_take_back(&poller->uring, eddy__multishot_tag(multishot, fd));
    *multishot = (struct eddy__multishot){.number = multishot->number + 1};
    return was_armed;
}
