/* SPDX-License-Identifier: MIT
 * sleep.c - eddy_sleep(): a timer on the sleeper's stack. */
#include <errno.h>

#include "scheduler.h"

struct sleep_wait {
    struct eddy__wait wait;
    struct eddy__timer timer;
    struct eddy__task *task;
    bool was_cancelled;
};

static void sleep_over(struct eddy__timer *timer) {
    eddy__task_wake(container_of(timer, struct sleep_wait, timer)->task);
}

static void sleep_cancel(struct eddy__wait *wait) {
    struct sleep_wait *sleep = container_of(wait, struct sleep_wait, wait);

    eddy__timer_disarm(sleep->task->future.loop, &sleep->timer);
    sleep->was_cancelled = true;
    eddy__task_wake(sleep->task);
}

static void sleep_look(const struct eddy__wait *wait, struct eddy__look *look) {
    const struct sleep_wait *sleep = container_of(wait, struct sleep_wait, wait);

    if (eddy__timer_is_armed(&sleep->timer))
        look->until_ns = sleep->timer.deadline_ns;
    eddy__look_name(look, "a sleep");
}

static int sleep_ns(struct eddy__task *task, int64_t ns) {
    struct sleep_wait sleep = {.wait = {.cancel = sleep_cancel, .look = sleep_look},
                               .timer.fire = sleep_over,
                               .task = task};
    eddy_loop *loop = task->future.loop;

    if (ns != NS_NEVER)
        eddy__timer_arm(loop, &sleep.timer, ns_add(eddy__loop_now(loop), ns));
    eddy__task_park(task, &sleep.wait);
    return sleep.was_cancelled ? eddy__task_fail_cancelled(task) : 0;
}

int eddy_sleep(double seconds) {
    struct eddy__task *task;
    int r;

    if (!(seconds > 0))
        return eddy_yield();
    r = eddy__checkpoint(NULL, &task);
    return r < 0 ? r : sleep_ns(task, ns_from_seconds(seconds));
}
