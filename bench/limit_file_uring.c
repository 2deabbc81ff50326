/* SPDX-License-Identifier: MIT
 * limit_file_uring.c - reads that are in memory by a ring: one at a time, and 32 with one call.
 * Beside it: eddy_file.c. */
#include <liburing.h>

#include "file.h"

static struct io_uring ring;
static int fd;
static char pages[AT_ONCE][PAGE_BYTES];

static void ask(int i) {
    struct io_uring_sqe *question = io_uring_get_sqe(&ring);

    io_uring_prep_read(question, fd, pages[i], PAGE_BYTES, (uint64_t)file_offset());
}

static void take(void) {
    struct io_uring_cqe *answer;

    bench_require(io_uring_wait_cqe(&ring, &answer), "wait");
    bench_require(answer->res, "read");
    io_uring_cqe_seen(&ring, answer);
}

static double pass(void *at_once) {
    int count = *(int *)at_once;
    int64_t start_ns = bench_now_ns();

    for (int i = 0; i < READS; i += count) {
        for (int k = 0; k < count; k++)
            ask(k);
        bench_require(io_uring_submit_and_wait(&ring, (unsigned)count), "submit");
        for (int k = 0; k < count; k++)
            take();
    }
    return (double)(bench_now_ns() - start_ns) / READS;
}

int main(void) {
    struct io_uring_params params = {.flags =
                                         IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN};

    fd = file_make();
    bench_require(io_uring_queue_init_params(AT_ONCE, &ring, &params), "ring");
    bench_report("file-1", bench_run_passes(pass, &(int){1}), "ns");
    bench_report("file-32", bench_run_passes(pass, &(int){AT_ONCE}), "ns");
    io_uring_queue_exit(&ring);
    close(fd);
    return 0;
}
