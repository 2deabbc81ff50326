/* SPDX-License-Identifier: MIT
 * file_query.c - questions to disks: what a thread touches lies with them on the heap. */
#include <string.h>

#include "file.h"
#include "memory.h"
#include "os_file.h"
#include "util.h"

static struct eddy__file_query *query_of(struct eddy__file_job *job) {
    return container_of(job, struct eddy__file_query, job);
}

static void query_work(struct eddy__file_job *job) {
    struct eddy__file_query *query = query_of(job);

    job->result = query->ask(query);
}

static void query_free(struct eddy__file_job *job) {
    eddy__file_query_free(query_of(job));
}

struct eddy__file_query *eddy__file_query_new(ssize_t (*ask)(struct eddy__file_query *query),
                                              eddy_file *file, const char *path) {
    size_t path_bytes = path ? strlen(path) + 1 : 0;
    struct eddy__file_query *query = eddy__alloc(sizeof(*query) + path_bytes);

    if (!query) {
        eddy__fail(-ENOMEM);
        return NULL;
    }
    *query = (struct eddy__file_query){.job = {.work = query_work, .free = query_free},
                                       .ask = ask,
                                       .file = file ? eddy__file_ref(file) : NULL,
                                       .fd = -1};
    if (path)
        memcpy(query->path, path, path_bytes);
    return query;
}

/* What it has opened was never used: there is nothing that a close could still have to write. */
void eddy__file_query_free(struct eddy__file_query *query) {
    if (query->fd >= 0)
        eddy__os_close_file(query->fd);
    eddy__file_unref(query->file);
    eddy__free(query->memory);
    eddy__free(query);
}

ssize_t eddy__file_query_ask(struct eddy__task *task, struct eddy__file_query **query,
                             struct eddy__file_drop drop) {
    struct eddy__file_job *job = &(*query)->job;
    ssize_t r = eddy__file_ask(task, &job, drop);

    if (!job)
        *query = NULL;
    return r;
}
