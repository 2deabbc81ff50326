/* SPDX-License-Identifier: MIT
 * test_close_tls.c - a loop may be closed over each call of a stream of TLS. */
#include "row.h"

static const struct row *const tables[] = {tls_rows, NULL};

TEST(a_loop_may_be_closed_over_every_call_of_tls) {
    close_all(tables);
}
