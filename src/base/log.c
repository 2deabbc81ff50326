/* SPDX-License-Identifier: MIT
 * log.c - one line to standard error, or to whom the user named. */
#include "log.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define LOG_LINE_BYTES 1000

static void log_to_stderr(eddy_log_level level, const char *text, void *arg) {
    (void)arg;
    if (level != EDDY_LOG_DEBUG || getenv("EDDY_DEBUG"))
        fprintf(stderr, "eddy: %s\n", text);
}

static pthread_mutex_t log_lock = PTHREAD_MUTEX_INITIALIZER;
static eddy_log_fn *log_fn = log_to_stderr;
static void *log_arg;

void eddy_set_log(eddy_log_fn *fn, void *arg) {
    pthread_mutex_lock(&log_lock);
    log_fn = fn ? fn : log_to_stderr;
    log_arg = arg;
    pthread_mutex_unlock(&log_lock);
}

static void log_line(eddy_log_level level, const char *format, va_list arguments) {
    char text[LOG_LINE_BYTES];
    eddy_log_fn *fn;
    void *arg;

    vsnprintf(text, sizeof(text), format, arguments);
    pthread_mutex_lock(&log_lock);
    fn = log_fn;
    arg = log_arg;
    pthread_mutex_unlock(&log_lock);
    fn(level, text, arg);
}

void eddy__log(eddy_log_level level, const char *format, ...) {
    va_list arguments;

    va_start(arguments, format);
    log_line(level, format, arguments);
    va_end(arguments);
}

void eddy__fatal(const char *format, ...) {
    va_list arguments;

    va_start(arguments, format);
    log_line(EDDY_LOG_ERROR, format, arguments);
    va_end(arguments);
    abort();
}
