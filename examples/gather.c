/* SPDX-License-Identifier: MIT
 * gather.c - task A takes two seconds, task B one: together they take two, and B is first.
 *
 * eddy_gather() takes the tasks and returns when all of them have ended, so what they work on may
 * lie on this function's stack. */
#include <eddy.h>
#include <stdio.h>

struct job {
    const char *name;
    double seconds;
};

static int work(void *arg) {
    const struct job *job = arg;
    printf("%s: starts, for %.0f s\n", job->name, job->seconds);
    int r = eddy_sleep(job->seconds);
    if (r < 0)
        return r;

    printf("%s: done\n", job->name);
    return 0;
}

static int async_main(void *arg) {
    (void)arg;
    struct job a = {"A", 2.0};
    struct job b = {"B", 1.0};

    double start = eddy_time();
    int r = eddy_gather(eddy_create_task(work, &a), eddy_create_task(work, &b));
    if (r < 0)
        return r;

    printf("both after %.0f s\n", eddy_time() - start);
    return 0;
}

int main(void) {
    return eddy_main(async_main, NULL);
}
