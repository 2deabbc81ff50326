/* SPDX-License-Identifier: MIT
 * name_line.c - who stands where, and whose turn it is (see name_line.h). */
#include "name_line.h"

#include <errno.h>
#include <string.h>

#include "memory.h"
#include "util.h"

/* It is there while a question of its site waits or works. */
struct name_line {
    struct list_node known; /* in a bucket */
    struct list_node turn;  /* in lines->turns: some wait, and one of them may go */
    struct list_node waiting;
    int waiting_count, working;
    int ready; /* its part of lines->ready */
    uint64_t hash;
    size_t site_size;
    char site[];
};

/* The last two labels of a name: "a.b.example.org" and "example.org." are of example.org. */
static eddy_slice site_of(const struct name_question *question) {
    const char *host = question->is_reverse ? "in-addr.arpa" : question->host ? question->host : "";
    size_t end = strlen(host), start;
    int dots = 0;

    while (end > 0 && host[end - 1] == '.')
        end--;
    for (start = end; start > 0; start--)
        if (host[start - 1] == '.' && ++dots == 2)
            break;
    return (eddy_slice){host + start, end - start};
}

static uint64_t site_hash(eddy_slice site) {
    uint64_t hash = 0;

    for (size_t i = 0; i < site.size; i++)
        hash = hash * 31 + (unsigned char)site.data[i];
    return hash;
}

/* The line of a site; makes it. NULL: no memory. */
static struct name_line *line_of(struct name_lines *lines, eddy_slice site) {
    uint64_t hash = site_hash(site);
    struct list_node *bucket = &lines->known[hash % LINE_BUCKETS];
    struct name_line *line;

    for (struct list_node *node = bucket->next; node != bucket; node = node->next) {
        line = container_of(node, struct name_line, known);
        if (line->hash == hash && line->site_size == site.size &&
            memcmp(line->site, site.data, site.size) == 0)
            return line;
    }
    line = eddy__zalloc(sizeof(*line) + site.size);
    if (!line)
        return NULL;
    line->hash = hash;
    line->site_size = site.size;
    memcpy(line->site, site.data, site.size);
    list_init(&line->turn);
    list_init(&line->waiting);
    list_append(bucket, &line->known);
    return line;
}

/* Its numbers have changed: it has a turn if one of its questions may go (at the end, if it had
 * none), and is gone with the last. */
static void line_settle(struct name_lines *lines, struct name_line *line) {
    int room = MAX(0, lines->each_limit - line->working);
    int ready = MIN(line->waiting_count, room);

    lines->ready += ready - line->ready;
    line->ready = ready;
    if (ready == 0)
        list_remove(&line->turn);
    else if (list_is_empty(&line->turn))
        list_append(&lines->turns, &line->turn);
    if (line->waiting_count == 0 && line->working == 0) {
        list_remove(&line->known);
        eddy__free(line);
    }
}

void eddy__name_lines_init(struct name_lines *lines) {
    *lines = (struct name_lines){0};
    for (int i = 0; i < LINE_BUCKETS; i++)
        list_init(&lines->known[i]);
    list_init(&lines->turns);
}

int eddy__name_lines_enter(struct name_lines *lines, struct name_query *query) {
    struct name_line *line = line_of(lines, site_of(&query->asked));

    if (!line)
        return -ENOMEM;
    query->line = line;
    list_append(&line->waiting, &query->node);
    line->waiting_count++;
    line_settle(lines, line);
    return 0;
}

void eddy__name_lines_leave(struct name_lines *lines, struct name_query *query) {
    list_remove(&query->node);
    query->line->waiting_count--;
    line_settle(lines, query->line);
}

struct name_query *eddy__name_lines_take(struct name_lines *lines) {
    struct name_line *line = container_of(lines->turns.next, struct name_line, turn);
    struct name_query *query = container_of(line->waiting.next, struct name_query, node);

    list_remove(&line->turn); /* the next is another's */
    list_remove(&query->node);
    line->waiting_count--;
    line->working++;
    line_settle(lines, line);
    return query;
}

void eddy__name_lines_finish(struct name_lines *lines, struct name_query *query) {
    query->line->working--;
    line_settle(lines, query->line);
}
