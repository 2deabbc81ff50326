/* SPDX-License-Identifier: MIT
 * refuse.h - a kernel that refuses a system call from now on: a seccomp filter, for the test's own
 * process. */
#ifndef TEST_LOOP_REFUSE_H
#define TEST_LOOP_REFUSE_H

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "test.h"

static inline void filter_install(struct sock_filter *code, unsigned short length) {
    struct sock_fprog program = {.len = length, .filter = code};

    ASSERT_INT_EQ(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
    ASSERT_INT_EQ(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), 0);
}

#define FILTER_LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define FILTER_IF(value, skipped_else) \
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)(value), 0, (skipped_else))
#define FILTER_ANSWER(action) BPF_STMT(BPF_RET | BPF_K, (action))

/* The call fails with this errno, whatever its arguments. */
static inline void refuse(int number, int code) {
    struct sock_filter filter[] = {
        FILTER_LOAD(nr),
        FILTER_IF(number, 1),
        FILTER_ANSWER(SECCOMP_RET_ERRNO | (unsigned)code),
        FILTER_ANSWER(SECCOMP_RET_ALLOW),
    };
    filter_install(filter, sizeof(filter) / sizeof(filter[0]));
}

/* The same, if the lower half of the argument of this index is `value`. */
static inline void refuse_if(int number, int index, unsigned value, int code) {
    struct sock_filter filter[] = {
        FILTER_LOAD(nr),
        FILTER_IF(number, 3),
        FILTER_LOAD(args[index]), /* little-endian */
        FILTER_IF(value, 1),
        FILTER_ANSWER(SECCOMP_RET_ERRNO | (unsigned)code),
        FILTER_ANSWER(SECCOMP_RET_ALLOW),
    };
    filter_install(filter, sizeof(filter) / sizeof(filter[0]));
}

#endif
