/* SPDX-License-Identifier: MIT
 * test_resolve.c - eddy_getaddrinfo() and eddy_getnameinfo(), beside libc's own. What a network is
 * needed for is in test_resolve_dns.c. */
#include <arpa/inet.h>
#include <eddy.h>
#include <eddy/name.h>
#include <net/if.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>

#include "failure.h"
#include "name.h"
#include "resolve.h"
#include "test.h"
#include "util.h"

static void forget_error(void) {
    eddy__error_set(eddy__error_slot(), NULL);
}

/* --- numbers ---------------------------------------------------------------------------------- */

static bool text_equal(const char *a, const char *b) {
    return a == b || (a && b && strcmp(a, b) == 0);
}

static void assert_same(const struct addrinfo *ours, const struct addrinfo *libcs) {
    for (; ours && libcs; ours = ours->ai_next, libcs = libcs->ai_next) {
        ASSERT_INT_EQ(ours->ai_flags, libcs->ai_flags);
        ASSERT_INT_EQ(ours->ai_family, libcs->ai_family);
        ASSERT_INT_EQ(ours->ai_socktype, libcs->ai_socktype);
        ASSERT_INT_EQ(ours->ai_protocol, libcs->ai_protocol);
        ASSERT_INT_EQ(ours->ai_addrlen, libcs->ai_addrlen);
        ASSERT_MEM_EQ(ours->ai_addr, libcs->ai_addr, libcs->ai_addrlen);
        ASSERT(text_equal(ours->ai_canonname, libcs->ai_canonname));
    }
    ASSERT(!ours && !libcs);
}

static void compare(const char *host, const char *port, const struct addrinfo *hints) {
    struct addrinfo *ours = NULL, *libcs = NULL;
    int r = eddy_getaddrinfo(host, port, hints, &ours), s = getaddrinfo(host, port, hints, &libcs);

    if (r == 0 && s == 0)
        assert_same(ours, libcs);
    else if (r == 0 || s == 0 || eddy_last_error()->detail != s)
        TEST_FAIL("\"%s\", \"%s\": %s, and libc says: %s", host, port,
                  r == 0 ? "ours succeeds" : eddy_last_error()->message, gai_strerror(s));
    eddy_freeaddrinfo(ours);
    if (libcs)
        freeaddrinfo(libcs);
    forget_error();
}

TEST(numbers_are_what_they_are_for_libc) {
    static const char *const hosts[] = {
        NULL,         "127.0.0.1",      "127.1",      "0x7f000001",     "010.1.2.3",
        "::1",        "2001:db8::7",    "fe80::1%lo", "fe80::1%1",      "fe80::1%no-such",
        "ff02::1%lo", "2001:db8::7%lo", "1.2.3.4%lo", "::ffff:1.2.3.4", "[::1]",
        "1.2.3.256",  "255.255.255.255"};
    static const int families[] = {AF_UNSPEC, AF_INET, AF_INET6, 99};
    static const int types[] = {0, SOCK_STREAM, SOCK_DGRAM, SOCK_RAW, 77};
    static const int flags[] = {0, AI_PASSIVE, AI_CANONNAME, AI_V4MAPPED | AI_ALL, 1 << 30};

    for (size_t h = 0; h < ARRAY_SIZE(hosts); h++)
        for (size_t f = 0; f < ARRAY_SIZE(families); f++)
            for (size_t t = 0; t < ARRAY_SIZE(types); t++)
                for (size_t g = 0; g < ARRAY_SIZE(flags); g++) {
                    const struct addrinfo hints = {.ai_flags = flags[g] | AI_NUMERICHOST,
                                                   .ai_family = families[f],
                                                   .ai_socktype = types[t]};
                    compare(hosts[h], "80", &hints);
                    compare(hosts[h], NULL, &hints);
                }
    ASSERT_INT_EQ(eddy__resolver_threads(), 0);
}

TEST(an_address_keeps_its_zone) {
    CLEANUP(eddy__addressesp_free) struct addrinfo *addresses = NULL;
    const struct sockaddr_in6 *address;
    char host[64], port[8];

    ASSERT_OK(eddy_getaddrinfo("fe80::1%lo", "443", &(struct addrinfo){.ai_socktype = SOCK_STREAM},
                               &addresses));
    address = (const struct sockaddr_in6 *)addresses->ai_addr;
    ASSERT_UINT_EQ(address->sin6_scope_id, if_nametoindex("lo"));
    ASSERT_NULL(addresses->ai_next);

    ASSERT_OK(eddy_getnameinfo(addresses->ai_addr, addresses->ai_addrlen, host, sizeof(host), port,
                               sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV));
    ASSERT_STR_EQ(host, "fe80::1%lo");
    ASSERT_STR_EQ(port, "443");
    ASSERT_INT_EQ(eddy__resolver_threads(), 0);
}

TEST(without_hints_there_is_each_kind_of_socket) {
    struct addrinfo *addresses = NULL;
    int kinds = 0;

    ASSERT_OK(eddy_getaddrinfo("192.0.2.7", "53", NULL, &addresses));
    for (const struct addrinfo *info = addresses; info; info = info->ai_next)
        kinds |= 1 << info->ai_socktype;
    ASSERT_INT_EQ(kinds, 1 << SOCK_STREAM | 1 << SOCK_DGRAM | 1 << SOCK_RAW);
    ASSERT_NULL(eddy_freeaddrinfo(addresses));
    ASSERT_NULL(eddy_freeaddrinfo(NULL));
}

/* --- what is refused -------------------------------------------------------------------------- */

static int look_up_with(const char *host, const char *port, const struct addrinfo *hints) {
    struct addrinfo *addresses = NULL;
    int r = eddy_getaddrinfo(host, port, hints, &addresses);

    ASSERT((r == 0) == (addresses != NULL));
    eddy_freeaddrinfo(addresses);
    return r;
}

TEST(bad_hints_are_refused) {
    ASSERT_CODE(-EINVAL, look_up_with("::1", "80", &(struct addrinfo){.ai_flags = 1 << 30}));
    ASSERT_INT_EQ(eddy_last_error()->detail, EAI_BADFLAGS);
    ASSERT_CODE(-EAFNOSUPPORT, look_up_with("::1", "80", &(struct addrinfo){.ai_family = 99}));
    ASSERT_CODE(-ESOCKTNOSUPPORT, look_up_with("::1", "80", &(struct addrinfo){.ai_socktype = 77}));
    ASSERT_CODE(-EINVAL, look_up_with("::1", "65536", NULL));
    ASSERT_CODE(EDDY_ENAME, look_up_with(NULL, "", NULL));
    ASSERT_INT_EQ(eddy_last_error()->detail, EAI_NONAME);
    forget_error();
}

TEST(a_name_is_no_number) {
    const struct addrinfo hints = {.ai_flags = AI_NUMERICHOST};

    ASSERT_CODE(EDDY_ENAME, look_up_with("localhost", "80", &hints));
    ASSERT_INT_EQ(eddy_last_error()->detail, EAI_NONAME);
    ASSERT_INT_EQ(eddy__resolver_threads(), 0);
    forget_error();
}

static void look_up_in_callback(void *arg) {
    *(int *)arg = look_up_with("localhost", "80", NULL);
    forget_error();
}

TEST(a_callback_cannot_wait_for_a_name) {
    eddy_loop *loop;
    int code = 0;

    ASSERT_OK(eddy_loop_new(NULL, &loop));
    eddy_call_soon(loop, look_up_in_callback, &code);
    ASSERT_OK(eddy_loop_run_once(loop, 0));
    ASSERT_CODE(-EDEADLK, code);
    eddy_loop_close(loop);
}

/* --- the names of an address ------------------------------------------------------------------ */

static struct sockaddr_in loopback(int port) {
    return (struct sockaddr_in){.sin_family = AF_INET,
                                .sin_addr = {htonl(INADDR_LOOPBACK)},
                                .sin_port = htons((uint16_t)port)};
}

static int names_of(const void *address, socklen_t size, char host[64], size_t host_bytes,
                    char port[8], size_t port_bytes, int flags) {
    strcpy(host, "untouched");
    strcpy(port, "so");
    return eddy_getnameinfo(address, size, host, host_bytes, port, port_bytes, flags);
}

TEST(names_that_do_not_fit_are_not_cut) {
    const int flags = NI_NUMERICHOST | NI_NUMERICSERV;
    struct sockaddr_in address = loopback(8080);
    char host[64], port[8];

    ASSERT_CODE(-EOVERFLOW, names_of(&address, sizeof(address), host, 9, port, 8, flags));
    ASSERT_STR_EQ(host, "untouched");
    ASSERT_STR_EQ(port, "so");
    ASSERT_CODE(-EOVERFLOW, names_of(&address, sizeof(address), host, 64, port, 4, flags));
    ASSERT_STR_EQ(host, "untouched");
    ASSERT_STR_EQ(eddy_last_error()->message,
                  "the names do not fit: 64 bytes for the host, 4 for the port");
    ASSERT_INT_EQ(eddy_last_error()->detail, EAI_OVERFLOW);

    ASSERT_OK(names_of(&address, sizeof(address), host, 10, port, 5, flags));
    ASSERT_STR_EQ(host, "127.0.0.1");
    ASSERT_STR_EQ(port, "8080");
    forget_error();
}

TEST(what_has_no_room_is_not_looked_for) {
    struct sockaddr_in address = loopback(80);
    char host[64], port[8];

    ASSERT_OK(names_of(&address, sizeof(address), host, 0, port, 8, NI_NUMERICSERV));
    ASSERT_STR_EQ(host, "untouched");
    ASSERT_STR_EQ(port, "80");
    ASSERT_INT_EQ(eddy__resolver_threads(), 0);
}

TEST(what_is_no_address_is_refused) {
    struct sockaddr_in address = loopback(80);
    char host[64], port[8], much[512] = {AF_INET};

    ASSERT_CODE(-EAFNOSUPPORT, names_of(&address, 1, host, 64, port, 8, 0));
    ASSERT_CODE(-EAFNOSUPPORT, names_of(&address, 8, host, 64, port, 8, NI_NUMERICHOST));
    ASSERT_CODE(-EAFNOSUPPORT, names_of(much, sizeof(much), host, 64, port, 8, 0));
    address.sin_family = 99;
    ASSERT_CODE(-EAFNOSUPPORT, names_of(&address, sizeof(address), host, 64, port, 8, 0));
    ASSERT_STR_CONTAINS(eddy_last_error()->message, "cannot find the name of ?: ");
    forget_error();
}

static int answer_nobody(const struct sockaddr *address, socklen_t size, char *host,
                         socklen_t host_bytes, char *service, socklen_t service_bytes, int flags) {
    (void)address, (void)size, (void)host, (void)host_bytes, (void)service, (void)service_bytes;
    return flags & NI_NAMEREQD ? EAI_NONAME : EAI_AGAIN;
}

TEST(an_address_without_a_name_is_told_in_a_sentence) {
    struct sockaddr_in address = loopback(80);
    char host[64], port[8];

    eddy__reverse_resolver = answer_nobody;
    ASSERT_CODE(EDDY_ENAME, names_of(&address, sizeof(address), host, 64, port, 8, NI_NAMEREQD));
    ASSERT_STR_EQ(eddy_last_error()->message,
                  "cannot find the name of 127.0.0.1:80: Name or service not known");
    ASSERT_INT_EQ(eddy_last_error()->detail, EAI_NONAME);
    ASSERT_CODE(EDDY_ENAME, names_of(&address, sizeof(address), host, 64, port, 8, 0));
    ASSERT_INT_EQ(eddy_last_error()->detail, EAI_AGAIN);
    forget_error();
}

/* --- the code travels ------------------------------------------------------------------------- */

static int answer_later(const char *host, const char *port, const struct addrinfo *hints,
                        struct addrinfo **out) {
    (void)host, (void)port, (void)hints, (void)out;
    return EAI_AGAIN;
}

static int connect_somewhere(void *arg) {
    eddy_stream *stream;

    return eddy_open_connection(arg, "80", NULL, &stream);
}

static int await_connection(void *unused) {
    (void)unused;
    ASSERT_CODE(EDDY_ENAME, eddy_await(eddy_create_task(connect_somewhere, "some.name")));
    ASSERT_STR_CONTAINS(eddy_last_error()->message, "Temporary failure in name resolution");
    ASSERT_INT_EQ(eddy_last_error()->detail, EAI_AGAIN);
    return 0;
}

TEST(the_resolvers_code_comes_with_the_error_through_tasks) {
    eddy__resolver = answer_later;
    ASSERT_OK(eddy_run(await_connection, NULL));
}

/* --- the end of a loop ------------------------------------------------------------------------ */

static sem_t gate, arrived;

static int answer_slowly(const char *host, const char *port, const struct addrinfo *hints,
                         struct addrinfo **out) {
    (void)host;
    sem_post(&arrived);
    sem_wait(&gate);
    return getaddrinfo("192.0.2.7", port, hints, out);
}

static int look_up(void *arg) {
    return look_up_with(arg, "80", NULL);
}

static void be_slow(void) {
    sem_init(&gate, 0, 0);
    sem_init(&arrived, 0, 0);
    eddy__resolver = answer_slowly;
}

/* Nothing of the task's stack is written to afterwards; the leak checker looks on. */
TEST(a_loop_may_close_over_a_task_that_looks_up) {
    eddy_loop *loop;

    be_slow();
    ASSERT_OK(eddy_loop_new(NULL, &loop));
    for (int i = 0; i < 2; i++) /* the second joins the first */
        eddy_detach(
            eddy_create_task_with(&(eddy_task_options){.loop = loop}, look_up, "some.name"));
    ASSERT_OK(eddy_loop_run_once(loop, 0));
    sem_wait(&arrived);
    eddy_loop_close(loop);
    sem_post(&gate);
    ASSERT_OK(look_up_with("192.0.2.8", "80", NULL));
}

static int leave_look_ups(void *unused) {
    (void)unused;
    for (int i = 0; i < 3; i++)
        eddy_detach(eddy_create_task(look_up, (char *[]){"a.name", "b.name", "c.name"}[i]));
    eddy_yield();
    for (int i = 0; i < 3; i++)
        sem_wait(&arrived);
    return 0;
}

TEST_EXIT(a_run_and_a_process_end_over_look_ups, 5) {
    be_slow();
    ASSERT_OK(eddy_run(leave_look_ups, NULL));
    exit(5);
}
