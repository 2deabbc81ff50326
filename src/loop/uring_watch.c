/* SPDX-License-Identifier: MIT
 * uring_watch.c - questions about readiness, asked again and again. */
#include "uring_watch.h"

#include <errno.h>
#include <sys/stat.h>

#include "fd_table.h"
#include "memory.h"
#include "os.h"
#include "util.h"

struct eddy__question {
    struct eddy__watch *watch;
    uint32_t asked;  /* the events that the kernel watches for, 0: none */
    uint32_t number; /* of that question */
    int next;        /* in the list of those to be asked, if... */
    bool is_listed;
};

void eddy__uring_watches_init(struct eddy__uring_watches *watches, struct eddy__uring *uring) {
    *watches = (struct eddy__uring_watches){.uring = uring, .first_listed = -1};
}

void eddy__uring_watches_deinit(struct eddy__uring_watches *watches) {
    eddy__free(TAKE_POINTER(watches->questions));
}

/* The entry of a descriptor, or NULL: no memory, or no such descriptor. Entries move when a higher
 * descriptor comes. */
static struct eddy__question *question_at(struct eddy__uring_watches *watches, int fd) {
    struct eddy__question *questions;

    if (fd < 0)
        return NULL;
    if (fd < watches->capacity)
        return &watches->questions[fd];
    questions = eddy__fd_table_grow(watches->questions, &watches->capacity, sizeof(*questions), fd);
    if (!questions)
        return NULL;
    watches->questions = questions;
    return &questions[fd];
}

/* --- asking ----------------------------------------------------------------------------------- */

static uint64_t question_tag(const struct eddy__question *question, int fd) {
    return (uint64_t)question->number << 32 | (uint32_t)fd << 2 | OF_WATCH;
}

/* To be asked before the next wait. */
static void question_list(struct eddy__uring_watches *watches, int fd) {
    struct eddy__question *question = &watches->questions[fd];

    if (question->is_listed)
        return;
    question->is_listed = true;
    question->next = watches->first_listed;
    watches->first_listed = fd;
}

/* Whatever the kernel answers to the last question is stale. A question that finds no slot to be
 * taken back in costs no more than that: it is answered once. */
static void question_take_back(struct eddy__uring_watches *watches, int fd) {
    struct eddy__question *question = &watches->questions[fd];

    if (question->asked)
        eddy__uring_take_back(watches->uring, question_tag(question, fd));
    question->asked = 0;
    question->number++;
}

/* False: no slot, so it stays in the list. */
static bool question_ask(struct eddy__uring_watches *watches, int fd) {
    struct eddy__question *question = &watches->questions[fd];
    struct io_uring_sqe *slot;

    if (!question->watch || !question->watch->events || question->asked)
        return true;
    slot = eddy__uring_slot(watches->uring);
    if (!slot)
        return false;
    io_uring_prep_poll_add(slot, fd, question->watch->events);
    io_uring_sqe_set_data64(slot, question_tag(question, fd));
    question->asked = question->watch->events;
    return true;
}

void eddy__uring_watches_ask(struct eddy__uring_watches *watches) {
    while (watches->first_listed >= 0) {
        struct eddy__question *question = &watches->questions[watches->first_listed];
        if (!question_ask(watches, watches->first_listed))
            return;
        question->is_listed = false;
        watches->first_listed = question->next;
    }
}

/* --- adding and removing ---------------------------------------------------------------------- */

/* Sockets, pipes and what has no type (an eventfd) all have one; of devices epoll knows. */
int eddy__uring_can_watch(int fd) {
    struct epoll_event event = {.events = 0};
    struct stat about;
    int epoll_fd, r;

    if (fstat(fd, &about) < 0)
        return -errno;
    if (S_ISSOCK(about.st_mode) || S_ISFIFO(about.st_mode) || (about.st_mode & S_IFMT) == 0)
        return 0;
    epoll_fd = eddy__os_epoll_create();
    r = epoll_fd < 0 ? epoll_fd : eddy__os_epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event);
    eddy__os_close(epoll_fd);
    return r;
}

int eddy__uring_watches_add(struct eddy__uring_watches *watches, struct eddy__watch *watch) {
    struct eddy__question *question = question_at(watches, watch->fd);
    int r;

    if (!question)
        return eddy__os_is_open(watch->fd) ? -ENOMEM : -EBADF;
    if (question->watch && question->watch != watch)
        return -EEXIST;
    r = question->watch ? 0 : eddy__uring_can_watch(watch->fd);
    if (r < 0)
        return r;

    question->watch = watch;
    if (question->asked != watch->events)
        question_take_back(watches, watch->fd);
    question_list(watches, watch->fd);
    return 0;
}

/* At once: its owner may close the file next, and a question holds it open. */
void eddy__uring_watches_remove(struct eddy__uring_watches *watches, struct eddy__watch *watch) {
    struct eddy__question *question = &watches->questions[watch->fd];
    bool was_asked = question->asked != 0;

    if (question->watch != watch)
        return;
    question->watch = NULL;
    question_take_back(watches, watch->fd);
    if (was_asked)
        eddy__uring_flush(watches->uring);
}

/* --- answers ---------------------------------------------------------------------------------- */

/* An answer that is older than this poll may have become untrue: level-triggered means now. */
static bool watch_is_ready(const struct eddy__watch *watch, int result, bool is_old) {
    return result > 0 && (!is_old || eddy__os_is_ready(watch->fd, (short)watch->events));
}

/* A closed descriptor is not asked about again until its watch is set again. Whatever else the
 * kernel says (-ENOMEM, -ECANCELED of a thread that has ended) passes: a watch that was given up
 * would be a loop that nobody can wake. */
bool eddy__uring_watches_answered(struct eddy__uring_watches *watches, uint64_t tag, int result,
                                  bool is_old) {
    int fd = (int)((uint32_t)tag >> 2);
    struct eddy__question *question = &watches->questions[fd];
    struct eddy__watch *watch = question->watch;

    if (question->number != tag >> 32 || !watch)
        return false;
    question->asked = 0;
    if (result != -EBADF)
        question_list(watches, fd);
    if (!watch_is_ready(watch, result, is_old))
        return false;
    watch->ready(watch, (uint32_t)result);
    return true;
}
