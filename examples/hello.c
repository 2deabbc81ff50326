/* SPDX-License-Identifier: MIT
 * hello.c - two coroutines that sleep and greet, together in one second.
 *
 * Code inside a task is plain C: eddy_sleep() suspends the task, not the program. It returns a
 * negative code when the task is cancelled, and handing that on is all that cancellation asks. */
#include <eddy.h>
#include <stdio.h>

static int say_hello(void *arg) {
    (void)arg;
    int r = eddy_sleep(1.0);
    if (r < 0)
        return r;

    puts("Hello");
    return 0;
}

static int say_world(void *arg) {
    (void)arg;
    int r = eddy_sleep(1.0);
    if (r < 0)
        return r;

    puts("World");
    return 0;
}

static int async_main(void *arg) {
    (void)arg;
    return eddy_gather(eddy_create_task(say_hello, NULL), eddy_create_task(say_world, NULL));
}

int main(void) {
    return eddy_main(async_main, NULL); /* both after one second, not two */
}
