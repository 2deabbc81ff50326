/* SPDX-License-Identifier: MIT
 * os_spawn.h - a program started: what the child is to be, and how far it came.
 *
 * All is prepared by who calls: between the birth of the child and its exec nothing is looked up,
 * opened or allocated. */
#ifndef EDDY__OS_SPAWN_H
#define EDDY__OS_SPAWN_H

#include <stdbool.h>
#include <sys/types.h>

/* What the child does, in this order, and where it may fail. */
enum eddy__spawn_step {
    SPAWN_BIRTH, /* there is no child */
    SPAWN_STREAMS,
    SPAWN_DIRECTORY,
    SPAWN_SESSION,
    SPAWN_PROCESS_GROUP,
    SPAWN_NICE,
    SPAWN_GROUPS, /* the supplementary ones */
    SPAWN_GROUP,
    SPAWN_USER,
    SPAWN_DESCRIPTORS, /* those to pass */
    SPAWN_DEATH_SIGNAL,
    SPAWN_EXEC,
};

enum { SPAWN_INHERITED = -1, SPAWN_AS_OUTPUT = -2 };

#define SPAWN_NO_ID ((unsigned)-1) /* what the system calls take for "as it is" */

struct eddy__spawn {
    const char *const *programs; /* paths, tried in turn; ends with NULL */
    const char *const *arguments, *const *environment;
    int streams[3];        /* descriptors of ours that become its 0, 1, 2; SPAWN_INHERITED; of 2
                              also SPAWN_AS_OUTPUT */
    const char *directory; /* NULL: ours */
    bool has_session;      /* a new one */
    pid_t process_group;   /* to enter; 0: a new one, -1: ours */
    int nice;              /* added to ours */
    const gid_t *groups;   /* supplementary; NULL: ours */
    size_t groups_count;
    gid_t group; /* SPAWN_NO_ID: ours */
    uid_t user;
    bool has_umask;
    mode_t umask;
    const int *passed; /* descriptors that stay open, the only ones from 3 on */
    size_t passed_count;
    bool passes_all;    /* all that are not close-on-exec */
    bool keeps_signals; /* the mask of this thread, and what is ignored */
    int death_signal;   /* when the thread that spawned it ends; 0: none */

    /* Written by the child, in memory or, where that is a copy, over report_fd. */
    bool is_born;
    enum eddy__spawn_step step; /* that failed */
    int report_fd;

    /* What came of it. */
    pid_t pid;
    int pidfd;
};

/* Starts it; returns when the child has called exec, the calling thread waits meanwhile. Returns 0
 * with pid and pidfd (close-on-exec, the caller's), or a negative code and the step: the child is
 * gone then, and reaped. */
int eddy__os_spawn(struct eddy__spawn *spawn);

#endif
