/* SPDX-License-Identifier: MIT
 * test_stream_send_file.c - files to streams of every kind: all of it, in its place, and no more
 * than there is. */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "disk.h"
#include "kinds.h"
#include "memory_stream.h"
#include "rot13_stream.h"

enum { SIZE = 8 << 20 };

static char *contents_of;

static int file_new(void) {
    FILE *file = tmpfile();
    int fd = dup(fileno(file));

    contents_of = malloc(SIZE);
    for (int i = 0; i < SIZE; i++)
        contents_of[i] = (char)(i * 7 + i / 251);
    ASSERT_INT_EQ(write(fd, contents_of, SIZE), SIZE);
    fclose(file);
    return fd;
}

static void file_end(int fd) {
    close(fd);
    free(contents_of);
}

struct sending {
    eddy_stream *stream;
    int file;
    off_t *offset;
    size_t size;
    ssize_t result;
};

static int run_send_file(void *arg) {
    struct sending *sending = arg;

    sending->result =
        eddy_stream_send_file(sending->stream, sending->file, sending->offset, sending->size);
    return 0;
}

/* The next `size` bytes are those of the file. */
static void assert_comes(eddy_stream *reader, size_t from, size_t size) {
    char *copy = malloc(size + 1);

    ASSERT_INT_EQ(eddy_stream_read_exactly(reader, copy, size), (ssize_t)size);
    ASSERT(memcmp(copy, contents_of + from, size) == 0);
    free(copy);
}

static void assert_comes_text(eddy_stream *reader, const char *text) {
    char copy[16];

    ASSERT_INT_EQ(eddy_stream_read_exactly(reader, copy, strlen(text)), (ssize_t)strlen(text));
    ASSERT_MEM_EQ(copy, text, strlen(text));
}

/* Sends while the reader reads. */
static ssize_t send_and_read(struct ends *ends, int file, off_t *offset, size_t size, size_t from,
                             size_t expected) {
    struct sending sending = {ends->writer, file, offset, size, 0};
    eddy_task *task = eddy_create_task(run_send_file, &sending);

    assert_comes(ends->reader, from, expected);
    ASSERT_OK(eddy_await(task));
    return sending.result;
}

KIND_TEST(a_file_arrives_between_what_was_written_before_and_after) {
    struct ends ends;
    off_t offset = 0;
    int file = file_new();

    ends_open(kind, &ends, NULL);
    struct sending sending = {ends.writer, file, &offset, SIZE, 0};
    ASSERT_OK(eddy_stream_write(ends.writer, "before ", 7));
    eddy_task *task = eddy_create_task(run_send_file, &sending);
    assert_comes_text(ends.reader, "before ");
    assert_comes(ends.reader, 0, SIZE);
    ASSERT_OK(eddy_await(task));
    ASSERT_INT_EQ(sending.result, SIZE);
    ASSERT_INT_EQ(offset, SIZE);
    ASSERT_OK(eddy_stream_write(ends.writer, "after", 5));
    ASSERT_OK(eddy_stream_write_eof(ends.writer));
    assert_comes_text(ends.reader, "after");
    ASSERT_INT_EQ(eddy_stream_read(ends.reader, &(char){0}, 1), 0);
    ASSERT_CODE(-EPIPE, (int)eddy_stream_send_file(ends.writer, file, &offset, 1));
    ends_close(&ends);
    file_end(file);
    return 0;
}

KIND_TEST(more_is_unsent_before_a_file_than_the_other_end_takes) {
    struct ends ends;
    off_t offset = 0;
    int file = file_new();

    ends_open(kind, &ends, NULL);
    ASSERT_OK(eddy_stream_write(ends.writer, contents_of, SIZE));
    struct sending sending = {ends.writer, file, &offset, SIZE, 0};
    eddy_task *task = eddy_create_task(run_send_file, &sending);
    assert_comes(ends.reader, 0, SIZE);
    assert_comes(ends.reader, 0, SIZE);
    ASSERT_OK(eddy_await(task));
    ASSERT_INT_EQ(sending.result, SIZE);
    ends_close(&ends);
    file_end(file);
    return 0;
}

KIND_TEST(a_part_of_a_file_is_sent_and_its_end_ends_it) {
    struct ends ends;
    off_t offset = 1000;
    int file = file_new();

    ends_open(kind, &ends, NULL);
    ASSERT_INT_EQ(send_and_read(&ends, file, &offset, 5000, 1000, 5000), 5000);
    ASSERT_INT_EQ(offset, 6000);
    ASSERT_INT_EQ(lseek(file, 0, SEEK_CUR), SIZE); /* stays where writing has left it */
    offset = SIZE - 10;
    ASSERT_INT_EQ(send_and_read(&ends, file, &offset, 1000, SIZE - 10, 10), 10);
    ASSERT_INT_EQ(eddy_stream_send_file(ends.writer, file, &offset, 1000), 0);
    ASSERT_INT_EQ(eddy_stream_send_file(ends.writer, file, &(off_t){0}, 0), 0);
    ASSERT_INT_EQ(lseek(file, 100, SEEK_SET), 100);
    ASSERT_INT_EQ(send_and_read(&ends, file, NULL, 1000, 100, 1000), 1000);
    ASSERT_INT_EQ(lseek(file, 0, SEEK_CUR), 1100);
    ends_close(&ends);
    file_end(file);
    return 0;
}

/* As if nothing was in memory; a socket's file really is not, where /tmp is a disk. */
KIND_TEST(a_file_that_is_on_the_disk_only_is_read_by_a_thread) {
    struct ends ends;
    off_t offset = 0;
    int file = file_new();

    ASSERT_INT_EQ(fsync(file), 0);
    ASSERT_INT_EQ(posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED), 0);
    disk_cold(true);
    ends_open(kind, &ends, NULL);
    ASSERT_INT_EQ(send_and_read(&ends, file, &offset, SIZE, 0, SIZE), SIZE);
    disk_cold(false);
    ends_close(&ends);
    file_end(file);
    return 0;
}

KIND_TEST(a_cancelled_send_file_tells_how_much_has_gone) {
    struct ends ends;
    off_t offset = 0;
    int file = file_new();

    ends_open(kind, &ends, NULL);
    struct sending sending = {ends.writer, file, &offset, SIZE, 0};
    eddy_task *task = eddy_create_task(run_send_file, &sending);
    for (int i = 0; i < 20; i++)
        settle();
    ASSERT(!eddy_is_done(task));
    ASSERT(eddy_stream_unsent(ends.writer) <= 512 << 10);
    eddy_cancel(task);
    ASSERT_OK(eddy_await(task));
    ASSERT(sending.result > 0 && sending.result < SIZE);
    ASSERT_INT_EQ(offset, sending.result);
    ASSERT_INT_EQ(send_and_read(&ends, file, &offset, SIZE, 0, SIZE), SIZE - sending.result);
    ends_close(&ends);
    file_end(file);
    return 0;
}

KIND_TEST(nothing_else_is_written_into_the_middle_of_a_file) {
    struct ends ends;
    off_t offset = 0;
    int file = file_new();

    ends_open(kind, &ends, NULL);
    struct sending sending = {ends.writer, file, &offset, SIZE, 0};
    eddy_task *task = eddy_create_task(run_send_file, &sending);
    settle();
    ASSERT_CODE(-EBUSY, eddy_stream_write(ends.writer, "x", 1));
    ASSERT_CODE(-EBUSY, eddy_stream_write_nowait(ends.writer, "x", 1));
    ASSERT_CODE(-EBUSY, eddy_stream_put(ends.writer, "x", 1));
    ASSERT_CODE(-EBUSY, eddy_stream_put_eof(ends.writer));
    ASSERT_CODE(-EBUSY, eddy_stream_flush(ends.writer));
    ASSERT_CODE(-EBUSY, (int)eddy_stream_send_file(ends.writer, file, &(off_t){0}, 1));
    ASSERT_CODE(-EBUSY, rot13_push(ends.writer));
    assert_comes(ends.reader, 0, SIZE);
    ASSERT_OK(eddy_await(task));
    ASSERT_OK(eddy_stream_write(ends.writer, "x", 1));
    assert_comes_text(ends.reader, "x");
    ends_close(&ends);
    file_end(file);
    return 0;
}

KIND_TEST(a_close_ends_the_sending_of_a_file) {
    struct ends ends;
    off_t offset = 0;
    int file = file_new();

    ends_open(kind, &ends, NULL);
    struct sending sending = {ends.writer, file, &offset, SIZE, 0};
    eddy_task *task = eddy_create_task(run_send_file, &sending);
    for (int i = 0; i < 20; i++)
        settle();
    ends.writer = eddy_stream_close(ends.writer);
    ASSERT_OK(eddy_await(task));
    ASSERT(sending.result > 0 && sending.result < SIZE);
    assert_comes(ends.reader, 0, (size_t)sending.result);
    ASSERT_INT_EQ(eddy_stream_read(ends.reader, &(char){0}, 1), 0);
    ends_close(&ends);
    file_end(file);
    return 0;
}

KIND_TEST(a_reader_that_goes_ends_the_sending_of_a_file) {
    struct ends ends;
    off_t offset = 0;
    int file = file_new(), r;

    ends_open(kind, &ends, NULL);
    struct sending sending = {ends.writer, file, &offset, SIZE, 0};
    eddy_task *task = eddy_create_task(run_send_file, &sending);
    for (int i = 0; i < 20; i++)
        settle();
    ends.reader = eddy_stream_abort(ends.reader);
    ASSERT_OK(eddy_await(task));
    ASSERT(sending.result > 0 && sending.result < SIZE);
    r = (int)eddy_stream_send_file(ends.writer, file, &offset, 1);
    ASSERT(r == -EPIPE || r == -ECONNRESET);
    ASSERT_CODE(r, eddy_stream_write(ends.writer, "x", 1));
    ends_close(&ends);
    file_end(file);
    return 0;
}

KIND_TEST(what_is_no_file_is_refused_and_the_stream_goes_on) {
    struct ends ends;
    int fds[2], file = file_new();

    ASSERT_INT_EQ(pipe(fds), 0);
    ends_open(kind, &ends, NULL);
    ASSERT_CODE(-EINVAL, (int)eddy_stream_send_file(ends.writer, fds[0], &(off_t){0}, 1));
    ASSERT_CODE(-EINVAL, (int)eddy_stream_send_file(ends.writer, file, &(off_t){-1}, 1));
    ASSERT_CODE(-EBADF, (int)eddy_stream_send_file(ends.writer, -1, NULL, 1));
    ASSERT_OK(eddy_stream_write(ends.writer, "x", 1));
    assert_comes_text(ends.reader, "x");
    ends_close(&ends);
    plain_close(&fds[0]);
    plain_close(&fds[1]);
    file_end(file);
    return 0;
}

KIND_TEST(a_cancel_does_not_wait_for_a_disk_that_does_not_answer) {
    struct ends ends;
    off_t offset = 0;
    int file;

    if (kind == &kind_socket) /* sendfile(2) reads ahead by the default executor */
        return 0;
    file = file_new();
    ends_open(kind, &ends, NULL);
    struct sending sending = {ends.writer, file, &offset, SIZE, 0};
    disk_hold();
    eddy_task *task = eddy_create_task(run_send_file, &sending);
    disk_await(1);
    eddy_cancel(task);
    ASSERT_OK(eddy_await(task));
    ASSERT_INT_EQ(sending.result, -ECANCELED);
    ASSERT_INT_EQ(offset, 0);
    disk_release();
    ASSERT_OK(eddy_stream_write(ends.writer, "x", 1));
    assert_comes_text(ends.reader, "x");
    ends_close(&ends);
    file_end(file);
    return 0;
}

/* --- a class that knows how ------------------------------------------------------------------- */

static ssize_t answer; /* of the class; 0: as much as is asked for */
static int asked;

static ssize_t class_send_file(void *self, int file, uint64_t offset, size_t size) {
    char piece[1000];
    ssize_t r;

    asked++;
    ASSERT_UINT_EQ(memory_class.unsent(self), 0u);
    if (answer < 0)
        return answer;
    r = pread(file, piece, size < sizeof(piece) ? size : sizeof(piece), (off_t)offset);
    return r > 0 && memory_class.put(self, piece, (size_t)r) < 0 ? -EPIPE : r;
}

static void knowing_ends_open(struct ends *ends, eddy_stream_class *type) {
    eddy_stream *streams[2];
    struct memory_end *unused[2];

    *type = memory_class;
    type->send_file = class_send_file;
    asked = 0;
    ASSERT_OK(memory_pair_new_of(type, NULL, streams, unused));
    *ends = (struct ends){streams[0], streams[1]};
}

VIRTUAL_TEST(a_class_that_knows_how_sends_files_itself) {
    eddy_stream_class type;
    struct ends ends;
    off_t offset = 100;
    int file = file_new();

    answer = 0;
    knowing_ends_open(&ends, &type);
    ASSERT_INT_EQ(send_and_read(&ends, file, &offset, 4500, 100, 4500), 4500);
    ASSERT_INT_EQ(asked, 5);
    ASSERT_INT_EQ(offset, 4600);
    offset = SIZE - 1;
    ASSERT_INT_EQ(send_and_read(&ends, file, &offset, 4500, SIZE - 1, 1), 1);
    ends_close(&ends);
    file_end(file);
    return 0;
}

VIRTUAL_TEST(a_class_may_leave_files_to_us_and_its_failures_are_told) {
    eddy_stream_class type;
    struct ends ends;
    off_t offset = 0;
    int file = file_new();

    answer = -EOPNOTSUPP;
    knowing_ends_open(&ends, &type);
    ASSERT_INT_EQ(send_and_read(&ends, file, &offset, SIZE, 0, SIZE), SIZE);
    ASSERT_INT_EQ(asked, 1);
    answer = -EIO; /* of the file: the stream goes on */
    ASSERT_CODE(-EIO, (int)eddy_stream_send_file(ends.writer, file, &(off_t){0}, 1));
    ASSERT_OK(eddy_stream_write(ends.writer, "x", 1));
    assert_comes_text(ends.reader, "x");
    answer = -ECONNRESET;
    ASSERT_CODE(-ECONNRESET, (int)eddy_stream_send_file(ends.writer, file, &(off_t){0}, 1));
    ASSERT_CODE(-ECONNRESET, eddy_stream_write(ends.writer, "x", 1));
    ends_close(&ends);
    file_end(file);
    return 0;
}
