/* SPDX-License-Identifier: MIT
 * sync.c - asynchronous code from a synchronous program, several times.
 *
 * eddy_run() makes a loop, runs a coroutine in it and closes it. For a single call not even that is
 * needed: outside any task a suspending call runs the loop just until it is done, so the same
 * function serves a plain program and a coroutine. */
#include <eddy.h>
#include <stdio.h>

/* Suspends. */
static int boil_egg(void *arg) {
    const char *egg = arg;
    int r = eddy_sleep(0.5);
    if (r < 0)
        return r;

    printf("  %s egg is ready\n", egg);
    return 1;
}

static int boil_two(void *arg) {
    (void)arg;
    int r = eddy_gather(eddy_create_task(boil_egg, "one"), eddy_create_task(boil_egg, "another"));
    return r < 0 ? r : 2;
}

int main(void) {
    puts("a loop of its own:");
    int eggs = eddy_run(boil_egg, "the first");

    puts("and a second one:");
    eggs += eddy_run(boil_two, NULL);

    puts("no loop in sight:");
    eggs += boil_egg("a lonely");

    puts("tasks outside any task:");
    int r =
        eddy_gather(eddy_create_task(boil_egg, "a left"), eddy_create_task(boil_egg, "a right"));
    if (r < 0)
        return 1;

    printf("%d eggs\n", eggs + 2);
    return 0;
}
