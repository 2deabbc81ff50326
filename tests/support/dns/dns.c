/* SPDX-License-Identifier: MIT
 * dns.c - the name server: sockets, what was asked, what is held. Read next: dns_message.c, which
 * reads questions and writes answers. */
#include "dns.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dns_message.h"
#include "test.h"

enum { HELD_MAX = 4096, ASKED_MAX = 16384, FLOOD = 100 };

struct held {
    struct sockaddr_in client;
    struct dns_question question;
};

struct server {
    const struct dns_record *table;
    int udp, listener;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t was_asked = PTHREAD_COND_INITIALIZER;
static char asked[ASKED_MAX][48];
static int asked_count;
static bool is_released;
static int release_fd = -1;

/* --- what was asked --------------------------------------------------------------------------- */

static int count_asked(const char *name) {
    int count = 0;

    for (int i = 0; i < asked_count; i++)
        count += strcasecmp(asked[i], name) == 0;
    return count;
}

static void note_asked(const char *name) {
    pthread_mutex_lock(&lock);
    if (asked_count < ASKED_MAX)
        snprintf(asked[asked_count++], sizeof(asked[0]), "%.47s", name);
    pthread_cond_broadcast(&was_asked);
    pthread_mutex_unlock(&lock);
}

int dns_asked(const char *name) {
    int count;

    pthread_mutex_lock(&lock);
    count = count_asked(name);
    pthread_mutex_unlock(&lock);
    return count;
}

void dns_wait_for(const char *name) {
    pthread_mutex_lock(&lock);
    while (count_asked(name) == 0)
        pthread_cond_wait(&was_asked, &lock);
    pthread_mutex_unlock(&lock);
}

static bool may_answer_held(void) {
    bool may;

    pthread_mutex_lock(&lock);
    may = is_released;
    pthread_mutex_unlock(&lock);
    return may;
}

void dns_release(void) {
    pthread_mutex_lock(&lock);
    is_released = true;
    pthread_mutex_unlock(&lock);
    eventfd_write(release_fd, 1);
}

/* --- UDP -------------------------------------------------------------------------------------- */

static void send_answer(const struct server *server, const struct sockaddr_in *client,
                        const struct dns_message *answer) {
    sendto(server->udp, answer->bytes, answer->size, 0, (const struct sockaddr *)client,
           sizeof(*client));
}

static const struct dns_record lies[] = {
    {"", "A", "192.0.2.66"}, {"", "AAAA", "2001:db8::66"}, {NULL, NULL, NULL}};

/* What comes before the truth. */
static void send_lie(const struct server *server, const struct sockaddr_in *client,
                     const struct dns_question *question) {
    struct dns_question other = *question;
    struct dns_message lie;

    if (dns_first_label_is(question, "wrong-id")) {
        other.id ^= 0x5555;
        dns_answer_anything(&other, lies, &lie);
        send_answer(server, client, &lie);
    } else if (dns_first_label_is(question, "wrong-question")) {
        dns_answer_anything(question, lies, &lie);
        lie.bytes[13] ^= 1; /* a letter of the name */
        send_answer(server, client, &lie);
    } else if (dns_first_label_is(question, "flood")) {
        for (int i = 1; i <= FLOOD; i++) {
            other.id = (uint16_t)(question->id + i);
            dns_answer_code(&other, DNS_NO_SUCH_NAME, &lie);
            send_answer(server, client, &lie);
        }
    }
}

static void answer_by_udp(const struct server *server, const struct sockaddr_in *client,
                          const struct dns_question *question) {
    struct dns_message answer;

    send_lie(server, client, question);
    if (dns_first_label_is(question, "servfail"))
        dns_answer_code(question, DNS_FAILED, &answer);
    else if (dns_first_label_is(question, "refused"))
        dns_answer_code(question, DNS_REFUSED, &answer);
    else if (dns_first_label_is(question, "truncates") || dns_first_label_is(question, "hangs-up"))
        dns_answer_truncated(question, &answer);
    else if (dns_first_label_is(question, "loops"))
        dns_answer_loop(question, &answer);
    else if (dns_first_label_is(question, "garbage"))
        dns_answer_garbage(question, &answer);
    else if (dns_first_label_is(question, "short"))
        dns_answer_short(question, &answer);
    else
        dns_answer(question, server->table, &answer);
    send_answer(server, client, &answer);
}

static void take_udp(const struct server *server, struct held *held, int *held_count) {
    unsigned char bytes[1500];
    struct sockaddr_in client;
    socklen_t size = sizeof(client);
    struct dns_question question;
    ssize_t n;

    while ((n = recvfrom(server->udp, bytes, sizeof(bytes), MSG_DONTWAIT,
                         (struct sockaddr *)&client, &size)) >= 0) {
        if (!dns_question_read(bytes, (size_t)n, &question))
            continue;
        note_asked(question.name);
        if (!dns_first_label_is(&question, "silent") &&
            (!dns_first_label_is(&question, "held") || may_answer_held()))
            answer_by_udp(server, &client, &question);
        else if (dns_first_label_is(&question, "held") && *held_count < HELD_MAX)
            held[(*held_count)++] = (struct held){client, question};
    }
}

/* --- TCP -------------------------------------------------------------------------------------- */

static bool receive(int fd, void *bytes, size_t size) {
    return recv(fd, bytes, size, MSG_WAITALL) == (ssize_t)size;
}

/* A client at a time: one that sends nothing would hold up the test, which has its limit. */
static void take_tcp(const struct server *server) {
    int fd = accept4(server->listener, NULL, NULL, SOCK_CLOEXEC);
    unsigned char bytes[1500];
    struct dns_question question;
    struct dns_message answer;
    uint16_t size;

    while (receive(fd, &size, 2) && ntohs(size) <= sizeof(bytes) &&
           receive(fd, bytes, ntohs(size)) && dns_question_read(bytes, ntohs(size), &question)) {
        note_asked(question.name);
        if (dns_first_label_is(&question, "hangs-up"))
            break;
        dns_answer_anything(&question, server->table, &answer);
        size = htons((uint16_t)answer.size);
        if (send(fd, &size, 2, MSG_NOSIGNAL | MSG_MORE) < 0 ||
            send(fd, answer.bytes, answer.size, MSG_NOSIGNAL) < 0)
            break;
    }
    close(fd);
}

/* --- the thread ------------------------------------------------------------------------------- */

static void *serve(void *arg) {
    struct server *server = arg;
    struct held *held = calloc(HELD_MAX, sizeof(*held));
    int held_count = 0;
    struct pollfd fds[] = {
        {server->udp, POLLIN, 0}, {server->listener, POLLIN, 0}, {release_fd, POLLIN, 0}};

    for (;;) {
        poll(fds, may_answer_held() ? 2 : 3, -1);
        if (fds[0].revents)
            take_udp(server, held, &held_count);
        if (fds[1].revents)
            take_tcp(server);
        while (held_count > 0 && may_answer_held()) {
            held_count--;
            answer_by_udp(server, &held[held_count].client, &held[held_count].question);
        }
    }
    return NULL;
}

static int open_socket(const char *address, int type) {
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(53)};
    int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0), room = 16 << 20;

    ASSERT_INT_EQ(inet_pton(AF_INET, address, &at.sin_addr), 1);
    setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)); /* a thousand at once */
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
    ASSERT_INT_EQ(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
    return fd;
}

void dns_start(const char *address, const struct dns_record *table) {
    static struct server servers[4];
    static int count;
    struct server *server = &servers[count++];
    pthread_t thread;

    if (release_fd < 0)
        release_fd = eventfd(0, EFD_CLOEXEC);
    server->table = table;
    server->udp = open_socket(address, SOCK_DGRAM);
    server->listener = open_socket(address, SOCK_STREAM);
    ASSERT_INT_EQ(listen(server->listener, 100), 0);
    ASSERT_INT_EQ(pthread_create(&thread, NULL, serve, server), 0);
    pthread_detach(thread);
}
