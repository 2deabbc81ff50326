/* SPDX-License-Identifier: MIT
 * test_resolve_dns.c - names as the system has them: hosts file, search domains, nsswitch.conf, and
 * a name server of ours (support/dns) that is slow, silent, lies and truncates. */
#include <arpa/inet.h>
#include <eddy.h>
#include <eddy/name.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dns.h"
#include "test.h"
#include "util.h"
#include "world.h"

static const struct dns_record table[] = {
    {"www.example.test", "A", "192.0.2.1"},
    {"www.example.test", "AAAA", "2001:db8::1"},
    {"alias.example.test", "CNAME", "www.example.test"},
    {"inner.outer.test", "A", "192.0.2.2"},
    {"wrong-id.test", "A", "192.0.2.3"},
    {"wrong-question.test", "A", "192.0.2.3"},
    {"short.test", "A", "192.0.2.3"},
    {"flood.test", "A", "192.0.2.3"},
    {"hangs-up.test", "A", "192.0.2.3"},
    {"held.test", "A", "192.0.2.4"},
    {"no-address.test", "PTR", "nobody.test"},
    {"7.2.0.192.in-addr.arpa", "PTR", "seven.example.test"},
    {NULL, NULL, NULL},
};

/* The world, and a server in it. */
static bool enter(const struct world *world) {
    if (!world_enter(world))
        return false;
    dns_start("127.0.0.1", table);
    return true;
}

static const struct world ordinary;

/* libc frees what a thread knows of its name servers after the leak checker has seen the thread
 * end: a thread that ends while the test does looks as if it had lost it. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void) {
    return "leak:res_context_send";
}

/* --- look-ups as texts ------------------------------------------------------------------------ */

struct texts {
    char text[4096]; /* "192.0.2.1 2001:db8::1" */
    int count;
    char canonical[64];
};

static void texts_add(struct texts *texts, const struct addrinfo *info) {
    char host[64];
    size_t length = strlen(texts->text);

    ASSERT_INT_EQ(
        getnameinfo(info->ai_addr, info->ai_addrlen, host, sizeof(host), NULL, 0, NI_NUMERICHOST),
        0);
    snprintf(texts->text + length, sizeof(texts->text) - length, "%s%s", length ? " " : "", host);
    texts->count++;
    if (info->ai_canonname)
        snprintf(texts->canonical, sizeof(texts->canonical), "%s", info->ai_canonname);
}

static int look_up_family(const char *host, int family, struct texts *texts) {
    const struct addrinfo hints = {
        .ai_flags = AI_CANONNAME, .ai_family = family, .ai_socktype = SOCK_STREAM};
    struct addrinfo *addresses = NULL;
    int r = eddy_getaddrinfo(host, "80", &hints, &addresses);

    *texts = (struct texts){0};
    for (const struct addrinfo *info = addresses; info; info = info->ai_next)
        texts_add(texts, info);
    eddy_freeaddrinfo(addresses);
    return r;
}

static int look_up(const char *host, struct texts *texts) {
    return look_up_family(host, AF_UNSPEC, texts);
}

static void assert_fails(const char *host, int detail) {
    struct texts texts;

    ASSERT_CODE(EDDY_ENAME, look_up(host, &texts));
    ASSERT_STR_CONTAINS(eddy_last_error()->message, host);
    ASSERT_STR_CONTAINS(eddy_last_error()->message, gai_strerror(detail));
    ASSERT_INT_EQ(eddy_last_error()->detail, detail);
}

/* A test's body runs as a task. */
#define DNS_TEST(name, world)                          \
    static int body_of_##name(void *);                 \
    TEST(name) {                                       \
        if (enter(world))                              \
            ASSERT_OK(eddy_run(body_of_##name, NULL)); \
    }                                                  \
    static int body_of_##name(void *unused __attribute__((unused)))

/* --- as the system has them ------------------------------------------------------------------- */

DNS_TEST(a_name_has_the_addresses_that_dns_has, &ordinary) {
    struct texts texts;

    ASSERT_OK(look_up_family("www.example.test", AF_INET, &texts));
    ASSERT_STR_EQ(texts.text, "192.0.2.1");
    ASSERT_OK(look_up_family("www.example.test", AF_INET6, &texts));
    ASSERT_STR_EQ(texts.text, "2001:db8::1");
    ASSERT_OK(look_up("www.example.test", &texts));
    ASSERT_INT_EQ(texts.count, 2);
    return 0;
}

DNS_TEST(an_alias_leads_to_the_canonical_name, &ordinary) {
    struct texts texts;

    ASSERT_OK(look_up_family("alias.example.test", AF_INET, &texts));
    ASSERT_STR_EQ(texts.text, "192.0.2.1");
    ASSERT_STR_EQ(texts.canonical, "www.example.test");
    return 0;
}

static const struct world with_hosts = {.hosts =
                                            "192.0.2.9 www.example.test web\nfe80::9%lo router\n"};

DNS_TEST(the_hosts_file_comes_first, &with_hosts) {
    struct texts texts;

    ASSERT_OK(look_up("www.example.test", &texts));
    ASSERT_STR_EQ(texts.text, "192.0.2.9");
    ASSERT_OK(look_up("web", &texts));
    ASSERT_STR_EQ(texts.canonical, "www.example.test");
    ASSERT_INT_EQ(dns_asked("www.example.test"), 0);
    return 0;
}

static const struct world files_only = {.nsswitch = "hosts: files\n"};

DNS_TEST(nsswitch_decides_who_is_asked, &files_only) {
    assert_fails("www.example.test", EAI_NONAME);
    ASSERT_INT_EQ(dns_asked("www.example.test"), 0);
    return 0;
}

static const struct world searching = {.resolv =
                                           "nameserver 127.0.0.1\nsearch first.test outer.test\n"
                                           "options timeout:30 attempts:1\n"};

DNS_TEST(search_domains_are_tried_in_turn, &searching) {
    struct texts texts;

    ASSERT_OK(look_up_family("inner", AF_INET, &texts));
    ASSERT_STR_EQ(texts.text, "192.0.2.2");
    ASSERT_INT_EQ(dns_asked("inner.first.test"), 1);
    ASSERT_INT_EQ(dns_asked("inner.outer.test"), 1);
    return 0;
}

static const struct world elsewhere = {.resolv = "nameserver 127.0.0.7\noptions timeout:30\n"};

DNS_TEST(a_change_of_the_name_servers_is_seen, &elsewhere) {
    struct texts texts;

    assert_fails("www.example.test", EAI_AGAIN); /* nobody is there */
    world_write("/etc/resolv.conf", "nameserver 127.0.0.1\n");
    ASSERT_OK(look_up_family("www.example.test", AF_INET, &texts));
    ASSERT_STR_EQ(texts.text, "192.0.2.1");
    return 0;
}

DNS_TEST(ports_have_the_names_of_the_services_file, &ordinary) {
    struct addrinfo *addresses = NULL;

    ASSERT_OK(eddy_getaddrinfo("192.0.2.1", "fast", NULL, &addresses));
    ASSERT_INT_EQ(addresses->ai_socktype, SOCK_DGRAM);
    ASSERT_INT_EQ(ntohs(((struct sockaddr_in *)addresses->ai_addr)->sin_port), 4242);
    eddy_freeaddrinfo(addresses);
    ASSERT_CODE(EDDY_ENAME, eddy_getaddrinfo("192.0.2.1", "no-such", NULL, &addresses));
    ASSERT_INT_EQ(eddy_last_error()->detail, EAI_SERVICE);
    return 0;
}

/* --- the names of addresses ------------------------------------------------------------------- */

static int names_of(const char *address, int flags, char host[NI_MAXHOST], char port[NI_MAXSERV]) {
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(80)};

    ASSERT_INT_EQ(inet_pton(AF_INET, address, &at.sin_addr), 1);
    return eddy_getnameinfo((struct sockaddr *)&at, sizeof(at), host, NI_MAXHOST, port, NI_MAXSERV,
                            flags);
}

DNS_TEST(addresses_have_the_names_of_dns_and_of_the_hosts_file, &with_hosts) {
    char host[NI_MAXHOST], port[NI_MAXSERV];

    ASSERT_OK(names_of("192.0.2.7", 0, host, port));
    ASSERT_STR_EQ(host, "seven.example.test");
    ASSERT_STR_EQ(port, "http");
    ASSERT_OK(names_of("192.0.2.9", NI_NUMERICSERV, host, port));
    ASSERT_STR_EQ(host, "www.example.test");
    ASSERT_STR_EQ(port, "80");
    ASSERT_OK(names_of("192.0.2.8", 0, host, port));
    ASSERT_STR_EQ(host, "192.0.2.8"); /* it has none */
    ASSERT_CODE(EDDY_ENAME, names_of("192.0.2.8", NI_NAMEREQD, host, port));
    ASSERT_INT_EQ(eddy_last_error()->detail, EAI_NONAME);
    return 0;
}

/* --- failures --------------------------------------------------------------------------------- */

DNS_TEST(a_failure_tells_whether_it_is_final, &ordinary) {
    assert_fails("nohost.test", EAI_NONAME);
    assert_fails("no-address.test", EAI_NODATA);
    assert_fails("servfail.test", EAI_AGAIN);
    assert_fails("refused.test", EAI_AGAIN);
    assert_fails("hangs-up.test", EAI_AGAIN);
    return 0;
}

DNS_TEST(a_lie_is_not_believed, &ordinary) {
    static const char *const liars[] = {"wrong-id.test", "wrong-question.test", "flood.test"};

    for (size_t i = 0; i < ARRAY_SIZE(liars); i++) {
        struct texts texts;
        ASSERT_OK(look_up_family(liars[i], AF_INET, &texts));
        ASSERT_STR_EQ(texts.text, "192.0.2.3");
    }
    return 0;
}

DNS_TEST(an_answer_that_is_none_is_a_failure, &ordinary) {
    static const char *const names[] = {"loops.test", "garbage.test", "short.test"};

    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        struct texts texts;
        ASSERT_CODE(EDDY_ENAME, look_up_family(names[i], AF_INET, &texts));
        ASSERT(eddy_last_error()->detail != 0);
    }
    return 0;
}

/* --- long answers ----------------------------------------------------------------------------- */

enum { LONG = 60 };

/* LONG addresses of a name, and the end. */
static struct dns_record *long_table(void) {
    struct dns_record *records = calloc(LONG + 1, sizeof(*records));

    for (int i = 0; i < LONG; i++) {
        char *address = malloc(32);
        snprintf(address, 32, "198.51.100.%d", i + 1);
        records[i] = (struct dns_record){"truncates.test", "A", address};
    }
    return records;
}

static struct dns_record *long_records; /* for the leak checker */

static int look_up_long(void *unused) {
    struct texts texts;

    (void)unused;
    ASSERT_OK(look_up_family("truncates.test", AF_INET, &texts));
    ASSERT_INT_EQ(texts.count, LONG);
    ASSERT_INT_EQ(dns_asked("truncates.test"), 2);
    return 0;
}

TEST(an_answer_too_long_for_a_datagram_comes_by_tcp) {
    if (!world_enter(&ordinary))
        return;
    dns_start("127.0.0.1", long_records = long_table());
    ASSERT_OK(eddy_run(look_up_long, NULL));
}

/* --- slow and silent servers ------------------------------------------------------------------ */

static int look_up_quietly(void *host) {
    struct texts texts;

    return look_up_family(host, AF_INET, &texts);
}

static void assert_answered(const char *host, const char *address) {
    struct texts texts;

    ASSERT_OK(look_up_family(host, AF_INET, &texts));
    ASSERT_STR_EQ(texts.text, address);
}

DNS_TEST(a_server_that_is_silent_blocks_nobody_and_can_be_left, &ordinary) {
    eddy_task *task = eddy_create_task(look_up_quietly, "silent.test");

    eddy_yield();
    dns_wait_for("silent.test");
    assert_answered("localhost", "127.0.0.1");
    assert_answered("www.example.test", "192.0.2.1");
    ASSERT(!eddy_is_done(task));
    eddy_cancel(task);
    ASSERT_CODE(-ECANCELED, eddy_await(task));
    return 0;
}

DNS_TEST(a_time_out_does_not_wait_for_dns, &ordinary) {
    ASSERT_CODE(-ETIMEDOUT, eddy_with_timeout(0.01, look_up_quietly, "silent.test"));
    return 0;
}

DNS_TEST(a_slow_answer_comes_when_it_comes, &ordinary) {
    eddy_task *task = eddy_create_task(look_up_quietly, "held.test");

    eddy_yield();
    dns_wait_for("held.test");
    assert_answered("www.example.test", "192.0.2.1");
    ASSERT(!eddy_is_done(task));
    dns_release();
    return eddy_await(task);
}

static int ask_name_of_silence(void *unused) {
    struct sockaddr_in6 address = {.sin6_family = AF_INET6};
    char host[NI_MAXHOST] = "untouched";
    int r;

    (void)unused;
    inet_pton(AF_INET6, "2001:db8::7", &address.sin6_addr);
    r = eddy_getnameinfo((struct sockaddr *)&address, sizeof(address), host, sizeof(host), NULL, 0,
                         0);
    ASSERT_STR_EQ(host, "untouched");
    return r;
}

/* Nobody answers at this address, nor refuses: a socket that is never read. */
static const struct world silence = {.resolv =
                                         "nameserver 127.0.0.3\noptions timeout:30 attempts:1\n"};

static int leave_silence(void *unused) {
    eddy_task *task = eddy_create_task(ask_name_of_silence, NULL);

    (void)unused;
    for (int i = 0; i < 3; i++)
        eddy_yield();
    assert_answered("localhost", "127.0.0.1");
    ASSERT(!eddy_is_done(task));
    eddy_cancel(task);
    ASSERT_CODE(-ECANCELED, eddy_await(task));
    return 0;
}

static void be_silent_at(const char *address) {
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(53)};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    inet_pton(AF_INET, address, &at.sin_addr);
    ASSERT_INT_EQ(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
}

TEST(the_look_up_of_a_name_can_be_left) {
    if (!world_enter(&silence))
        return;
    be_silent_at("127.0.0.3");
    ASSERT_OK(eddy_run(leave_silence, NULL));
}

static const struct world first_is_silent = {
    .resolv = "nameserver 127.0.0.3\nnameserver 127.0.0.1\noptions timeout:1 attempts:1\n"};

static int ask_the_second(void *unused) {
    (void)unused;
    assert_answered("www.example.test", "192.0.2.1");
    return 0;
}

TEST(after_a_silent_server_the_next_is_asked) { /* in the resolver's shortest time, a second */
    if (!enter(&first_is_silent))
        return;
    be_silent_at("127.0.0.3");
    ASSERT_OK(eddy_run(ask_the_second, NULL));
}

/* --- many ------------------------------------------------------------------------------------- */

enum { SILENT = 200, MANY = 1000, HELD = 100 };

/* "silent.n7.slow.test": each another name of one site. Kept until all are done. */
static char many_names[MANY][32];

static void create_many(eddy_task *tasks[], int count, const char *format) {
    for (int i = 0; i < count; i++) {
        snprintf(many_names[i], sizeof(many_names[i]), format, i);
        tasks[i] = eddy_create_task(look_up_quietly, many_names[i]);
    }
}

static void cancel_many(eddy_task *tasks[], int count) {
    for (int i = 0; i < count; i++) {
        ASSERT(!eddy_is_done(tasks[i]));
        eddy_cancel(tasks[i]);
        ASSERT_CODE(-ECANCELED, eddy_await(tasks[i]));
    }
}

/* The silent ones would end after 30 seconds, ten more than a test has. */
DNS_TEST(many_silent_names_hold_up_neither_the_hosts_file_nor_others, &ordinary) {
    eddy_task *tasks[SILENT];

    create_many(tasks, SILENT, "silent.n%d.slow.test");
    eddy_yield();
    assert_answered("localhost", "127.0.0.1");
    assert_answered("www.example.test", "192.0.2.1");
    dns_wait_for(many_names[SILENT / 2]);
    assert_answered("alias.example.test", "192.0.2.1");
    cancel_many(tasks, SILENT);
    return 0;
}

DNS_TEST(many_silent_sites_hold_up_no_others_either, &ordinary) {
    eddy_task *tasks[SILENT];

    create_many(tasks, SILENT, "silent.n%d");
    eddy_yield();
    assert_answered("localhost", "127.0.0.1");
    assert_answered("www.example.test", "192.0.2.1");
    cancel_many(tasks, SILENT);
    return 0;
}

/* n0.many.test and so on, held.n0.test and so on, and the end. */
static struct dns_record *many_table(void) {
    struct dns_record *records = calloc(MANY + HELD + 1, sizeof(*records));

    for (int i = 0; i < MANY + HELD; i++) {
        char *name = malloc(32);
        snprintf(name, 32, i < MANY ? "n%d.many.test" : "held.n%d.test", i < MANY ? i : i - MANY);
        records[i] = (struct dns_record){name, "A", "192.0.2.5"};
    }
    return records;
}

static struct dns_record *many_records;

static int look_up_many(void *unused) {
    static eddy_task *held[HELD], *tasks[MANY];
    int answered = 0;

    (void)unused;
    for (int i = 0; i < HELD; i++)
        held[i] = eddy_create_task(look_up_quietly, (char *)many_records[MANY + i].name);
    create_many(tasks, MANY, "n%d.many.test");
    for (int i = 0; i < MANY; i++)
        answered += eddy_await(tasks[i]) == 0;
    ASSERT_INT_EQ(answered, MANY);

    for (int i = 0; i < HELD; i++)
        ASSERT(!eddy_is_done(held[i]));
    dns_release();
    for (int i = 0; i < HELD; i++)
        ASSERT_OK(eddy_await(held[i]));
    return 0;
}

TEST(a_thousand_look_ups_end_beside_slow_ones) {
    if (!world_enter(&ordinary))
        return;
    dns_start("127.0.0.1", many_records = many_table());
    ASSERT_OK(eddy_run(look_up_many, NULL));
}
