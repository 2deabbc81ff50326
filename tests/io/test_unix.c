/* SPDX-License-Identifier: MIT
 * test_unix.c - Unix sockets: paths and abstract names, and the file that is always cleaned up. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "net.h"

/* --- a folder for each test ------------------------------------------------------------------- */

static char folder[64], path[100];

static void make_folder(void) {
    snprintf(folder, sizeof(folder), "/tmp/eddy-unix-XXXXXX");
    ASSERT_NOT_NULL(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/socket", folder);
}

/* Fails if something was left in it. */
static void remove_folder(void) {
    ASSERT_INT_EQ(rmdir(folder), 0);
}

static bool exists(void) {
    struct stat status;

    return lstat(path, &status) == 0;
}

static ino_t inode_of(const char *file) {
    struct stat status;

    ASSERT_INT_EQ(lstat(file, &status), 0);
    return status.st_ino;
}

/* --- a server --------------------------------------------------------------------------------- */

static char seen_peer[120];

static int echo(eddy_stream *stream, void *arg) {
    eddy_slice line;
    ssize_t n;

    (void)arg;
    snprintf(seen_peer, sizeof(seen_peer), "%s", eddy_stream_peer(stream));
    while ((n = eddy_stream_read_line(stream, &line)) > 0)
        ASSERT_OK(eddy_stream_write(stream, line.data, line.size));
    return (int)n;
}

static eddy_server *start(const char *name) {
    eddy_server *server;

    ASSERT_OK(eddy_start_unix_server(echo, NULL, name, NULL, &server));
    return server;
}

static void talk(const char *name) {
    eddy_stream *stream;
    eddy_slice line;

    ASSERT_OK(eddy_open_unix_connection(name, NULL, &stream));
    ASSERT_OK(eddy_stream_write(stream, "hello\n", 6));
    ASSERT_INT_EQ(eddy_stream_read_line(stream, &line), 6);
    ASSERT_SLICE_EQ(line, "hello\n");
    eddy_stream_close(stream);
}

TASK_TEST(a_path_is_served_and_gone_with_the_server) {
    eddy_server *server;

    make_folder();
    server = start(path);
    ASSERT(exists());
    talk(path);
    ASSERT_OK(eddy_server_close(server));
    remove_folder();
    return 0;
}

TASK_TEST(an_abstract_name_has_no_file) {
    eddy_server *server, *other;
    char name[40];

    snprintf(name, sizeof(name), "@eddy-test-%d", (int)getpid());
    server = start(name);
    talk(name);
    ASSERT_CODE(-EADDRINUSE, eddy_start_unix_server(echo, NULL, name, NULL, &other));
    ASSERT_OK(eddy_server_close(server));
    ASSERT_CODE(-ECONNREFUSED, eddy_open_unix_connection(name, NULL, &(eddy_stream *){NULL}));
    return 0;
}

TASK_TEST(the_kernel_has_a_free_name_for_who_asks) {
    eddy_server *first = start("@"), *second = start("@");
    const char *name = eddy_server_address(first, 0);

    ASSERT_STR_CONTAINS(name, "unix:@");
    ASSERT(strcmp(name, eddy_server_address(second, 0)) != 0);
    talk(name + strlen("unix:"));
    ASSERT_OK(eddy_server_close(first));
    return eddy_server_close(second);
}

TASK_TEST(a_relative_path_is_cleaned_up_from_another_directory) {
    eddy_server *server;

    make_folder();
    ASSERT_INT_EQ(chdir(folder), 0);
    server = start("socket");
    talk("socket");
    ASSERT_INT_EQ(chdir("/"), 0);
    ASSERT_OK(eddy_server_close(server));
    remove_folder();
    return 0;
}

/* --- names ------------------------------------------------------------------------------------ */

TASK_TEST(both_ends_have_names_to_read) {
    char expected[120];
    eddy_server *server;
    eddy_stream *stream;

    make_folder();
    server = start(path);
    snprintf(expected, sizeof(expected), "unix:%s", path);
    ASSERT_STR_EQ(eddy_server_address(server, 0), expected);
    ASSERT_INT_EQ(eddy_server_port(server), 0);
    ASSERT_OK(eddy_open_unix_connection(path, NULL, &stream));
    ASSERT_STR_EQ(eddy_stream_peer(stream), expected);
    ASSERT_STR_EQ(eddy_stream_local(stream), "unix:");
    settle();
    snprintf(expected, sizeof(expected), "unix:pid %d", (int)getpid());
    ASSERT_STR_EQ(seen_peer, expected);
    eddy_stream_close(stream);
    ASSERT_OK(eddy_server_close(server));
    remove_folder();
    return 0;
}

TASK_TEST(a_peer_can_be_trusted_to_be_who_it_is) {
    struct plain_listener listener;
    eddy_credentials peer = {0};
    eddy_server *server;
    eddy_stream *stream;

    server = start("@");
    ASSERT_OK(eddy_open_unix_connection(eddy_server_address(server, 0) + 5, NULL, &stream));
    ASSERT_OK(eddy_stream_credentials(stream, &peer));
    ASSERT_INT_EQ(peer.pid, getpid());
    ASSERT_INT_EQ(peer.uid, geteuid());
    ASSERT_INT_EQ(peer.gid, getegid());
    eddy_stream_close(stream);
    ASSERT_OK(eddy_server_close(server));

    plain_listen(&listener, 1);
    ASSERT_OK(eddy_open_connection("127.0.0.1", listener.port, NULL, &stream));
    ASSERT_CODE(-EOPNOTSUPP, eddy_stream_credentials(stream, &peer));
    eddy_stream_close(stream);
    plain_close(&listener.fd);
    return 0;
}

TASK_TEST(a_name_that_cannot_be_one_is_refused_with_a_sentence) {
    eddy_stream *stream;
    eddy_server *server;
    char name[200] = "/";

    memset(name + 1, 'x', 107);
    ASSERT_CODE(-ENAMETOOLONG, eddy_open_unix_connection(name, NULL, &stream));
    ASSERT_STR_CONTAINS(eddy_last_error()->message, "too long for a Unix socket: 107 bytes");
    ASSERT_CODE(-ENAMETOOLONG, eddy_start_unix_server(echo, NULL, name, NULL, &server));
    name[107] = '\0';
    ASSERT_CODE(-ENOENT, eddy_open_unix_connection(name, NULL, &stream));
    ASSERT_STR_CONTAINS(eddy_last_error()->message, "xxx: No such file or directory");
    ASSERT_CODE(-EINVAL, eddy_open_unix_connection("", NULL, &stream));
    ASSERT_CODE(-EINVAL, eddy_open_unix_connection(NULL, NULL, &stream));
    ASSERT_CODE(-EINVAL, eddy_open_unix_connection("@", NULL, &stream));
    ASSERT_CODE(-EINVAL, eddy_start_unix_server(echo, NULL, "", NULL, &server));
    ASSERT_CODE(-ENOENT, eddy_start_unix_server(echo, NULL, "/no/such/place", NULL, &server));
    ASSERT_STR_EQ(eddy_last_error()->message,
                  "cannot listen on unix:/no/such/place: No such file or directory");
    return 0;
}

/* The longest of each kind. */
TASK_TEST(names_of_full_length_are_served) {
    char name[109] = "@";
    eddy_server *server;

    memset(name + 1, 'y', 107);
    name[108] = '\0';
    server = start(name);
    talk(name);
    ASSERT_STR_CONTAINS(eddy_server_address(server, 0), name);
    return eddy_server_close(server);
}

/* --- the file --------------------------------------------------------------------------------- */

/* What a server that crashed leaves. */
static int leave_stale_socket(int type) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

    strcpy(address.sun_path, path);
    ASSERT_INT_EQ(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

TASK_TEST(a_socket_that_nobody_listens_on_is_replaced) {
    eddy_server *server;

    make_folder();
    close(leave_stale_socket(SOCK_STREAM));
    ASSERT(exists());
    server = start(path);
    talk(path);
    ASSERT_OK(eddy_server_close(server));
    remove_folder();
    return 0;
}

TASK_TEST(a_server_that_lives_keeps_its_path) {
    eddy_server *server, *other = NULL;
    ino_t inode;

    make_folder();
    server = start(path);
    inode = inode_of(path);
    ASSERT_CODE(-EADDRINUSE, eddy_start_unix_server(echo, NULL, path, NULL, &other));
    ASSERT_STR_CONTAINS(eddy_last_error()->message, "socket: Address already in use");
    ASSERT_NULL(other);
    ASSERT_UINT_EQ(inode_of(path), inode);
    talk(path);
    ASSERT_OK(eddy_server_close(server));
    remove_folder();
    return 0;
}

/* Also when its queue is full, and when it speaks datagrams. */
TASK_TEST(a_server_that_cannot_answer_keeps_its_path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    eddy_server *server;
    int fd, filler;

    make_folder();
    strcpy(address.sun_path, path);
    fd = leave_stale_socket(SOCK_STREAM);
    ASSERT_INT_EQ(listen(fd, 0), 0);
    filler = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ASSERT_INT_EQ(connect(filler, (struct sockaddr *)&address, sizeof(address)), 0);
    ASSERT_CODE(-EADDRINUSE, eddy_start_unix_server(echo, NULL, path, NULL, &server));
    close(filler);
    close(fd);
    unlink(path);

    fd = leave_stale_socket(SOCK_DGRAM);
    ASSERT_CODE(-EADDRINUSE, eddy_start_unix_server(echo, NULL, path, NULL, &server));
    close(fd);
    unlink(path);
    remove_folder();
    return 0;
}

TASK_TEST(another_kind_of_file_is_never_removed) {
    eddy_server *server;
    int fd;

    make_folder();
    fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    ASSERT_INT_EQ(write(fd, "precious", 8), 8);
    close(fd);
    ASSERT_CODE(-EADDRINUSE, eddy_start_unix_server(echo, NULL, path, NULL, &server));
    ASSERT(exists());
    unlink(path);
    ASSERT_INT_EQ(symlink("/etc/passwd", path), 0);
    ASSERT_CODE(-EADDRINUSE, eddy_start_unix_server(echo, NULL, path, NULL, &server));
    ASSERT(exists());
    unlink(path);
    remove_folder();
    return 0;
}

TASK_TEST(a_file_that_another_server_has_put_there_stays) {
    eddy_server *first, *second;

    make_folder();
    first = start(path);
    unlink(path); /* as an administrator does who wants to start another */
    second = start(path);
    ASSERT_OK(eddy_server_close(first));
    ASSERT(exists());
    talk(path);
    ASSERT_OK(eddy_server_close(second));
    remove_folder();
    return 0;
}

TASK_TEST(a_file_can_be_kept) {
    const eddy_server_options options = {.keep_socket_file = true};
    eddy_server *server;

    make_folder();
    ASSERT_OK(eddy_start_unix_server(echo, NULL, path, &options, &server));
    ASSERT_OK(eddy_server_close(server));
    ASSERT(exists());
    unlink(path);
    remove_folder();
    return 0;
}

TASK_TEST(the_mode_is_what_was_asked_for_whatever_the_umask) {
    const unsigned modes[] = {0600, 0666, 0770};
    mode_t mask = umask(077);

    make_folder();
    for (int i = 0; i < 3; i++) {
        const eddy_server_options options = {.mode = modes[i]};
        eddy_server *server;
        struct stat status;
        ASSERT_OK(eddy_start_unix_server(echo, NULL, path, &options, &server));
        ASSERT_INT_EQ(lstat(path, &status), 0);
        ASSERT_UINT_EQ(status.st_mode & 0777, modes[i]);
        ASSERT_OK(eddy_server_close(server));
    }
    umask(mask);
    remove_folder();
    return 0;
}

static int start_and_leave(void *out) {
    *(eddy_server **)out = start(path);
    return 0;
}

TEST(a_server_that_outlives_its_loop_cleans_up) {
    eddy_server *server;

    make_folder();
    ASSERT_OK(eddy_run(start_and_leave, &server));
    ASSERT(exists());
    ASSERT_CODE(EDDY_ESHUTDOWN, eddy_server_close(server));
    remove_folder();
}

TASK_TEST(a_child_of_fork_leaves_its_parents_file_alone) {
    eddy_server *server;
    int status;
    pid_t child;

    make_folder();
    server = start(path);
    child = fork();
    if (child == 0)
        _exit(eddy_server_close(server) == EDDY_EFORKED ? 0 : 1);
    ASSERT_INT_EQ(waitpid(child, &status, 0), child);
    ASSERT_INT_EQ(status, 0);
    ASSERT(exists());
    talk(path);
    ASSERT_OK(eddy_server_close(server));
    remove_folder();
    return 0;
}

/* --- a queue that is full --------------------------------------------------------------------- */

static int connect_in_time(void *stream) {
    return eddy_open_unix_connection(path, NULL, stream);
}

/* The kernel does not tell when there is room: whoever connects looks again. */
TASK_TEST(who_finds_the_queue_full_waits_for_room) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    eddy_stream *stream = NULL;
    int fd, fillers[2], peer;
    eddy_task *task;

    make_folder();
    strcpy(address.sun_path, path);
    fd = leave_stale_socket(SOCK_STREAM);
    ASSERT_INT_EQ(listen(fd, 0), 0);
    fillers[0] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ASSERT_INT_EQ(connect(fillers[0], (struct sockaddr *)&address, sizeof(address)), 0);
    ASSERT_CODE(-ETIMEDOUT, eddy_with_timeout(0.02, connect_in_time, &stream));
    ASSERT_NULL(stream);

    task = eddy_create_task(connect_in_time, &stream);
    ASSERT_OK(eddy_sleep(0.02));
    ASSERT(!eddy_is_done(task));
    peer = accept(fd, NULL, NULL);
    ASSERT_OK(eddy_await(task));
    fillers[1] = accept(fd, NULL, NULL);
    peer_send(fillers[1], "x");
    ASSERT_INT_EQ(eddy_stream_read(stream, &(char){0}, 1), 1);
    eddy_stream_close(stream);
    close(peer);
    close(fillers[0]);
    close(fillers[1]);
    close(fd);
    unlink(path);
    remove_folder();
    return 0;
}
