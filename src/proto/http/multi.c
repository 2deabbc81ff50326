/* SPDX-License-Identifier: MIT
 * multi.c - libcurl's multi-socket interface on one of our loops.
 *
 * libcurl says which descriptors and which deadline it waits for; we watch them with the loop's
 * public calls and tell it what happened. It is not re-entrant, so while it is on the stack
 * (depth > 0) nothing is ended or freed: that waits in `troubled` until multi_leave().
 *
 * libcurl gives a connection up at the end of each request and asks for it again at the start of
 * the next. We leave the reader of its sockets in place in between, which spares two changes of the
 * loop per request; one that becomes readable while nobody wants it is removed then.
 * Read next: transfer.c, what a transfer does with what arrives. */
#include "multi.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "session.h"
#include "transfer.h"
#include "util.h"

#define IDLE_CONNECTIONS_DEFAULT 100

struct http_socket {
    struct http_multi *multi;
    int fd;
    int wanted;   /* what libcurl waits for: CURL_POLL_IN, CURL_POLL_OUT */
    int watched;  /* what the loop watches: at least that */
    bool is_ours; /* we hear of its end, so its reader may outlast a request */
};

/* --- in and out of libcurl ------------------------------------------------------------------- */

static void multi_enter(struct http_multi *multi) {
    multi->depth++;
    eddy__http_session_ref(eddy__http_session_of(multi));
}

/* Transfers that libcurl says are done. */
static void multi_collect(struct http_multi *multi) {
    CURLMsg *message;
    int left;

    while ((message = curl_multi_info_read(multi->curl, &left))) {
        CURLcode result = message->data.result;
        eddy_http_response *transfer;

        if (message->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
        eddy__http_transfer_end(transfer, result); /* the message is gone with this */
    }
}

static void multi_settle(struct http_multi *multi) {
    while (multi->troubled) {
        eddy_http_response *transfer = multi->troubled;

        multi->troubled = transfer->next_troubled;
        transfer->is_troubled = false;
        eddy__http_transfer_end(transfer, CURLE_ABORTED_BY_CALLBACK);
        eddy__http_transfer_unref(transfer);
    }
}

static void multi_leave(struct http_multi *multi) {
    if (multi->depth == 1) {
        multi_collect(multi);
        multi_settle(multi);
    }
    multi->depth--;
    eddy__http_session_unref(eddy__http_session_of(multi)); /* may be the last */
}

void eddy__http_multi_trouble(struct http_multi *multi, eddy_http_response *transfer) {
    if (transfer->is_troubled)
        return;
    transfer->is_troubled = true;
    eddy__http_transfer_ref(transfer);
    transfer->next_troubled = multi->troubled;
    multi->troubled = transfer;
}

/* libcurl cannot go on, or nobody would call it again: better that all transfers fail than that
 * they hang. */
static void multi_fail(struct http_multi *multi, int code, const char *why) {
    for (eddy_http_response *each = multi->running; each; each = each->next) {
        eddy__http_transfer_fault(each, code, "%s", why);
        eddy__http_multi_trouble(multi, each);
    }
}

static void multi_act(struct http_multi *multi, curl_socket_t fd, int events) {
    CURLMcode code;
    int running;

    multi_enter(multi);
    code = curl_multi_socket_action(multi->curl, fd, events, &running);
    if (code == CURLM_OUT_OF_MEMORY)
        multi_fail(multi, -ENOMEM, "libcurl has no memory");
    else if (code != CURLM_OK && code != CURLM_BAD_SOCKET) /* which it has closed meanwhile */
        multi_fail(multi, -EIO, curl_multi_strerror(code));
    multi_leave(multi);
}

/* --- the timer ------------------------------------------------------------------------------- */

static void timer_due(void *arg) {
    struct http_multi *multi = arg;

    multi->timer = (eddy_handle){0};
    multi->timer_is_soon = false;
    multi_act(multi, CURL_SOCKET_TIMEOUT, 0);
}

static void timer_cancel(struct http_multi *multi) {
    eddy_handle_cancel(multi->timer);
    multi->timer = (eddy_handle){0};
    multi->timer_is_soon = false;
}

/* libcurl: call me in so many milliseconds, -1: no need to. */
static int on_timer(CURLM *curl, long milliseconds, void *arg) {
    struct http_multi *multi = arg;

    (void)curl;
    if (milliseconds == 0 && multi->timer_is_soon)
        return 0;
    timer_cancel(multi);
    if (milliseconds < 0)
        return 0;

    multi->timer_is_soon = milliseconds == 0;
    multi->timer = multi->timer_is_soon
                       ? eddy_call_soon(multi->loop, timer_due, multi)
                       : eddy_call_later(multi->loop, (double)milliseconds / 1e3, timer_due, multi);
    if (!multi->timer.token)
        multi_fail(multi, -ENOMEM, "the loop has no memory for a timer");
    return 0;
}

/* --- descriptors ------------------------------------------------------------------------------ */

static int sockets_grow(struct http_multi *multi, int fd) {
    int capacity = MAX(multi->sockets_capacity, 16);
    struct http_socket **sockets;

    while (capacity <= fd)
        capacity *= 2;
    sockets = realloc(multi->sockets, (size_t)capacity * sizeof(*sockets));
    if (!sockets)
        return -ENOMEM;
    memset(sockets + multi->sockets_capacity, 0,
           (size_t)(capacity - multi->sockets_capacity) * sizeof(*sockets));
    multi->sockets = sockets;
    multi->sockets_capacity = capacity;
    return 0;
}

/* The entry of a descriptor, made at its first use. NULL: no memory. */
static struct http_socket *socket_at(struct http_multi *multi, int fd) {
    struct http_socket *socket;

    if (fd >= multi->sockets_capacity && sockets_grow(multi, fd) < 0)
        return NULL;
    if (multi->sockets[fd])
        return multi->sockets[fd];

    socket = calloc(1, sizeof(*socket));
    if (socket) {
        socket->multi = multi;
        socket->fd = fd;
        multi->sockets[fd] = socket;
    }
    return socket;
}

static void socket_readable(void *arg);
static void socket_writable(void *arg);

/* Makes the loop watch for exactly these events. */
static int socket_watch(struct http_socket *socket, int events) {
    int changed = socket->watched ^ events, r = 0;
    eddy_loop *loop = socket->multi->loop;

    if (changed & ~events & CURL_POLL_IN)
        eddy_remove_reader(loop, socket->fd);
    if (changed & ~events & CURL_POLL_OUT)
        eddy_remove_writer(loop, socket->fd);
    if (changed & events & CURL_POLL_IN)
        r = eddy_add_reader(loop, socket->fd, socket_readable, socket);
    if (r == 0 && changed & events & CURL_POLL_OUT)
        r = eddy_add_writer(loop, socket->fd, socket_writable, socket);
    socket->watched = r < 0 ? 0 : events;
    return r;
}

static void socket_readable(void *arg) {
    struct http_socket *socket = arg;

    if (socket->wanted & CURL_POLL_IN)
        multi_act(socket->multi, socket->fd, CURL_CSELECT_IN);
    else
        socket_watch(socket, socket->wanted);
}

static void socket_writable(void *arg) {
    struct http_socket *socket = arg;

    multi_act(socket->multi, socket->fd, CURL_CSELECT_OUT);
}

/* libcurl: from now on, tell me these events of this descriptor. */
static int on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *unused) {
    struct http_multi *multi = arg;
    struct http_socket *socket = socket_at(multi, fd);
    eddy_http_response *transfer = NULL;
    int r = -ENOMEM;

    (void)unused;
    if (socket) {
        socket->wanted = what == CURL_POLL_REMOVE ? 0 : what;
        r = socket_watch(socket, socket->is_ours ? socket->wanted | (socket->watched & CURL_POLL_IN)
                                                 : socket->wanted);
    }
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, &transfer);
    if (r < 0 && transfer) {
        eddy__http_transfer_fault(transfer, r, "cannot wait for descriptor %d: %s", (int)fd,
                                  eddy_error_text(r));
        eddy__http_multi_trouble(multi, transfer);
    }
    return 0; /* -1 would end all transfers, and for good */
}

int eddy__http_multi_open_socket(struct http_multi *multi, const struct curl_sockaddr *address) {
    struct http_socket *entry;
    int fd = socket(address->family, address->socktype | SOCK_CLOEXEC | SOCK_NONBLOCK,
                    address->protocol);

    if (fd < 0)
        return -errno;
    entry = socket_at(multi, fd);
    if (!entry) {
        close(fd);
        return -ENOMEM;
    }
    entry->is_ours = true;
    return fd;
}

int eddy__http_multi_close_socket(void *arg, curl_socket_t fd) {
    struct http_multi *multi = arg;
    struct http_socket *socket = fd < multi->sockets_capacity ? multi->sockets[fd] : NULL;

    if (socket) {
        socket->wanted = 0;
        socket_watch(socket, 0);
        socket->is_ours = false;
    }
    return close(fd);
}

/* --- the loop --------------------------------------------------------------------------------- */

static void note_loop(void *arg) {
    *(eddy_loop **)arg = eddy_running_loop();
}

/* The loop that the caller's next suspending call will run. Outside of any loop that is the
 * thread's default one, which has no name there: so it is asked from inside. */
static int loop_here(eddy_loop **out) {
    eddy_loop *loop = eddy_running_loop();
    eddy_handle asking;
    int r;

    if (!loop) {
        asking = eddy_call_soon(NULL, note_loop, &loop);
        r = eddy_yield();
        eddy_handle_cancel(asking);
        if (r < 0)
            return r;
    }
    if (!loop)
        return eddy_raise(-ENOMEM, "no memory for an event loop");
    *out = loop;
    return 0;
}

static void multi_unbind(struct http_multi *multi) {
    timer_cancel(multi);
    for (int fd = 0; fd < multi->sockets_capacity; fd++)
        if (multi->sockets[fd] && multi->sockets[fd]->watched)
            socket_watch(multi->sockets[fd], 0);
    multi->loop = eddy_loop_unref(multi->loop);
}

int eddy__http_multi_bind(struct http_multi *multi) {
    eddy_loop *loop = NULL;
    int r = loop_here(&loop);

    if (r < 0 || loop == multi->loop)
        return r;
    if (multi->process && multi->process != getpid())
        return eddy_raise(EDDY_EFORKED, "this HTTP session was used before fork(): its connections "
                                        "are the parent's");
    if (multi->running_count > 0)
        return eddy_raise(-EBUSY,
                          "this HTTP session still has %zu unfinished responses in another "
                          "loop: free them first",
                          multi->running_count);
    multi_unbind(multi);
    multi->process = getpid();
    multi->loop = eddy_loop_ref(loop);
    return 0;
}

/* --- transfers -------------------------------------------------------------------------------- */

/* When a transfer ends, libcurl looks whether to keep its connection: it counts all that are open,
 * those of the other transfers too. */
static void multi_set_connections(struct http_multi *multi) {
    long others = multi->running_count > 0 ? (long)multi->running_count - 1 : 0;

    curl_multi_setopt(multi->curl, CURLMOPT_MAXCONNECTS, multi->idle_max + others);
}

static void running_add(struct http_multi *multi, eddy_http_response *transfer) {
    transfer->previous = NULL;
    transfer->next = multi->running;
    if (multi->running)
        multi->running->previous = transfer;
    multi->running = transfer;
    multi->running_count++;
    multi_set_connections(multi);
}

static void running_remove(struct http_multi *multi, eddy_http_response *transfer) {
    if (transfer->previous)
        transfer->previous->next = transfer->next;
    else
        multi->running = transfer->next;
    if (transfer->next)
        transfer->next->previous = transfer->previous;
    transfer->next = transfer->previous = NULL;
    multi->running_count--;
    multi_set_connections(multi);
}

int eddy__http_multi_add(struct http_multi *multi, eddy_http_response *transfer) {
    CURLMcode code;

    transfer->state = TRANSFER_RUNNING;
    running_add(multi, transfer);
    multi_enter(multi);
    code = curl_multi_add_handle(multi->curl, transfer->easy);
    if (code != CURLM_OK) {
        running_remove(multi, transfer);
        transfer->state = TRANSFER_IDLE;
    }
    multi_leave(multi);
    return code == CURLM_OK ? 0 : -ENOMEM;
}

void eddy__http_multi_remove(struct http_multi *multi, eddy_http_response *transfer) {
    multi_enter(multi);
    curl_multi_remove_handle(multi->curl, transfer->easy);
    running_remove(multi, transfer);
    multi_leave(multi);
}

void eddy__http_multi_pause(struct http_multi *multi, eddy_http_response *transfer) {
    int paused = (transfer->is_receiving_paused ? CURLPAUSE_RECV : 0) |
                 (transfer->is_sending_paused ? CURLPAUSE_SEND : 0);
    CURLcode result;

    multi_enter(multi);
    result = curl_easy_pause(transfer->easy, paused); /* delivers what it had held back, or fails */
    if (result != CURLE_OK) {
        if (!transfer->code)
            eddy__http_transfer_fault(transfer, -EIO, "libcurl could not go on: %s",
                                      curl_easy_strerror(result));
        eddy__http_multi_trouble(multi, transfer);
    }
    multi_leave(multi);
}

/* --- life ------------------------------------------------------------------------------------- */

/* Before 8.1, a stream that is paused because nobody reads its body stops all others on its
 * connection: two tasks could wait for each other for ever. */
bool eddy__http_multi_is_multiplexing(void) {
    return curl_version_info(CURLVERSION_NOW)->version_num >= 0x080100;
}

int eddy__http_multi_init(struct http_multi *multi, const eddy_http_session_options *options) {
    multi->idle_max = options->idle_connections_max > 0 ? options->idle_connections_max
                                                        : IDLE_CONNECTIONS_DEFAULT;
    multi->curl = curl_multi_init();
    if (!multi->curl)
        return -ENOMEM;

    curl_multi_setopt(multi->curl, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(multi->curl, CURLMOPT_SOCKETDATA, multi);
    curl_multi_setopt(multi->curl, CURLMOPT_TIMERFUNCTION, on_timer);
    curl_multi_setopt(multi->curl, CURLMOPT_TIMERDATA, multi);
    curl_multi_setopt(multi->curl, CURLMOPT_PIPELINING,
                      eddy__http_multi_is_multiplexing() ? CURLPIPE_MULTIPLEX : CURLPIPE_NOTHING);
    curl_multi_setopt(multi->curl, CURLMOPT_MAX_TOTAL_CONNECTIONS,
                      (long)MAX(options->connections_max, 0));
    curl_multi_setopt(multi->curl, CURLMOPT_MAX_HOST_CONNECTIONS,
                      (long)MAX(options->connections_per_host_max, 0));
    multi_set_connections(multi);
    return 0;
}

void eddy__http_multi_deinit(struct http_multi *multi) {
    curl_multi_cleanup(multi->curl); /* closes idle connections: calls close_socket */
    multi_unbind(multi);
    for (int fd = 0; fd < multi->sockets_capacity; fd++)
        free(multi->sockets[fd]);
    free(multi->sockets);
}
