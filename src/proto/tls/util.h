/* SPDX-License-Identifier: MIT
 * util.h - the macros that this library allows itself. It sees only eddy's public headers, so it
 * brings its own. */
#ifndef EDDY__TLS_UTIL_H
#define EDDY__TLS_UTIL_H

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))
#define MIN(a, b)         ((a) < (b) ? (a) : (b))

/* Runs `function(&variable)` when the variable goes out of scope, so every early return is safe. */
#define CLEANUP(function) __attribute__((cleanup(function)))

/* The pointer, and the variable left empty: hands ownership on. */
#define TAKE_POINTER(pointer)           \
    ({                                  \
        __auto_type taken_ = (pointer); \
        (pointer) = NULL;               \
        taken_;                         \
    })

#endif
