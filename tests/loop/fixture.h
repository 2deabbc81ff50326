/* SPDX-License-Identifier: MIT
 * fixture.h - loops in virtual time, callbacks that leave a trace, and descriptors to watch.
 *
 * Nothing here waits for real time: a loop that has nothing else to do jumps to the next deadline.
 */
#ifndef TEST_LOOP_FIXTURE_H
#define TEST_LOOP_FIXTURE_H

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "loop.h"
#include "memory.h"
#include "os.h"

#include "test.h"

/* --- loops ------------------------------------------------------------------------------------ */

static inline eddy_loop *loop_of_clock(eddy_clock clock) {
    eddy_loop *loop;

    ASSERT_OK(eddy_loop_new(&(eddy_loop_options){.clock = clock, .executor_threads = 4}, &loop));
    return loop;
}

static inline eddy_loop *test_loop(void) {
    return loop_of_clock(EDDY_CLOCK_VIRTUAL);
}

static inline void test_loop_closep(eddy_loop **loop) {
    ASSERT_NULL(eddy_loop_close(*loop));
}

#define LOOP CLEANUP(test_loop_closep) eddy_loop *

/* Turns until nothing is left to run, in virtual time. */
static inline void run_dry(eddy_loop *loop) {
    double seconds;

    while ((seconds = eddy_loop_timeout(loop)) < INFINITY)
        ASSERT_OK(eddy_loop_run_once(loop, seconds));
}

/* One turn that does not wait. */
static inline void turn(eddy_loop *loop) {
    ASSERT_OK(eddy_loop_run_once(loop, 0));
}

static inline void stop(void *loop) {
    eddy_loop_stop(loop);
}

/* --- what ran --------------------------------------------------------------------------------- */

struct trace {
    char text[1024];
    int count;
};

/* A callback that adds a word to a trace. */
struct mark {
    struct trace *trace;
    const char *word;
};

#define MARK(to, said) (&(struct mark){(to), (said)})

static inline void trace_add(struct trace *trace, const char *word) {
    size_t length = strlen(trace->text);

    snprintf(trace->text + length, sizeof(trace->text) - length, "%s%s", length ? " " : "", word);
    trace->count++;
}

static inline void mark(void *arg) {
    const struct mark *mark = arg;

    trace_add(mark->trace, mark->word);
}

static inline void count(void *counter) {
    ++*(int *)counter;
}

/* --- descriptors ------------------------------------------------------------------------------ */

#define FD CLEANUP(eddy__os_closep) int

struct ends {
    int near, far;
};

static inline void ends_closep(struct ends *ends) {
    eddy__os_close(ends->near);
    eddy__os_close(ends->far);
}

/* Two connected sockets, non-blocking. */
static inline struct ends ends_open(void) {
    int pair[2];

    ASSERT_INT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair), 0);
    return (struct ends){pair[0], pair[1]};
}

#define ENDS CLEANUP(ends_closep) struct ends

static inline void put(int fd, const char *text) {
    ASSERT_INT_EQ(write(fd, text, strlen(text)), strlen(text));
}

/* Until it takes no more. Returns how many bytes that were. */
static inline size_t fill(int fd) {
    static const char bytes[4096];
    size_t all = 0;
    ssize_t size;

    while ((size = write(fd, bytes, sizeof(bytes))) > 0)
        all += (size_t)size;
    return all;
}

static inline void drain(int fd) {
    char bytes[4096];

    while (read(fd, bytes, sizeof(bytes)) > 0)
        continue;
}

/* How many descriptors this process has open. */
static inline int descriptors_open(void) {
    int found = 0;

    for (int fd = 0; fd < 1024; fd++)
        found += fcntl(fd, F_GETFD) >= 0;
    return found;
}

static inline bool is_any_open_above(int fd) {
    while (++fd < 1024)
        if (eddy__os_is_open(fd))
            return true;
    return false;
}

/* Lets this process open `left` more descriptors. Gaps among those that are open are filled first.
 */
static inline void leave_descriptors(int left) {
    struct rlimit limit;
    int next;

    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    ASSERT_INT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
    do
        next = open("/dev/null", O_RDONLY | O_CLOEXEC);
    while (is_any_open_above(next));
    eddy__os_close(next);
    limit.rlim_cur = (rlim_t)(next + left);
    ASSERT_INT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

/* As many as there may be, for what a sanitizer opens when the test is over. */
static inline void leave_all_descriptors(void) {
    struct rlimit limit;

    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

/* --- errors ----------------------------------------------------------------------------------- */

static inline void forget_last_error(void) {
    eddy__error_set(eddy__error_slot(), NULL);
}

#define ASSERT_LAST_ERROR(expected, part)                        \
    do {                                                         \
        ASSERT_NOT_NULL(eddy_last_error());                      \
        ASSERT_CODE((expected), eddy_last_error()->code);        \
        ASSERT_STR_CONTAINS(eddy_last_error()->message, (part)); \
    } while (0)

#endif
