/* SPDX-License-Identifier: MIT
 * cleanup.h - clean-up by attribute for the tools: what leaves scope is freed, on every return. */
#ifndef TOOLS_CLEANUP_H
#define TOOLS_CLEANUP_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define CLEANUP(function) __attribute__((cleanup(function)))

/* memory: the address of a pointer of any type. */
static inline void freep(void *memory) {
    free(*(void **)memory);
}

static inline void close_filep(FILE **file) {
    if (*file && *file != stdin)
        fclose(*file);
}

#endif
