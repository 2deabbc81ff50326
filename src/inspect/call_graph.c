/* SPDX-License-Identifier: MIT
 * call_graph.c - a picture of a loop's tasks: what each waits for, and who waits for it.
 *
 * A parked task has a record of its wait on its stack; the record's `look` tells what it is and
 * which futures it is for. That is one direction of the graph; the other is the same edges sorted
 * by their other end. Read next: call_text.c (how it prints), frames.c (the calls). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <eddy/inspect.h>

#include "arena.h"
#include "buffer.h"
#include "frames.h"
#include "memory.h"
#include "scheduler.h"

struct edge {
    int from, to; /* from waits for to */
};

/* A task, to be found by its address. */
struct known {
    const struct eddy__task *task;
    int index;
};

struct graph {
    eddy_call_graph graph; /* first: what is given out */
    struct eddy__arena arena;
};

struct capture {
    eddy_loop *loop;
    uintptr_t asker; /* as of eddy__frames_of() */
    struct graph *graph;
    eddy_call_node *nodes;
    int count;
    struct known *known;       /* sorted */
    struct eddy__buffer edges; /* of struct edge */
    struct eddy__symbols *symbols;
    bool has_failed; /* no memory */
};

/* --- which tasks ------------------------------------------------------------------------------ */

static int compare_known(const void *a, const void *b) {
    const struct known *left = a, *right = b;

    return left->task < right->task ? -1 : left->task > right->task;
}

/* -1: none of the loop's tasks that are not done. */
static int capture_find(const struct capture *capture, const struct eddy__task *task) {
    const struct known key = {.task = task}, *found;

    found = bsearch(&key, capture->known, (size_t)capture->count, sizeof(key), compare_known);
    return found ? found->index : -1;
}

static const char *const states[] = {[TASK_NEW] = "new",
                                     [TASK_READY] = "ready",
                                     [TASK_RUNNING] = "running",
                                     [TASK_WAITING] = "waiting"};

static void *keep(struct capture *capture, void *memory) {
    capture->has_failed |= !memory;
    return memory;
}

static void capture_task(struct capture *capture, int index, const struct eddy__task *task) {
    eddy_slice name = eddy__task_name(task);
    struct eddy__arena *arena = &capture->graph->arena;

    capture->known[index] = (struct known){task, index};
    capture->nodes[index] = (eddy_call_node){
        .task = &task->future,
        .name = keep(capture, eddy__arena_copy(arena, name.data, name.size)),
        .created = keep(capture, eddy__arena_copy(arena, task->origin, strlen(task->origin))),
        .state = states[task->future.task_state],
    };
}

static void capture_tasks(struct capture *capture, const struct eddy__scheduler *scheduler) {
    const struct eddy__task *task;
    uint32_t record = 0;
    int index = 0;

    while ((task = eddy__slab_next(&scheduler->tasks, &record)))
        if (task->future.class == &eddy__task_class && task->future.task_state != TASK_ENDED)
            capture_task(capture, index++, task);
    qsort(capture->known, (size_t)capture->count, sizeof(*capture->known), compare_known);
}

/* --- what each waits for ---------------------------------------------------------------------- */

struct looking {
    struct eddy__look look;
    struct capture *capture;
    int from;
    int tasks, futures; /* pending ones that it waits for */
    int first;          /* of those tasks */
};

static void capture_edge(struct capture *capture, int from, int to) {
    const struct edge edge = {from, to};

    if (from >= 0 && to >= 0 && eddy__buffer_append(&capture->edges, &edge, sizeof(edge)) < 0)
        capture->has_failed = true;
}

/* A task behind a shield is waited for as well. */
static void look_at_future(struct eddy__look *look, eddy_future *future) {
    struct looking *looking = container_of(look, struct looking, look);
    int to = -1;

    if (eddy__future_is_done(future))
        return;
    while (future->class->behind && future->class->behind(future))
        future = future->class->behind(future);
    if (future->class == &eddy__task_class)
        to = capture_find(looking->capture, eddy__task_of(future));
    if (to < 0) {
        looking->futures++;
        return;
    }
    if (looking->tasks++ == 0)
        looking->first = to;
    capture_edge(looking->capture, looking->from, to);
}

/* "task "fetch"", "3 tasks and 2 futures", "a future". */
static void look_name_futures(struct looking *looking, char *text, size_t size) {
    const char *and = looking->tasks > 0 && looking->futures > 0 ? " and " : "";
    char tasks[80] = "", futures[32] = "";

    if (looking->tasks == 1)
        snprintf(tasks, sizeof(tasks), "task \"%.64s\"",
                 looking->capture->nodes[looking->first].name);
    else if (looking->tasks > 1)
        snprintf(tasks, sizeof(tasks), "%d tasks", looking->tasks);
    if (looking->futures == 1 || looking->tasks + looking->futures == 0)
        snprintf(futures, sizeof(futures), "a future");
    else if (looking->futures > 1)
        snprintf(futures, sizeof(futures), "%d futures", looking->futures);
    snprintf(text, size, "%s%s%s", tasks, and, futures);
}

/* What it is, and how long it will last at most. */
static const char *look_describe(struct looking *looking) {
    struct capture *capture = looking->capture;
    int64_t left_ns = looking->look.until_ns - eddy__loop_now(capture->loop);
    char text[200], what[120];

    if (looking->look.what[0])
        snprintf(what, sizeof(what), "%s", looking->look.what);
    else
        look_name_futures(looking, what, sizeof(what));
    if (looking->look.until_ns == NS_NEVER)
        snprintf(text, sizeof(text), "%s", what);
    else
        snprintf(text, sizeof(text), "%s, %.3f s left", what, seconds_from_ns(MAX(left_ns, 0)));
    return keep(capture, eddy__arena_copy(&capture->graph->arena, text, strlen(text)));
}

static void capture_wait(struct capture *capture, int index, const struct eddy__task *task) {
    struct looking looking = {.look = {.future = look_at_future, .until_ns = NS_NEVER},
                              .capture = capture,
                              .from = index};

    if (task->future.task_state != TASK_WAITING || !task->wait || !task->wait->look)
        return;
    task->wait->look(task->wait, &looking.look);
    capture->nodes[index].place = looking.look.place;
    capture->nodes[index].waiting_for = look_describe(&looking);
}

/* It belongs to a group whose body is still at something else. */
static void capture_groups(struct capture *capture, int index, const struct eddy__task *task) {
    const struct list_node *waiters = &task->future.waiters;

    for (const struct list_node *node = waiters->next; node != waiters; node = node->next) {
        const struct eddy__task *body =
            eddy__group_body(container_of(node, struct eddy__waiter, node));
        if (body)
            capture_edge(capture, capture_find(capture, body), index);
    }
}

/* --- the edges, from either end --------------------------------------------------------------- */

static int compare_edges(const void *a, const void *b) {
    const struct edge *left = a, *right = b;

    return left->from != right->from ? left->from - right->from : left->to - right->to;
}

static int compare_edges_by_end(const void *a, const void *b) {
    const struct edge *left = a, *right = b;

    return left->to != right->to ? left->to - right->to : left->from - right->from;
}

/* Each once, sorted by `from`. Returns how many. */
static size_t edges_sort(struct edge *edges, size_t count) {
    size_t kept = 0;

    if (count > 0)
        qsort(edges, count, sizeof(*edges), compare_edges);
    for (size_t i = 0; i < count; i++)
        if (kept == 0 || compare_edges(&edges[kept - 1], &edges[i]) != 0)
            edges[kept++] = edges[i];
    return kept;
}

/* The other ends of the edges of each node lie side by side in one array. */
static void edges_hand_out(struct capture *capture) {
    struct edge *edges = (struct edge *)eddy__buffer_data(&capture->edges);
    size_t count = edges_sort(edges, eddy__buffer_size(&capture->edges) / sizeof(*edges));
    int *ends =
        keep(capture, eddy__arena_take(&capture->graph->arena, (2 * count + 1) * sizeof(*ends)));

    for (size_t i = 0; ends && i < count; i++) {
        eddy_call_node *node = &capture->nodes[edges[i].from];
        ends[i] = edges[i].to;
        if (node->awaits_count++ == 0)
            node->awaits = &ends[i];
    }
    if (count > 0)
        qsort(edges, count, sizeof(*edges), compare_edges_by_end);
    for (size_t i = 0; ends && i < count; i++) {
        eddy_call_node *node = &capture->nodes[edges[i].to];
        ends[count + i] = edges[i].from;
        if (node->awaited_by_count++ == 0)
            node->awaited_by = &ends[count + i];
    }
}

/* --- calls ------------------------------------------------------------------------------------ */

static const char *keep_text(struct capture *capture, const char *text, size_t size) {
    return text ? keep(capture, eddy__arena_copy(&capture->graph->arena, text, size)) : NULL;
}

static void capture_frames(struct capture *capture, int index, const struct eddy__task *task) {
    eddy_call_frame found[FRAMES_MAX], *frames;
    int count = eddy__frames_of(task, capture->asker, capture->symbols, found);

    frames = keep(capture,
                  eddy__arena_take(&capture->graph->arena, (size_t)(count + 1) * sizeof(*frames)));
    for (int i = 0; frames && i < count; i++) {
        frames[i] = found[i];
        frames[i].function =
            keep_text(capture, found[i].function, eddy__symbol_name_size(found[i].function));
        frames[i].module = keep_text(capture, found[i].module, strlen(found[i].module));
    }
    capture->nodes[index].frames = frames;
    capture->nodes[index].frames_count = frames ? count : 0;
}

/* --- the picture ------------------------------------------------------------------------------ */

static void capture_all(struct capture *capture, const struct eddy__scheduler *scheduler) {
    capture_tasks(capture, scheduler);
    for (int i = 0; i < capture->count && !capture->has_failed; i++) {
        const struct eddy__task *task = eddy__task_of(capture->nodes[i].task);
        capture_wait(capture, i, task);
        capture_groups(capture, i, task);
        capture_frames(capture, i, task);
    }
    if (!capture->has_failed)
        edges_hand_out(capture);
}

/* False: no memory. */
static bool capture_begin(struct capture *capture) {
    size_t count = (size_t)capture->count;

    capture->graph = eddy__zalloc(sizeof(*capture->graph));
    capture->known = eddy__alloc(count * sizeof(*capture->known));
    capture->symbols = eddy__symbols_new();
    if (!capture->graph || !capture->known || !capture->symbols)
        return false;
    capture->nodes = eddy__arena_take(&capture->graph->arena, count * sizeof(eddy_call_node));
    capture->graph->graph = (eddy_call_graph){capture->count, capture->nodes};
    return capture->nodes != NULL;
}

int eddy__capture_call_graph(eddy_loop *loop, uintptr_t asker, eddy_call_graph **out) {
    struct capture capture = {.loop = eddy__loop_or_default(loop), .asker = asker};
    int r = capture.loop ? eddy__loop_check(capture.loop) : eddy__fail(-ENOMEM);

    if (r < 0)
        return r;
    if (capture.loop->upper_data)
        capture.count = eddy_all_tasks(capture.loop, NULL, 0);
    capture.has_failed = !capture_begin(&capture);
    if (!capture.has_failed && capture.count > 0)
        capture_all(&capture, capture.loop->upper_data);
    eddy__buffer_deinit(&capture.edges);
    eddy__symbols_free(capture.symbols);
    eddy__free(capture.known);
    if (!capture.has_failed) {
        *out = &capture.graph->graph;
        return 0;
    }
    if (capture.graph)
        eddy_call_graph_free(&capture.graph->graph);
    return eddy__fail(-ENOMEM);
}

int eddy_capture_call_graph(eddy_loop *loop, eddy_call_graph **out) {
    return eddy__capture_call_graph(loop, FRAMES_ASKER, out);
}

eddy_call_graph *eddy_call_graph_free(eddy_call_graph *graph) {
    if (graph) {
        eddy__arena_free(&container_of(graph, struct graph, graph)->arena);
        eddy__free(container_of(graph, struct graph, graph));
    }
    return NULL;
}
