/* SPDX-License-Identifier: MIT
 * call_graph.c - a crawler that makes no progress, and what it is at: who waits for whom, and
 * where.
 *
 * The pictures go to standard error. */
#include <eddy.h>
#include <stdio.h>

static eddy_queue pages;
static eddy_lock disk;

static int save(const char *page) {
    int r = eddy_lock_acquire(&disk);
    if (r < 0)
        return r;
    printf("saving %s\n", page);
    eddy_lock_release(&disk);
    return 0;
}

static int fetch(void *page) {
    int r = eddy_sleep(0.01);
    return r < 0 ? r : save(page);
}

static int parse(void *arg) {
    void *page;
    (void)arg;
    return eddy_queue_get(&pages, &page);
}

static int crawl(void *fetcher) {
    eddy_task_group *group = eddy_task_group_new();

    *(eddy_task **)fetcher = eddy_task_group_create_task(group, fetch, "index.html");
    eddy_task_group_create_task(group, parse, NULL);
    return eddy_task_group_wait(group);
}

static int watch(void *fetcher) {
    int r = eddy_sleep(0.1);

    if (r < 0)
        return r;
    fputs("The tasks of this loop:\n", stderr);
    eddy_print_task_tree(NULL, stderr);
    fputs("\nOne of them, and who waits for it:\n", stderr);
    eddy_print_call_graph(*(eddy_task **)fetcher, stderr);
    puts("the crawler is stuck: its picture stands on standard error");
    return 0;
}

static int async_main(void *arg) {
    eddy_task *fetcher = NULL;
    int r = eddy_lock_acquire(&disk); /* and never released */

    (void)arg;
    if (r < 0)
        return r;
    eddy_detach(eddy_create_task(watch, &fetcher));
    r = eddy_wait_for(eddy_create_task(crawl, &fetcher), 0.2);
    printf("the crawl ended with %s\n", eddy_error_name(r));
    return 0;
}

int main(void) {
    eddy_queue_init(&pages, EDDY_FIFO, 0);
    return eddy_main(async_main, NULL);
}
