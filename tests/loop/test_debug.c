/* SPDX-License-Identifier: MIT
 * test_debug.c - debug mode: callbacks that keep their loop, and calls from the wrong thread. */
#include <eddy/loop.h>

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "test.h"

static char heard[4000];

static void hear(eddy_log_level level, const char *text, void *arg) {
    (void)arg;
    if (level != EDDY_LOG_DEBUG)
        strcat(strcat(heard, text), "\n");
}

/* Every step takes longer than `seconds`, or none. */
static eddy_loop *debug_loop(double seconds) {
    eddy_loop_options options = {
        .clock = EDDY_CLOCK_VIRTUAL, .debug = true, .slow_callback_seconds = seconds};
    eddy_loop *loop;

    eddy_set_log(hear, NULL);
    ASSERT_OK(eddy_loop_new(&options, &loop));
    return loop;
}

#define ALWAYS 1e-9
#define NEVER  1000

static void slowpoke(void *loop) {
    eddy_loop_stop(loop);
}

static void run(eddy_loop *loop) {
    ASSERT_OK(eddy_loop_run_forever(loop));
    eddy_loop_close(loop);
}

/* --- slow callbacks --------------------------------------------------------------------------- */

TEST(a_slow_callback_is_reported_with_its_name_and_how_long_it_took) {
    eddy_loop *loop = debug_loop(ALWAYS);
    eddy_call_soon(loop, slowpoke, loop);
    run(loop);

    ASSERT_STR_CONTAINS(heard, "callback slowpoke (loop-debug+0x");
    ASSERT_STR_CONTAINS(heard, "), kept its loop for 0.");
    ASSERT_STR_EQ(strstr(heard, " s\n"), " s\n"); /* once */
}

__attribute__((noinline)) static void schedule(eddy_loop *loop, double seconds) {
    for (int i = 0; i < 2; i++) /* the second time with records that were used before */
        if (seconds > 0)
            eddy_call_later(loop, seconds, slowpoke, loop);
        else
            eddy_call_soon(loop, slowpoke, loop);
    ASSERT_OK(eddy_loop_run_forever(loop));
}

TEST(a_slow_callback_is_reported_with_who_has_scheduled_it) {
    eddy_loop *loop = debug_loop(ALWAYS);
    for (int i = 0; i < 3; i++)
        schedule(loop, i == 1 ? 60 : 0);
    eddy_loop_close(loop);

    for (const char *line = heard; *line; line = strchr(line, '\n') + 1)
        ASSERT_STR_CONTAINS(line, ", scheduled in schedule (loop-debug+0x");
}

TEST(a_callback_that_is_not_slow_is_not_reported) {
    eddy_loop *loop = debug_loop(NEVER);
    eddy_call_soon(loop, slowpoke, loop);
    run(loop);

    ASSERT_STR_EQ(heard, "");
}

TEST(a_slow_timer_is_reported) {
    eddy_loop *loop = debug_loop(ALWAYS);
    eddy_call_later(loop, 60, slowpoke, loop);
    run(loop);

    ASSERT_STR_CONTAINS(heard, "callback slowpoke (");
}

TEST(a_slow_call_from_another_thread_is_reported) {
    eddy_loop *loop = debug_loop(ALWAYS);
    ASSERT_OK(eddy_call_soon_threadsafe(loop, slowpoke, loop));
    run(loop);

    ASSERT_STR_CONTAINS(heard, "callback slowpoke (");
}

static void read_slowly(void *arg) {
    void **both = arg;
    char byte;

    ASSERT_INT_EQ(read(*(int *)both[1], &byte, 1), 1);
    eddy_loop_stop(both[0]);
}

TEST(a_slow_reader_is_reported) {
    eddy_loop *loop = debug_loop(ALWAYS);
    int fds[2];
    void *both[2] = {loop, &fds[0]};
    ASSERT_OK(pipe(fds));
    ASSERT_INT_EQ(write(fds[1], "x", 1), 1);
    ASSERT_OK(eddy_add_reader(loop, fds[0], read_slowly, both));
    ASSERT_OK(eddy_loop_run_forever(loop));
    ASSERT_INT_EQ(eddy_remove_reader(loop, fds[0]), 1);
    eddy_loop_close(loop);
    close(fds[0]);
    close(fds[1]);

    ASSERT_STR_CONTAINS(heard, "callback read_slowly (");
}

TEST(a_slow_signal_handler_is_reported) {
    eddy_loop *loop = debug_loop(ALWAYS);
    ASSERT_OK(eddy_add_signal_handler(loop, SIGUSR1, slowpoke, loop));
    raise(SIGUSR1);
    run(loop);

    ASSERT_STR_CONTAINS(heard, "callback slowpoke (");
}

/* --- when it is on ---------------------------------------------------------------------------- */

static void run_with_environment(const char *value) {
    eddy_loop_options options = {.slow_callback_seconds = ALWAYS};
    eddy_loop *loop;

    if (value)
        setenv("EDDY_DEBUG", value, 1);
    else
        unsetenv("EDDY_DEBUG");
    eddy_set_log(hear, NULL);
    ASSERT_OK(eddy_loop_new(&options, &loop));
    eddy_call_soon(loop, slowpoke, loop);
    run(loop);
}

TEST(the_environment_turns_debug_mode_on) {
    run_with_environment("1");
    ASSERT_STR_CONTAINS(heard, "callback slowpoke (");
}

TEST(debug_mode_is_off_unless_it_is_asked_for) {
    run_with_environment(NULL);
    run_with_environment("");
    run_with_environment("0");
    ASSERT_STR_EQ(heard, "");
}

/* --- wrong threads ---------------------------------------------------------------------------- */

static char sentence[300];

static void *trespass(void *loop) {
    pthread_setname_np(pthread_self(), "trespasser");
    ASSERT_CODE(EDDY_EWRONG_THREAD, eddy_add_reader(loop, 0, slowpoke, loop));
    snprintf(sentence, sizeof(sentence), "%s", eddy_last_error()->message);
    return NULL;
}

static void trespass_on(eddy_loop *loop) {
    pthread_t thread;

    ASSERT_INT_EQ(pthread_create(&thread, NULL, trespass, loop), 0);
    pthread_join(thread, NULL);
    eddy_loop_close(loop);
}

TEST(a_call_from_the_wrong_thread_names_both) {
    eddy_loop *loop;
    unsetenv("EDDY_DEBUG");
    eddy_set_log(hear, NULL);
    pthread_setname_np(pthread_self(), "landlord");
    ASSERT_OK(eddy_loop_new(NULL, &loop));
    trespass_on(loop);

    ASSERT_STR_CONTAINS(sentence, "belongs to another thread, \"landlord\" (");
    ASSERT_STR_CONTAINS(sentence, "), and this is \"trespasser\" (");
    ASSERT_STR_EQ(heard, "");
}

TEST(in_debug_mode_it_is_reported_with_the_calls_that_led_to_it) {
    pthread_setname_np(pthread_self(), "landlord");
    trespass_on(debug_loop(NEVER));

    ASSERT_STR_CONTAINS(heard, "thread \"trespasser\" (");
    ASSERT_STR_CONTAINS(heard, " used a loop of thread \"landlord\" (");
    ASSERT_STR_CONTAINS(heard, "trespass (loop-debug+0x");
}
