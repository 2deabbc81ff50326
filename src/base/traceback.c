/* SPDX-License-Identifier: MIT
 * traceback.c - how an error record prints: as Python writes a traceback.
 *
 *     Traceback (most recent call last):
 *       Task "main", created at main.c:40
 *       File "main.c", line 31, in async_main
 *         eddy_await(eddy_create_task(load, "a.txt"))
 *       Task "load", created at main.c:31
 *       File "main.c", line 17, in load
 *     ENOENT: there is no a.txt
 *
 * A record of the chain is a task that the failure came through and where that task was awaited.
 * The errors of a task group are branches, drawn as those of an ExceptionGroup. However long the
 * chain and however many the branches, the text is bounded: the middle is left out, and counted. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "failure.h"
#include "log.h"
#include "util.h"

/* Each at most; of a longer chain half of them from either end. */
#define HOPS_SHOWN     32
#define BRANCHES_SHOWN 15
#define GROUPS_NESTED  10
#define CALL_BYTES     200
#define LINE_BYTES     1000

struct traceback {
    FILE *stream; /* NULL: the log */
    int groups;   /* how many this stands in */
    bool is_open; /* a group's last branch, whose bottom is not drawn */
};

/* --- lines ------------------------------------------------------------------------------------ */

static void put(const struct traceback *traceback, const char *format, ...) EDDY_PRINTF(2, 3);
static void put(const struct traceback *traceback, const char *format, ...) {
    char line[LINE_BYTES];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(line, sizeof(line), format, arguments);
    va_end(arguments);
    if (traceback->stream)
        fprintf(traceback->stream, "%s\n", line);
    else
        eddy__log(EDDY_LOG_ERROR, "%s", line);
}

/* What stands before each line inside groups: blanks, and the trunk of the innermost. */
#define MARGIN(traceback) 2 * (traceback)->groups, "", (traceback)->groups > 0 ? "| " : ""

/* The sentence is shown whole, each of its lines behind the margin. */
static void put_sentence(const struct traceback *traceback, const eddy_error *error,
                         const char *remark) {
    const char *text = error->message, *name = eddy_error_name(error->code);

    if (!traceback->stream) {
        put(traceback, "%*s%s%s: %s%s", MARGIN(traceback), name, text, remark);
        return;
    }
    fprintf(traceback->stream, "%*s%s%s: ", MARGIN(traceback), name);
    for (const char *end; (end = strchr(text, '\n')); text = end + 1)
        fprintf(traceback->stream, "%.*s\n%*s%s", (int)(end - text), text, MARGIN(traceback));
    fprintf(traceback->stream, "%s%s\n", text, remark);
}

/* --- a chain ---------------------------------------------------------------------------------- */

static void put_file(const struct traceback *traceback, const char *file, size_t size, int line,
                     const char *function) {
    put(traceback, "%*s%s  File \"%.*s\", line %d, in %s", MARGIN(traceback), (int)size, file, line,
        function);
}

/* "main.c:31" and the call behind it. */
static void put_place(const struct traceback *traceback, const eddy_place *place) {
    const char *colon = strrchr(place->origin, ':');
    const char *call = place->origin + strlen(place->origin) + 1;
    size_t size = strlen(call);

    put_file(traceback, place->origin, (size_t)(colon - place->origin),
             (int)strtol(colon + 1, NULL, 10), place->function);
    put(traceback, "%*s%s    %.*s%s", MARGIN(traceback), (int)MIN(size, CALL_BYTES), call,
        size > CALL_BYTES ? "..." : "");
}

static bool is_hop(const eddy_error *error) {
    return error->awaited || error->task;
}

/* The record in which errors became a group: those around it have its others, too. */
static bool is_group(const eddy_error *error) {
    return error->others_count > 0 && (!error->cause || error->cause->others != error->others);
}

static void put_hop(const struct traceback *traceback, const eddy_error *error) {
    if (error->awaited)
        put_place(traceback, error->awaited);
    if (error->task)
        put(traceback, "%*s%s  Task \"%s\", created at %s", MARGIN(traceback), error->task,
            error->place);
}

/* Where a chain ends: at its group, or at what was raised. */
static const eddy_error *chain_end(const eddy_error *error, int *hops) {
    *hops = 0;
    for (;; error = error->cause) {
        *hops += is_hop(error);
        if (is_group(error) || !error->cause)
            return error;
    }
}

static void put_chain(const struct traceback *traceback, const eddy_error *error, int hops) {
    const eddy_error *last = error;

    for (int i = 0;; error = error->cause) {
        int at = is_hop(error) ? i++ : -1;
        if (at >= 0 && (at < HOPS_SHOWN / 2 || at >= hops - HOPS_SHOWN / 2))
            put_hop(traceback, error);
        else if (at == HOPS_SHOWN / 2)
            put(traceback, "%*s%s  [%d more hops]", MARGIN(traceback), hops - HOPS_SHOWN);
        last = error;
        if (is_group(error) || !error->cause)
            break;
    }
    if (!is_group(last) && last->file)
        put_file(traceback, last->file, strlen(last->file), last->line, last->function);
}

static void put_error(struct traceback *traceback, const eddy_error *error);

/* --- a group ---------------------------------------------------------------------------------- */

static void put_branch(struct traceback *traceback, int index, const eddy_error *error) {
    put(traceback, "%*s%s+---------------- %d ----------------", 2 * traceback->groups, "",
        index == 0 ? "+-" : "  ", index + 1);
    traceback->groups++;
    traceback->is_open = true;
    put_error(traceback, error);
    traceback->groups--;
}

static void put_branches(struct traceback *traceback, const eddy_error *group) {
    int count = group->others_count + 1, shown = MIN(count, BRANCHES_SHOWN);

    for (int i = 0; i < shown; i++)
        put_branch(traceback, i, i == 0 ? group->cause : group->others[i - 1]);
    if (count > shown)
        put(traceback, "%*s  +---------------- [%d more failures]", 2 * traceback->groups, "",
            count - shown);
    else if (traceback->is_open)
        put(traceback, "%*s  +------------------------------------", 2 * traceback->groups, "");
    traceback->is_open = false;
}

/* The trunk begins at the outermost group; those inside stand in a branch of it. */
static void put_group(struct traceback *traceback, const eddy_error *error, const eddy_error *group,
                      int hops) {
    bool is_outermost = traceback->groups == 0;
    char remark[64];

    traceback->groups += is_outermost;
    put(traceback, "%*s%s", 2 * traceback->groups, "",
        is_outermost ? "+ Group traceback (most recent call last):"
                     : "| Group traceback (most recent call last):");
    put_chain(traceback, error, hops);
    snprintf(remark, sizeof(remark), " (and %d more in its task group)", group->others_count);
    put_sentence(traceback, error, remark);
    if (traceback->groups <= GROUPS_NESTED)
        put_branches(traceback, group);
    else
        put(traceback, "%*s%s[groups inside are not shown]", MARGIN(traceback));
    traceback->groups -= is_outermost;
}

/* --- an error --------------------------------------------------------------------------------- */

static void put_error(struct traceback *traceback, const eddy_error *error) {
    int hops;
    const eddy_error *end = chain_end(error, &hops);

    if (is_group(end)) {
        put_group(traceback, error, end, hops);
        return;
    }
    if (hops > 0 || end->file)
        put(traceback, "%*s%sTraceback (most recent call last):", MARGIN(traceback));
    put_chain(traceback, error, hops);
    put_sentence(traceback, error, "");
}

void eddy_error_print(const eddy_error *error, FILE *stream) {
    struct traceback traceback = {.stream = stream};

    if (error)
        put_error(&traceback, error);
}

void eddy__error_log(const eddy_error *error) {
    struct traceback traceback = {.stream = NULL};

    put_error(&traceback, error);
}

bool eddy__error_is_long(const eddy_error *error) {
    int hops;

    return is_group(chain_end(error, &hops)) || hops > 1;
}
