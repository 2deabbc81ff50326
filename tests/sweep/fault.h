/* SPDX-License-Identifier: MIT
 * fault.h - fails one call of the kernel, or one allocation: the nth of a run, in one of its ways.
 *
 * The linker puts the functions of calls.c and rings.c in the place of those that eddy calls
 * (--wrap), so the library is the one that users have. Each of them tells fault_meet() which
 * failures fit the call; whose turn it is gets one of them. */
#ifndef TEST_FAULT_H
#define TEST_FAULT_H

#include <stdbool.h>
#include <stddef.h>

enum fault_kind {
    FAILS,      /* without an effect; who called may fail with this code */
    PASSES,     /* the same, but it is of no account: who called tries again, or does without */
    BREAKS,     /* as FAILS, and the connection is lost */
    COMES_LATE, /* the call has its effect, and then says this; of no account */
    IS_SHORT,   /* the call does one byte; of no account. No code */
};

struct fault {
    int code; /* of errno */
    enum fault_kind kind;
};

/* What there is to say about a run. Shared between processes. */
struct fault_run {
    long nth;    /* the call that fails, from 1; 0: none */
    int way;     /* in which of its ways */
    long met;    /* calls so far */
    bool is_hit; /* it has failed */
    const char *name;
    int ways; /* that call's */
    struct fault fault;
};

/* Calls count from now on, and one of them fails. NULL: none counts. */
void fault_watch(struct fault_run *run);

/* The failure of this call, or NULL: it is not its turn. Any thread. */
const struct fault *fault_meet(const char *name, const struct fault *faults, int count);

#define FAULT(name, ...)                                    \
    fault_meet((name), (const struct fault[]){__VA_ARGS__}, \
               (int)(sizeof((const struct fault[]){__VA_ARGS__}) / sizeof(struct fault)))

/* Takes the place of eddy's allocator, and counts the blocks that are out. */
void fault_take_allocator(void);
int fault_blocks(void);

#endif
