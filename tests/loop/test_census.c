/* SPDX-License-Identifier: MIT
 * test_census.c - all loops added up, from any thread, and across a fork. */
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <sys/wait.h>

#include "fixture.h"

static eddy_loop_statistics sum(int loops) {
    eddy_loop_statistics info;

    ASSERT_INT_EQ(eddy_all_loops_info(&info), loops);
    ASSERT_NULL(info.backend);
    ASSERT_NULL(info.reason);
    ASSERT_NULL(info.stack_guard);
    return info;
}

TEST(without_loops_the_sum_is_nothing) {
    eddy_loop_statistics info = sum(0);

    ASSERT_UINT_EQ(info.turns, 0);
    ASSERT_UINT_EQ(info.switches, 0);
    ASSERT_UINT_EQ(info.tasks, 0);
}

static void nothing(void *unused) {
    (void)unused;
}

static void run_callbacks(eddy_loop *loop, int count) {
    for (int i = 0; i < count; i++)
        eddy_call_soon(loop, nothing, NULL);
    eddy_call_later(loop, 1, nothing, NULL); /* a wait before it: where figures are published */
    run_dry(loop);
}

TEST(the_loops_are_added_up_and_what_a_closed_one_did_stays) {
    eddy_loop_statistics one;
    eddy_loop *first = test_loop(), *second = test_loop();

    run_callbacks(first, 10);
    run_callbacks(second, 20);
    ASSERT_UINT_EQ(sum(2).switches, 30); /* the last of each was run after its last wait */
    ASSERT_OK(eddy_loop_info(first, &one));
    ASSERT_UINT_EQ(one.switches, 11);
    ASSERT_NULL(eddy_loop_close(first));
    ASSERT_UINT_EQ(sum(1).switches, 31);
    ASSERT_NULL(eddy_loop_close(second));
    ASSERT_UINT_EQ(sum(0).switches, 32);
    ASSERT(sum(0).turns >= 4);
}

/* --- threads ---------------------------------------------------------------------------------- */

static atomic_bool over;

static void *looks(void *unused) {
    uint64_t switches = 0;

    (void)unused;
    while (!over) {
        eddy_loop_statistics info;
        eddy_all_loops_info(&info);
        ASSERT(info.switches >= switches);
        switches = info.switches;
    }
    return NULL;
}

static void *comes_and_goes(void *unused) {
    (void)unused;
    for (int i = 0; i < 50; i++) {
        eddy_loop *loop = test_loop();
        run_callbacks(loop, 5);
        ASSERT_NULL(eddy_loop_close(loop));
    }
    return NULL;
}

TEST(they_may_be_looked_at_while_they_come_and_go) {
    pthread_t threads[3], looker;

    ASSERT_INT_EQ(pthread_create(&looker, NULL, looks, NULL), 0);
    for (int i = 0; i < 3; i++)
        ASSERT_INT_EQ(pthread_create(&threads[i], NULL, comes_and_goes, NULL), 0);
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    over = true;
    pthread_join(looker, NULL);
    ASSERT_UINT_EQ(sum(0).switches, 3 * 50 * 6);
}

TEST(a_loop_that_never_rests_shows_its_figures_too) {
    LOOP loop = test_loop();
    for (int i = 0; i < 1000; i++) {
        eddy_call_soon(loop, nothing, NULL);
        turn(loop);
    }
    ASSERT(sum(1).switches >= 900);
}

/* --- fork ------------------------------------------------------------------------------------- */

TEST(a_forked_child_counts_afresh) {
    LOOP loop = test_loop();
    int status;

    run_callbacks(loop, 10);
    pid_t child = fork();
    if (child == 0) {
        eddy_loop_statistics info;
        bool well = eddy_all_loops_info(&info) == 0 && info.switches == 0;
        eddy_loop *own;
        well = well && eddy_loop_new(NULL, &own) == 0 && eddy_all_loops_info(&info) == 1;
        well = well && !eddy_loop_close(own) && eddy_all_loops_info(&info) == 0;
        _exit(well ? 42 : 1);
    }
    ASSERT_INT_EQ(waitpid(child, &status, 0), child);
    ASSERT(WIFEXITED(status) && WEXITSTATUS(status) == 42);
    ASSERT_UINT_EQ(sum(1).switches, 10);
}
