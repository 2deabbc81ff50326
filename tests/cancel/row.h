/* SPDX-License-Identifier: MIT
 * row.h - the table of all suspending calls, which the walks of walk.c go through.
 *
 * A row is one public function whose comment says that it suspends. A new one gets its row: add it
 * to the rows_*.c of its layer (cancel/covered fails until there is one), with what it needs in the
 * scene. In every walk a row has a loop and a scene of its own:
 *
 *     set_up     makes everything but what the call waits for; may suspend
 *     call       makes the call, which then waits, and returns its result
 *     complete   brings about what it waits for; must not wait
 *     tear_down  frees what is left, also when the loop is closed already
 *
 * The traits say what the walks may expect; a plain row has none, and is then the hardest to be
 * right about: -ECANCELED, at once, without effect, and the call can be made again. */
#ifndef TEST_ROW_H
#define TEST_ROW_H

#include <eddy.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <string.h>

#include "test.h"

enum trait {
    TAKES = 1,     /* what it waits for is used up: there is no second call */
    FINISHES = 2,  /* once it waits, a cancel does not end it: what it waits for does */
    HANDS = 4,     /* complete() hands over in that moment: a cancel right after it is too late */
    LATCHES = 8,   /* what complete() has brought stays for the next call, if this one is refused */
    ONE_EACH = 16, /* several may wait; complete() lets the first go */
    BRIEF = 32,    /* ends by itself at once */
    NEVER = 64,    /* ends by a cancel only: there is no complete() */
    THREAD = 128,  /* another thread is at work: real time */
    RACES = 256,   /* a completion that follows the cancel may be first: the kernel decides */
    NO_TASK = 512, /* blocks a thread, and is refused in a task (-EDEADLK) */
};

/* What the rows work on; each uses its part. */
struct scene {
    eddy_lock lock;
    eddy_event event;
    eddy_condition condition;
    eddy_semaphore semaphore;
    eddy_barrier barrier;
    eddy_queue queue;
    eddy_channel *channel;
    eddy_executor *executor;
    eddy_future *futures[2];
    eddy_as_completed *iterator;
    eddy_stream *stream;
    eddy_server *server;
    eddy_file *file;
    eddy_directory *directory;
    char folder[32];
    eddy_datagram_endpoint *endpoint;
    eddy_process *process;
    int peer; /* a plain socket, at the other end of the stream or of `listener` */
    int listener;
    sem_t held;            /* by the thread that is at work */
    atomic_bool has_begun; /* of what FINISHES: a cancel would be in time before */
    bool is_over;
    char lent[64]; /* buffers that calls lend out: whatever is read comes here */
};

struct row {
    const char *name;
    int (*call)(struct scene *scene);
    void (*complete)(struct scene *scene);
    void (*set_up)(struct scene *scene);
    void (*tear_down)(struct scene *scene);
    unsigned traits;
    double seconds; /* > 0: time completes it */
};

/* Each ends with a NULL name. */
extern const struct row task_rows[];
extern const struct row sync_rows[];
extern const struct row io_rows[];
extern const struct row name_rows[];
extern const struct row descriptor_rows[];
extern const struct row http_rows[];
extern const struct row tls_rows[];
extern const struct row file_rows[];
extern const struct row datagram_rows[];
extern const struct row process_rows[];

/* --- the walks: each fails the test with the name of the row ---------------------------------- */

typedef void walk_fn(const struct row *row, struct scene *scene);

walk_fn walk_refused, walk_while_it_waits, walk_completed_then_cancelled,
    walk_cancelled_then_completed, walk_timed_out_meanwhile, walk_shielded, walk_cancelled_twice,
    walk_two_wait;

/* Each row of these tables, in a loop of its own. */
void walk_all(walk_fn *walk, const struct row *const tables[]);

/* The loop is closed over the call. */
void close_all(const struct row *const tables[]);

/* Lets the others run and the loop poll, some times. */
void let_run(void);

/* --- names that are looked up (rows_io.c) ----------------------------------------------------- */

/* From hold to release or drop every look-up waits. Each scene has a name and a port of its own. */
void hold_names(struct scene *scene);
void release_names(struct scene *scene);
void drop_names(struct scene *scene);
void wait_while_held(void);
const char *held_name(void);
int held_port(const struct scene *scene);

#endif
