/* SPDX-License-Identifier: MIT
 * eddy/base.h - the words that every other header uses: types, slices, version, allocator, log. */
#ifndef EDDY_BASE_H
#define EDDY_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define EDDY_API                     __attribute__((visibility("default")))
#define EDDY_PRINTF(text, arguments) __attribute__((__format__(__printf__, text, arguments)))

/* The version of these headers. */
#define EDDY_VERSION_MAJOR 0
#define EDDY_VERSION_MINOR 1
#define EDDY_VERSION_PATCH 0

#ifdef __cplusplus
extern "C" {
#endif

/* The place of a call, "file.c:12": what reports of tasks and time-outs show. */
#define EDDY_STRING_OF(token) #token
#define EDDY_STRING(token)    EDDY_STRING_OF(token)
#define EDDY_PLACE            __FILE__ ":" EDDY_STRING(__LINE__)

/* The place of a call with all that a traceback shows of it. EDDY_HERE() points to a constant: to
 * note it costs one pointer. */
typedef struct eddy_place {
    const char *origin;   /* "file.c:12", and behind its NUL the call as it is written */
    const char *function; /* that the call stands in */
} eddy_place;
#define EDDY_HERE(call)                                                       \
    (__extension__({                                                          \
        static const eddy_place eddy_here = {EDDY_PLACE "\0" call, __func__}; \
        &eddy_here;                                                           \
    }))

/* An event loop: one thread's tasks, timers and descriptors. See eddy/loop.h. */
typedef struct eddy_loop eddy_loop;

/* Anything that completes: a value, an error, or cancelled. See eddy/future.h. */
typedef struct eddy_future eddy_future;

/* A future that runs a coroutine. Every call that takes a future takes a task. See eddy/task.h. */
typedef eddy_future eddy_task;

/* The values of task-local variables. See eddy/task_local.h. */
typedef struct eddy_context eddy_context;

/* A coroutine function: plain C that may call whatever "suspends". Returns >= 0, or a negative
 * code. */
typedef int eddy_fn(void *arg);

/* A callback of the loop: runs on the loop's own stack and must not suspend (-EDEADLK if it tries).
 */
typedef void eddy_callback(void *arg);

/* A borrowed view of bytes; `data` is NUL-terminated only where the call says so. */
typedef struct eddy_slice {
    const char *data;
    size_t size;
} eddy_slice;

/* The version of the library that runs (the macros are those that were compiled against), "0.1.0".
 */
EDDY_API const char *eddy_version(void);

/* Replaces malloc, realloc and free for all that the core library allocates (eddy-http and libcurl
 * use malloc). Call it before any other eddy call; the three functions must be thread-safe.
 * `resize` of NULL allocates. Returns 0, or -EBUSY once eddy has allocated. */
typedef struct eddy_allocator {
    void *(*allocate)(size_t size);
    void *(*resize)(void *memory, size_t size);
    void (*release)(void *memory);
} eddy_allocator;
EDDY_API int eddy_set_allocator(const eddy_allocator *allocator);

/* Frees, with that allocator, what a call has said is "yours to eddy_free()"; returns NULL.
 * free(NULL) is NULL. Any thread. */
EDDY_API void *eddy_free(void *memory);

/* Where eddy's own reports go: failures nobody awaited, refused clean-ups, debug notes.
 * The default writes "eddy: <text>" to standard error. NULL brings the default back.
 * `text` has no newline and is borrowed for the call, which may come from any thread. */
typedef enum eddy_log_level { EDDY_LOG_ERROR, EDDY_LOG_WARNING, EDDY_LOG_DEBUG } eddy_log_level;
typedef void eddy_log_fn(eddy_log_level level, const char *text, void *arg);
EDDY_API void eddy_set_log(eddy_log_fn *log, void *arg);

#ifdef __cplusplus
}
#endif

#endif
