/* SPDX-License-Identifier: MIT
 * look_ups.h - look-ups and who waits for them, and a resolver that is slow: each of its answers
 * passes a gate. */
#ifndef TEST_LOOK_UPS_H
#define TEST_LOOK_UPS_H

#include <semaphore.h>
#include <stdio.h>

#include "failure.h"
#include "loop.h"
#include "name.h"
#include "test.h"
#include "util.h"

struct waiting {
    struct eddy__lookup lookup;
    eddy_loop *loop;
    int *left; /* the loop is stopped when it gets to 0 */
    int calls; /* of done() */
};

static inline void lookup_done(struct eddy__lookup *lookup) {
    struct waiting *waiting = container_of(lookup, struct waiting, lookup);

    waiting->calls++;
    if (--*waiting->left == 0)
        eddy_loop_stop(waiting->loop);
}

static inline bool look_up(struct waiting *waiting, eddy_loop *loop, int *left, const char *host,
                           const char *port) {
    *waiting = (struct waiting){.lookup.done = lookup_done, .loop = loop, .left = left};
    return eddy__lookup_submit(loop, &waiting->lookup, host, port, 0);
}

static inline eddy_loop *new_loop(void) {
    eddy_loop *loop;

    ASSERT_OK(eddy_loop_new(NULL, &loop));
    return loop;
}

/* Looks up to the end; the sentence of a failure is the last error. */
static inline int look_up_now(struct waiting *waiting, const char *host, const char *port) {
    eddy_loop *loop = new_loop();
    int left = 1;

    if (!look_up(waiting, loop, &left, host, port))
        ASSERT_OK(eddy_loop_run_forever(loop));
    eddy_loop_close(loop);
    return waiting->lookup.result == 0 ? 0 : eddy__lookup_raise(&waiting->lookup, host, port);
}

static inline int answer_at_once(const char *host, const char *port, const struct addrinfo *hints,
                                 struct addrinfo **out) {
    (void)host;
    return getaddrinfo("192.0.2.7", port, hints, out);
}

static sem_t gate, arrived; /* let one go; one has come */

static inline int answer_slowly(const char *host, const char *port, const struct addrinfo *hints,
                                struct addrinfo **out) {
    (void)host, (void)port;
    sem_post(&arrived);
    sem_wait(&gate);
    return getaddrinfo("192.0.2.7", "80", hints, out);
}

static inline void be_slow(void) {
    sem_init(&gate, 0, 0);
    sem_init(&arrived, 0, 0);
    eddy__resolver = answer_slowly;
}

/* Each another name, so that none is another's answer. */
static inline bool look_up_number(struct waiting *waiting, eddy_loop *loop, int *left, int number) {
    char host[32];

    snprintf(host, sizeof(host), "n%d.test", number);
    return look_up(waiting, loop, left, host, "80");
}

static inline void free_answers(const struct waiting waiting[], int count) {
    for (int i = 0; i < count; i++) {
        ASSERT_INT_EQ(waiting[i].lookup.result, 0);
        eddy__addresses_free(waiting[i].lookup.addresses);
    }
}

#endif
