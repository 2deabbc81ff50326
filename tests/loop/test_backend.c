/* SPDX-License-Identifier: MIT
 * test_backend.c - which poller a loop gets: the options, the environment, and what the kernel
 * allows. */
#include <errno.h>
#include <stdlib.h>

#include "fixture.h"
#include "refuse.h"

static int backend_from(const char *environment, eddy_backend backend, eddy_loop **out) {
    setenv("EDDY_BACKEND", environment, 1);
    return eddy_loop_new(&(eddy_loop_options){.backend = backend}, out);
}

static const char *name_of(eddy_loop *loop) {
    eddy_loop_statistics info;
    ASSERT_OK(eddy_loop_info(loop, &info));
    return info.backend;
}

static const char *reason_of(eddy_loop *loop) {
    eddy_loop_statistics info;
    ASSERT_OK(eddy_loop_info(loop, &info));
    return info.reason;
}

/* --- choosing --------------------------------------------------------------------------------- */

TEST(the_environment_may_choose_the_backend) {
    LOOP loop = NULL;
    ASSERT_OK(backend_from("epoll", EDDY_BACKEND_AUTO, &loop));
    ASSERT_STR_EQ(name_of(loop), "epoll");
    ASSERT_STR_CONTAINS(reason_of(loop), "EDDY_BACKEND");
}

TEST(an_empty_choice_of_the_environment_is_none) {
    LOOP loop = NULL;
    ASSERT_OK(backend_from("", EDDY_BACKEND_AUTO, &loop));
    ASSERT_NOT_NULL(reason_of(loop));
}

TEST(the_options_choice_of_a_backend_beats_the_environment) {
    LOOP loop = NULL;
    ASSERT_OK(backend_from("nonsense", EDDY_BACKEND_EPOLL, &loop));
    ASSERT_STR_EQ(name_of(loop), "epoll");
    ASSERT_STR_CONTAINS(reason_of(loop), "options");
}

TEST(an_unknown_backend_in_the_environment_is_refused_by_its_name) {
    eddy_loop *loop = NULL;
    ASSERT_CODE(-ENOTSUP, backend_from("nonsense", EDDY_BACKEND_AUTO, &loop));
    ASSERT_LAST_ERROR(-ENOTSUP, "nonsense");
    ASSERT_NULL(loop);
    forget_last_error();
}

TEST(a_backend_that_no_build_has_is_refused) {
    eddy_loop *loop = NULL;
    ASSERT_CODE(-ENOTSUP, backend_from("", EDDY_BACKEND_SIM, &loop));
    ASSERT_CODE(-ENOTSUP, backend_from("", (eddy_backend)99, &loop));
    ASSERT_NULL(loop);
    forget_last_error();
}

/* Where it is refused, an error says so; the test runs in both worlds. */
TEST(io_uring_is_given_to_who_asks_for_it_or_refused_with_a_sentence) {
    LOOP loop = NULL;
    int r = backend_from("epoll", EDDY_BACKEND_IO_URING, &loop);
    if (r == 0) {
        ASSERT_STR_EQ(name_of(loop), "io_uring");
        ASSERT_STR_CONTAINS(reason_of(loop), "options");
    } else {
        ASSERT_CODE(-ENOTSUP, r);
        ASSERT_LAST_ERROR(-ENOTSUP, "io_uring");
    }
    forget_last_error();
}

/* --- refused by the kernel -------------------------------------------------------------------- */

/* Emulators have no filters. */
static bool refuse_rings(int code) {
    if (test_is_emulated())
        return false;
    refuse(SYS_io_uring_setup, code);
    return true;
}

TEST(who_asks_for_io_uring_is_told_that_the_kernel_refuses_it) {
    eddy_loop *loop = NULL;
    if (!refuse_rings(EPERM))
        return;
    ASSERT_CODE(-ENOTSUP, backend_from("", EDDY_BACKEND_IO_URING, &loop));
    ASSERT_LAST_ERROR(-ENOTSUP, "options");
    ASSERT_CODE(-ENOTSUP, backend_from("io_uring", EDDY_BACKEND_AUTO, &loop));
    ASSERT_LAST_ERROR(-ENOTSUP, "EDDY_BACKEND");
    ASSERT_NULL(loop);
    forget_last_error();
}

TEST(without_memory_for_a_ring_the_code_says_so) {
    eddy_loop *loop = NULL;
    if (!refuse_rings(ENOMEM))
        return;
    int r = backend_from("io_uring", EDDY_BACKEND_AUTO, &loop);
    ASSERT(r == -ENOMEM || r == -ENOTSUP); /* a build without liburing */
    ASSERT_LAST_ERROR(r, "io_uring");
    forget_last_error();
}

static void keep_line(eddy_log_level level, const char *text, void *arg) {
    ASSERT_INT_EQ(level, EDDY_LOG_DEBUG);
    snprintf(arg, 200, "%s", text);
}

/* What a loop that may choose does, and the one line that says so. */
static void fall_back(int code, const char *part) {
    LOOP loop = NULL;
    char line[200] = "";
    if (!refuse_rings(code))
        return;
    setenv("EDDY_DEBUG", "1", 1);
    eddy_set_log(keep_line, line);
    ASSERT_OK(backend_from("", EDDY_BACKEND_AUTO, &loop));

    ASSERT_STR_EQ(name_of(loop), "epoll");
    ASSERT_STR_CONTAINS(line, "a loop on epoll: ");
    ASSERT_STR_CONTAINS(line, reason_of(loop));
    if (!strstr(line, "liburing")) /* a build that never asks */
        ASSERT_STR_CONTAINS(line, part);
    turn(loop);
}

TEST(where_a_filter_forbids_io_uring_the_loop_falls_back_to_epoll) {
    fall_back(EPERM, "EPERM");
}

TEST(where_a_policy_denies_io_uring_the_loop_falls_back_to_epoll) {
    fall_back(EACCES, "EPERM");
}

TEST(on_a_kernel_without_io_uring_the_loop_falls_back_to_epoll) {
    fall_back(ENOSYS, "ENOSYS");
}

TEST(on_a_kernel_with_an_old_io_uring_the_loop_falls_back_to_epoll) {
    fall_back(EINVAL, "EINVAL");
}

TEST(without_memory_for_the_ring_the_loop_falls_back_to_epoll) {
    fall_back(ENOMEM, "ENOMEM");
}

TEST(without_descriptors_nothing_is_better) {
    eddy_loop *loop = NULL;
    leave_descriptors(0);
    ASSERT_CODE(-EMFILE, backend_from("", EDDY_BACKEND_AUTO, &loop));
    ASSERT_LAST_ERROR(-EMFILE, "event loop");
    leave_descriptors(2); /* the leak checker needs one */
    forget_last_error();
    leave_all_descriptors();
}

TEST(the_default_is_io_uring_where_it_can_be_had) {
    LOOP asked = NULL;
    LOOP chosen = NULL;
    int r = backend_from("", EDDY_BACKEND_IO_URING, &asked);
    ASSERT_OK(backend_from("", EDDY_BACKEND_AUTO, &chosen));
    ASSERT_STR_EQ(name_of(chosen), r == 0 ? "io_uring" : "epoll");
    forget_last_error();
}

/* --- telling ---------------------------------------------------------------------------------- */

TEST(with_EDDY_DEBUG_a_line_of_the_log_tells_the_backend_and_why) {
    char line[200] = "";
    eddy_set_log(keep_line, line);
    eddy_loop *quiet = NULL;
    ASSERT_OK(backend_from("epoll", EDDY_BACKEND_AUTO, &quiet));
    eddy_loop_close(quiet);
    ASSERT_STR_EQ(line, "");

    setenv("EDDY_DEBUG", "1", 1);
    LOOP loop = NULL;
    ASSERT_OK(backend_from("epoll", EDDY_BACKEND_AUTO, &loop));
    ASSERT_STR_EQ(line, "a loop on epoll: EDDY_BACKEND asked for it");
}
