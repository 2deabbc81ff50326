/* SPDX-License-Identifier: MIT
 * task.c - a task's life: creating, naming, parking and waking, cancelling, ending.
 *
 * Read next: scheduler.c (how control gets to it), await.c (waiting for one), scope.c (what refuses
 * its calls). */
#include "task.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "local.h"
#include "log.h"
#include "memory.h"
#include "records.h"
#include "scheduler.h"
#include "scope.h"

/* What few tasks have. */
struct eddy__task_extras {
    char *name;
    void (*free_arg)(void *arg);
    void *copy;                     /* the argument's */
    const eddy_error *cancel_error; /* the reason of the last cancel that had one */
};

/* --- creating --------------------------------------------------------------------------------- */

static struct eddy__task *task_alloc(eddy_loop *loop, struct eddy__scheduler *scheduler) {
    return likely(scheduler) ? eddy__records_take(&loop->ready, &scheduler->tasks) : NULL;
}

/* All but the future. One by one: compilers make a slow string instruction of a whole struct. */
static inline void task_init(struct eddy__task *task, eddy_fn *fn, void *arg) {
    task->stack = NULL;
    task->fn = fn;
    task->arg = arg;
    task->scopes = NULL;
    task->extras = NULL;
    task->context = eddy__context_inherit();
    task->cancelling = 0;
    task->refusals = 0;
}

/* References: the caller's, and the loop's until it has ended. */
static struct eddy__task *task_new(eddy_loop *loop, const char *origin, eddy_fn *fn, void *arg) {
    struct eddy__scheduler *scheduler = eddy__scheduler_of(loop);
    struct eddy__task *task = task_alloc(loop, scheduler);

    if (unlikely(!task)) {
        eddy__fail(-ENOMEM);
        return NULL;
    }
    task_init(task, fn, arg);
    eddy__future_init(&task->future, &eddy__task_class, loop);
    task->future.refs = 2;
    task->origin = origin;
    task->size_class = scheduler->size_class;
    return task;
}

/* The loop that a new task belongs to; NULL, or a failed future in *failed, when it cannot. */
static eddy_loop *loop_for_new_task(eddy_loop *loop, eddy_future **failed) {
    int r;

    loop = eddy__loop_or_default(loop);
    *failed = NULL;
    if (!loop)
        return NULL;
    r = eddy__loop_check(loop);
    if (likely(r == 0))
        return loop;
    *failed = eddy__future_failed(NULL, r);
    return NULL;
}

/* The loop's factory, or NULL. */
static inline struct eddy__factory *factory_of(const eddy_loop *loop) {
    struct eddy__scheduler *scheduler = loop ? loop->upper_data : NULL;

    return unlikely(scheduler && scheduler->factory.create) ? &scheduler->factory : NULL;
}

eddy_task *eddy_create_task_at(const char *origin, eddy_fn *fn, void *arg) {
    eddy_future *failed = NULL;
    eddy_loop *loop = eddy__loop_at_work(NULL);
    struct eddy__task *task;

    if (unlikely(!loop))
        loop = loop_for_new_task(NULL, &failed);
    if (unlikely(factory_of(loop)))
        return eddy__factory_create(loop, origin, &(eddy_task_options){.loop = loop}, false, fn,
                                    arg);
    task = loop ? task_new(loop, origin, fn, arg) : NULL;
    if (unlikely(!task))
        return failed;
    eddy__loop_ready(loop, task);
    return &task->future;
}

static void extras_free(struct eddy__task_extras *extras, void *arg) {
    if (extras->free_arg)
        extras->free_arg(arg);
    eddy__free(extras->copy);
    extras->copy = NULL;
    extras->free_arg = NULL;
}

/* Name and copy; on failure nothing is kept. */
static int extras_fill(struct eddy__task_extras *extras, const eddy_task_options *options,
                       void **arg) {
    if (options->name && !(extras->name = eddy__strdup(options->name)))
        return -ENOMEM;
    if (options->copy_bytes > 0) {
        extras->copy = eddy__alloc(options->copy_bytes);
        if (!extras->copy) {
            eddy__free(extras->name);
            return -ENOMEM;
        }
        *arg = memcpy(extras->copy, *arg, options->copy_bytes);
    }
    extras->free_arg = options->free_arg;
    return 0;
}

static struct eddy__task_extras *extras_new(const eddy_task_options *options, void **arg) {
    struct eddy__task_extras *extras = eddy__zalloc(sizeof(*extras));

    if (extras && extras_fill(extras, options, arg) < 0) {
        eddy__free(extras);
        return NULL;
    }
    return extras;
}

static void extras_end(struct eddy__task_extras *extras) {
    eddy__free(extras->name);
    eddy_error_unref(extras->cancel_error);
    eddy__free(extras);
}

static void task_set_context(struct eddy__task *task, eddy_context *context) {
    eddy_context *inherited = task->context;

    task->context = eddy_context_ref(context);
    eddy_context_unref(inherited);
}

static struct eddy__task *task_new_with(eddy_loop *loop, const char *origin,
                                        const eddy_task_options *options, eddy_fn *fn, void *arg) {
    struct eddy__task_extras *extras = extras_new(options, &arg);
    struct eddy__task *task = extras ? task_new(loop, origin, fn, arg) : NULL;

    if (task) {
        if (options->stack_bytes)
            task->size_class = (uint8_t)eddy__stack_class(options->stack_bytes);
        if (options->context)
            task_set_context(task, options->context);
        task->extras = extras;
        return task;
    }
    if (extras) {
        eddy__free(extras->copy);
        extras_end(extras);
    }
    eddy__fail(-ENOMEM);
    return NULL;
}

eddy_task *eddy_create_task_with_at(const char *origin, size_t options_size,
                                    const eddy_task_options *given, eddy_fn *fn, void *arg) {
    eddy_task_options options = {0};
    struct eddy__factory *factory;
    struct eddy__task *task;
    eddy_future *failed;
    eddy_loop *loop;

    if (given)
        memcpy(&options, given, MIN(options_size, sizeof(options)));
    options.loop = loop = loop_for_new_task(options.loop, &failed);
    factory = factory_of(loop);
    if (factory && eddy__factory_is_asked(factory, origin))
        return eddy__factory_create(loop, origin, &options, true, fn, arg);
    task = loop ? task_new_with(loop, origin, &options, fn, arg) : NULL;
    if (!task) {
        if (options.free_arg)
            options.free_arg(arg);
        return failed;
    }
    if (!factory || factory->has_options)
        task->future.task_flags |= TASK_HAS_OPTIONS;
    if (options.eager && eddy__thread.running == loop)
        eddy__task_run_eagerly(task);
    else
        eddy__loop_ready(loop, task);
    return &task->future;
}

/* --- naming ----------------------------------------------------------------------------------- */

/* The end of the first argument in the text of an argument list: a comma outside all brackets. */
static const char *argument_end(const char *text) {
    int depth = 0;

    for (; *text && !(*text == ',' && depth == 0); text++)
        depth += (strchr("([{", *text) != NULL) - (strchr(")]}", *text) != NULL);
    return text;
}

eddy_slice eddy__origin_function(const char *origin, bool has_options) {
    const char *text = origin + strlen(origin) + 1, *end = argument_end(text);

    if (has_options && *end) {
        text = end + 1;
        end = argument_end(text);
    }
    text += strspn(text, " &");
    return (eddy_slice){text, (size_t)(end - text)};
}

eddy_slice eddy__task_name(const struct eddy__task *task) {
    if (task->extras && task->extras->name)
        return (eddy_slice){task->extras->name, strlen(task->extras->name)};
    return eddy__origin_function(task->origin, task->future.task_flags & TASK_HAS_OPTIONS);
}

/* A name cut out of the origin is copied when it is first asked for. */
const char *eddy_task_name(const eddy_task *future) {
    struct eddy__task *task;
    eddy_slice name;

    if (!future || !future->class->is_task)
        return NULL;
    task = eddy__task_of(future);
    name = eddy__task_name(task);
    if (task->extras && task->extras->name)
        return task->extras->name;
    if (!task->extras)
        task->extras = eddy__zalloc(sizeof(*task->extras));
    if (task->extras)
        task->extras->name = eddy__alloc(name.size + 1);
    if (!task->extras || !task->extras->name)
        return "task";
    memcpy(task->extras->name, name.data, name.size);
    task->extras->name[name.size] = '\0';
    return task->extras->name;
}

int eddy_task_set_name(eddy_task *future, const char *name) {
    struct eddy__task *task;
    char *copy;
    int r;

    if (!future)
        return eddy__fail(-ENOMEM);
    if (!future->class->is_task || !name)
        return eddy_raise(-EINVAL, "eddy_task_set_name() gives a task a name");
    r = eddy__loop_check(future->loop);
    if (r < 0)
        return r;
    task = eddy__task_of(future);
    if (!task->extras)
        task->extras = eddy__zalloc(sizeof(*task->extras));
    copy = task->extras ? eddy__strdup(name) : NULL;
    if (!copy)
        return eddy__fail(-ENOMEM);
    eddy__free(task->extras->name);
    task->extras->name = copy;
    return 0;
}

eddy_task *eddy_current_task(void) {
    return eddy__current ? &eddy__current->future : NULL;
}

int eddy_all_tasks(eddy_loop *loop, eddy_task **tasks, int capacity) {
    struct eddy__scheduler *scheduler;
    struct eddy__task *task;
    uint32_t index = 0;
    int count = 0;

    loop = eddy__loop_or_default(loop);
    scheduler = loop ? loop->upper_data : NULL;
    while (scheduler && (task = eddy__slab_next(&scheduler->tasks, &index))) {
        if (task->future.class != &eddy__task_class || task->future.task_state == TASK_ENDED)
            continue; /* free, or over */
        if (count < capacity)
            tasks[count] = eddy__future_ref(&task->future);
        count++;
    }
    return count;
}

/* --- cancelling ------------------------------------------------------------------------------- */

static void task_keep_reason(struct eddy__task *task, const char *reason) {
    const eddy_error *error;

    if (!reason)
        return;
    if (!task->extras)
        task->extras = eddy__zalloc(sizeof(*task->extras));
    if (!task->extras)
        return; /* the cancel itself must not fail for its reason */
    error = eddy__error_format(-ECANCELED, "%s", reason);
    eddy__error_set(&task->extras->cancel_error, error);
}

static const eddy_error *task_cancel_error(const struct eddy__task *task) {
    return task->extras && task->cancelling > 0 ? task->extras->cancel_error : NULL;
}

const char *eddy__task_cancel_reason(const struct eddy__task *task) {
    const eddy_error *error = task_cancel_error(task);

    return error ? error->message : NULL;
}

int eddy__task_fail_cancelled(struct eddy__task *task) {
    const eddy_error *error = task_cancel_error(task);

    return error ? eddy__fail_with(error) : eddy__fail(-ECANCELED);
}

static bool task_cancel(eddy_future *future, const char *reason) {
    struct eddy__task *task = eddy__task_of(future);

    task_keep_reason(task, reason);
    if (future->task_state == TASK_NEW) {
        eddy__task_complete(task, -ECANCELED);
        return true;
    }
    task->cancelling++;
    eddy__scopes_apply(task);
    return true;
}

int eddy_cancelling(void) {
    return eddy__current ? (int)eddy__current->cancelling : 0;
}

void eddy__task_uncancel(struct eddy__task *task) {
    if (task->cancelling > 0 && --task->cancelling == 0 && task->extras)
        eddy__error_set(&task->extras->cancel_error, NULL);
    eddy__scopes_apply(task);
}

int eddy_uncancel(void) {
    if (eddy__current)
        eddy__task_uncancel(eddy__current);
    return eddy_cancelling();
}

/* Is it a task whose cancels may be counted here? 1, 0 or a code. */
static int cancelling_check(const eddy_task *future) {
    int r;

    if (!future || !future->class->is_task)
        return 0;
    r = eddy__loop_check(future->loop);
    return r < 0 ? r : 1;
}

int eddy_task_cancelling(const eddy_task *future) {
    int r = cancelling_check(future);

    return r > 0 ? (int)eddy__task_of(future)->cancelling : r;
}

int eddy_task_uncancel(eddy_task *future) {
    int r = cancelling_check(future);

    if (r > 0 && !eddy__future_is_done(future))
        eddy__task_uncancel(eddy__task_of(future));
    return r > 0 ? (int)eddy__task_of(future)->cancelling : r;
}

/* --- ending ----------------------------------------------------------------------------------- */

/* The record that the result carries on: the task's last error, if that is what it returned, with
 * the task's name around it. */
static const eddy_error *task_leaving_error(struct eddy__task *task, int result) {
    const eddy_error *last = TAKE_POINTER(task->future.error);
    eddy_slice slice = eddy__task_name(task);
    char name[64];

    if (last && last->code != result) {
        eddy_error_unref(last);
        last = NULL;
    }
    if (!last && result == -ECANCELED && task->extras)
        last = eddy_error_ref(task->extras->cancel_error);
    if (!last && result == -ECANCELED)
        return NULL;
    if (!last)
        last = eddy__error_of(result);
    slice.size = MIN(slice.size, sizeof(name) - 1);
    memcpy(name, slice.data, slice.size);
    name[slice.size] = '\0';
    return eddy__error_leave_task(last, name, task->origin);
}

void eddy__task_complete(struct eddy__task *task, int result) {
    eddy_future *future = &task->future;
    bool is_queued = future->task_state == TASK_NEW || future->task_state == TASK_READY;
    const eddy_error *error = NULL;

    if (unlikely(result < 0))
        error = task_leaving_error(task, result);
    future->task_state = TASK_ENDED; /* before free_arg, which may wake what the task waited for */
    if (unlikely(task->extras))
        extras_free(task->extras, task->arg);
    if (unlikely(task->context))
        eddy_context_unref(TAKE_POINTER(task->context));
    eddy__future_complete(future, result, error);
    if (unlikely(is_queued))
        return;
    eddy__future_unref(future);
}

/* The loop ends with the task in its queue: scheduler_close() has completed it. */
static void task_drop(void *runnable) {
    struct eddy__task *task = runnable;

    eddy__future_unref(&task->future);
}

static void task_describe(const eddy_future *future, char *text, size_t size) {
    const struct eddy__task *task = eddy__task_of(future);
    eddy_slice name = eddy__task_name(task);

    snprintf(text, size, "task \"%.*s\" (created at %s)", (int)MIN(name.size, 64), name.data,
             task->origin);
}

static void task_describe_step(const void *runnable, struct eddy__step *step) {
    const struct eddy__task *task = runnable;

    task_describe(&task->future, step->text, sizeof(step->text));
}

static void task_give_record(struct eddy__scheduler *scheduler, struct eddy__task *task) {
    task->future.class = NULL; /* marks the record as free */
    eddy__slab_give(&scheduler->tasks, task);
}

static bool dead_cancel(eddy_future *future, const char *reason) {
    (void)reason;
    eddy__future_fail_dead(future);
}

static void dead_free(eddy_future *future) {
    eddy__future_fail_dead(future);
}

/* Whatever takes or gives a reference of it names it. */
static const struct eddy__future_class dead_class = {
    .is_task = true,
    .is_dead = true,
    .cancel = dead_cancel,
    .describe = task_describe,
    .free = dead_free,
};

/* In debug mode the record is not used again at once. It looks like a task that has failed, with
 * one reference: who awaits it or lets it go comes to dead_free(). */
static void task_bury(struct eddy__scheduler *scheduler, struct eddy__task *task) {
    struct eddy__task **slot = &scheduler->dead[scheduler->dead_count++ % SCHEDULER_DEAD];

    if (*slot)
        task_give_record(scheduler, *slot);
    *slot = task;
    task->extras = NULL;
    task->stack = NULL;
    task->future.class = &dead_class;
    task->future.result = EDDY_EINVALID_STATE;
    task->future.refs = 1;
    task->future.was_retrieved = true;
}

static void task_free(eddy_future *future) {
    struct eddy__task *task = eddy__task_of(future);
    struct eddy__scheduler *scheduler = future->loop->upper_data;

    if (unlikely(task->extras))
        extras_end(task->extras);
    if (unlikely(future->loop->options.debug))
        task_bury(scheduler, task);
    else
        task_give_record(scheduler, task);
}

const struct eddy__future_class eddy__task_class = {
    .runnable = {.run = eddy__task_run, .drop = task_drop, .describe = task_describe_step},
    .is_task = true,
    .cancel = task_cancel,
    .describe = task_describe,
    .free = task_free,
};
