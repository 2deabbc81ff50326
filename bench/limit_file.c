/* SPDX-License-Identifier: MIT
 * limit_file.c - the limit of reads that are in memory: pread, which waits for a disk where it has
 * to; and preadv2 with RWF_NOWAIT, which does not. Beside it: eddy_file.c. */
#include <sys/stat.h>
#include <sys/uio.h>

#include "file.h"

static int fd;
static char page[PAGE_BYTES];

static double pass_pread(void *unused) {
    (void)unused;
    int64_t start_ns = bench_now_ns();
    for (int i = 0; i < READS; i++)
        bench_require((int)pread(fd, page, sizeof(page), file_offset()), "pread");
    return (double)(bench_now_ns() - start_ns) / READS;
}

static double pass_nowait(void *unused) {
    const struct iovec part = {page, sizeof(page)};

    (void)unused;
    int64_t start_ns = bench_now_ns();
    for (int i = 0; i < READS; i++)
        bench_require((int)preadv2(fd, &part, 1, file_offset(), RWF_NOWAIT), "preadv2");
    return (double)(bench_now_ns() - start_ns) / READS;
}

static double pass_open(void *unused) {
    struct stat status;

    (void)unused;
    int64_t start_ns = bench_now_ns();
    for (int i = 0; i < OPENS; i++) {
        int opened = open(file_path, O_RDONLY | O_CLOEXEC);
        bench_require(fstat(opened, &status) < 0 ? -errno : 0, "fstat");
        close(opened);
    }
    return (double)(bench_now_ns() - start_ns) / OPENS;
}

int main(void) {
    double each;

    fd = file_make();
    each = bench_run_passes(pass_pread, NULL);
    bench_report("file-1", each, "ns");
    bench_report("file-32", each, "ns");
    bench_report("file-nowait", bench_run_passes(pass_nowait, NULL), "ns");
    bench_report("file-open", bench_run_passes(pass_open, NULL), "ns");
    close(fd);
    return 0;
}
