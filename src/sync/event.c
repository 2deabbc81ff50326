/* SPDX-License-Identifier: MIT
 * event.c - eddy_event: a flag that any number of tasks wait for. */
#include "waiters.h"

struct event {
    struct eddy__binding binding;
    struct eddy__waiters waiters; /* only while it is not set */
    bool is_set;
} __attribute__((may_alias));

_Static_assert(sizeof(struct event) <= sizeof(eddy_event), "eddy_event is too small");

static struct event *event_of(const eddy_event *event) {
    return (struct event *)event;
}

void eddy_event_init(eddy_event *event) {
    *event_of(event) = (struct event){0};
}

static void event_look(const struct eddy__wait *wait, struct eddy__look *look) {
    (void)wait;
    eddy__look_name(look, "an event");
}

int eddy_event_wait(eddy_event *storage) {
    struct event *event = event_of(storage);
    struct eddy__parked parked = {0};
    int r = eddy__binding_begin(&event->binding, &parked.task);

    if (r < 0)
        return r;
    if (event->is_set) {
        eddy__task_charge(parked.task);
        return 0;
    }
    parked.wait.look = event_look;
    eddy__waiters_join(&event->waiters, &event->binding, &parked);
    return eddy__parked_wait(&parked);
}

void eddy_event_set(eddy_event *storage) {
    struct event *event = event_of(storage);

    eddy__binding_require(&event->binding, "eddy_event_set");
    event->is_set = true;
    eddy__waiters_wake_all(&event->waiters, 0);
}

void eddy_event_clear(eddy_event *storage) {
    struct event *event = event_of(storage);

    eddy__binding_require(&event->binding, "eddy_event_clear");
    event->is_set = false;
}

bool eddy_event_is_set(const eddy_event *event) {
    return event_of(event)->is_set;
}
