/* SPDX-License-Identifier: MIT
 * fd_table.h - tables with an entry for each descriptor, by its number. */
#ifndef EDDY__FD_TABLE_H
#define EDDY__FD_TABLE_H

#include <stddef.h>

/* The table made long enough for this descriptor, new entries zeroed; entries move. NULL: no
 * memory, or no such descriptor (no table for a number that cannot be), and the table stays. */
void *eddy__fd_table_grow(void *table, int *capacity, size_t entry_bytes, int fd);

#endif
