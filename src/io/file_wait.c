/* SPDX-License-Identifier: MIT
 * file_wait.c - questions that can be left behind, and changes that cannot. */
#include "file_wait.h"

#include <errno.h>

#include "scheduler.h"
#include "util.h"

static void drop_call(const struct eddy__file_drop *drop) {
    if (drop->fn)
        drop->fn(drop->arg);
}

static void disk_look(const struct eddy__wait *wait, struct eddy__look *look) {
    (void)wait;
    eddy__look_name(look, "a disk");
}

/* --- questions ---------------------------------------------------------------------------------
 */

struct question_wait {
    struct eddy__wait wait;
    struct eddy__task *task;
    struct eddy__file_job *job; /* NULL: left behind */
    struct eddy__file_drop drop;
    bool is_done;
};

static void question_done(struct eddy__file_job *job) {
    struct question_wait *question = job->waiter;

    question->is_done = true;
    eddy__task_wake(question->task);
}

static void question_cancelled(struct eddy__wait *wait) {
    struct question_wait *question = container_of(wait, struct question_wait, wait);

    if (question->is_done)
        return;
    eddy__file_job_abandon(TAKE_POINTER(question->job));
    eddy__task_wake(question->task);
}

/* One that is not done is its thread's: the closed loop does not take it back. */
static void question_dropped(struct eddy__wait *wait) {
    struct question_wait *question = container_of(wait, struct question_wait, wait);

    if (question->is_done)
        question->job->free(question->job);
    drop_call(&question->drop);
}

ssize_t eddy__file_ask(struct eddy__task *task, struct eddy__file_job **job,
                       struct eddy__file_drop drop) {
    struct question_wait question = {
        .wait = {.cancel = question_cancelled, .drop = question_dropped, .look = disk_look},
        .task = task,
        .job = *job,
        .drop = drop};
    int r;

    question.job->done = question_done;
    question.job->waiter = &question;
    r = eddy__file_job_submit(task->future.loop, question.job);
    if (r < 0)
        return r;
    eddy__task_park(task, &question.wait);
    *job = question.job;
    return question.job ? question.job->result : eddy__task_fail_cancelled(task);
}

/* --- changes -----------------------------------------------------------------------------------
 */

struct change_wait {
    struct eddy__wait wait;
    struct eddy__task *task;
    struct eddy__job job;
    struct eddy__file_drop drop;
    ssize_t (*fn)(void *arg);
    void *arg;
    ssize_t result;
    bool has_begun, was_cancelled;
};

/* In the pool's thread. */
static void change_work(struct eddy__job *job) {
    struct change_wait *change = container_of(job, struct change_wait, job);

    eddy__file_pool_enter();
    change->result = change->fn(change->arg);
}

static void change_done(struct eddy__job *job) {
    eddy__task_wake(container_of(job, struct change_wait, job)->task);
}

static void change_cancelled(struct eddy__wait *wait) {
    struct change_wait *change = container_of(wait, struct change_wait, wait);

    if (change->has_begun || !eddy__executor_withdraw(&change->job))
        return;
    change->was_cancelled = true;
    eddy__task_wake(change->task);
}

/* The loop has waited for it, if it had begun. */
static void change_dropped(struct eddy__wait *wait) {
    drop_call(&container_of(wait, struct change_wait, wait)->drop);
}

ssize_t eddy__file_change(struct eddy__task *task, ssize_t (*fn)(void *arg), void *arg,
                          bool has_begun, struct eddy__file_drop drop) {
    struct change_wait change = {
        .wait = {.cancel = change_cancelled, .drop = change_dropped, .look = disk_look},
        .task = task,
        .job = {.work = change_work, .done = change_done, .loop = task->future.loop},
        .drop = drop,
        .fn = fn,
        .arg = arg,
        .has_begun = has_begun};
    eddy_executor *pool = eddy__file_pool();
    int r = pool ? eddy__executor_submit(pool, &change.job) : eddy__fail(-ENOMEM);

    if (r < 0)
        return r;
    eddy__task_park(task, &change.wait);
    return change.was_cancelled ? eddy__task_fail_cancelled(task) : change.result;
}

/* --- a rest ------------------------------------------------------------------------------------
 */

struct rest {
    struct eddy__wait wait;
    struct eddy__file_drop drop;
};

static void rest_dropped(struct eddy__wait *wait) {
    drop_call(&container_of(wait, struct rest, wait)->drop);
}

void eddy__file_step_back(struct eddy__task *task, struct eddy__file_drop drop) {
    struct rest rest = {.wait = {.drop = rest_dropped}, .drop = drop};

    task->wait = &rest.wait;
    eddy__task_step_back(task);
    task->wait = NULL;
}
