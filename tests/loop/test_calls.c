/* SPDX-License-Identifier: MIT
 * test_calls.c - the records of eddy_call_soon_threadsafe(): each is one caller's, all are used
 * again, and without room the call is refused. What runs when: test_wakeup.c. */
#include "calls.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "fixture.h"
#include "refuse.h"

enum { MANY = 10000 };

static void give_back(struct eddy__call **calls, int count) {
    struct eddy__calls_done done = {0};

    for (int i = 0; i < count; i++)
        eddy__calls_done_add(&done, calls[i]);
    eddy__calls_done_flush(&done);
}

static void take(struct eddy__call **calls, int count) {
    for (int i = 0; i < count; i++) {
        calls[i] = eddy__call_take();
        ASSERT_NOT_NULL(calls[i]);
        calls[i]->arg = &calls[i];
    }
}

static void assert_own(struct eddy__call **calls, int count) {
    for (int i = 0; i < count; i++)
        ASSERT_PTR_EQ(calls[i]->arg, &calls[i]);
}

TEST(calls_that_are_out_are_all_different) {
    static struct eddy__call *calls[MANY];
    take(calls, MANY);
    assert_own(calls, MANY);
    give_back(calls, MANY);
}

static int compare_pointers(const void *a, const void *b) {
    uintptr_t x = *(const uintptr_t *)a, y = *(const uintptr_t *)b;

    return (x > y) - (x < y);
}

/* How many of the second are among the first; sorts the first. */
static int count_again(struct eddy__call **first, struct eddy__call **second) {
    int again = 0;

    qsort(first, MANY, sizeof(*first), compare_pointers);
    for (int i = 0; i < MANY; i++)
        again += !!bsearch(&second[i], first, MANY, sizeof(*first), compare_pointers);
    return again;
}

TEST(calls_that_were_given_back_in_any_order_are_used_again) {
    static struct eddy__call *first[MANY], *second[MANY];
    take(first, MANY);
    for (int i = 0; i < MANY; i++) /* here and there, so no two in a row are of one block */
        eddy__call_give(first[i * 7919L % MANY]);
    take(second, MANY);

    /* All but those of the blocks that were not yet full. */
    ASSERT(count_again(first, second) > MANY - 500);
    give_back(second, MANY);
}

enum { THREADS = 40, EACH = 3000 }; /* more threads than magazines */

static void *take_and_give(void *arg) {
    struct eddy__call **calls = arg;

    for (int round = 0; round < 10; round++) {
        take(calls, EACH);
        assert_own(calls, EACH);
        give_back(calls, EACH);
    }
    return NULL;
}

TEST(no_two_threads_get_the_same_call) {
    static struct eddy__call *calls[THREADS][EACH];
    pthread_t threads[THREADS];

    for (int i = 0; i < THREADS; i++)
        ASSERT_INT_EQ(pthread_create(&threads[i], NULL, take_and_give, calls[i]), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
}

/* --- no room ---------------------------------------------------------------------------------- */

enum { CHUNK_REFUSED = 2 << 20 };

static int posts_until_refused(eddy_loop *loop, int *ran) {
    int posted = 0, r;

    while ((r = eddy_call_soon_threadsafe(loop, count, ran)) == 0)
        posted++;
    ASSERT_CODE(-ENOMEM, r);
    return posted;
}

TEST(without_room_a_call_is_refused_keeps_errno_and_loses_none_of_those_before) {
    LOOP loop = test_loop();
    int ran = 0, posted;
    if (test_is_emulated())
        return; /* no filters there */
    refuse_if(SYS_mmap, 1, CHUNK_REFUSED, ENOMEM);
    errno = ERANGE;
    posted = posts_until_refused(loop, &ran);
    ASSERT_INT_EQ(errno, ERANGE);
    ASSERT(posted > 50000);
    turn(loop);
    ASSERT_INT_EQ(ran, posted);
    ASSERT_INT_EQ(posts_until_refused(loop, &ran), posted); /* nothing was lost of the room */
    turn(loop);
    ASSERT_INT_EQ(ran, 2 * posted);
}

TEST(a_call_that_a_closed_loop_refuses_is_used_again) {
    eddy_loop *loop = test_loop();
    struct eddy__call *before, *after;
    eddy_loop_ref(loop);
    ASSERT_NULL(eddy_loop_close(loop));
    before = eddy__call_take();
    for (int i = 0; i < 1000000; i++)
        ASSERT_CODE(EDDY_ESHUTDOWN, eddy_call_soon_threadsafe(loop, count, NULL));
    after = eddy__call_take();
    ASSERT((uintptr_t)after - (uintptr_t)before < 1 << 20 ||
           (uintptr_t)before - (uintptr_t)after < 1 << 20);
    eddy__call_give(before);
    eddy__call_give(after);
    eddy_loop_unref(loop);
}
