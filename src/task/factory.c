/* SPDX-License-Identifier: MIT
 * factory.c - a loop's task factory: who is asked whenever a task is to be created.
 *
 * The factory creates by the call that was made: the first creation with the origin that it was
 * given is not asked about again. */
#include "factory.h"

#include <errno.h>

#include "scheduler.h"

int eddy_loop_set_task_factory(eddy_loop *loop, eddy_task_factory *factory, void *arg) {
    struct eddy__scheduler *scheduler;
    int r = eddy__loop_find(&loop);

    if (r < 0)
        return r;
    scheduler = eddy__scheduler_of(loop);
    if (!scheduler)
        return eddy__fail(-ENOMEM);
    scheduler->factory = (struct eddy__factory){.create = factory, .arg = arg};
    return 0;
}

bool eddy__factory_is_asked(struct eddy__factory *factory, const char *origin) {
    if (factory->origin != origin)
        return true;
    factory->origin = NULL;
    return false;
}

eddy_task *eddy__factory_create(eddy_loop *loop, const char *origin,
                                const eddy_task_options *options, bool has_options, eddy_fn *fn,
                                void *arg) {
    struct eddy__factory *factory = &eddy__scheduler_of(loop)->factory;
    eddy_task *task;

    factory->origin = origin;
    factory->has_options = has_options;
    task = factory->create(loop, origin, options, fn, arg, factory->arg);
    factory->origin = NULL;
    return task;
}

eddy_task *eddy_eager_task_factory(eddy_loop *loop, const char *origin,
                                   const eddy_task_options *options, eddy_fn *fn, void *arg,
                                   void *unused) {
    eddy_task_options eager = *options;

    (void)loop, (void)unused;
    eager.eager = true;
    return eddy_create_task_with_at(origin, sizeof(eager), &eager, fn, arg);
}
