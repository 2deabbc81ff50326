/* SPDX-License-Identifier: MIT
 * test_bad_peers.c - peers with bad manners: a server goes on serving the others, and a client is
 * told what happened. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "talk.h"

/* Whatever the peers do, a well-mannered client is served, and nobody is told of a failure. */
static eddy_server *start(void) {
    eddy_set_log(keep_log, NULL);
    return server_start(echo, port);
}

static int finish(eddy_server *server) {
    ASSERT_OK(talk(NULL));
    eddy_server_cancel_clients(server);
    ASSERT_OK(eddy_server_close(server));
    ASSERT_INT_EQ(log_lines, 0);
    return 0;
}

static void wait_for_clients(const eddy_server *server, int count) {
    while (eddy_server_clients(server) != count)
        ASSERT_OK(eddy_sleep(0.001));
}

/* So many have come, and all have gone. */
static void wait_for_the_end_of(const eddy_server *server, uint64_t count) {
    eddy_server_statistics info;

    do {
        ASSERT_OK(eddy_sleep(0.001));
        ASSERT_OK(eddy_server_info(server, &info));
    } while (info.connections_accepted < count || info.connections_open > 0);
}

enum { PEERS = 30 };

static void connect_peers(int peers[PEERS]) {
    for (int i = 0; i < PEERS; i++)
        peers[i] = plain_connect("127.0.0.1", port);
}

static void close_peers(int peers[PEERS]) {
    for (int i = 0; i < PEERS; i++)
        plain_close(&peers[i]);
}

/* --- at a server ------------------------------------------------------------------------------ */

TASK_TEST(peers_that_stop_in_the_middle_of_a_line_disturb_nobody) {
    eddy_server *server = start();
    int peers[PEERS];

    connect_peers(peers);
    for (int i = 0; i < PEERS; i++)
        peer_send(peers[i], "half a li");
    wait_for_clients(server, PEERS);
    ASSERT_OK(talk_by_many(20));
    finish(server);
    close_peers(peers);
    return 0;
}

TASK_TEST(peers_that_send_a_byte_at_a_time_are_served_beside_others) {
    eddy_server *server = start();
    const char *line = "slow\n";
    int peers[PEERS];
    char answer[8];

    connect_peers(peers);
    for (size_t i = 0; i < strlen(line); i++) {
        for (int j = 0; j < PEERS; j++)
            peer_send_bytes(peers[j], line + i, 1);
        ASSERT_OK(talk(NULL));
    }
    for (int i = 0; i < PEERS; i++) {
        ASSERT_INT_EQ(recv(peers[i], answer, 5, MSG_WAITALL | MSG_DONTWAIT), 5);
        ASSERT_MEM_EQ(answer, line, 5);
    }
    finish(server);
    close_peers(peers);
    return 0;
}

/* Before the server has looked: accept() then gives a dead connection, or none. */
TASK_TEST(peers_that_reset_before_they_are_accepted_are_none) {
    eddy_server *server = start();

    for (int i = 0; i < 5; i++) {
        int peers[PEERS];
        connect_peers(peers);
        for (int j = 0; j < PEERS; j++)
            peer_reset(&peers[j]);
        ASSERT_OK(talk(NULL));
    }
    wait_for_clients(server, 0);
    return finish(server);
}

TASK_TEST(peers_that_vanish_in_the_middle_of_an_answer_are_none) {
    eddy_server *server = start();
    static char line[60000];
    int peers[PEERS];

    memset(line, 'x', sizeof(line));
    line[sizeof(line) - 1] = '\n';
    connect_peers(peers);
    for (int i = 0; i < PEERS; i++)
        peer_send_bytes(peers[i], line, sizeof(line));
    settle();
    for (int i = 0; i < PEERS; i++)
        peer_reset(&peers[i]);
    wait_for_clients(server, 0);
    return finish(server);
}

static int got_limit;

static int echo_or_complain(eddy_stream *stream, void *arg) {
    int r = echo(stream, arg);

    got_limit += r == EDDY_ELIMIT;
    return r == EDDY_ELIMIT ? eddy_stream_write(stream, "too long\n", 9) : r;
}

/* And it reads the complaint, although it has not read it all: closing does not reset it. */
TASK_TEST(a_peer_that_sends_garbage_gets_its_answer) {
    static char garbage[300000];
    eddy_server *server;
    char answer[16];
    int peer;

    eddy_set_log(keep_log, NULL);
    server = server_start(echo_or_complain, port);
    for (size_t i = 0; i < sizeof(garbage); i++)
        garbage[i] = (char)(i % 255 == '\n' ? 0 : i % 255);
    peer = plain_connect("127.0.0.1", port);
    fcntl(peer, F_SETFL, O_NONBLOCK);
    for (size_t sent = 0; sent < sizeof(garbage);) {
        ssize_t n = send(peer, garbage + sent, sizeof(garbage) - sent, MSG_NOSIGNAL);
        ASSERT(n > 0 || errno == EAGAIN);
        sent += n > 0 ? (size_t)n : 0;
        ASSERT_OK(eddy_sleep(0.001));
    }
    wait_for_clients(server, 0);
    ASSERT_INT_EQ(got_limit, 1);
    ASSERT_INT_EQ(recv(peer, answer, sizeof(answer), 0), 9);
    ASSERT_MEM_EQ(answer, "too long\n", 9);
    plain_close(&peer);
    return finish(server);
}

/* Ends its half first, then reads; ends its reading half and still sends; closes with something
 * unread. */
TASK_TEST(peers_may_end_in_any_order) {
    eddy_server *server = start();
    char answer[8];
    int peer = plain_connect("127.0.0.1", port);

    peer_send(peer, "one\n");
    shutdown(peer, SHUT_WR);
    wait_for_the_end_of(server, 1);
    ASSERT_INT_EQ(peer_read_all(peer, answer, sizeof(answer)), 4);
    plain_close(&peer);

    peer = plain_connect("127.0.0.1", port);
    shutdown(peer, SHUT_RD);
    peer_send(peer, "two\n");
    plain_close(&peer);
    wait_for_the_end_of(server, 2);

    peer = plain_connect("127.0.0.1", port);
    peer_send(peer, "three\n");
    while (recv(peer, answer, sizeof(answer), MSG_PEEK | MSG_DONTWAIT) < 0)
        ASSERT_OK(eddy_sleep(0.001));
    plain_close(&peer);
    wait_for_the_end_of(server, 3);
    return finish(server);
}

/* Who has a connection goes on being served while there is no descriptor for others. */
TASK_TEST(out_of_descriptors_the_clients_that_are_there_are_served_throughout) {
    eddy_server *server = server_start(echo, port);
    int peers[PEERS], kept = plain_connect("127.0.0.1", port);
    struct rlimit limit, none;
    char answer[8];

    wait_for_clients(server, 1);
    eddy_set_log(keep_log, NULL);
    getrlimit(RLIMIT_NOFILE, &limit);
    connect_peers(peers);
    none = (struct rlimit){(rlim_t)next_descriptor(), limit.rlim_max};
    setrlimit(RLIMIT_NOFILE, &none);
    for (int i = 0; i < 20; i++) {
        peer_send(kept, "hello\n");
        while (recv(kept, answer, sizeof(answer), MSG_DONTWAIT) != 6)
            ASSERT_OK(eddy_sleep(0.001));
        ASSERT_OK(eddy_sleep(0.01));
    }
    ASSERT(log_lines <= 1);
    setrlimit(RLIMIT_NOFILE, &limit);
    wait_for_clients(server, PEERS + 1);
    close_peers(peers);
    plain_close(&kept);
    wait_for_clients(server, 0);
    ASSERT_OK(talk(NULL));
    return eddy_server_close(server);
}

/* --- at a client ------------------------------------------------------------------------------ */

static struct plain_listener bad;

/* What a client is told of a server that does this to its connection. */
static int told_by(void (*server)(int *fd)) {
    eddy_stream *stream;
    eddy_slice line;
    ssize_t n;
    int peer;

    plain_listen(&bad, 1);
    ASSERT_OK(eddy_open_connection("127.0.0.1", bad.port, NULL, &stream));
    peer = accept(bad.fd, NULL, NULL);
    ASSERT_OK(eddy_stream_write(stream, "hello\n", 6));
    ASSERT_OK(eddy_stream_flush(stream));
    server(&peer);
    n = eddy_stream_read_until(stream, "\r\n", &line);
    eddy_stream_close(stream);
    plain_close(&peer);
    plain_close(&bad.fd);
    return (int)n;
}

static void resets(int *fd) {
    peer_reset(fd);
}

/* It reads what it was sent first: else the kernel resets. */
static void closes(int *fd) {
    char bytes[6];

    ASSERT_INT_EQ(recv(*fd, bytes, sizeof(bytes), MSG_WAITALL), 6);
    plain_close(fd);
}

static void ends_in_the_middle(int *fd) {
    peer_send(*fd, "half an answer\r");
    shutdown(*fd, SHUT_WR);
}

static void talks_too_much(int *fd) {
    static char bytes[70000];

    peer_send_bytes(*fd, bytes, sizeof(bytes));
}

TASK_TEST(a_client_is_told_what_a_bad_server_did) {
    ASSERT_CODE(-ECONNRESET, told_by(resets));
    ASSERT_CODE(EDDY_EINCOMPLETE, told_by(closes));
    ASSERT_CODE(EDDY_EINCOMPLETE, told_by(ends_in_the_middle));
    ASSERT_CODE(EDDY_ELIMIT, told_by(talks_too_much));
    return 0;
}

/* --- half open -------------------------------------------------------------------------------- */

/* The kernel gives a connection up whose peer takes nothing for so long: the descriptor of a stream
 * is there to say how long. */
TASK_TEST(a_peer_that_takes_nothing_any_more_is_lost_when_the_kernel_says_so) {
    enum { MUCH = 8 << 20 };
    const unsigned milliseconds = 100;
    char *much = calloc(1, MUCH);
    struct pair pair;

    pair_open(&pair, NULL);
    ASSERT_INT_EQ(setsockopt(eddy_stream_fd(pair.stream), IPPROTO_TCP, TCP_USER_TIMEOUT,
                             &milliseconds, sizeof(milliseconds)),
                  0);
    ASSERT_OK(eddy_stream_write(pair.stream, much, MUCH));
    ASSERT_CODE(-ETIMEDOUT, eddy_stream_flush(pair.stream));
    ASSERT_CODE(-ETIMEDOUT, eddy_stream_write(pair.stream, "x", 1));
    ASSERT_CODE(-ETIMEDOUT, (int)eddy_stream_read(pair.stream, much, 1));
    pair_close(&pair);
    free(much);
    return 0;
}
