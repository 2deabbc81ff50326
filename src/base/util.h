/* SPDX-License-Identifier: MIT
 * util.h - the handful of macros that eddy allows itself. */
#ifndef EDDY__UTIL_H
#define EDDY__UTIL_H

#include <stddef.h>
#include <stdint.h>

#define likely(condition)   __builtin_expect(!!(condition), 1)
#define unlikely(condition) __builtin_expect(!!(condition), 0)

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))
#define MIN(a, b)         ((a) < (b) ? (a) : (b))
#define MAX(a, b)         ((a) > (b) ? (a) : (b))

/* The struct that `member`, pointed to by `pointer`, lies in. */
#define container_of(pointer, type, member) ((type *)((char *)(pointer)-offsetof(type, member)))

/* Runs `function(&variable)` when the variable goes out of scope, so every early return is safe. */
#define CLEANUP(function) __attribute__((cleanup(function)))

/* The value, and the variable left empty: hands ownership on. */
#define TAKE_FD(fd)        \
    ({                     \
        int taken_ = (fd); \
        (fd) = -1;         \
        taken_;            \
    })
#define TAKE_POINTER(pointer)           \
    ({                                  \
        __auto_type taken_ = (pointer); \
        (pointer) = NULL;               \
        taken_;                         \
    })

/* Thread-locals of the shared library, without a call to find them. */
#define THREAD_LOCAL _Thread_local __attribute__((tls_model("initial-exec")))

#endif
