/* SPDX-License-Identifier: MIT
 * process.c - the life of a process: spawned, signalled, waited for, let go of.
 *
 * The child is watched and reaped by op/child.c; what is here is who waits for it, and whose it
 * is. The record outlives a close until the child, which was killed, has ended. */
#include "process.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>

#include <eddy/pipe.h>

#include "log.h"
#include "memory.h"
#include "scheduler.h"
#include "stream.h"

/* --- its end ---------------------------------------------------------------------------------- */

static void process_free(eddy_process *process) {
    for (int i = 0; i < 2; i++)
        eddy__buffer_deinit(&process->outputs[i]);
    eddy_loop_unref(process->loop);
    eddy__free(process);
}

/* Who waits for its end. Lies on the stack of its task, and has all that it needs when its turn has
 * come: the process may be gone before it runs. */
struct end_wait {
    struct eddy__parked parked;
    int result, status;
};

static void process_tell(eddy_process *process, int code) {
    struct eddy__parked *parked;

    while ((parked = eddy__waiters_first(&process->waiters))) {
        struct end_wait *end_wait = container_of(parked, struct end_wait, parked);
        end_wait->result = process->child.result;
        end_wait->status = process->child.status;
        eddy__parked_wake(parked, code);
    }
}

static void process_ended(struct eddy__child *child) {
    eddy_process *process = container_of(child, eddy_process, child);

    if (process->is_closed)
        process_free(process);
    else
        process_tell(process, 0);
}

/* --- spawning --------------------------------------------------------------------------------- */

/* A stream that is closed by itself leaves the process. Takes fd. */
static int process_open_stream(eddy_process *process, int which, int fd,
                               const eddy_connect_options *options) {
    eddy_stream **stream = &process->streams[which];
    int r = which == 0 ? eddy_open_pipe_writer(fd, options, stream)
                       : eddy_open_pipe_reader(fd, options, stream);

    if (r == 0)
        (*stream)->owner = stream;
    return r;
}

/* The streams come first, so that no child runs when there is no memory for them. */
static int process_open_streams(eddy_process *process, struct process_plan *plan,
                                const eddy_process_options *options) {
    eddy_connect_options stream_options = {.limit_bytes = options->limit_bytes,
                                           .high_water_bytes = options->high_water_bytes};
    int r = 0;

    for (int i = 0; i < 3 && r == 0; i++)
        if (plan->our_fds[i] >= 0)
            r = process_open_stream(process, i, TAKE_FD(plan->our_fds[i]), &stream_options);
    return r;
}

static int process_start(eddy_process *process, struct process_plan *plan,
                         const eddy_process_options *options) {
    int r = process_open_streams(process, plan, options);

    if (r < 0)
        return r;
    r = eddy__child_start(process->loop, &plan->spawn, process_ended, &process->child);
    return r < 0 ? eddy__process_plan_raise(plan, r) : 0;
}

static int process_new(eddy_loop *loop, struct process_plan *plan,
                       const eddy_process_options *options, eddy_process **out) {
    eddy_process *process = eddy__zalloc(sizeof(*process));
    int r;

    if (!process)
        return eddy__fail(-ENOMEM);
    process->loop = eddy_loop_ref(loop);
    process->output_max_bytes = options->output_max_bytes ? options->output_max_bytes : SIZE_MAX;
    r = process_start(process, plan, options);
    if (r < 0) {
        eddy__process_drop_streams(process);
        process_free(process);
        return r;
    }
    *out = process;
    return 0;
}

int eddy_process_spawn_sized(const char *const arguments[], const eddy_process_options *given,
                             size_t given_size, eddy_process **out) {
    CLEANUP(eddy__process_plan_deinit) struct process_plan plan;
    eddy_process_options options = {0};
    eddy_loop *loop = NULL;
    int r;

    if (given)
        memcpy(&options, given, MIN(given_size, sizeof(options)));
    r = eddy__process_plan(&plan, arguments, &options);
    if (r == 0)
        r = eddy__loop_find(&loop);
    return r < 0 ? r : process_new(loop, &plan, &options, out);
}

int eddy_process_spawn_shell_sized(const char *command, const eddy_process_options *options,
                                   size_t options_size, eddy_process **out) {
    const char *const arguments[] = {"/bin/sh", "-c", command, NULL};

    if (!command)
        return eddy_raise(-EINVAL, "there is no command for the shell");
    return eddy_process_spawn_sized(arguments, options, options_size, out);
}

/* --- using it --------------------------------------------------------------------------------- */

int eddy__process_check(const eddy_process *process) {
    return eddy__loop_check(process->loop);
}

static int process_signal(const eddy_process *process, int signo) {
    int r = eddy__process_check(process);

    if (r < 0)
        return r;
    r = eddy__child_signal(&process->child, signo);
    if (r == -ESRCH)
        return eddy_raise(r, "the process %d has ended", (int)process->child.pid);
    return r < 0 ? eddy_raise(r, "cannot send the signal %d to the process %d: %s", signo,
                              (int)process->child.pid, eddy_error_text(r))
                 : 0;
}

int eddy_process_send_signal(eddy_process *process, int signo) {
    return process_signal(process, signo);
}

int eddy_process_terminate(eddy_process *process) {
    return process_signal(process, SIGTERM);
}

int eddy_process_kill(eddy_process *process) {
    return process_signal(process, SIGKILL);
}

int eddy_process_pid(const eddy_process *process) {
    return process->child.pid;
}

eddy_stream *eddy_process_stdin(const eddy_process *process) {
    return process->streams[0];
}

eddy_stream *eddy_process_stdout(const eddy_process *process) {
    return process->streams[1];
}

eddy_stream *eddy_process_stderr(const eddy_process *process) {
    return process->streams[2];
}

/* --- how it ended ----------------------------------------------------------------------------- */

static int status_tell(pid_t pid, int result, int status, int *returncode) {
    if (result == -ECHILD)
        return eddy_raise(result,
                          "how the process %d ended is not known: this program has waited for it "
                          "elsewhere, or ignores SIGCHLD",
                          (int)pid);
    if (result < 0)
        return eddy_raise(result, "the process %d could not be watched, and was killed: %s",
                          (int)pid, eddy_error_text(result));
    if (returncode)
        *returncode = status;
    return 0;
}

int eddy_process_returncode(const eddy_process *process, int *returncode) {
    const struct eddy__child *child = &process->child;

    if (!child->has_ended)
        return eddy_raise(EDDY_EINVALID_STATE, "the process %d still runs", (int)child->pid);
    return status_tell(child->pid, child->result, child->status, returncode);
}

static void process_look(const struct eddy__wait *wait, struct eddy__look *look) {
    (void)wait;
    eddy__look_name(look, "a process");
}

/* Suspends until it has ended. */
static int process_await(eddy_process *process, struct end_wait *end_wait) {
    struct eddy__task *task;
    int r = eddy__checkpoint(process->loop, &task);

    if (r < 0)
        return r;
    if (process->child.has_ended) {
        end_wait->result = process->child.result;
        end_wait->status = process->child.status;
        eddy__task_charge(task);
        return 0;
    }
    eddy__parked_init(&end_wait->parked, task, NULL, process_look);
    eddy__waiters_join(&process->waiters, &process->binding, &end_wait->parked);
    return eddy__parked_wait(&end_wait->parked);
}

int eddy_process_wait(eddy_process *process, int *returncode) {
    pid_t pid = process->child.pid;
    struct end_wait end_wait;
    int r = eddy__process_check(process);

    if (r == 0)
        r = process_await(process, &end_wait);
    return r < 0 ? r : status_tell(pid, end_wait.result, end_wait.status, returncode);
}

/* --- letting go ------------------------------------------------------------------------------- */

/* From another thread nothing of it may be touched; there is no code to return, so it is said. */
static bool process_may_close(const eddy_process *process) {
    const eddy_loop *loop = process->loop;

    if (!eddy__loop_is_usable(loop) || loop->thread == &eddy__thread)
        return true;
    eddy__log(EDDY_LOG_ERROR,
              "the process %d was closed in another thread than its loop's: it stays as it is",
              (int)process->child.pid);
    return false;
}

void eddy__process_drop_streams(eddy_process *process) {
    for (int i = 0; i < 3; i++)
        process->streams[i] = eddy_stream_abort(process->streams[i]);
}

static void process_close(eddy_process *process) {
    eddy__process_drop_streams(process);
    if (eddy__loop_is_usable(process->loop)) {
        process_tell(process, EDDY_ECLOSED);
        if (process->communication)
            process->communication->process = NULL;
    } else if (!process->child.has_ended) {
        eddy__child_forget(&process->child); /* of before a fork: a closed loop has ended it */
    }
    if (process->child.has_ended) {
        process_free(process);
        return;
    }
    process->is_closed = true;
    eddy__child_signal(&process->child, SIGKILL);
}

eddy_process *eddy_process_close(eddy_process *process) {
    if (process && process_may_close(process))
        process_close(process);
    return NULL;
}
