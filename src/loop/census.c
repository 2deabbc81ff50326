/* SPDX-License-Identifier: MIT
 * census.c - a list of all loops under a lock, and figures in relaxed atomics. */
#include "census.h"

#include <pthread.h>
#include <string.h>

#include "loop.h"

/* First what only grows, and stays when a loop has gone. */
enum figure {
    FIGURE_TURNS,
    FIGURE_SWITCHES,
    FIGURE_ACCEPTED,
    FIGURES_THAT_STAY,
    FIGURE_TASKS = FIGURES_THAT_STAY,
    FIGURE_STACKS_IN_USE,
    FIGURE_STACKS_FREE,
    FIGURE_STACK_BYTES,
    FIGURE_CONNECTIONS,
    FIGURES
};

_Static_assert(FIGURES == CENSUS_FIGURES, "census.h says how many figures there are");

static pthread_mutex_t census_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t census_once = PTHREAD_ONCE_INIT;
static struct list_node census = {&census, &census};
static uint64_t past[FIGURES_THAT_STAY];

/* --- fork: a child counts afresh; the lock is not held by a thread that it does not have --- */

static void census_before_fork(void) {
    pthread_mutex_lock(&census_lock);
}

static void census_in_parent(void) {
    pthread_mutex_unlock(&census_lock);
}

static void census_in_child(void) {
    list_init(&census);
    memset(past, 0, sizeof(past));
    pthread_mutex_unlock(&census_lock);
}

static void census_first(void) {
    pthread_atfork(census_before_fork, census_in_parent, census_in_child);
}

/* --- figures ---------------------------------------------------------------------------------- */

static void figures_of(eddy_loop *loop, uint64_t figures[FIGURES]) {
    eddy_loop_statistics info;

    eddy_loop_info(loop, &info);
    figures[FIGURE_TURNS] = info.turns;
    figures[FIGURE_SWITCHES] = info.switches;
    figures[FIGURE_ACCEPTED] = info.connections_accepted;
    figures[FIGURE_TASKS] = info.tasks;
    figures[FIGURE_STACKS_IN_USE] = info.stacks_in_use;
    figures[FIGURE_STACKS_FREE] = info.stacks_free;
    figures[FIGURE_STACK_BYTES] = info.stack_bytes_reserved;
    figures[FIGURE_CONNECTIONS] = info.connections_open;
}

void eddy__census_publish(eddy_loop *loop) {
    uint64_t figures[FIGURES];

    figures_of(loop, figures);
    for (int i = 0; i < FIGURES; i++)
        atomic_store_explicit(&loop->census.figures[i], figures[i], memory_order_relaxed);
}

void eddy__census_join(eddy_loop *loop) {
    pthread_once(&census_once, census_first);
    pthread_mutex_lock(&census_lock);
    list_append(&census, &loop->census.node);
    pthread_mutex_unlock(&census_lock);
}

void eddy__census_leave(eddy_loop *loop) {
    uint64_t figures[FIGURES];

    figures_of(loop, figures);
    pthread_mutex_lock(&census_lock);
    list_remove(&loop->census.node);
    for (int i = 0; i < FIGURES_THAT_STAY; i++)
        past[i] += figures[i];
    pthread_mutex_unlock(&census_lock);
}

/* Returns how many loops were added up. */
static int census_take(uint64_t sums[FIGURES]) {
    int loops = 0;

    pthread_mutex_lock(&census_lock);
    memcpy(sums, past, sizeof(past));
    for (struct list_node *node = census.next; node != &census; node = node->next) {
        struct eddy__census *one = container_of(node, struct eddy__census, node);
        for (int i = 0; i < FIGURES; i++)
            sums[i] += atomic_load_explicit(&one->figures[i], memory_order_relaxed);
        loops++;
    }
    pthread_mutex_unlock(&census_lock);
    return loops;
}

int eddy_all_loops_info_sized(eddy_loop_statistics *out, size_t out_size) {
    uint64_t sums[FIGURES] = {0};
    int loops = census_take(sums);
    eddy_loop_statistics info = {
        .turns = sums[FIGURE_TURNS],
        .switches = sums[FIGURE_SWITCHES],
        .tasks = sums[FIGURE_TASKS],
        .stacks_in_use = sums[FIGURE_STACKS_IN_USE],
        .stacks_free = sums[FIGURE_STACKS_FREE],
        .stack_bytes_reserved = sums[FIGURE_STACK_BYTES],
        .connections_accepted = sums[FIGURE_ACCEPTED],
        .connections_open = sums[FIGURE_CONNECTIONS],
    };

    memcpy(out, &info, MIN(out_size, sizeof(info)));
    return loops;
}
