/* SPDX-License-Identifier: MIT
 * read_file.c - a file read whole.
 *
 * A small one that is in memory is read at once; if anything of it is not, a thread begins anew,
 * and opens, reads and closes it in one go. */
#include <errno.h>

#include "file.h"
#include "memory.h"
#include "os.h"
#include "os_file.h"
#include "scheduler.h"
#include "util.h"

#define LIMIT_DEFAULT (1ul << 30)
#define ROOM_BYTES    4096u /* for what says no size, as in /proc */

/* --- all there is behind a descriptor ----------------------------------------------------------
 */

typedef ssize_t read_fn(int fd, const struct iovec *parts, int count, off_t offset);

struct whole {
    char *memory;
    size_t size, capacity;
    size_t limit;
};

static int whole_grow(struct whole *whole, size_t capacity) {
    char *memory = eddy__realloc(whole->memory, capacity + 1); /* a NUL behind it */

    if (!memory)
        return -ENOMEM;
    whole->memory = memory;
    whole->capacity = capacity;
    return 0;
}

/* Returns how many bytes; 0 at the end. */
static ssize_t whole_read_some(struct whole *whole, int fd, read_fn *read_some) {
    struct iovec part;
    ssize_t r;

    if (whole->size == whole->capacity) {
        int grown = whole_grow(whole, whole->capacity * 2);
        if (grown < 0)
            return grown;
    }
    part = (struct iovec){whole->memory + whole->size, whole->capacity - whole->size};
    r = read_some(fd, &part, 1, (off_t)whole->size);
    if (r > 0)
        whole->size += (size_t)r;
    return whole->size > whole->limit ? EDDY_ELIMIT : r;
}

/* One byte more than it has: so the end shows without growing. */
static int whole_read(struct whole *whole, int fd, off_t size, read_fn *read_some) {
    int grown;
    ssize_t r;

    if (size > 0 && (size_t)size > whole->limit)
        return EDDY_ELIMIT;
    grown = whole_grow(whole, size > 0 ? (size_t)size + 1 : ROOM_BYTES);
    if (grown < 0)
        return grown;
    do {
        r = whole_read_some(whole, fd, read_some);
    } while (r > 0);
    if (r == 0)
        whole->memory[whole->size] = '\0';
    return (int)r;
}

static void whole_deinit(struct whole *whole) {
    eddy__free(whole->memory);
}

/* --- at once -----------------------------------------------------------------------------------
 */

/* -EAGAIN: not all of it is in memory, or too much to keep the others waiting. */
static int whole_read_now(struct whole *whole, int fd) {
    struct stat status;
    int r = eddy__os_fstat_now(fd, &status);

    if (r < 0)
        return r;
    if (!S_ISREG(status.st_mode) || status.st_size > FILE_STEP_BYTES || status.st_nlink == 0)
        return -EAGAIN;
    return whole_read(whole, fd, status.st_size, eddy__os_preadv_now);
}

static int read_now(const char *path, struct whole *out) {
    CLEANUP(eddy__os_closep) int fd = eddy__os_open_now(path, O_RDONLY | O_NONBLOCK);
    CLEANUP(whole_deinit) struct whole whole = {.limit = out->limit};
    int r = fd < 0 ? fd : whole_read_now(&whole, fd);

    if (r == 0)
        *out = (struct whole){TAKE_POINTER(whole.memory), whole.size, whole.capacity, whole.limit};
    return r == -EOPNOTSUPP ? -EAGAIN : r;
}

/* --- by a thread -------------------------------------------------------------------------------
 */

/* What cannot seek is no file: see file.c. */
static int whole_read_later(struct whole *whole, int fd) {
    struct stat status;
    int r = eddy__os_fstat(fd, &status);

    if (r == 0)
        r = (int)MIN(eddy__os_lseek(fd, 0, SEEK_CUR), 0);
    if (r < 0)
        return r;
    return whole_read(whole, fd, S_ISREG(status.st_mode) ? status.st_size : 0, eddy__os_preadv);
}

static ssize_t query_read_whole(struct eddy__file_query *query) {
    CLEANUP(eddy__os_closep) int fd = eddy__os_open(query->path, O_RDONLY | O_NONBLOCK, 0);
    CLEANUP(whole_deinit) struct whole whole = {.limit = query->size};
    int r = fd < 0 ? fd : whole_read_later(&whole, fd);

    if (r < 0)
        return r;
    query->memory = TAKE_POINTER(whole.memory);
    query->size = whole.size;
    return 0;
}

/* Suspends. */
static ssize_t read_asked(struct eddy__task *task, const char *path, struct whole *out) {
    CLEANUP(eddy__file_queryp_free)
    struct eddy__file_query *query = eddy__file_query_new(query_read_whole, NULL, path);
    ssize_t r;

    if (!query)
        return -ENOMEM;
    query->size = out->limit;
    r = eddy__file_query_ask(task, &query, (struct eddy__file_drop){0});
    if (r < 0)
        return r;
    out->memory = TAKE_POINTER(query->memory);
    out->size = query->size;
    return 0;
}

static int read_fail(ssize_t code, const char *path, size_t limit_bytes) {
    if (code == EDDY_ELIMIT)
        return eddy_raise(EDDY_ELIMIT, "\"%s\" is longer than %zu bytes", path, limit_bytes);
    return eddy__path_fail(code, "read", path);
}

ssize_t eddy_read_file(const char *path, size_t limit_bytes, char **out) {
    struct whole whole = {.limit = limit_bytes ? limit_bytes : LIMIT_DEFAULT};
    struct eddy__task *task;
    ssize_t r = eddy__checkpoint(NULL, &task);

    if (r < 0)
        return r;
    r = read_now(path, &whole);
    if (r == -EAGAIN)
        r = read_asked(task, path, &whole);
    if (r < 0)
        return read_fail(r, path, whole.limit);
    *out = whole.memory;
    eddy__task_charge(task);
    return (ssize_t)whole.size;
}
