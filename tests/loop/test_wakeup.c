/* SPDX-License-Identifier: MIT
 * test_wakeup.c - eddy_call_soon_threadsafe(): from threads, from signal handlers, in bursts. */
#include "wakeup.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>

#include "fixture.h"

enum { THREADS = 4, EACH = 20000 };

/* --- one thread ------------------------------------------------------------------------------- */

TEST(posted_callbacks_run_in_the_order_in_which_they_were_posted) {
    LOOP loop = test_loop();
    struct trace trace = {0};
    ASSERT_OK(eddy_call_soon_threadsafe(loop, mark, MARK(&trace, "first")));
    ASSERT_OK(eddy_call_soon_threadsafe(loop, mark, MARK(&trace, "second")));
    ASSERT_OK(eddy_call_soon_threadsafe(loop, mark, MARK(&trace, "third")));
    ASSERT_STR_EQ(trace.text, "");
    turn(loop);

    ASSERT_STR_EQ(trace.text, "first second third");
}

static void note_loop(void *arg) {
    *(eddy_loop **)arg = eddy_running_loop();
}

TEST(posted_callbacks_run_inside_the_loop) {
    LOOP loop = test_loop();
    eddy_loop *seen = NULL;
    ASSERT_OK(eddy_call_soon_threadsafe(loop, note_loop, &seen));
    turn(loop);

    ASSERT_PTR_EQ(seen, loop);
}

struct again {
    eddy_loop *loop;
    int rounds;
};

static void post_again(void *arg) {
    struct again *again = arg;

    again->rounds++;
    eddy_call_soon_threadsafe(again->loop, post_again, again); /* refused when the loop closes */
}

TEST(callbacks_that_post_themselves_do_not_starve_the_rest) {
    struct again again = {0};
    int reads = 0;
    LOOP loop = again.loop = test_loop();
    ENDS ends = ends_open();
    put(ends.far, "x");
    ASSERT_OK(eddy_add_reader(loop, ends.near, count, &reads));
    ASSERT_OK(eddy_call_soon_threadsafe(loop, post_again, &again));
    for (int i = 0; i < 10; i++)
        turn(loop);

    ASSERT_INT_EQ(reads, 10);
    ASSERT(again.rounds >= 9 && again.rounds <= 20);
}

TEST(a_burst_of_a_hundred_thousand_posts_runs_whole_and_in_order) {
    LOOP loop = test_loop();
    static int order[100000], next;
    for (int i = 0; i < 100000; i++)
        ASSERT_OK(eddy_call_soon_threadsafe(loop, count, &order[i]));
    ASSERT_OK(eddy_call_soon_threadsafe(loop, stop, loop));
    ASSERT_OK(eddy_loop_run_forever(loop));

    for (; next < 100000; next++)
        ASSERT_INT_EQ(order[next], 1);
}

TEST(posting_keeps_errno) {
    LOOP loop = test_loop();
    errno = ERANGE;
    for (int i = 0; i < 1000; i++) /* room has to be made, too */
        eddy_call_soon_threadsafe(loop, stop, loop);

    ASSERT_INT_EQ(errno, ERANGE);
}

TEST(posts_to_two_loops_do_not_mix) {
    LOOP one = test_loop();
    LOOP two = test_loop();
    struct trace trace = {0};
    ASSERT_OK(eddy_call_soon_threadsafe(one, mark, MARK(&trace, "one")));
    ASSERT_OK(eddy_call_soon_threadsafe(two, mark, MARK(&trace, "two")));
    ASSERT_OK(eddy_loop_run_once(two, 0));
    ASSERT_STR_EQ(trace.text, "two");
    ASSERT_OK(eddy_loop_run_once(one, 0));
    ASSERT_STR_EQ(trace.text, "two one");
}

/* A loop whose doorbell has nothing but its eventfd. */
static eddy_loop *loop_with_eventfd(void) {
    eddy_loop *loop = test_loop();

    loop->wakeup.bell.send = NULL;
    return loop;
}

/* How often that was written since it was last looked at. */
static uint64_t writes_of(eddy_loop *loop) {
    uint64_t writes = 0;

    return read(loop->wakeup.bell.event_fd, &writes, sizeof(writes)) < 0 ? 0 : writes;
}

TEST(a_burst_wakes_a_sleeping_loop_once) {
    LOOP loop = loop_with_eventfd();
    writes_of(loop);
    ASSERT(eddy__wakeup_sleep(&loop->wakeup));
    for (int i = 0; i < 1000; i++)
        ASSERT_OK(eddy_call_soon_threadsafe(loop, stop, loop));

    ASSERT_UINT_EQ(writes_of(loop), 1);
    ASSERT(!eddy__wakeup_sleep(&loop->wakeup)); /* it must not sleep over them */
}

static void post_and_see_no_write(void *arg) {
    eddy_loop *loop = arg;

    writes_of(loop);
    ASSERT_OK(eddy_call_soon_threadsafe(loop, stop, loop));
    ASSERT_UINT_EQ(writes_of(loop), 0);
}

TEST(a_loop_that_is_awake_is_not_woken) {
    LOOP loop = loop_with_eventfd();
    turn(loop); /* before the first one it counts as asleep */
    eddy_call_soon(loop, post_and_see_no_write, loop);
    eddy_call_later(loop, 1, post_and_see_no_write, loop); /* after a wait, too */
    for (int i = 0; i < 2; i++)
        ASSERT_OK(eddy_loop_run_forever(loop));
}

/* Pages of addresses that this process has. */
static long pages(void) {
    long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");

    ASSERT_NOT_NULL(file);
    ASSERT_INT_EQ(fscanf(file, "%ld", &pages), 1);
    fclose(file);
    return pages;
}

TEST(posts_that_were_run_are_used_again) {
    LOOP loop = test_loop();
    int ran = 0;
    long before = 0;
    for (int i = 0; i < 200000; i++) {
        ASSERT_OK(eddy_call_soon_threadsafe(loop, count, &ran));
        if (i % 100 == 0)
            turn(loop);
        if (i == 1000)
            before = pages();
    }
    turn(loop);

    /* New memory for each post would be 2,000 pages; an emulator takes some of its own. */
    ASSERT_INT_EQ(ran, 200000);
    ASSERT(pages() - before < 500);
}

/* --- several threads -------------------------------------------------------------------------- */

struct sender {
    eddy_loop *loop;
    pthread_t thread, *receiver;
    int number, sent;
};

/* What the loop has got; only its own thread writes. */
static struct {
    int received, last[THREADS];
    pthread_t thread;
} inbox;

struct letter {
    int sender, number;
};

static void receive(void *arg) {
    const struct letter *letter = arg;

    ASSERT(pthread_equal(pthread_self(), inbox.thread));
    ASSERT_INT_EQ(letter->number, ++inbox.last[letter->sender]); /* in the sender's order */
    if (++inbox.received == THREADS * EACH)
        eddy_loop_stop(eddy_running_loop());
}

static void *send_all(void *arg) {
    static struct letter letters[THREADS][EACH];
    struct sender *sender = arg;

    for (int i = 0; i < EACH; i++) {
        letters[sender->number][i] = (struct letter){sender->number, i + 1};
        ASSERT_OK(eddy_call_soon_threadsafe(sender->loop, receive, &letters[sender->number][i]));
    }
    return NULL;
}

TEST(posts_of_several_threads_all_arrive_each_threads_in_order) {
    LOOP loop = loop_of_clock(EDDY_CLOCK_MONOTONIC);
    struct sender senders[THREADS];
    inbox.thread = pthread_self();
    for (int i = 0; i < THREADS; i++) {
        senders[i] = (struct sender){.loop = loop, .number = i};
        pthread_create(&senders[i].thread, NULL, send_all, &senders[i]);
    }
    ASSERT_OK(eddy_loop_run_forever(loop));
    for (int i = 0; i < THREADS; i++)
        pthread_join(senders[i].thread, NULL);

    ASSERT_INT_EQ(inbox.received, THREADS * EACH);
}

struct ball {
    eddy_loop *here, *there;
    int left;
};

/* A round trip between two loops that sleep in between: every lost wake-up would hang it. */
static void throw_ball(void *arg) {
    struct ball *ball = arg;
    eddy_loop *here = ball->here;

    if (--ball->left <= 0)
        eddy_loop_stop(here);
    if (ball->left < 0)
        return;
    ball->here = ball->there;
    ball->there = here;
    ASSERT_OK(eddy_call_soon_threadsafe(ball->here, throw_ball, ball));
}

static void *run_loop(void *loop) {
    ASSERT_OK(eddy_loop_run_forever(loop));
    return NULL;
}

static void play_ball(double spin_seconds, int throws) {
    const eddy_loop_options options = {.poll_spin_seconds = spin_seconds};
    eddy_loop *one, *two;
    pthread_t thread;
    ASSERT_OK(eddy_loop_new(&options, &one));
    ASSERT_OK(eddy_loop_new(&options, &two));
    struct ball ball = {.here = one, .there = two, .left = throws};
    pthread_create(&thread, NULL, run_loop, two);
    ASSERT_OK(eddy_call_soon_threadsafe(one, throw_ball, &ball));
    ASSERT_OK(eddy_loop_run_forever(one));
    pthread_join(thread, NULL);

    ASSERT_INT_EQ(ball.left, -1);
    eddy_loop_stop(two); /* takes it over, to close it here */
    ASSERT_OK(eddy_loop_run_forever(two));
    eddy_loop_close(two);
    eddy_loop_close(one);
}

TEST(a_sleeping_loop_is_woken_every_time) {
    play_ball(0, 4000);
}

TEST(a_loop_that_looks_for_a_while_before_it_sleeps_sees_every_post) {
    play_ball(1e-9, 100);
    play_ball(20e-6, 100);
    play_ball(60, 20);
}

static void *post_until_refused(void *loop) {
    static int ran;
    int r;

    while ((r = eddy_call_soon_threadsafe(loop, count, &ran)) == 0)
        continue;
    ASSERT_CODE(EDDY_ESHUTDOWN, r);
    eddy_loop_unref(loop);
    return NULL;
}

TEST(threads_may_post_while_the_loop_is_closed) {
    for (int i = 0; i < 20; i++) {
        eddy_loop *loop = test_loop();
        pthread_t thread;
        pthread_create(&thread, NULL, post_until_refused, eddy_loop_ref(loop));
        turn(loop);
        eddy_loop_close(loop);
        pthread_join(thread, NULL);
    }
}

/* --- the end ---------------------------------------------------------------------------------- */

TEST(what_was_posted_to_a_loop_that_is_closed_never_runs) {
    struct trace trace = {0};
    eddy_loop *loop = test_loop();
    ASSERT_OK(eddy_call_soon_threadsafe(loop, mark, MARK(&trace, "posted")));
    eddy_loop_close(loop);

    ASSERT_STR_EQ(trace.text, ""); /* as what was called soon; there is no running loop for it */
}

TEST(callbacks_that_were_never_run_are_used_again) {
    int ran = 0;
    for (int i = 0; i < 20; i++) {
        eddy_loop *loop = test_loop();
        for (int j = 0; j < 1000; j++)
            ASSERT_OK(eddy_call_soon_threadsafe(loop, count, &ran));
        eddy_loop_close(loop);
    }
    ASSERT_INT_EQ(ran, 0);
}

/* A post of eddy's own: it belongs to somebody who must hear of it, whatever becomes of the loop.
 */
struct own_post {
    struct eddy__post post;
    eddy_loop *loop;
    int run, refused;
};

static void own_post_run(struct eddy__post *post) {
    struct own_post *own = container_of(post, struct own_post, post);
    struct eddy__post next = {.run = own_post_run};

    own->run++;
    own->refused = eddy__loop_post(own->loop, &next);
}

TEST(a_post_of_eddys_own_is_run_by_the_close_which_takes_no_more) {
    struct own_post own = {.post.run = own_post_run, .loop = test_loop()};
    ASSERT_OK(eddy__loop_post(own.loop, &own.post));
    eddy_loop_close(own.loop);

    ASSERT_INT_EQ(own.run, 1);
    ASSERT_CODE(EDDY_ESHUTDOWN, own.refused);
}

/* --- signal handlers -------------------------------------------------------------------------- */

static eddy_loop *signalled;
static int from_handlers;
static volatile sig_atomic_t handled;

static void post_from_handler(int signo) {
    (void)signo;
    handled++;
    if (eddy_call_soon_threadsafe(signalled, count, &from_handlers) < 0)
        handled += 1000000;
}

static void handle_signal(eddy_loop *loop, int signo) {
    struct sigaction action = {.sa_handler = post_from_handler, .sa_flags = SA_RESTART};
    signalled = loop;
    ASSERT_INT_EQ(sigaction(signo, &action, NULL), 0);
}

TEST(a_signal_handler_may_post) {
    LOOP loop = test_loop();
    handle_signal(loop, SIGUSR1);
    for (int i = 0; i < 1000; i++)
        raise(SIGUSR1);
    turn(loop);

    ASSERT_INT_EQ(from_handlers, 1000);
}

struct target {
    pthread_t thread;
    atomic_bool is_done;
};

static void *send_signals(void *arg) {
    struct target *target = arg;

    while (!atomic_load(&target->is_done)) {
        pthread_kill(target->thread, SIGUSR1);
        sched_yield();
    }
    return NULL;
}

TEST(a_signal_handler_may_interrupt_a_post_and_post_itself) {
    LOOP loop = test_loop();
    struct target target = {.thread = pthread_self()};
    pthread_t thread;
    int posted = 0;
    handle_signal(loop, SIGUSR1);
    pthread_create(&thread, NULL, send_signals, &target);
    for (int i = 0; i < 50000; i++) {
        ASSERT_OK(eddy_call_soon_threadsafe(loop, count, &posted));
        if (i % 1000 == 0)
            turn(loop);
    }
    atomic_store(&target.is_done, true);
    pthread_join(thread, NULL);
    signal(SIGUSR1, SIG_IGN);
    turn(loop);

    ASSERT_INT_EQ(posted, 50000);
    ASSERT_INT_EQ(from_handlers, handled);
}

static void *raise_soon(void *arg) {
    pthread_kill(*(pthread_t *)arg, SIGUSR1);
    return NULL;
}

static void stop_from_handler(int signo) {
    (void)signo;
    eddy_call_soon_threadsafe(signalled, stop, signalled);
}

TEST(a_post_from_a_signal_handler_wakes_the_loop_it_interrupted) {
    LOOP loop = loop_of_clock(EDDY_CLOCK_MONOTONIC);
    pthread_t thread, self = pthread_self();
    signalled = loop;
    sigaction(SIGUSR1, &(struct sigaction){.sa_handler = stop_from_handler}, NULL);
    pthread_create(&thread, NULL, raise_soon, &self);
    ASSERT_OK(eddy_loop_run_forever(loop));
    pthread_join(thread, NULL);
}
