/* SPDX-License-Identifier: MIT
 * result.c - a coroutine that fetches for two seconds and returns data.
 *
 * Awaiting a coroutine is calling it, with arguments and results of any type. As a task of its own
 * it takes one pointer: what it returns comes back from eddy_await(), all else through the pointer.
 */
#include <eddy.h>
#include <stdio.h>

struct page {
    const char *title; /* in */
    char text[64];     /* out */
};

/* Returns how many bytes of text there are. Suspends. */
static int fetch_page(struct page *page) {
    printf("fetching %s ...\n", page->title);
    int r = eddy_sleep(2.0); /* a slow network */
    if (r < 0)
        return r;

    return snprintf(page->text, sizeof page->text, "All about %s.", page->title);
}

static int fetch_task(void *arg) {
    return fetch_page(arg);
}

static int async_main(void *arg) {
    (void)arg;
    struct page eels = {.title = "eels"};
    int r = fetch_page(&eels); /* await: a plain call */
    if (r < 0)
        return r;
    printf("%d bytes: %s\n", r, eels.text);

    struct page tides = {.title = "tides"};
    eddy_task *task = eddy_create_task(fetch_task, &tides);
    puts("meanwhile, here");
    r = eddy_await(task);
    if (r < 0)
        return r;
    printf("%d bytes: %s\n", r, tides.text);
    return 0;
}

int main(void) {
    return eddy_main(async_main, NULL);
}
