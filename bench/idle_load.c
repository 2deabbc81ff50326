/* SPDX-License-Identifier: MIT
 * idle_load.c - many connections that have said one word and are silent: what each costs the
 * server.
 *
 * Measured is the server's memory (its resident pages and page tables) before the first and after
 * the last; every connection has had one answer by then, so that the server has done for it what it
 * does. What the kernel keeps for a socket is the same for all servers, and not in it. With LINGER
 * it then holds the connections until its standard input ends: others measure meanwhile.
 * usage: idle_load PORT CONNECTIONS PID-OF-THE-SERVER [linger] */
#include "echo.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench.h"

#define WORD_BYTES 64

static void exchange(int fd) {
    char word[WORD_BYTES] = "a word", answer[WORD_BYTES];

    bench_require(send(fd, word, sizeof(word), MSG_NOSIGNAL) < 0 ? -errno : 0, "send");
    ssize_t got = recv(fd, answer, sizeof(answer), MSG_WAITALL);
    bench_require(got < 0 ? -errno : got < WORD_BYTES ? -ECONNRESET : 0, "the answer");
}

/* Closing sends a reset: ports that wait for their end would be missing in the next round. */
static void reset_at_close(int fd) {
    struct linger now = {.l_onoff = 1, .l_linger = 0};

    setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
}

static int64_t memory_bytes(pid_t server) {
    struct bench_memory memory = bench_memory_of(server);

    return memory.resident_bytes + memory.page_table_bytes;
}

int main(int argc, char *argv[]) {
    long port = bench_count(argc, argv, 1, 0), count = bench_count(argc, argv, 2, 10000);
    pid_t server = (pid_t)bench_count(argc, argv, 3, 0);
    bool lingers = argc > 4;
    char row[64], byte;

    echo_raise_descriptor_limit();
    int warm = echo_connect(port); /* the first connection brings up what serves all */
    exchange(warm);

    int64_t before_bytes = memory_bytes(server), start_ns = bench_now_ns();
    for (long i = 0; i < count; i++) {
        int fd = echo_connect(port);
        reset_at_close(fd);
        exchange(fd);
    }
    int64_t end_ns = bench_now_ns(), after_bytes = memory_bytes(server);

    snprintf(row, sizeof(row), "idle-%ld-memory", count);
    bench_report(row, (double)(after_bytes - before_bytes) / (double)count, "bytes");
    snprintf(row, sizeof(row), "idle-%ld-connect", count);
    bench_report(row, (double)(end_ns - start_ns) / (double)count, "ns");
    while (lingers && read(STDIN_FILENO, &byte, 1) > 0)
        ;
    return 0;
}
