/* SPDX-License-Identifier: MIT
 * datagram_transfer.c - datagrams received and sent, one by one and in batches.
 *
 * A batch is recvmmsg() or sendmmsg() on what is there; what is not there is waited for as one
 * datagram is. */
#include "datagram.h"

#include <errno.h>
#include <string.h>

#define BATCH 32 /* datagrams of one system call: their headers lie on the task's stack */

/* --- a call ----------------------------------------------------------------------------------- */

/* The loop was closed over it. */
static void call_dropped(struct eddy__op *op) {
    struct datagram_call *call = container_of(op, struct datagram_call, op);

    list_remove(&call->node);
    eddy__datagram_unref(call->endpoint);
}

/* Suspends. The endpoint may be gone afterwards: call->was_closed. What came before the close is
 * the call's. */
static ssize_t call_run(eddy_datagram_endpoint *endpoint, struct datagram_call *call) {
    ssize_t r;

    call->op.fd = endpoint->fd;
    call->endpoint = endpoint;
    list_append(&endpoint->calls, &call->node);
    endpoint->refs++;
    r = eddy__op_await_or(endpoint->loop, &call->op, call_dropped);
    list_remove(&call->node);
    eddy__datagram_unref(endpoint);
    return r < 0 && call->was_closed ? eddy__fail(EDDY_ECLOSED) : r;
}

/* Does somebody wait in this direction? He came first. */
static bool is_waited_for(const eddy_datagram_endpoint *endpoint, enum eddy__op_code code) {
    for (const struct list_node *it = endpoint->calls.next; it != &endpoint->calls; it = it->next)
        if (container_of(it, const struct datagram_call, node)->op.code == code)
            return true;
    return false;
}

/* --- one -------------------------------------------------------------------------------------- */

/* Suspends. */
static ssize_t receive_one(eddy_datagram_endpoint *endpoint, struct datagram_call *call,
                           void *buffer, size_t size, eddy_address *from) {
    struct iovec whole = {buffer, size};
    eddy_address sender = {0};
    struct msghdr message = {.msg_iov = &whole,
                             .msg_iovlen = 1,
                             .msg_name = &sender.storage,
                             .msg_namelen = sizeof(sender.storage)};
    ssize_t r;

    call->op = (struct eddy__op){.code = EDDY__OP_RECVMSG, .message = &message, .flags = MSG_TRUNC};
    r = call_run(endpoint, call);
    if (r >= 0 && from) {
        sender.size = message.msg_namelen;
        *from = sender;
    }
    return r;
}

ssize_t eddy_datagram_receive(eddy_datagram_endpoint *endpoint, void *buffer, size_t size,
                              eddy_address *from) {
    struct datagram_call call = {.was_closed = false};

    return receive_one(endpoint, &call, buffer, size, from);
}

/* Waits a millisecond: for urgent data, which never comes. Suspends. */
static int wait_a_little(eddy_datagram_endpoint *endpoint, struct datagram_call *call) {
    eddy_timeout timeout;
    int r;

    call->op = (struct eddy__op){.code = EDDY__OP_POLL, .is_foreign = true, .events = EPOLLPRI};
    eddy_timeout_begin(&timeout, 0.001);
    r = eddy_timeout_end(&timeout, (int)call_run(endpoint, call));
    return r == -ETIMEDOUT ? 0 : r;
}

/* Where readiness says nothing: the receiver's room, not ours, is what is missing. */
static ssize_t send_in_time(eddy_datagram_endpoint *endpoint, struct datagram_call *call,
                            const struct msghdr *message) {
    ssize_t r;

    do {
        r = eddy__os_sendmsg(endpoint->fd, message, MSG_DONTWAIT);
        if (r != -EAGAIN && r != -EINTR)
            return r < 0 ? eddy__fail((int)r) : r;
        r = wait_a_little(endpoint, call);
    } while (r >= 0 && !call->was_closed);
    return r < 0 ? r : eddy__fail(EDDY_ECLOSED);
}

static ssize_t message_send(eddy_datagram_endpoint *endpoint, struct datagram_call *call,
                            struct msghdr *message) {
    bool is_told_of_room = !message->msg_name || endpoint->local.any.sa_family != AF_UNIX;
    struct eddy__task *task;
    int r;

    call->op = (struct eddy__op){.code = EDDY__OP_SENDMSG, .message = message};
    if (endpoint->local.any.sa_family == AF_UNIX)
        call->op.flags = MSG_DONTWAIT; /* see loop/uring_foreign.c */
    if (is_told_of_room)
        return call_run(endpoint, call);
    r = eddy__checkpoint(endpoint->loop, &task);
    return r < 0 ? r : send_in_time(endpoint, call, message);
}

/* Suspends. */
static int send_one(eddy_datagram_endpoint *endpoint, struct datagram_call *call, const void *data,
                    size_t size, const eddy_address *to) {
    struct iovec whole = {(void *)data, size};
    struct msghdr message = {.msg_iov = &whole, .msg_iovlen = 1};
    ssize_t r;

    if (to && to->size > 0) {
        message.msg_name = (void *)&to->any;
        message.msg_namelen = to->size;
    }
    r = message_send(endpoint, call, &message);
    return r < 0 ? (int)r : 0;
}

int eddy_datagram_send(eddy_datagram_endpoint *endpoint, const void *data, size_t size) {
    return eddy_datagram_send_to(endpoint, data, size, NULL);
}

int eddy_datagram_send_to(eddy_datagram_endpoint *endpoint, const void *data, size_t size,
                          const eddy_address *to) {
    struct datagram_call call = {.was_closed = false};

    return send_one(endpoint, &call, data, size, to);
}

/* --- many ------------------------------------------------------------------------------------- */

struct batch {
    struct mmsghdr messages[BATCH];
    struct iovec parts[BATCH];
};

static void batch_add(struct batch *batch, int at, void *data, size_t size) {
    batch->parts[at] = (struct iovec){data, size};
    batch->messages[at].msg_hdr = (struct msghdr){.msg_iov = &batch->parts[at], .msg_iovlen = 1};
}

/* Takes those that are there. Returns how many, or a code; -EAGAIN: none. */
static int receive_now(const eddy_datagram_endpoint *endpoint, eddy_datagram *datagrams,
                       int count) {
    struct batch batch;
    int r;

    count = MIN(count, BATCH);
    for (int i = 0; i < count; i++) {
        batch_add(&batch, i, datagrams[i].data, datagrams[i].room);
        batch.messages[i].msg_hdr.msg_name = &datagrams[i].address.storage;
        batch.messages[i].msg_hdr.msg_namelen = sizeof(datagrams[i].address.storage);
    }
    do {
        r = eddy__os_recvmmsg(endpoint->fd, batch.messages, (unsigned)count,
                              MSG_DONTWAIT | MSG_TRUNC);
    } while (r == -EINTR);
    for (int i = 0; i < r; i++) {
        datagrams[i].size = batch.messages[i].msg_len;
        datagrams[i].address.size = batch.messages[i].msg_hdr.msg_namelen;
    }
    return r;
}

/* What has come beside the first. A failure is the next call's. */
static int receive_rest(const eddy_datagram_endpoint *endpoint, eddy_datagram *datagrams, int had,
                        int count) {
    while (had < count) {
        int want = MIN(count - had, BATCH), r = receive_now(endpoint, datagrams + had, want);
        had += MAX(r, 0);
        if (r < want)
            break;
    }
    return had;
}

/* Suspends. The first, and what has come with it. */
static int receive_waiting(eddy_datagram_endpoint *endpoint, eddy_datagram *datagrams, int count) {
    struct datagram_call call = {.was_closed = false};
    ssize_t r = receive_one(endpoint, &call, datagrams->data, datagrams->room, &datagrams->address);

    if (r < 0)
        return (int)r;
    datagrams->size = (size_t)r;
    return call.was_closed ? 1 : receive_rest(endpoint, datagrams, 1, count);
}

int eddy_datagram_receive_many(eddy_datagram_endpoint *endpoint, eddy_datagram *datagrams,
                               int count) {
    struct eddy__task *task;
    int r = eddy__checkpoint(endpoint->loop, &task);

    if (r < 0 || count <= 0)
        return r < 0 ? r : 0;
    r = is_waited_for(endpoint, EDDY__OP_RECVMSG) ? -EAGAIN
                                                  : receive_now(endpoint, datagrams, count);
    if (r == -EAGAIN)
        return receive_waiting(endpoint, datagrams, count);
    if (r < 0)
        return eddy__fail(r);
    if (r == BATCH)
        r = receive_rest(endpoint, datagrams, r, count);
    eddy__task_charge(task);
    return r;
}

/* What the kernel takes now. Returns how many, or a code. */
static int send_now(const eddy_datagram_endpoint *endpoint, const eddy_datagram *datagrams,
                    int count) {
    struct batch batch;
    int r;

    count = MIN(count, BATCH);
    for (int i = 0; i < count; i++) {
        batch_add(&batch, i, datagrams[i].data, datagrams[i].size);
        if (datagrams[i].address.size == 0)
            continue;
        batch.messages[i].msg_hdr.msg_name = (void *)&datagrams[i].address.storage;
        batch.messages[i].msg_hdr.msg_namelen = datagrams[i].address.size;
    }
    do {
        r = eddy__os_sendmmsg(endpoint->fd, batch.messages, (unsigned)count, MSG_DONTWAIT);
    } while (r == -EINTR);
    return r;
}

/* Suspends where there is no room. Returns how many of them were sent, or a code. */
static int send_some(eddy_datagram_endpoint *endpoint, struct datagram_call *call,
                     const eddy_datagram *datagrams, int count) {
    int r =
        is_waited_for(endpoint, EDDY__OP_SENDMSG) ? -EAGAIN : send_now(endpoint, datagrams, count);

    if (r != -EAGAIN)
        return r < 0 ? eddy__fail(r) : r;
    r = send_one(endpoint, call, datagrams->data, datagrams->size, &datagrams->address);
    return r < 0 ? r : 1;
}

int eddy_datagram_send_many(eddy_datagram_endpoint *endpoint, const eddy_datagram *datagrams,
                            int count) {
    struct datagram_call call = {.was_closed = false};
    struct eddy__task *task;
    int r = eddy__checkpoint(endpoint->loop, &task), sent = 0;

    if (r < 0 || count <= 0)
        return r < 0 ? r : 0;
    while (sent < count && !call.was_closed) {
        r = send_some(endpoint, &call, datagrams + sent, count - sent);
        if (r < 0)
            break;
        sent += r;
    }
    if (sent == 0)
        return r;
    eddy__task_charge(task);
    return sent;
}
