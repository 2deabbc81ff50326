/* SPDX-License-Identifier: MIT
 * test_log.c - eddy's own reports, and who gets them. */
#include "log.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "test.h"

struct heard {
    eddy_log_level level;
    char text[2000];
    int count;
};

static void hear(eddy_log_level level, const char *text, void *arg) {
    struct heard *heard = arg;

    heard->level = level;
    snprintf(heard->text, sizeof(heard->text), "%s", text);
    heard->count++;
}

/* What goes to standard error until stderr_end(): a pipe in its place. */
static int stderr_pipe[2], stderr_saved;

static void stderr_begin(void) {
    ASSERT_INT_EQ(pipe(stderr_pipe), 0);
    stderr_saved = dup(STDERR_FILENO);
    ASSERT(dup2(stderr_pipe[1], STDERR_FILENO) >= 0);
}

static const char *stderr_end(void) {
    static char text[4000];

    fflush(stderr);
    dup2(stderr_saved, STDERR_FILENO);
    close(stderr_pipe[1]);
    ssize_t size = read(stderr_pipe[0], text, sizeof(text) - 1);
    text[size < 0 ? 0 : size] = '\0';
    return text;
}

TEST(a_report_reaches_the_hook_with_its_level_and_no_newline) {
    struct heard heard = {0};
    eddy_set_log(hear, &heard);
    eddy__log(EDDY_LOG_WARNING, "%d tasks were left", 3);

    ASSERT_INT_EQ(heard.level, EDDY_LOG_WARNING);
    ASSERT_STR_EQ(heard.text, "3 tasks were left");
}

TEST(by_default_a_report_is_a_line_on_standard_error) {
    stderr_begin();
    eddy__log(EDDY_LOG_ERROR, "something %s", "failed");

    ASSERT_STR_EQ(stderr_end(), "eddy: something failed\n");
}

TEST(by_default_debug_notes_are_not_shown) {
    stderr_begin();
    eddy__log(EDDY_LOG_DEBUG, "a note");

    ASSERT_STR_EQ(stderr_end(), "");
}

TEST(a_hook_gets_debug_notes_too) {
    struct heard heard = {0};
    eddy_set_log(hear, &heard);
    eddy__log(EDDY_LOG_DEBUG, "a note");

    ASSERT_STR_EQ(heard.text, "a note");
}

TEST(no_hook_brings_the_default_back) {
    struct heard heard = {0};
    eddy_set_log(hear, &heard);
    eddy_set_log(NULL, NULL);
    stderr_begin();
    eddy__log(EDDY_LOG_ERROR, "to standard error");

    ASSERT_STR_EQ(stderr_end(), "eddy: to standard error\n");
    ASSERT_INT_EQ(heard.count, 0);
}

TEST(a_long_report_is_cut_not_overrun) {
    struct heard heard = {0};
    char text[5000];
    memset(text, 'x', sizeof(text));
    text[sizeof(text) - 1] = '\0';
    eddy_set_log(hear, &heard);
    eddy__log(EDDY_LOG_ERROR, "%s", text);

    ASSERT(strlen(heard.text) >= 900 && strlen(heard.text) <= 1000);
}

static void hear_and_leave(eddy_log_level level, const char *text, void *arg) {
    hear(level, text, arg);
    eddy_set_log(NULL, NULL);
}

TEST(a_hook_may_replace_itself) {
    struct heard heard = {0};
    eddy_set_log(hear_and_leave, &heard);
    eddy__log(EDDY_LOG_ERROR, "first");
    stderr_begin();
    eddy__log(EDDY_LOG_ERROR, "second");
    stderr_end();

    ASSERT_STR_EQ(heard.text, "first");
}

static void hear_and_log(eddy_log_level level, const char *text, void *arg) {
    struct heard *heard = arg;

    hear(level, text, arg);
    if (heard->count < 3)
        eddy__log(EDDY_LOG_WARNING, "again");
}

TEST(a_hook_may_report_something_itself) {
    struct heard heard = {0};
    eddy_set_log(hear_and_log, &heard);
    eddy__log(EDDY_LOG_ERROR, "first");

    ASSERT_INT_EQ(heard.count, 3);
}

static void end_well(eddy_log_level level, const char *text, void *arg) {
    (void)arg;
    _exit(level == EDDY_LOG_ERROR && strcmp(text, "misuse 7") == 0 ? 7 : 1);
}

TEST_EXIT(a_fatal_misuse_is_reported_before_the_end, 7) {
    eddy_set_log(end_well, NULL);
    eddy__fatal("misuse %d", 7);
}

static void hear_nothing(eddy_log_level level, const char *text, void *arg) {
    (void)level, (void)text, (void)arg;
}

TEST_SIGNAL(a_fatal_misuse_aborts, SIGABRT) {
    eddy_set_log(hear_nothing, NULL);
    eddy__fatal("misuse");
}
