/* SPDX-License-Identifier: MIT
 * fetch_sink.c - where bodies go: nowhere, into a directory, or to standard output.
 *
 * A page is never seen half: in a directory it is NAME.part until it is renamed, and for standard
 * output it is a nameless temporary file until its turn comes.
 *
 * What blocks: most pages are one small block, and writing that is a copy into the page cache, a
 * few microseconds, less than the way to a thread and back. Full blocks are those of large bodies,
 * where the kernel makes the writer wait for the disk sooner or later; they and standard output,
 * whose reader may take its time, go through the thread pool, so the other transfers go on. */
#include "fetch_sink.h"

#include <eddy.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cleanup.h"

/* --- the sink --- */

/* mkdir -p. */
static int make_directory(const char *path) {
    CLEANUP(freep) char *copy = strdup(path);
    if (!copy)
        return -ENOMEM;

    for (char *slash = copy + 1; *copy && (slash = strchr(slash, '/')); slash++) {
        *slash = '\0';
        mkdir(copy, 0777); /* what went wrong shows at the last part */
        *slash = '/';
    }
    return mkdir(path, 0777) < 0 && errno != EEXIST ? -errno : 0;
}

static int open_directory(struct fetch_sink *sink) {
    int r = make_directory(sink->directory);
    if (r < 0)
        return eddy_raise(r, "cannot make the directory %s: %s", sink->directory, strerror(-r));

    sink->directory_fd = open(sink->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (sink->directory_fd < 0)
        return eddy_raise(-errno, "cannot open the directory %s: %m", sink->directory);

    if (faccessat(sink->directory_fd, ".", W_OK | X_OK, AT_EACCESS) < 0)
        return eddy_raise(-errno, "cannot write into the directory %s: %m", sink->directory);
    return 0;
}

int fetch_sink_open(struct fetch_sink *sink, const struct fetch_options *options) {
    *sink = (struct fetch_sink){
        .destination = options->directory   ? FETCH_TO_DIRECTORY
                       : options->to_stdout ? FETCH_TO_STDOUT
                                            : FETCH_DROP,
        .directory = options->directory,
        .directory_fd = -1,
        .turn = PTHREAD_MUTEX_INITIALIZER,
    };
    return sink->destination == FETCH_TO_DIRECTORY ? open_directory(sink) : 0;
}

void fetch_sink_close(struct fetch_sink *sink) {
    if (sink->directory_fd >= 0)
        close(sink->directory_fd);
    sink->directory_fd = -1;
}

/* --- a body --- */

/* The name as the user would type it, for sentences. */
static int raise_unwritten(const struct fetch_body *body, int code) {
    if (body->sink->destination == FETCH_TO_STDOUT)
        return eddy_raise(code, "cannot write to standard output: %s", strerror(-code));
    return eddy_raise(code, "cannot write %s/%s: %s", body->sink->directory, body->part,
                      strerror(-code));
}

/* A new file, never one that stood there or a link that leads elsewhere. */
static int open_part(struct fetch_body *body) {
    snprintf(body->part, sizeof body->part, "%s.part", body->name);
    int directory = body->sink->directory_fd;
    unlinkat(directory, body->part, 0); /* left over from a run that was killed */
    return openat(directory, body->part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
}

static int open_nameless(void) {
    const char *directory = getenv("TMPDIR");
    int fd =
        open(directory && *directory ? directory : "/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd >= 0)
        return fd;

    CLEANUP(close_filep) FILE *file = tmpfile(); /* a file system without O_TMPFILE */
    return file ? fcntl(fileno(file), F_DUPFD_CLOEXEC, 0) : -1;
}

int fetch_body_open(struct fetch_body *body, struct fetch_sink *sink, const char *name) {
    body->sink = sink;
    body->name = name;
    if (sink->destination == FETCH_TO_DIRECTORY) {
        body->fd = open_part(body);
        return body->fd < 0 ? raise_unwritten(body, -errno) : 0;
    }
    if (sink->destination == FETCH_TO_STDOUT) {
        body->fd = open_nameless();
        return body->fd < 0 ? eddy_raise(-errno, "cannot make a temporary file: %m") : 0;
    }
    return 0;
}

static int write_all(int fd, const char *data, size_t size) {
    while (size > 0) {
        ssize_t n = write(fd, data, size);
        if (n < 0 && errno != EINTR)
            return -errno;
        if (n > 0) {
            data += n;
            size -= n;
        }
    }
    return 0;
}

struct block {
    int fd;
    const void *data;
    size_t size;
};

static int write_block(void *arg) {
    const struct block *block = arg;
    return write_all(block->fd, block->data, block->size);
}

int fetch_body_write(struct fetch_body *body, const void *data, size_t size) {
    if (body->fd < 0)
        return 0;

    struct block block = {body->fd, data, size};
    int r = size < FETCH_BLOCK_BYTES ? write_block(&block) : eddy_to_thread(write_block, &block);
    return r < 0 && r != -ECANCELED ? raise_unwritten(body, r) : r;
}

/* Runs in the thread pool. */
static int copy_to_stdout(void *arg) {
    struct fetch_body *body = arg;
    CLEANUP(freep) char *block = malloc(FETCH_BLOCK_BYTES);
    if (!block)
        return -ENOMEM;

    pthread_mutex_lock(&body->sink->turn);
    int r = 0;
    ssize_t n = 0;
    for (off_t at = 0; r >= 0 && (n = pread(body->fd, block, FETCH_BLOCK_BYTES, at)) > 0; at += n)
        r = write_all(STDOUT_FILENO, block, n);
    if (n < 0)
        r = -errno;
    pthread_mutex_unlock(&body->sink->turn);
    return r;
}

static void body_close(struct fetch_body *body) {
    if (body->fd >= 0)
        close(body->fd);
    body->fd = -1;
}

static int rename_part(struct fetch_body *body) {
    int fd = body->fd;
    body->fd = -1;
    int r = close(fd) < 0 ? -errno : 0; /* a network file system may only now say "full" */

    int directory = body->sink->directory_fd;
    if (r >= 0 && renameat(directory, body->part, directory, body->name) < 0)
        r = -errno;
    if (r < 0)
        unlinkat(directory, body->part, 0);
    return r;
}

int fetch_body_commit(struct fetch_body *body) {
    if (body->fd < 0)
        return 0;

    bool to_stdout = body->sink->destination == FETCH_TO_STDOUT;
    int r = to_stdout ? eddy_to_thread(copy_to_stdout, body) : rename_part(body);
    body_close(body);
    return r < 0 && r != -ECANCELED ? raise_unwritten(body, r) : r;
}

void fetch_body_discard(struct fetch_body *body) {
    bool is_part = body->fd >= 0 && body->sink->destination == FETCH_TO_DIRECTORY;
    body_close(body);
    if (is_part)
        unlinkat(body->sink->directory_fd, body->part, 0);
}
