/* SPDX-License-Identifier: MIT
 * executor.c - eddy_run_in_executor(): a job that nobody need wait for, behind a shared future.
 *
 *   waits -cancel, shutdown-> done, -ECANCELED;  waits -a thread is free-> works -> done
 *
 * It belongs to no loop: any thread gives one, and any awaits it. Read next: executor_close.c (the
 * life of a pool). */
#include <errno.h>
#include <stdio.h>

#include <eddy/executor.h>

#include "memory.h"
#include "scheduler.h"
#include "shared.h"

struct executor_job {
    struct eddy__shared shared; /* first. One reference is its asker's, one the pool's until it is
                                   done */
    struct eddy__job job;
    eddy_executor *executor; /* a reference: a cancel may come when the job is done already */
    eddy_loop *home;         /* a reference: who reports a failure that nobody hears of; or NULL */
    struct eddy__post report;
    const char *origin;
    eddy_fn *fn;
    void *arg;
    int result;
    const eddy_error *error; /* a reference, from the pool's thread */
};

static struct executor_job *job_of(eddy_future *future) {
    return container_of(future, struct executor_job, shared.future);
}

/* --- the life of the future ------------------------------------------------------------------- */

static void job_describe(const eddy_future *future, char *text, size_t size) {
    const struct executor_job *job = container_of(future, struct executor_job, shared.future);
    eddy_slice name = eddy__origin_function(job->origin, true);

    snprintf(text, size, "job \"%.*s\" (created at %s)", (int)MIN(name.size, 64), name.data,
             job->origin);
}

static void job_free(struct executor_job *job) {
    eddy__shared_deinit(&job->shared);
    eddy_error_unref(job->error);
    eddy__executor_unref(job->executor);
    eddy_loop_unref(job->home);
    eddy__free(job);
}

static void job_report(struct eddy__post *post) {
    struct executor_job *job = container_of(post, struct executor_job, report);

    eddy__future_report(&job->shared.future, job->home);
    job_free(job);
}

static void job_end(eddy_future *future) {
    struct executor_job *job = job_of(future);

    job->report.run = job_report;
    if (!eddy__shared_report(future, job->home, &job->report))
        job_free(job);
}

static bool job_cancel(eddy_future *future, const char *reason) {
    struct executor_job *job = job_of(future);

    if (!eddy__executor_withdraw(&job->job))
        return false; /* it works, and is not interrupted */
    eddy__shared_complete(&job->shared, -ECANCELED,
                          reason ? eddy__error_format(-ECANCELED, "%s", reason) : NULL);
    eddy__shared_unref(future);
    return true;
}

static const struct eddy__future_class job_class = {
    .cancel = job_cancel, .describe = job_describe, .free = job_end};

/* --- in the pool ------------------------------------------------------------------------------ */

/* Its last error goes along with the result, if that belongs to it. */
static void job_work(struct eddy__job *job) {
    struct executor_job *mine = container_of(job, struct executor_job, job);

    mine->result = mine->fn(mine->arg);
    mine->error = eddy__error_behind(mine->result);
    eddy__error_set(eddy__thread_error_slot(), NULL);
}

static void job_done(struct eddy__job *job) {
    struct executor_job *mine = container_of(job, struct executor_job, job);

    if (job->was_dropped) {
        mine->result = -ECANCELED;
        mine->error =
            eddy__error_format(-ECANCELED, "the executor was shut down before the job could start");
    }
    eddy__shared_complete(&mine->shared, mine->result, TAKE_POINTER(mine->error));
    eddy__shared_unref(&mine->shared.future);
}

/* --- from any thread -------------------------------------------------------------------------- */

static int executor_choose(eddy_executor **executor) {
    eddy_loop *loop = NULL;
    int r;

    if (*executor)
        return 0;
    if (eddy__thread.in_pool && !eddy__thread.running)
        return eddy_raise(EDDY_EWRONG_THREAD,
                          "a thread of a pool has no loop, and so no default executor: name one");
    r = eddy__loop_find(&loop);
    return r < 0 ? r : eddy__loop_executor(loop, executor);
}

static struct executor_job *job_new(const char *origin, eddy_fn *fn, void *arg) {
    eddy_loop *home = eddy__thread.running;
    struct executor_job *job = eddy__alloc(sizeof(*job));

    if (!job)
        return NULL;
    *job = (struct executor_job){
        .job = {.work = job_work, .done = job_done, .is_limited = true},
        .home = home ? eddy_loop_ref(home) : NULL,
        .origin = origin,
        .fn = fn,
        .arg = arg,
    };
    eddy__shared_init(&job->shared, &job_class);
    return job;
}

eddy_future *eddy_run_in_executor_at(const char *origin, eddy_executor *executor, eddy_fn *fn,
                                     void *arg) {
    struct executor_job *job = job_new(origin, fn, arg);
    int r;

    if (!job) {
        eddy__fail(-ENOMEM);
        return NULL;
    }
    r = executor_choose(&executor);
    if (r == 0) {
        job->executor = eddy__executor_ref(executor);
        eddy__shared_ref(&job->shared.future);
        r = eddy__executor_submit(executor, &job->job);
    }
    if (r < 0) {
        if (job->executor)
            eddy__shared_unref(&job->shared.future);
        eddy__shared_complete(&job->shared, r, eddy_error_ref(eddy_last_error()));
    }
    return &job->shared.future;
}
