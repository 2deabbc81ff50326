/* SPDX-License-Identifier: MIT
 * world.h - a network and an /etc of the test's own.
 *
 * The process leaves for namespaces of its own: a network of nothing but loopback, where port 53 is
 * free, and an /etc that holds what is said here and nothing else. As each test has a process of
 * its own, it has its world, too. Needs root, or user namespaces. */
#ifndef TEST_WORLD_H
#define TEST_WORLD_H

#include <stdbool.h>

/* Texts of the files; NULL: an ordinary one (resolv.conf: our server, no search, patience of 30
 * seconds, so that nothing ends by itself). */
struct world {
    const char *resolv, *hosts, *nsswitch, *services;
};

/* False: it is not allowed here, and a line has said so. */
bool world_enter(const struct world *world);

/* Changes a file of this /etc. */
void world_write(const char *path, const char *text);

#endif
