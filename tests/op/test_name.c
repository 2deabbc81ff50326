/* SPDX-License-Identifier: MIT
 * test_name.c - look-ups: without a thread, in one, failed, cancelled, and left behind. */
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "address.h"
#include "look_ups.h"

static void assert_first(const struct waiting *waiting, const char *text) {
    char address[ADDRESS_TEXT_BYTES];

    eddy__address_format(waiting->lookup.addresses->ai_addr, waiting->lookup.addresses->ai_addrlen,
                         address);
    ASSERT_STR_EQ(address, text);
}

/* --- numbers ---------------------------------------------------------------------------------- */

TEST(numbers_are_resolved_at_once_and_without_a_thread) {
    eddy_loop *loop = new_loop();
    struct waiting waiting;
    int left = 1;

    ASSERT(look_up(&waiting, loop, &left, "127.0.0.1", "80"));
    ASSERT_INT_EQ(waiting.lookup.result, 0);
    assert_first(&waiting, "127.0.0.1:80");
    eddy__addresses_free(waiting.lookup.addresses);

    ASSERT(look_up(&waiting, loop, &left, "::1", "443"));
    assert_first(&waiting, "[::1]:443");
    eddy__addresses_free(waiting.lookup.addresses);

    ASSERT_INT_EQ(waiting.calls, 0);
    ASSERT_INT_EQ(eddy__resolver_threads(), 0);
    eddy_loop_close(loop);
}

TEST(no_host_is_this_machine_or_every_address_of_it) {
    eddy_loop *loop = new_loop();
    struct waiting waiting = {.lookup.done = lookup_done};
    bool has_any = false;

    ASSERT(eddy__lookup_submit(loop, &waiting.lookup, "", "80", AI_PASSIVE));
    ASSERT_INT_EQ(waiting.lookup.result, 0);
    for (struct addrinfo *info = waiting.lookup.addresses; info; info = info->ai_next) {
        char text[ADDRESS_TEXT_BYTES];
        eddy__address_format(info->ai_addr, info->ai_addrlen, text);
        has_any = has_any || strcmp(text, "0.0.0.0:80") == 0;
    }
    ASSERT(has_any);
    eddy__addresses_free(waiting.lookup.addresses);
    eddy_loop_close(loop);
}

TEST(a_port_that_is_none_is_refused) {
    static const char *const ports[] = {"65536", "99999999999999999999", "", NULL};
    struct waiting waiting;

    for (size_t i = 0; i < ARRAY_SIZE(ports); i++)
        ASSERT_CODE(-EINVAL, look_up_now(&waiting, "127.0.0.1", ports[i]));
    ASSERT_STR_CONTAINS(eddy_last_error()->message, "no port: 0 to 65535");
    eddy__error_set(eddy__error_slot(), NULL);
}

/* --- names ------------------------------------------------------------------------------------ */

static pthread_t resolver_thread;
static int answer, answer_errno;

static int answer_from_thread(const char *host, const char *port, const struct addrinfo *hints,
                              struct addrinfo **out) {
    (void)host, (void)port;
    resolver_thread = pthread_self();
    errno = answer_errno;
    return answer ? answer : getaddrinfo("192.0.2.7", "80", hints, out);
}

TEST(a_name_is_resolved_in_a_thread_and_told_on_the_loop) {
    struct waiting waiting;

    eddy__resolver = answer_from_thread;
    ASSERT_OK(look_up_now(&waiting, "some.name", "http"));
    ASSERT_INT_EQ(waiting.calls, 1);
    ASSERT(!pthread_equal(resolver_thread, pthread_self()));
    assert_first(&waiting, "192.0.2.7:80");
    eddy__addresses_free(waiting.lookup.addresses);
}

TEST(localhost_and_a_service_have_names) {
    struct waiting waiting;

    ASSERT_OK(look_up_now(&waiting, "localhost", "80"));
    ASSERT_INT_EQ(waiting.calls, 1);
    eddy__addresses_free(waiting.lookup.addresses);
}

TEST(a_name_that_does_not_exist_is_told_in_a_sentence) {
    struct waiting waiting;

    eddy__resolver = answer_from_thread;
    answer = EAI_NONAME;
    ASSERT_CODE(EDDY_ENAME, look_up_now(&waiting, "nohost.invalid", "80"));
    ASSERT_STR_EQ(eddy_last_error()->message,
                  "cannot resolve \"nohost.invalid\": Name or service not known");
    eddy__error_set(eddy__error_slot(), NULL);
}

TEST(a_service_that_does_not_exist_is_told_in_a_sentence) {
    struct waiting waiting;

    ASSERT_CODE(EDDY_ENAME, look_up_now(&waiting, "127.0.0.1", "no-such-service"));
    ASSERT_STR_CONTAINS(eddy_last_error()->message,
                        "cannot resolve the port \"no-such-service\": ");
    eddy__error_set(eddy__error_slot(), NULL);
}

TEST(what_is_not_the_names_fault_keeps_its_code) {
    struct waiting waiting;

    eddy__resolver = answer_from_thread;
    answer = EAI_MEMORY;
    ASSERT_CODE(-ENOMEM, look_up_now(&waiting, "some.name", "80"));
    answer = EAI_SYSTEM;
    answer_errno = EMFILE;
    ASSERT_CODE(-EMFILE, look_up_now(&waiting, "some.name", "80"));
    ASSERT_STR_EQ(eddy_last_error()->message, "cannot resolve \"some.name\": Too many open files");
    eddy__error_set(eddy__error_slot(), NULL);
}

TEST(a_name_longer_than_dns_knows_is_not_even_looked_for) {
    struct waiting waiting;
    char host[3000];

    memset(host, 'a', sizeof(host) - 1);
    host[sizeof(host) - 1] = '\0';
    ASSERT_CODE(EDDY_ENAME, look_up_now(&waiting, host, "80"));
    ASSERT_INT_EQ(eddy__resolver_threads(), 0);
    eddy__error_set(eddy__error_slot(), NULL);
}

/* --- slow names ------------------------------------------------------------------------------- */

/* The threads have nothing to do any more: what they left behind is freed. */
static void wait_until_idle(void) {
    struct waiting waiting;

    eddy__resolver = answer_at_once;
    for (int i = 0; i < 50; i++) {
        usleep(2000);
        if (i % 10 == 0 && look_up_now(&waiting, "some.name", "80") == 0)
            eddy__addresses_free(waiting.lookup.addresses);
    }
}

TEST(a_cancelled_look_up_ends_at_once_and_the_thread_finishes_alone) {
    eddy_loop *loop = new_loop();
    struct waiting waiting;
    int left = 1;

    be_slow();
    ASSERT(!look_up(&waiting, loop, &left, "some.name", "80"));
    sem_wait(&arrived);
    eddy__lookup_cancel(&waiting.lookup);
    ASSERT_INT_EQ(waiting.calls, 1);
    ASSERT_CODE(-ECANCELED, waiting.lookup.result);
    ASSERT_INT_EQ(loop->outside, 0);

    eddy__lookup_cancel(&waiting.lookup); /* it is over: nothing happens */
    ASSERT_INT_EQ(waiting.calls, 1);
    sem_post(&gate);
    wait_until_idle();
    ASSERT_OK(eddy_loop_run_once(loop, 0));
    ASSERT_INT_EQ(waiting.calls, 1);
    ASSERT_INT_EQ(loop->outside, 0);
    eddy_loop_close(loop);
}

TEST(a_loop_may_close_while_a_left_look_up_still_runs) {
    eddy_loop *loop = new_loop();
    struct waiting waiting;
    int left = 1;

    be_slow();
    ASSERT(!look_up(&waiting, loop, &left, "some.name", "80"));
    sem_wait(&arrived);
    eddy__lookup_cancel(&waiting.lookup);
    ASSERT_NULL(eddy_loop_close(loop));
    sem_post(&gate);
    wait_until_idle();
}
