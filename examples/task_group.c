/* SPDX-License-Identifier: MIT
 * task_group.c - three workers that belong together: when one fails, the others are cancelled, and
 * the group's end waits until all of them have cleaned up. */
#include <eddy.h>
#include <stdio.h>

struct job {
    const char *name;
    double seconds;
    int result;
};

static int work(void *arg) {
    const struct job *job = arg;
    int r = eddy_sleep(job->seconds);

    if (r == -ECANCELED) {
        printf("%s: cancelled, cleaning up\n", job->name);
        return r;
    }
    if (r == 0 && job->result < 0)
        return eddy_raise(job->result, "%s found a broken part", job->name);
    printf("%s: done\n", job->name);
    return r;
}

static int async_main(void *arg) {
    struct job jobs[] = {{"quick", 0.1, 0}, {"unlucky", 0.2, -EIO}, {"slow", 60, 0}};
    eddy_task_group *group = eddy_task_group_new();
    int r;

    (void)arg;
    for (int i = 0; i < 3; i++)
        eddy_task_group_create_task(group, work, &jobs[i]);
    r = eddy_task_group_wait(group); /* after 0.2 seconds: jobs[] may go */

    printf("the group ended with %s: %s\n", eddy_error_name(r), eddy_last_error()->message);
    return 0;
}

int main(void) {
    return eddy_main(async_main, NULL);
}
