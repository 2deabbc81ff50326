/* SPDX-License-Identifier: MIT
 * thread.c - a thread's default loop, and what is cleaned up when the thread ends. */
#include "thread.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "loop.h"

THREAD_LOCAL struct eddy__thread eddy__thread;
unsigned eddy__fork_generation;

void eddy__thread_describe(char text[EDDY__THREAD_TEXT_BYTES]) {
    char name[16] = "?";

    pthread_getname_np(pthread_self(), name, sizeof(name));
    snprintf(text, EDDY__THREAD_TEXT_BYTES, "\"%s\" (%d)", name, (int)gettid());
}

static pthread_key_t clean_up_key;
static pthread_once_t clean_up_once = PTHREAD_ONCE_INIT;

static void nothing_above(void) {}

void (*eddy__thread_ends)(void) = nothing_above;

static void thread_clean_up(void *unused) {
    eddy_loop *loop = eddy__thread.default_loop;

    (void)unused;
    eddy__thread_ends();
    if (loop) {
        loop->is_default = false;
        eddy__thread.default_loop = NULL;
        if (loop->fork_generation == eddy__fork_generation)
            eddy_loop_close(loop);
    }
    eddy__thread.will_clean_up = false;
}

static void process_clean_up(void) {
    thread_clean_up(NULL);
}

/* In the child, which starts afresh: its loops are the parent's. */
static void forked(void) {
    eddy__fork_generation++;
    eddy__thread.running = NULL;
    eddy__thread.default_loop = NULL;
}

static void clean_up_init(void) {
    pthread_key_create(&clean_up_key, thread_clean_up);
    pthread_atfork(NULL, NULL, forked);
    atexit(process_clean_up); /* the main thread ends without destructors of keys */
}

void eddy__thread_remember(void) {
    pthread_once(&clean_up_once, clean_up_init);
    if (!eddy__thread.will_clean_up)
        eddy__thread.will_clean_up = pthread_setspecific(clean_up_key, &eddy__thread) == 0;
}

eddy_loop *eddy__default_loop(void) {
    eddy_loop *loop = eddy__thread.default_loop;

    if (loop && loop->fork_generation != eddy__fork_generation)
        loop = NULL; /* the parent's: a child gets its own */
    if (!loop && eddy__loop_new_bound(NULL, &loop) == 0) {
        loop->is_default = true;
        eddy__thread.default_loop = loop;
    }
    return loop;
}

eddy_loop *eddy_running_loop(void) {
    return eddy__thread.running;
}
