/* SPDX-License-Identifier: MIT
 * test_file.c - an open file: what is one, its position, its end. */
#include <errno.h>
#include <pty.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "disk.h"
#include "net.h"

/* --- opening -----------------------------------------------------------------------------------
 */

TASK_TEST(a_file_is_opened_read_and_closed) {
    CLEANUP(folder_remove) struct folder folder = folder_make();
    char text[16] = "";
    eddy_file *file = NULL;

    put(in(&folder, "a"), "hello");
    ASSERT_OK(eddy_file_open(in(&folder, "a"), O_RDONLY, 0, &file));
    ASSERT_INT_EQ(eddy_file_read(file, text, sizeof(text)), 5);
    ASSERT_STR_EQ(text, "hello");
    ASSERT_INT_EQ(eddy_file_read(file, text, sizeof(text)), 0);
    ASSERT_OK(eddy_file_close(file));
    return 0;
}

TASK_TEST(a_file_is_close_on_exec) {
    CLEANUP(folder_remove) struct folder folder = folder_make();
    CLEANUP(file_closep) eddy_file *file = opened(in(&folder, "a"), O_WRONLY | O_CREAT);

    ASSERT_INT_EQ(fcntl(eddy_file_fd(file), F_GETFD), FD_CLOEXEC);
    return 0;
}

TASK_TEST(a_file_that_is_made_gets_the_mode_less_the_umask) {
    CLEANUP(folder_remove) struct folder folder = folder_make();
    mode_t before = umask(027);
    struct stat status;
    eddy_file *file;

    ASSERT_OK(eddy_file_open(in(&folder, "a"), O_WRONLY | O_CREAT | O_EXCL, 0666, &file));
    umask(before);
    ASSERT_OK(eddy_file_stat(file, &status));
    ASSERT_INT_EQ(status.st_mode & 0777, 0640);
    ASSERT_CODE(-EEXIST,
                eddy_file_open(in(&folder, "a"), O_WRONLY | O_CREAT | O_EXCL, 0666, &file));
    ASSERT_OK(eddy_file_close(file));
    return 0;
}

TASK_TEST(a_failed_open_names_the_path_and_leaves_the_output_alone) {
    eddy_file *file = (void *)1;

    for (int cold = 0; cold < 2; cold++) {
        disk_cold(cold);
        ASSERT_CODE(-ENOENT, eddy_file_open("/no/such/file", O_RDONLY, 0, &file));
        ASSERT_STR_EQ(eddy_last_error()->message,
                      "cannot open \"/no/such/file\": No such file or directory");
        ASSERT_CODE(-ENOENT, eddy_file_open("/no/such/file", O_WRONLY | O_CREAT, 0666, &file));
        ASSERT_STR_EQ(eddy_last_error()->message,
                      "cannot open \"/no/such/file\": No such file or directory");
    }
    ASSERT_PTR_EQ(file, (void *)1);
    return 0;
}

TASK_TEST(without_descriptors_an_open_says_emfile) {
    struct rlimit before, none;
    eddy_file *file;

    getrlimit(RLIMIT_NOFILE, &before);
    none = before;
    none.rlim_cur = 0;
    for (int cold = 0; cold < 2; cold++) {
        disk_cold(cold);
        setrlimit(RLIMIT_NOFILE, &none);
        int r = eddy_file_open("/etc/passwd", O_RDONLY, 0, &file);
        setrlimit(RLIMIT_NOFILE, &before);
        ASSERT_CODE(-EMFILE, r);
        ASSERT_STR_EQ(eddy_last_error()->message,
                      "cannot open \"/etc/passwd\": Too many open files");
    }
    return 0;
}

TASK_TEST(a_directory_is_no_file_but_can_be_opened_as_what_it_is) {
    CLEANUP(folder_remove) struct folder folder = folder_make();
    eddy_file *file;
    char byte;

    for (int cold = 0; cold < 2; cold++) {
        disk_cold(cold);
        ASSERT_CODE(-EISDIR, eddy_file_open(folder.path, O_RDONLY, 0, &file));
        ASSERT_CODE(-EISDIR, eddy_file_open(folder.path, O_WRONLY, 0, &file));
    }
    ASSERT_OK(eddy_file_open(folder.path, O_RDONLY | O_DIRECTORY, 0, &file));
    ASSERT_OK(eddy_file_fsync(file));
    ASSERT_CODE(-EISDIR, eddy_file_read(file, &byte, 1));
    ASSERT_OK(eddy_file_close(file));
    return 0;
}

/* Nobody is at the other end of the FIFO. */
TASK_TEST(what_has_no_position_is_refused_without_waiting) {
    CLEANUP(folder_remove) struct folder folder = folder_make();
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int server = socket(AF_UNIX, SOCK_STREAM, 0), master, slave;
    char terminal[64];
    eddy_file *file;

    ASSERT_INT_EQ(mkfifo(in(&folder, "fifo"), 0600), 0);
    snprintf(address.sun_path, sizeof(address.sun_path), "%s/socket", folder.path);
    ASSERT_INT_EQ(bind(server, (struct sockaddr *)&address, sizeof(address)), 0);
    ASSERT_INT_EQ(openpty(&master, &slave, terminal, NULL, NULL), 0);
    for (int cold = 0; cold < 2; cold++) {
        disk_cold(cold);
        ASSERT_CODE(-ESPIPE, eddy_file_open(in(&folder, "fifo"), O_RDONLY, 0, &file));
        ASSERT_STR_CONTAINS(eddy_last_error()->message, "fifo\" as a file");
        ASSERT_CODE(-ESPIPE, eddy_file_open(in(&folder, "fifo"), O_WRONLY, 0, &file));
        ASSERT_STR_CONTAINS(eddy_last_error()->message, "fifo\" as a file");
        ASSERT_CODE(-ESPIPE, eddy_file_open(in(&folder, "socket"), O_RDWR, 0, &file));
        ASSERT_CODE(-ESPIPE, eddy_file_open(terminal, O_RDWR | O_NOCTTY, 0, &file));
    }
    close(server);
    close(master);
    close(slave);
    return 0;
}

TASK_TEST(a_device_with_a_position_is_a_file) {
    CLEANUP(file_closep) eddy_file *zero = opened("/dev/zero", O_RDONLY);
    CLEANUP(file_closep) eddy_file *null = opened("/dev/null", O_RDWR);
    char bytes[4] = "abc";

    ASSERT_INT_EQ(eddy_file_read(zero, bytes, 4), 4);
    ASSERT_MEM_EQ(bytes, "\0\0\0\0", 4);
    ASSERT_INT_EQ(eddy_file_write(null, bytes, 4), 4);
    ASSERT_INT_EQ(eddy_file_read(null, bytes, 4), 0);
    return 0;
}

TASK_TEST(a_temporary_file_has_no_name) {
    CLEANUP(folder_remove) struct folder folder = folder_make();
    struct stat status;
    eddy_file *file;
    char text[4];

    ASSERT_OK(eddy_file_open_temporary(folder.path, &file));
    ASSERT_INT_EQ(entries_of(&folder), 0);
    ASSERT_INT_EQ(eddy_file_write(file, "abcd", 4), 4);
    ASSERT_INT_EQ(eddy_file_pread(file, text, 4, 0), 4);
    ASSERT_MEM_EQ(text, "abcd", 4);
    ASSERT_OK(eddy_file_stat(file, &status));
    ASSERT_INT_EQ(status.st_nlink, 0);
    ASSERT_OK(eddy_file_close(file));
    ASSERT_OK(eddy_file_open_temporary(NULL, &file));
    ASSERT_OK(eddy_file_close(file));
    ASSERT_CODE(-ENOENT, eddy_file_open_temporary("/no/such/folder", &file));
    ASSERT_STR_EQ(eddy_last_error()->message, "cannot open a temporary file in "
                                              "\"/no/such/folder\": No such file or directory");
    return 0;
}

/* --- from a descriptor -------------------------------------------------------------------------
 */

TASK_TEST(a_file_of_a_descriptor_begins_where_that_was) {
    CLEANUP(folder_remove) struct folder folder = folder_make();
    eddy_file *file;
    char text[4];
    int fd;

    put(in(&folder, "a"), "abcdef");
    fd = open(in(&folder, "a"), O_RDONLY);
    ASSERT_INT_EQ(lseek(fd, 2, SEEK_SET), 2);
    ASSERT_OK(eddy_file_from_fd(fd, &file));
    ASSERT_INT_EQ(eddy_file_tell(file), 2);
    ASSERT_INT_EQ(eddy_file_read(file, text, 2), 2);
    ASSERT_MEM_EQ(text, "cd", 2);
    ASSERT_INT_EQ(lseek(fd, 0, SEEK_CUR), 2);
    ASSERT_OK(eddy_file_close(file));
    ASSERT_INT_EQ(fcntl(fd, F_GETFD), -1);
    return 0;
}

TASK_TEST(a_descriptor_that_is_no_file_is_closed_all_the_same) {
    eddy_file *file;
    int ends[2];

    ASSERT_INT_EQ(pipe(ends), 0);
    ASSERT_CODE(-ESPIPE, eddy_file_from_fd(ends[0], &file));
    ASSERT_INT_EQ(fcntl(ends[0], F_GETFD), -1);
    close(ends[1]);
    ASSERT_CODE(-EBADF, eddy_file_from_fd(-1, &file));
    ASSERT_STR_EQ(eddy_last_error()->message, "cannot open descriptor -1: Bad file descriptor");
    return 0;
}

/* --- the position ------------------------------------------------------------------------------
 */

TASK_TEST(the_position_can_be_set_from_the_start_from_itself_and_from_the_end) {
    CLEANUP(folder_remove) struct folder folder = folder_make();
    eddy_file *file;
    char byte;

    put(in(&folder, "a"), "abcdef");
    for (int cold = 0; cold < 2; cold++) {
        file = opened(in(&folder, "a"), O_RDONLY);
        disk_cold(cold);
        ASSERT_INT_EQ(eddy_file_seek(file, 4, SEEK_SET), 4);
        ASSERT_INT_EQ(eddy_file_seek(file, -1, SEEK_CUR), 3);
        ASSERT_INT_EQ(eddy_file_read(file, &byte, 1), 1);
        ASSERT_INT_EQ(byte, 'd');
        ASSERT_INT_EQ(eddy_file_tell(file), 4);
        ASSERT_INT_EQ(eddy_file_seek(file, -1, SEEK_END), 5);
        ASSERT_INT_EQ(eddy_file_seek(file, 0, SEEK_DATA), 0);
        ASSERT_INT_EQ(eddy_file_seek(file, 0, SEEK_HOLE), 6);
        ASSERT_CODE(-EINVAL, (int)eddy_file_seek(file, -7, SEEK_END));
        ASSERT_CODE(-EINVAL, (int)eddy_file_seek(file, -1, SEEK_SET));
        ASSERT_CODE(-EINVAL, (int)eddy_file_seek(file, 0, 77));
        ASSERT_CODE(-EOVERFLOW, (int)eddy_file_seek(file, INT64_MAX, SEEK_CUR));
        ASSERT_INT_EQ(eddy_file_tell(file), 6);
        disk_cold(false);
        ASSERT_OK(eddy_file_close(file));
    }
    return 0;
}

TASK_TEST(a_file_is_cut_and_grown) {
    CLEANUP(folder_remove) struct folder folder = folder_make();
    CLEANUP(file_closep) eddy_file *file = NULL;
    struct stat status;

    put(in(&folder, "a"), "abcdef");
    file = opened(in(&folder, "a"), O_RDWR);
    ASSERT_OK(eddy_file_truncate(file, 2));
    ASSERT_STR_EQ(contents(in(&folder, "a")), "ab");
    ASSERT_OK(eddy_file_truncate(file, 5ll << 30));
    for (int cold = 0; cold < 2; cold++) {
        disk_cold(cold);
        ASSERT_OK(eddy_file_stat(file, &status));
        ASSERT_INT_EQ(status.st_size, 5ll << 30);
    }
    disk_cold(false);
    ASSERT_CODE(-EINVAL, eddy_file_truncate(file, -1));
    ASSERT_STR_CONTAINS(eddy_last_error()->message, "cannot truncate \"/tmp/");
    ASSERT_OK(eddy_file_fsync(file));
    ASSERT_OK(eddy_file_fdatasync(file));
    return 0;
}

/* --- the end -----------------------------------------------------------------------------------
 */

TASK_TEST(closing_nothing_is_nothing) {
    ASSERT_OK(eddy_file_close(NULL));
    return 0;
}

/* A full disk may show as late as that (NFS, quotas): here the descriptor was taken away. */
TASK_TEST(close_tells_what_the_kernel_says) {
    CLEANUP(folder_remove) struct folder folder = folder_make();
    eddy_file *file = opened(in(&folder, "a"), O_WRONLY | O_CREAT);

    close(eddy_file_fd(file));
    ASSERT_CODE(-EBADF, eddy_file_close(file));
    ASSERT_STR_CONTAINS(eddy_last_error()->message, "/a\": Bad file descriptor");
    return 0;
}

static int close_it(void *file) {
    return eddy_file_close(file);
}

TASK_TEST(a_cancelled_close_still_closes) {
    CLEANUP(folder_remove) struct folder folder = folder_make();
    eddy_file *file = opened(in(&folder, "a"), O_WRONLY | O_CREAT);
    int fd = eddy_file_fd(file);
    eddy_task *task;

    disk_hold();
    task = eddy_create_task(close_it, file);
    disk_await(1);
    eddy_cancel(task);
    ASSERT_CODE(-ECANCELED, eddy_await(task));
    ASSERT_INT_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
    disk_release();
    for (int i = 0; i < 10000 && fcntl(fd, F_GETFD) >= 0; i++)
        usleep(1000);
    ASSERT_INT_EQ(fcntl(fd, F_GETFD), -1);
    return 0;
}

static int close_while_refused(void *file) {
    eddy_cancel(eddy_current_task());
    return eddy_file_close(file);
}

static void close_in_callback(void *file) {
    ASSERT_CODE(-EDEADLK, eddy_file_close(file));
}

TASK_TEST(a_close_that_may_not_wait_closes_in_the_background) {
    CLEANUP(folder_remove) struct folder folder = folder_make();
    eddy_file *first = opened(in(&folder, "a"), O_WRONLY | O_CREAT);
    eddy_file *second = opened(in(&folder, "a"), O_WRONLY | O_CREAT);

    ASSERT_CODE(-ECANCELED, eddy_await(eddy_create_task(close_while_refused, first)));
    eddy_call_soon(NULL, close_in_callback, second);
    ASSERT_OK(eddy_yield());
    return 0; /* the run looks for descriptors that are left */
}
