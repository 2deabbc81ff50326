/* SPDX-License-Identifier: MIT
 * channel.c - two loops in two threads: one reads the orders, the other bakes.
 *
 * The channel holds two orders, so the reader waits while it is full and the baker while it is
 * empty; neither thread does. An order belongs to whoever has it, and to the channel on its way. */
#include <eddy.h>
#include <stdio.h>
#include <stdlib.h>

struct order {
    const char *dish;
    int count;
};

static int read_orders(eddy_channel *orders) {
    static const char *const dishes[] = {"bread", "cake", "tart", "pie", "rolls"};

    for (int i = 0; i < 5; i++) {
        struct order *order = malloc(sizeof(*order));
        if (!order)
            return eddy_raise(-ENOMEM, "no memory for an order");
        *order = (struct order){dishes[i], i + 1};
        int r = eddy_channel_send(orders, order); /* waits while the channel is full */
        if (r < 0) {
            free(order); /* it was not sent */
            return r;
        }
    }
    eddy_channel_close(orders); /* what is in it is still received */
    return 0;
}

static int bake(eddy_channel *orders) {
    int dishes = 0, r;
    void *item;

    while ((r = eddy_channel_receive(orders, &item)) == 0) {
        struct order *order = item;
        r = eddy_sleep(0.01 * order->count);
        printf("%d %s\n", order->count, order->dish);
        dishes += order->count;
        free(order);
        if (r < 0)
            return r;
    }
    printf("%d dishes\n", dishes);
    return r == EDDY_ESHUTDOWN ? 0 : r; /* no more orders */
}

static int work(void *orders) {
    return eddy_thread_index() == 0 ? read_orders(orders) : bake(orders);
}

int main(void) {
    eddy_channel *orders;

    if (eddy_channel_new_with(2, &(eddy_channel_options){.destroy = free}, &orders) < 0)
        return 1;
    int status = eddy_main_threads(work, orders, &(eddy_threads_options){.threads = 2});
    eddy_channel_unref(orders); /* frees what was left in it, after a failure */
    return status;
}
