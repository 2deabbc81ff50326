/* SPDX-License-Identifier: MIT
 * name_line.h - questions stand in lines, one for each site, and the lines take turns.
 *
 * A site is the last two labels of a name; reverse look-ups are one site. So one site's thousand
 * questions stand behind each other, and beside the one of another site. A line of which too many
 * work already has no turn. Under the lock of whoever owns the lines. */
#ifndef EDDY__NAME_LINE_H
#define EDDY__NAME_LINE_H

#include "name_query.h"

#define LINE_BUCKETS 256

struct name_lines {
    struct list_node known[LINE_BUCKETS];
    struct list_node turns; /* of lines */
    int ready;              /* questions that may be taken now */
    int each_limit;         /* how many of a line may work; the owner's */
};

void eddy__name_lines_init(struct name_lines *lines);

/* At the end of its line. Returns 0 or -ENOMEM. */
int eddy__name_lines_enter(struct name_lines *lines, struct name_query *query);

/* Out of it, unless it was taken. */
void eddy__name_lines_leave(struct name_lines *lines, struct name_query *query);

/* The next, which works from now on; ready is not 0. */
struct name_query *eddy__name_lines_take(struct name_lines *lines);

/* It works no more. */
void eddy__name_lines_finish(struct name_lines *lines, struct name_query *query);

#endif
