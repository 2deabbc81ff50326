/* SPDX-License-Identifier: MIT
 * talk.c - what a peer's script says and hears: requests read byte for byte, answers sent.
 *
 * It reads HTTP just well enough to know where a request ends, and trusts the client: the client is
 * what is tested, and a wrong request shows in what a test reads back. */
#include "peer_internal.h"

#include <ctype.h>
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

/* A socket with room takes a piece without blocking: it counts as having room from a third of its
 * buffer on. */
enum { STALL_MS = 200, PIECE_BYTES = 4096 };

/* --- hearing ---------------------------------------------------------------------------------- */

static ssize_t receive(struct peer_client *client, void *data, size_t size) {
    ssize_t n;
    do
        n = recv(client->fd, data, size, 0);
    while (n < 0 && errno == EINTR);
    if (n <= 0)
        peer__leave(client);
    return n;
}

static bool receive_exactly(struct peer_client *client, char *data, size_t size) {
    while (size > 0) {
        ssize_t n = receive(client, data, size);
        if (n <= 0)
            return false;
        data += n;
        size -= (size_t)n;
    }
    return true;
}

/* One line without its end. A byte at a time: slow, and never a byte too far. */
static bool receive_line(struct peer_client *client, char *line, size_t size) {
    for (size_t length = 0; length + 1 < size; length++) {
        if (!receive_exactly(client, line + length, 1))
            return false;
        if (line[length] == '\n') {
            line[length] = '\0';
            if (length > 0 && line[length - 1] == '\r')
                line[length - 1] = '\0';
            return true;
        }
    }
    return false;
}

bool peer_read_head(struct peer_client *client, struct peer_request *request) {
    char line[8192];
    size_t used = 0;

    request->body[0] = '\0';
    request->body_bytes = 0;
    do {
        if (!receive_line(client, line, sizeof line))
            return false;
        used += (size_t)snprintf(request->head + used, sizeof request->head - used, "%s\r\n", line);
        if (used >= sizeof request->head)
            return false;
    } while (line[0] != '\0');

    sscanf(request->head, "%15s %1023s", request->method, request->target);
    peer__count(client->peer, PEER_REQUESTED);
    return true;
}

bool peer_header(const struct peer_request *request, const char *name, char *value, size_t size) {
    const char *line = strchr(request->head, '\n');
    size_t length = strlen(name);

    for (; line && line[1]; line = strchr(line + 1, '\n')) {
        if (strncasecmp(line + 1, name, length) != 0 || line[1 + length] != ':')
            continue;
        const char *from = line + 1 + length + 1;
        from += strspn(from, " ");
        snprintf(value, size, "%.*s", (int)strcspn(from, "\r\n"), from);
        return true;
    }
    return false;
}

static bool read_piece(struct peer_client *client, struct peer_request *request, size_t size) {
    if (size >= sizeof request->body - request->body_bytes)
        return false;
    if (!receive_exactly(client, request->body + request->body_bytes, size))
        return false;
    request->body_bytes += size;
    request->body[request->body_bytes] = '\0';
    return true;
}

static bool read_chunks(struct peer_client *client, struct peer_request *request) {
    char line[64];
    size_t size;
    do {
        if (!receive_line(client, line, sizeof line))
            return false;
        size = strtoul(line, NULL, 16);
        if (!read_piece(client, request, size) || !receive_line(client, line, sizeof line))
            return false;
    } while (size > 0);
    return true;
}

bool peer_read_request(struct peer_client *client, struct peer_request *request) {
    char value[64];

    if (!peer_read_head(client, request))
        return false;
    if (peer_header(request, "Expect", value, sizeof value) &&
        !peer_say(client, "HTTP/1.1 100 Continue\r\n\r\n"))
        return false;
    if (peer_header(request, "Transfer-Encoding", value, sizeof value))
        return read_chunks(client, request);
    if (peer_header(request, "Content-Length", value, sizeof value))
        return read_piece(client, request, strtoul(value, NULL, 10));
    return true;
}

void peer_await_leave(struct peer_client *client) {
    char dropped[16 * 1024];
    while (receive(client, dropped, sizeof dropped) > 0)
        ;
}

/* --- saying ----------------------------------------------------------------------------------- */

bool peer_send(struct peer_client *client, const void *data, size_t size) {
    const char *from = data;

    while (size > 0) {
        ssize_t n = send(client->fd, from, size, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            peer__leave(client);
            return false;
        }
        peer__add_sent(client->peer, (size_t)n);
        from += n;
        size -= (size_t)n;
    }
    return true;
}

static void await_room(struct peer_client *client) {
    struct pollfd writable = {.fd = client->fd, .events = POLLOUT};

    while (poll(&writable, 1, STALL_MS) == 0)
        peer__count(client->peer, PEER_STALLED);
}

bool peer_send_watched(struct peer_client *client, const void *data, size_t size) {
    const char *from = data;

    while (size > 0) {
        size_t piece = size < PIECE_BYTES ? size : PIECE_BYTES;
        await_room(client);
        if (!peer_send(client, from, piece))
            return false;
        from += piece;
        size -= piece;
    }
    return true;
}

bool peer_say(struct peer_client *client, const char *format, ...) {
    char text[PEER_BODY_MAX];
    va_list arguments;

    va_start(arguments, format);
    int length = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (length < 0 || (size_t)length >= sizeof text)
        abort(); /* a script's mistake */
    return peer_send(client, text, (size_t)length);
}

bool peer_answer(struct peer_client *client, int status, const char *body) {
    return peer_say(client,
                    "HTTP/1.1 %d Status\r\n"
                    "Content-Type: text/plain\r\n"
                    "Content-Length: %zu\r\n"
                    "X-Connection: %d\r\n"
                    "\r\n%s",
                    status, strlen(body), client->number, body);
}

void peer_reset(struct peer_client *client) {
    struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    setsockopt(client->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}
