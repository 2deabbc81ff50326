/* SPDX-License-Identifier: MIT
 * signal_watch.c - signals as events of a loop.
 *
 * The handler writes to the signal's eventfd and nothing else. It may run late, in another thread
 * than the one that gives the signal up: so handlers are counted while they run, and the eventfd is
 * closed when none does. */
#include "signal_watch.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

#include "loop.h"
#include "memory.h"
#include "os.h"

struct signal_watch {
    struct list_node node; /* in loop->signals */
    struct eddy__watch watch;
    int signo;
    eddy_callback *fn;
    void *arg;
    bool
        once; /* a second one has the default action, also before the loop has heard of the first */
    struct sigaction former;
};

static pthread_mutex_t signals_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t signals_once = PTHREAD_ONCE_INIT;
static atomic_int event_fds[NSIG]; /* + 1; 0: not handled */
static atomic_int handlers_running;
static eddy_loop *owners[NSIG];
static pid_t
    owner_pid; /* a child of vfork() has the handler, and must not tell its parent's loop */

static void signal_arrived(int signo) {
    int saved = errno, fd;

    atomic_fetch_add(&handlers_running, 1);
    fd = atomic_load(&event_fds[signo]) - 1;
    if (fd >= 0 && getpid() == owner_pid)
        eddy__os_eventfd_write(fd);
    atomic_fetch_sub(&handlers_running, 1);
    errno = saved;
}

static void signal_ready(struct eddy__watch *watch, uint32_t events) {
    struct signal_watch *signal_watch = container_of(watch, struct signal_watch, watch);

    (void)events;
    eddy__os_eventfd_read(watch->fd);
    eddy__loop_call(eddy__thread.running, signal_watch->fn, signal_watch->arg);
}

static struct signal_watch *signal_find(eddy_loop *loop, int signo) {
    for (struct list_node *node = loop->signals.next; node != &loop->signals; node = node->next) {
        struct signal_watch *found = container_of(node, struct signal_watch, node);
        if (found->signo == signo)
            return found;
    }
    return NULL;
}

/* --- fork ---
 *
 * A child starts afresh, at once: owners and eventfds are its parent's, the count is of threads
 * that it does not have. The lock is held over the fork, or the child's copy of the descriptors
 * could be older than that of `event_fds`, and a number in it be of something else. */

static void signals_before_fork(void) {
    pthread_mutex_lock(&signals_lock);
}

static void signals_in_parent(void) {
    pthread_mutex_unlock(&signals_lock);
}

static void signals_in_child(void) {
    for (int signo = 0; signo < NSIG; signo++) {
        owners[signo] = NULL;
        eddy__os_close(atomic_exchange(&event_fds[signo], 0) - 1);
    }
    atomic_store(&handlers_running, 0);
    owner_pid = getpid();
    pthread_mutex_unlock(&signals_lock);
}

static void signals_first(void) {
    owner_pid = getpid();
    pthread_atfork(signals_before_fork, signals_in_parent, signals_in_child);
}

/* Makes the loop the owner of the signal and gives the descriptor it is told by. */
static int signal_claim(eddy_loop *loop, int signo) {
    int fd = -EBUSY;

    pthread_once(&signals_once, signals_first);
    pthread_mutex_lock(&signals_lock);
    if (!owners[signo]) {
        fd = eddy__os_eventfd();
        if (fd >= 0) {
            owners[signo] = loop;
            atomic_store(&event_fds[signo], fd + 1);
        }
    }
    pthread_mutex_unlock(&signals_lock);
    return fd;
}

/* The signal has its former action again; a handler that began before may still be at work. */
static void signal_release(int signo) {
    int fd;

    pthread_mutex_lock(&signals_lock);
    owners[signo] = NULL;
    fd = atomic_exchange(&event_fds[signo], 0) - 1;
    while (atomic_load(&handlers_running) > 0)
        sched_yield();
    eddy__os_close(fd);
    pthread_mutex_unlock(&signals_lock);
}

static int signal_start(eddy_loop *loop, struct signal_watch *signal_watch) {
    struct sigaction action = {.sa_handler = signal_arrived,
                               .sa_flags = SA_RESTART | (signal_watch->once ? SA_RESETHAND : 0)};
    int r;

    r = loop->poller_class->watch(loop->poller, &signal_watch->watch);
    if (r < 0)
        return r;
    sigemptyset(&action.sa_mask);
    if (sigaction(signal_watch->signo, &action, &signal_watch->former) < 0) {
        r = -errno;
        loop->poller_class->unwatch(loop->poller, &signal_watch->watch);
        return r;
    }
    return 0;
}

static int signal_new(eddy_loop *loop, int signo, eddy_callback *fn, void *arg, bool once) {
    struct signal_watch *signal_watch = eddy__zalloc(sizeof(*signal_watch));
    int fd, r;

    if (!signal_watch)
        return -ENOMEM;
    fd = signal_claim(loop, signo);
    if (fd < 0) {
        eddy__free(signal_watch);
        return fd;
    }

    signal_watch->signo = signo;
    signal_watch->fn = fn;
    signal_watch->arg = arg;
    signal_watch->once = once;
    signal_watch->watch = (struct eddy__watch){.fd = fd, .events = EPOLLIN, .ready = signal_ready};
    r = signal_start(loop, signal_watch);
    if (r < 0) {
        signal_release(signo);
        eddy__free(signal_watch);
        return r;
    }
    list_append(&loop->signals, &signal_watch->node);
    return 0;
}

static void signal_stop(eddy_loop *loop, struct signal_watch *signal_watch) {
    sigaction(signal_watch->signo, &signal_watch->former, NULL);
    loop->poller_class->unwatch(loop->poller, &signal_watch->watch);
    signal_release(signal_watch->signo);
    list_remove(&signal_watch->node);
    eddy__free(signal_watch);
}

int eddy__signal_once(eddy_loop *loop, int signo, eddy_callback *fn, void *arg) {
    return signal_new(loop, signo, fn, arg, true);
}

int eddy_add_signal_handler(eddy_loop *loop, int signo, eddy_callback *fn, void *arg) {
    struct signal_watch *existing;
    int r = eddy__loop_find(&loop);

    if (r < 0)
        return r;
    if (signo <= 0 || signo >= NSIG || signo == SIGKILL || signo == SIGSTOP)
        return eddy_raise(-EINVAL, "signal %d cannot be handled", signo);

    existing = signal_find(loop, signo);
    if (existing) {
        existing->fn = fn;
        existing->arg = arg;
        return 0;
    }
    r = signal_new(loop, signo, fn, arg, false);
    if (r == -EBUSY)
        return eddy_raise(r, "signal %d is handled by another loop already", signo);
    return r < 0 ? eddy__fail(r) : 0;
}

int eddy_remove_signal_handler(eddy_loop *loop, int signo) {
    struct signal_watch *existing;
    int r = eddy__loop_find(&loop);

    if (r < 0)
        return r;
    existing = signal_find(loop, signo);
    if (!existing)
        return 0;
    signal_stop(loop, existing);
    return 1;
}

void eddy__signals_close(eddy_loop *loop) {
    while (!list_is_empty(&loop->signals))
        signal_stop(loop, container_of(loop->signals.next, struct signal_watch, node));
}
