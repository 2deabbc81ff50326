/* SPDX-License-Identifier: MIT
 * failure.h - error records as eddy itself makes and keeps them; see eddy/error.h.
 *
 * A record is static (one per code, nothing to free) or counted. Whose "last error" a failing call
 * sets depends on who runs: a task's, or else the thread's. This layer knows no tasks, so the one
 * above may tell it where to look. */
#ifndef EDDY__FAILURE_H
#define EDDY__FAILURE_H

#include <stdarg.h>

#include <eddy/error.h>

/* The slot that holds the last error of whatever runs now. The task layer replaces it. */
extern const eddy_error **(*eddy__error_slot)(void);

/* The thread's own slot, for code outside tasks. */
const eddy_error **eddy__thread_error_slot(void);

/* The static record of a code. */
const eddy_error *eddy__error_static(int code);

/* A counted record; the code's static one when there is no memory. */
const eddy_error *eddy__error_new(int code, const char *file, int line, const char *function,
                                  const char *format, va_list arguments);

const eddy_error *eddy__error_format(int code, const char *format, ...) EDDY_PRINTF(2, 3);

/* The record of a code without a sentence: its static one, or for a code of the program's own a
 * new reference. */
const eddy_error *eddy__error_of(int code);

/* `cause` as it leaves a task: its name and place around it. Takes cause. A cancel that says
 * nothing stays bare: there are many, and they are no failures. */
const eddy_error *eddy__error_leave_task(const eddy_error *cause, const char *task,
                                         const char *place);

/* The last error of who runs now was awaited there (NULL: unknown). */
void eddy__error_awaited(const eddy_place *place);

/* What the last error of who runs now says of this result: a new reference, or NULL if it belongs
 * to something else. */
const eddy_error *eddy__error_behind(int result);

/* What failed together: the record of the first, with the others beside it (borrowed, like the
 * array). A new reference; without memory the first alone. */
const eddy_error *eddy__error_group(const eddy_error *const *errors, int count);

/* Puts a record into a slot and lets go of the former. set takes `error`. */
void eddy__error_set(const eddy_error **slot, const eddy_error *error);

/* A failure without a sentence of its own: the code's static record becomes the last error. Returns
 * code. */
int eddy__fail(int code);

/* eddy_raise() with the code of the library behind it. */
#define eddy__raise_detail(code, detail, ...) \
    eddy__error_detail(eddy_raise((code), __VA_ARGS__), (detail))

/* Adds it to the record that has just been raised, which nobody has seen. Returns code. */
int eddy__error_detail(int code, int detail);

/* eddy_error_print(), to the log: a report for each line. */
void eddy__error_log(const eddy_error *error);

/* It came through more than one task, or with others: one line cannot tell it. */
bool eddy__error_is_long(const eddy_error *error);

/* Makes `error` (borrowed) the last error of who runs now; returns its code. */
int eddy__fail_with(const eddy_error *error);

#endif
