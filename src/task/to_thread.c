/* SPDX-License-Identifier: MIT
 * to_thread.c - eddy_to_thread() and eddy_to_executor(): a job on the waiting task's stack.
 *
 * A job that has started is waited for, cancelled or not: its argument may live on the caller's
 * stack. Read next: executor.c (jobs that nobody waits for). */
#include <errno.h>

#include "local.h"
#include "scheduler.h"

struct thread_wait {
    struct eddy__wait wait;
    struct eddy__job job;
    struct eddy__task *task;
    eddy_executor *executor; /* a reference: a cancel may come when the job is done already */
    eddy_fn *fn;
    void *arg;
    eddy_context *context; /* the task's, which is parked meanwhile; borrowed */
    int result;
    const eddy_error *error; /* a reference, from the pool's thread */
    bool was_cancelled;
};

/* In the pool's thread. Its last error goes along with the result. */
static void job_work(struct eddy__job *job) {
    struct thread_wait *thread = container_of(job, struct thread_wait, job);
    eddy_context *before = eddy__context_enter(eddy_context_ref(thread->context));

    thread->result = thread->fn(thread->arg);
    thread->error = eddy__error_behind(thread->result);
    eddy__context_leave(before);
    eddy__error_set(eddy__thread_error_slot(), NULL);
}

static void job_done(struct eddy__job *job) {
    eddy__task_wake(container_of(job, struct thread_wait, job)->task);
}

static void thread_cancelled(struct eddy__wait *wait) {
    struct thread_wait *thread = container_of(wait, struct thread_wait, wait);

    if (!eddy__executor_withdraw(&thread->job))
        return; /* it runs: its end is awaited */
    thread->was_cancelled = true;
    eddy__task_wake(thread->task);
}

static void thread_release(struct thread_wait *thread) {
    eddy_error_unref(thread->error);
    eddy__executor_unref(thread->executor);
}

static void thread_dropped(struct eddy__wait *wait) {
    thread_release(container_of(wait, struct thread_wait, wait));
}

static void thread_look(const struct eddy__wait *wait, struct eddy__look *look) {
    (void)wait;
    eddy__look_name(look, "a thread of the pool");
}

/* What fn returned, with its sentence if that belongs to it. */
static int thread_result(const struct thread_wait *thread) {
    int r = thread->result;

    if (thread->was_cancelled)
        return eddy__task_fail_cancelled(thread->task);
    if (thread->job.was_dropped)
        return eddy_raise(-ECANCELED, "the executor was shut down before the job could start");
    if (r >= 0)
        return r;
    return thread->error ? eddy__fail_with(thread->error) : eddy__fail(r);
}

/* Suspends. */
static int thread_run(struct thread_wait *thread) {
    int r;

    thread->job.loop = thread->task->future.loop;
    thread->job.work = job_work;
    thread->job.done = job_done;
    r = eddy__executor_submit(thread->executor, &thread->job);
    if (r < 0)
        return r;
    eddy__task_park(thread->task, &thread->wait);
    return thread_result(thread);
}

int eddy_to_executor(eddy_executor *executor, eddy_fn *fn, void *arg) {
    struct thread_wait thread = {
        .wait = {.cancel = thread_cancelled, .drop = thread_dropped, .look = thread_look},
        .fn = fn,
        .arg = arg};
    int r = eddy__checkpoint(NULL, &thread.task);

    if (r == 0 && !executor)
        r = eddy__loop_executor(thread.task->future.loop, &executor);
    if (r < 0)
        return r;
    thread.context = eddy__current ? eddy__current->context : eddy__thread_context;
    thread.executor = eddy__executor_ref(executor);
    r = thread_run(&thread);
    thread_release(&thread);
    return r;
}

int eddy_to_thread(eddy_fn *fn, void *arg) {
    return eddy_to_executor(NULL, fn, arg);
}
