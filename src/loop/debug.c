/* SPDX-License-Identifier: MIT
 * debug.c - what debug mode looks at in a loop. */
#include "debug.h"

#include <stdio.h>

#include "backtrace.h"
#include "log.h"
#include "loop.h"
#include "os.h"
#include "symbol.h"

#define SLOW_NS_DEFAULT (NS_PER_SECOND / 10)
#define CALLS_SHOWN     3

/* --- who has called --------------------------------------------------------------------------- */

/* Those of the calls that are the program's, innermost first, `most` of them at most. */
static void describe_calls(const uintptr_t *calls, int count, int most, char *text, size_t size) {
    struct eddy__symbols *symbols = eddy__symbols_new();
    size_t length = 0;

    text[0] = '\0';
    for (int i = 0; symbols && i < count && calls[i] && most > 0 && length < size; i++) {
        struct eddy__symbol symbol = eddy__symbols_find(symbols, calls[i]);
        if (symbol.is_eddy)
            continue;
        if (length > 0)
            length += (size_t)snprintf(text + length, size - length, ", ");
        if (length < size)
            length += (size_t)eddy__symbol_text(&symbol, text + length, size - length);
        most--;
    }
    eddy__symbols_free(symbols);
}

/* ", scheduled in start (crawler+0x11e9),", or nothing. */
static void describe_caller(const struct eddy__caller *caller, char *text, size_t size) {
    char call[200];

    describe_calls(caller->calls, CALLER_CALLS, 1, call, sizeof(call));
    text[0] = '\0';
    if (call[0])
        snprintf(text, size, ", scheduled in %s,", call);
}

/* --- slow steps ------------------------------------------------------------------------------- */

static int64_t slow_ns(const eddy_loop *loop) {
    double seconds = loop->options.slow_callback_seconds;

    return seconds > 0 ? ns_from_seconds(seconds) : SLOW_NS_DEFAULT;
}

static void step_end(const eddy_loop *loop, const struct eddy__step *step, int64_t since_ns) {
    int64_t took_ns = eddy__os_now() - since_ns;
    char function[120], caller[300];

    if (took_ns < slow_ns(loop))
        return;
    if (!step->function) {
        eddy__log(EDDY_LOG_WARNING, "%s kept its loop for %.3f s", step->text,
                  seconds_from_ns(took_ns));
        return;
    }
    eddy__symbol_format(step->function, function, sizeof(function));
    describe_caller(&step->caller, caller, sizeof(caller));
    eddy__log(EDDY_LOG_WARNING, "callback %s%s kept its loop for %.3f s", function, caller,
              seconds_from_ns(took_ns));
}

void eddy__debug_run(eddy_loop *loop, void *runnable) {
    const struct eddy__runnable_class *class = *(const struct eddy__runnable_class **)runnable;
    struct eddy__step step = {.text = "a step"};
    int64_t since_ns = eddy__os_now();
    int budget = loop->budget;

    if (class->describe)
        class->describe(runnable, &step);
    loop->budget = 0;
    class->run(runnable);
    loop->budget = budget;
    step_end(loop, &step, since_ns);
}

void eddy__debug_call(eddy_loop *loop, eddy_callback *fn, void *arg) {
    struct eddy__step step = {.function = (uintptr_t)fn};
    int64_t since_ns = eddy__os_now();

    fn(arg);
    step_end(loop, &step, since_ns);
}

/* --- wrong threads ---------------------------------------------------------------------------- */

void eddy__debug_wrong_thread(const eddy_loop *loop) {
    char here[EDDY__THREAD_TEXT_BYTES], text[600];
    uintptr_t calls[32];
    int count = eddy__backtrace(calls, 32);

    eddy__thread_describe(here);
    describe_calls(calls, count, CALLS_SHOWN, text, sizeof(text));
    eddy__log(EDDY_LOG_WARNING, "thread %s used a loop of thread %s, in %s", here, loop->owner,
              text[0] ? text : "?");
}
