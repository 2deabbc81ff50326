/* SPDX-License-Identifier: MIT
 * directory.c - the entries of a directory, some hundred at a time.
 *
 * A batch that was left behind by a cancel has moved the directory's position, or will: so the next
 * one says where it begins. The lock is held by threads only, one batch each. */
#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "file.h"
#include "memory.h"
#include "os.h"
#include "os_file.h"
#include "scheduler.h"
#include "util.h"

#define BATCH_BYTES (32u << 10)

struct eddy_directory {
    atomic_int refs; /* the owner, and each question under way */
    int fd;
    pthread_mutex_t lock; /* of the descriptor's position */
    bool is_reading;
    bool is_astray; /* a batch was left behind: the position is anywhere */
    off_t position; /* behind what was read last */
    char *batch;    /* struct dirent64, one behind the other; NULL: none yet */
    size_t start, end;
    char path[];
};

/* --- life --------------------------------------------------------------------------------------
 */

static void directory_unref(eddy_directory *directory) {
    if (atomic_fetch_sub_explicit(&directory->refs, 1, memory_order_acq_rel) > 1)
        return;
    eddy__os_close(directory->fd); /* nothing was written */
    pthread_mutex_destroy(&directory->lock);
    eddy__free(directory->batch);
    eddy__free(directory);
}

/* Takes the descriptor. NULL: no memory. */
static eddy_directory *directory_new(int fd, const char *path) {
    size_t path_bytes = strlen(path) + 1;
    eddy_directory *directory = eddy__alloc(sizeof(*directory) + path_bytes);

    if (!directory) {
        eddy__os_close(fd);
        return NULL;
    }
    *directory = (eddy_directory){.fd = fd};
    atomic_init(&directory->refs, 1);
    pthread_mutex_init(&directory->lock, NULL);
    memcpy(directory->path, path, path_bytes);
    return directory;
}

int eddy_scandir(const char *path, eddy_directory **out) {
    struct eddy__task *task;
    int r = eddy__checkpoint(NULL, &task);

    if (r < 0)
        return r;
    r = eddy__file_open_fd(task, path, O_RDONLY | O_DIRECTORY);
    if (r < 0)
        return eddy__path_fail(r, "list", path);
    *out = directory_new(r, path);
    return *out ? 0 : eddy__fail(-ENOMEM);
}

eddy_directory *eddy_directory_close(eddy_directory *directory) {
    if (directory)
        directory_unref(directory);
    return NULL;
}

/* --- a batch -----------------------------------------------------------------------------------
 */

struct batch_query {
    struct eddy__file_job job;
    eddy_directory *directory; /* a reference */
    bool seeks;
    off_t position;
    char *memory; /* the batch, once it is there */
};

static struct batch_query *batch_of(struct eddy__file_job *job) {
    return container_of(job, struct batch_query, job);
}

static void batch_work(struct eddy__file_job *job) {
    struct batch_query *query = batch_of(job);
    eddy_directory *directory = query->directory;
    off_t r = 0;

    pthread_mutex_lock(&directory->lock);
    if (query->seeks)
        r = eddy__os_lseek(directory->fd, query->position, SEEK_SET);
    if (r >= 0)
        r = eddy__os_getdents(directory->fd, query->memory, BATCH_BYTES);
    pthread_mutex_unlock(&directory->lock);
    job->result = r;
}

static void batch_free(struct eddy__file_job *job) {
    struct batch_query *query = batch_of(job);

    directory_unref(query->directory);
    eddy__free(query->memory);
    eddy__free(query);
}

static void batchp_free(struct batch_query **query) {
    if (*query)
        batch_free(&(*query)->job);
}

/* NULL: no memory. */
static struct batch_query *batch_new(eddy_directory *directory) {
    struct batch_query *query = eddy__alloc(sizeof(*query));
    char *memory = query ? eddy__alloc(BATCH_BYTES) : NULL;

    if (!memory) {
        eddy__free(query);
        return NULL;
    }
    atomic_fetch_add_explicit(&directory->refs, 1, memory_order_relaxed);
    *query = (struct batch_query){.job = {.work = batch_work, .free = batch_free},
                                  .directory = directory,
                                  .seeks = directory->is_astray,
                                  .position = directory->position,
                                  .memory = memory};
    return query;
}

/* The loop is closed over the call. */
static void reading_dropped(void *arg) {
    eddy_directory *directory = arg;

    directory->is_reading = false;
    directory_unref(directory);
}

/* Suspends. Returns the size of the batch, 0 at the end. */
static ssize_t batch_read(eddy_directory *directory, struct eddy__task *task) {
    CLEANUP(batchp_free) struct batch_query *query = batch_new(directory);
    struct eddy__file_job *job;
    ssize_t r;

    if (!query)
        return -ENOMEM;
    job = &query->job;
    directory->is_astray = true; /* until it is known that it is not */
    r = eddy__file_ask(task, &job, (struct eddy__file_drop){reading_dropped, directory});
    if (!job)
        query = NULL;
    if (r < 0)
        return r;
    directory->is_astray = false;
    eddy__free(directory->batch);
    directory->batch = TAKE_POINTER(query->memory);
    directory->start = 0;
    directory->end = (size_t)r;
    return r;
}

/* --- entries -----------------------------------------------------------------------------------
 */

static bool is_dots(const char *name) {
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* False: the batch is used up. */
static bool batch_next(eddy_directory *directory, eddy_directory_entry *out) {
    while (directory->start < directory->end) {
        const struct dirent64 *entry = (const void *)(directory->batch + directory->start);
        directory->start += entry->d_reclen;
        directory->position = entry->d_off;
        if (is_dots(entry->d_name))
            continue;
        *out = (eddy_directory_entry){
            .name = entry->d_name, .type = DTTOIF(entry->d_type), .inode = entry->d_ino};
        return true;
    }
    return false;
}

/* Suspends. */
static ssize_t directory_next(eddy_directory *directory, struct eddy__task *task,
                              eddy_directory_entry *out) {
    while (!batch_next(directory, out)) {
        ssize_t r = batch_read(directory, task);
        if (r <= 0)
            return r;
    }
    return 1;
}

int eddy_directory_next(eddy_directory *directory, eddy_directory_entry *out) {
    struct eddy__task *task;
    int r = eddy__checkpoint(NULL, &task);

    if (r < 0)
        return r;
    if (directory->is_reading)
        return eddy_raise(-EBUSY, "another task reads \"%s\"", directory->path);
    directory->is_reading = true;
    atomic_fetch_add_explicit(&directory->refs, 1, memory_order_relaxed);
    r = (int)directory_next(directory, task, out);
    if (r < 0)
        r = eddy__path_fail(r, "list", directory->path);
    directory->is_reading = false;
    directory_unref(directory);
    return r;
}
