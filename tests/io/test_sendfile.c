/* SPDX-License-Identifier: MIT
 * test_sendfile.c - files to sockets: all of them, in order, from a disk as from memory. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net.h"

enum { SIZE = 3 << 20 };

struct sending {
    int socket, file;
    off_t *offset;
    size_t size;
    ssize_t result;
};

static int run_sendfile(void *arg) {
    struct sending *sending = arg;

    sending->result = eddy_sendfile(sending->socket, sending->file, sending->offset, sending->size);
    return 0;
}

static char *contents;

static int open_file(void) {
    FILE *file = tmpfile();
    int fd = dup(fileno(file));

    contents = malloc(SIZE);
    for (int i = 0; i < SIZE; i++)
        contents[i] = (char)(i * 7 + i / 251);
    ASSERT_INT_EQ(write(fd, contents, SIZE), SIZE);
    fclose(file);
    return fd;
}

static void open_pair(int fds[2]) {
    ASSERT_INT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
}

/* Sends, and reads what comes. */
static void check_sent(int file, off_t *offset, size_t size, size_t from, size_t expected) {
    int fds[2];
    char *copy = malloc(SIZE);

    open_pair(fds);
    struct sending sending = {fds[0], file, offset, size, 0};
    eddy_task *task = eddy_create_task(run_sendfile, &sending);
    ASSERT_INT_EQ(eddy_recv(fds[1], copy, expected, MSG_WAITALL), expected);
    ASSERT_OK(eddy_await(task));
    ASSERT_INT_EQ(sending.result, expected);
    ASSERT(memcmp(copy, contents + from, expected) == 0);
    ASSERT_INT_EQ(fcntl(fds[0], F_GETFL) & O_NONBLOCK, 0);
    plain_close(&fds[0]);
    ASSERT_INT_EQ(recv(fds[1], copy, 1, 0), 0); /* and no more */
    plain_close(&fds[1]);
    free(copy);
}

TASK_TEST(a_file_is_sent_from_an_offset_which_moves) {
    int file = open_file();
    off_t offset = 0;
    check_sent(file, &offset, SIZE, 0, SIZE);
    ASSERT_INT_EQ(offset, SIZE);
    offset = 1000;
    check_sent(file, &offset, 5000, 1000, 5000);
    ASSERT_INT_EQ(offset, 6000);
    ASSERT_INT_EQ(lseek(file, 0, SEEK_CUR), SIZE); /* stays where writing has left it */
    close(file);
    free(contents);
    return 0;
}

TASK_TEST(without_an_offset_the_files_position_moves) {
    int file = open_file();
    ASSERT_INT_EQ(lseek(file, 100, SEEK_SET), 100);
    check_sent(file, NULL, 1000, 100, 1000);
    ASSERT_INT_EQ(lseek(file, 0, SEEK_CUR), 1100);
    close(file);
    free(contents);
    return 0;
}

TASK_TEST(the_end_of_the_file_ends_the_sending) {
    int file = open_file();
    off_t offset = SIZE - 10;
    check_sent(file, &offset, 1000, SIZE - 10, 10);
    ASSERT_INT_EQ(eddy_sendfile(-1, file, &offset, 1000), 0);
    ASSERT_INT_EQ(eddy_sendfile(-1, file, &offset, 0), 0);
    close(file);
    free(contents);
    return 0;
}

/* On a disk; where /tmp is memory it stays there, which is as good. */
TASK_TEST(a_file_that_is_not_in_memory_is_read_ahead) {
    int file = open_file();
    off_t offset = 0;
    ASSERT_INT_EQ(fsync(file), 0);
    ASSERT_INT_EQ(posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED), 0);
    check_sent(file, &offset, SIZE, 0, SIZE);
    close(file);
    free(contents);
    return 0;
}

TASK_TEST(a_cancelled_sendfile_tells_how_much_has_gone) {
    int file = open_file(), fds[2];
    off_t offset = 0;
    open_pair(fds);
    struct sending sending = {fds[0], file, &offset, SIZE, 0};
    eddy_task *task = eddy_create_task(run_sendfile, &sending);
    settle();
    ASSERT(!eddy_is_done(task));
    eddy_cancel(task);
    ASSERT_OK(eddy_await(task));
    ASSERT(sending.result > 0 && sending.result < SIZE);
    ASSERT_INT_EQ(offset, sending.result);
    plain_close(&fds[0]);
    plain_close(&fds[1]);
    close(file);
    free(contents);
    return 0;
}

TASK_TEST(what_is_no_file_is_refused) {
    int fds[2], file = open_file();
    off_t offset = 0;
    open_pair(fds);
    ASSERT_CODE(-EINVAL, eddy_sendfile(fds[0], fds[1], &offset, 1));
    ASSERT_CODE(-ESPIPE, eddy_sendfile(fds[0], fds[1], NULL, 1));
    ASSERT_CODE(-EBADF, eddy_sendfile(fds[0], -1, &offset, 1));
    ASSERT_CODE(-EBADF, eddy_sendfile(-1, file, &offset, 1));
    plain_close(&fds[0]);
    plain_close(&fds[1]);
    close(file);
    free(contents);
    return 0;
}
