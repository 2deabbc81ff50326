/* SPDX-License-Identifier: MIT
 * test_datagram_python.c - datagrams to and from asyncio's own endpoints. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "net.h"

/* A program of the peer's, whose standard input is held open by us and whose output is ours. */
struct peer {
    pid_t process;
    int input, output;
};

static void peer_start(struct peer *peer, char *const arguments[]) {
    int input[2], output[2];

    ASSERT_INT_EQ(pipe2(input, O_CLOEXEC), 0);
    ASSERT_INT_EQ(pipe2(output, O_CLOEXEC), 0);
    peer->process = fork();
    if (peer->process == 0) {
        dup2(input[0], 0);
        dup2(output[1], 1);
        execvp(arguments[0], arguments);
        _exit(127);
    }
    close(input[0]);
    close(output[1]);
    peer->input = input[1];
    peer->output = output[0];
}

/* Its exit status. */
static int peer_end(struct peer *peer) {
    int status = -1;

    plain_close(&peer->input);
    plain_close(&peer->output);
    ASSERT_INT_EQ(waitpid(peer->process, &status, 0), peer->process);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int echo_all(void *server) {
    char bytes[2000];
    eddy_address from;

    for (;;) {
        ssize_t n = eddy_datagram_receive(server, bytes, sizeof(bytes), &from);
        if (n < 0)
            return n == EDDY_ECLOSED ? 0 : (int)n;
        ASSERT_OK(eddy_datagram_send_to(server, bytes, (size_t)n, &from));
    }
}

TASK_TEST(asyncio_answers_eddy) {
    struct peer peer;
    eddy_datagram_endpoint *client;
    char port[16] = "", bytes[1000], back[1000];
    peer_start(&peer, (char *[]){"python3", DATAGRAMS_PY, "echo", NULL});
    ASSERT(eddy_read(peer.output, port, sizeof(port) - 1) > 1);
    port[strcspn(port, "\n")] = '\0';
    ASSERT_OK(eddy_create_datagram_endpoint(
        &(eddy_datagram_options){.remote_host = "127.0.0.1", .remote_port = port}, &client));
    for (size_t size = 1; size < 200; size++) { /* asyncio before 3.13 does not echo empty ones */
        memset(bytes, (int)size, size);
        ASSERT_OK(eddy_datagram_send(client, bytes, size));
        ASSERT_INT_EQ(eddy_datagram_receive(client, back, sizeof(back), NULL), size);
        ASSERT(memcmp(bytes, back, size) == 0);
    }
    eddy_datagram_close(client);
    ASSERT_INT_EQ(peer_end(&peer), 0);
    return 0;
}

TASK_TEST(eddy_answers_asyncio) {
    struct peer peer;
    eddy_datagram_endpoint *server;
    char port[16], byte;
    ASSERT_OK(eddy_create_datagram_endpoint(&(eddy_datagram_options){.local_host = "127.0.0.1"},
                                            &server));
    snprintf(port, sizeof(port), "%d", eddy_address_port(eddy_datagram_local(server)));
    eddy_task *task = eddy_create_task(echo_all, server);
    peer_start(&peer, (char *[]){"python3", DATAGRAMS_PY, "ask", "127.0.0.1", port, "200", NULL});
    ASSERT_INT_EQ(eddy_read(peer.output, &byte, 1), 0); /* it has ended */
    ASSERT_INT_EQ(peer_end(&peer), 0);
    eddy_datagram_close(server);
    ASSERT_OK(eddy_await(task));
    return 0;
}
