/* SPDX-License-Identifier: MIT
 * scripts.c - each function is one peer, told from its first byte to its last. */
#include "scripts.h"

#include "lines.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* --- well behaved ----------------------------------------------------------------------------- */

void peer_echoes(struct peer_client *client) {
    struct peer_request request;

    while (peer_read_request(client, &request)) {
        size_t head_bytes = strlen(request.head);
        if (!peer_say(client,
                      "HTTP/1.1 200 OK\r\n"
                      "X-Connection: %d\r\n"
                      "Content-Length: %zu\r\n\r\n",
                      client->number, head_bytes + request.body_bytes) ||
            !peer_send(client, request.head, head_bytes) ||
            !peer_send(client, request.body, request.body_bytes))
            return;
    }
}

void peer_answers(struct peer_client *client) {
    struct peer_request request;
    while (peer_read_request(client, &request))
        if (!peer_answer(client, 200, client->arg))
            return;
}

void peer_answers_together(struct peer_client *client) {
    struct peer_request request;
    const int *count = client->arg;

    while (peer_read_request(client, &request))
        if (!peer_wait(client->peer, PEER_REQUESTED, *count) ||
            !peer_answer(client, 200, "together"))
            return;
}

void peer_answers_when_released(struct peer_client *client) {
    struct peer_request request;

    if (!peer_read_request(client, &request))
        return;
    if (peer_wait(client->peer, PEER_RELEASED, 1) && peer_answer(client, 200, "released"))
        peer_await_leave(client);
}

void peer_answers_byte_by_byte(struct peer_client *client) {
    struct peer_request request;
    char answer[4096];

    if (!peer_read_request(client, &request))
        return;
    snprintf(answer, sizeof answer,
             "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\nX-Slow: yes\r\n\r\n%s", strlen(client->arg),
             (char *)client->arg);
    for (const char *byte = answer; *byte; byte++)
        if (!peer_send(client, byte, 1))
            return;
    peer_await_leave(client);
}

void peer_sends_watched(struct peer_client *client) {
    struct peer_request request;
    char piece[4096];

    if (!peer_read_request(client, &request) ||
        !peer_say(client, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", PEER_WATCHED_BYTES))
        return;
    for (size_t sent = 0; sent < PEER_WATCHED_BYTES; sent += sizeof piece) {
        lines_write(piece, sent, sizeof piece);
        if (!peer_send_watched(client, piece, sizeof piece))
            return;
    }
    peer_await_leave(client);
}

void peer_refuses_upload(struct peer_client *client) {
    struct peer_request request;

    if (peer_read_head(client, &request) &&
        peer_say(client, "HTTP/1.1 413 Too Large\r\nConnection: close\r\n"
                         "Content-Length: 8\r\n\r\ntoo much"))
        peer_await_leave(client);
}

void peer_hints_first(struct peer_client *client) {
    struct peer_request request;

    if (peer_read_request(client, &request) &&
        peer_say(client, "HTTP/1.1 103 Early Hints\r\nX-Hint: of the hints only\r\n\r\n") &&
        peer_answer(client, 200, "after the hints"))
        peer_await_leave(client);
}

/* --- a proxy ---------------------------------------------------------------------------------- */

/* To "host:port", which is cut in two. */
static int connect_to(char *target) {
    struct addrinfo *found, hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM};
    char *colon = strrchr(target, ':');

    if (!colon)
        return -1;
    *colon = '\0';
    if (getaddrinfo(target, colon + 1, &hints, &found) != 0)
        return -1;

    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(fd, found->ai_addr, found->ai_addrlen) < 0) {
        close(fd);
        fd = -1;
    }
    freeaddrinfo(found);
    return fd;
}

static bool pass_on(int from, int to) {
    char data[16 * 1024];

    ssize_t n = recv(from, data, sizeof data, 0);
    for (ssize_t sent = 0; sent < n;) {
        ssize_t more = send(to, data + sent, (size_t)(n - sent), MSG_NOSIGNAL);
        if (more < 0)
            return false;
        sent += more;
    }
    return n > 0;
}

static void splice_both_ways(int a, int b) {
    struct pollfd ends[2] = {{.fd = a, .events = POLLIN}, {.fd = b, .events = POLLIN}};

    while (poll(ends, 2, -1) > 0)
        if ((ends[0].revents && !pass_on(a, b)) || (ends[1].revents && !pass_on(b, a)))
            return;
}

void peer_tunnels(struct peer_client *client) {
    struct peer_request request;

    if (!peer_read_request(client, &request))
        return;
    int fd = strcmp(request.method, "CONNECT") == 0 ? connect_to(request.target) : -1;
    if (fd < 0) {
        peer_answer(client, 502, "this proxy cannot reach that host");
        return;
    }
    if (peer_say(client, "HTTP/1.1 200 Connection established\r\nX-Proxy: yes\r\n\r\n"))
        splice_both_ways(client->fd, fd);
    close(fd);
}

/* --- ends too early --------------------------------------------------------------------------- */

void peer_closes_at_once(struct peer_client *client) {
    (void)client;
}

void peer_resets_at_once(struct peer_client *client) {
    peer_reset(client);
}

void peer_closes_unanswered(struct peer_client *client) {
    struct peer_request request;
    peer_read_request(client, &request);
}

void peer_resets_unanswered(struct peer_client *client) {
    struct peer_request request;
    peer_read_request(client, &request);
    peer_reset(client);
}

void peer_resets_half_way(struct peer_client *client) {
    struct peer_request request;
    char piece[1000] = {0};

    if (peer_read_request(client, &request) &&
        peer_say(client, "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n") &&
        peer_send(client, piece, sizeof piece) && peer_wait(client->peer, PEER_RELEASED, 1))
        peer_reset(client);
}

void peer_sends_too_little(struct peer_client *client) {
    struct peer_request request;
    if (peer_read_request(client, &request))
        peer_say(client, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n0123456789");
}

void peer_ends_in_a_chunk(struct peer_client *client) {
    struct peer_request request;
    if (peer_read_request(client, &request))
        peer_say(client, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                         "5\r\nwhole\r\n10\r\nhal");
}

void peer_closes_in_the_headers(struct peer_client *client) {
    struct peer_request request;
    if (peer_read_request(client, &request))
        peer_say(client, "HTTP/1.1 200 OK\r\nContent-Ty");
}

void peer_answers_once(struct peer_client *client) {
    struct peer_request request;
    if (peer_read_request(client, &request) && peer_answer(client, 200, "once"))
        peer_read_request(client, &request);
}

/* --- never ends ------------------------------------------------------------------------------- */

void peer_sends_for_ever(struct peer_client *client) {
    static const char piece[16 * 1024];
    struct peer_request request;

    if (!peer_read_request(client, &request) || !peer_say(client, "HTTP/1.1 200 OK\r\n\r\n"))
        return;
    while (peer_send(client, piece, sizeof piece))
        ;
}

void peer_sends_headers_for_ever(struct peer_client *client) {
    struct peer_request request;

    if (!peer_read_request(client, &request) || !peer_say(client, "HTTP/1.1 200 OK\r\n"))
        return;
    for (int i = 0; peer_say(client, "X-%d: and another one\r\n", i); i++)
        ;
}

void peer_sends_one_endless_header(struct peer_client *client) {
    struct peer_request request;

    if (!peer_read_request(client, &request) || !peer_say(client, "HTTP/1.1 200 OK\r\nX-Long: "))
        return;
    while (peer_say(client, "for ever and ever and ever and ever and "))
        ;
}

void peer_sends_interim_for_ever(struct peer_client *client) {
    struct peer_request request;

    if (!peer_read_request(client, &request))
        return;
    while (peer_say(client, "HTTP/1.1 102 Processing\r\nX-Wait: a little longer\r\n\r\n"))
        ;
}

void peer_redirects_for_ever(struct peer_client *client) {
    struct peer_request request;

    while (peer_read_request(client, &request))
        if (!peer_say(client, "HTTP/1.1 302 Found\r\nLocation: /%d\r\nContent-Length: 0\r\n\r\n",
                      peer_count(client->peer, PEER_REQUESTED)))
            return;
}

void peer_stays_silent(struct peer_client *client) {
    struct peer_request request;
    if (peer_read_request(client, &request))
        peer_await_leave(client);
}

void peer_stops_after_headers(struct peer_client *client) {
    struct peer_request request;
    if (peer_read_request(client, &request) &&
        peer_say(client, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfirst"))
        peer_await_leave(client);
}

void peer_never_reads(struct peer_client *client) {
    struct peer_request request;
    if (peer_read_head(client, &request))
        peer_wait(client->peer, PEER_RELEASED, 1);
}

/* --- is wrong --------------------------------------------------------------------------------- */

static void answer_with(struct peer_client *client, const char *text) {
    struct peer_request request;
    if (peer_read_request(client, &request) && peer_send(client, text, strlen(text)))
        peer_await_leave(client);
}

void peer_sends_garbage(struct peer_client *client) {
    answer_with(client, "\x16\x7f\x01 this is no HTTP at all\n\n\xff\xfe\n");
}

void peer_sends_huge_chunk(struct peer_client *client) {
    answer_with(client, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                        "fffffffffffffffffffffffff\r\nbody\r\n");
}

void peer_sends_bad_chunk(struct peer_client *client) {
    answer_with(client, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nseveral\r\nbody\r\n");
}

void peer_sends_bad_length(struct peer_client *client) {
    answer_with(client, "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nbody\r\n");
}

void peer_sends_bad_gzip(struct peer_client *client) {
    answer_with(client, "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 13\r\n\r\n"
                        "this is plain");
}

void peer_sends_tls_garbage(struct peer_client *client) {
    static const char hello[] = "\x16\x03\x03\x00\x05nothing a client could make sense of";
    char first;

    if (recv(client->fd, &first, 1, 0) == 1 && peer_send(client, hello, sizeof hello))
        peer_await_leave(client);
}
