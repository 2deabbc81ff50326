/* SPDX-License-Identifier: MIT
 * background.c - a task in the background while main goes on; awaited at the end.
 *
 * A new task first runs when its creator suspends. Should main be cancelled while it sleeps, its
 * await is refused, too, but not before the cancel is passed on and the task has ended. */
#include <eddy.h>
#include <stdio.h>

static int save(void *arg) {
    const char *name = arg;
    for (int part = 1; part <= 3; part++) {
        int r = eddy_sleep(0.5);
        if (r < 0)
            return r;
        printf("    saving %s: part %d of 3\n", name, part);
    }
    return 3;
}

static int async_main(void *arg) {
    (void)arg;
    eddy_task *saving = eddy_create_task(save, "letter.txt");
    puts("main: still here");

    if (eddy_sleep(0.75) == 0) /* other work */
        puts("main: my own work is done");

    int r = eddy_await(saving);
    if (r < 0)
        return r;
    printf("main: saved, %d parts\n", r);
    return 0;
}

int main(void) {
    return eddy_main(async_main, NULL);
}
