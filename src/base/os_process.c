/* SPDX-License-Identifier: MIT
 * os_process.c - pidfds, statuses and names of users. */
#include "os_process.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "memory.h"

#define RESULT(call)                         \
    ({                                       \
        __auto_type result_ = (call);        \
        result_ < 0 ? -errno : (int)result_; \
    })

/* The same on every architecture; younger than some headers. */
#define OUR_SYS_pidfd_send_signal 424
#define OUR_SYS_pidfd_open        434
#define OUR_P_PIDFD               ((idtype_t)3)

/* --- pidfds ----------------------------------------------------------------------------------- */

int eddy__os_pidfd_open(pid_t pid) {
    return RESULT(syscall(OUR_SYS_pidfd_open, pid, 0));
}

/* Where a filter forbids it, the number will do: nobody has reaped the child but, perhaps, a wait
 * for any child of the user's. */
int eddy__os_pidfd_signal(int pidfd, pid_t pid, int signo) {
    int r = RESULT(syscall(OUR_SYS_pidfd_send_signal, pidfd, signo, NULL, 0));

    return r == -ENOSYS ? RESULT(kill(pid, signo)) : r;
}

/* The kernel's struct pidfd_info in its first version, and the request for it. */
struct info {
    uint64_t mask, cgroup;
    uint32_t ids[11];
    int32_t status;
};
#define INFO_GET  _IOWR(0xFF, 11, struct info)
#define INFO_EXIT (1u << 3)

_Static_assert(sizeof(struct info) == 64, "as the kernel has it");

static int code_of_status(int status) {
    return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

/* Since Linux 6.15 a pidfd knows how its process ended, whoever has waited for it. */
static int status_after_all(int pidfd, int *out) {
    struct info info = {.mask = INFO_EXIT};

    if (ioctl(pidfd, INFO_GET, &info) < 0 || !(info.mask & INFO_EXIT))
        return -ECHILD;
    *out = code_of_status(info.status);
    return 0;
}

int eddy__os_pidfd_wait(int pidfd, bool waits, int *out) {
    siginfo_t info = {0};
    int r;

    do
        r = RESULT(waitid(OUR_P_PIDFD, (id_t)pidfd, &info, WEXITED | (waits ? 0 : WNOHANG)));
    while (r == -EINTR);
    if (r == -ECHILD)
        return status_after_all(pidfd, out);
    if (r < 0)
        return r;
    if (info.si_pid == 0)
        return -EAGAIN;
    *out = info.si_code == CLD_EXITED ? info.si_status : -info.si_status;
    return 0;
}

void eddy__os_reap(pid_t pid) {
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        continue;
}

/* --- streams ---------------------------------------------------------------------------------- */

int eddy__os_blocking_pipe(int fds[2]) {
    return RESULT(pipe2(fds, O_CLOEXEC));
}

static int open_file(const char *path, int flags) {
    int r;

    do
        r = RESULT(open(path, flags | O_CLOEXEC | O_NOCTTY, 0666));
    while (r == -EINTR);
    return r;
}

int eddy__os_open_to_read(const char *path) {
    return open_file(path, O_RDONLY);
}

int eddy__os_open_to_write(const char *path, bool append) {
    return open_file(path, O_WRONLY | O_CREAT | (append ? O_APPEND : O_TRUNC));
}

/* --- names ------------------------------------------------------------------------------------ */

#define RECORD_BYTES_FIRST 1024
#define RECORD_BYTES_MAX   (1u << 20) /* a group may have many members */

/* False: it is no number. */
static bool id_of_number(const char *text, unsigned *out) {
    char *end;
    unsigned long number;

    if (*text < '0' || *text > '9')
        return false;
    errno = 0;
    number = strtoul(text, &end, 10);
    if (*end || errno || number >= UINT_MAX)
        return false;
    *out = (unsigned)number;
    return true;
}

/* Asks the system's data base, in `size` bytes. Returns 0, -ENOENT, -ERANGE (more are needed) ...
 */
typedef int lookup_fn(const char *name, char *memory, size_t size, unsigned *out);

static int look_up_user(const char *name, char *memory, size_t size, unsigned *out) {
    struct passwd record, *found = NULL;
    int r = getpwnam_r(name, &record, memory, size, &found);

    if (found)
        *out = record.pw_uid;
    return found ? 0 : r == ERANGE ? -ERANGE : -ENOENT;
}

static int look_up_group(const char *name, char *memory, size_t size, unsigned *out) {
    struct group record, *found = NULL;
    int r = getgrnam_r(name, &record, memory, size, &found);

    if (found)
        *out = record.gr_gid;
    return found ? 0 : r == ERANGE ? -ERANGE : -ENOENT;
}

static int id_of(const char *name, lookup_fn *look_up, unsigned *out) {
    int r = -ERANGE;

    if (id_of_number(name, out))
        return 0;
    for (size_t size = RECORD_BYTES_FIRST; r == -ERANGE && size <= RECORD_BYTES_MAX; size *= 2) {
        char *memory = eddy__alloc(size);
        r = memory ? look_up(name, memory, size, out) : -ENOMEM;
        eddy__free(memory);
    }
    return r;
}

int eddy__os_user_id(const char *name, uid_t *out) {
    return id_of(name, look_up_user, out);
}

int eddy__os_group_id(const char *name, gid_t *out) {
    return id_of(name, look_up_group, out);
}
