/* SPDX-License-Identifier: MIT
 * test_name_pool.c - the threads that look names up: how many, in whose turn, for how many at once;
 * without one, after a fork, and at the end. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "look_ups.h"

enum { MANY = 200, SITE_MAX = 48 };

/* So many look-ups may be under way: a quarter of the descriptors. */
static void limit_threads(int count) {
    struct rlimit limit = {(rlim_t)count * 4, (rlim_t)count * 4};
    ASSERT_INT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

TEST(threads_that_are_stuck_have_others_started_in_their_place) {
    eddy_loop *loop = new_loop();
    struct waiting waiting[MANY];
    int left = MANY;

    be_slow();
    for (int i = 0; i < MANY; i++)
        ASSERT(!look_up_number(&waiting[i], loop, &left, i));
    ASSERT_INT_EQ(loop->outside, MANY);
    for (int i = 0; i < MANY; i++) /* all of them ask: no time-out here is theirs */
        sem_wait(&arrived);
    ASSERT_INT_EQ(eddy__resolver_threads(), MANY);

    for (int i = 0; i < MANY; i++)
        sem_post(&gate);
    ASSERT_OK(eddy_loop_run_forever(loop));
    free_answers(waiting, MANY);
    ASSERT_INT_EQ(loop->outside, 0);
    eddy_loop_close(loop);
}

TEST(no_site_has_all_the_threads) {
    eddy_loop *loop = new_loop();
    struct waiting waiting[MANY], other;
    int left = MANY + 1;

    limit_threads(64);
    be_slow();
    for (int i = 0; i < MANY; i++) {
        char host[32];
        snprintf(host, sizeof(host), "n%d.slow.test", i);
        ASSERT(!look_up(&waiting[i], loop, &left, host, "80"));
    }
    for (int i = 0; i < SITE_MAX; i++)
        sem_wait(&arrived);
    usleep(20 * 1000);
    ASSERT_INT_EQ(sem_trywait(&arrived), -1);

    ASSERT(!look_up(&other, loop, &left, "another.site", "80"));
    sem_wait(&arrived);
    ASSERT_INT_EQ(eddy__resolver_threads(), SITE_MAX + 1);

    for (int i = 0; i < MANY + 1; i++)
        sem_post(&gate);
    ASSERT_OK(eddy_loop_run_forever(loop));
    free_answers(waiting, MANY);
    free_answers(&other, 1);
    eddy_loop_close(loop);
}

/* In the order in which they were asked. */
static char asked[8][32];
static atomic_int asked_count;

static int answer_and_note(const char *host, const char *port, const struct addrinfo *hints,
                           struct addrinfo **out) {
    int place = atomic_fetch_add(&asked_count, 1);

    if (place < (int)ARRAY_SIZE(asked))
        snprintf(asked[place], sizeof(asked[place]), "%s", host);
    return answer_slowly(host, port, hints, out);
}

TEST(sites_take_turns) {
    static const char *const hosts[] = {"a.one.test", "b.one.test", "c.one.test",
                                        "d.one.test", "other",      "x.two.test."};
    static const char *const turns[] = {"a.one.test", "other",      "x.two.test.",
                                        "b.one.test", "c.one.test", "d.one.test"};
    enum { KEPT = 16, SITES = ARRAY_SIZE(hosts) };
    eddy_loop *loop = new_loop();
    struct waiting held[KEPT], waiting[SITES];
    int left = KEPT + SITES;

    limit_threads(KEPT);
    be_slow();
    for (int i = 0; i < KEPT; i++) {
        ASSERT(!look_up_number(&held[i], loop, &left, i));
        sem_wait(&arrived);
    }
    eddy__resolver = answer_and_note;
    for (int i = 0; i < SITES; i++)
        ASSERT(!look_up(&waiting[i], loop, &left, hosts[i], "80"));
    for (int i = 0; i < SITES; i++) { /* one thread is let go, and asks for the next */
        sem_post(&gate);
        sem_wait(&arrived);
        ASSERT_STR_EQ(asked[i], turns[i]);
    }
    for (int i = 0; i < KEPT; i++)
        sem_post(&gate);
    ASSERT_OK(eddy_loop_run_forever(loop));
    free_answers(held, KEPT);
    free_answers(waiting, SITES);
    eddy_loop_close(loop);
}

TEST(one_that_waits_in_line_is_withdrawn_from_it) {
    enum { KEPT = 16 };
    eddy_loop *loop = new_loop();
    struct waiting held[KEPT], waiting[3];
    int left = KEPT + 3;

    limit_threads(KEPT);
    be_slow();
    for (int i = 0; i < KEPT; i++) {
        ASSERT(!look_up_number(&held[i], loop, &left, i));
        sem_wait(&arrived);
    }
    eddy__resolver = answer_and_note;
    for (int i = 0; i < 3; i++)
        ASSERT(!look_up_number(&waiting[i], loop, &left, KEPT + i));
    eddy__lookup_cancel(&waiting[1].lookup);
    ASSERT_CODE(-ECANCELED, waiting[1].lookup.result);
    for (int i = 0; i < KEPT + 2; i++)
        sem_post(&gate);
    ASSERT_OK(eddy_loop_run_forever(loop));
    ASSERT_INT_EQ(atomic_load(&asked_count), 2);
    free_answers(held, KEPT);
    eddy__addresses_free(waiting[0].lookup.addresses);
    eddy__addresses_free(waiting[2].lookup.addresses);
    ASSERT_INT_EQ(loop->outside, 0);
    eddy_loop_close(loop);
}

TEST(most_threads_that_a_crowd_has_brought_leave_with_it) {
    eddy_loop *loop = new_loop();
    struct waiting waiting[MANY];
    int left = MANY;

    be_slow();
    for (int i = 0; i < MANY; i++)
        ASSERT(!look_up_number(&waiting[i], loop, &left, i));
    for (int i = 0; i < MANY; i++)
        sem_wait(&arrived);
    for (int i = 0; i < MANY; i++)
        sem_post(&gate);
    ASSERT_OK(eddy_loop_run_forever(loop));
    while (eddy__resolver_threads() > 16) /* for the test's 20 seconds */
        usleep(1000);
    free_answers(waiting, MANY);
    eddy_loop_close(loop);
}

/* --- the same question ------------------------------------------------------------------------ */

TEST(a_question_that_is_under_way_is_not_asked_again) {
    eddy_loop *loop = new_loop(), *other = new_loop();
    struct waiting waiting[3], of_other, cancelled;
    int left = 3, left_of_other = 1, left_of_cancelled = 2;

    be_slow();
    for (int i = 0; i < 3; i++)
        ASSERT(!look_up(&waiting[i], loop, &left, "some.name", "80"));
    ASSERT(!look_up(&of_other, other, &left_of_other, "some.name", "80"));
    ASSERT(!look_up(&cancelled, loop, &left_of_cancelled, "some.name", "80"));
    sem_wait(&arrived);
    eddy__lookup_cancel(&cancelled.lookup);
    ASSERT_CODE(-ECANCELED, cancelled.lookup.result);
    sem_post(&gate);

    ASSERT_OK(eddy_loop_run_forever(loop));
    ASSERT_OK(eddy_loop_run_forever(other));
    ASSERT_INT_EQ(sem_trywait(&arrived), -1);
    ASSERT(waiting[0].lookup.addresses != waiting[1].lookup.addresses); /* each has its own */
    free_answers(waiting, 3);
    free_answers(&of_other, 1);
    eddy_loop_close(loop);
    eddy_loop_close(other);
}

TEST(another_port_family_or_flag_is_another_question) {
    static const struct addrinfo hints[] = {
        {.ai_family = AF_INET},
        {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM},
        {.ai_family = AF_INET, .ai_flags = AI_CANONNAME},
    };
    eddy_loop *loop = new_loop();
    struct waiting waiting[4];
    int left = 4;

    be_slow();
    for (int i = 0; i < 4; i++) {
        waiting[i] = (struct waiting){.lookup.done = lookup_done, .loop = loop, .left = &left};
        ASSERT(!eddy__lookup_submit_hints(loop, &waiting[i].lookup, "some.name",
                                          i < 3 ? "80" : "81", &hints[i % 3]));
    }
    for (int i = 0; i < 4; i++)
        sem_wait(&arrived);
    for (int i = 0; i < 4; i++)
        sem_post(&gate);
    ASSERT_OK(eddy_loop_run_forever(loop));
    free_answers(waiting, 4);
    eddy_loop_close(loop);
}

TEST(a_question_that_has_been_under_way_for_long_is_asked_again) {
    eddy_loop *loop = new_loop();
    struct waiting waiting[2];
    int left = 2;

    be_slow();
    ASSERT(!look_up(&waiting[0], loop, &left, "some.name", "80"));
    sem_wait(&arrived);
    usleep(1100 * 1000); /* the real clock's second: a server that is dead may be back */
    ASSERT(!look_up(&waiting[1], loop, &left, "some.name", "80"));
    sem_wait(&arrived);
    sem_post(&gate);
    sem_post(&gate);
    ASSERT_OK(eddy_loop_run_forever(loop));
    free_answers(waiting, 2);
    eddy_loop_close(loop);
}

TEST(what_nobody_waits_for_any_more_may_be_waited_for_again) {
    eddy_loop *loop = new_loop();
    struct waiting waiting;
    int left = 2;

    be_slow();
    ASSERT(!look_up(&waiting, loop, &left, "some.name", "80"));
    sem_wait(&arrived);
    eddy__lookup_cancel(&waiting.lookup);
    ASSERT(!look_up(&waiting, loop, &left, "some.name", "80"));
    sem_post(&gate);
    ASSERT_OK(eddy_loop_run_forever(loop));
    ASSERT_INT_EQ(sem_trywait(&arrived), -1);
    free_answers(&waiting, 1);
    eddy_loop_close(loop);
}

/* --- threads ---------------------------------------------------------------------------------- */

static char resolver_thread_name[16];

static int answer_with_name(const char *host, const char *port, const struct addrinfo *hints,
                            struct addrinfo **out) {
    (void)host;
    pthread_getname_np(pthread_self(), resolver_thread_name, sizeof(resolver_thread_name));
    return getaddrinfo("192.0.2.7", port, hints, out);
}

TEST(its_threads_have_a_name) {
    struct waiting waiting;

    eddy__resolver = answer_with_name;
    ASSERT_OK(look_up_now(&waiting, "some.name", "80"));
    free_answers(&waiting, 1);
    ASSERT_STR_EQ(resolver_thread_name, "eddy names");
}

/* A user of his own, who may have no more processes than the one. */
static bool forbid_threads(void) {
    struct rlimit none = {0, 0};

    return !test_is_emulated() && !UNDER_SANITIZER && setrlimit(RLIMIT_NPROC, &none) == 0 &&
           setresuid(65432, 65432, 65432) == 0;
}

TEST(without_a_thread_the_look_up_says_so) {
    struct waiting waiting;

    eddy__resolver = answer_at_once;
    if (!forbid_threads()) {
        puts("skipped: threads cannot be forbidden here");
        return;
    }
    ASSERT_CODE(-EAGAIN, look_up_now(&waiting, "some.name", "80"));
    ASSERT_STR_EQ(eddy_last_error()->message,
                  "cannot resolve \"some.name\": Resource temporarily unavailable");
    ASSERT_INT_EQ(eddy__resolver_threads(), 0);
    eddy__error_set(eddy__error_slot(), NULL);
}

TEST(with_one_thread_all_look_ups_are_made) {
    eddy_loop *loop = new_loop();
    struct waiting waiting[MANY];
    int left = 1;

    eddy__resolver = answer_at_once;
    ASSERT(!look_up(&waiting[0], loop, &left, "first.name", "80"));
    if (!forbid_threads())
        puts("threads cannot be forbidden here: there are more than one");
    left = MANY;
    for (int i = 1; i < MANY; i++)
        ASSERT(!look_up_number(&waiting[i], loop, &left, i));
    ASSERT_OK(eddy_loop_run_forever(loop));
    free_answers(waiting, MANY);
    eddy_loop_close(loop);
}

TEST(an_idle_thread_takes_the_next_name) {
    struct waiting waiting;

    eddy__resolver = answer_at_once;
    for (int i = 0; i < 20; i++) {
        ASSERT_OK(look_up_now(&waiting, "some.name", "80"));
        eddy__addresses_free(waiting.lookup.addresses);
        usleep(1000);
    }
    ASSERT(eddy__resolver_threads() <= 2);
}

TEST_EXIT(a_process_does_not_wait_for_a_slow_name, 7) {
    eddy_loop *loop = new_loop();
    static struct waiting waiting;
    static int left = 1;

    be_slow();
    ASSERT(!look_up(&waiting, loop, &left, "some.name", "80"));
    sem_wait(&arrived);
    eddy__lookup_cancel(&waiting.lookup);
    eddy_loop_close(loop);
    exit(7);
}

/* ThreadSanitizer would rather end a child that starts threads; this one means it. */
const char *__tsan_default_options(void);
const char *__tsan_default_options(void) {
    return "die_after_fork=0";
}

TEST(a_child_of_fork_starts_with_threads_of_its_own) {
    eddy_loop *loop = new_loop();
    struct waiting waiting, childs;
    int left = 1, status;
    pid_t child;

    be_slow();
    ASSERT(!look_up(&waiting, loop, &left, "some.name", "80"));
    sem_wait(&arrived);
    child = fork();
    if (child == 0) {
        eddy__resolver = answer_at_once;
        _exit(eddy__resolver_threads() == 0 && look_up_now(&childs, "some.name", "80") == 0 ? 0
                                                                                            : 1);
    }
    ASSERT_INT_EQ(waitpid(child, &status, 0), child);
    ASSERT_INT_EQ(status, 0);

    sem_post(&gate);
    ASSERT_OK(eddy_loop_run_forever(loop));
    ASSERT_INT_EQ(waiting.lookup.result, 0);
    eddy__addresses_free(waiting.lookup.addresses);
    eddy_loop_close(loop);
}
