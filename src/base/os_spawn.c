/* SPDX-License-Identifier: MIT
 * os_spawn.c - clone(CLONE_VM | CLONE_VFORK | CLONE_PIDFD), and what the child does before exec.
 *
 * The child runs in our memory, on a stack of its own, while this thread stands still: a parent of
 * any size costs the same, where fork() copies page tables. In return it must leave that memory
 * alone: it makes system calls without libc's wrappers, which keep books (of threads, handlers,
 * descriptors) that are the parent's, and no sanitizer may look at it. Signals are blocked until
 * exec: a handler of ours would run in both.
 *
 * Emulators of other processors have no such child; theirs gets a copy, so that what went wrong is
 * told over a pipe as well. */
#include "os_spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "memory.h"
#include "os.h"
#include "os_process.h"
#include "util.h"

#define STACK_BYTES        (16u << 10)
#define KERNEL_SIGNALS     64
#define KERNEL_SIGSET_SIZE 8
#define NOT_RUN            127 /* as a shell's: nobody sees it */

#ifndef CLONE_PIDFD
#define CLONE_PIDFD 0x1000
#endif

/* What stands in no header that is old enough. */
#define OUR_SYS_close_range     436
#define OUR_CLOSE_RANGE_CLOEXEC 4

/* glibc's clone() by its other name. That of ThreadSanitizer takes every child for one of fork(),
 * and forgets in the memory of both what it knows. */
int __clone(int (*fn)(void *arg), void *stack, int flags, void *arg, ...);

#if defined(__has_attribute)
#if __has_attribute(disable_sanitizer_instrumentation)
#define IN_CHILD __attribute__((disable_sanitizer_instrumentation))
#endif
#endif
#ifndef IN_CHILD
#define IN_CHILD __attribute__((no_sanitize("address", "thread", "undefined")))
#endif

/* A system call's result, or the negative errno. errno is the parent's, which keeps it. */
#define CALL(...)                            \
    ({                                       \
        long result_ = syscall(__VA_ARGS__); \
        result_ < 0 ? -errno : result_;      \
    })

/* --- in the child: the streams ---------------------------------------------------------------- */

/* A source that is 0, 1 or 2 would be overwritten before its turn: it moves up. */
IN_CHILD static int child_save_source(int *source, int target) {
    long fd;

    if (*source < 0 || *source > 2 || *source == target)
        return 0;
    fd = CALL(SYS_fcntl, *source, F_DUPFD_CLOEXEC, 3);
    if (fd < 0)
        return (int)fd;
    *source = (int)fd;
    return 0;
}

IN_CHILD static int child_set_stream(int source, int target) {
    if (source == SPAWN_INHERITED)
        return 0;
    if (source == SPAWN_AS_OUTPUT)
        source = 1;
    if (source == target)
        return (int)CALL(SYS_fcntl, target, F_SETFD, 0);
    return (int)MIN(CALL(SYS_dup3, source, target, 0), 0);
}

IN_CHILD static int child_set_streams(const struct eddy__spawn *spawn) {
    int sources[3] = {spawn->streams[0], spawn->streams[1], spawn->streams[2]}, r = 0;

    for (int i = 0; i < 3 && r == 0; i++)
        r = child_save_source(&sources[i], i);
    for (int i = 0; i < 3 && r == 0; i++)
        r = child_set_stream(sources[i], i);
    return r;
}

/* --- in the child: descriptors ---------------------------------------------------------------- */

IN_CHILD static int number_of(const char *text) {
    int number = 0;

    for (; *text >= '0' && *text <= '9'; text++)
        number = number * 10 + (*text - '0');
    return *text ? -1 : number;
}

/* Before Linux 5.11: as /proc lists them. */
IN_CHILD static int child_mark_each(void) {
    struct entry { /* the kernel's linux_dirent64 */
        uint64_t inode;
        int64_t offset;
        unsigned short size;
        unsigned char type;
        char name[];
    };
    char entries[2048] __attribute__((aligned(8)));
    long list = CALL(SYS_openat, AT_FDCWD, "/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    long size = list;

    while (list >= 0 && (size = CALL(SYS_getdents64, list, entries, sizeof(entries))) > 0) {
        for (long at = 0; at < size;) {
            const struct entry *entry = (const struct entry *)(entries + at);
            int fd = number_of(entry->name);
            if (fd > 2)
                CALL(SYS_fcntl, fd, F_SETFD, FD_CLOEXEC);
            at += entry->size;
        }
    }
    return (int)MIN(size, 0);
}

/* They close with the exec and not before: report_fd is one of them. */
IN_CHILD static int child_choose_descriptors(const struct eddy__spawn *spawn) {
    long r = 0;

    if (!spawn->passes_all) {
        r = CALL(OUR_SYS_close_range, 3u, ~0u, OUR_CLOSE_RANGE_CLOEXEC);
        if (r == -ENOSYS || r == -EINVAL || r == -EPERM)
            r = child_mark_each();
    }
    for (size_t i = 0; i < spawn->passed_count && r == 0; i++)
        r = CALL(SYS_fcntl, spawn->passed[i], F_SETFD, 0);
    return (int)r;
}

/* --- in the child: signals -------------------------------------------------------------------- */

/* The kernel's struct sigaction; all zero is the default action. */
struct kernel_sigaction {
    long handler;
    long rest[7];
};

/* Handlers of ours end before the mask opens. What is ignored stays so, as for nohup's sake, but
 * for what a library ignores and a program does not expect. */
IN_CHILD static void child_reset_signals(const struct eddy__spawn *spawn) {
    uint64_t none = 0;

    for (int signo = 1; signo <= KERNEL_SIGNALS; signo++) {
        struct kernel_sigaction former, action;
        bool is_ours = signo == SIGPIPE || signo == SIGXFSZ;

        if (CALL(SYS_rt_sigaction, signo, NULL, &former, KERNEL_SIGSET_SIZE) < 0 ||
            former.handler == (long)SIG_DFL)
            continue;
        if (former.handler == (long)SIG_IGN && (spawn->keeps_signals || !is_ours))
            continue;
        for (unsigned i = 0; i < ARRAY_SIZE(action.rest); i++)
            action.rest[i] = 0;
        action.handler = (long)SIG_DFL;
        CALL(SYS_rt_sigaction, signo, &action, NULL, KERNEL_SIGSET_SIZE);
    }
    if (!spawn->keeps_signals)
        CALL(SYS_rt_sigprocmask, SIG_SETMASK, &none, NULL, KERNEL_SIGSET_SIZE);
}

/* --- in the child: the rest ------------------------------------------------------------------- */

IN_CHILD static int child_add_nice(int nice) {
    long former = CALL(SYS_getpriority, PRIO_PROCESS, 0); /* the kernel says 20 - nice */

    return former < 0 ? (int)former
                      : (int)CALL(SYS_setpriority, PRIO_PROCESS, 0, 20 - former + nice);
}

/* As execvpe: a program that is not there, or may not be run, is looked for further on; that one
 * was found and may not be run says more than that others are not there. */
IN_CHILD static int child_exec(const struct eddy__spawn *spawn) {
    int r = -ENOENT;

    for (const char *const *program = spawn->programs; *program; program++) {
        int code = (int)CALL(SYS_execve, *program, spawn->arguments, spawn->environment);
        if (code != -ENOENT && code != -ENOTDIR && code != -EACCES)
            return code;
        if (r != -EACCES)
            r = code;
    }
    return r;
}

/* The parent may be gone already: then nobody will tell us. */
IN_CHILD static int child_set_death_signal(int signo, pid_t parent) {
    int r = (int)CALL(SYS_prctl, PR_SET_PDEATHSIG, signo, 0, 0, 0);

    if (r == 0 && CALL(SYS_getppid) != parent)
        CALL(SYS_exit_group, NOT_RUN);
    return r;
}

/* One step; 0 also where nothing was asked for. */
IN_CHILD static int child_step(const struct eddy__spawn *spawn, enum eddy__spawn_step step,
                               pid_t parent) {
    switch (step) {
    case SPAWN_STREAMS:
        return child_set_streams(spawn);
    case SPAWN_DIRECTORY:
        return spawn->directory ? (int)CALL(SYS_chdir, spawn->directory) : 0;
    case SPAWN_SESSION:
        return spawn->has_session ? (int)MIN(CALL(SYS_setsid), 0) : 0;
    case SPAWN_PROCESS_GROUP:
        return spawn->process_group >= 0 ? (int)CALL(SYS_setpgid, 0, spawn->process_group) : 0;
    case SPAWN_NICE:
        return spawn->nice ? child_add_nice(spawn->nice) : 0;
    case SPAWN_GROUPS:
        return spawn->groups ? (int)CALL(SYS_setgroups, spawn->groups_count, spawn->groups) : 0;
    case SPAWN_GROUP:
        return spawn->group == SPAWN_NO_ID
                   ? 0
                   : (int)CALL(SYS_setresgid, spawn->group, spawn->group, spawn->group);
    case SPAWN_USER:
        return spawn->user == SPAWN_NO_ID
                   ? 0
                   : (int)CALL(SYS_setresuid, spawn->user, spawn->user, spawn->user);
    case SPAWN_DESCRIPTORS:
        return child_choose_descriptors(spawn);
    case SPAWN_DEATH_SIGNAL: /* setresuid takes it back, hence after that */
        return spawn->death_signal ? child_set_death_signal(spawn->death_signal, parent) : 0;
    default:
        return child_exec(spawn);
    }
}

struct birth {
    struct eddy__spawn *spawn;
    pid_t parent;
    uint64_t mask; /* of this thread */
    int code;      /* why it failed; 0: it runs */
};

struct report {
    enum eddy__spawn_step step;
    int code;
};

IN_CHILD static int child_main(void *arg) {
    struct birth *birth = arg;
    struct eddy__spawn *spawn = birth->spawn;
    struct report report = {SPAWN_STREAMS, 0};

    spawn->is_born = true;
    if (spawn->has_umask)
        CALL(SYS_umask, spawn->umask);
    for (;; report.step++) {
        if (report.step == SPAWN_EXEC)
            child_reset_signals(spawn);
        if (report.step == SPAWN_EXEC && spawn->keeps_signals)
            CALL(SYS_rt_sigprocmask, SIG_SETMASK, &birth->mask, NULL, KERNEL_SIGSET_SIZE);
        report.code = child_step(spawn, report.step, birth->parent);
        if (report.code < 0)
            break;
    }
    spawn->step = report.step;
    birth->code = report.code;
    CALL(SYS_write, spawn->report_fd, &report, sizeof(report));
    CALL(SYS_exit_group, NOT_RUN);
    return NOT_RUN;
}

/* --- in the parent ---------------------------------------------------------------------------- */

/* Old emulators refuse CLONE_PIDFD, and have pidfd_open. */
static int birth_clone(struct birth *birth, char *stack) {
    const int flags = CLONE_VM | CLONE_VFORK | SIGCHLD;
    struct eddy__spawn *spawn = birth->spawn;
    char *top = stack + STACK_BYTES - (uintptr_t)stack % 16; /* whatever the allocator gives */
    int pid = __clone(child_main, top, flags | CLONE_PIDFD, birth, &spawn->pidfd);

    if (pid < 0 && errno == EINVAL)
        pid = __clone(child_main, top, flags, birth);
    return pid < 0 ? -errno : pid;
}

/* Signals wait until the child is another program. */
static int birth_with_signals_blocked(struct birth *birth, char *stack) {
    uint64_t all = ~(uint64_t)0;
    int pid;

    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, &birth->mask, KERNEL_SIGSET_SIZE);
    pid = birth_clone(birth, stack);
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &birth->mask, NULL, KERNEL_SIGSET_SIZE);
    return pid;
}

/* The child had a copy of our memory: reads what it says, until exec or its end closes the pipe. */
static void birth_hear(struct birth *birth, int fd) {
    struct report report;
    ssize_t n;

    do
        n = read(fd, &report, sizeof(report));
    while (n < 0 && errno == EINTR);
    if (n == sizeof(report)) {
        birth->spawn->step = report.step;
        birth->code = report.code;
    }
}

static void birth_close(int *fd) {
    eddy__os_close(TAKE_FD(*fd));
}

/* There is a child, with this pid. */
static int birth_check(struct birth *birth, int pid, int report[2]) {
    struct eddy__spawn *spawn = birth->spawn;

    birth_close(&report[1]);
    if (!spawn->is_born)
        birth_hear(birth, report[0]);
    if (birth->code == 0 && spawn->pidfd < 0)
        spawn->pidfd = eddy__os_pidfd_open(pid);
    if (birth->code == 0 && spawn->pidfd < 0) {
        birth->code = spawn->pidfd;
        spawn->step = SPAWN_BIRTH;
        kill(pid, SIGKILL);
    }
    if (birth->code < 0) {
        eddy__os_reap(pid);
        birth_close(&spawn->pidfd);
        return birth->code;
    }
    spawn->pid = pid;
    return 0;
}

int eddy__os_spawn(struct eddy__spawn *spawn) {
    CLEANUP(eddy__freep) char *stack = eddy__alloc(STACK_BYTES);
    struct birth birth = {.spawn = spawn, .parent = getpid()};
    int report[2] = {-1, -1}, saved = errno, r;

    spawn->step = SPAWN_BIRTH;
    spawn->is_born = false;
    spawn->pidfd = -1;
    if (!stack)
        return -ENOMEM;
    r = eddy__os_blocking_pipe(report);
    if (r < 0)
        return r;
    spawn->report_fd = report[1];
    r = birth_with_signals_blocked(&birth, stack);
    if (r >= 0)
        r = birth_check(&birth, r, report);
    birth_close(&report[0]);
    birth_close(&report[1]);
    errno = saved;
    return r;
}
