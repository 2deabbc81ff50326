/* SPDX-License-Identifier: MIT
 * group.c - task groups: none of their tasks outlives the end, and one failure ends all.
 *
 * A child is told of by a waiter on its future, so it may end at any time and by any hand. The body
 * is interrupted as asyncio does it: by a cancel of the task that made the group, which the end
 * takes back. Read next: await.c, whose waits end by the same rules. */
#include <eddy/task_group.h>

#include <errno.h>
#include <string.h>

#include "memory.h"
#include "scheduler.h"
#include "scope.h"

struct group_child {
    struct list_node node; /* in one of the group's lists until the task is done */
    struct eddy__waiter waiter;
    eddy_task *task; /* a reference */
    eddy_task_group *group;
};

/* The task that waits in the end. Lies on its stack. */
struct group_wait {
    struct eddy__wait wait;
    struct eddy__task *task;
    eddy_task_group *group;
    bool was_cancelled;
    const eddy_place *place; /* of the end; NULL: unknown */
};

struct eddy_task_group {
    eddy_loop *loop;           /* a reference */
    struct eddy__task *body;   /* whose body it is: a reference; NULL: nobody's */
    struct list_node children; /* that were not cancelled by the group */
    struct list_node told;     /* and that were */
    eddy_task *latest;         /* a reference to the last that was created; or NULL */
    struct group_wait *ending; /* in the end, or NULL */
    bool is_cancelled;         /* and whoever joins is, too */
    bool is_interrupting;      /* our cancel of the body is in force */
    bool has_cancelled_one;    /* a child ended by it */
    int failed;                /* how many failures there were */
    int errors_capacity;
    const eddy_error **errors; /* their records, the first in time first; fewer without memory */
    int errors_count;
};

/* --- life ------------------------------------------------------------------------------------- */

/* A root task has no references. */
static bool is_counted(const struct eddy__task *task) {
    return task && !(task->future.task_flags & TASK_ROOT);
}

eddy_task_group *eddy_task_group_new(void) {
    eddy_loop *loop = eddy__loop_or_default(NULL);
    eddy_task_group *group = loop ? eddy__zalloc(sizeof(*group)) : NULL;
    int code;

    if (!group) {
        eddy__fail(-ENOMEM);
        return NULL;
    }
    group->loop = eddy_loop_ref(loop);
    if (eddy__current || !eddy__thread.running)
        group->body = eddy__task_to_suspend(NULL, &code);
    if (is_counted(group->body))
        eddy__future_ref(&group->body->future);
    list_init(&group->children);
    list_init(&group->told);
    return group;
}

static void group_free(eddy_task_group *group) {
    for (int i = 0; i < group->errors_count; i++)
        eddy_error_unref(group->errors[i]);
    eddy__free(group->errors);
    eddy_unref(group->latest);
    if (is_counted(group->body))
        eddy__future_unref(&group->body->future);
    eddy_loop_unref(group->loop);
    eddy__free(group);
}

/* --- cancelling ------------------------------------------------------------------------------- */

/* Each child may end here and now, and with it its record. */
static void children_cancel(eddy_task_group *group, const char *reason) {
    group->is_cancelled = true;
    while (!list_is_empty(&group->children)) {
        struct group_child *child = container_of(group->children.next, struct group_child, node);
        list_remove(&child->node);
        list_append(&group->told, &child->node);
        eddy_cancel_with(child->task, reason);
    }
}

static void body_interrupt(eddy_task_group *group) {
    if (!group->body || group->ending || group->is_interrupting)
        return;
    group->is_interrupting = true;
    group->body->cancelling++;
    eddy__scopes_apply(group->body);
}

/* True: the interruption was in force, and nothing else is. */
static bool body_resume(eddy_task_group *group) {
    if (!group->is_interrupting)
        return false;
    group->is_interrupting = false;
    eddy__task_uncancel(group->body);
    return !(group->body->future.task_flags & TASK_REFUSED);
}

void eddy_task_group_cancel(eddy_task_group *group) {
    if (!group || eddy__loop_check(group->loop) < 0)
        return;
    children_cancel(group, NULL);
    body_interrupt(group);
}

/* --- failures --------------------------------------------------------------------------------- */

static bool errors_grow(eddy_task_group *group) {
    int capacity = MAX(2 * group->errors_capacity, 4);
    const eddy_error **errors;

    if (group->errors_count < group->errors_capacity)
        return true;
    errors = eddy__realloc(group->errors, (size_t)capacity * sizeof(*errors));
    if (!errors)
        return false;
    group->errors = errors;
    group->errors_capacity = capacity;
    return true;
}

/* Takes the record. */
static void group_failed(eddy_task_group *group, const eddy_error *error) {
    if (errors_grow(group))
        group->errors[group->errors_count++] = error;
    else
        eddy_error_unref(error);
    group->failed++;
    if (group->is_cancelled)
        return;
    children_cancel(group, NULL);
    body_interrupt(group);
}

/* All of them in one record, or without memory the first; a reference. */
static const eddy_error *group_error(eddy_task_group *group) {
    if (group->errors_count == 0)
        return eddy__error_static(-ENOMEM);
    return eddy__error_group(group->errors, group->errors_count);
}

/* --- children --------------------------------------------------------------------------------- */

static bool group_is_empty(const eddy_task_group *group) {
    return list_is_empty(&group->children) && list_is_empty(&group->told);
}

static void child_free(struct group_child *child) {
    list_remove(&child->node);
    eddy__future_unref(child->task);
    eddy__free(child);
}

static void child_done(struct eddy__waiter *waiter, eddy_future *future) {
    struct group_child *child = container_of(waiter, struct group_child, waiter);
    eddy_task_group *group = child->group;

    child_free(child);
    future->was_retrieved = true; /* by the group: whoever completes it holds it */
    if (future->result == -ECANCELED)
        group->has_cancelled_one |= group->is_cancelled;
    else if (future->result < 0)
        group_failed(group, eddy_error_ref(future->error ? future->error
                                                         : eddy__error_static(future->result)));
    if (group_is_empty(group) && group->ending &&
        group->ending->task->future.task_state == TASK_WAITING)
        eddy__task_wake(group->ending->task);
}

struct eddy__task *eddy__group_body(const struct eddy__waiter *waiter) {
    if (waiter->wake != child_done)
        return NULL;
    return container_of(waiter, struct group_child, waiter)->group->body;
}

/* 0: the group may take a task. */
static int group_check(eddy_task_group *group) {
    int r = group ? eddy__loop_check(group->loop) : eddy__fail(-ENOMEM);

    if (r == 0 && eddy__loop_or_default(NULL) != group->loop)
        r = eddy_raise(EDDY_EWRONG_THREAD, "the task group belongs to another loop");
    return r;
}

/* Takes the task, NULL: there was no memory for it. */
static eddy_task *group_adopt(eddy_task_group *group, struct group_child *child, eddy_task *task) {
    eddy_unref(group->latest);
    group->latest = NULL;
    if (!task) {
        eddy__free(child);
        group_failed(group, eddy_error_ref(eddy__error_static(-ENOMEM)));
        eddy__fail(-ENOMEM);
        return NULL;
    }
    *child = (struct group_child){.waiter.wake = child_done, .task = task, .group = group};
    list_init(&child->waiter.node);
    list_append(&group->children, &child->node);
    group->latest = eddy_ref(task);
    if (eddy__future_is_done(task)) /* an eager one */
        child_done(&child->waiter, task);
    else
        eddy__waiter_add(task, &child->waiter);
    if (group->is_cancelled)
        children_cancel(group, NULL);
    return task;
}

eddy_task *eddy_task_group_create_task_at(const char *origin, eddy_task_group *group, eddy_fn *fn,
                                          void *arg) {
    struct group_child *child;

    if (group_check(group) < 0)
        return NULL;
    child = eddy__alloc(sizeof(*child));
    return group_adopt(group, child, child ? eddy_create_task_at(origin, fn, arg) : NULL);
}

eddy_task *eddy_task_group_create_task_with_at(const char *origin, size_t options_size,
                                               eddy_task_group *group,
                                               const eddy_task_options *given, eddy_fn *fn,
                                               void *arg) {
    eddy_task_options options = {0};
    struct group_child *child = NULL;
    int r = group_check(group);

    if (given)
        memcpy(&options, given, MIN(options_size, sizeof(options)));
    options.loop = NULL; /* the group's is the one here */
    if (r == 0)
        child = eddy__alloc(sizeof(*child));
    if (!child && options.free_arg)
        options.free_arg(arg);
    if (r < 0)
        return NULL;
    return group_adopt(group, child,
                       child ? eddy_create_task_with_at(origin, sizeof(options), &options, fn, arg)
                             : NULL);
}

/* --- the end ---------------------------------------------------------------------------------- */

/* The children's wait goes on: it ends when they have. A further cancel is passed on again. */
static void group_wait_cancelled(struct eddy__wait *wait) {
    struct group_wait *ending = container_of(wait, struct group_wait, wait);

    ending->was_cancelled = true;
    ending->task->future.task_flags &= ~(uint32_t)TASK_WAIT_CANCELLED;
    list_splice(&ending->group->children, &ending->group->told);
    children_cancel(ending->group, eddy__task_cancel_reason(ending->task));
}

/* Nobody waits for the children any more. */
static void group_abandon(eddy_task_group *group) {
    list_splice(&group->children, &group->told);
    while (!list_is_empty(&group->children)) {
        struct group_child *child = container_of(group->children.next, struct group_child, node);
        eddy__waiter_remove(&child->waiter);
        child_free(child);
    }
    group_free(group);
}

static void group_wait_dropped(struct eddy__wait *wait) {
    group_abandon(container_of(wait, struct group_wait, wait)->group);
}

static void look_at_children(struct eddy__look *look, const struct list_node *children) {
    for (const struct list_node *node = children->next; node != children; node = node->next)
        eddy__look_at(look, container_of(node, struct group_child, node)->task);
}

static void group_wait_look(const struct eddy__wait *wait, struct eddy__look *look) {
    const struct group_wait *ending = container_of(wait, struct group_wait, wait);

    look->place = ending->place;
    look_at_children(look, &ending->group->told);
    look_at_children(look, &ending->group->children);
}

static void group_await(struct group_wait *ending) {
    struct eddy__task *task = ending->task;

    if (task->future.task_flags & TASK_REFUSED) {
        group_wait_cancelled(&ending->wait);
        eddy__task_refuse(task, &ending->wait);
    }
    while (!group_is_empty(ending->group)) /* one that was woken may find a new child */
        eddy__task_park(task, &ending->wait);
}

/* What the end returns, with its sentence. */
static int group_result(struct group_wait *ending, int result, const eddy_error *body_error) {
    eddy_task_group *group = ending->group;

    if (group->failed > 0) {
        const eddy_error *error = group_error(group);
        int r = eddy__fail_with(error);
        eddy_error_unref(error);
        return r;
    }
    if (result == -ECANCELED)
        return body_error ? eddy__fail_with(body_error) : eddy__fail(result);
    if (ending->was_cancelled && group->has_cancelled_one)
        return eddy__task_fail_cancelled(ending->task);
    return result;
}

/* In a callback nothing can wait; in another thread nothing may be touched. */
static int group_end_here(eddy_task_group *group, int code) {
    if (code == -EDEADLK && !eddy__thread.in_pool) {
        children_cancel(group, NULL);
        body_resume(group);
        group_abandon(group);
    }
    return code;
}

int eddy_task_group_end_at(const eddy_place *place, eddy_task_group *group, int result) {
    const eddy_error *last = eddy__error_behind(result);
    struct group_wait ending = {.wait = {.cancel = group_wait_cancelled,
                                         .drop = group_wait_dropped,
                                         .look = group_wait_look},
                                .group = group,
                                .place = place};
    int r;

    ending.task = group ? eddy__task_to_suspend(group->loop, &r) : NULL;
    if (!ending.task) {
        eddy_error_unref(last);
        return group ? group_end_here(group, r) : eddy__fail(-ENOMEM);
    }

    if (body_resume(group) && result == -ECANCELED)
        result = 0; /* it was our own cancel */
    group->ending = &ending;
    if (result < 0 && result != -ECANCELED)
        group_failed(group, last ? eddy_error_ref(last) : eddy__error_static(result));
    else if (result < 0)
        children_cancel(group, NULL);
    group_await(&ending);
    r = group_result(&ending, result, last);
    group_free(group);
    eddy_error_unref(last);
    if (r < 0)
        eddy__error_awaited(place);
    return r;
}

int(eddy_task_group_end)(eddy_task_group *group, int result) {
    return eddy_task_group_end_at(NULL, group, result);
}

int(eddy_task_group_wait)(eddy_task_group *group) {
    return eddy_task_group_end_at(NULL, group, 0);
}
