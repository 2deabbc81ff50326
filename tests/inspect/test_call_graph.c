/* SPDX-License-Identifier: MIT
 * test_call_graph.c - which task waits for what, and who waits for it: whole texts. */
#include <pthread.h>

#include "../base/scarce.h"
#include "picture.h"

#define HERE "inspect-call_graph+N"

/* A line that is there where the stacks of parked tasks are known. */
#if SWITCH_VISITS
#define FRAME(text) text
#else
#define FRAME(text) ""
#endif

/* --- one task --------------------------------------------------------------------------------- */

NOINLINE static int rest(double seconds) {
    int r = eddy_sleep(seconds);
    NOT_LAST;
    return r;
}

static int child(void *unused) {
    int r = rest(5);
    (void)unused;
    NOT_LAST;
    return r;
}

NOINLINE static int helper(eddy_task *task) {
    int r = eddy_await(task);
    NOT_LAST;
    return r;
}

static int parent(void *task) {
    int r = helper(task);
    NOT_LAST;
    return r;
}

static int grandparent(void *task) {
    return eddy_gather(eddy_create_task(parent, task), eddy_after(60));
}

TASK_TEST(the_graph_of_a_task_shows_its_wait_its_calls_and_who_awaits_it) {
    eddy_task *task = eddy_create_task(child, NULL);
    eddy_task *top = eddy_create_task(grandparent, eddy_ref(task));

    ASSERT_OK(eddy_sleep(1));
    ASSERT_STR_EQ(graph_of(task), "* Task \"child\", created at test_call_graph.c:N\n"
                                  "  + Is waiting for a sleep, 4.000 s left\n" /**/
                  FRAME("  + Call stack:\n"
                        "  |   in rest, " HERE "\n"
                        "  |   in child, " HERE "\n") /**/
                  "  + Awaited by:\n"
                  "    * Task \"parent\", created at test_call_graph.c:N\n"
                  "      + Is waiting for task \"child\"\n"
                  "      + Call stack:\n"
                  "      |   File \"test_call_graph.c\", line N, in helper\n"
                  "      |     eddy_await(task)\n"         /**/
                  FRAME("      |   in parent, " HERE "\n") /**/
                  "      + Awaited by:\n"
                  "        * Task \"grandparent\", created at test_call_graph.c:N\n"
                  "          + Is waiting for task \"parent\" and a future\n"
                  "          + Call stack:\n"
                  "          |   File \"test_call_graph.c\", line N, in grandparent\n"
                  "          |     eddy_gather(eddy_create_task(parent, task), eddy_after(60))\n");
    eddy_cancel(top);
    eddy_await(top);
    eddy_unref(task);
}

NOINLINE static void note_own_graph(void) {
    note("%s", graph_of(NULL));
    NOT_LAST;
}

static int looks_at_itself(void *unused) {
    (void)unused;
    note_own_graph();
    NOT_LAST;
    return 0;
}

TASK_TEST(without_a_task_it_is_the_one_that_runs) {
    ASSERT_OK(eddy_await(eddy_create_task(looks_at_itself, NULL)));
    ASSERT_STR_EQ(until(noted(), "  + Awaited by:\n"),
                  "* Task \"looks_at_itself\", created at test_call_graph.c:N\n"
                  "  + Is running\n"
                  "  + Call stack:\n"
                  "  |   in graph_of, " HERE "\n"
                  "  |   in note_own_graph, " HERE "\n"
                  "  |   in looks_at_itself, " HERE "\n");
}

/* --- what a task waits for -------------------------------------------------------------------- */

static eddy_lock lock;
static eddy_event event;
static eddy_condition condition;
static eddy_semaphore semaphore;
static eddy_barrier barrier;
static eddy_queue queue;

static int waits_for_lock(void *unused) {
    (void)unused;
    return eddy_lock_acquire(&lock);
}

static int waits_for_event(void *unused) {
    (void)unused;
    return eddy_event_wait(&event);
}

static int waits_for_condition(void *unused) {
    int r = eddy_condition_acquire(&condition);
    (void)unused;
    if (r == 0) {
        r = eddy_condition_wait(&condition);
        eddy_condition_release(&condition);
    }
    return r;
}

static int waits_for_semaphore(void *unused) {
    (void)unused;
    return eddy_semaphore_acquire(&semaphore);
}

static int waits_for_barrier(void *unused) {
    (void)unused;
    return eddy_barrier_wait(&barrier);
}

static int waits_to_put(void *unused) {
    (void)unused;
    return eddy_queue_put(&queue, NULL);
}

static int waits_to_get(void *empty) {
    void *item;
    return eddy_queue_get(empty, &item);
}

static int waits_for_join(void *unused) {
    (void)unused;
    return eddy_queue_join(&queue);
}

static int waits_for_a_time(void *future) {
    return eddy_wait(&(eddy_future *){future}, 1, 2.5, EDDY_ALL_COMPLETED);
}

static int waits_for_fd(void *unused) {
    eddy_stream *stream;
    (void)unused;
    return eddy_open_connection("192.0.2.1", "9", NULL, &stream); /* nobody is there */
}

static int sleeps_for_ever(void *unused) {
    int r = eddy_sleep(INFINITY);
    (void)unused;
    NOT_LAST;
    return r;
}

/* What the graph says that it waits for. Ends the task. */
static const char *waiting_for(eddy_task *task) {
    char *text;

    ASSERT_OK(eddy_yield());
    ASSERT_OK(eddy_yield());
    text = (char *)graph_of(task);
    text = strchr(text, '\n') + strlen("\n  + Is ");
    *strchr(text, '\n') = '\0';
    eddy_cancel(task);
    ASSERT_CODE(-ECANCELED, eddy_await(task));
    return text;
}

#define WAITING_FOR(fn, arg) waiting_for(eddy_create_task(fn, arg))

TASK_TEST(each_kind_of_wait_has_its_name) {
    eddy_queue empty = EDDY_QUEUE_INIT;
    eddy_future *future = eddy_future_new(NULL);

    ASSERT_OK(eddy_lock_acquire(&lock));
    eddy_condition_init(&condition, NULL);
    eddy_semaphore_init(&semaphore, 0);
    eddy_barrier_init(&barrier, 2);
    ASSERT_OK(eddy_queue_init(&queue, EDDY_FIFO, 1));
    ASSERT_OK(eddy_queue_put(&queue, NULL));

    ASSERT_STR_EQ(WAITING_FOR(waits_for_lock, NULL), "waiting for a lock");
    ASSERT_STR_EQ(WAITING_FOR(waits_for_event, NULL), "waiting for an event");
    ASSERT_STR_EQ(WAITING_FOR(waits_for_condition, NULL), "waiting for a condition");
    ASSERT_STR_EQ(WAITING_FOR(waits_for_semaphore, NULL), "waiting for a semaphore");
    ASSERT_STR_EQ(WAITING_FOR(waits_for_barrier, NULL), "waiting for a barrier");
    ASSERT_STR_EQ(WAITING_FOR(waits_to_put, NULL), "waiting for room in a queue");
    ASSERT_STR_EQ(WAITING_FOR(waits_to_get, &empty), "waiting for an item of a queue");
    ASSERT_STR_EQ(WAITING_FOR(waits_for_join, NULL), "waiting for the items of a queue to be done");
    ASSERT_STR_EQ(WAITING_FOR(sleeps_for_ever, NULL), "waiting for a sleep");
    ASSERT_STR_EQ(WAITING_FOR(waits_for_a_time, future), "waiting for a future, 2.500 s left");
    eddy_queue_deinit(&queue);
    eddy_unref(future);
}

static int returns_at_once(void *unused) {
    (void)unused;
    return 0;
}

static int waits_for_thread(void *unused) {
    (void)unused;
    return eddy_to_thread(returns_at_once, NULL);
}

TASK_TEST(descriptors_and_threads_are_named_too) {
    eddy_task *task = eddy_create_task(waits_for_thread, NULL);
    ASSERT_OK(eddy_yield());
    ASSERT_STR_CONTAINS(graph_of(task), "  + Is waiting for a thread of the pool\n");
    ASSERT_OK(eddy_await(task));

    task = eddy_create_task(waits_for_fd, NULL);
    ASSERT_OK(eddy_yield());
    ASSERT_OK(eddy_yield());
    if (!eddy_is_done(task)) /* a machine without a network refuses at once */
        ASSERT_STR_CONTAINS(graph_of(task), " to connect to 192.0.2.1:9\n");
    eddy_cancel(task);
    eddy_await(task);
}

static int yields(void *unused) {
    (void)unused;
    for (int i = 0; i < 5; i++)
        ASSERT_OK(eddy_yield());
    return 0;
}

TASK_TEST(a_task_may_be_new_or_ready) {
    eddy_task *task = eddy_create_task(yields, NULL);
    ASSERT_STR_EQ(graph_of(task), "* Task \"yields\", created at test_call_graph.c:N\n"
                                  "  + Is new\n");
    ASSERT_OK(eddy_yield());
    ASSERT_STR_EQ(graph_of(task), "* Task \"yields\", created at test_call_graph.c:N\n"
                                  "  + Is ready\n" /**/
                  FRAME("  + Call stack:\n"
                        "  |   in yields, " HERE "\n"));
    ASSERT_OK(eddy_await(task));
}

/* --- trees ------------------------------------------------------------------------------------ */

static int owns_group(void *unused) {
    eddy_task_group *group = eddy_task_group_new();
    (void)unused;
    eddy_task_group_create_task(group, child, NULL);
    eddy_task_group_create_task(group, sleeps_for_ever, NULL);
    ASSERT_OK(eddy_sleep(10));
    eddy_task_group_cancel(group);
    return eddy_task_group_wait(group);
}

static int shields(void *task) {
    return eddy_await(eddy_shield(task));
}

#define BRANCH(text, function) text FRAME(": in " function ", " HERE) "\n"

TASK_TEST(a_tree_shows_below_each_task_those_that_it_waits_for) {
    eddy_task *owner = eddy_create_task(owns_group, NULL);
    eddy_task *shielding = eddy_create_task(shields, eddy_ref(owner));

    ASSERT_OK(eddy_sleep(1));
    ASSERT_STR_EQ(
        strchr(tree(), '\n') + 1, /* behind this test's own task */
        BRANCH("Task \"shields\", waiting for task \"owns_group\": test_call_graph.c:N, "
               "in shields\n"
               "└── Task \"owns_group\", waiting for a sleep, 9.000 s left",
               "owns_group")
            BRANCH("    ├── Task \"child\", waiting for a sleep, 4.000 s left", "rest")
                BRANCH("    └── Task \"sleeps_for_ever\", waiting for a sleep", "sleeps_for_ever"));
    ASSERT_OK(eddy_sleep(4.5)); /* one has ended */
    ASSERT(!strstr(tree(), "child"));
    ASSERT_OK(eddy_await(shielding));
    ASSERT_OK(eddy_await(owner));
}

static int waits_for_both(void *pair) {
    eddy_task **tasks = pair;
    return eddy_gather(eddy_ref(tasks[0]), eddy_ref(tasks[1]));
}

TASK_TEST(a_task_with_two_awaiters_is_shown_in_full_once) {
    eddy_task *tasks[2] = {eddy_create_task(child, NULL), eddy_create_task(child, NULL)};
    eddy_task *first = eddy_create_task(waits_for_both, tasks);
    eddy_task *second = eddy_create_task(parent, eddy_ref(tasks[0]));

    ASSERT_OK(eddy_sleep(1));
    const char *text = strchr(tree(), '\n') + 1;
    ASSERT_STR_CONTAINS(text, "Task \"waits_for_both\", waiting for 2 tasks: test_call_graph.c:N, "
                              "in waits_for_both\n├── Task \"child\"");
    ASSERT_STR_CONTAINS(text,
                        "Task \"parent\", waiting for task \"child\": test_call_graph.c:N, in "
                        "helper\n└── Task \"child\"");
    ASSERT_STR_EQ(strstr(text, " (shown above)"), " (shown above)\n");
    ASSERT_OK(eddy_gather(first, second, tasks[0], tasks[1]));
}

/* Each is given where the other stands. */
static int waits_for_other(void *other) {
    return eddy_await(eddy_ref(*(eddy_task **)other));
}

static int deadlocks(void *unused) {
    static eddy_task *one, *two;

    (void)unused;
    one = eddy_create_task_with(&(eddy_task_options){.name = "one"}, waits_for_other, &two);
    two = eddy_create_task_with(&(eddy_task_options){.name = "two"}, waits_for_other, &one);

    ASSERT_OK(eddy_sleep(1));
    ASSERT_STR_EQ(
        strchr(tree(), '\n') + 1,
        "Tasks that wait for each other:\n"
        "Task \"one\", waiting for task \"two\": test_call_graph.c:N, in waits_for_other\n"
        "└── Task \"two\", waiting for task \"one\": test_call_graph.c:N, in "
        "waits_for_other\n"
        "    └── Task \"one\", waiting for task \"two\": test_call_graph.c:N, in "
        "waits_for_other (shown above)\n");
    ASSERT_STR_CONTAINS(graph_of(one), "        * Task \"one\", created at test_call_graph.c:N "
                                       "(shown above)\n");
    eddy_detach(one);
    eddy_detach(two);
    return 0;
}

TEST(tasks_that_wait_for_each_other_are_found) {
    eddy_loop *loop = virtual_loop();

    ASSERT_OK(virtual_run(loop, deadlocks, NULL));
    eddy_loop_close(loop);
    ASSERT_STR_EQ(reports(), "a loop was closed with 2 tasks in it that had not ended\n");
}

static int chain(void *depth) {
    int left = *(int *)depth - 1;

    return left > 0 ? eddy_await(eddy_create_task(chain, &left)) : eddy_sleep(5);
}

TASK_TEST(a_chain_of_a_thousand_tasks_is_shown_to_a_depth_of_fifty) {
    eddy_task *task = eddy_create_task(chain, &(int){1000});
    const char *text;
    int count = 0;

    ASSERT_OK(eddy_sleep(1));
    text = strchr(tree(), '\n') + 1;
    for (const char *at = text; (at = strchr(at, '\n')); at++)
        count++;
    ASSERT_INT_EQ(count, 51);
    ASSERT_STR_CONTAINS(text, "in chain (and so on)\n");
    ASSERT_OK(eddy_await(task));
}

/* --- outside of tasks ------------------------------------------------------------------------- */

static void note_tree(void *unused) {
    (void)unused;
    note("%s", graph_of(NULL));
}

TASK_TEST(a_callback_sees_the_tree) {
    eddy_call_later(NULL, 1, note_tree, NULL);
    ASSERT_OK(eddy_sleep(2));
    ASSERT_STR_CONTAINS(noted(), "Task \"main\", waiting for a sleep, 1.000 s left");
}

TEST(outside_a_run_there_may_be_no_task_at_all) {
    ASSERT_STR_EQ(graph_of(NULL), "");
    eddy_task *task = eddy_create_task(child, NULL);
    ASSERT_STR_EQ(tree(), "Task \"child\", new\n");
    eddy_cancel(task);
    eddy_await(task);
    ASSERT_STR_EQ(tree(), "");
}

TASK_TEST(what_is_no_task_or_done_has_no_graph) {
    char *text = NULL;
    eddy_future *future = eddy_future_new(NULL);
    eddy_task *task = RETURNER(0);

    ASSERT_CODE(-EINVAL, eddy_format_call_graph(future, &text));
    ASSERT_OK(eddy_wait(&task, 1, INFINITY, EDDY_ALL_COMPLETED));
    ASSERT_CODE(-EINVAL, eddy_format_call_graph(task, &text));
    ASSERT_STR_EQ(eddy_last_error()->message, "task \"returner\" is done: it is in no call graph");
    ASSERT_NULL(text);
    eddy_unref(task);
    eddy_unref(future);
}

static void *asks_elsewhere(void *task) {
    char *text = NULL;

    ASSERT_CODE(EDDY_EWRONG_THREAD, eddy_format_call_graph(task, &text));
    ASSERT_NULL(text);
    return NULL;
}

TASK_TEST(another_thread_is_refused) {
    eddy_task *task = eddy_create_task(child, NULL);
    pthread_t thread;

    ASSERT_INT_EQ(pthread_create(&thread, NULL, asks_elsewhere, task), 0);
    pthread_join(thread, NULL);
    ASSERT_OK(eddy_await(task));
}

/* --- captured --------------------------------------------------------------------------------- */

TASK_TEST(a_captured_graph_stays_as_it_is_when_the_tasks_have_ended) {
    eddy_task *task = eddy_create_task(child, NULL);
    eddy_task *awaiting = eddy_create_task(parent, task);
    eddy_call_graph *graph;
    const eddy_call_node *node = NULL;

    ASSERT_OK(eddy_sleep(1));
    ASSERT_OK(eddy_capture_call_graph(NULL, &graph));
    ASSERT_OK(eddy_await(awaiting));
    ASSERT_INT_EQ(graph->count, 3);
    for (int i = 0; i < 3; i++)
        if (strcmp(graph->nodes[i].name, "child") == 0)
            node = &graph->nodes[i];
    ASSERT_NOT_NULL(node);
    ASSERT_STR_EQ(node->state, "waiting");
    ASSERT_STR_EQ(node->waiting_for, "a sleep, 4.000 s left");
    ASSERT_STR_CONTAINS(node->created, "test_call_graph.c:");
    ASSERT_INT_EQ(node->awaits_count, 0);
    ASSERT_INT_EQ(node->awaited_by_count, 1);
    ASSERT_STR_EQ(graph->nodes[node->awaited_by[0]].name, "parent");
    ASSERT_STR_EQ(graph->nodes[node->awaited_by[0]].place->function, "helper");
    ASSERT_INT_EQ(graph->nodes[node->awaited_by[0]].awaits[0], (int)(node - graph->nodes));
    ASSERT_NULL(eddy_call_graph_free(graph));
    ASSERT_NULL(eddy_call_graph_free(NULL));
}

static int captures_without_memory(void *unused) {
    eddy_task *task = eddy_create_task(child, NULL);
    eddy_task *awaiting = eddy_create_task(parent, task);
    char *text = NULL;
    int r = -ENOMEM, n = 0, out;

    (void)unused;
    ASSERT_OK(eddy_sleep(1));
    for (out = scarce_out; r == -ENOMEM; n++) {
        scarce_left = n;
        r = eddy_format_task_tree(NULL, &text);
        scarce_left = INT_MAX;
        ASSERT_INT_EQ(scarce_out, out + (r == 0));
    }
    ASSERT_OK(r);
    ASSERT(n > 5);
    eddy_free(text);
    return eddy_await(awaiting);
}

TEST(whichever_allocation_fails_nothing_is_lost) {
    eddy_loop *loop;

    scarce_begin();
    loop = virtual_loop();
    ASSERT_OK(virtual_run(loop, captures_without_memory, NULL));
    virtual_close(loop);
}

TASK_TEST(many_tasks_can_be_looked_at) {
    enum { MANY = 2000 };
    static eddy_task *tasks[MANY];
    eddy_call_graph *graph;

    for (int i = 0; i < MANY; i++)
        tasks[i] = eddy_create_task(child, NULL);
    ASSERT_OK(eddy_sleep(1));
    ASSERT_OK(eddy_capture_call_graph(NULL, &graph));
    ASSERT_INT_EQ(graph->count, MANY + 1);
    eddy_call_graph_free(graph);
    ASSERT_OK(eddy_gather_array(tasks, MANY, NULL));
}
