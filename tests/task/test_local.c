/* SPDX-License-Identifier: MIT
 * test_local.c - task-local variables: whose they are, who inherits them, what undoes a set. */
#include <pthread.h>

#include "../base/scarce.h"
#include "virtual.h"

static eddy_local user = EDDY_LOCAL_INIT("user", "nobody");
static eddy_local room = EDDY_LOCAL_INIT("room", NULL);

static const char *user_now(void) {
    return eddy_local_get(&user);
}

static int notes_user(void *unused) {
    (void)unused;
    note("%s", user_now());
    return 0;
}

/* --- reading and setting ---------------------------------------------------------------------- */

TEST(the_structs_of_task_locals_keep_their_sizes) {
    ASSERT_UINT_EQ(sizeof(eddy_local), 32);
    ASSERT_UINT_EQ(sizeof(eddy_local_token), 48);
}

TASK_TEST(a_variable_has_its_initial_value_until_it_is_set) {
    ASSERT_STR_EQ(user_now(), "nobody");
    ASSERT_NULL(eddy_local_get(&room));
    ASSERT_OK(eddy_local_set(&user, "ann", NULL));
    ASSERT_STR_EQ(user_now(), "ann");
    ASSERT_NULL(eddy_local_get(&room));
}

TASK_TEST(a_variable_may_be_set_to_null) {
    ASSERT_OK(eddy_local_set(&user, NULL, NULL));
    ASSERT_NULL(eddy_local_get(&user));
}

static int sets_and_sleeps(void *name) {
    ASSERT_OK(eddy_local_set(&user, name, NULL));
    ASSERT_OK(eddy_sleep(1));
    ASSERT_STR_EQ(user_now(), (const char *)name);
    return 0;
}

TASK_TEST(tasks_side_by_side_have_values_of_their_own) {
    ASSERT_OK(eddy_gather(eddy_create_task(sets_and_sleeps, "ann"),
                          eddy_create_task(sets_and_sleeps, "bob")));
    ASSERT_STR_EQ(user_now(), "nobody");
}

/* --- inheriting ------------------------------------------------------------------------------- */

TASK_TEST(a_task_begins_with_what_its_creator_had_then) {
    eddy_task *task;

    ASSERT_OK(eddy_local_set(&user, "ann", NULL));
    task = eddy_create_task(notes_user, NULL);
    ASSERT_OK(eddy_local_set(&user, "bob", NULL));
    ASSERT_OK(eddy_await(task));
    ASSERT_STR_EQ(noted(), "ann");
    ASSERT_STR_EQ(user_now(), "bob");
}

static int makes_grandchild(void *unused) {
    (void)unused;
    ASSERT_OK(eddy_local_set(&room, "kitchen", NULL));
    return eddy_await(eddy_create_task(notes_user, NULL));
}

TASK_TEST(a_grandchild_inherits_too) {
    ASSERT_OK(eddy_local_set(&user, "ann", NULL));
    ASSERT_OK(eddy_await(eddy_create_task(makes_grandchild, NULL)));
    ASSERT_STR_EQ(noted(), "ann");
    ASSERT_NULL(eddy_local_get(&room));
}

TASK_TEST(an_eager_task_and_a_task_of_a_group_inherit_as_others) {
    eddy_task_group *group = eddy_task_group_new();

    ASSERT_OK(eddy_local_set(&user, "ann", NULL));
    eddy_task_group_create_task(group, notes_user, NULL);
    ASSERT_OK(
        eddy_detach(eddy_create_task_with(&(eddy_task_options){.eager = true}, notes_user, NULL)));
    ASSERT_OK(eddy_task_group_wait(group));
    ASSERT_STR_EQ(noted(), "ann ann");
}

TASK_TEST(a_value_set_again_and_again_beside_living_children_takes_no_more_room) {
    enum { TIMES = 1000 };
    struct actor actor = {.seconds = 1};
    eddy_task *tasks[TIMES];

    for (long i = 0; i < TIMES; i++) {
        ASSERT_OK(eddy_local_set(&user, (void *)i, NULL));
        tasks[i] = eddy_create_task(sleeper, &actor);
    }
    ASSERT_OK(eddy_local_set(&user, "last", NULL));
    ASSERT_OK(eddy_gather_array(tasks, TIMES, NULL));
    ASSERT_STR_EQ(user_now(), "last");
}

static void callback_notes_and_sets(void *unused) {
    (void)unused;
    note("%s", user_now());
    ASSERT_OK(eddy_local_set(&user, "the thread's", NULL));
}

TASK_TEST(a_callback_has_the_values_of_its_thread) {
    ASSERT_OK(eddy_local_set(&user, "ann", NULL));
    eddy_call_soon(NULL, callback_notes_and_sets, NULL);
    ASSERT_OK(eddy_yield());
    ASSERT_STR_EQ(noted(), "nobody");
    ASSERT_STR_EQ(user_now(), "ann");
    eddy_call_soon(NULL, callback_notes_and_sets, NULL);
    ASSERT_OK(eddy_yield());
    ASSERT_STR_EQ(noted(), "the thread's");
}

TEST(the_main_task_inherits_what_its_thread_has_set) {
    eddy_loop *loop = virtual_loop();

    ASSERT_OK(eddy_local_set(&user, "main", NULL));
    ASSERT_OK(virtual_run(loop, notes_user, NULL));
    ASSERT_STR_EQ(noted(), "main");
    virtual_close(loop);
}

/* --- other threads ---------------------------------------------------------------------------- */

static int job_sees_ann_and_sets(void *unused) {
    (void)unused;
    ASSERT_STR_EQ(user_now(), "ann");
    ASSERT_OK(eddy_local_set(&user, "the job's", NULL));
    ASSERT_STR_EQ(user_now(), "the job's");
    return 0;
}

static int job_sees_nobody(void *unused) {
    (void)unused;
    ASSERT_STR_EQ(user_now(), "nobody");
    return 0;
}

TASK_TEST(to_thread_takes_the_values_along_and_leaves_none_there) {
    ASSERT_OK(eddy_to_thread(job_sees_nobody, NULL));
    ASSERT_OK(eddy_local_set(&user, "ann", NULL));
    for (int i = 0; i < 20; i++)
        ASSERT_OK(eddy_to_thread(job_sees_ann_and_sets, NULL));
    ASSERT_STR_EQ(user_now(), "ann");
}

struct asker {
    eddy_loop *loop;
    const char *user;
    eddy_future *future;
};

static void *asks_from_thread(void *data) {
    struct asker *asker = data;

    if (asker->user)
        ASSERT_OK(eddy_local_set(&user, (void *)asker->user, NULL));
    asker->future = eddy_run_coroutine_threadsafe(asker->loop, notes_user, NULL);
    return NULL;
}

static void note_what_is_asked_as(const char *name) {
    struct asker asker = {.loop = eddy_running_loop(), .user = name};
    pthread_t thread;

    ASSERT_INT_EQ(pthread_create(&thread, NULL, asks_from_thread, &asker), 0);
    pthread_join(thread, NULL);
    ASSERT_OK(eddy_await(asker.future));
}

TASK_TEST(a_coroutine_of_another_thread_has_the_values_of_who_asked) {
    eddy_call_soon(NULL, callback_notes_and_sets, NULL);
    ASSERT_OK(eddy_yield());
    noted();
    note_what_is_asked_as("ann");
    note_what_is_asked_as(NULL);
    ASSERT_STR_EQ(noted(), "ann nobody");
}

/* --- undoing ---------------------------------------------------------------------------------- */

TASK_TEST(reset_gives_the_old_value_back) {
    eddy_local_token first, second;

    ASSERT_OK(eddy_local_set(&user, "ann", &first));
    ASSERT_OK(eddy_local_set(&user, "bob", &second));
    ASSERT_OK(eddy_local_reset(&second));
    ASSERT_STR_EQ(user_now(), "ann");
    ASSERT_OK(eddy_local_reset(&first));
    ASSERT_STR_EQ(user_now(), "nobody");
}

TASK_TEST(reset_leaves_other_variables_alone) {
    eddy_local_token token;

    ASSERT_OK(eddy_local_set(&user, "ann", &token));
    ASSERT_OK(eddy_local_set(&room, "kitchen", NULL));
    ASSERT_OK(eddy_local_reset(&token));
    ASSERT_STR_EQ(user_now(), "nobody");
    ASSERT_STR_EQ(eddy_local_get(&room), "kitchen");
}

TASK_TEST(reset_is_not_seen_by_a_child_that_was_created_before) {
    eddy_local_token token;
    eddy_task *task;

    ASSERT_OK(eddy_local_set(&user, "ann", NULL));
    ASSERT_OK(eddy_local_set(&user, "bob", &token));
    task = eddy_create_task(notes_user, NULL);
    ASSERT_OK(eddy_local_reset(&token));
    ASSERT_STR_EQ(user_now(), "ann");
    ASSERT_OK(eddy_await(task));
    ASSERT_STR_EQ(noted(), "bob");
}

TASK_TEST(a_token_can_be_reset_once_only) {
    eddy_local_token token, clear = {0};

    ASSERT_OK(eddy_local_set(&user, "ann", &token));
    ASSERT_OK(eddy_local_reset(&token));
    ASSERT_CODE(EDDY_EINVALID_STATE, eddy_local_reset(&token));
    ASSERT_CODE(EDDY_EINVALID_STATE, eddy_local_reset(&clear));
}

static int resets(void *token) {
    return eddy_local_reset(token);
}

TASK_TEST(only_the_task_that_set_a_variable_can_reset_it) {
    eddy_local_token token;

    ASSERT_OK(eddy_local_set(&user, "ann", &token));
    ASSERT_CODE(EDDY_EINVALID_STATE, eddy_await(eddy_create_task(resets, &token)));
    ASSERT_STR_CONTAINS(eddy_last_error()->message, "another task");
    ASSERT_OK(eddy_local_reset(&token));
}

/* --- values that are taken -------------------------------------------------------------------- */

static int destroyed;

static void destroy(void *value) {
    destroyed++;
    note("-%s", (const char *)value);
}

static int keeps_inherited(void *unused) {
    (void)unused;
    ASSERT_OK(eddy_sleep(2));
    note("%s", user_now());
    return 0;
}

TASK_TEST(a_taken_value_is_destroyed_when_the_last_task_has_let_go_of_it) {
    eddy_task *task;

    ASSERT_OK(eddy_local_set_with(&user, "ann", destroy, NULL));
    task = eddy_create_task(keeps_inherited, NULL);
    ASSERT_OK(eddy_local_set_with(&user, "bob", destroy, NULL));
    ASSERT_OK(eddy_local_set_with(&user, "cid", destroy, NULL));
    ASSERT_STR_EQ(noted(), "-bob");
    ASSERT_OK(eddy_await(task));
    ASSERT_STR_EQ(noted(), "ann -ann");
}

static int sets_taken(void *name) {
    return eddy_local_set_with(&user, name, destroy, NULL);
}

TASK_TEST(a_taken_value_is_destroyed_when_its_task_ends_though_somebody_keeps_the_task) {
    eddy_task *task = eddy_create_task(sets_taken, "ann");

    ASSERT_OK(eddy_yield());
    ASSERT_STR_EQ(noted(), "-ann");
    ASSERT_OK(eddy_await(task));
}

TASK_TEST(a_token_keeps_the_value_that_it_will_give_back) {
    eddy_local_token token;

    ASSERT_OK(eddy_local_set_with(&user, "ann", destroy, NULL));
    ASSERT_OK(eddy_local_set_with(&user, "bob", destroy, &token));
    ASSERT_STR_EQ(noted(), "");
    ASSERT_OK(eddy_local_reset(&token));
    ASSERT_STR_EQ(noted(), "-bob");
    ASSERT_STR_EQ(user_now(), "ann");
}

static int parks_with_value(void *unused) {
    (void)unused;
    ASSERT_OK(eddy_local_set_with(&user, "ann", destroy, NULL));
    return eddy_sleep(INFINITY);
}

TEST(a_loop_that_is_closed_over_a_task_lets_go_of_its_values) {
    eddy_loop *loop = virtual_loop();
    eddy_task *task =
        eddy_create_task_with(&(eddy_task_options){.loop = loop}, parks_with_value, NULL);

    ASSERT_OK(eddy_loop_run_once(loop, 0));
    eddy_detach(task);
    eddy_loop_close(loop);
    ASSERT_INT_EQ(destroyed, 1);
}

/* --- snapshots -------------------------------------------------------------------------------- */

TASK_TEST(a_snapshot_keeps_the_values_of_its_moment_for_tasks_made_later) {
    eddy_context *context;

    ASSERT_OK(eddy_local_set(&user, "ann", NULL));
    context = eddy_context_copy();
    ASSERT_OK(eddy_local_set(&user, "bob", NULL));
    for (int i = 0; i < 2; i++)
        ASSERT_OK(eddy_await(
            eddy_create_task_with(&(eddy_task_options){.context = context}, notes_user, NULL)));
    ASSERT_STR_EQ(noted(), "ann ann");
    ASSERT_NULL(eddy_context_unref(context));
}

TASK_TEST(a_snapshot_of_nothing_has_the_initial_values) {
    eddy_context *context = eddy_context_copy();

    ASSERT_OK(eddy_local_set(&user, "ann", NULL));
    ASSERT_OK(eddy_await(
        eddy_create_task_with(&(eddy_task_options){.context = context}, notes_user, NULL)));
    ASSERT_STR_EQ(noted(), "nobody");
    eddy_context_unref(eddy_context_ref(context));
    eddy_context_unref(context);
}

/* --- no memory -------------------------------------------------------------------------------- */

TEST(what_finds_no_memory_leaves_everything_as_it_was) {
    eddy_local_token token, untouched = {.reserved = {1, 2, 3}};
    int failures = 0, done;

    scarce_begin();
    ASSERT_OK(eddy_local_set_with(&user, "ann", destroy, NULL));
    for (int n = 0;; n++) {
        eddy_context *shares = eddy_context_copy();
        token = untouched;
        scarce_left = n;
        done = eddy_local_set_with(&user, "bob", destroy, &token);
        if (done == 0 && eddy_local_reset(&token) < 0) { /* its own context: needs none */
            TEST_FAIL("a reset of what is not shared failed");
        }
        scarce_left = INT_MAX;
        ASSERT_STR_EQ(user_now(), "ann");
        eddy_context_unref(shares);
        ASSERT_INT_EQ(destroyed, n + 1);
        if (done == 0)
            break;
        ASSERT_CODE(-ENOMEM, done);
        ASSERT_MEM_EQ(&token, &untouched, sizeof(token));
        failures++;
    }
    ASSERT_INT_EQ(failures, 2);
}

TEST(a_shared_reset_without_memory_can_be_tried_again) {
    eddy_local_token token;
    eddy_context *shares;

    scarce_begin();
    ASSERT_OK(eddy_local_set(&user, "ann", &token));
    shares = eddy_context_copy();
    scarce_left = 0;
    ASSERT_CODE(-ENOMEM, eddy_local_reset(&token));
    ASSERT_STR_EQ(user_now(), "ann");
    scarce_left = INT_MAX;
    ASSERT_OK(eddy_local_reset(&token));
    ASSERT_STR_EQ(user_now(), "nobody");
    eddy_context_unref(shares);
}
