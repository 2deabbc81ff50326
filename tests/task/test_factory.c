/* SPDX-License-Identifier: MIT
 * test_factory.c - a loop's task factory is asked for each task, and makes it. */
#include <pthread.h>

#include "virtual.h"

static eddy_task *counts(eddy_loop *loop, const char *origin, const eddy_task_options *options,
                         eddy_fn *fn, void *arg, void *counter) {
    ++*(int *)counter;
    return eddy_create_task_with_at(origin, sizeof(*options), options, fn, arg);
    (void)loop;
}

TASK_TEST(the_factory_is_asked_for_every_kind_of_creation) {
    eddy_task_group *group = eddy_task_group_new();
    int asked = 0;

    ASSERT_OK(eddy_loop_set_task_factory(NULL, counts, &asked));
    ASSERT_OK(eddy_await(eddy_create_task(noter, "plain")));
    ASSERT_OK(eddy_await(eddy_create_task_with(&(eddy_task_options){0}, noter, "with")));
    eddy_task_group_create_task(group, noter, "group");
    eddy_task_group_create_task_with(group, &(eddy_task_options){0}, noter, "group_with");
    ASSERT_OK(eddy_task_group_wait(group));
    ASSERT_OK(eddy_await(eddy_run_coroutine_threadsafe(eddy_running_loop(), noter, "threadsafe")));
    ASSERT_INT_EQ(asked, 5);
    ASSERT_STR_EQ(noted(), "plain with group group_with threadsafe");
}

TASK_TEST(no_factory_means_the_loop_s_own_way_again) {
    int asked = 0;

    ASSERT_OK(eddy_loop_set_task_factory(NULL, counts, &asked));
    ASSERT_OK(eddy_loop_set_task_factory(NULL, NULL, NULL));
    ASSERT_OK(eddy_await(eddy_create_task(noter, "plain")));
    ASSERT_INT_EQ(asked, 0);
}

TASK_TEST(a_task_of_a_factory_is_named_after_its_function_as_others) {
    eddy_task *plain, *with;
    int asked = 0;

    ASSERT_OK(eddy_loop_set_task_factory(NULL, counts, &asked));
    plain = eddy_create_task(noter, "a");
    with = eddy_create_task_with(&(eddy_task_options){0}, noter, "b");
    ASSERT_STR_EQ(eddy_task_name(plain), "noter");
    ASSERT_STR_EQ(eddy_task_name(with), "noter");
    ASSERT_OK(eddy_gather(plain, with));
}

static int creates_two(void *unused) {
    (void)unused;
    return eddy_gather(eddy_create_task(noter, "one"), eddy_create_task(noter, "two"));
}

TASK_TEST(the_eager_factory_starts_every_task_at_once) {
    eddy_task *task;

    ASSERT_OK(eddy_loop_set_task_factory(NULL, eddy_eager_task_factory, NULL));
    task = eddy_create_task(creates_two, NULL);
    ASSERT_STR_EQ(noted(), "one two");
    ASSERT_OK(eddy_await(task));
}

TASK_TEST(tasks_that_an_eager_task_creates_within_the_factory_are_asked_about) {
    int asked = 0;

    ASSERT_OK(eddy_loop_set_task_factory(NULL, counts, &asked));
    ASSERT_OK(
        eddy_await(eddy_create_task_with(&(eddy_task_options){.eager = true}, creates_two, NULL)));
    ASSERT_INT_EQ(asked, 3);
}

static eddy_task *refuses(eddy_loop *loop, const char *origin, const eddy_task_options *options,
                          eddy_fn *fn, void *arg, void *unused) {
    (void)loop, (void)origin, (void)options, (void)fn, (void)arg, (void)unused;
    return NULL;
}

TASK_TEST(a_factory_that_makes_nothing_is_no_memory_to_its_caller) {
    ASSERT_OK(eddy_loop_set_task_factory(NULL, refuses, NULL));
    ASSERT_CODE(-ENOMEM, eddy_await(eddy_create_task(noter, "never")));
    ASSERT_STR_EQ(noted(), "");
    ASSERT_OK(eddy_loop_set_task_factory(NULL, NULL, NULL));
}

static void *sets_from_thread(void *loop) {
    ASSERT_CODE(EDDY_EWRONG_THREAD, eddy_loop_set_task_factory(loop, refuses, NULL));
    return NULL;
}

TASK_TEST(a_factory_is_set_by_the_loop_s_thread_only) {
    pthread_t thread;

    ASSERT_INT_EQ(pthread_create(&thread, NULL, sets_from_thread, eddy_running_loop()), 0);
    pthread_join(thread, NULL);
    ASSERT_OK(eddy_await(eddy_create_task(noter, "made")));
}
