/* SPDX-License-Identifier: MIT
 * test_doorbell.c - a message where there are some, else the eventfd; and the end of messages
 * between them.
 */
#include "doorbell.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>

#include "fixture.h"

enum { POLLER_FD = 77 };

static atomic_int sent;

static int send_well(int poller_fd) {
    ASSERT_INT_EQ(poller_fd, POLLER_FD);
    sent++;
    return 0;
}

static int send_in_vain(int poller_fd) {
    send_well(poller_fd);
    return -EOVERFLOW;
}

static void bell_deinitp(struct eddy__doorbell *bell) {
    eddy__doorbell_deinit(bell);
}

#define BELL CLEANUP(bell_deinitp) struct eddy__doorbell

static struct eddy__doorbell bell_open(eddy__message_fn *send) {
    struct eddy__doorbell bell;

    ASSERT_OK(eddy__doorbell_open(&bell, send, POLLER_FD));
    return bell;
}

/* How often its eventfd was written since it was last looked at. */
static uint64_t writes_of(const struct eddy__doorbell *bell) {
    uint64_t writes = 0;

    return read(bell->event_fd, &writes, sizeof(writes)) < 0 ? 0 : writes;
}

TEST(a_message_that_is_sent_is_all) {
    BELL bell = bell_open(send_well);
    eddy__doorbell_ring(&bell);
    ASSERT_INT_EQ(sent, 1);
    ASSERT_UINT_EQ(writes_of(&bell), 0);
}

TEST(without_messages_the_eventfd_is_written) {
    BELL bell = bell_open(NULL);
    eddy__doorbell_ring(&bell);
    ASSERT_UINT_EQ(writes_of(&bell), 1);
}

TEST(for_a_message_that_is_not_sent_the_eventfd_is_written) {
    BELL bell = bell_open(send_in_vain);
    eddy__doorbell_ring(&bell);
    ASSERT_INT_EQ(sent, 1);
    ASSERT_UINT_EQ(writes_of(&bell), 1);
}

TEST(after_a_close_none_goes_to_a_descriptor_that_may_be_anothers) {
    BELL bell = bell_open(send_well);
    eddy__doorbell_close(&bell);
    for (int i = 0; i < 3; i++)
        eddy__doorbell_ring(&bell);
    ASSERT_INT_EQ(sent, 0);
    ASSERT_UINT_EQ(writes_of(&bell), 3);
}

/* --- the close while a message is under way -----------------------------------------------------
 */

static sem_t is_sending, may_go_on;

static void wait_for(sem_t *semaphore) {
    while (sem_wait(semaphore) < 0)
        continue;
}

static int send_slowly(int poller_fd) {
    sem_post(&is_sending);
    wait_for(&may_go_on);
    return send_well(poller_fd);
}

static void *ring(void *bell) {
    eddy__doorbell_ring(bell);
    return NULL;
}

static atomic_bool is_closed;

static void *close_bell(void *bell) {
    eddy__doorbell_close(bell);
    ASSERT_INT_EQ(sent, 2);
    is_closed = true;
    return NULL;
}

TEST(a_close_waits_for_the_messages_that_are_under_way) {
    BELL bell = bell_open(send_slowly);
    pthread_t senders[2], closer;
    sem_init(&is_sending, 0, 0);
    sem_init(&may_go_on, 0, 0);
    for (int i = 0; i < 2; i++)
        ASSERT_INT_EQ(pthread_create(&senders[i], NULL, ring, &bell), 0);
    for (int i = 0; i < 2; i++)
        wait_for(&is_sending);
    ASSERT_INT_EQ(pthread_create(&closer, NULL, close_bell, &bell), 0);
    while (writes_of(&bell) == 0) { /* it is being closed: no more messages */
        ASSERT(!is_closed);
        bell.send = send_well;
        eddy__doorbell_ring(&bell);
        sent = 0;
        sched_yield();
    }
    for (int i = 0; i < 2; i++)
        sem_post(&may_go_on);
    for (int i = 0; i < 2; i++)
        pthread_join(senders[i], NULL);
    pthread_join(closer, NULL);
    ASSERT(is_closed);
}

/* --- a poll that waits ------------------------------------------------------------------------ */

static void *post_soon(void *arg) {
    eddy_loop *loop = arg;

    while (!atomic_load(&loop->wakeup.asleep))
        sched_yield();
    ASSERT_OK(eddy_call_soon_threadsafe(loop, stop, loop));
    return NULL;
}

static void wake_while_it_waits(eddy_loop *loop) {
    pthread_t thread;

    ASSERT_INT_EQ(pthread_create(&thread, NULL, post_soon, loop), 0);
    ASSERT_OK(eddy_loop_run_forever(loop));
    pthread_join(thread, NULL);
}

static eddy_loop *bound_loop(void) {
    eddy_loop *loop;

    ASSERT_OK(eddy__loop_new_bound(&(eddy_loop_options){0}, &loop));
    return loop;
}

TEST(a_poll_that_waits_is_woken_whoever_runs_the_loop) {
    LOOP any = loop_of_clock(EDDY_CLOCK_MONOTONIC);
    LOOP bound = bound_loop();
    for (int i = 0; i < 200; i++) {
        wake_while_it_waits(any);
        wake_while_it_waits(bound);
    }
}

TEST(a_poll_that_waits_is_woken_by_the_eventfd_as_well) {
    LOOP any = loop_of_clock(EDDY_CLOCK_MONOTONIC);
    LOOP bound = bound_loop();
    any->wakeup.bell.send = bound->wakeup.bell.send = NULL;
    for (int i = 0; i < 50; i++) {
        wake_while_it_waits(any);
        wake_while_it_waits(bound);
    }
}

/* The host waits; nobody is in the loop. */
static void wake_host(eddy_loop *loop) {
    struct pollfd host = {.fd = eddy_loop_fd(loop), .events = POLLIN};
    int ran = 0;
    pthread_t thread;

    while (poll(&host, 1, 0) > 0)
        turn(loop);
    ASSERT_INT_EQ(pthread_create(&thread, NULL, post_soon, loop), 0);
    ASSERT_INT_EQ(poll(&host, 1, 10000), 1);
    pthread_join(thread, NULL);
    ASSERT_OK(eddy_call_soon_threadsafe(loop, count, &ran));
    turn(loop);
    ASSERT_INT_EQ(ran, 1);
}

TEST(a_host_that_polls_is_woken_whoever_may_run_the_loop) {
    LOOP any = loop_of_clock(EDDY_CLOCK_MONOTONIC);
    LOOP bound = bound_loop();
    for (int i = 0; i < 50; i++) {
        wake_host(any);
        wake_host(bound);
    }
}
