/* SPDX-License-Identifier: MIT
 * test_close.c - a loop may be closed over each of its calls. What a task of the user's has on its
 * stack is then not freed; so not those of eddy-http, which is a user like any other. */
#include "row.h"

static const struct row *const tables[] = {task_rows, sync_rows, io_rows, process_rows, NULL};

TEST(a_loop_may_be_closed_over_every_call) {
    close_all(tables);
}
