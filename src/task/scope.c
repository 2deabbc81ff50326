/* SPDX-License-Identifier: MIT
 * scope.c - time-outs and shields: begin, expire, end. */
#include "scope.h"

#include <errno.h>

#include "log.h"
#include "os.h"
#include "scheduler.h"

/* Without a loop (the root's was closed, or there was none to be had) the deadline is one of the
 * system's clock, and the timer is armed on the next loop that the root runs. */
struct timeout {
    struct eddy__scope scope;
    struct eddy__timer timer;
    eddy_loop *loop; /* whose wheel and clock it uses, or NULL */
} __attribute__((may_alias));

_Static_assert(sizeof(struct timeout) <= sizeof(eddy_timeout), "eddy_timeout is too small");
_Static_assert(sizeof(struct eddy__scope) <= sizeof(eddy_shield_scope),
               "eddy_shield_scope is too small");

/* --- what is in force ------------------------------------------------------------------------- */

/* Is a cancel or an expired time-out in force, as seen from inside `scope` (NULL: from outside
 * all)? */
static bool is_refused_from(const struct eddy__task *task, const struct eddy__scope *scope) {
    for (; scope && !scope->is_shield; scope = scope->outer)
        if (scope->expired)
            return true;
    return !scope && task->cancelling > 0;
}

void eddy__scopes_apply(struct eddy__task *task) {
    if (!is_refused_from(task, task->scopes)) {
        task->future.task_flags &= ~(uint32_t)TASK_REFUSED;
        task->refusals = 0;
        return;
    }
    task->future.task_flags |= TASK_REFUSED;
    if (task->future.task_state == TASK_WAITING && task->wait &&
        !(task->future.task_flags & TASK_WAIT_CANCELLED)) {
        task->future.task_flags |= TASK_WAIT_CANCELLED;
        task->wait->cancel(task->wait);
    }
}

/* --- the stack of scopes ---------------------------------------------------------------------- */

/* The task a scope belongs to: the running one, or the root. A scope cannot fail to begin: without
 * a loop the calls inside say what is missing. */
static struct eddy__task *scope_task(const char *place) {
    int code;
    struct eddy__task *task = eddy__task_to_suspend(NULL, &code);

    if (!task && code == -EDEADLK)
        eddy__fatal("a scope begun at %s stands where nothing can suspend: %s", place,
                    eddy_last_error()->message);
    return task ? task : eddy__root_without_loop();
}

static void scope_begin(struct eddy__scope *scope, const char *place, bool is_shield) {
    struct eddy__task *task = scope_task(place);

    *scope = (struct eddy__scope){
        .outer = task->scopes, .task = task, .place = place, .is_shield = is_shield};
    task->scopes = scope;
}

/* The task that it belonged to, which it is to be taken from. */
static struct eddy__task *scope_leave(struct eddy__scope *scope) {
    struct eddy__task *task = scope->task;

    if (!task)
        eddy__fatal("the scope begun at %s was ended twice", scope->place);
    if (task->scopes != scope)
        eddy__fatal(
            "the scope begun at %s was ended out of order: the innermost open one was begun "
            "at %s",
            scope->place, task->scopes ? task->scopes->place : "(none is open)");
    task->scopes = scope->outer;
    scope->task = NULL; /* what has ended belongs to none */
    return task;
}

static void scope_end(struct eddy__scope *scope) {
    eddy__scopes_apply(scope_leave(scope));
}

void eddy__scopes_fail_open(const struct eddy__task *task) {
    eddy_slice name = eddy__task_name(task);

    eddy__fatal("task \"%.*s\" (created at %s) ended inside the scope begun at %s", (int)name.size,
                name.data, task->origin, task->scopes->place);
}

/* --- time-outs -------------------------------------------------------------------------------- */

static struct timeout *timeout_of(eddy_timeout *timeout) {
    return (struct timeout *)timeout;
}

static void timeout_expire(struct eddy__timer *timer) {
    struct timeout *timeout = container_of(timer, struct timeout, timer);

    timeout->scope.expired = true;
    eddy__scopes_apply(timeout->scope.task);
}

static int64_t clock_of(eddy_loop *loop) {
    return loop ? eddy__loop_now(loop) : eddy__os_now();
}

static void timeout_disarm(struct timeout *timeout) {
    if (timeout->loop)
        eddy__timer_disarm(timeout->loop, &timeout->timer);
}

static void timeout_rearm(struct timeout *timeout, int64_t deadline_ns) {
    timeout_disarm(timeout);
    timeout->timer.deadline_ns = deadline_ns;
    if (deadline_ns <= clock_of(timeout->loop))
        timeout_expire(&timeout->timer);
    else if (timeout->loop && deadline_ns != NS_NEVER)
        eddy__timer_arm(timeout->loop, &timeout->timer, deadline_ns);
}

static int64_t timeout_in(const struct timeout *timeout, double seconds) {
    return ns_add(clock_of(timeout->loop), ns_from_seconds(seconds));
}

/* What is left of it passes on the other loop's clock, or (NULL) the system's. */
static int64_t timeout_deadline_on(const struct timeout *timeout, eddy_loop *loop) {
    int64_t deadline_ns = timeout->timer.deadline_ns;

    return deadline_ns == NS_NEVER ? NS_NEVER
                                   : deadline_ns + clock_of(loop) - clock_of(timeout->loop);
}

static void timeout_follow(struct timeout *timeout, eddy_loop *loop) {
    int64_t deadline_ns = timeout_deadline_on(timeout, loop);

    timeout_disarm(timeout);
    timeout->loop = loop;
    if (!timeout->scope.expired)
        timeout_rearm(timeout, deadline_ns);
}

/* Its loop is closed, perhaps by another thread than its root's, which may take it to the next. */
static void timeout_drop(struct eddy__timer *timer) {
    struct timeout *timeout = container_of(timer, struct timeout, timer);

    timer->deadline_ns = timeout_deadline_on(timeout, NULL);
    timeout->loop = NULL;
}

void eddy__scopes_follow(struct eddy__task *task, eddy_loop *loop) {
    for (struct eddy__scope *scope = task->scopes; scope; scope = scope->outer)
        if (!scope->is_shield && !scope->is_hold && ((struct timeout *)scope)->loop != loop)
            timeout_follow((struct timeout *)scope, loop);
}

/* Without a deadline yet. */
static struct timeout *timeout_open(const char *place, eddy_timeout *storage) {
    struct timeout *timeout = timeout_of(storage);

    timeout->timer = (struct eddy__timer){.fire = timeout_expire, .drop = timeout_drop};
    scope_begin(&timeout->scope, place, false);
    timeout->loop = timeout->scope.task->future.loop;
    return timeout;
}

void eddy_timeout_begin_at(const char *place, eddy_timeout *storage, double seconds) {
    struct timeout *timeout = timeout_open(place, storage);

    timeout_rearm(timeout, timeout_in(timeout, seconds));
}

void eddy_timeout_at_begin_at(const char *place, eddy_timeout *storage, double when) {
    timeout_rearm(timeout_open(place, storage), ns_from_seconds(when));
}

/* One whose loop was closed meanwhile goes on with the next, if there is one. */
static void timeout_find_loop(const struct timeout *timeout) {
    int code;

    if (!timeout->loop)
        eddy__task_to_suspend(NULL, &code);
}

/* One that has expired stays so. A timer of one that has ended would fire into a stack that has
 * gone on. */
static bool timeout_may_be_rescheduled(const struct timeout *timeout) {
    if (!timeout->scope.task)
        eddy__fatal("the time-out begun at %s was rescheduled after its end", timeout->scope.place);
    timeout_find_loop(timeout);
    return !timeout->scope.expired;
}

void eddy_timeout_reschedule(eddy_timeout *storage, double seconds) {
    struct timeout *timeout = timeout_of(storage);

    if (timeout_may_be_rescheduled(timeout))
        timeout_rearm(timeout, timeout_in(timeout, seconds));
}

void eddy_timeout_reschedule_at(eddy_timeout *storage, double when) {
    if (timeout_may_be_rescheduled(timeout_of(storage)))
        timeout_rearm(timeout_of(storage), ns_from_seconds(when));
}

double eddy_timeout_when(const eddy_timeout *storage) {
    return seconds_from_ns(((const struct timeout *)storage)->timer.deadline_ns);
}

bool eddy_timeout_expired(const eddy_timeout *storage) {
    return ((const struct timeout *)storage)->scope.expired;
}

/* Which one it was: the text of the code alone speaks of connections. */
static int timeout_fail(const struct timeout *timeout) {
    const eddy_error *error =
        eddy__error_format(-ETIMEDOUT, "The time-out of %s has expired", timeout->scope.place);

    eddy__fail_with(error);
    eddy_error_unref(error);
    return -ETIMEDOUT;
}

int eddy_timeout_end(eddy_timeout *storage, int result) {
    struct timeout *timeout = timeout_of(storage);
    const struct eddy__task *task = timeout->scope.task;

    if (task)
        timeout_disarm(timeout);
    scope_end(&timeout->scope);
    if (result != -ECANCELED || !timeout->scope.expired ||
        is_refused_from(task, timeout->scope.outer))
        return result;
    return timeout_fail(timeout);
}

int eddy_with_timeout(double seconds, eddy_fn *fn, void *arg) {
    eddy_timeout timeout;
    int code;

    if (!eddy__task_to_suspend(NULL, &code))
        return code;
    eddy_timeout_begin_at("eddy_with_timeout", &timeout, seconds);
    return eddy_timeout_end(&timeout, fn(arg));
}

/* --- shields ---------------------------------------------------------------------------------- */

void eddy_shield_begin_at(const char *place, eddy_shield_scope *storage) {
    struct eddy__scope *scope = (struct eddy__scope *)storage;

    scope_begin(scope, place, true);
    eddy__scopes_apply(scope->task);
}

void eddy_shield_end(eddy_shield_scope *storage) {
    scope_end((struct eddy__scope *)storage);
}

/* --- holds ------------------------------------------------------------------------------------ */

void eddy__hold_begin(struct eddy__hold *hold, struct eddy__task *task, const char *place,
                      void (*drop)(struct eddy__hold *hold)) {
    *hold = (struct eddy__hold){
        .scope = {.outer = task->scopes, .task = task, .place = place, .is_hold = true},
        .drop = drop};
    task->scopes = &hold->scope;
}

void eddy__hold_end(struct eddy__hold *hold) {
    scope_leave(&hold->scope);
}

/* From the innermost outwards, as the calls would have returned. */
void eddy__scopes_drop(struct eddy__task *task) {
    struct eddy__scope *scope, *outer;

    for (scope = task->scopes; scope; scope = outer) {
        outer = scope->outer;
        if (scope->is_hold)
            ((struct eddy__hold *)scope)->drop((struct eddy__hold *)scope);
    }
}
