/* SPDX-License-Identifier: MIT
 * test_failure.c - error records: a code, a sentence, a place, and the tasks it came through. */
#include "failure.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "scarce.h"
#include "test.h"
#include "util.h"

static void forget_last_error(void *unused) {
    (void)unused;
    eddy__error_set(eddy__error_slot(), NULL);
}

/* Lets go of the last error at the end of a test, for the leak checker. */
#define LAST_ERROR_SCOPE CLEANUP(forget_last_error) __attribute__((unused)) char last_error_scope

static void error_unrefp(const eddy_error **error) {
    eddy_error_unref(*error);
}

/* --- names and texts -------------------------------------------------------------------------- */

TEST(errnos_codes_have_their_names_and_texts) {
    ASSERT_STR_EQ(eddy_error_name(-ECONNREFUSED), "ECONNREFUSED");
    ASSERT_STR_EQ(eddy_error_text(-ECONNREFUSED), "Connection refused");
    ASSERT_STR_EQ(eddy_error_name(-EHWPOISON), "EHWPOISON");
}

TEST(each_of_eddys_own_codes_has_a_name_and_a_text) {
    for (int code = EDDY_EREDIRECTS; code <= EDDY_EINVALID_STATE; code++) {
        ASSERT_STR_CONTAINS(eddy_error_name(code), "EDDY_E");
        ASSERT(strcmp(eddy_error_text(code), "Unknown error") != 0);
        ASSERT_INT_EQ(eddy__error_static(code)->code, code);
    }
    ASSERT_STR_EQ(eddy_error_name(EDDY_ELIMIT), "EDDY_ELIMIT");
}

TEST(eddys_own_codes_lie_outside_errnos_range) {
    for (int code = EDDY_EREDIRECTS; code <= EDDY_EINVALID_STATE; code++)
        ASSERT(code < -4095);
}

TEST(an_unknown_code_still_has_a_name_and_a_text) {
    int unknown[] = {-41, -134, -4000, -9999, -20000, INT_MIN, 1, INT_MAX};

    for (size_t i = 0; i < ARRAY_SIZE(unknown); i++) {
        ASSERT_STR_EQ(eddy_error_name(unknown[i]), "E?");
        ASSERT_STR_EQ(eddy_error_text(unknown[i]), "Unknown error");
        ASSERT_NOT_NULL(eddy__error_static(unknown[i])->message);
    }
}

/* --- the last error --------------------------------------------------------------------------- */

TEST(at_first_there_is_no_last_error) {
    ASSERT_NULL(eddy_last_error());
}

TEST(raise_returns_its_code_and_records_sentence_and_place) {
    LAST_ERROR_SCOPE;
    int line = __LINE__ + 1;
    ASSERT_CODE(-EPROTO, eddy_raise(-EPROTO, "answer %d of %s", 3, "host"));

    const eddy_error *error = eddy_last_error();
    ASSERT_INT_EQ(error->code, -EPROTO);
    ASSERT_STR_EQ(error->message, "answer 3 of host");
    ASSERT_STR_CONTAINS(error->file, "test_failure.c");
    ASSERT_INT_EQ(error->line, line);
    ASSERT_STR_CONTAINS(error->function, "raise_returns_its_code");
    ASSERT_NULL(error->task);
    ASSERT_NULL(error->cause);
}

TEST(a_code_of_the_programs_own_can_be_raised) {
    LAST_ERROR_SCOPE;
    ASSERT_CODE(-20001, eddy_raise(-20001, "ours"));
    ASSERT_INT_EQ(eddy_last_error()->code, -20001);
}

static void hear_nothing(eddy_log_level level, const char *text, void *arg) {
    (void)level, (void)text, (void)arg;
}

TEST_SIGNAL(raising_success_aborts, SIGABRT) {
    eddy_set_log(hear_nothing, NULL);
    eddy_raise(0, "no failure");
}

TEST_SIGNAL(raising_a_positive_errno_aborts, SIGABRT) {
    eddy_set_log(hear_nothing, NULL);
    eddy_raise(EINVAL, "the sign was forgotten");
}

TEST(a_sentence_of_any_length_is_kept_whole) {
    LAST_ERROR_SCOPE;
    char text[100000];
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    eddy_raise(-EIO, "%s", text);

    ASSERT_STR_EQ(eddy_last_error()->message, text);
}

TEST(a_sentence_can_be_made_from_the_last_one) {
    LAST_ERROR_SCOPE;
    eddy_raise(-EIO, "the disk is gone");
    eddy_raise(-EIO, "cannot save: %s", eddy_last_error()->message);

    ASSERT_STR_EQ(eddy_last_error()->message, "cannot save: the disk is gone");
}

TEST(a_record_that_was_kept_outlives_the_next_failure) {
    LAST_ERROR_SCOPE;
    eddy_raise(-EIO, "first");
    CLEANUP(error_unrefp) const eddy_error *kept = eddy_error_ref(eddy_last_error());
    eddy_raise(-EINVAL, "second");

    ASSERT_STR_EQ(kept->message, "first");
    ASSERT_STR_EQ(eddy_last_error()->message, "second");
}

TEST(a_failure_without_a_sentence_is_static_and_allocates_nothing) {
    scarce_begin();
    scarce_left = 0;

    ASSERT_CODE(-EPIPE, eddy__fail(-EPIPE));
    const eddy_error *error = eddy_last_error();
    ASSERT_PTR_EQ(error, eddy__error_static(-EPIPE));
    ASSERT_INT_EQ(error->code, -EPIPE);
    ASSERT_STR_EQ(error->message, "Broken pipe");
    ASSERT_NULL(error->file);
    ASSERT_INT_EQ(error->line, 0);
}

TEST(a_code_of_the_programs_own_survives_without_a_sentence) {
    LAST_ERROR_SCOPE;
    ASSERT_CODE(-20001, eddy__fail(-20001));
    ASSERT_INT_EQ(eddy_last_error()->code, -20001);
    ASSERT_STR_CONTAINS(eddy_last_error()->message, "-20001");
}

TEST(a_static_record_is_never_freed) {
    for (int i = 0; i < 3; i++)
        ASSERT_NULL(eddy_error_unref(eddy__error_static(-EPIPE)));
    ASSERT_PTR_EQ(eddy_error_ref(eddy__error_static(-EPIPE)), eddy__error_static(-EPIPE));
    ASSERT_STR_EQ(eddy__error_static(-EPIPE)->message, "Broken pipe");
}

TEST(without_memory_the_static_record_stands_in) {
    scarce_begin();
    scarce_left = 0;

    ASSERT_CODE(-EPROTO, eddy_raise(-EPROTO, "no memory for this"));
    ASSERT_PTR_EQ(eddy_last_error(), eddy__error_static(-EPROTO));
}

TEST(a_failure_can_be_passed_on_as_it_is) {
    LAST_ERROR_SCOPE;
    CLEANUP(error_unrefp) const eddy_error *error = eddy__error_format(-EIO, "kept %s", "aside");
    ASSERT_CODE(-EIO, eddy__fail_with(error));
    ASSERT_PTR_EQ(eddy_last_error(), error);

    ASSERT_CODE(-EIO, eddy__fail_with(eddy_last_error())); /* its own, once more */
    ASSERT_STR_EQ(eddy_last_error()->message, "kept aside");
}

TEST(nothing_has_no_reference_to_count) {
    ASSERT_NULL(eddy_error_ref(NULL));
    ASSERT_NULL(eddy_error_unref(NULL));
}

/* --- threads ---------------------------------------------------------------------------------- */

static void *fail_elsewhere(void *unused) {
    (void)unused;
    ASSERT_NULL(eddy_last_error());
    eddy_raise(-EIO, "in the other thread");
    forget_last_error(NULL);
    return NULL;
}

TEST(each_thread_has_its_own_last_error) {
    LAST_ERROR_SCOPE;
    pthread_t thread;
    eddy_raise(-EINVAL, "in this thread");
    pthread_create(&thread, NULL, fail_elsewhere, NULL);
    pthread_join(thread, NULL);

    ASSERT_STR_EQ(eddy_last_error()->message, "in this thread");
}

static void *fail_and_end(void *unused) {
    eddy_raise(-EIO, "the last words of a thread");
    return unused;
}

TEST(the_last_error_of_a_thread_ends_with_it) {
    scarce_begin();
    pthread_t thread;
    pthread_create(&thread, NULL, fail_and_end, NULL);
    pthread_join(thread, NULL);

    ASSERT_INT_EQ(scarce_out, 0);
}

static void *count_up_and_down(void *arg) {
    const eddy_error *error = arg;

    for (int i = 0; i < 10000; i++)
        eddy_error_unref(eddy_error_ref(error));
    eddy_error_unref(error); /* the reference that this thread was given */
    return NULL;
}

TEST(a_record_is_counted_across_threads) {
    scarce_begin();
    const eddy_error *error = eddy__error_format(-EIO, "shared");
    pthread_t threads[4];

    for (int i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, count_up_and_down, (void *)eddy_error_ref(error));
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    ASSERT_STR_EQ(error->message, "shared");
    eddy_error_unref(error);
    ASSERT_INT_EQ(scarce_out, 0);
}

/* --- through tasks ---------------------------------------------------------------------------- */

TEST(leaving_a_task_puts_its_name_and_place_around_the_record) {
    const eddy_error *cause = eddy__error_format(-EIO, "no disk");
    CLEANUP(error_unrefp)
    const eddy_error *error = eddy__error_leave_task(cause, "reader", "main.c:12");

    ASSERT_INT_EQ(error->code, -EIO);
    ASSERT_STR_EQ(error->message, "no disk");
    ASSERT_STR_EQ(error->task, "reader");
    ASSERT_STR_EQ(error->place, "main.c:12");
    ASSERT_PTR_EQ(error->cause, cause);
}

TEST(the_name_of_a_task_is_copied) {
    char name[] = "short-lived", place[] = "main.c:1";
    CLEANUP(error_unrefp)
    const eddy_error *error =
        eddy__error_leave_task(eddy__error_format(-EIO, "failed"), name, place);
    memset(name, 'x', sizeof(name) - 1);
    memset(place, 'x', sizeof(place) - 1);

    ASSERT_STR_EQ(error->task, "short-lived");
    ASSERT_STR_EQ(error->place, "main.c:1");
}

TEST(a_static_record_leaves_a_task_with_its_name_too) {
    CLEANUP(error_unrefp)
    const eddy_error *error =
        eddy__error_leave_task(eddy__error_static(-EPIPE), "writer", "main.c:3");

    ASSERT_STR_EQ(error->task, "writer");
    ASSERT_STR_EQ(error->message, "Broken pipe");
    ASSERT_NULL(error->file);
    ASSERT_PTR_EQ(error->cause, eddy__error_static(-EPIPE));
}

TEST(without_memory_a_record_leaves_a_task_as_it_is) {
    scarce_begin();
    CLEANUP(error_unrefp) const eddy_error *error = eddy__error_format(-EIO, "failed");
    scarce_left = 0;

    ASSERT_PTR_EQ(eddy__error_leave_task(error, "reader", "main.c:12"), error);
}

TEST(a_record_that_came_through_a_hundred_thousand_tasks_is_freed_whole) {
    scarce_begin();
    const eddy_error *error = eddy__error_format(-EIO, "deep");
    for (int i = 0; i < 100000; i++)
        error = eddy__error_leave_task(error, "task", "main.c:1");
    ASSERT_STR_EQ(error->message, "deep");

    eddy_error_unref(error);
    ASSERT_INT_EQ(scarce_out, 0);
}

TEST(the_inner_part_of_a_chain_can_outlive_the_outer) {
    scarce_begin();
    const eddy_error *inner = eddy__error_format(-EIO, "inner");
    const eddy_error *outer = eddy__error_leave_task(eddy_error_ref(inner), "task", "main.c:1");
    eddy_error_unref(outer);

    ASSERT_STR_EQ(inner->message, "inner");
    eddy_error_unref(inner);
    ASSERT_INT_EQ(scarce_out, 0);
}

/* --- what failed together --------------------------------------------------------------------- */

TEST(a_group_is_the_first_with_the_others_beside_it) {
    const eddy_error *errors[] = {eddy__error_format(-EIO, "one"), eddy__error_static(-EPERM),
                                  eddy__error_format(-EPIPE, "three")};
    CLEANUP(error_unrefp) const eddy_error *group = eddy__error_group(errors, 3);
    for (int i = 0; i < 3; i++)
        eddy_error_unref(errors[i]);

    ASSERT_CODE(-EIO, group->code);
    ASSERT_STR_EQ(group->message, "one");
    ASSERT_INT_EQ(group->others_count, 2);
    ASSERT_CODE(-EPERM, group->others[0]->code);
    ASSERT_STR_EQ(group->others[1]->message, "three");
}

TEST(a_group_of_one_is_that_one) {
    CLEANUP(error_unrefp) const eddy_error *error = eddy__error_format(-EIO, "one");
    CLEANUP(error_unrefp) const eddy_error *group = eddy__error_group(&error, 1);
    ASSERT_PTR_EQ(group, error);
}

TEST(a_group_keeps_its_others_when_it_leaves_a_task) {
    const eddy_error *errors[] = {eddy__error_format(-EIO, "one"),
                                  eddy__error_format(-EPIPE, "two")};
    CLEANUP(error_unrefp)
    const eddy_error *error =
        eddy__error_leave_task(eddy__error_group(errors, 2), "main", "main.c:1");
    eddy_error_unref(errors[0]);
    eddy_error_unref(errors[1]);

    ASSERT_STR_EQ(error->task, "main");
    ASSERT_INT_EQ(error->others_count, 1);
    ASSERT_STR_EQ(error->others[0]->message, "two");
}

/* --- where it was awaited --------------------------------------------------------------------- */

static const eddy_place here = {"main.c:3\0eddy_await(task)", "f"};
static const eddy_place there = {"main.c:9\0eddy_await(again)", "g"};

TEST(an_awaiter_writes_its_place_into_a_record_that_nobody_else_holds) {
    LAST_ERROR_SCOPE;
    eddy_raise(-EIO, "failed");
    const eddy_error *error = eddy_last_error();
    eddy__error_awaited(&here);

    ASSERT_PTR_EQ(eddy_last_error(), error);
    ASSERT_PTR_EQ(error->awaited, &here);
}

TEST(each_awaiter_of_a_task_has_a_record_of_its_own) {
    LAST_ERROR_SCOPE;
    CLEANUP(error_unrefp)
    const eddy_error *error =
        eddy__error_leave_task(eddy__error_format(-EIO, "failed"), "reader", "main.c:1");
    eddy__fail_with(error);
    eddy__error_awaited(&here);

    ASSERT_NULL(error->awaited);
    ASSERT_PTR_EQ(eddy_last_error()->awaited, &here);
    ASSERT_STR_EQ(eddy_last_error()->task, "reader");
    ASSERT_PTR_EQ(eddy_last_error()->cause, error->cause);
}

TEST(what_was_awaited_twice_in_a_task_shows_both_places) {
    LAST_ERROR_SCOPE;
    eddy_raise(-EIO, "failed");
    eddy__error_awaited(&here);
    eddy__error_awaited(&there);

    ASSERT_PTR_EQ(eddy_last_error()->awaited, &there);
    ASSERT_PTR_EQ(eddy_last_error()->cause->awaited, &here);
    ASSERT_STR_EQ(eddy_last_error()->message, "failed");
}

TEST(a_cancel_without_a_reason_allocates_nothing_on_its_way) {
    scarce_begin();
    scarce_left = 0;
    eddy__fail(-ECANCELED);
    eddy__error_awaited(&here);

    ASSERT_PTR_EQ(eddy_last_error(), eddy__error_static(-ECANCELED));
    ASSERT_PTR_EQ(eddy__error_leave_task(eddy_last_error(), "reader", "main.c:1"),
                  eddy__error_static(-ECANCELED));
}

TEST(without_memory_the_place_of_an_await_is_not_shown) {
    scarce_begin();
    CLEANUP(error_unrefp) const eddy_error *error = eddy__error_format(-EIO, "failed");
    eddy__fail_with(error);
    scarce_left = 0;
    eddy__error_awaited(&here);

    ASSERT_PTR_EQ(eddy_last_error(), error);
    ASSERT_NULL(error->awaited);
    forget_last_error(NULL);
}

TEST(nothing_and_nowhere_are_no_place_of_an_await) {
    LAST_ERROR_SCOPE;
    eddy__error_awaited(&here);
    ASSERT_NULL(eddy_last_error());
    eddy_raise(-EIO, "failed");
    eddy__error_awaited(NULL);
    ASSERT_NULL(eddy_last_error()->awaited);
}
