/* SPDX-License-Identifier: MIT
 * model_scope.c - time-outs, shields and task groups of the model. */
#include <errno.h>

#include "model.h"

/* --- what is in force ------------------------------------------------------------------------- */

/* As seen from inside the first so many scopes: an expired time-out or, outside all, a cancel; not
 * through a shield. */
bool model_refused_within(const struct task *task, int scopes) {
    for (int i = scopes - 1; i >= 0; i--) {
        if (task->scopes[i].operation == BEGIN_SHIELD)
            return false;
        if (task->scopes[i].expired)
            return true;
    }
    return task->cancelling > 0;
}

static int group_new(struct model *model, int body) {
    model->groups[model->groups_count] = (struct group){.body = body};
    return model->groups_count++;
}

void model_scope_begin(struct model *model, int number, int operation, int ticks) {
    struct task *task = &model->tasks[number];
    struct scope *scope = &task->scopes[task->scopes_count++];

    *scope = (struct scope){.operation = operation, .deadline = NO_TIMER, .group = NOBODY};
    if (operation == BEGIN_GROUP)
        scope->group = group_new(model, number);
    else if (operation == BEGIN_TIMEOUT && ticks == 0)
        scope->expired = true;
    else if (operation == BEGIN_TIMEOUT)
        model_arm(model, &scope->deadline, &scope->armed, ticks);
    model_apply(model, number);
}

/* Of the innermost. Only a cancel that is nobody else's is the time-out's. */
int model_timeout_end(struct model *model, int number, int result) {
    struct task *task = &model->tasks[number];
    bool has_expired = task->scopes[task->scopes_count - 1].expired;

    task->scopes_count--;
    model_apply(model, number);
    if (result == -ECANCELED && has_expired && !task->is_refused)
        return -ETIMEDOUT;
    return result;
}

/* --- groups ----------------------------------------------------------------------------------- */

int model_group_of(const struct task *task) {
    for (int i = task->scopes_count - 1; i >= 0; i--)
        if (task->scopes[i].operation == BEGIN_GROUP)
            return task->scopes[i].group;
    return NOBODY;
}

static void children_cancel(struct model *model, struct group *group) {
    group->is_cancelled = true;
    while (group->children_count > 0) {
        int child = group->children[0];
        for (int i = 1; i < group->children_count; i++)
            group->children[i - 1] = group->children[i];
        group->children_count--;
        group->told[group->told_count++] = child;
        model_cancel(model, child);
    }
}

static void body_interrupt(struct model *model, struct group *group) {
    if (group->is_ending || group->is_interrupting)
        return;
    group->is_interrupting = true;
    model->tasks[group->body].cancelling++;
    model_apply(model, group->body);
}

void model_group_cancel(struct model *model, int number) {
    children_cancel(model, &model->groups[number]);
    body_interrupt(model, &model->groups[number]);
}

static int without(int list[], int count, int child) {
    int kept = 0;

    for (int i = 0; i < count; i++)
        if (list[i] != child)
            list[kept++] = list[i];
    return kept;
}

void model_group_told(struct model *model, int number, int child) {
    struct group *group = &model->groups[number];
    int result = model->tasks[child].result;

    group->children_count = without(group->children, group->children_count, child);
    group->told_count = without(group->told, group->told_count, child);
    if (result == -ECANCELED)
        group->has_cancelled_one |= group->is_cancelled;
    else if (result < 0 && group->failure == 0)
        group->failure = result;
    if (result < 0 && result != -ECANCELED && !group->is_cancelled)
        model_group_cancel(model, number);
    if (group->children_count + group->told_count == 0 && group->is_ending &&
        model->tasks[group->body].state == WAITING)
        model_wake(model, group->body, 0);
}

/* The end waits on; all that are left are told, again if they were before. */
void model_group_wait_cancelled(struct model *model, int number) {
    struct task *task = &model->tasks[number];
    struct group *group = &model->groups[task->scopes[task->scopes_count - 1].group];

    group->was_cancelled = true;
    for (int i = 0; i < group->told_count; i++)
        group->children[group->children_count++] = group->told[i];
    group->told_count = 0;
    children_cancel(model, group);
}
