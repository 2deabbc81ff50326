/* SPDX-License-Identifier: MIT
 * test_datagram.c - datagrams between endpoints, and what bad peers make of them. */
#include <arpa/inet.h>
#include <net/if.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "net.h"

static eddy_datagram_endpoint *open_with(const eddy_datagram_options *options) {
    eddy_datagram_endpoint *endpoint = NULL;

    ASSERT_OK(eddy_create_datagram_endpoint(options, &endpoint));
    return endpoint;
}

static eddy_datagram_endpoint *open_local(void) {
    return open_with(&(eddy_datagram_options){.local_host = "127.0.0.1"});
}

static eddy_datagram_endpoint *open_to(const eddy_datagram_endpoint *endpoint) {
    char port[8];

    snprintf(port, sizeof(port), "%d", eddy_address_port(eddy_datagram_local(endpoint)));
    return open_with(&(eddy_datagram_options){.remote_host = "127.0.0.1", .remote_port = port});
}

static void endpoint_closep(eddy_datagram_endpoint **endpoint) {
    ASSERT_NULL(eddy_datagram_close(*endpoint));
}
#define ENDPOINT CLEANUP(endpoint_closep) eddy_datagram_endpoint *

static void expect(eddy_datagram_endpoint *endpoint, const char *text, eddy_address *from) {
    char bytes[64];

    ASSERT_INT_EQ(eddy_datagram_receive(endpoint, bytes, sizeof(bytes), from), strlen(text));
    ASSERT_MEM_EQ(bytes, text, strlen(text));
}

/* Whether nothing is there. */
static void expect_nothing(eddy_datagram_endpoint *endpoint) {
    eddy_timeout timeout;
    char byte;

    eddy_timeout_begin(&timeout, 0.02);
    ASSERT_CODE(-ETIMEDOUT,
                eddy_timeout_end(&timeout, (int)eddy_datagram_receive(endpoint, &byte, 1, NULL)));
}

struct receiver {
    eddy_datagram_endpoint *endpoint;
    char bytes[64];
    ssize_t result;
};

static int run_receive(void *arg) {
    struct receiver *receiver = arg;

    receiver->result =
        eddy_datagram_receive(receiver->endpoint, receiver->bytes, sizeof(receiver->bytes), NULL);
    return 0;
}

static eddy_task *start_receiver(struct receiver *receiver) {
    eddy_task *task = eddy_create_task(run_receive, receiver);

    settle();
    ASSERT(!eddy_is_done(task));
    return task;
}

/* --- to and fro ------------------------------------------------------------------------------- */

TASK_TEST(a_datagram_is_answered_to_its_sender) {
    ENDPOINT server = open_local();
    ENDPOINT client = open_to(server);
    eddy_address from;
    ASSERT_OK(eddy_datagram_send(client, "question", 8));
    expect(server, "question", &from);
    ASSERT(eddy_address_is_equal(&from, eddy_datagram_local(client)));
    ASSERT_OK(eddy_datagram_send_to(server, "answer", 6, &from));
    expect(client, "answer", &from);
    ASSERT(eddy_address_is_equal(&from, eddy_datagram_local(server)));
    ASSERT(eddy_address_is_equal(eddy_datagram_remote(client), eddy_datagram_local(server)));
    ASSERT_INT_EQ(eddy_datagram_remote(server)->size, 0);
    return 0;
}

TASK_TEST(a_receiver_waits_and_lets_others_run) {
    ENDPOINT server = open_local();
    ENDPOINT client = open_to(server);
    struct receiver receiver = {.endpoint = server};
    for (int i = 0; i < 20; i++) {
        eddy_task *task = start_receiver(&receiver);
        ASSERT_OK(eddy_datagram_send(client, "late", 4));
        ASSERT_OK(eddy_await(task));
        ASSERT_INT_EQ(receiver.result, 4);
    }
    return 0;
}

TASK_TEST(receivers_are_served_in_the_order_in_which_they_came) {
    ENDPOINT server = open_local();
    ENDPOINT client = open_to(server);
    struct receiver first = {.endpoint = server}, second = {.endpoint = server};
    eddy_task *tasks[2] = {start_receiver(&first), start_receiver(&second)};
    ASSERT_OK(eddy_datagram_send(client, "one", 3));
    ASSERT_OK(eddy_datagram_send(client, "two", 3));
    ASSERT_OK(eddy_gather_array(tasks, 2, NULL));
    ASSERT_MEM_EQ(first.bytes, "one", 3);
    ASSERT_MEM_EQ(second.bytes, "two", 3);
    return 0;
}

TASK_TEST(empty_datagrams_are_datagrams) {
    ENDPOINT server = open_local();
    ENDPOINT client = open_to(server);
    eddy_address from = {0};
    ASSERT_OK(eddy_datagram_send(client, "", 0));
    expect(server, "", &from);
    ASSERT(eddy_address_is_equal(&from, eddy_datagram_local(client)));
    return 0;
}

TASK_TEST(what_does_not_fit_is_told_by_its_size) {
    ENDPOINT server = open_local();
    ENDPOINT client = open_to(server);
    char bytes[4] = "....";
    ASSERT_OK(eddy_datagram_send(client, "0123456789", 10));
    ASSERT_INT_EQ(eddy_datagram_receive(server, bytes, 3, NULL), 10);
    ASSERT_MEM_EQ(bytes, "012.", 4);
    ASSERT_OK(eddy_datagram_send(client, "next", 4));
    expect(server, "next", NULL); /* the rest of the former is gone */
    return 0;
}

TASK_TEST(what_is_too_large_is_not_sent) {
    static char bytes[70000];
    ENDPOINT server = open_local();
    ENDPOINT client = open_to(server);
    ASSERT_CODE(-EMSGSIZE, eddy_datagram_send(client, bytes, sizeof(bytes)));
    ASSERT_OK(eddy_datagram_send(client, bytes, 65507)); /* as much as fits into UDP over IPv4 */
    ASSERT_INT_EQ(eddy_datagram_receive(server, bytes, sizeof(bytes), NULL), 65507);
    ASSERT_CODE(-EDESTADDRREQ, eddy_datagram_send(server, "x", 1));
    return 0;
}

TASK_TEST(ipv6_is_spoken_where_there_is_some) {
    eddy_datagram_endpoint *server = NULL;
    eddy_address from;
    char port[8];
    int r = eddy_create_datagram_endpoint(&(eddy_datagram_options){.local_host = "::1"}, &server);
    if (r == -EADDRNOTAVAIL || r == -EAFNOSUPPORT) {
        printf("skipped: there is no IPv6 here\n");
        return 0;
    }
    ASSERT_OK(r);
    snprintf(port, sizeof(port), "%d", eddy_address_port(eddy_datagram_local(server)));
    ENDPOINT client =
        open_with(&(eddy_datagram_options){.remote_host = "::1", .remote_port = port});
    ASSERT_OK(eddy_datagram_send(client, "six", 3));
    expect(server, "six", &from);
    ASSERT_INT_EQ(from.any.sa_family, AF_INET6);
    ASSERT_OK(eddy_datagram_send_to(server, "back", 4, &from));
    expect(client, "back", NULL);
    eddy_datagram_close(server);
    return 0;
}

/* Each with an address of both families behind it, if the machine has both. */
TASK_TEST(a_name_and_a_family_make_an_endpoint) {
    ENDPOINT named =
        open_with(&(eddy_datagram_options){.local_host = "localhost", .family = AF_INET});
    ENDPOINT any = open_with(&(eddy_datagram_options){.family = AF_INET});
    char port[8];
    ASSERT_INT_EQ(eddy_datagram_local(named)->any.sa_family, AF_INET);
    snprintf(port, sizeof(port), "%d", eddy_address_port(eddy_datagram_local(named)));
    ENDPOINT both = open_with(&(eddy_datagram_options){.local_host = "127.0.0.1",
                                                       .local_port = "0",
                                                       .remote_host = "localhost",
                                                       .remote_port = port});
    ASSERT_OK(eddy_datagram_send(both, "hi", 2));
    expect(named, "hi", NULL);
    ASSERT_OK(eddy_datagram_send_to(any, "ho", 2, eddy_datagram_local(named)));
    expect(named, "ho", NULL);
    return 0;
}

/* --- errors ----------------------------------------------------------------------------------- */

/* A port where nobody listens any more. */
static eddy_datagram_endpoint *open_to_nobody(void) {
    eddy_datagram_endpoint *server = open_local(), *client = open_to(server);

    eddy_datagram_close(server);
    return client;
}

TASK_TEST(nobody_at_the_port_is_told_to_a_receiver_that_waits) {
    ENDPOINT client = open_to_nobody();
    struct receiver receiver = {.endpoint = client};
    eddy_task *task = start_receiver(&receiver);
    ASSERT_OK(eddy_datagram_send(client, "x", 1));
    ASSERT_OK(eddy_await(task));
    ASSERT_CODE(-ECONNREFUSED, receiver.result);
    expect_nothing(client); /* told once */
    return 0;
}

TASK_TEST(nobody_at_the_port_is_told_to_the_next_call_and_the_endpoint_goes_on) {
    ENDPOINT client = open_to_nobody();
    eddy_datagram_endpoint *server;
    char port[8];
    ASSERT_OK(eddy_datagram_send(client, "x", 1));
    settle();
    ASSERT_CODE(-ECONNREFUSED, eddy_datagram_send(client, "y", 1));
    snprintf(port, sizeof(port), "%d", eddy_address_port(eddy_datagram_remote(client)));
    server = open_with(&(eddy_datagram_options){.local_host = "127.0.0.1", .local_port = port});
    ASSERT_OK(eddy_datagram_send(client, "z", 1));
    expect(server, "z", NULL);
    eddy_datagram_close(server);
    return 0;
}

TASK_TEST(an_endpoint_for_all_hears_nothing_of_one_that_is_gone) {
    ENDPOINT server = open_local();
    ENDPOINT client = open_to(server);
    ENDPOINT nobody = open_to_nobody();
    struct receiver receiver = {.endpoint = server};
    eddy_task *task = start_receiver(&receiver);
    ASSERT_OK(eddy_datagram_send_to(server, "x", 1, eddy_datagram_remote(nobody)));
    settle();
    ASSERT(!eddy_is_done(task));
    ASSERT_OK(eddy_datagram_send(client, "hello", 5));
    ASSERT_OK(eddy_await(task));
    ASSERT_INT_EQ(receiver.result, 5);
    return 0;
}

TASK_TEST(what_cannot_be_opened_is_a_sentence) {
    ENDPOINT server = open_local();
    eddy_datagram_endpoint *none = NULL;
    char port[8];
    snprintf(port, sizeof(port), "%d", eddy_address_port(eddy_datagram_local(server)));
    ASSERT_CODE(
        -EADDRINUSE,
        eddy_create_datagram_endpoint(
            &(eddy_datagram_options){.local_host = "127.0.0.1", .local_port = port}, &none));
    ASSERT_STR_CONTAINS(eddy_last_error()->message, "cannot receive datagrams on 127.0.0.1:");
    ASSERT_CODE(-EINVAL, eddy_create_datagram_endpoint(NULL, &none));
    ASSERT_CODE(-EINVAL,
                eddy_create_datagram_endpoint(
                    &(eddy_datagram_options){.local_path = "@x", .remote_host = "::1"}, &none));
    ASSERT_CODE(-EINVAL,
                eddy_create_datagram_endpoint(&(eddy_datagram_options){.local_host = "127.0.0.1",
                                                                       .remote_host = "::1",
                                                                       .remote_port = "1"},
                                              &none));
    ASSERT_CODE(-ENODEV, eddy_create_datagram_endpoint(
                             &(eddy_datagram_options){.local_host = "127.0.0.1",
                                                      .multicast_interface = "nodev9"},
                             &none));
    ASSERT_NULL(none);
    return 0;
}

/* --- bad peers -------------------------------------------------------------------------------- */

TASK_TEST(a_connected_endpoint_does_not_hear_strangers) {
    ENDPOINT server = open_local();
    ENDPOINT client = open_to(server);
    ENDPOINT stranger = open_local();
    ASSERT_OK(eddy_datagram_send_to(stranger, "spoof", 5, eddy_datagram_local(client)));
    expect_nothing(client);
    ASSERT_OK(eddy_datagram_send_to(server, "true", 4, eddy_datagram_local(client)));
    expect(client, "true", NULL);
    return 0;
}

TASK_TEST(a_flood_is_cut_and_the_endpoint_goes_on) {
    ENDPOINT server = open_with(
        &(eddy_datagram_options){.local_host = "127.0.0.1", .receive_buffer_bytes = 4096});
    ENDPOINT client = open_to(server);
    static char bytes[1000];
    int received = 0;
    for (int i = 0; i < 1000; i++)
        ASSERT_OK(eddy_datagram_send(client, bytes, sizeof(bytes)));
    settle();
    for (;;) {
        eddy_datagram one = {.data = bytes, .room = sizeof(bytes)};
        eddy_timeout timeout;
        eddy_timeout_begin(&timeout, 0.02);
        int r = eddy_timeout_end(&timeout, eddy_datagram_receive_many(server, &one, 1));
        if (r == -ETIMEDOUT)
            break;
        ASSERT_INT_EQ(r, 1);
        received++;
    }
    ASSERT(received > 0 && received < 1000);
    ASSERT_OK(eddy_datagram_send(client, "after", 5));
    expect(server, "after", NULL);
    return 0;
}

/* --- batches ---------------------------------------------------------------------------------- */

enum { MANY = 100 };

struct many {
    eddy_datagram datagrams[MANY];
    char bytes[MANY][16];
};

static struct many *many_new(void) {
    struct many *many = calloc(1, sizeof(*many));

    for (int i = 0; i < MANY; i++) {
        many->datagrams[i].data = many->bytes[i];
        many->datagrams[i].room = sizeof(many->bytes[i]);
        many->datagrams[i].size =
            (size_t)snprintf(many->bytes[i], sizeof(many->bytes[i]), "number %d", i);
    }
    return many;
}

static void check_number(const eddy_datagram *datagram, int number) {
    char text[16];

    snprintf(text, sizeof(text), "number %d", number);
    ASSERT_UINT_EQ(datagram->size, strlen(text));
    ASSERT_MEM_EQ(datagram->data, text, strlen(text));
}

TASK_TEST(many_are_sent_and_received_in_order) {
    ENDPOINT server = open_with(
        &(eddy_datagram_options){.local_host = "127.0.0.1", .receive_buffer_bytes = 1 << 20});
    ENDPOINT client = open_to(server);
    struct many *out = many_new(), *in = many_new();
    int had = 0;
    ASSERT_INT_EQ(eddy_datagram_send_many(client, out->datagrams, MANY), MANY);
    while (had < MANY) {
        int r = eddy_datagram_receive_many(server, in->datagrams, MANY);
        ASSERT(r > 0);
        for (int i = 0; i < r; i++) {
            check_number(&in->datagrams[i], had + i);
            ASSERT(eddy_address_is_equal(&in->datagrams[i].address, eddy_datagram_local(client)));
        }
        had += r;
    }
    ASSERT_INT_EQ(had, MANY);
    ASSERT_INT_EQ(eddy_datagram_receive_many(server, in->datagrams, 0), 0);
    ASSERT_INT_EQ(eddy_datagram_send_many(client, out->datagrams, 0), 0);
    free(out);
    free(in);
    return 0;
}

static int run_receive_many(void *arg) {
    struct receiver *receiver = arg;
    eddy_datagram datagrams[4];

    for (int i = 0; i < 4; i++)
        datagrams[i] = (eddy_datagram){.data = receiver->bytes + 16 * i, .room = 16};
    receiver->result = eddy_datagram_receive_many(receiver->endpoint, datagrams, 4);
    return 0;
}

TASK_TEST(a_batch_waits_for_its_first_and_takes_what_came_with_it) {
    ENDPOINT server = open_local();
    ENDPOINT client = open_to(server);
    struct receiver receiver = {.endpoint = server};
    struct many *out = many_new();
    eddy_task *task = eddy_create_task(run_receive_many, &receiver);
    settle();
    ASSERT(!eddy_is_done(task));
    ASSERT_INT_EQ(eddy_datagram_send_many(client, out->datagrams, 3), 3);
    ASSERT_OK(eddy_await(task));
    ASSERT(receiver.result >= 1 && receiver.result <= 3);
    ASSERT_MEM_EQ(receiver.bytes, "number 0", 8);
    free(out);
    return 0;
}

TASK_TEST(a_batch_to_several_addresses_stops_at_the_one_that_cannot_be_sent) {
    ENDPOINT one = open_local();
    ENDPOINT other = open_local();
    ENDPOINT sender = open_local();
    struct many *out = many_new();
    for (int i = 0; i < 5; i++)
        out->datagrams[i].address = *eddy_datagram_local(i % 2 ? other : one);
    out->datagrams[3].address.size = 0; /* to nobody: it is not connected */
    ASSERT_INT_EQ(eddy_datagram_send_many(sender, out->datagrams, 5), 3);
    ASSERT_CODE(-EDESTADDRREQ, eddy_datagram_send_many(sender, out->datagrams + 3, 2));
    expect(one, "number 0", NULL);
    expect(one, "number 2", NULL);
    expect(other, "number 1", NULL);
    free(out);
    return 0;
}

/* --- broadcast and multicast ------------------------------------------------------------------ */

TASK_TEST(broadcasts_need_the_option) {
    ENDPOINT shy = open_with(&(eddy_datagram_options){.local_host = "0.0.0.0"});
    ENDPOINT loud = open_with(&(eddy_datagram_options){.local_host = "0.0.0.0", .broadcast = true});
    eddy_address all;
    char text[32];
    snprintf(text, sizeof(text), "127.255.255.255:%d", eddy_address_port(eddy_datagram_local(shy)));
    ASSERT_OK(eddy_address_parse(text, &all));
    ASSERT_CODE(-EACCES, eddy_datagram_send_to(shy, "x", 1, &all));
    ASSERT_OK(eddy_datagram_send_to(loud, "hear", 4, &all));
    expect(shy, "hear", NULL);
    return 0;
}

/* 0, or this machine has no multicast there. */
static int join(eddy_datagram_endpoint *endpoint, const char *group) {
    int r = eddy_datagram_join(endpoint, group, "lo");

    if (r < 0)
        printf("skipped: no group can be joined on lo: %s\n", eddy_error_text(r));
    return r;
}

static void talk_in_group(const char *any, const char *group, const char *to_format) {
    ENDPOINT member = open_with(&(eddy_datagram_options){.local_host = any, .reuse_address = true});
    ENDPOINT sender = open_with(&(eddy_datagram_options){
        .local_host = any, .multicast_interface = "lo", .multicast_hops = 1, .hops = 2});
    eddy_address to;
    char text[64];
    if (join(member, group) < 0)
        return;
    ASSERT_CODE(-EADDRINUSE, eddy_datagram_join(member, group, "lo"));
    snprintf(text, sizeof(text), to_format, group, eddy_address_port(eddy_datagram_local(member)));
    ASSERT_OK(eddy_address_parse(text, &to));
    int r = eddy_datagram_send_to(sender, "members", 7, &to);
    if (r == -ENETUNREACH) {
        printf("skipped: there is no route for multicasts\n");
        return;
    }
    ASSERT_OK(r);
    expect(member, "members", NULL);
    ASSERT_OK(eddy_datagram_leave(member, group, "lo"));
    ASSERT_CODE(-EADDRNOTAVAIL, eddy_datagram_leave(member, group, "lo"));
    ASSERT_OK(eddy_datagram_send_to(sender, "members", 7, &to));
    expect_nothing(member);
}

TASK_TEST(a_group_of_ipv4_hears_its_members_only) {
    if (test_is_emulated())
        return 0; /* the emulator knows no interface for multicasts */
    talk_in_group("0.0.0.0", "239.255.42.42", "%s:%d");
    return 0;
}

TASK_TEST(a_group_of_ipv6_hears_its_members_only) {
    eddy_datagram_endpoint *probe = NULL;
    if (test_is_emulated())
        return 0;
    if (eddy_create_datagram_endpoint(&(eddy_datagram_options){.local_host = "::1"}, &probe) < 0) {
        printf("skipped: there is no IPv6 here\n");
        return 0;
    }
    eddy_datagram_close(probe);
    talk_in_group("::", "ff01::4242", "[%s%%lo]:%d");
    return 0;
}

TASK_TEST(what_is_no_group_is_refused) {
    ENDPOINT endpoint = open_local();
    ASSERT_CODE(-EINVAL, eddy_datagram_join(endpoint, "ff02::1", NULL));
    ASSERT_CODE(-EINVAL, eddy_datagram_join(endpoint, "127.0.0.1", "lo"));
    ASSERT_CODE(-ENODEV, eddy_datagram_join(endpoint, "239.0.0.1", "nodev9"));
    return 0;
}

TASK_TEST(ports_can_be_shared) {
    ENDPOINT one =
        open_with(&(eddy_datagram_options){.local_host = "127.0.0.1", .reuse_port = true});
    char port[8];
    snprintf(port, sizeof(port), "%d", eddy_address_port(eddy_datagram_local(one)));
    ENDPOINT other = open_with(&(eddy_datagram_options){
        .local_host = "127.0.0.1", .local_port = port, .reuse_port = true});
    ASSERT(eddy_address_is_equal(eddy_datagram_local(one), eddy_datagram_local(other)));
    return 0;
}

/* --- Unix ------------------------------------------------------------------------------------- */

TASK_TEST(unix_datagrams_go_by_path) {
    char folder[] = "/tmp/eddy-datagram-XXXXXX", path[64];
    struct stat about;
    eddy_address from;
    ASSERT_NOT_NULL(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/socket", folder);
    eddy_datagram_endpoint *server = open_with(&(eddy_datagram_options){.local_path = path});
    ENDPOINT named = open_with(&(eddy_datagram_options){.local_path = "@", .remote_path = path});
    ENDPOINT nameless = open_with(&(eddy_datagram_options){.remote_path = path});
    ASSERT_OK(eddy_datagram_send(named, "one", 3));
    expect(server, "one", &from);
    ASSERT(eddy_address_is_equal(&from, eddy_datagram_local(named)));
    ASSERT_OK(eddy_datagram_send_to(server, "back", 4, &from));
    expect(named, "back", NULL);
    ASSERT_OK(eddy_datagram_send(nameless, "two", 3));
    expect(server, "two", &from);
    ASSERT_CODE(-EINVAL, eddy_datagram_join(server, "239.0.0.1", NULL));

    eddy_datagram_close(server);
    ASSERT_INT_EQ(stat(path, &about), -1); /* the file is gone with it */
    ASSERT_CODE(-ECONNREFUSED, eddy_datagram_send(named, "x", 1));
    ASSERT_INT_EQ(rmdir(folder), 0);
    return 0;
}

TASK_TEST(a_file_left_by_another_program_is_taken_over_and_one_in_use_is_not) {
    char folder[] = "/tmp/eddy-datagram-XXXXXX";
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    eddy_datagram_endpoint *none = NULL;
    ASSERT_NOT_NULL(mkdtemp(folder));
    snprintf(name.sun_path, sizeof(name.sun_path), "%s/socket", folder);
    int left = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    ASSERT_INT_EQ(bind(left, (struct sockaddr *)&name, sizeof(name)), 0);
    ASSERT_CODE(-EADDRINUSE, eddy_create_datagram_endpoint(
                                 &(eddy_datagram_options){.local_path = name.sun_path}, &none));
    close(left);
    eddy_datagram_endpoint *endpoint =
        open_with(&(eddy_datagram_options){.local_path = name.sun_path});
    unlink(name.sun_path);
    left = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    ASSERT_INT_EQ(bind(left, (struct sockaddr *)&name, sizeof(name)), 0);
    eddy_datagram_close(endpoint); /* it is another's now, and stays */
    ASSERT_INT_EQ(unlink(name.sun_path), 0);
    close(left);
    ASSERT_INT_EQ(rmdir(folder), 0);
    return 0;
}

struct sender {
    eddy_datagram_endpoint *endpoint;
    const eddy_address *to; /* NULL: the peer */
    int count, result;
};

static int run_send(void *arg) {
    struct sender *sender = arg;

    for (int i = 0; i < sender->count; i++) {
        sender->result = sender->to ? eddy_datagram_send_to(sender->endpoint, "x", 1, sender->to)
                                    : eddy_datagram_send(sender->endpoint, "x", 1);
        if (sender->result < 0)
            break;
    }
    return 0;
}

/* More than a Unix receiver's queue holds. */
static void fill_and_drain(bool is_connected) {
    ENDPOINT server = open_with(&(eddy_datagram_options){.local_path = "@"});
    char path[EDDY_ADDRESS_TEXT_BYTES];
    eddy_address_format(eddy_datagram_local(server), path);
    ENDPOINT client = open_with(&(eddy_datagram_options){
        .remote_path = is_connected ? path + strlen("unix:") : NULL, .family = AF_UNIX});
    struct sender sender = {client, is_connected ? NULL : eddy_datagram_local(server), 3000, 0};
    eddy_task *task = eddy_create_task(run_send, &sender);
    settle();
    ASSERT(!eddy_is_done(task));
    for (int i = 0; i < 3000; i++)
        expect(server, "x", NULL);
    ASSERT_OK(eddy_await(task));
    ASSERT_OK(sender.result);
}

TASK_TEST(a_full_unix_peer_is_waited_for) {
    fill_and_drain(true);
    return 0;
}

TASK_TEST(a_full_unix_receiver_is_tried_again) {
    fill_and_drain(false);
    return 0;
}

static void close_over_sender(bool is_connected) {
    ENDPOINT server = open_with(&(eddy_datagram_options){.local_path = "@"});
    char path[EDDY_ADDRESS_TEXT_BYTES];
    eddy_address_format(eddy_datagram_local(server), path);
    eddy_datagram_endpoint *client = open_with(&(eddy_datagram_options){
        .remote_path = is_connected ? path + strlen("unix:") : NULL, .family = AF_UNIX});
    struct sender sender = {client, is_connected ? NULL : eddy_datagram_local(server), 30000, 0};
    eddy_task *task = eddy_create_task(run_send, &sender);
    settle();
    eddy_datagram_close(client);
    ASSERT_OK(eddy_await(task));
    ASSERT_CODE(EDDY_ECLOSED, sender.result);
}

TASK_TEST(a_close_wakes_who_waits_for_room) {
    close_over_sender(true);
    close_over_sender(false);
    return 0;
}

/* --- the end ---------------------------------------------------------------------------------- */

TASK_TEST(a_close_wakes_every_receiver) {
    eddy_datagram_endpoint *server = open_local();
    struct receiver receivers[3] = {
        {.endpoint = server}, {.endpoint = server}, {.endpoint = server}};
    eddy_task *tasks[3] = {start_receiver(&receivers[0]), start_receiver(&receivers[1]),
                           eddy_create_task(run_receive_many, &receivers[2])};
    settle();
    ASSERT_NULL(eddy_datagram_close(server));
    ASSERT_OK(eddy_gather_array(tasks, 3, NULL));
    for (int i = 0; i < 3; i++)
        ASSERT_CODE(EDDY_ECLOSED, receivers[i].result);
    ASSERT_NULL(eddy_datagram_close(NULL));
    return 0;
}

TASK_TEST(a_cancelled_receive_has_taken_nothing) {
    ENDPOINT server = open_local();
    ENDPOINT client = open_to(server);
    struct receiver receiver = {.endpoint = server};
    eddy_task *task = start_receiver(&receiver);
    eddy_cancel(task);
    ASSERT_OK(eddy_await(task));
    ASSERT_CODE(-ECANCELED, receiver.result);
    ASSERT_OK(eddy_datagram_send(client, "for the next", 12));
    expect(server, "for the next", NULL);
    return 0;
}

static int leave_waiting(void *arg) {
    struct receiver *receiver = arg;

    receiver->endpoint = open_local();
    eddy_detach(eddy_create_task(run_receive, receiver));
    settle();
    return 0;
}

static void ignore_log(eddy_log_level level, const char *text, void *arg) {
    (void)level, (void)text, (void)arg;
}

TEST(an_endpoint_outlives_its_loop_and_may_be_closed_then) {
    struct receiver receiver = {.endpoint = NULL};
    eddy_loop *loop;
    int before = count_descriptors();
    eddy_set_log(ignore_log, NULL);
    ASSERT_OK(eddy_loop_new(NULL, &loop));
    ASSERT_OK(eddy_loop_run_until_complete(
        loop, eddy_create_task_with(&(eddy_task_options){.loop = loop}, leave_waiting, &receiver)));
    ASSERT_NULL(eddy_loop_close(loop));
    ASSERT_NULL(eddy_datagram_close(receiver.endpoint));
    assert_descriptors(before);
}

TEST(the_options_may_grow) {
    ASSERT_UINT_EQ(sizeof(eddy_datagram_options), 80);
    ASSERT_UINT_EQ(sizeof(eddy_datagram), 160);
    ASSERT_UINT_EQ(sizeof(eddy_address), 136);
}
