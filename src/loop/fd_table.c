/* SPDX-License-Identifier: MIT
 * fd_table.c - tables grow by doubling. */
#include "fd_table.h"

#include <string.h>

#include "memory.h"
#include "os.h"
#include "util.h"

#define CAPACITY_LEAST 64

void *eddy__fd_table_grow(void *table, int *capacity, size_t entry_bytes, int fd) {
    int longer = MAX(*capacity, CAPACITY_LEAST);
    size_t had = (size_t)*capacity * entry_bytes;

    if (!eddy__os_is_open(fd))
        return NULL;
    while (longer <= fd)
        longer *= 2;
    table = eddy__realloc(table, (size_t)longer * entry_bytes);
    if (!table)
        return NULL;
    memset((char *)table + had, 0, (size_t)longer * entry_bytes - had);
    *capacity = longer;
    return table;
}
