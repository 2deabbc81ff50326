/* SPDX-License-Identifier: MIT
 * file.h - the file that the programs of the file rows read: 64 MiB, in memory, pages at random. */
#ifndef BENCH_FILE_H
#define BENCH_FILE_H

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"

#define PAGE_BYTES 4096
#define FILE_PAGES 16384
#define READS      20000 /* of a pass; a multiple of AT_ONCE */
#define AT_ONCE    32
#define OPENS      5000

static char file_path[] = "/tmp/eddy-bench-XXXXXX";

static inline void file_remove(void) {
    unlink(file_path);
}

/* Returns a descriptor. The name goes when the program ends. */
static inline int file_make(void) {
    int fd = mkstemp(file_path);
    char page[PAGE_BYTES];

    bench_require(fd < 0 ? -errno : 0, "file");
    atexit(file_remove);
    memset(page, 'x', sizeof(page));
    for (int i = 0; i < FILE_PAGES; i++)
        bench_require(write(fd, page, sizeof(page)) < 0 ? -errno : 0, "write");
    return fd;
}

static inline off_t file_offset(void) {
    return (off_t)(bench_random() * FILE_PAGES) * PAGE_BYTES;
}

#endif
