/* SPDX-License-Identifier: MIT
 * eddy_file.c - reads of 4 KiB that are in memory, by one task and by 32; open, stat and close.
 * Beside it: limit_file.c, limit_file_uring.c. */
#include <eddy.h>

#include "file.h"

static eddy_file *file;

static int read_some(void *count) {
    char page[PAGE_BYTES];

    for (long i = *(long *)count; i > 0; i--)
        bench_require((int)eddy_file_pread(file, page, sizeof(page), file_offset()), "read");
    return 0;
}

static double pass_one(void *unused) {
    long count = READS;

    (void)unused;
    int64_t start_ns = bench_now_ns();
    read_some(&count);
    return (double)(bench_now_ns() - start_ns) / READS;
}

static double pass_many(void *unused) {
    long count = READS / AT_ONCE;
    eddy_task *tasks[AT_ONCE];

    (void)unused;
    int64_t start_ns = bench_now_ns();
    for (int i = 0; i < AT_ONCE; i++)
        tasks[i] = eddy_create_task(read_some, &count);
    bench_require(eddy_gather_array(tasks, AT_ONCE, NULL), "gather");
    return (double)(bench_now_ns() - start_ns) / READS;
}

static double pass_open(void *unused) {
    struct stat status;
    eddy_file *opened;

    (void)unused;
    int64_t start_ns = bench_now_ns();
    for (int i = 0; i < OPENS; i++) {
        bench_require(eddy_file_open(file_path, O_RDONLY, 0, &opened), "open");
        bench_require(eddy_file_stat(opened, &status), "stat");
        bench_require(eddy_file_close(opened), "close");
    }
    return (double)(bench_now_ns() - start_ns) / OPENS;
}

static int bench_main(void *unused) {
    (void)unused;
    bench_require(eddy_file_from_fd(file_make(), &file), "file");
    bench_report("file-1", bench_run_passes(pass_one, NULL), "ns");
    bench_report("file-32", bench_run_passes(pass_many, NULL), "ns");
    bench_report("file-open", bench_run_passes(pass_open, NULL), "ns");
    return eddy_file_close(file);
}

int main(void) {
    return eddy_main(bench_main, NULL);
}
