/* SPDX-License-Identifier: MIT
 * host.c - a loop inside another one: the descriptor that a host polls.
 *
 * A host sees one descriptor, an epoll set of two: the poller's own, and a timer that is set to the
 * next deadline whenever the loop is left or given something from outside. */
#include <errno.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "loop.h"
#include "os.h"

static int host_open(eddy_loop *loop) {
    struct epoll_event event = {.events = EPOLLIN};
    int timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    int r = timer_fd < 0 ? -errno : 0;
    int host_fd = eddy__os_epoll_create(), poller_fd = loop->poller_class->fd(loop->poller);

    if (r == 0)
        r = MIN(MIN(host_fd, poller_fd), 0);
    if (r == 0)
        r = eddy__os_epoll_ctl(host_fd, EPOLL_CTL_ADD, timer_fd, &event);
    if (r == 0)
        r = eddy__os_epoll_ctl(host_fd, EPOLL_CTL_ADD, poller_fd, &event);
    if (r < 0) {
        eddy__os_close(timer_fd);
        eddy__os_close(host_fd);
        return eddy__fail(r);
    }
    loop->timer_fd = timer_fd;
    loop->host_fd = host_fd;
    return 0;
}

int eddy_loop_fd(eddy_loop *loop) {
    int r = eddy__loop_check(loop);

    if (r == 0 && loop->host_fd < 0)
        r = host_open(loop);
    if (r < 0)
        return r;
    loop->has_host = true;
    eddy__loop_tell_host(loop);
    return loop->host_fd;
}

/* From now on a post must wake the host. */
void eddy__loop_tell_host(eddy_loop *loop) {
    struct itimerspec when = {0};
    int64_t idle;

    if (loop->running)
        return; /* told when it is left */
    loop->poller_class->flush(loop->poller);
    eddy__wakeup_sleep(&loop->wakeup);
    eddy__loop_now(loop); /* reads the clock */
    idle = eddy__loop_idle_ns(loop);

    if (idle == 0)
        idle = 1; /* at once: all zero would disarm it */
    if (idle != NS_NEVER)
        when.it_value = (struct timespec){idle / NS_PER_SECOND, idle % NS_PER_SECOND};
    timerfd_settime(loop->timer_fd, 0, &when, NULL);
}
