/* SPDX-License-Identifier: MIT
 * executor_close.c - the life of a pool of threads: made, a loop's default, shut down, closed.
 *
 * Closing suspends until the last job is over and joins only then: the loop goes on meanwhile, so
 * that a job may still ask it for something. */
#include <errno.h>
#include <string.h>

#include <eddy/executor.h>

#include "run.h"
#include "scheduler.h"

int eddy_executor_new_sized(const eddy_executor_options *given, size_t given_size,
                            eddy_executor **out) {
    eddy_executor_options options = {0};

    if (given)
        memcpy(&options, given, MIN(given_size, sizeof(options)));
    if (options.threads < 0 || options.queue_max < 0)
        return eddy_raise(-EINVAL, "an executor with %d threads and a queue of %d", options.threads,
                          options.queue_max);
    return eddy__executor_new(&options, out) < 0 ? eddy__fail(-ENOMEM) : 0;
}

void eddy_executor_shutdown(eddy_executor *executor, bool immediate) {
    if (executor && eddy__executor_check(executor) == 0)
        eddy__executor_shutdown(executor, immediate);
}

/* --- waiting for its end ---------------------------------------------------------------------- */

struct executor_closer {
    struct eddy__wait wait;
    struct eddy__executor_end end;
    struct eddy__task *task;
    eddy_executor *executor;
    bool was_cancelled;
};

/* Threads that have no job any more: they end at once. Takes the executor. */
static void executor_free(eddy_executor *executor) {
    eddy__executor_join(executor);
    eddy__executor_unref(executor);
}

static void closer_told(struct eddy__post *post) {
    struct eddy__executor_end *end = container_of(post, struct eddy__executor_end, post);

    end->loop->outside--;
    eddy__task_wake(container_of(end, struct executor_closer, end)->task);
}

/* The wait goes on, for the jobs that work. */
static void closer_cancelled(struct eddy__wait *wait) {
    struct executor_closer *closer = container_of(wait, struct executor_closer, wait);

    closer->was_cancelled = true;
    eddy__executor_shutdown(closer->executor, true);
}

/* The loop is closed over the wait, which must end here. */
static void closer_dropped(struct eddy__wait *wait) {
    struct executor_closer *closer = container_of(wait, struct executor_closer, wait);

    eddy__executor_forget_end(closer->executor, &closer->end);
    eddy__executor_shutdown(closer->executor, true);
    executor_free(closer->executor);
}

/* Suspends. Takes the executor. A task that is refused already waits, too. */
static int executor_end(eddy_executor *executor, struct eddy__task *task, bool is_refused) {
    struct executor_closer closer = {
        .wait = {.cancel = closer_cancelled, .drop = closer_dropped},
        .end = {.post.run = closer_told, .loop = task->future.loop},
        .task = task,
        .executor = executor,
        .was_cancelled = is_refused,
    };

    eddy__executor_shutdown(executor, is_refused);
    if (eddy__executor_await_end(executor, &closer.end)) {
        task->future.loop->outside++;
        eddy__task_park(task, &closer.wait);
    }
    executor_free(executor);
    return closer.was_cancelled ? eddy__task_fail_cancelled(task) : 0;
}

/* As eddy__checkpoint(), but a refused task may go on: *is_refused. */
static int closer_checkpoint(eddy_loop *loop, struct eddy__task **task, bool *is_refused) {
    int r = eddy__checkpoint(loop, task);

    *is_refused = r == -ECANCELED && *task;
    return *is_refused ? 0 : r;
}

int eddy_executor_close(eddy_executor *executor) {
    struct eddy__task *task;
    bool is_refused;
    int r;

    if (!executor)
        return 0;
    r = eddy__executor_check(executor);
    if (r == 0)
        r = closer_checkpoint(NULL, &task, &is_refused);
    return r < 0 ? r : executor_end(executor, task, is_refused);
}

/* --- the default one of a loop ---------------------------------------------------------------- */

int eddy_loop_set_default_executor(eddy_loop *loop, eddy_executor *executor) {
    eddy_executor *former;
    int r = eddy__loop_find(&loop);

    if (r < 0)
        return r;
    former = loop->executor;
    loop->executor = executor ? eddy__executor_ref(executor) : NULL;
    eddy__executor_unref(former);
    return 0;
}

int eddy__shutdown_executor_of(eddy_loop *loop) {
    struct eddy__task *task;
    bool is_refused;
    int r = closer_checkpoint(loop, &task, &is_refused);

    if (r < 0)
        return r;
    loop = task->future.loop;
    loop->executor_is_shut = true;
    eddy__executor_unref(TAKE_POINTER(loop->executor));
    if (loop->own_executor)
        return executor_end(TAKE_POINTER(loop->own_executor), task, is_refused);
    return is_refused ? eddy__task_fail_cancelled(task) : 0;
}

int eddy_shutdown_default_executor(void) {
    return eddy__shutdown_executor_of(NULL);
}
