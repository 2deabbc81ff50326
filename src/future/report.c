/* SPDX-License-Identifier: MIT
 * report.c - failures that nobody else would hear of: a loop's exception handler, or the log. */
#include "future.h"
#include "log.h"

void eddy_default_exception_handler(eddy_loop *loop, const eddy_error *error, const char *what,
                                    void *arg) {
    const eddy_error *root = error;

    (void)loop;
    (void)arg;
    while (root->cause)
        root = root->cause;
    if (eddy__error_is_long(error)) {
        eddy__log(EDDY_LOG_ERROR, "%s", what);
        eddy__error_log(error);
        return;
    }
    if (root->file)
        eddy__log(EDDY_LOG_ERROR, "%s: %s: %s (%s:%d, in %s)", what, eddy_error_name(error->code),
                  error->message, root->file, root->line, root->function);
    else
        eddy__log(EDDY_LOG_ERROR, "%s: %s: %s", what, eddy_error_name(error->code), error->message);
}

/* One that fails itself, and reports that, must not be told of it: it would never end. */
void eddy__report_failure(eddy_loop *loop, const eddy_error *error, const char *what) {
    if (!loop || !loop->options.exception_handler || loop->is_reporting) {
        eddy_default_exception_handler(loop, error, what, NULL);
        return;
    }
    loop->is_reporting = true;
    loop->options.exception_handler(loop, error, what, loop->options.exception_arg);
    loop->is_reporting = false;
}

int eddy_loop_set_exception_handler(eddy_loop *loop, eddy_exception_handler *handler, void *arg) {
    int r = eddy__loop_find(&loop);

    if (r < 0)
        return r;
    loop->options.exception_handler = handler;
    loop->options.exception_arg = arg;
    return 0;
}

eddy_exception_handler *eddy_loop_get_exception_handler(const eddy_loop *loop, void **arg) {
    if (arg)
        *arg = loop->options.exception_arg;
    return loop->options.exception_handler;
}

int eddy_loop_call_exception_handler(eddy_loop *loop, const eddy_error *error, const char *what) {
    int r = eddy__loop_find(&loop);

    if (r < 0)
        return r;
    error = eddy_error_ref(error ? error : eddy_last_error());
    if (error)
        eddy__report_failure(loop, error, what);
    eddy_error_unref(error);
    return error ? 0 : eddy_raise(-EINVAL, "no error to report: none was given, and none is last");
}
