/* SPDX-License-Identifier: MIT
 * call_text.c - how a call graph prints: as asyncio's print_call_graph() and pstree do. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <eddy/inspect.h>

#include "buffer.h"
#include "frames.h"
#include "memory.h"

#define DEPTH_SHOWN 50 /* of tasks that wait for tasks: each is a frame of ours */

/* A text that grows. */
struct text {
    struct eddy__buffer bytes;
    const eddy_call_graph *graph;
    bool *was_shown;   /* by node: it stands above */
    bool *was_reached; /* by node: it does, or is too deep to be shown */
    int *reached;      /* room for all of these */
    bool has_failed;   /* no memory */
};

static void say(struct text *text, const char *format, ...) EDDY_PRINTF(2, 3);
static void say(struct text *text, const char *format, ...) {
    va_list arguments;
    int size;

    va_start(arguments, format);
    size = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (eddy__buffer_reserve(&text->bytes, (size_t)size + 1) < 0) {
        text->has_failed = true;
        return;
    }
    va_start(arguments, format);
    vsnprintf(eddy__buffer_tail(&text->bytes), (size_t)size + 1, format, arguments);
    va_end(arguments);
    eddy__buffer_added(&text->bytes, (size_t)size);
}

/* --- one task --------------------------------------------------------------------------------- */

/* "waiting for a lock". */
static void say_state(struct text *text, const eddy_call_node *node) {
    say(text, "%s%s%s", node->state, node->waiting_for ? " for " : "",
        node->waiting_for ? node->waiting_for : "");
}

static void say_frame(struct text *text, const eddy_call_frame *frame) {
    if (frame->function)
        say(text, "in %s, %s+0x%zx", frame->function, frame->module, frame->offset);
    else
        say(text, "at %s+0x%zx", frame->module, frame->offset);
}

/* The frame in which the place of the await stands needs no line of its own, and what it has called
 * is the await. */
static int count_to_place(const eddy_call_frame *frames, int count, const eddy_place *place) {
    for (int i = 0; i < count && place; i++)
        if (frames[i].function && strcmp(frames[i].function, place->function) == 0)
            return i + 1;
    return 0;
}

static void say_place(struct text *text, int indent, const eddy_place *place) {
    const char *colon = strrchr(place->origin, ':');

    say(text, "%*s|   File \"%.*s\", line %s, in %s\n", indent, "", (int)(colon - place->origin),
        place->origin, colon + 1, place->function);
    say(text, "%*s|     %s\n", indent, "", place->origin + strlen(place->origin) + 1);
}

static void say_calls(struct text *text, int indent, const eddy_call_node *node) {
    int count = node->frames_count;
    const eddy_call_frame *frames = eddy__frames_of_user(node->frames, &count);

    if (count == 0 && !node->place)
        return;
    say(text, "%*s+ Call stack:\n", indent, "");
    if (node->place)
        say_place(text, indent, node->place);
    for (int i = count_to_place(frames, count, node->place); i < count; i++) {
        say(text, "%*s|   ", indent, "");
        say_frame(text, &frames[i]);
        say(text, "\n");
    }
}

/* --- who awaits it ---------------------------------------------------------------------------- */

static void say_node(struct text *text, int index, int depth);

static void say_awaited_by(struct text *text, const eddy_call_node *node, int depth) {
    if (node->awaited_by_count == 0)
        return;
    say(text, "%*s  + Awaited by:\n", 4 * depth, "");
    for (int i = 0; i < node->awaited_by_count; i++)
        say_node(text, node->awaited_by[i], depth + 1);
}

static void say_node(struct text *text, int index, int depth) {
    const eddy_call_node *node = &text->graph->nodes[index];
    int indent = 4 * depth;

    say(text, "%*s* Task \"%s\", created at %s", indent, "", node->name, node->created);
    if (text->was_shown[index] || depth == DEPTH_SHOWN) {
        say(text, depth == DEPTH_SHOWN ? " (and so on)\n" : " (shown above)\n");
        return;
    }
    text->was_shown[index] = true;
    say(text, "\n%*s  + Is ", indent, "");
    say_state(text, node);
    say(text, "\n");
    say_calls(text, indent + 2, node);
    say_awaited_by(text, node, depth);
}

/* --- a tree ----------------------------------------------------------------------------------- */

/* What stands before the lines below a node: for each node above it a bar, if it has more below. */
struct margin {
    char bars[6 * DEPTH_SHOWN + 1];
    int depth;
};

/* "main.c:31, in async_main", or the function alone. */
static void say_where(struct text *text, const eddy_call_node *node) {
    int count = node->frames_count;
    const eddy_call_frame *frames = eddy__frames_of_user(node->frames, &count);

    if (node->place)
        say(text, ": %s, in %s", node->place->origin, node->place->function);
    else if (count > 0) {
        say(text, ": ");
        say_frame(text, &frames[0]);
    }
}

static void say_branch(struct text *text, struct margin *margin, int index, bool is_last);

static void say_branches(struct text *text, struct margin *margin, const eddy_call_node *node) {
    for (int i = 0; i < node->awaits_count; i++)
        say_branch(text, margin, node->awaits[i], i == node->awaits_count - 1);
}

static void say_branch(struct text *text, struct margin *margin, int index, bool is_last) {
    const eddy_call_node *node = &text->graph->nodes[index];
    size_t length = strlen(margin->bars);

    if (margin->depth > 0)
        say(text, "%s%s", margin->bars, is_last ? "└── " : "├── ");
    say(text, "Task \"%s\", ", node->name);
    say_state(text, node);
    say_where(text, node);
    if (text->was_shown[index] || margin->depth == DEPTH_SHOWN) {
        say(text, margin->depth == DEPTH_SHOWN ? " (and so on)\n" : " (shown above)\n");
        return;
    }
    text->was_shown[index] = true;
    say(text, "\n");
    if (margin->depth++ > 0)
        strcat(margin->bars, is_last ? "    " : "│   ");
    say_branches(text, margin, node);
    margin->bars[length] = '\0';
    margin->depth--;
}

/* Marks it and all that it waits for, however deep. */
static void reach(struct text *text, int index) {
    int count = 0;

    for (text->reached[count++] = index; count > 0;) {
        const eddy_call_node *node = &text->graph->nodes[text->reached[--count]];
        for (int i = 0; i < node->awaits_count; i++) {
            if (!text->was_reached[node->awaits[i]])
                text->reached[count++] = node->awaits[i];
            text->was_reached[node->awaits[i]] = true;
        }
    }
    text->was_reached[index] = true;
}

static void say_root(struct text *text, int index) {
    struct margin margin = {.depth = 0};

    reach(text, index);
    say_branch(text, &margin, index, false);
}

/* Those first that nobody waits for; what is left then are tasks that wait for each other. */
static void say_tree(struct text *text) {
    for (int i = 0; i < text->graph->count; i++)
        if (text->graph->nodes[i].awaited_by_count == 0)
            say_root(text, i);
    for (int i = 0; i < text->graph->count; i++) {
        if (text->was_reached[i])
            continue;
        say(text, "Tasks that wait for each other:\n");
        say_root(text, i);
    }
}

/* --- a stack ---------------------------------------------------------------------------------- */

static void say_stack(struct text *text, const eddy_call_node *node) {
    say(text, "Stack of task \"%s\", created at %s, ", node->name, node->created);
    say_state(text, node);
    say(text, "%s\n", node->frames_count > 0 ? " (most recent call last):" : "");
    for (int i = node->frames_count; i-- > 0;) {
        say(text, "  ");
        say_frame(text, &node->frames[i]);
        say(text, "\n");
    }
    if (node->place)
        say(text, "  (%s, in %s)\n", node->place->origin, node->place->function);
}

/* --- the calls -------------------------------------------------------------------------------- */

static int find(const eddy_call_graph *graph, const eddy_task *task) {
    for (int i = 0; i < graph->count; i++)
        if (graph->nodes[i].task == task)
            return i;
    return -1;
}

/* A graph and an empty text for it. */
static int text_begin(struct text *text, eddy_loop *loop, uintptr_t asker) {
    eddy_call_graph *graph;
    int r = eddy__capture_call_graph(loop, asker, &graph);

    if (r < 0)
        return r;
    *text = (struct text){
        .graph = graph,
        .was_shown = eddy__zalloc((size_t)graph->count * sizeof(bool)),
        .was_reached = eddy__zalloc((size_t)graph->count * sizeof(bool)),
        .reached = eddy__alloc((size_t)graph->count * sizeof(int)),
    };
    text->has_failed = !text->was_shown || !text->was_reached || !text->reached;
    return 0;
}

/* Hands the text out. */
static int text_end(struct text *text, char **out) {
    say(text, "%s", ""); /* the NUL of an empty one */
    eddy_call_graph_free((eddy_call_graph *)text->graph);
    eddy__free(text->was_shown);
    eddy__free(text->was_reached);
    eddy__free(text->reached);
    if (text->has_failed) {
        eddy__buffer_deinit(&text->bytes);
        return eddy__fail(-ENOMEM);
    }
    *out = text->bytes.bytes;
    return 0;
}

static int format_all(eddy_loop *loop, uintptr_t asker, char **out) {
    struct text text;
    int r = text_begin(&text, loop, asker);

    if (r < 0)
        return r;
    if (!text.has_failed)
        say_tree(&text);
    return text_end(&text, out);
}

/* A task that the caller may ask about, and its loop. */
static int task_check(const eddy_task *task) {
    if (!task || !task->class->is_task)
        return eddy_raise(-EINVAL, "it is no task");
    if (eddy_is_done(task))
        return eddy_raise(-EINVAL, "task \"%s\" is done: it is in no call graph",
                          eddy_task_name(task));
    return 0;
}

static int format_task(const eddy_task *task, bool is_stack, uintptr_t asker, char **out) {
    struct text text;
    int r = task_check(task), index;

    if (r == 0)
        r = text_begin(&text, task->loop, asker);
    if (r < 0)
        return r;
    index = find(text.graph, task);
    if (index >= 0 && !text.has_failed && is_stack)
        say_stack(&text, &text.graph->nodes[index]);
    else if (index >= 0 && !text.has_failed)
        say_node(&text, index, 0);
    return text_end(&text, out);
}

static int format_one(const eddy_task *task, uintptr_t asker, char **out) {
    if (!task)
        task = eddy_current_task();
    return task ? format_task(task, false, asker, out) : format_all(NULL, asker, out);
}

int eddy_format_task_tree(eddy_loop *loop, char **text) {
    return format_all(loop, FRAMES_ASKER, text);
}

int eddy_format_call_graph(const eddy_task *task, char **text) {
    return format_one(task, FRAMES_ASKER, text);
}

static int print(int r, char *text, FILE *stream) {
    if (r == 0)
        fputs(text, stream);
    eddy__free(text);
    return r;
}

int eddy_print_task_tree(eddy_loop *loop, FILE *stream) {
    char *text = NULL;
    int r = format_all(loop, FRAMES_ASKER, &text);

    return print(r, text, stream);
}

int eddy_print_call_graph(const eddy_task *task, FILE *stream) {
    char *text = NULL;
    int r = format_one(task, FRAMES_ASKER, &text);

    return print(r, text, stream);
}

int eddy_print_stack(const eddy_task *task, FILE *stream) {
    char *text = NULL;
    int r = format_task(task ? task : eddy_current_task(), true, FRAMES_ASKER, &text);

    return print(r, text, stream);
}
