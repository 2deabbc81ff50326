/* SPDX-License-Identifier: MIT
 * test_process_communicate.c - input, output and errors at the same time. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>

#include "processes.h"

static const eddy_process_options all_pipes = {
    .input = EDDY_PROCESS_PIPE, .output = EDDY_PROCESS_PIPE, .errors = EDDY_PROCESS_PIPE};

PROCESS_TEST(what_is_sent_to_cat_comes_back) {
    CLEANUP(process_closep) eddy_process *process = NULL;
    eddy_slice output = {0}, errors = {0};
    int code = -1;

    ASSERT_OK(eddy_process_spawn(ARGUMENTS("cat"), &all_pipes, &process));
    ASSERT_OK(eddy_process_communicate(process, slice_of("hello\n"), &output, &errors));
    ASSERT_SLICE_EQ(output, "hello\n");
    ASSERT_INT_EQ(output.data[output.size], 0);
    ASSERT_UINT_EQ(errors.size, 0);
    ASSERT_STR_EQ(errors.data, "");
    ASSERT_OK(eddy_process_returncode(process, &code));
    ASSERT_INT_EQ(code, 0);
    return 0;
}

PROCESS_TEST(output_and_errors_are_kept_apart) {
    CLEANUP(process_closep)
    eddy_process *process = spawn_shell("echo out; echo err >&2; cat; exit 3", &all_pipes);
    eddy_slice output, errors;
    int code;

    ASSERT_OK(eddy_process_communicate(process, slice_of("in"), &output, &errors));
    ASSERT_SLICE_EQ(output, "out\nin");
    ASSERT_SLICE_EQ(errors, "err\n");
    ASSERT_OK(eddy_process_returncode(process, &code));
    ASSERT_INT_EQ(code, 3);
    return 0;
}

static void freep(char **memory) {
    free(*memory);
}

static char *much_of(size_t size) {
    char *data = malloc(size);

    ASSERT(data);
    for (size_t i = 0; i < size; i++)
        data[i] = (char)(i * 31 + i / 509);
    return data;
}

/* Both pipes are full a thousand times over: whoever did one after the other would stand still. */
PROCESS_TEST(sixty_four_mebibytes_pass_both_ways) {
    const size_t size = UNDER_TSAN ? 8u << 20 : 64u << 20;
    CLEANUP(process_closep) eddy_process *process = NULL;
    CLEANUP(freep) char *data = much_of(size);
    eddy_slice output;

    ASSERT_OK(eddy_process_spawn(ARGUMENTS("cat"), &all_pipes, &process));
    ASSERT_OK(eddy_process_communicate(process, (eddy_slice){data, size}, &output, NULL));
    ASSERT_UINT_EQ(output.size, size);
    ASSERT(memcmp(output.data, data, size) == 0);
    return 0;
}

PROCESS_TEST(output_and_errors_may_both_be_much) {
    CLEANUP(process_closep)
    eddy_process *process = spawn_shell(
        "i=0; while [ $i -lt 200 ]; do head -c 5000 /dev/zero; head -c 5000 /dev/zero >&2; "
        "i=$((i+1)); done",
        &all_pipes);
    eddy_slice output, errors;

    ASSERT_OK(eddy_process_communicate(process, (eddy_slice){0}, &output, &errors));
    ASSERT_UINT_EQ(output.size, 1000000);
    ASSERT_UINT_EQ(errors.size, 1000000);
    return 0;
}

PROCESS_TEST(a_child_that_ends_its_input_early_is_no_error) {
    CLEANUP(process_closep) eddy_process *process = NULL;
    CLEANUP(freep) char *data = much_of(4 << 20);
    eddy_slice output;

    ASSERT_OK(eddy_process_spawn(ARGUMENTS("head", "-c", "3"), &all_pipes, &process));
    ASSERT_OK(eddy_process_communicate(process, (eddy_slice){data, 4 << 20}, &output, NULL));
    ASSERT_UINT_EQ(output.size, 3);
    ASSERT_NULL(eddy_process_stdin(process));
    return 0;
}

PROCESS_TEST(a_child_that_reads_nothing_is_no_error) {
    CLEANUP(process_closep) eddy_process *process = spawn_shell("exit 2", &all_pipes);
    CLEANUP(freep) char *data = much_of(1 << 20);
    int code;

    ASSERT_OK(eddy_process_communicate(process, (eddy_slice){data, 1 << 20}, NULL, NULL));
    ASSERT_OK(eddy_process_returncode(process, &code));
    ASSERT_INT_EQ(code, 2);
    return 0;
}

PROCESS_TEST(without_input_the_child_reads_the_end) {
    CLEANUP(process_closep) eddy_process *process = NULL;
    eddy_slice output;

    ASSERT_OK(eddy_process_spawn(ARGUMENTS("wc", "-c"), &all_pipes, &process));
    ASSERT_OK(eddy_process_communicate(process, (eddy_slice){0}, &output, NULL));
    ASSERT_SLICE_EQ(output, "0\n");
    return 0;
}

PROCESS_TEST(without_pipes_it_only_waits) {
    CLEANUP(process_closep) eddy_process *process = spawn_shell("exit 8", NULL);
    eddy_slice output, errors;
    int code;

    ASSERT_OK(eddy_process_communicate(process, slice_of("unread"), &output, &errors));
    ASSERT_UINT_EQ(output.size + errors.size, 0);
    ASSERT_OK(eddy_process_returncode(process, &code));
    ASSERT_INT_EQ(code, 8);
    return 0;
}

PROCESS_TEST(a_grandchild_that_has_the_pipe_is_waited_for) {
    CLEANUP(process_closep)
    eddy_process *process = spawn_shell("(sleep 0.2; echo late) & exit 0", &all_pipes);
    eddy_slice output;

    ASSERT_OK(eddy_process_communicate(process, (eddy_slice){0}, &output, NULL));
    ASSERT_SLICE_EQ(output, "late\n");
    return 0;
}

/* --- limits ----------------------------------------------------------------------------------- */

static eddy_process *spawn_limited(const char *command) {
    eddy_process_options options = all_pipes;

    options.output_max_bytes = 1000;
    return spawn_shell(command, &options);
}

PROCESS_TEST(an_endless_output_meets_its_limit) {
    CLEANUP(process_closep) eddy_process *process = spawn_limited("yes");
    eddy_slice output = {0};

    ASSERT_CODE(EDDY_ELIMIT, eddy_process_communicate(process, (eddy_slice){0}, &output, NULL));
    ASSERT_STR_CONTAINS(eddy_last_error()->message, "more output than the 1000 bytes allowed");
    ASSERT_NULL(output.data);
    ASSERT_UINT_EQ(eddy_process_output(process).size, 1000);
    return 0;
}

PROCESS_TEST(endless_errors_meet_it_as_well) {
    CLEANUP(process_closep) eddy_process *process = spawn_limited("yes >&2");

    ASSERT_CODE(EDDY_ELIMIT, eddy_process_communicate(process, (eddy_slice){0}, NULL, NULL));
    ASSERT_STR_CONTAINS(eddy_last_error()->message, "more errors than");
    return 0;
}

PROCESS_TEST(just_as_much_as_the_limit_is_fine) {
    CLEANUP(process_closep) eddy_process *process = spawn_limited("head -c 1000 /dev/zero");
    eddy_slice output;

    ASSERT_OK(eddy_process_communicate(process, (eddy_slice){0}, &output, NULL));
    ASSERT_UINT_EQ(output.size, 1000);
    return 0;
}

/* --- cancelled -------------------------------------------------------------------------------- */

struct talk {
    eddy_process *process;
    eddy_slice input, output;
};

static int communicates(void *arg) {
    struct talk *talk = arg;

    return eddy_process_communicate(talk->process, talk->input, &talk->output, NULL);
}

/* Cancelled again and again, it brings all of it in the end. */
PROCESS_TEST(a_cancelled_one_may_go_on_and_has_lost_nothing) {
    enum { SIZE = 2 << 20 };
    CLEANUP(process_closep) eddy_process *process = NULL;
    CLEANUP(freep) char *data = much_of(SIZE);
    struct talk talk = {.input = {data, SIZE}};
    int cancels = 0, r;

    ASSERT_OK(eddy_process_spawn(ARGUMENTS("cat"), &all_pipes, &process));
    talk.process = process;
    do {
        eddy_task *task = eddy_create_task(communicates, &talk);
        for (int i = 0; i < cancels && !eddy_is_done(task); i++)
            eddy_sleep(1e-9);
        eddy_cancel(task);
        r = eddy_await(task);
        ASSERT(r == 0 || r == -ECANCELED);
        cancels++;
    } while (r < 0);
    ASSERT(cancels > 3);
    ASSERT_UINT_EQ(talk.output.size, SIZE);
    ASSERT(memcmp(talk.output.data, data, SIZE) == 0);
    return 0;
}

PROCESS_TEST_VIRTUAL(what_came_before_the_time_was_up_can_be_read) {
    CLEANUP(process_closep)
    eddy_process *process = spawn_shell("echo begun; exec sleep 100", &all_pipes);
    struct talk talk = {.process = process};

    while (eddy_process_output(process).size == 0)
        ASSERT_CODE(-ETIMEDOUT, eddy_with_timeout(1, communicates, &talk));
    ASSERT_SLICE_EQ(eddy_process_output(process), "begun\n");
    return 0;
}

PROCESS_TEST(a_second_one_at_the_same_time_is_refused) {
    CLEANUP(process_closep) eddy_process *process = spawn_shell("exec sleep 100", &all_pipes);
    struct talk talk = {.process = process};
    eddy_task *task = eddy_create_task(communicates, &talk);

    settle();
    ASSERT_CODE(-EBUSY, communicates(&talk));
    eddy_cancel(task);
    ASSERT_CODE(-ECANCELED, eddy_await(task));
    return 0;
}

PROCESS_TEST(a_process_may_be_closed_under_it) {
    eddy_process *process = spawn_shell("exec sleep 100", &all_pipes);
    struct talk talk = {.process = process};
    eddy_task *task = eddy_create_task(communicates, &talk);

    settle();
    eddy_process_close(process);
    ASSERT_CODE(EDDY_ECLOSED, eddy_await(task));
    return 0;
}

/* --- the streams by themselves ---------------------------------------------------------------- */

PROCESS_TEST(a_dialogue_goes_over_the_streams) {
    CLEANUP(process_closep) eddy_process *process = NULL;
    eddy_slice line;
    int code;

    ASSERT_OK(eddy_process_spawn(ARGUMENTS("cat"), &all_pipes, &process));
    for (int i = 0; i < 10; i++) {
        ASSERT_OK(eddy_stream_write(eddy_process_stdin(process), "ping\n", 5));
        ASSERT_INT_EQ(eddy_stream_read_line(eddy_process_stdout(process), &line), 5);
        ASSERT_SLICE_EQ(line, "ping\n");
    }
    ASSERT_OK(eddy_stream_write_eof(eddy_process_stdin(process)));
    ASSERT_INT_EQ(eddy_stream_read_line(eddy_process_stdout(process), &line), 0);
    ASSERT_OK(eddy_process_wait(process, &code));
    ASSERT_INT_EQ(code, 0);
    return 0;
}

PROCESS_TEST(a_stream_may_be_closed_before_its_process) {
    CLEANUP(process_closep) eddy_process *process = NULL;

    ASSERT_OK(eddy_process_spawn(ARGUMENTS("cat"), &all_pipes, &process));
    eddy_stream_close(eddy_process_stdin(process));
    ASSERT_NULL(eddy_process_stdin(process));
    ASSERT_OK(eddy_process_wait(process, NULL));
    eddy_stream_close(eddy_process_stdout(process));
    ASSERT_NULL(eddy_process_stdout(process));
    return 0;
}

PROCESS_TEST(streams_that_are_no_pipes_are_null) {
    CLEANUP(process_closep) eddy_process *process = spawn_shell("exit 0", NULL);

    ASSERT_NULL(eddy_process_stdin(process));
    ASSERT_NULL(eddy_process_stdout(process));
    ASSERT_NULL(eddy_process_stderr(process));
    return eddy_process_wait(process, NULL);
}

/* --- in one call ------------------------------------------------------------------------------ */

PROCESS_TEST(run_brings_output_errors_and_code) {
    CLEANUP(process_closep) eddy_process *process = NULL;
    int code;

    ASSERT_OK(eddy_process_run(ARGUMENTS("sh", "-c", "cat; echo bad >&2; exit 1"), NULL,
                               slice_of("good\n"), &process));
    ASSERT_SLICE_EQ(eddy_process_output(process), "good\n");
    ASSERT_SLICE_EQ(eddy_process_errors(process), "bad\n");
    ASSERT_OK(eddy_process_returncode(process, &code));
    ASSERT_INT_EQ(code, 1);
    return 0;
}

PROCESS_TEST(run_heeds_what_the_options_say_of_the_streams) {
    CLEANUP(process_closep) eddy_process *process = NULL;

    ASSERT_OK(eddy_process_run(ARGUMENTS("sh", "-c", "echo out; echo err >&2"),
                               &(eddy_process_options){.errors = EDDY_PROCESS_STDOUT},
                               (eddy_slice){0}, &process));
    ASSERT_SLICE_EQ(eddy_process_output(process), "out\nerr\n");
    ASSERT_NULL(eddy_process_stderr(process));
    return 0;
}

PROCESS_TEST(a_run_that_fails_leaves_nothing) {
    eddy_process *process = NULL;

    ASSERT_CODE(EDDY_ELIMIT,
                eddy_process_run(ARGUMENTS("yes"), &(eddy_process_options){.output_max_bytes = 100},
                                 (eddy_slice){0}, &process));
    ASSERT_NULL(process);
    ASSERT_CODE(-ENOENT, eddy_process_run(ARGUMENTS("/no/such"), NULL, (eddy_slice){0}, &process));
    return 0;
}
