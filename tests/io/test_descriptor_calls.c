/* SPDX-License-Identifier: MIT
 * test_descriptor_calls.c - the system calls of eddy/descriptor.h, on descriptors of the test's.
 *
 * Who waits for a number that has another file: tests/loop/test_foreign.c. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "net.h"

enum { MUCH = 8 << 20 };

/* Blocking, as most are. */
static void open_pair(int type, int fds[2]) {
    ASSERT_INT_EQ(socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, fds), 0);
}

static void close_pair(int fds[2]) {
    plain_close(&fds[0]);
    plain_close(&fds[1]);
}

/* A call in a task of its own. */
struct call {
    int fd;
    int flags;
    void *data;
    size_t size;
    char bytes[16];
    ssize_t result;
};

static int run_recv(void *arg) {
    struct call *call = arg;

    call->result = eddy_recv(call->fd, call->bytes, sizeof(call->bytes), call->flags);
    return 0;
}

static int run_send(void *arg) {
    struct call *call = arg;

    call->result = eddy_send(call->fd, call->data, call->size, call->flags);
    return 0;
}

static int run_write(void *arg) {
    struct call *call = arg;

    call->result = eddy_write(call->fd, call->data, call->size);
    return 0;
}

static int run_read(void *arg) {
    struct call *call = arg;

    call->result = eddy_read(call->fd, call->bytes, sizeof(call->bytes));
    return 0;
}

static int run_wait_fd(void *arg) {
    struct call *call = arg;

    call->result = eddy_wait_fd(call->fd, call->flags);
    return 0;
}

static int run_accept(void *arg) {
    struct call *call = arg;

    call->result = eddy_accept(call->fd, NULL, NULL);
    return 0;
}

static eddy_task *start(eddy_fn *fn, struct call *call) {
    eddy_task *task = eddy_create_task(fn, call);

    settle();
    ASSERT(!eddy_is_done(task));
    return task;
}

static char *much(void) {
    char *bytes = malloc(MUCH);

    for (int i = 0; i < MUCH; i++)
        bytes[i] = (char)(i * 7 + i / 251);
    return bytes;
}

/* --- receiving -------------------------------------------------------------------------------- */

TASK_TEST(a_receive_on_a_blocking_socket_lets_others_run) {
    int fds[2];
    open_pair(SOCK_STREAM, fds);
    struct call call = {.fd = fds[0]};
    eddy_task *task = start(run_recv, &call);
    peer_send(fds[1], "hello");
    ASSERT_OK(eddy_await(task));
    ASSERT_INT_EQ(call.result, 5);
    ASSERT_MEM_EQ(call.bytes, "hello", 5);
    plain_close(&fds[1]);
    ASSERT_INT_EQ(eddy_recv(fds[0], call.bytes, 5, 0), 0);
    close_pair(fds);
    return 0;
}

TASK_TEST(of_two_receivers_the_first_is_served_first) {
    int fds[2];
    open_pair(SOCK_STREAM, fds);
    struct call first = {.fd = fds[0]}, second = {.fd = fds[0]};
    eddy_task *first_task = start(run_recv, &first), *second_task = start(run_recv, &second);
    peer_send(fds[1], "one");
    ASSERT_OK(eddy_await(first_task));
    ASSERT(!eddy_is_done(second_task));
    peer_send(fds[1], "more");
    ASSERT_OK(eddy_await(second_task));
    ASSERT_INT_EQ(first.result, 3);
    ASSERT_INT_EQ(second.result, 4);
    close_pair(fds);
    return 0;
}

TASK_TEST(all_is_received_if_that_is_asked_for) {
    int fds[2];
    open_pair(SOCK_STREAM, fds);
    struct call call = {.fd = fds[0], .flags = MSG_WAITALL};
    eddy_task *task = start(run_recv, &call);
    peer_send(fds[1], "01234567");
    settle();
    ASSERT(!eddy_is_done(task));
    peer_send(fds[1], "89abcdef");
    ASSERT_OK(eddy_await(task));
    ASSERT_INT_EQ(call.result, 16);
    ASSERT_MEM_EQ(call.bytes, "0123456789abcdef", 16);

    task = start(run_recv, &call);
    peer_send(fds[1], "the end");
    plain_close(&fds[1]);
    ASSERT_OK(eddy_await(task));
    ASSERT_INT_EQ(call.result, 7);
    close_pair(fds);
    return 0;
}

TASK_TEST(a_cancel_of_a_receive_that_has_a_part_returns_the_part) {
    int fds[2];
    open_pair(SOCK_STREAM, fds);
    struct call call = {.fd = fds[0], .flags = MSG_WAITALL};
    eddy_task *task = start(run_recv, &call);
    peer_send(fds[1], "part");
    settle();
    eddy_cancel(task);
    ASSERT_OK(eddy_await(task));
    ASSERT_INT_EQ(call.result, 4);
    close_pair(fds);
    return 0;
}

TASK_TEST(with_dontwait_nothing_is_waited_for) {
    int fds[2];
    char byte;
    open_pair(SOCK_STREAM, fds);
    ASSERT_CODE(-EAGAIN, eddy_recv(fds[0], &byte, 1, MSG_DONTWAIT));
    ASSERT_CODE(-EAGAIN, eddy_recvfrom(fds[0], &byte, 1, MSG_DONTWAIT, NULL, NULL));
    peer_send(fds[1], "x");
    ASSERT_INT_EQ(eddy_recv(fds[0], &byte, 1, MSG_DONTWAIT), 1);
    char *bytes = much();
    ssize_t sent = eddy_send(fds[0], bytes, MUCH, MSG_DONTWAIT);
    ASSERT(sent > 0 && sent < MUCH);
    ASSERT_CODE(-EAGAIN, eddy_send(fds[0], bytes, MUCH, MSG_DONTWAIT));
    free(bytes);
    close_pair(fds);
    return 0;
}

TASK_TEST(a_peek_leaves_what_it_sees) {
    int fds[2];
    char bytes[8];
    open_pair(SOCK_STREAM, fds);
    peer_send(fds[1], "hello");
    ASSERT_INT_EQ(eddy_recv(fds[0], bytes, 8, MSG_PEEK), 5);
    ASSERT_INT_EQ(eddy_recv(fds[0], bytes, 8, 0), 5);
    close_pair(fds);
    return 0;
}

static int udp_socket(struct sockaddr_in *address) {
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    socklen_t size = sizeof(*address);

    *address =
        (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    ASSERT_INT_EQ(bind(fd, (struct sockaddr *)address, size), 0);
    ASSERT_INT_EQ(getsockname(fd, (struct sockaddr *)address, &size), 0);
    return fd;
}

TASK_TEST(a_datagram_tells_who_sent_it) {
    struct sockaddr_in one, other, from = {0};
    socklen_t size = sizeof(from);
    int fds[2] = {udp_socket(&one), udp_socket(&other)};
    char bytes[16];
    ASSERT_INT_EQ(eddy_sendto(fds[1], "hello", 5, 0, (struct sockaddr *)&one, sizeof(one)), 5);
    ASSERT_INT_EQ(eddy_recvfrom(fds[0], bytes, 16, 0, (struct sockaddr *)&from, &size), 5);
    ASSERT_INT_EQ(size, sizeof(from));
    ASSERT_INT_EQ(from.sin_port, other.sin_port);
    ASSERT_INT_EQ(eddy_sendto(fds[1], "", 0, 0, (struct sockaddr *)&one, sizeof(one)), 0);
    ASSERT_INT_EQ(eddy_recv(fds[0], bytes, 16, 0), 0); /* an empty one is one */
    ASSERT_INT_EQ(eddy_sendto(fds[1], "too long", 8, 0, (struct sockaddr *)&one, sizeof(one)), 8);
    ASSERT_INT_EQ(eddy_recv(fds[0], bytes, 3, MSG_TRUNC), 8);
    close_pair(fds);
    return 0;
}

TASK_TEST(a_message_comes_with_its_descriptor) {
    int fds[2], passed[2], got;
    char byte = 'x', control[CMSG_SPACE(sizeof(int))];
    struct iovec part = {&byte, 1};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control,
                             .msg_controllen = sizeof(control)};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    ASSERT(header != NULL);
    open_pair(SOCK_STREAM, fds);
    open_pair(SOCK_STREAM, passed);
    *header = (struct cmsghdr){
        .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof(int))};
    memcpy(CMSG_DATA(header), &passed[0], sizeof(int));
    ASSERT_INT_EQ(eddy_sendmsg(fds[1], &message, 0), 1);
    memset(control, 0, sizeof(control));
    ASSERT_INT_EQ(eddy_recvmsg(fds[0], &message, MSG_CMSG_CLOEXEC), 1);
    header = CMSG_FIRSTHDR(&message);
    ASSERT(header != NULL);
    memcpy(&got, CMSG_DATA(header), sizeof(int));
    peer_send(got, "through");
    ASSERT_INT_EQ(eddy_recv(passed[1], control, 7, 0), 7);
    ASSERT_CODE(-EINVAL, eddy_recvmsg(fds[0], &message, MSG_WAITALL));
    close(got);
    close_pair(passed);
    close_pair(fds);
    return 0;
}

/* --- sending ---------------------------------------------------------------------------------- */

TASK_TEST(much_is_sent_to_the_last_byte_while_the_peer_reads) {
    int fds[2];
    char *bytes = much(), *copy = malloc(MUCH);
    open_pair(SOCK_STREAM, fds);
    struct call call = {.fd = fds[0], .data = bytes, .size = MUCH};
    eddy_task *task = start(run_send, &call);
    ASSERT_INT_EQ(eddy_recv(fds[1], copy, MUCH, MSG_WAITALL), MUCH);
    ASSERT_OK(eddy_await(task));
    ASSERT_INT_EQ(call.result, MUCH);
    ASSERT(memcmp(bytes, copy, MUCH) == 0);
    free(bytes);
    free(copy);
    close_pair(fds);
    return 0;
}

TASK_TEST(a_cancelled_send_tells_how_much_has_gone) {
    int fds[2];
    char *bytes = much(), *copy = malloc(MUCH);
    open_pair(SOCK_STREAM, fds);
    struct call call = {.fd = fds[0], .data = bytes, .size = MUCH};
    eddy_task *task = start(run_send, &call);
    eddy_cancel(task);
    ASSERT_OK(eddy_await(task));
    ASSERT(call.result > 0 && call.result < MUCH);
    plain_close(&fds[0]);
    ASSERT_INT_EQ(eddy_recv(fds[1], copy, MUCH, MSG_WAITALL), call.result);
    ASSERT(memcmp(bytes, copy, (size_t)call.result) == 0);
    free(bytes);
    free(copy);
    close_pair(fds);
    return 0;
}

enum { DATAGRAMS = 3000 }; /* more than the queue of a Unix socket holds */

struct datagrams {
    int fd;
    const struct sockaddr *to;
    socklen_t size;
};

static int send_datagrams(void *arg) {
    const struct datagrams *datagrams = arg;

    for (int i = 0; i < DATAGRAMS; i++)
        ASSERT_INT_EQ(eddy_sendto(datagrams->fd, &i, sizeof(i), 0, datagrams->to, datagrams->size),
                      sizeof(i));
    return 0;
}

static void receive_datagrams(int fd, struct datagrams *datagrams) {
    eddy_task *task = eddy_create_task(send_datagrams, datagrams);

    settle();
    ASSERT(!eddy_is_done(task));
    for (int i = 0, number; i < DATAGRAMS; i++) {
        ASSERT_INT_EQ(eddy_recv(fd, &number, sizeof(number), 0), sizeof(number));
        ASSERT_INT_EQ(number, i);
    }
    ASSERT_OK(eddy_await(task));
}

TASK_TEST(a_full_unix_receiver_is_waited_for_and_gets_all_that_was_sent) {
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    socklen_t size = sizeof(name);
    int fds[2], sender = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    open_pair(SOCK_DGRAM, fds);
    receive_datagrams(fds[1], &(struct datagrams){.fd = fds[0]});
    close_pair(fds);

    fds[0] = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    ASSERT_INT_EQ(bind(fds[0], (struct sockaddr *)&name, sizeof(sa_family_t)), 0);
    ASSERT_INT_EQ(getsockname(fds[0], (struct sockaddr *)&name, &size), 0);
    receive_datagrams(fds[0], &(struct datagrams){sender, (struct sockaddr *)&name, size});
    close_pair(fds);
    close(sender);
    return 0;
}

TASK_TEST(nobody_at_the_other_end_is_a_code_and_no_signal) {
    int fds[2];
    open_pair(SOCK_STREAM, fds);
    plain_close(&fds[1]);
    ASSERT_CODE(-EPIPE, eddy_send(fds[0], "x", 1, 0));
    ASSERT_CODE(-EPIPE, eddy_sendto(fds[0], "x", 1, MSG_DONTWAIT, NULL, 0));
    ASSERT_CODE(-EPIPE, eddy_write(fds[0], "x", 1));
    FILE *file = tmpfile();
    ASSERT_INT_EQ(write(fileno(file), "x", 1), 1);
    ASSERT_CODE(-EPIPE, eddy_sendfile(fds[0], fileno(file), &(off_t){0}, 1));
    fclose(file);
    close_pair(fds);

    ASSERT_INT_EQ(pipe2(fds, O_CLOEXEC), 0);
    plain_close(&fds[0]);
    ASSERT_CODE(-EPIPE, eddy_write(fds[1], "x", 1));
    close_pair(fds);
    return 0;
}

/* --- what is no socket ------------------------------------------------------------------------ */

TASK_TEST(a_blocking_pipe_is_read_and_written_without_blocking) {
    int fds[2];
    char *bytes = much(), *copy = malloc(MUCH);
    ASSERT_INT_EQ(pipe2(fds, O_CLOEXEC), 0);
    struct call reader = {.fd = fds[0]};
    eddy_task *task = start(run_read, &reader);
    ASSERT_INT_EQ(eddy_write(fds[1], "hello", 5), 5);
    ASSERT_OK(eddy_await(task));
    ASSERT_INT_EQ(reader.result, 5);

    struct call writer = {.fd = fds[1], .data = bytes, .size = MUCH};
    task = start(run_write, &writer);
    for (ssize_t had = 0; had < MUCH;) {
        ssize_t n = eddy_read(fds[0], copy + had, (size_t)(MUCH - had));
        ASSERT_OK(n);
        had += n;
    }
    ASSERT_OK(eddy_await(task));
    ASSERT_INT_EQ(writer.result, MUCH);
    ASSERT(memcmp(bytes, copy, MUCH) == 0);
    plain_close(&fds[1]);
    ASSERT_INT_EQ(eddy_read(fds[0], copy, 1), 0);
    ASSERT_INT_EQ(fcntl(fds[0], F_GETFL) & O_NONBLOCK, 0);
    free(bytes);
    free(copy);
    close_pair(fds);
    return 0;
}

TASK_TEST(a_terminal_is_read_a_line_at_a_time) {
    int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    ASSERT(master >= 0);
    ASSERT_INT_EQ(grantpt(master), 0);
    ASSERT_INT_EQ(unlockpt(master), 0);
    int terminal = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
    ASSERT(terminal >= 0);
    struct call call = {.fd = terminal};
    eddy_task *task = start(run_read, &call);
    ASSERT_INT_EQ(eddy_write(master, "one\ntwo\n", 8), 8);
    ASSERT_OK(eddy_await(task));
    ASSERT_INT_EQ(call.result, 4);
    ASSERT_MEM_EQ(call.bytes, "one\n", 4);
    ASSERT_INT_EQ(eddy_read(terminal, call.bytes, 16), 4);
    ASSERT_INT_EQ(fcntl(terminal, F_GETFL) & O_NONBLOCK, 0);
    close(terminal);
    close(master);
    return 0;
}

TASK_TEST(an_eventfd_is_waited_for_and_read) {
    int fd = eventfd(0, EFD_CLOEXEC);
    uint64_t value = 7;
    struct call call = {.fd = fd};
    eddy_task *task = start(run_read, &call);
    ASSERT_INT_EQ(eddy_write(fd, &value, sizeof(value)), 8);
    ASSERT_OK(eddy_await(task));
    memcpy(&value, call.bytes, sizeof(value));
    ASSERT_INT_EQ(call.result, 8);
    ASSERT_UINT_EQ(value, 7);
    close(fd);
    return 0;
}

/* --- connections ------------------------------------------------------------------------------ */

TASK_TEST(a_blocking_listener_accepts_while_others_run) {
    struct plain_listener listener;
    struct sockaddr_in to = {0}, from = {0};
    socklen_t size = sizeof(to);
    plain_listen(&listener, 10);
    ASSERT_INT_EQ(getsockname(listener.fd, (struct sockaddr *)&to, &size), 0);
    struct call call = {.fd = listener.fd};
    eddy_task *task = start(run_accept, &call);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), second = -1;
    ASSERT_OK(eddy_connect(fd, (struct sockaddr *)&to, size));
    ASSERT_OK(eddy_await(task));
    ASSERT_OK(call.result);
    int accepted = (int)call.result;
    ASSERT(fcntl(accepted, F_GETFL) & O_NONBLOCK);
    ASSERT(fcntl(accepted, F_GETFD) & FD_CLOEXEC);
    ASSERT_INT_EQ(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
    ASSERT_INT_EQ(eddy_send(fd, "hello", 5, 0), 5);
    ASSERT_INT_EQ(eddy_recv(accepted, call.bytes, 16, 0), 5);

    second = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ASSERT_OK(eddy_connect(second, (struct sockaddr *)&to, size));
    int other = eddy_accept(listener.fd, (struct sockaddr *)&from, &size);
    struct sockaddr_in local;
    ASSERT_OK(other);
    ASSERT_INT_EQ(getsockname(second, (struct sockaddr *)&local, &size), 0);
    ASSERT_INT_EQ(from.sin_port, local.sin_port);
    close(other);
    close(second);
    close(accepted);
    close(fd);
    plain_close(&listener.fd);

    fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ASSERT_CODE(-ECONNREFUSED, eddy_connect(fd, (struct sockaddr *)&to, size));
    close(fd);
    return 0;
}

enum { WORKERS = 5, CLIENTS = 20 };

static int accept_some(void *arg) {
    for (int i = 0; i < CLIENTS / WORKERS; i++) {
        int fd = eddy_accept(*(int *)arg, NULL, NULL);
        ASSERT_OK(fd);
        close(fd);
    }
    return 0;
}

TASK_TEST(several_tasks_accept_from_one_listener_in_turn) {
    struct plain_listener listener;
    struct sockaddr_in to = {0};
    socklen_t size = sizeof(to);
    eddy_task *tasks[WORKERS];
    plain_listen(&listener, CLIENTS);
    ASSERT_INT_EQ(getsockname(listener.fd, (struct sockaddr *)&to, &size), 0);
    for (int i = 0; i < WORKERS; i++)
        tasks[i] = eddy_create_task(accept_some, &listener.fd);
    settle();
    for (int i = 0; i < CLIENTS; i++) {
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        ASSERT_OK(eddy_connect(fd, (struct sockaddr *)&to, size));
        close(fd);
        if (i % 3 == 0)
            settle();
    }
    ASSERT_OK(eddy_gather_array(tasks, WORKERS, NULL));
    plain_close(&listener.fd);
    return 0;
}

TASK_TEST(a_full_unix_queue_is_told) {
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    socklen_t size;
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), fds[8];
    int count = 0, r = 0;
    size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) +
                       (size_t)snprintf(name.sun_path + 1, 90, "eddy-full-%d", getpid()) + 1);
    ASSERT_INT_EQ(bind(listener, (struct sockaddr *)&name, size), 0);
    ASSERT_INT_EQ(listen(listener, 1), 0);
    while (r == 0 && count < 8) {
        fds[count] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        r = eddy_connect(fds[count++], (struct sockaddr *)&name, size);
    }
    ASSERT_CODE(-EAGAIN, r);
    while (count > 0)
        close(fds[--count]);
    close(listener);
    return 0;
}

/* --- readiness -------------------------------------------------------------------------------- */

TASK_TEST(readiness_tells_what_has_come) {
    int fds[2];
    open_pair(SOCK_STREAM, fds);
    ASSERT_INT_EQ(eddy_wait_fd(fds[0], EDDY_READABLE | EDDY_WRITABLE), EDDY_WRITABLE);
    struct call first = {.fd = fds[0], .flags = EDDY_READABLE}, second = first;
    eddy_task *tasks[2] = {start(run_wait_fd, &first), start(run_wait_fd, &second)};
    peer_send(fds[1], "x");
    ASSERT_OK(eddy_gather_array(tasks, 2, NULL));
    ASSERT_INT_EQ(first.result, EDDY_READABLE);
    ASSERT_INT_EQ(second.result, EDDY_READABLE);
    ASSERT_INT_EQ(eddy_wait_fd(fds[0], EDDY_READABLE), EDDY_READABLE); /* still */
    plain_close(&fds[1]);
    ASSERT_INT_EQ(eddy_wait_fd(fds[0], EDDY_WRITABLE), EDDY_WRITABLE | EDDY_HUNG_UP);
    close_pair(fds);
    return 0;
}

TASK_TEST(urgent_data_is_a_priority) {
    struct plain_listener listener;
    plain_listen(&listener, 1);
    struct sockaddr_in to;
    socklen_t size = sizeof(to);
    ASSERT_INT_EQ(getsockname(listener.fd, (struct sockaddr *)&to, &size), 0);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ASSERT_OK(eddy_connect(fd, (struct sockaddr *)&to, size));
    int peer = eddy_accept(listener.fd, NULL, NULL);
    struct call call = {.fd = peer, .flags = EDDY_URGENT};
    eddy_task *task = start(run_wait_fd, &call);
    ASSERT_INT_EQ(send(fd, "!", 1, MSG_OOB), 1);
    ASSERT_OK(eddy_await(task));
    ASSERT_INT_EQ(call.result, EDDY_URGENT);
    close(fd);
    close(peer);
    plain_close(&listener.fd);
    return 0;
}

TASK_TEST(a_process_and_a_folder_can_be_waited_for) {
    char folder[] = "/tmp/eddy-wait-XXXXXX", path[64];
    ASSERT_NOT_NULL(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/x", folder);
    int inotify = inotify_init1(IN_CLOEXEC);
    ASSERT(inotify_add_watch(inotify, folder, IN_CREATE) >= 0);
    struct call call = {.fd = inotify, .flags = EDDY_READABLE};
    eddy_task *task = start(run_wait_fd, &call);
    close(open(path, O_CREAT | O_CLOEXEC | O_WRONLY, 0600));
    ASSERT_OK(eddy_await(task));
    ASSERT_INT_EQ(call.result, EDDY_READABLE);
    unlink(path);
    rmdir(folder);
    close(inotify);

    int fds[2];
    ASSERT_INT_EQ(pipe2(fds, O_CLOEXEC), 0);
    pid_t child = fork();
    if (child == 0) {
        char byte;
        close(fds[1]);
        _exit(read(fds[0], &byte, 1) < 0);
    }
    int pidfd = (int)syscall(SYS_pidfd_open, child, 0);
    if (pidfd >= 0) {
        call = (struct call){.fd = pidfd, .flags = EDDY_READABLE};
        task = start(run_wait_fd, &call);
        close_pair(fds);
        ASSERT_OK(eddy_await(task));
        ASSERT(call.result & EDDY_READABLE);
        close(pidfd);
    }
    close_pair(fds);
    ASSERT_INT_EQ(waitpid(child, NULL, 0), child);
    return 0;
}

TASK_TEST(what_has_no_readiness_is_refused) {
    FILE *file = tmpfile();
    ASSERT_CODE(-EPERM, eddy_wait_fd(fileno(file), EDDY_READABLE));
    ASSERT_CODE(-EBADF, eddy_wait_fd(-1, EDDY_READABLE));
    ASSERT_CODE(-EBADF, eddy_wait_fd(987, EDDY_READABLE));
    ASSERT_CODE(-EINVAL, eddy_wait_fd(fileno(file), 0));
    ASSERT_CODE(-EINVAL, eddy_wait_fd(fileno(file), 1 << 20));
    ASSERT_CODE(-ENOTSOCK, eddy_recv(fileno(file), &(char){0}, 1, 0));
    fclose(file);
    return 0;
}

/* --- the end ---------------------------------------------------------------------------------- */

static void never(void *arg) {
    (void)arg;
    TEST_FAIL("a callback of a descriptor that was closed");
}

TASK_TEST(a_close_ends_every_wait_and_frees_the_number) {
    int fds[2], others[2];
    char *bytes = much();
    open_pair(SOCK_STREAM, fds);
    open_pair(SOCK_STREAM, others);
    struct call calls[4] = {{.fd = fds[0]}, {.fd = fds[0]}, {.fd = fds[0], .flags = EDDY_READABLE}};
    calls[3] = (struct call){.fd = fds[0], .data = bytes, .size = MUCH};
    ASSERT(eddy_send(fds[0], bytes, MUCH, MSG_DONTWAIT) > 0);
    eddy_task *tasks[4] = {start(run_recv, &calls[0]), start(run_recv, &calls[1]),
                           start(run_wait_fd, &calls[2]), start(run_send, &calls[3])};
    ASSERT_OK(eddy_add_reader(NULL, fds[0], never, NULL));
    ASSERT_OK(eddy_close(fds[0]));
    ASSERT_INT_EQ(dup2(others[0], fds[0]), fds[0]);
    plain_close(&others[0]);
    peer_send(others[1], "for the next");
    ASSERT_OK(eddy_gather_array(tasks, 4, NULL));
    for (int i = 0; i < 4; i++)
        ASSERT_CODE(EDDY_ECLOSED, calls[i].result);
    ASSERT_INT_EQ(eddy_recv(fds[0], calls[0].bytes, 16, 0), 12);
    ASSERT_INT_EQ(eddy_recv(fds[1], bytes, 1, 0), 1); /* its own peer sees the end, in time */
    free(bytes);
    ASSERT_OK(eddy_close(fds[0]));
    ASSERT_CODE(-EBADF, eddy_close(fds[0]));
    ASSERT_CODE(-EBADF, eddy_close(-1));
    fds[0] = -1;
    close_pair(fds);
    close_pair(others);
    return 0;
}

TASK_TEST(a_wait_whose_descriptor_is_closed_behind_its_back_can_be_cancelled) {
    int fds[2], others[2];
    open_pair(SOCK_STREAM, fds);
    open_pair(SOCK_STREAM, others);
    struct call call = {.fd = fds[0]}, next;
    eddy_task *task = start(run_recv, &call);
    ASSERT_INT_EQ(dup2(others[0], fds[0]), fds[0]);
    peer_send(others[1], "for the next");
    settle();
    ASSERT(!eddy_is_done(task));
    eddy_cancel(task);
    ASSERT_OK(eddy_await(task));
    ASSERT_CODE(-ECANCELED, call.result);
    next = (struct call){.fd = fds[0]};
    ASSERT_OK(eddy_await(eddy_create_task(run_recv, &next)));
    ASSERT_INT_EQ(next.result, 12);
    close_pair(fds);
    close_pair(others);
    return 0;
}

/* It may get what comes for its own. */
TASK_TEST(a_read_whose_number_is_lost_gets_nothing_of_the_next_file) {
    int fds[2], others[2], keep;
    ASSERT_INT_EQ(pipe2(fds, O_CLOEXEC), 0);
    ASSERT_INT_EQ(pipe2(others, O_CLOEXEC), 0);
    keep = dup(fds[0]);
    struct call call = {.fd = fds[0]}, next;
    eddy_task *task = start(run_read, &call);
    ASSERT_INT_EQ(dup2(others[0], fds[0]), fds[0]);
    ASSERT_INT_EQ(write(others[1], "for the next", 12), 12);
    ASSERT_INT_EQ(write(fds[1], "own", 3), 3);
    ASSERT_OK(eddy_await(task));
    ASSERT(call.result == EDDY_ECLOSED || call.result == 3);
    next = (struct call){.fd = fds[0]};
    ASSERT_OK(eddy_await(eddy_create_task(run_read, &next)));
    ASSERT_INT_EQ(next.result, 12);
    close(keep);
    close_pair(fds);
    close_pair(others);
    return 0;
}

TASK_TEST(a_time_out_ends_a_wait) {
    int fds[2];
    eddy_timeout timeout;
    char byte;
    open_pair(SOCK_STREAM, fds);
    eddy_timeout_begin(&timeout, 0.001);
    ASSERT_CODE(-ETIMEDOUT, eddy_timeout_end(&timeout, (int)eddy_recv(fds[0], &byte, 1, 0)));
    close_pair(fds);
    return 0;
}

static void *close_in_thread(void *arg) {
    ASSERT_OK(eddy_close(*(int *)arg));
    return NULL;
}

TEST(a_thread_without_a_loop_may_close) {
    int fds[2];
    pthread_t thread;
    open_pair(SOCK_STREAM, fds);
    ASSERT_INT_EQ(pthread_create(&thread, NULL, close_in_thread, &fds[0]), 0);
    ASSERT_INT_EQ(pthread_join(thread, NULL), 0);
    fds[0] = -1;
    close_pair(fds);
}

TEST(outside_any_task_the_calls_wait_as_well) {
    int fds[2];
    char bytes[8];
    open_pair(SOCK_STREAM, fds);
    peer_send(fds[1], "hello");
    ASSERT_INT_EQ(eddy_recv(fds[0], bytes, 8, 0), 5);
    ASSERT_INT_EQ(eddy_wait_fd(fds[0], EDDY_WRITABLE), EDDY_WRITABLE);
    close_pair(fds);
}
