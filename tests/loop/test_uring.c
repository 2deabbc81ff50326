/* SPDX-License-Identifier: MIT
 * test_uring.c - what only io_uring has to get right: slots that run out, answers that overflow,
 * threads that end, forks. The rest is in test_poller*.c, as for every backend. */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <sys/wait.h>

#include "poller_uring.h"
#include "probe.h"
#include "refuse.h"
#include "uring.h"

enum { MANY = 1500 }; /* more than the ring has slots */

static eddy_loop *ring_loop(void) {
    eddy_loop *loop;
    eddy_loop_options options = {.backend = EDDY_BACKEND_IO_URING};

    ASSERT_OK(eddy_loop_new(&options, &loop));
    return loop;
}

static eddy_loop *bound_loop(void) {
    eddy_loop *loop;
    eddy_loop_options options = {.backend = EDDY_BACKEND_IO_URING};

    ASSERT_OK(eddy__loop_new_bound(&options, &loop));
    return loop;
}

/* --- answers that come too late --------------------------------------------------------------- */

/* It waited for readiness, was cancelled, and was ready at the same moment: the answer is a mask of
 * events, by which nothing was received. To bring the kernel to it takes two who read. */
TEST(what_was_ready_when_the_cancel_came_is_no_result) {
    const enum eddy__op_code codes[] = {EDDY__OP_RECV, EDDY__OP_SEND, EDDY__OP_ACCEPT,
                                        EDDY__OP_RECVMSG, EDDY__OP_SENDMSG};
    const struct eddy__poller poller = {.is_closing = false};
    for (size_t i = 0; i < ARRAY_SIZE(codes); i++) {
        struct eddy__op op = {.code = codes[i], .fd = -1, .is_polled = true, .is_cancelled = true};
        ASSERT(!eddy__uring_op_goes_on(&op, POLLIN | POLLOUT));
        ASSERT_INT_EQ(eddy__uring_op_result(&poller, &op, POLLIN | POLLOUT, true), -ECANCELED);
        ASSERT_INT_EQ(eddy__uring_op_result(&poller, &op, 5, false), 5); /* had it been asked */
        op = (struct eddy__op){.code = codes[i], .fd = -1, .is_polled = true};
        ASSERT(eddy__uring_op_goes_on(&op, POLLIN | POLLOUT)); /* not cancelled: now it is asked */
        ASSERT(!op.is_polled);
    }
}

/* --- many at once ----------------------------------------------------------------------------- */

static struct probe many[MANY];

struct crowd {
    eddy_loop *loop;
    int fds[MANY];
};

/* Descriptors of one file: all are ready when it is. */
static void crowd_open(struct crowd *crowd, eddy_loop *loop, int fd) {
    struct rlimit limit;

    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    ASSERT_INT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
    crowd->loop = loop;
    for (int i = 0; i < MANY; i++) {
        crowd->fds[i] = fcntl(fd, F_DUPFD_CLOEXEC, 3);
        ASSERT_OK(crowd->fds[i]);
    }
}

static void crowd_close(struct crowd *crowd) {
    for (int i = 0; i < MANY; i++)
        close_forgotten(crowd->loop, &crowd->fds[i]);
}

/* In a turn of the loop's: nothing is handed over before its end. */
static void crowd_begin(void *arg) {
    struct crowd *crowd = arg;

    for (int i = 0; i < MANY; i++)
        begin_later(&many[i], crowd->loop, EDDY__OP_READABLE, crowd->fds[i]);
}

static void crowd_cancel(void *arg) {
    struct crowd *crowd = arg;

    for (int i = 0; i < MANY; i++)
        eddy__op_cancel(crowd->loop, &many[i].op);
}

static void run_in_a_turn(eddy_loop *loop, eddy_callback *fn, void *arg) {
    eddy_call_soon(loop, fn, arg);
    turn(loop);
}

static void crowd_finish(ssize_t result) {
    for (int i = 0; i < MANY; i++)
        ASSERT_CODE((int)result, (int)finish(&many[i]));
}

TEST(more_operations_than_slots_all_complete) {
    static struct crowd crowd;
    LOOP loop = ring_loop();
    ENDS ends = ends_open();
    crowd_open(&crowd, loop, ends.near);
    run_in_a_turn(loop, crowd_begin, &crowd);
    put(ends.far, "x"); /* one event */
    crowd_finish(0);
    crowd_close(&crowd);
}

TEST(the_same_on_a_ring_that_belongs_to_one_thread) {
    static struct crowd crowd;
    LOOP loop = bound_loop();
    ENDS ends = ends_open();
    crowd_open(&crowd, loop, ends.near);
    run_in_a_turn(loop, crowd_begin, &crowd);
    put(ends.far, "x");
    crowd_finish(0);
    crowd_close(&crowd);
}

TEST(more_cancels_than_slots_all_end_their_operations) {
    static struct crowd crowd;
    LOOP loop = ring_loop();
    ENDS ends = ends_open();
    crowd_open(&crowd, loop, ends.near);
    run_in_a_turn(loop, crowd_begin, &crowd);
    run_in_a_turn(loop, crowd_cancel, &crowd);
    crowd_finish(-ECANCELED);
    crowd_close(&crowd);
}

TEST(answers_that_there_is_no_room_for_are_not_lost) {
    enum { COUNT = URING_ANSWERS + 500 };
    struct eddy__uring uring;
    unsigned taken = 0;
    ASSERT_OK(eddy__uring_open(&uring, true));
    for (int i = 0; i < COUNT; i++)
        io_uring_prep_nop(eddy__uring_slot(&uring));
    for (int i = 0; i < 10 && taken < COUNT; i++) {
        eddy__uring_wait(&uring, 0);
        for (; eddy__uring_answers(&uring) > 0; taken++)
            eddy__uring_take(&uring);
    }

    ASSERT_UINT_EQ(taken, COUNT);
    eddy__uring_close(&uring);
}

/* --- leases ----------------------------------------------------------------------------------- */

static void lease_by_all(struct ends *ends, int count) {
    for (int i = 0; i < count; i++) {
        ASSERT_INT_EQ(finish(&many[i]), 1);
        ASSERT_INT_EQ(((char *)many[i].op.buffer)[0], 'x');
        eddy__lease_return(many[i].loop, many[i].op.buffer);
        close_forgotten(many[i].loop, &ends[i].near);
        eddy__os_close(ends[i].far);
    }
}

static void begin_leases(eddy_loop *loop, struct ends *ends, int count) {
    for (int i = 0; i < count; i++) {
        ends[i] = ends_open();
        begin_later(&many[i], loop, EDDY__OP_LEASE, ends[i].near);
    }
    turn(loop);
    for (int i = 0; i < count; i++)
        put(ends[i].far, "x");
}

TEST(more_leases_at_once_than_the_kernel_has_are_all_lent) {
    enum { COUNT = 400 };
    LOOP loop = bound_loop();
    struct ends ends[COUNT];
    begin_leases(loop, ends, COUNT);
    lease_by_all(ends, COUNT);
}

TEST(leases_that_are_cancelled_among_many_are_not_lost) {
    enum { COUNT = 100 };
    LOOP loop = bound_loop();
    struct ends ends[COUNT];
    begin_leases(loop, ends, COUNT);
    for (int i = 0; i < COUNT; i++)
        eddy__op_cancel(loop, &many[i].op);
    for (int i = 0; i < COUNT; i++) {
        ssize_t r = finish(&many[i]);
        ASSERT(r == 1 || r == -ECANCELED);
        ASSERT((r == 1) == (many[i].op.buffer != NULL));
        if (r == -ECANCELED)
            receive(loop, ends[i].near, "x");
        else
            eddy__lease_return(loop, many[i].op.buffer);
        close_forgotten(loop, &ends[i].near);
        eddy__os_close(ends[i].far);
    }
}

/* Linux before 5.19. */
TEST(a_kernel_that_knows_no_leases_lends_all_the_same) {
    enum { COUNT = 50 };
    LOOP loop = bound_loop();
    struct ends ends[COUNT];
    refuse_if(SYS_io_uring_register, 1, IORING_REGISTER_PBUF_RING, EINVAL);
    begin_leases(loop, ends, COUNT);
    lease_by_all(ends, COUNT);
}

/* --- a kernel that takes nothing between two waits -------------------------------------------- */

/* To hand over without a wait is to enter with no flags. */
static void refuse_to_take(void) {
    refuse_if(SYS_io_uring_enter, 3, 0, EAGAIN);
}

TEST(slots_are_kept_back_for_cancels) {
    struct eddy__uring uring;
    int slots = 0, slots_of_cancel = 0;
    ASSERT_OK(eddy__uring_open(&uring, true));
    refuse_to_take();
    for (struct io_uring_sqe *slot; (slot = eddy__uring_slot(&uring)); slots++)
        io_uring_prep_nop(slot);
    for (struct io_uring_sqe *slot; (slot = eddy__uring_slot_of_cancel(&uring)); slots_of_cancel++)
        io_uring_prep_nop(slot);
    eddy__uring_wait(&uring, NS_NEVER);

    ASSERT_INT_EQ(slots_of_cancel, URING_SLOTS_OF_CANCEL);
    ASSERT_INT_EQ(slots, URING_SLOTS - URING_SLOTS_OF_CANCEL);
    ASSERT_UINT_EQ(eddy__uring_answers(&uring), URING_SLOTS);
    eddy__uring_close(&uring);
}

TEST(what_found_no_slot_is_started_before_the_next_wait) {
    static struct crowd crowd;
    LOOP loop = ring_loop();
    ENDS ends = ends_open();
    crowd_open(&crowd, loop, ends.near);
    refuse_to_take();
    run_in_a_turn(loop, crowd_begin, &crowd);
    put(ends.far, "x");
    crowd_finish(0);
    crowd_close(&crowd);
}

static void begin_and_cancel(void *arg) {
    crowd_begin(arg);
    crowd_cancel(arg);
}

TEST(a_cancel_that_found_no_slot_is_asked_for_again) {
    static struct crowd crowd;
    LOOP loop = ring_loop();
    ENDS ends = ends_open();
    crowd_open(&crowd, loop, ends.near);
    refuse_to_take();
    run_in_a_turn(loop, begin_and_cancel, &crowd);
    crowd_finish(-ECANCELED);
    crowd_close(&crowd);
}

static int readers_called;

static void reader_called(void *unused) {
    (void)unused;
    readers_called++;
}

TEST(watches_that_find_no_slot_are_asked_about_later) {
    static struct crowd crowd;
    LOOP loop = ring_loop();
    ENDS ends = ends_open();
    crowd_open(&crowd, loop, ends.near);
    refuse_to_take();
    for (int i = 0; i < MANY; i++)
        ASSERT_OK(eddy_add_reader(loop, crowd.fds[i], reader_called, NULL));
    put(ends.far, "x");
    while (readers_called < MANY)
        ASSERT_OK(eddy_loop_run_once(loop, INFINITY));
    for (int i = 0; i < MANY; i++)
        ASSERT_INT_EQ(eddy_remove_reader(loop, crowd.fds[i]), 1);
    crowd_close(&crowd);
}

/* --- messages --------------------------------------------------------------------------------- */

static bool has_messages(const struct eddy__uring *uring) {
    return eddy__uring_send(uring->ring.ring_fd) == 0;
}

static void *send_message(void *arg) {
    const struct eddy__uring *uring = arg;

    errno = ERANGE;
    ASSERT_OK(eddy__uring_send(uring->ring.ring_fd));
    ASSERT_INT_EQ(errno, ERANGE);
    return NULL;
}

static void wait_for_message(bool one_thread) {
    struct eddy__uring uring;
    pthread_t thread;

    ASSERT_OK(eddy__uring_open(&uring, one_thread));
    if (has_messages(&uring)) { /* else Linux is older than 6.13 */
        eddy__uring_wait(&uring, NS_NEVER);
        ASSERT_UINT_EQ(eddy__uring_take(&uring).user_data, OF_NOBODY);
        ASSERT_INT_EQ(pthread_create(&thread, NULL, send_message, &uring), 0);
        eddy__uring_wait(&uring, NS_NEVER);
        ASSERT_UINT_EQ(eddy__uring_answers(&uring), 1);
        ASSERT_UINT_EQ(eddy__uring_take(&uring).user_data, OF_NOBODY);
        pthread_join(thread, NULL);
    }
    eddy__uring_close(&uring);
}

TEST(a_message_ends_a_wait_and_is_for_nobody) {
    wait_for_message(false);
    wait_for_message(true);
}

TEST(a_message_to_what_is_no_ring_is_not_sent) {
    ENDS ends = ends_open();
    errno = ERANGE;
    ASSERT(eddy__uring_send(ends.near) < 0);
    ASSERT(eddy__uring_send(-1) < 0);
    ASSERT_INT_EQ(errno, ERANGE);
}

static uint64_t events_of(eddy_loop *loop) {
    uint64_t events = 0;

    return read(loop->wakeup.bell.event_fd, &events, sizeof(events)) < 0 ? 0 : events;
}

/* Linux before 6.13, or a filter. */
TEST(a_kernel_that_knows_no_messages_has_the_eventfd_written) {
    LOOP loop = bound_loop();
    int ran = 0;
    refuse_if(SYS_io_uring_register, 1, 31, EINVAL);
    events_of(loop);
    for (int i = 0; i < 3; i++) {
        ASSERT(eddy__wakeup_sleep(&loop->wakeup));
        ASSERT_OK(eddy_call_soon_threadsafe(loop, count, &ran));
        ASSERT_UINT_EQ(events_of(loop), 1);
        turn(loop);
    }
    ASSERT_INT_EQ(ran, 3);
}

TEST(a_ring_without_room_for_a_message_has_the_eventfd_written) {
    LOOP loop = bound_loop();
    int ran = 0;
    refuse_if(SYS_io_uring_register, 1, 31, EOVERFLOW);
    events_of(loop);
    ASSERT(eddy__wakeup_sleep(&loop->wakeup));
    ASSERT_OK(eddy_call_soon_threadsafe(loop, count, &ran));
    ASSERT_UINT_EQ(events_of(loop), 1);
    turn(loop);
    ASSERT_INT_EQ(ran, 1);
}

enum { SENDERS = 3, CLOSED_LOOPS = UNDER_SANITIZER ? 60 : 300 };

/* The loop that senders post to, or NULL at the end. */
static struct {
    pthread_mutex_t lock;
    eddy_loop *loop;
    bool is_over;
} target = {.lock = PTHREAD_MUTEX_INITIALIZER};

static eddy_loop *target_ref(bool *is_over) {
    eddy_loop *loop;

    pthread_mutex_lock(&target.lock);
    loop = target.loop ? eddy_loop_ref(target.loop) : NULL;
    *is_over = target.is_over;
    pthread_mutex_unlock(&target.lock);
    return loop;
}

static void target_set(eddy_loop *loop, bool is_over) {
    pthread_mutex_lock(&target.lock);
    target.loop = loop;
    target.is_over = is_over;
    pthread_mutex_unlock(&target.lock);
}

/* Posts as long as the loop takes it, and a little longer: where it has just been closed. */
static void *send_for_ever(void *unused) {
    eddy_loop *loop;
    bool is_over;

    do {
        loop = target_ref(&is_over);
        for (int i = 0; loop && i < 20; i++)
            if (eddy_call_soon_threadsafe(loop, stop, loop) < 0)
                eddy__wakeup_kick(&loop->wakeup);
        eddy_loop_unref(loop);
        sched_yield();
    } while (!is_over);
    return unused;
}

/* It mostly has the descriptor of the loop that was just closed. */
static void assert_not_disturbed(void) {
    struct eddy__uring uring;

    ASSERT_OK(eddy__uring_open(&uring, false));
    for (int i = 0; i < 5; i++) {
        sched_yield();
        eddy__uring_flush(&uring);
        ASSERT_UINT_EQ(eddy__uring_answers(&uring), 0);
    }
    eddy__uring_close(&uring);
}

TEST(no_message_reaches_a_ring_that_has_the_descriptor_of_a_closed_loop) {
    pthread_t senders[SENDERS];
    for (int i = 0; i < SENDERS; i++)
        ASSERT_INT_EQ(pthread_create(&senders[i], NULL, send_for_ever, NULL), 0);
    for (int i = 0; i < CLOSED_LOOPS; i++) {
        eddy_loop *loop = i % 2 ? bound_loop() : ring_loop();
        eddy_loop_ref(loop); /* so that a kick is legal as long as there are senders */
        target_set(loop, false);
        ASSERT_OK(eddy_loop_run_forever(loop));
        ASSERT_NULL(eddy_loop_close(loop));
        atomic_store(&loop->wakeup.asleep, true); /* the next kick rings */
        assert_not_disturbed();
        target_set(NULL, false);
        eddy_loop_unref(loop);
    }
    target_set(NULL, true);
    for (int i = 0; i < SENDERS; i++)
        pthread_join(senders[i], NULL);
}

/* --- a host ----------------------------------------------------------------------------------- */

static bool has_become_readable(int fd, int milliseconds) {
    struct pollfd host = {.fd = fd, .events = POLLIN};

    return poll(&host, 1, milliseconds) == 1;
}

static int bytes_read;

static void read_byte(void *fd) {
    char byte;

    bytes_read += (int)read(*(int *)fd, &byte, 1);
}

/* Its ring does not wake who polls it. */
TEST(a_host_hears_of_what_comes_to_a_loop_that_is_bound) {
    LOOP loop = bound_loop();
    ENDS ends = ends_open();
    int fd = eddy_loop_fd(loop);
    ASSERT_OK(fd);
    ASSERT_OK(eddy_add_reader(loop, ends.near, read_byte, &ends.near));
    for (int i = 0; i < 20; i++) {
        for (int turns = 0; has_become_readable(fd, 0); turns++) {
            ASSERT(turns < 5); /* it comes to rest */
            turn(loop);
        }
        put(ends.far, "x");
        while (bytes_read == i) {
            ASSERT(has_become_readable(fd, 10000));
            turn(loop);
        }
    }
    ASSERT_INT_EQ(eddy_remove_reader(loop, ends.near), 1);
}

TEST(without_descriptors_a_loop_that_is_bound_has_none_for_the_host) {
    LOOP loop = bound_loop();
    for (int left = 0; left < 3; left++) {
        leave_descriptors(left);
        ASSERT_CODE(-EMFILE, eddy_loop_fd(loop));
    }
    leave_descriptors(3);
    ASSERT_OK(eddy_loop_fd(loop));
    forget_last_error();
    leave_all_descriptors();
}

/* --- threads ---------------------------------------------------------------------------------- */

struct begun {
    eddy_loop *loop;
    int fd;
    struct probe probe;
};

static void *begin_elsewhere(void *arg) {
    struct begun *begun = arg;

    ASSERT_OK(eddy_loop_run_once(begun->loop, 0)); /* the loop is this thread's now */
    begin_later(&begun->probe, begun->loop, EDDY__OP_RECV, begun->fd);
    ASSERT_OK(eddy_loop_run_once(begun->loop, 0));
    return NULL;
}

TEST(an_operation_outlives_the_thread_that_began_it) {
    LOOP loop = ring_loop();
    ENDS ends = ends_open();
    struct begun begun = {.loop = loop, .fd = ends.near};
    pthread_t thread;
    ASSERT_INT_EQ(pthread_create(&thread, NULL, begin_elsewhere, &begun), 0);
    pthread_join(thread, NULL); /* the kernel takes back what the thread has asked for */
    turn(loop);
    put(ends.far, "hello");
    finish(&begun.probe);
    assert_got(&begun.probe, "hello");
}

static void *run_elsewhere(void *loop) {
    ASSERT_CODE(EDDY_EWRONG_THREAD, eddy_loop_run_once(loop, 0));
    forget_last_error();
    return NULL;
}

TEST(a_loop_that_is_bound_to_its_thread_is_not_taken_over) {
    LOOP loop = bound_loop();
    pthread_t thread;
    ASSERT_INT_EQ(pthread_create(&thread, NULL, run_elsewhere, loop), 0);
    pthread_join(thread, NULL);
    turn(loop);
}

/* --- forks ------------------------------------------------------------------------------------ */

static int use_in_a_child(eddy_loop *loop, struct probe *probe) {
    if (eddy_loop_run_once(loop, 0) != EDDY_EFORKED)
        return 1;
    if (probe->done_count > 0)
        return 2;
    eddy_loop_close(loop); /* refused: it is the parent's */
    return eddy_loop_new(NULL, &loop) < 0 || eddy_loop_run_once(loop, 0) < 0 ||
           eddy_loop_close(loop);
}

static void fork_beside(eddy_loop *loop) {
    ENDS ends = ends_open();
    struct probe probe = {.trace = NULL};
    int status;
    begin_later(&probe, loop, EDDY__OP_RECV, ends.near);
    pid_t child = fork();
    if (child == 0)
        _exit(use_in_a_child(loop, &probe));
    ASSERT_INT_EQ(waitpid(child, &status, 0), child);
    ASSERT_INT_EQ(status, 0);
    put(ends.far, "for the parent");
    finish(&probe);
    assert_got(&probe, "for the parent");
}

TEST(a_forked_child_leaves_the_parents_ring_alone) {
    LOOP any = ring_loop();
    LOOP bound = bound_loop();
    fork_beside(any);
    fork_beside(bound);
}

/* --- the end ---------------------------------------------------------------------------------- */

TEST(a_loop_that_closes_waits_for_the_memory_it_has_lent) {
    static struct crowd crowd;
    eddy_loop *loop = ring_loop();
    ENDS ends = ends_open();
    crowd_open(&crowd, loop, ends.near);
    run_in_a_turn(loop, crowd_begin, &crowd);
    ASSERT_NULL(eddy_loop_close(loop));
    crowd_finish(-ECANCELED);
    for (int i = 0; i < MANY; i++)
        eddy__os_close(crowd.fds[i]);
}

TEST(a_connection_that_comes_as_the_loop_closes_is_closed) {
    eddy_loop *loop = ring_loop();
    FD server = server_open(5);
    FD client = tcp_socket();
    struct probe probe = {.trace = NULL};
    int before;
    ASSERT_INT_EQ(connect_result(loop, client), 0);
    before = descriptors_open();
    begin_later(&probe, loop, EDDY__OP_ACCEPT, server); /* answered at once, and not yet taken */
    ASSERT_NULL(eddy_loop_close(loop));
    ASSERT_CODE(-ECANCELED, finish(&probe));
    ASSERT(descriptors_open() < before);
}
