/* SPDX-License-Identifier: MIT
 * test_uring_accept.c - a listener that is accepted from all the time: one question, and what comes
 * ahead of it is bounded, in order, and closed with the listener. */
#include <errno.h>

#include "multishot.h"

/* A non-blocking socket, connected to the server: its connection waits to be accepted. */
static int client_open(void) {
    int fd = eddy__os_socket(AF_INET, SOCK_STREAM, 0);

    ASSERT_OK(fd);
    ASSERT_INT_EQ(fcntl(fd, F_SETFL, 0), 0);
    ASSERT_OK(eddy__os_connect(fd, (struct sockaddr *)&server_address, sizeof(server_address)));
    return fd;
}

/* An accept that others follow. True: completed at once. */
static bool begin_accept(struct probe *probe, eddy_loop *loop, int server) {
    *probe = (struct probe){.loop = loop, .trace = probe->trace, .word = probe->word};
    probe->op = (struct eddy__op){
        .done = probe_done, .code = EDDY__OP_ACCEPT, .fd = server, .is_repeated = true};
    return eddy__op_submit(loop, &probe->op);
}

static int accept_one(eddy_loop *loop, int server) {
    struct probe probe = {.trace = NULL};

    return (int)(begin_accept(&probe, loop, server) ? probe.op.result : finish(&probe));
}

/* Who was accepted is at the other end of this client. */
static void assert_meets(int accepted, int client) {
    char byte = 0;

    ASSERT_OK(accepted);
    ASSERT_INT_EQ(fcntl(accepted, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
    ASSERT_INT_EQ(fcntl(accepted, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    put(accepted, "!");
    ASSERT_INT_EQ(read(client, &byte, 1), 1);
    ASSERT_INT_EQ(byte, '!');
}

/* A listener whose multishot has begun, and nobody waits. */
static int busy_server(eddy_loop *loop, int backlog) {
    int server = server_open(backlog);
    FD client = client_open();
    FD accepted = accept_one(loop, server);

    assert_meets(accepted, client);
    ASSERT_INT_EQ(questions_of(loop), is_multishot(loop));
    return server;
}

static void server_close(eddy_loop *loop, int *server) {
    close_forgotten(loop, server);
    turn(loop);
    ASSERT_INT_EQ(questions_of(loop), 0);
}

/* --- one question ----------------------------------------------------------------------------- */

TEST(a_listener_is_accepted_from_by_one_question) {
    LOOP loop = bound_loop();
    int server = busy_server(loop, 5);
    for (int i = 0; i < 50; i++) {
        struct probe probe = {.trace = NULL};
        ASSERT(!begin_accept(&probe, loop, server));
        FD client = client_open();
        FD accepted = (int)finish(&probe);
        assert_meets(accepted, client);
        ASSERT_INT_EQ(questions_of(loop), 1);
    }
    server_close(loop, &server);
}

TEST(an_accept_that_no_other_follows_is_asked_for_by_itself) {
    LOOP loop = bound_loop();
    FD server = server_open(5);
    FD client = client_open();
    struct probe probe = {.trace = NULL};
    FD accepted = (int)perform(&probe, loop, EDDY__OP_ACCEPT, server);
    assert_meets(accepted, client);

    ASSERT_INT_EQ(questions_of(loop), 0);
}

TEST(an_accept_that_no_other_follows_ends_the_multishot) {
    LOOP loop = bound_loop();
    int server = busy_server(loop, 5);
    struct probe probe = {.trace = NULL};
    begin_later(&probe, loop, EDDY__OP_ACCEPT, server);
    FD client = client_open();
    FD accepted = (int)finish(&probe);
    assert_meets(accepted, client);
    turn(loop);

    ASSERT_INT_EQ(questions_of(loop), 0);
    server_close(loop, &server);
}

TEST(several_accepts_are_done_in_the_order_in_which_they_came) {
    LOOP loop = bound_loop();
    int server = busy_server(loop, 5);
    struct trace trace = {.count = 0};
    struct probe first = {.trace = &trace, .word = "first"},
                 second = {.trace = &trace, .word = "second"};
    ASSERT(!begin_accept(&first, loop, server));
    ASSERT(!begin_accept(&second, loop, server));
    FD one = client_open();
    FD two = client_open();
    FD accepted_first = (int)finish(&first);
    FD accepted_second = (int)finish(&second);
    assert_meets(accepted_first, one);
    assert_meets(accepted_second, two);

    ASSERT_STR_EQ(trace.text, "first second");
    server_close(loop, &server);
}

TEST(an_old_kernel_is_asked_for_each_accept) {
    LOOP loop = old_kernels_loop();
    int server = busy_server(loop, 5);
    FD client = client_open();
    FD accepted = accept_one(loop, server);
    assert_meets(accepted, client);

    ASSERT_INT_EQ(questions_of(loop), 0);
    server_close(loop, &server);
}

/* --- ahead ------------------------------------------------------------------------------------ */

TEST(connections_that_nobody_has_asked_for_are_kept_in_order) {
    LOOP loop = bound_loop();
    int server = busy_server(loop, 5), clients[4];
    for (int i = 0; i < 4; i++) {
        clients[i] = client_open();
        turn(loop);
    }
    for (int i = 0; i < 4; i++) {
        struct probe probe = {.trace = NULL};
        ASSERT(begin_accept(&probe, loop, server)); /* at once */
        FD accepted = (int)probe.op.result;
        assert_meets(accepted, clients[i]);
        eddy__os_close(clients[i]);
    }
    server_close(loop, &server);
}

TEST(a_few_are_kept_and_the_others_wait_in_the_backlog) {
    enum { COUNT = 3 * ACCEPTED_AHEAD_MAX };
    LOOP loop = bound_loop();
    int server = busy_server(loop, COUNT), clients[COUNT], before = descriptors_open();
    for (int i = 0; i < COUNT; i++) {
        clients[i] = client_open();
        turn(loop);
    }
    ASSERT_INT_EQ(descriptors_open(), before + COUNT + ACCEPTED_AHEAD_MAX);
    ASSERT_INT_EQ(questions_of(loop), 0);
    for (int i = 0; i < COUNT; i++) {
        FD accepted = accept_one(loop, server);
        assert_meets(accepted, clients[i]);
        eddy__os_close(clients[i]);
    }

    ASSERT_INT_EQ(questions_of(loop), 1); /* it goes on */
    server_close(loop, &server);
}

TEST(a_burst_is_kept_whole) {
    enum { COUNT = 100 };
    LOOP loop = bound_loop();
    int server = busy_server(loop, COUNT), clients[COUNT];
    for (int i = 0; i < COUNT; i++)
        clients[i] = client_open();
    turn(loop);
    for (int i = 0; i < COUNT; i++) {
        FD accepted = accept_one(loop, server);
        assert_meets(accepted, clients[i]);
        eddy__os_close(clients[i]);
    }
    server_close(loop, &server);
}

/* --- cancelling ------------------------------------------------------------------------------- */

TEST(when_nobody_waits_any_more_connections_are_left_to_others) {
    LOOP loop = bound_loop();
    int server = busy_server(loop, 5);
    struct probe probe = {.trace = NULL};
    ASSERT(!begin_accept(&probe, loop, server));
    eddy__op_cancel(loop, &probe.op);
    ASSERT_CODE(-ECANCELED, finish(&probe));
    ASSERT_INT_EQ(probe.done_count, 1);
    turn(loop);
    ASSERT_INT_EQ(questions_of(loop), 0);
    FD client = client_open();
    turn(loop);
    FD accepted = eddy__os_accept(server); /* it is still there */
    assert_meets(accepted, client);
    server_close(loop, &server);
}

TEST(a_cancelled_accept_takes_nothing_and_who_comes_is_for_the_next) {
    LOOP loop = bound_loop();
    int server = busy_server(loop, 5);
    struct probe probe = {.trace = NULL};
    ASSERT(!begin_accept(&probe, loop, server));
    FD client = client_open();
    eddy__uring_flush(&loop->poller->uring); /* the kernel has accepted */
    eddy__op_cancel(loop, &probe.op);
    ASSERT_CODE(-ECANCELED, finish(&probe));
    turn(loop);
    FD accepted = accept_one(loop, server);
    assert_meets(accepted, client);
    server_close(loop, &server);
}

TEST(cancelling_one_of_two_leaves_the_other) {
    LOOP loop = bound_loop();
    int server = busy_server(loop, 5);
    struct probe one = {.trace = NULL}, other = {.trace = NULL};
    ASSERT(!begin_accept(&one, loop, server));
    ASSERT(!begin_accept(&other, loop, server));
    eddy__op_cancel(loop, &one.op);
    ASSERT_CODE(-ECANCELED, finish(&one));
    FD client = client_open();
    FD accepted = (int)finish(&other);
    assert_meets(accepted, client);
    server_close(loop, &server);
}

/* --- the end ---------------------------------------------------------------------------------- */

static void assert_closed(int *client) {
    char byte;

    ASSERT(read(*client, &byte, 1) <= 0); /* the end, or a reset */
    eddy__os_close(TAKE_FD(*client));
}

TEST(connections_that_nobody_has_asked_for_are_closed_with_their_listener) {
    LOOP loop = bound_loop();
    int server = busy_server(loop, 5), clients[3], before = descriptors_open();
    for (int i = 0; i < 3; i++)
        clients[i] = client_open();
    turn(loop);
    close_forgotten(loop, &server);
    for (int i = 0; i < 3; i++)
        assert_closed(&clients[i]);
    turn(loop);

    ASSERT_INT_EQ(descriptors_open(), before - 1);
    ASSERT_INT_EQ(questions_of(loop), 0);
}

TEST(a_connection_that_comes_as_its_listener_is_forgotten_is_closed) {
    LOOP loop = bound_loop();
    int server = busy_server(loop, 5), before = descriptors_open();
    int client = client_open();
    eddy__uring_flush(&loop->poller->uring); /* answered, and not yet taken */
    close_forgotten(loop, &server);
    turn(loop);
    assert_closed(&client);

    ASSERT_INT_EQ(descriptors_open(), before - 1);
}

TEST(a_loop_that_closes_closes_who_was_not_asked_for) {
    eddy_loop *loop = bound_loop();
    int before = descriptors_open();
    int server = busy_server(loop, 5), kept = client_open(), late;
    turn(loop);
    late = client_open();
    eddy__uring_flush(&loop->poller->uring);
    ASSERT_NULL(eddy_loop_close(loop));
    eddy__os_close(server);
    assert_closed(&kept);
    assert_closed(&late);

    ASSERT(descriptors_open() <= before); /* and the loop's own are gone */
}

TEST(a_listener_is_not_listening_any_more_when_its_owner_has_closed_it) {
    LOOP loop = bound_loop();
    int server = busy_server(loop, 5);
    FD client = eddy__os_socket(AF_INET, SOCK_STREAM, 0);
    close_forgotten(loop, &server); /* no turn in between */

    ASSERT_INT_EQ(fcntl(client, F_SETFL, 0), 0);
    ASSERT_CODE(-ECONNREFUSED, eddy__os_connect(client, (struct sockaddr *)&server_address,
                                                sizeof(server_address)));
}

/* --- failures --------------------------------------------------------------------------------- */

/* The limit that counts is that of the moment when the multishot is asked for. */
TEST(out_of_descriptors_an_accept_fails_and_the_connection_waits) {
    LOOP loop = bound_loop();
    int server = server_open(5);
    FD client = client_open();
    struct probe probe = {.trace = NULL};
    leave_descriptors(0);
    ASSERT_CODE(-EMFILE, begin_accept(&probe, loop, server) ? probe.op.result : finish(&probe));
    leave_all_descriptors();
    FD accepted = accept_one(loop, server);
    assert_meets(accepted, client);

    ASSERT_INT_EQ(questions_of(loop), 1); /* it goes on */
    server_close(loop, &server);
}

TEST(a_stop_that_found_no_slot_is_asked_for_again) {
    LOOP loop = bound_loop();
    int server = busy_server(loop, 5);
    struct late late = {.loop = loop, .fd = server, .code = EDDY__OP_ACCEPT};
    begin_without_slots(&late);
    turn(loop);
    FD client = client_open();
    FD accepted = (int)finish(&late.probe);
    assert_meets(accepted, client);
    turn(loop);

    ASSERT_INT_EQ(questions_of(loop), 0);
    server_close(loop, &server);
}

TEST(what_does_not_listen_is_told_so) {
    LOOP loop = bound_loop();
    int socket = tcp_socket();
    ASSERT_CODE(-EINVAL, accept_one(loop, socket));
    ASSERT_CODE(-EINVAL, accept_one(loop, socket));
    server_close(loop, &socket);
    int server = busy_server(loop, 5); /* others are not the worse for it */
    ASSERT_INT_EQ(questions_of(loop), 1);
    server_close(loop, &server);
}

TEST(a_listener_whose_number_was_refused_before_has_its_multishot) {
    LOOP loop = bound_loop();
    int socket = tcp_socket(), number = socket;
    ASSERT_CODE(-EINVAL, accept_one(loop, socket));
    server_close(loop, &socket);
    int server = busy_server(loop, 5);
    ASSERT_INT_EQ(server, number);
    server_close(loop, &server);
}
