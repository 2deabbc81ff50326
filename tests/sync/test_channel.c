/* SPDX-License-Identifier: MIT
 * test_channel.c - a channel among the tasks of one thread: items from who sends to who receives,
 * none lost and none twice, cancels, loops that are closed. Between threads:
 * test_channel_threads.c. */
#include <sys/wait.h>
#include <unistd.h>

#include "../base/scarce.h"
#include "actors.h"
#include "util.h"

#define ITEM(number) ((void *)(intptr_t)(number))

static void channel_unrefp(eddy_channel **channel) {
    ASSERT_NULL(eddy_channel_unref(*channel));
}

#define CHANNEL CLEANUP(channel_unrefp) eddy_channel *

static eddy_channel *channel_of(int capacity) {
    eddy_channel *channel;

    ASSERT_OK(eddy_channel_new(capacity, &channel));
    return channel;
}

struct user {
    const char *name;
    eddy_channel *channel;
    intptr_t item;
    double seconds; /* a time-out; 0: none */
};

static int ends(const struct user *user, int r, intptr_t item) {
    if (r < 0)
        note(r == -ECANCELED ? "%s!" : "%s-%s", user->name, eddy_error_name(r));
    else
        note("%s%d", user->name, (int)item);
    return r;
}

static int receives(void *arg) {
    const struct user *user = arg;
    eddy_timeout timeout;
    void *item = NULL;

    eddy_timeout_begin(&timeout, user->seconds > 0 ? user->seconds : INFINITY);
    int r = eddy_timeout_end(&timeout, eddy_channel_receive(user->channel, &item));
    return ends(user, r, (intptr_t)item);
}
static int sends(void *arg) {
    const struct user *user = arg;
    eddy_timeout timeout;

    eddy_timeout_begin(&timeout, user->seconds > 0 ? user->seconds : INFINITY);
    int r = eddy_timeout_end(&timeout, eddy_channel_send(user->channel, ITEM(user->item)));
    return ends(user, r, user->item);
}

static eddy_task *task_of(eddy_loop *loop, eddy_fn *fn, struct user user) {
    return eddy_create_task_with(
        &(eddy_task_options){.loop = loop, .copy_bytes = sizeof(user), .name = user.name}, fn,
        &user);
}
static eddy_task *receiver(const char *name, eddy_channel *channel) {
    return task_of(NULL, receives, (struct user){name, channel});
}
static eddy_task *sender(const char *name, eddy_channel *channel, intptr_t item) {
    return task_of(NULL, sends, (struct user){name, channel, item});
}

static intptr_t receive_now(eddy_channel *channel) {
    void *item = NULL;

    ASSERT_OK(eddy_channel_receive_nowait(channel, &item));
    return (intptr_t)item;
}
static void assert_empty(eddy_channel *channel) {
    void *item;

    ASSERT_CODE(-EAGAIN, eddy_channel_receive_nowait(channel, &item));
}

/* --- empty and full --------------------------------------------------------------------------- */

TASK_TEST(a_channel_knows_its_size) {
    CHANNEL channel = channel_of(2);

    ASSERT_INT_EQ(eddy_channel_capacity(channel), 2);
    ASSERT_INT_EQ(eddy_channel_size(channel), 0);
    ASSERT(!eddy_channel_is_closed(channel));
    ASSERT_OK(eddy_channel_send_nowait(channel, ITEM(1)));
    ASSERT_OK(eddy_channel_send(channel, NULL)); /* an item as any other */
    ASSERT_INT_EQ(eddy_channel_size(channel), 2);
    ASSERT_INT_EQ(receive_now(channel), 1);
    ASSERT_INT_EQ(receive_now(channel), 0);
    ASSERT_INT_EQ(eddy_channel_size(channel), 0);
}

TASK_TEST(a_channel_of_capacity_0_or_less_is_never_full) {
    for (int capacity = 0; capacity >= -1; capacity--) {
        CHANNEL channel = channel_of(capacity);
        ASSERT_INT_EQ(eddy_channel_capacity(channel), 0);
        for (int i = 0; i < 1000; i++)
            ASSERT_OK(eddy_channel_send_nowait(channel, ITEM(i)));
        for (int i = 0; i < 1000; i++)
            ASSERT_INT_EQ(receive_now(channel), i);
    }
}

TASK_TEST(what_does_not_wait_answers_eagain) {
    CHANNEL channel = channel_of(1);
    void *item = &item;

    ASSERT_CODE(-EAGAIN, eddy_channel_receive_nowait(channel, &item));
    ASSERT_CODE(-EAGAIN, eddy_last_error()->code);
    ASSERT_PTR_EQ(item, &item);
    ASSERT_OK(eddy_channel_send_nowait(channel, ITEM(1)));
    ASSERT_CODE(-EAGAIN, eddy_channel_send_nowait(channel, ITEM(2)));
    ASSERT_INT_EQ(receive_now(channel), 1);
}

TASK_TEST(what_need_not_wait_does_not_suspend) {
    CHANNEL channel = channel_of(0);
    void *item;

    ASSERT_OK(eddy_channel_send(channel, ITEM(1)));
    eddy_detach(eddy_create_task(noter, "other"));
    ASSERT_OK(eddy_channel_receive(channel, &item));
    ASSERT_INT_EQ((intptr_t)item, 1);
    ASSERT_STR_EQ(noted(), "");
    for (int i = 0; i < 500; i++) {
        ASSERT_OK(eddy_channel_send(channel, ITEM(i)));
        ASSERT_OK(eddy_channel_receive(channel, &item));
    }
    ASSERT_STR_EQ(noted(), "other"); /* now and then it does */
}

/* --- waiting ---------------------------------------------------------------------------------- */

TASK_TEST(receivers_get_items_in_the_order_in_which_they_came) {
    CHANNEL channel = channel_of(0);
    eddy_task *a = receiver("a", channel), *b = receiver("b", channel), *c = receiver("c", channel);

    ASSERT_OK(eddy_yield());
    for (int i = 1; i <= 3; i++)
        ASSERT_OK(eddy_channel_send(channel, ITEM(i)));
    ASSERT_INT_EQ(eddy_channel_size(channel), 0); /* handed over */
    assert_empty(channel);                        /* and nobody gets ahead of them */
    ASSERT_OK(eddy_gather(a, b, c));
    ASSERT_STR_EQ(noted(), "a1 b2 c3");
}

TASK_TEST(senders_get_room_in_the_order_in_which_they_came) {
    CHANNEL channel = channel_of(1);
    eddy_task *a = sender("a", channel, 1), *b = sender("b", channel, 2),
              *c = sender("c", channel, 3);

    ASSERT_OK(eddy_yield());
    ASSERT_STR_EQ(noted(), "a1");
    for (int i = 1; i <= 3; i++) {
        ASSERT_INT_EQ(receive_now(channel), i);
        if (i < 3)
            ASSERT_CODE(-EAGAIN, eddy_channel_send_nowait(channel, ITEM(9)));
    }
    ASSERT_OK(eddy_gather(a, b, c));
    ASSERT_STR_EQ(noted(), "b2 c3");
}

TASK_TEST(a_cancelled_waiter_leaves_the_line_without_effect) {
    CHANNEL channel = channel_of(1);
    eddy_task *a = receiver("a", channel), *b = receiver("b", channel);

    ASSERT_OK(eddy_yield());
    eddy_cancel(a);
    ASSERT_OK(eddy_channel_send(channel, ITEM(1)));
    ASSERT_CANCELLED(a);
    ASSERT_OK(eddy_await(b));
    ASSERT_STR_EQ(noted(), "a! b1");

    ASSERT_OK(eddy_channel_send(channel, ITEM(2)));
    eddy_task *c = sender("c", channel, 3), *d = sender("d", channel, 4);
    ASSERT_OK(eddy_yield());
    eddy_cancel(c);
    ASSERT_INT_EQ(receive_now(channel), 2);
    ASSERT_CANCELLED(c);
    ASSERT_OK(eddy_await(d));
    ASSERT_STR_EQ(noted(), "c! d4");
    ASSERT_INT_EQ(receive_now(channel), 4);
}

TASK_TEST(a_waiter_that_is_cancelled_after_its_turn_has_come_keeps_it) {
    CHANNEL channel = channel_of(1);
    eddy_task *a = receiver("a", channel);

    ASSERT_OK(eddy_yield());
    ASSERT_OK(eddy_channel_send(channel, ITEM(1)));
    eddy_cancel(a);
    ASSERT_OK(eddy_await(a));
    ASSERT_OK(eddy_channel_send(channel, ITEM(2)));
    eddy_task *b = sender("b", channel, 3);
    ASSERT_OK(eddy_yield());
    ASSERT_INT_EQ(receive_now(channel), 2);
    eddy_cancel(b);
    ASSERT_OK(eddy_await(b));
    ASSERT_STR_EQ(noted(), "a1 b3");
    ASSERT_INT_EQ(receive_now(channel), 3);
}

TASK_TEST(a_task_that_is_cancelled_already_sends_and_receives_nothing) {
    CHANNEL channel = channel_of(2);
    eddy_task *a = receiver("a", channel), *b = sender("b", channel, 2);

    ASSERT_OK(eddy_channel_send(channel, ITEM(1)));
    eddy_cancel(a);
    eddy_cancel(b);
    ASSERT_CANCELLED(a);
    ASSERT_CANCELLED(b);
    ASSERT_INT_EQ(eddy_channel_size(channel), 1);
    ASSERT_INT_EQ(receive_now(channel), 1);
}

/* Whichever comes first in the instant: an item is received, or it is still there. */
TASK_TEST(at_the_instant_of_a_time_out_the_item_is_here_or_there) {
    for (int is_armed_first = 0; is_armed_first < 2; is_armed_first++) {
        CHANNEL channel = channel_of(1);
        eddy_task *receiving = NULL;
        struct user user = {"r", channel, 0, 1.0};

        if (is_armed_first) {
            receiving = task_of(NULL, receives, user);
            ASSERT_OK(eddy_yield());
        }
        eddy_future *second = eddy_after(1.0);
        if (!is_armed_first)
            receiving = task_of(NULL, receives, user);
        ASSERT_OK(eddy_await(second));
        ASSERT_OK(eddy_channel_send(channel, ITEM(5)));
        int r = eddy_await(receiving);
        ASSERT(r == 0 || r == -ETIMEDOUT);
        ASSERT_INT_EQ(eddy_channel_size(channel), r == 0 ? 0 : 1);
        noted();
    }
}

TASK_TEST(a_time_out_ends_a_send_and_a_receive) {
    CHANNEL channel = channel_of(1);
    struct user user = {"r", channel, 7, 2.0};

    ASSERT_CODE(-ETIMEDOUT, eddy_await(task_of(NULL, receives, user)));
    ASSERT_INT_EQ(milliseconds(), 2000);
    ASSERT_OK(eddy_channel_send(channel, ITEM(1)));
    user.name = "s";
    ASSERT_CODE(-ETIMEDOUT, eddy_await(task_of(NULL, sends, user)));
    ASSERT_INT_EQ(milliseconds(), 4000);
    ASSERT_INT_EQ(receive_now(channel), 1);
    assert_empty(channel);
    ASSERT_STR_EQ(noted(), "r-ETIMEDOUT s-ETIMEDOUT");
}

/* --- the end ---------------------------------------------------------------------------------- */

TASK_TEST(a_closed_channel_is_drained_and_then_says_so) {
    CHANNEL channel = channel_of(0);
    void *item = &item;

    ASSERT_OK(eddy_channel_send(channel, ITEM(1)));
    ASSERT_OK(eddy_channel_send(channel, ITEM(2)));
    eddy_channel_close(channel);
    eddy_channel_close(channel);
    ASSERT(eddy_channel_is_closed(channel));
    ASSERT_CODE(EDDY_ESHUTDOWN, eddy_channel_send(channel, ITEM(3)));
    ASSERT_CODE(EDDY_ESHUTDOWN, eddy_channel_send_nowait(channel, ITEM(3)));
    ASSERT_INT_EQ(receive_now(channel), 1);
    ASSERT_OK(eddy_channel_receive(channel, &item));
    ASSERT_INT_EQ((intptr_t)item, 2);
    ASSERT_CODE(EDDY_ESHUTDOWN, eddy_channel_receive(channel, &item));
    ASSERT_CODE(EDDY_ESHUTDOWN, eddy_channel_receive_nowait(channel, &item));
    ASSERT_CODE(EDDY_ESHUTDOWN, eddy_last_error()->code);
}

TASK_TEST(a_close_ends_all_waiting) {
    CHANNEL empty = channel_of(1);
    CHANNEL full = channel_of(1);
    ASSERT_OK(eddy_channel_send(full, ITEM(1)));
    eddy_task *a = receiver("a", empty), *b = receiver("b", empty), *c = sender("c", full, 2),
              *d = sender("d", full, 3);

    ASSERT_OK(eddy_yield());
    eddy_channel_close(empty);
    eddy_channel_close(full);
    ASSERT_CODE(EDDY_ESHUTDOWN, eddy_gather(a, b, c, d));
    ASSERT_STR_EQ(noted(), "a-EDDY_ESHUTDOWN b-EDDY_ESHUTDOWN c-EDDY_ESHUTDOWN d-EDDY_ESHUTDOWN");
    ASSERT_INT_EQ(receive_now(full), 1);
    ASSERT_INT_EQ(eddy_channel_size(full), 0);
}

static void note_destroyed(void *item) {
    note("destroyed%d", (int)(intptr_t)item);
}

TASK_TEST(what_is_left_at_the_last_reference_is_destroyed) {
    eddy_channel *channel;

    ASSERT_OK(
        eddy_channel_new_with(3, &(eddy_channel_options){.destroy = note_destroyed}, &channel));
    ASSERT_PTR_EQ(eddy_channel_ref(channel), channel);
    for (int i = 1; i <= 3; i++)
        ASSERT_OK(eddy_channel_send(channel, ITEM(i)));
    ASSERT_INT_EQ(receive_now(channel), 1);
    ASSERT_NULL(eddy_channel_unref(channel));
    ASSERT_STR_EQ(noted(), "");
    ASSERT_NULL(eddy_channel_unref(channel));
    ASSERT_STR_EQ(noted(), "destroyed2 destroyed3");
    ASSERT_NULL(eddy_channel_unref(NULL));
}

TASK_TEST(who_waits_keeps_the_channel) {
    eddy_channel *channel = channel_of(1);
    eddy_task *a = receiver("a", channel);

    ASSERT_OK(eddy_yield());
    eddy_channel_unref(channel);
    eddy_cancel(a);
    ASSERT_CANCELLED(a);
    noted();
}

/* --- where a call must not suspend ------------------------------------------------------------ */

static int receive_call(void *channel) {
    void *item;

    return eddy_channel_receive(channel, &item);
}
static int send_call(void *channel) {
    return eddy_channel_send(channel, NULL);
}
static int nowait_calls(void *channel) {
    void *item;
    int r = eddy_channel_send_nowait(channel, NULL);

    return r < 0 ? r : eddy_channel_receive_nowait(channel, &item);
}

TASK_TEST(in_a_callback_and_in_the_pool_only_what_does_not_wait_is_welcome) {
    CHANNEL channel = channel_of(1);

    ASSERT_CODE(-EDEADLK, code_in_callback(receive_call, channel));
    ASSERT_CODE(-EDEADLK, code_in_callback(send_call, channel));
    ASSERT_OK(code_in_callback(nowait_calls, channel));
    ASSERT_CODE(-EDEADLK, eddy_to_thread(receive_call, channel));
    ASSERT_CODE(-EDEADLK, eddy_to_thread(send_call, channel));
    ASSERT_OK(eddy_to_thread(nowait_calls, channel));
}

/* --- a loop that does not run meanwhile ------------------------------------------------------- */

static struct user use_of(const char *name, eddy_channel *channel, intptr_t item) {
    return (struct user){.name = name, .channel = channel, .item = item};
}

/* From outside of the loop, so the turn is under way until the loop runs. */
TEST(a_waiter_that_is_cancelled_while_its_turn_is_under_way_keeps_it) {
    eddy_loop *loop = virtual_loop();
    CHANNEL channel = channel_of(1);
    eddy_task *a = task_of(loop, receives, use_of("a", channel, 0));
    ASSERT_OK(eddy_loop_run_once(loop, 0));
    ASSERT_OK(eddy_channel_send_nowait(channel, ITEM(1)));
    eddy_cancel(a);
    ASSERT_OK(eddy_loop_run_until_complete(loop, a));
    ASSERT_OK(eddy_channel_send_nowait(channel, ITEM(2)));
    eddy_task *b = task_of(loop, sends, use_of("b", channel, 3));
    ASSERT_OK(eddy_loop_run_once(loop, 0));
    ASSERT_INT_EQ(receive_now(channel), 2);
    eddy_cancel(b);
    ASSERT_OK(eddy_loop_run_until_complete(loop, b));
    ASSERT_STR_EQ(noted(), "a1 b3");
    ASSERT_INT_EQ(receive_now(channel), 3);
    virtual_close(loop);
}

static void close_over(eddy_loop *loop, const char *report) {
    ASSERT_NULL(eddy_loop_close(loop));
    ASSERT_STR_EQ(reports(), report);
}

TEST(a_loop_closed_over_waiting_tasks_leaves_the_channel_to_the_others) {
    eddy_loop *closed = virtual_loop(), *loop = virtual_loop();
    CHANNEL empty = channel_of(1);
    CHANNEL full = channel_of(1);
    ASSERT_OK(eddy_channel_send_nowait(full, ITEM(1)));
    eddy_detach(task_of(closed, receives, use_of("x", empty, 0)));
    eddy_detach(task_of(closed, sends, use_of("y", full, 2)));
    ASSERT_OK(eddy_loop_run_once(closed, 0));
    eddy_task *a = task_of(loop, receives, use_of("a", empty, 0)),
              *b = task_of(loop, sends, use_of("b", full, 3));
    ASSERT_OK(eddy_loop_run_once(loop, 0));
    close_over(closed, "a loop was closed with 2 tasks in it that had not ended\n");
    ASSERT_OK(eddy_channel_send_nowait(empty, ITEM(4)));
    ASSERT_INT_EQ(receive_now(full), 1);
    ASSERT_INT_EQ(receive_now(full), 3); /* what y had is not sent */
    ASSERT_OK(eddy_loop_run_until_complete(loop, a));
    ASSERT_OK(eddy_loop_run_until_complete(loop, b));
    ASSERT_STR_EQ(noted(), "a4 b3");
    virtual_close(loop);
}

TEST(an_item_given_to_a_loop_that_is_closed_goes_back_to_the_front) {
    eddy_loop *closed = virtual_loop();
    CHANNEL channel = channel_of(1);
    eddy_detach(task_of(closed, receives, use_of("x", channel, 0)));
    ASSERT_OK(eddy_loop_run_once(closed, 0));
    ASSERT_OK(eddy_channel_send_nowait(channel, ITEM(1)));
    ASSERT_OK(eddy_channel_send_nowait(channel, ITEM(2)));
    close_over(closed, "a loop was closed with 1 task in it that had not ended\n");
    ASSERT_INT_EQ(eddy_channel_size(channel), 2); /* one more than it holds */
    ASSERT_CODE(-EAGAIN, eddy_channel_send_nowait(channel, ITEM(3)));
    ASSERT_INT_EQ(receive_now(channel), 1);
    ASSERT_INT_EQ(receive_now(channel), 2);
}

TEST(an_item_given_to_a_loop_that_is_closed_goes_to_the_next_receiver) {
    eddy_loop *closed = virtual_loop(), *loop = virtual_loop();
    CHANNEL channel = channel_of(1);
    for (int i = 0; i < 2; i++)
        eddy_detach(task_of(closed, receives, use_of("x", channel, 0)));
    ASSERT_OK(eddy_loop_run_once(closed, 0));
    eddy_task *a = task_of(loop, receives, use_of("a", channel, 0));
    ASSERT_OK(eddy_loop_run_once(loop, 0));
    ASSERT_OK(eddy_channel_send_nowait(channel, ITEM(1)));
    close_over(closed, "a loop was closed with 2 tasks in it that had not ended\n");
    ASSERT_OK(eddy_loop_run_until_complete(loop, a));
    ASSERT_STR_EQ(noted(), "a1");
    virtual_close(loop);
}

/* --- fork ------------------------------------------------------------------------------------- */

TEST(in_a_forked_child_a_channel_is_the_parents) {
    CHANNEL channel = channel_of(1);
    int status;
    pid_t child = fork();
    if (child == 0) {
        bool well = send_call(channel) == EDDY_EFORKED && receive_call(channel) == EDDY_EFORKED;
        well = well && nowait_calls(channel) == EDDY_EFORKED && eddy_channel_size(channel) == 0;
        eddy_channel_close(channel);
        well = well && eddy_channel_is_closed(channel) && !eddy_channel_unref(channel);
        _exit(well ? 42 : 1);
    }
    ASSERT_INT_EQ(waitpid(child, &status, 0), child);
    ASSERT(WIFEXITED(status) && WEXITSTATUS(status) == 42);
    ASSERT_OK(nowait_calls(channel));
}

/* --- no memory -------------------------------------------------------------------------------- */

TEST(waiting_and_handing_over_need_no_memory) {
    scarce_begin();
    eddy_loop *loop = virtual_loop();
    CHANNEL channel = channel_of(1);
    eddy_task *a = task_of(loop, receives, use_of("a", channel, 0));
    ASSERT_OK(eddy_loop_run_once(loop, 0));
    scarce_left = 0;
    ASSERT_OK(eddy_channel_send_nowait(channel, ITEM(1)));
    ASSERT_OK(eddy_loop_run_until_complete(loop, a));
    ASSERT_STR_EQ(noted(), "a1");
    scarce_left = INT_MAX;
    virtual_close(loop);
}

TEST(an_item_that_there_is_no_memory_for_is_destroyed_and_reported) {
    eddy_channel *channel;

    scarce_begin();
    eddy_loop *loop = virtual_loop();
    ASSERT_OK(
        eddy_channel_new_with(0, &(eddy_channel_options){.destroy = note_destroyed}, &channel));
    eddy_detach(task_of(loop, receives, use_of("x", channel, 0)));
    ASSERT_OK(eddy_loop_run_once(loop, 0));
    ASSERT_OK(eddy_channel_send_nowait(channel, ITEM(1)));
    scarce_left = 0;
    ASSERT_NULL(eddy_loop_close(loop));
    scarce_left = INT_MAX;
    ASSERT_STR_EQ(noted(), "destroyed1");
    ASSERT_STR_CONTAINS(reports(), "an item of a channel is lost");
    ASSERT_NULL(eddy_channel_unref(channel));
}
