/* SPDX-License-Identifier: MIT
 * errors.c - an error raised in a task and caught by its awaiter; and one that nobody catches.
 *
 * An error is a negative code to act on; the sentence beside it is eddy_last_error()'s. A task that
 * fails and that nobody awaits is reported on standard error when it ends: it is never lost. */
#include <eddy.h>
#include <stdio.h>

static int open_account(void *arg) {
    const char *name = arg;
    int r = eddy_sleep(0.1);
    if (r < 0)
        return r;

    return eddy_raise(-ENOENT, "there is no account called %s", name);
}

static int async_main(void *arg) {
    (void)arg;
    int r = eddy_await(eddy_create_task(open_account, "Ada"));
    if (r == -ENOENT)
        printf("caught %s: %s\n", eddy_error_name(r), eddy_last_error()->message);

    r = eddy_wait_for(eddy_create_task(open_account, "Bob"), 0.01);
    if (r == -ETIMEDOUT)
        puts("caught ETIMEDOUT: Bob took too long");

    int results[2];
    eddy_task *tasks[] = {eddy_create_task(open_account, "Cleo"), eddy_after(0.2)};
    r = eddy_gather_array(tasks, 2, results);
    printf("both ended: %s and %s\n", eddy_error_name(results[0]), results[1] < 0 ? "bad" : "fine");
    if (r < 0)
        printf("the first to fail: %s\n", eddy_last_error()->message);

    eddy_detach(eddy_create_task(open_account, "Dan")); /* nobody will ask how it went */
    r = eddy_sleep(0.2);
    if (r < 0)
        return r;
    puts("Dan's failure stands on standard error, and main goes on");
    return 0;
}

int main(void) {
    return eddy_main(async_main, NULL);
}
