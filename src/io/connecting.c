/* SPDX-License-Identifier: MIT
 * connecting.c - attempts, side by side, until one succeeds (see connecting.h). */
#include "connecting.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "address.h"
#include "memory.h"
#include "name.h"
#include "os.h"
#include "scheduler.h"

#define DELAY_SECONDS 0.25      /* as RFC 8305 recommends */
#define RETRY_NS      NS_PER_MS /* a Unix listener's queue is full: it tells nobody when not */
#define RETRY_NS_MAX  (64 * NS_PER_MS) /* each pause is twice the last */
#define ERRORS_MAX    16               /* told beside the most telling */

/* --- one attempt ------------------------------------------------------------------------------ */

/* A free port on loopback may be given to the very socket that connects to it: TCP's simultaneous
 * open, with itself. Nobody listens there. */
static bool is_connected_to_itself(int fd, int family) {
    union eddy__address local, peer;
    socklen_t local_size = sizeof(local), peer_size = sizeof(peer);

    return family != AF_UNIX && eddy__os_getsockname(fd, &local.any, &local_size) == 0 &&
           eddy__os_getpeername(fd, &peer.any, &peer_size) == 0 && local_size == peer_size &&
           memcmp(&local, &peer, local_size) == 0;
}

static const struct addrinfo *local_of(const struct addrinfo *locals, int family) {
    while (locals && locals->ai_family != family)
        locals = locals->ai_next;
    return locals;
}

/* Without a port of the user's the kernel chooses one at the connect, when it knows the other end:
 * a port may then serve many. */
static int socket_bind(int fd, const struct addrinfo *locals, int family) {
    const struct addrinfo *local = local_of(locals, family);

    if (!local)
        return locals ? -EADDRNOTAVAIL : 0;
    if (eddy__address_port(local->ai_addr) == 0)
        eddy__os_set_option(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
    return eddy__os_bind(fd, local->ai_addr, local->ai_addrlen);
}

static int attempt_socket(const struct connect_attempt *attempt) {
    const struct eddy__connecting *connecting = attempt->connecting;
    int family = attempt->address->sa_family;
    CLEANUP(eddy__os_closep) int fd = eddy__socket_new(family, &connecting->options);
    int r = fd < 0 ? fd : socket_bind(fd, connecting->locals, family);

    return r < 0 ? r : TAKE_FD(fd);
}

static void attempt_close(struct connect_attempt *attempt) {
    if (attempt->op.fd < 0)
        return;
    if (eddy__loop_is_usable(attempt->connecting->loop))
        eddy__op_forget(attempt->connecting->loop, attempt->op.fd);
    eddy__os_close(TAKE_FD(attempt->op.fd));
}

/* It would not go better with the next address. */
static bool is_final(int code) {
    return code == -EMFILE || code == -ENFILE || code == -ENOMEM || code == -ENOBUFS ||
           code == EDDY_ESHUTDOWN;
}

static void pause_over(struct eddy__timer *timer);

static void connecting_pause(struct eddy__connecting *connecting, int64_t delay_ns) {
    eddy__timer_disarm(connecting->loop, &connecting->pause);
    connecting->pause.fire = pause_over;
    eddy__timer_arm(connecting->loop, &connecting->pause,
                    ns_add(eddy__loop_now(connecting->loop), delay_ns));
}

/* The listener is there and has no room: the same again, in a moment. */
static void attempt_again(struct connect_attempt *attempt) {
    struct eddy__connecting *connecting = attempt->connecting;

    connecting->next--;
    connecting_pause(connecting, connecting->retry_ns);
    connecting->retry_ns = MIN(2 * connecting->retry_ns, RETRY_NS_MAX);
}

static void attempt_failed(struct connect_attempt *attempt, int code) {
    struct eddy__connecting *connecting = attempt->connecting;

    attempt->code = code;
    if (code == -EAGAIN && attempt->address->sa_family == AF_UNIX && !connecting->is_over)
        attempt_again(attempt);
    if (is_final(code))
        connecting->count = connecting->next;
    if (code == -ECANCELED && !connecting->is_over)
        connecting->is_over = connecting->was_cancelled = true; /* the loop ends */
}

/* It has a result. Who connects although another has won, or after a cancel has begun to end the
 * attempts, is too late, unless nobody has won: what has had its effect is the result. */
static void attempt_ended(struct connect_attempt *attempt, int code) {
    struct eddy__connecting *connecting = attempt->connecting;

    if (code == 0 && is_connected_to_itself(attempt->op.fd, attempt->address->sa_family))
        code = -ECONNREFUSED;
    if (code == 0 && connecting->fd < 0) {
        connecting->fd = TAKE_FD(attempt->op.fd);
        connecting->is_over = true;
    }
    attempt_close(attempt);
    if (code < 0)
        attempt_failed(attempt, code);
}

static void attempt_done(struct eddy__op *op);

/* True: it is under way. */
static bool attempt_begin(struct connect_attempt *attempt) {
    struct eddy__connecting *connecting = attempt->connecting;
    int fd = attempt_socket(attempt);

    eddy__op_connect(&attempt->op, fd, attempt->address, attempt->address_size);
    attempt->op.done = attempt_done;
    if (fd < 0) {
        attempt_ended(attempt, fd);
        return false;
    }
    if (!eddy__op_submit(connecting->loop, &attempt->op)) {
        connecting->pending++;
        return true;
    }
    attempt_ended(attempt, (int)attempt->op.result);
    return false;
}

/* --- all of them ------------------------------------------------------------------------------ */

/* The next one, and those after it as long as they fail at once. */
static void connecting_go_on(struct eddy__connecting *connecting) {
    bool is_under_way = false;

    eddy__timer_disarm(connecting->loop, &connecting->pause);
    while (!is_under_way && !connecting->is_over && connecting->next < connecting->count &&
           !eddy__timer_is_armed(&connecting->pause))
        is_under_way = attempt_begin(&connecting->attempts[connecting->next++]);
    if (is_under_way && connecting->next < connecting->count && connecting->delay_ns != NS_NEVER)
        connecting_pause(connecting, connecting->delay_ns);
}

/* Ending one may call its attempt_done(), and come here again. */
static void connecting_stop(struct eddy__connecting *connecting) {
    if (connecting->is_stopping)
        return;
    connecting->is_stopping = true;
    eddy__timer_disarm(connecting->loop, &connecting->pause);
    for (int i = 0; i < connecting->next; i++)
        if (connecting->attempts[i].op.pending)
            eddy__op_cancel(connecting->loop, &connecting->attempts[i].op);
    connecting->is_stopping = false;
}

static bool connecting_has_ended(const struct eddy__connecting *connecting) {
    return connecting->pending == 0 && !eddy__timer_is_armed(&connecting->pause) &&
           !connecting->is_stopping;
}

static void connecting_wake(struct eddy__connecting *connecting) {
    if (connecting->task && connecting_has_ended(connecting))
        eddy__task_wake(TAKE_POINTER(connecting->task));
}

static void attempt_done(struct eddy__op *op) {
    struct connect_attempt *attempt = container_of(op, struct connect_attempt, op);
    struct eddy__connecting *connecting = attempt->connecting;

    connecting->pending--;
    attempt_ended(attempt, (int)op->result);
    if (connecting->is_over)
        connecting_stop(connecting);
    else if (!eddy__timer_is_armed(&connecting->pause) || attempt->code != -EAGAIN)
        connecting_go_on(connecting);
    connecting_wake(connecting);
}

static void pause_over(struct eddy__timer *timer) {
    struct eddy__connecting *connecting = container_of(timer, struct eddy__connecting, pause);

    connecting_go_on(connecting);
    connecting_wake(connecting);
}

/* --- failing ---------------------------------------------------------------------------------- */

static bool is_telling(int code) {
    return code != -ENETUNREACH && code != -EHOSTUNREACH && code != -EADDRNOTAVAIL &&
           code != -EAFNOSUPPORT;
}

/* "Connection refused" by one address says more than "no route" to the next, which the resolver
 * lists although this machine has no IPv6. NULL: none has failed. */
static const struct connect_attempt *most_telling(const struct eddy__connecting *connecting) {
    const struct connect_attempt *found = NULL;

    for (int i = 0; i < connecting->next; i++) {
        const struct connect_attempt *attempt = &connecting->attempts[i];
        if (attempt->code && (!found || is_telling(attempt->code) || !is_telling(found->code)))
            found = attempt;
    }
    return found;
}

static int attempt_raise(const struct connect_attempt *attempt, const char *name) {
    const char *cause = eddy_error_text(attempt->code);
    char address[ADDRESS_TEXT_BYTES];

    eddy__address_format(attempt->address, attempt->address_size, address);
    if (!name || !*name || strcmp(name, address) == 0)
        return eddy_raise(attempt->code, "cannot connect to %s: %s", address, cause);
    return eddy_raise(attempt->code, "cannot connect to %s (%s): %s", name, address, cause);
}

/* Returns a reference. */
static const eddy_error *attempt_error(const struct connect_attempt *attempt, const char *name) {
    attempt_raise(attempt, name);
    return eddy_error_ref(eddy_last_error());
}

/* "cannot connect to example.org:80 (192.0.2.1:80): Connection refused", with those of the other
 * attempts beside it. */
static int connecting_raise(const struct eddy__connecting *connecting, const char *name) {
    const struct connect_attempt *worst = most_telling(connecting);
    const eddy_error *errors[ERRORS_MAX + 1] = {attempt_error(worst, name)}, *group;
    int count = 1;

    for (int i = 0; i < connecting->next && count <= ERRORS_MAX; i++)
        if (connecting->attempts[i].code && &connecting->attempts[i] != worst)
            errors[count++] = attempt_error(&connecting->attempts[i], name);
    group = eddy__error_group(errors, count);
    eddy__fail_with(group);
    eddy_error_unref(group);
    while (count > 0)
        eddy_error_unref(errors[--count]);
    return worst->code;
}

/* --- waiting ---------------------------------------------------------------------------------- */

static void connecting_cancelled(struct eddy__wait *wait) {
    struct eddy__connecting *connecting = container_of(wait, struct eddy__connecting, wait);

    connecting->is_over = true;
    connecting->was_cancelled = true;
    connecting_stop(connecting);
    connecting_wake(connecting);
}

/* The loop was closed over it: what the task would have freed. */
static void connecting_dropped(struct eddy__wait *wait) {
    eddy__connecting_free(container_of(wait, struct eddy__connecting, wait));
}

static void connecting_look(const struct eddy__wait *wait, struct eddy__look *look) {
    const struct eddy__connecting *connecting = container_of(wait, struct eddy__connecting, wait);
    char text[ADDRESS_TEXT_BYTES];

    for (int i = connecting->next - 1; i >= 0; i--)
        if (connecting->attempts[i].op.pending) {
            eddy__address_format(connecting->attempts[i].address,
                                 connecting->attempts[i].address_size, text);
            snprintf(look->what, sizeof(look->what), "fd %d to connect to %.40s",
                     connecting->attempts[i].op.fd, text);
            return;
        }
}

/* It ended at once; charging may let the others run, and the loop may be closed there. */
static void connecting_charge(struct eddy__connecting *connecting, struct eddy__task *task) {
    task->wait = &connecting->wait;
    eddy__task_charge(task);
    task->wait = NULL;
}

int eddy__connecting_run(struct eddy__connecting *connecting, const char *name) {
    struct eddy__task *task;
    int r = eddy__checkpoint_holding(connecting->loop, &connecting->wait, &task);

    if (r < 0)
        return r;
    connecting_go_on(connecting);
    if (connecting_has_ended(connecting)) {
        connecting_charge(connecting, task);
    } else {
        connecting->task = task;
        eddy__task_park(task, &connecting->wait);
    }
    if (connecting->fd >= 0)
        return TAKE_FD(connecting->fd);
    if (connecting->was_cancelled)
        return eddy__task_fail_cancelled(task);
    return connecting_raise(connecting, name);
}

/* --- life ------------------------------------------------------------------------------------- */

static int count_of(const struct addrinfo *addresses) {
    int count = 0;

    for (; addresses; addresses = addresses->ai_next)
        count++;
    return count;
}

static struct eddy__connecting *connecting_alloc(eddy_loop *loop, int count,
                                                 const struct eddy__socket_options *options) {
    size_t bytes = sizeof(struct eddy__connecting) + (size_t)count * sizeof(struct connect_attempt);
    struct eddy__connecting *connecting = eddy__zalloc(bytes);

    if (!connecting)
        return NULL;
    connecting->wait = (struct eddy__wait){
        .cancel = connecting_cancelled, .drop = connecting_dropped, .look = connecting_look};
    connecting->loop = loop;
    connecting->options = *options;
    connecting->delay_ns = NS_NEVER;
    connecting->retry_ns = RETRY_NS;
    connecting->fd = -1;
    return connecting;
}

static void connecting_add(struct eddy__connecting *connecting, const struct sockaddr *address,
                           socklen_t size) {
    connecting->attempts[connecting->count++] = (struct connect_attempt){
        .op.fd = -1, .connecting = connecting, .address = address, .address_size = size};
}

/* The next of this family (or of any other: is_other), or NULL. */
static const struct addrinfo *next_of(const struct addrinfo *from, int family, bool is_other) {
    while (from && (from->ai_family == family) == is_other)
        from = from->ai_next;
    return from;
}

/* The first `lead` of the first one's family, then the families take turns. */
static void connecting_add_in_turn(struct eddy__connecting *connecting,
                                   const struct addrinfo *addresses, int lead) {
    int family = addresses->ai_family;
    const struct addrinfo *first = addresses, *other = next_of(addresses, family, true);

    while (first || other) {
        for (; first && lead > 0; lead--) {
            connecting_add(connecting, first->ai_addr, first->ai_addrlen);
            first = next_of(first->ai_next, family, false);
        }
        if (other) {
            connecting_add(connecting, other->ai_addr, other->ai_addrlen);
            other = next_of(other->ai_next, family, true);
        }
        lead = 1;
    }
}

int eddy__connecting_new(eddy_loop *loop, struct addrinfo *addresses, struct addrinfo *locals,
                         const struct eddy__connect_manner *manner,
                         const struct eddy__socket_options *options,
                         struct eddy__connecting **out) {
    struct eddy__connecting *connecting = connecting_alloc(loop, count_of(addresses), options);

    if (!connecting) {
        eddy__addresses_free(addresses);
        eddy__addresses_free(locals);
        return eddy__fail(-ENOMEM);
    }
    connecting->addresses = addresses;
    connecting->locals = locals;
    connecting->delay_ns =
        ns_from_seconds(manner->delay_seconds > 0 ? manner->delay_seconds : DELAY_SECONDS);
    if (manner->interleave >= 0) {
        connecting_add_in_turn(connecting, addresses, MAX(manner->interleave, 1));
    } else {
        for (const struct addrinfo *info = addresses; info; info = info->ai_next)
            connecting_add(connecting, info->ai_addr, info->ai_addrlen);
    }
    *out = connecting;
    return 0;
}

int eddy__connecting_to(eddy_loop *loop, const struct sockaddr *address, socklen_t size,
                        const struct eddy__socket_options *options, struct eddy__connecting **out) {
    struct eddy__connecting *connecting = connecting_alloc(loop, 1, options);

    if (!connecting)
        return eddy__fail(-ENOMEM);
    connecting_add(connecting, address, size);
    *out = connecting;
    return 0;
}

void eddy__connecting_free(struct eddy__connecting *connecting) {
    if (!connecting)
        return;
    if (eddy__loop_is_usable(connecting->loop))
        eddy__timer_disarm(connecting->loop, &connecting->pause);
    if (connecting->fd >= 0) /* the loop was closed over a success */
        eddy__os_close(TAKE_FD(connecting->fd));
    eddy__addresses_free(connecting->addresses);
    eddy__addresses_free(connecting->locals);
    eddy__free(connecting);
}
