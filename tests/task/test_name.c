/* SPDX-License-Identifier: MIT
 * test_name.c - the name of a task: given, found, changed, and seen where the task is spoken of. */
#include "../base/scarce.h"
#include "virtual.h"

/* --- found ------------------------------------------------------------------------------------ */

TASK_TEST(a_task_is_called_after_its_function) {
    eddy_task *task = eddy_create_task(noter, "x"), *address = eddy_create_task(&noter, "y");
    eddy_task *with =
        eddy_create_task_with(&(eddy_task_options){.stack_bytes = 1 << 16}, noter, "z");

    ASSERT_STR_EQ(eddy_task_name(task), "noter");
    ASSERT_STR_EQ(eddy_task_name(address), "noter");
    ASSERT_STR_EQ(eddy_task_name(with), "noter");
    ASSERT_OK(eddy_gather(task, address, with));
}

TASK_TEST(a_name_of_the_options_is_copied) {
    char name[] = "reader";
    eddy_task *task =
        eddy_create_task_with(&((eddy_task_options){.name = name, .eager = false}), noter, "x");

    name[0] = 'X';
    ASSERT_STR_EQ(eddy_task_name(task), "reader");
    ASSERT_OK(eddy_await(eddy_ref(task)));
    ASSERT_STR_EQ(eddy_task_name(task), "reader"); /* as long as the task */
    eddy_unref(task);
}

TASK_TEST(a_task_keeps_its_name_when_it_is_asked_again) {
    eddy_task *task = eddy_create_task(noter, "x");
    const char *name = eddy_task_name(task);

    ASSERT_PTR_EQ(eddy_task_name(task), name);
    ASSERT_OK(eddy_await(task));
}

TASK_TEST(a_task_keeps_its_name_when_it_is_cancelled_with_a_reason) {
    eddy_task *task = eddy_create_task(noter, "x");

    ASSERT(eddy_cancel_with(task, "not needed"));
    ASSERT_STR_EQ(eddy_task_name(task), "noter");
    ASSERT_CODE(-ECANCELED, eddy_await(task));
}

TASK_TEST(a_plain_future_and_null_have_no_name) {
    eddy_future *future = eddy_future_new(NULL);

    ASSERT_NULL(eddy_task_name(future));
    ASSERT_NULL(eddy_task_name(NULL));
    eddy_unref(future);
}

/* --- changed ---------------------------------------------------------------------------------- */

TASK_TEST(a_task_may_be_renamed) {
    eddy_task *task = SLEEPER(.seconds = 1);
    char name[] = "first";

    ASSERT_STR_EQ(eddy_task_name(task), "sleeper");
    ASSERT_OK(eddy_task_set_name(task, name));
    name[0] = 'F';
    ASSERT_STR_EQ(eddy_task_name(task), "first"); /* it is a copy */
    ASSERT_OK(eddy_task_set_name(task, "second"));
    ASSERT_STR_EQ(eddy_task_name(task), "second");
    ASSERT_OK(eddy_await(task));
}

TASK_TEST(a_task_that_was_created_with_a_name_may_be_renamed) {
    const eddy_task_options options = {.name = "given", .copy_bytes = sizeof(int)};
    eddy_task *task = eddy_create_task_with(&options, returner, &(int){3});

    ASSERT_STR_EQ(eddy_task_name(task), "given");
    ASSERT_OK(eddy_task_set_name(task, "changed"));
    ASSERT_STR_EQ(eddy_task_name(task), "changed");
    ASSERT_INT_EQ(eddy_await(eddy_ref(task)), 3);
    ASSERT_OK(eddy_task_set_name(task, "after the end"));
    ASSERT_STR_EQ(eddy_task_name(task), "after the end");
    eddy_unref(task);
}

static int renames_itself_and_fails(void *unused) {
    (void)unused;
    ASSERT_OK(eddy_task_set_name(eddy_current_task(), "worker 7"));
    return eddy_raise(-EIO, "broken");
}

TASK_TEST(an_error_and_a_report_speak_of_the_task_by_its_new_name) {
    ASSERT_CODE(-EIO, eddy_await(eddy_create_task(renames_itself_and_fails, NULL)));
    ASSERT_STR_EQ(eddy_last_error()->task, "worker 7");
    ASSERT_OK(eddy_detach(eddy_create_task(renames_itself_and_fails, NULL)));
    ASSERT_OK(eddy_yield());
    ASSERT_STR_CONTAINS(reports(), "task \"worker 7\"");
}

TASK_TEST(what_is_no_task_cannot_be_renamed) {
    eddy_future *future = eddy_future_new(NULL);

    ASSERT_CODE(-EINVAL, eddy_task_set_name(future, "name"));
    ASSERT_NULL(eddy_task_name(future));
    ASSERT_CODE(-EINVAL, eddy_task_set_name(eddy_current_task(), NULL));
    ASSERT_STR_EQ(eddy_task_name(eddy_current_task()), "main");
    ASSERT_CODE(-ENOMEM, eddy_task_set_name(NULL, "name"));
    eddy_unref(future);
}

static void rename_without_memory(void) {
    eddy_task *task = SLEEPER(.seconds = 1), *named = SLEEPER(.seconds = 1);

    ASSERT_OK(eddy_task_set_name(named, "old"));
    scarce_left = 0;
    ASSERT_CODE(-ENOMEM, eddy_task_set_name(task, "new"));
    ASSERT_CODE(-ENOMEM, eddy_task_set_name(named, "new"));
    scarce_left = 1;
    ASSERT_CODE(-ENOMEM, eddy_task_set_name(task, "new"));
    scarce_left = INT_MAX;
    ASSERT_STR_EQ(eddy_task_name(task), "sleeper");
    ASSERT_STR_EQ(eddy_task_name(named), "old");
    ASSERT_OK(eddy_gather(task, named));
}

TEST(without_memory_a_task_keeps_its_old_name) {
    scarce_begin();
    run_in_virtual_time(rename_without_memory);
}

static int knows_its_name(void *unused) {
    (void)unused;
    note("%s", eddy_task_name(eddy_current_task()));
    return 0;
}

TASK_TEST(an_eager_task_knows_its_name) {
    const eddy_task_options options = {.name = "example", .eager = true};
    eddy_task *task = eddy_create_task_with(&options, knows_its_name, NULL);

    ASSERT(eddy_is_done(task));
    ASSERT_STR_EQ(noted(), "example");
    ASSERT_OK(eddy_await(task));
}
