/* SPDX-License-Identifier: MIT
 * walk.c - goes through the table: a cancel before, during and after each call. */
#include <dirent.h>
#include <stdio.h>
#include <unistd.h>

#include "row.h"

static const struct row *walked; /* whose turn it is */

#define CHECK(condition) \
    ((condition) ? (void)0 : TEST_FAIL("%s: not so: %s", walked->name, #condition))
#define CHECK_CODE(expected, r)                                                       \
    ((r) == (expected) ? (void)0                                                      \
                       : TEST_FAIL("%s: %s is %s; it should be %s", walked->name, #r, \
                                   (r) < 0 ? eddy_error_name(r) : "no error",         \
                                   (expected) < 0 ? eddy_error_name(expected) : "no error"))
#define CHECK_OK(r) \
    ((r) >= 0 ? (void)0 : TEST_FAIL("%s: %s is %s", walked->name, #r, eddy_error_name(r)))

static bool is(enum trait trait) {
    return (walked->traits & trait) != 0;
}

/* Yields alone reach the poll when a turn's budget is spent. */
void let_run(void) {
    eddy_shield_scope shield;

    eddy_shield_begin(&shield);
    for (int i = 0; i < 4 * 256; i++)
        eddy_yield();
    eddy_shield_end(&shield);
}

/* --- a task around the call ------------------------------------------------------------------- */

struct caller {
    struct scene *scene;
    bool is_cancelled_first, is_shielded;
    double timeout; /* > 0: around the call */
    int result;
    int cancelling; /* when it came back */
    bool has_returned;
};

static int guarded_call(struct caller *caller) {
    eddy_shield_scope shield;
    eddy_timeout timeout;
    int r;

    if (caller->is_shielded)
        eddy_shield_begin(&shield);
    if (caller->timeout > 0)
        eddy_timeout_begin(&timeout, caller->timeout);
    r = walked->call(caller->scene);
    if (caller->timeout > 0)
        r = eddy_timeout_end(&timeout, r);
    if (caller->is_shielded)
        eddy_shield_end(&shield);
    return r;
}

/* A cancel that came too late for the call refuses the next one. */
static int make_call(void *arg) {
    struct caller *caller = arg;

    if (caller->is_cancelled_first)
        eddy_cancel(eddy_current_task());
    caller->result = guarded_call(caller);
    caller->has_returned = true;
    caller->cancelling = eddy_cancelling();
    CHECK_CODE(caller->cancelling > 0 ? -ECANCELED : 0, eddy_yield());
    return 0;
}

/* In front of the call, or in it if it waits. */
static eddy_task *start(struct caller *caller) {
    eddy_task *task = eddy_create_task(make_call, caller);

    CHECK(task != NULL);
    if (!is(BRIEF))
        let_run();
    while (is(FINISHES) && !caller->is_cancelled_first && !caller->scene->has_begun)
        let_run();
    CHECK(is(BRIEF) || caller->is_cancelled_first || !caller->has_returned);
    return task;
}

static int finish(eddy_task *task, struct caller *caller) {
    for (int i = 0; i < 5000 && !eddy_is_done(task); i++) {
        let_run();
        if (!eddy_is_done(task))
            usleep(1000);
    }
    CHECK(eddy_is_done(task)); /* it hangs */
    eddy_detach(task);
    return caller->result;
}

static void complete(struct scene *scene) {
    if (walked->complete)
        walked->complete(scene);
    else if (walked->seconds > 0)
        CHECK_OK(eddy_sleep(walked->seconds));
}

/* Whether nothing was lost: the call can be made as if nothing had been. (A thread that was let go
 * before it began finds that, and does not wait.) */
static void call_again(struct scene *scene, bool is_completed) {
    struct caller caller = {.scene = scene};
    eddy_task *task;

    if (is(TAKES) || is(NEVER))
        return;
    task = eddy_create_task(make_call, &caller);
    let_run();
    CHECK(is_completed || is(BRIEF) || is(FINISHES) || !caller.has_returned);
    if (!is_completed)
        complete(scene);
    CHECK_OK(finish(task, &caller));
}

/* What was lent is ours again, once the call has returned. */
static void complete_late(struct scene *scene) {
    char before[sizeof(scene->lent)];

    memset(scene->lent, 0x5a, sizeof(scene->lent));
    memcpy(before, scene->lent, sizeof(before));
    complete(scene);
    let_run();
    CHECK(memcmp(before, scene->lent, sizeof(before)) == 0);
}

/* After a call that was cancelled before its completion came. */
static void check_not_lost(struct scene *scene) {
    if (is(LATCHES))
        complete_late(scene);
    call_again(scene, is(LATCHES));
}

/* --- the walks -------------------------------------------------------------------------------- */

void walk_refused(const struct row *row, struct scene *scene) {
    struct caller caller = {.scene = scene, .is_cancelled_first = true};
    double before = eddy_time();

    (void)row;
    CHECK_CODE(-ECANCELED, finish(start(&caller), &caller));
    CHECK(is(THREAD) || eddy_time() == before);
    check_not_lost(scene);
}

void walk_while_it_waits(const struct row *row, struct scene *scene) {
    struct caller caller = {.scene = scene};
    eddy_task *task = start(&caller);

    (void)row;
    CHECK(eddy_cancel(task));
    if (is(BRIEF)) {
        CHECK_OK(finish(task, &caller));
        return;
    }
    if (is(FINISHES)) {
        let_run();
        CHECK(!caller.has_returned);
        complete(scene);
        CHECK_OK(finish(task, &caller));
        CHECK(caller.cancelling == 1);
        return;
    }
    CHECK_CODE(-ECANCELED, finish(task, &caller));
    check_not_lost(scene);
}

static void cancel_task(void *task) {
    eddy_cancel(task);
}

/* Time completes it, and a callback cancels it in the same instant. Whose timer was armed first is
 * of no account: all of an instant fire before any of it runs. But who is first in the queue then
 * says whether the cancel finds the call still on its way back. */
static void cancel_in_time(struct caller *caller, bool is_before) {
    eddy_task *task = eddy_create_task(make_call, caller);
    eddy_handle handle = {0};

    if (is_before)
        handle = eddy_call_later(NULL, walked->seconds, cancel_task, task);
    eddy_yield();
    if (!is_before)
        handle = eddy_call_later(NULL, walked->seconds, cancel_task, task);
    CHECK(handle.token != 0);
    CHECK_OK(eddy_sleep(walked->seconds));
    CHECK_OK(finish(task, caller));
    CHECK(caller->cancelling == is_before);
}

void walk_completed_then_cancelled(const struct row *row, struct scene *scene) {
    struct caller caller = {.scene = scene};
    eddy_task *task;
    int r;

    if (row->seconds > 0)
        cancel_in_time(&caller, false);
    if (row->seconds > 0 || is(NEVER))
        return;
    task = start(&caller);
    complete(scene);
    eddy_cancel(task);
    r = finish(task, &caller);
    CHECK(r >= 0 || (r == -ECANCELED && !is(HANDS) && !is(FINISHES)));
    CHECK(is(BRIEF) || caller.cancelling == 1);
    if (r < 0)
        call_again(scene, is(LATCHES));
}

void walk_cancelled_then_completed(const struct row *row, struct scene *scene) {
    struct caller caller = {.scene = scene};
    eddy_task *task;
    int r;

    if (row->seconds > 0)
        cancel_in_time(&caller, true);
    if (row->seconds > 0 || is(NEVER) || is(BRIEF))
        return;
    task = start(&caller);
    eddy_cancel(task);
    complete(scene);
    r = finish(task, &caller);
    CHECK(r == (is(FINISHES) ? 0 : -ECANCELED) || (is(RACES) && r >= 0));
    CHECK(caller.cancelling == 1);
    if (r < 0)
        call_again(scene, is(LATCHES));
}

struct completer {
    struct scene *scene;
    double seconds;
};

static int complete_in_time(void *arg) {
    const struct completer *completer = arg;

    CHECK_OK(eddy_sleep(completer->seconds));
    complete(completer->scene);
    return 0;
}

/* The time-out expires in the instant of the completion. */
static void time_out(struct scene *scene, bool is_completed_first) {
    struct completer completer = {scene, is(THREAD) ? 0.002 : 1};
    struct caller caller = {.scene = scene, .timeout = completer.seconds};
    eddy_task *peer = NULL, *task;
    int r;

    if (is_completed_first)
        peer = eddy_create_task(complete_in_time, &completer);
    task = eddy_create_task(make_call, &caller);
    if (!is_completed_first)
        peer = eddy_create_task(complete_in_time, &completer);
    CHECK_OK(eddy_await(peer));
    r = finish(task, &caller);
    CHECK(r >= 0 || r == -ETIMEDOUT);
    CHECK(caller.cancelling == 0);
    if (r < 0)
        call_again(scene, is(LATCHES));
}

void walk_timed_out_meanwhile(const struct row *row, struct scene *scene) {
    if (is(NEVER) || is(BRIEF) || row->seconds > 0)
        return;
    time_out(scene, false);
    if (is(TAKES))
        return;
    row->tear_down(scene);
    *scene = (struct scene){.peer = -1, .listener = -1};
    row->set_up(scene);
    time_out(scene, true);
}

void walk_shielded(const struct row *row, struct scene *scene) {
    struct caller caller = {.scene = scene, .is_shielded = true};
    eddy_task *task;

    (void)row;
    if (is(NEVER) || is(BRIEF))
        return;
    task = start(&caller);
    CHECK(eddy_cancel(task));
    let_run();
    CHECK(!caller.has_returned);
    complete(scene);
    CHECK_OK(finish(task, &caller));
    CHECK(caller.cancelling == 1);
}

void walk_cancelled_twice(const struct row *row, struct scene *scene) {
    struct caller caller = {.scene = scene};
    eddy_task *task = start(&caller);

    (void)row;
    if (is(BRIEF)) {
        finish(task, &caller);
        return;
    }
    CHECK(eddy_cancel(task));
    CHECK(eddy_cancel(task));
    if (is(FINISHES)) {
        let_run();
        CHECK(eddy_cancel(task));
        complete(scene);
        CHECK_OK(finish(task, &caller));
        return;
    }
    CHECK_CODE(-ECANCELED, finish(task, &caller));
    CHECK(caller.cancelling == 2);
    check_not_lost(scene);
}

/* The first who waits is cancelled, before the completion or right after it: then the second gets
 * what the first did not. */
static void two_wait(struct scene *scene, bool is_cancelled_first) {
    struct caller callers[2] = {{.scene = scene}, {.scene = scene}};
    eddy_task *first = start(&callers[0]), *second = start(&callers[1]);
    int r;

    if (is_cancelled_first)
        eddy_cancel(first);
    complete(scene);
    if (!is_cancelled_first)
        eddy_cancel(first);
    r = finish(first, &callers[0]);
    CHECK_CODE(is_cancelled_first ? -ECANCELED : 0, r);
    let_run();
    CHECK(callers[1].has_returned == (r < 0));
    if (r == 0)
        complete(scene);
    CHECK_OK(finish(second, &callers[1]));
}

void walk_two_wait(const struct row *row, struct scene *scene) {
    if (!is(ONE_EACH))
        return;
    two_wait(scene, true);
    row->tear_down(scene);
    *scene = (struct scene){.peer = -1, .listener = -1};
    row->set_up(scene);
    two_wait(scene, false);
}

/* --- loops ------------------------------------------------------------------------------------ */

static int count_descriptors(void) {
    DIR *directory = opendir("/proc/self/fd");
    int count = -1; /* its own */

    for (struct dirent *entry; (entry = readdir(directory));)
        count += entry->d_name[0] != '.';
    closedir(directory);
    return count;
}

static eddy_loop *loop_of_row(void) {
    const eddy_loop_options options = {
        .clock = is(THREAD) ? EDDY_CLOCK_MONOTONIC : EDDY_CLOCK_VIRTUAL, .executor_threads = 1};
    eddy_loop *loop;

    ASSERT_OK(eddy_loop_new(&options, &loop));
    return loop;
}

static int run_in(eddy_loop *loop, eddy_fn *fn, void *arg) {
    return eddy_loop_run_until_complete(
        loop, eddy_create_task_with(&(eddy_task_options){.loop = loop}, fn, arg));
}

static int walk_row(void *arg) {
    struct scene scene = {.peer = -1, .listener = -1};

    if (is(NO_TASK)) {
        CHECK_CODE(-EDEADLK, walked->call(&scene));
        return 0;
    }
    walked->set_up(&scene);
    (*(walk_fn **)arg)(walked, &scene);
    walked->tear_down(&scene);
    let_run();
    CHECK(eddy_all_tasks(eddy_running_loop(), NULL, 0) == 1);
    return 0;
}

/* A look-up's thread lets go of its loop a moment later. */
static void check_descriptors(int before) {
    for (int i = 0; i < 1000 && count_descriptors() > before; i++)
        usleep(1000);
    if (count_descriptors() > before)
        TEST_FAIL("%s: %d descriptors were open, now %d", walked->name, before,
                  count_descriptors());
}

static void each_row(const struct row *const tables[], void (*visit)(void *), void *arg) {
    int before = count_descriptors();

    for (; *tables; tables++)
        for (walked = *tables; walked->name; walked++) {
            visit(arg);
            check_descriptors(before);
        }
}

static void walk_in_loop(void *walk) {
    eddy_loop *loop = loop_of_row();

    CHECK_OK(run_in(loop, walk_row, walk));
    ASSERT_NULL(eddy_loop_close(loop));
}

void walk_all(walk_fn *walk, const struct row *const tables[]) {
    each_row(tables, walk_in_loop, &walk);
}

/* --- the close -------------------------------------------------------------------------------- */

static int leave_waiting(void *arg) {
    struct caller *caller = arg;

    walked->set_up(caller->scene);
    eddy_detach(start(caller));
    return 0;
}

static void ignore_log(eddy_log_level level, const char *text, void *arg) {
    (void)level, (void)text, (void)arg;
}

static void close_over(void *unused) {
    struct scene scene = {.peer = -1, .listener = -1};
    struct caller caller = {.scene = &scene};
    eddy_loop *loop;

    (void)unused;
    if (is(NO_TASK))
        return;
    loop = loop_of_row();
    CHECK_OK(run_in(loop, leave_waiting, &caller));
    if (is(THREAD))
        complete(&scene); /* a close waits for the threads */
    ASSERT_NULL(eddy_loop_close(loop));
    CHECK(is(BRIEF) || is(THREAD) || !caller.has_returned);
    walked->tear_down(&scene);
}

void close_all(const struct row *const tables[]) {
    ASSERT_OK(eddy_yield()); /* a tear-down may suspend, in the thread's default loop: it is there
                                before descriptors are counted */
    eddy_set_log(ignore_log, NULL); /* tasks that had not ended */
    each_row(tables, close_over, NULL);
    eddy_set_log(NULL, NULL);
}
