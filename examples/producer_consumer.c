/* SPDX-License-Identifier: MIT
 * producer_consumer.c - a producer, three consumers, and a queue that lets nobody run ahead.
 *
 * The queue holds two orders: the producer waits while it is full, the consumers while it is empty.
 * A semaphore lets two at a time use the oven, a lock keeps the total whole. At the end the queue
 * is shut down, which the consumers see once it is empty. */
#include <eddy.h>
#include <stdio.h>

static const char *const dishes[] = {"bread", "cake", "tart", "pie", "scones", "rolls"};
enum { DISHES = sizeof(dishes) / sizeof(dishes[0]) };

struct bakery {
    eddy_queue orders;
    eddy_semaphore oven;
    eddy_lock till;
    int total;
};

static int order(void *arg) {
    struct bakery *bakery = arg;

    for (int i = 0; i < DISHES; i++) {
        int r = eddy_queue_put(&bakery->orders, (void *)dishes[i]);
        if (r < 0)
            return r;
        printf("ordered %s\n", dishes[i]);
    }
    eddy_queue_shutdown(&bakery->orders, false);
    return 0;
}

static int bake(struct bakery *bakery, const char *dish) {
    int r = eddy_semaphore_acquire(&bakery->oven);
    if (r < 0)
        return r;
    r = eddy_sleep(0.2);
    eddy_semaphore_release(&bakery->oven);
    if (r == 0)
        printf("    baked %s\n", dish);
    return r;
}

static int count(struct bakery *bakery) {
    int r = eddy_lock_acquire(&bakery->till);
    if (r < 0)
        return r;
    int before = bakery->total;
    r = eddy_yield(); /* without the lock another could count in between */
    bakery->total = before + 1;
    eddy_lock_release(&bakery->till);
    return r;
}

static int work(void *arg) {
    struct bakery *bakery = arg;
    void *dish;
    int r;

    while ((r = eddy_queue_get(&bakery->orders, &dish)) == 0) {
        r = bake(bakery, dish);
        if (r == 0)
            r = count(bakery);
        if (r < 0)
            return r;
        eddy_queue_task_done(&bakery->orders);
    }
    return r == EDDY_ESHUTDOWN ? 0 : r; /* no more orders */
}

static int async_main(void *arg) {
    struct bakery bakery = {.oven = EDDY_SEMAPHORE_INIT(2)};
    (void)arg;

    int r = eddy_queue_init(&bakery.orders, EDDY_FIFO, 2);
    if (r < 0)
        return r;
    r = eddy_gather(eddy_create_task(order, &bakery), eddy_create_task(work, &bakery),
                    eddy_create_task(work, &bakery), eddy_create_task(work, &bakery));
    printf("%d dishes\n", bakery.total);
    eddy_queue_deinit(&bakery.orders);
    return r;
}

int main(void) {
    return eddy_main(async_main, NULL);
}
