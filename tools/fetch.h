/* SPDX-License-Identifier: MIT
 * fetch.h - what the parts of `eddy fetch` share: the run, and the job of one URL.
 *
 *   fetch.c           the command: options, then the run in an event loop, then the report
 *   fetch_options.c   the command line
 *   fetch_list.c      the URLs, from arguments, files and standard input
 *   fetch_name.c      names of files for URLs
 *   fetch_job.c       one URL: attempts, until one stands
 *   fetch_retry.c     which failures are worth another attempt, and when
 *   fetch_sink.c      where bodies go
 *   fetch_progress.c  the moving picture on a terminal
 *   fetch_report.c    what is said at the end, or line by line as JSON
 *
 * All of it runs on the loop's thread, in tasks, so nothing here needs a lock. */
#ifndef TOOLS_FETCH_H
#define TOOLS_FETCH_H

#include <eddy/http.h>
#include <sys/queue.h>

#include "fetch_options.h"
#include "fetch_sink.h"

/* WAITING -start-> RUNNING -good answer-> DONE, -bad one, or none-> FAILED, -stopped-> CANCELLED;
 * RUNNING -worth retrying-> RESTING -its time has come-> RUNNING; RESTING -stopped-> CANCELLED. */
enum fetch_state {
    FETCH_WAITING,
    FETCH_RUNNING,
    FETCH_RESTING,
    FETCH_DONE,
    FETCH_FAILED,
    FETCH_CANCELLED
};

/* One URL. The numbers are those of its last attempt, but for the times. */
struct fetch_job {
    TAILQ_ENTRY(fetch_job) link; /* in fetch->active while RUNNING or RESTING */
    char *url;
    char *name;  /* of its file; NULL without --output */
    char *error; /* why it failed, a sentence; NULL while it has not */
    enum fetch_state state;
    int status;             /* 0: no answer has come */
    int attempts;           /* begun so far */
    int64_t bytes;          /* of the body, so far */
    int64_t bytes_expected; /* of the body, or -1: nobody said */
    double started, ended;  /* eddy_time(); ended is set once it is DONE, FAILED or CANCELLED */
    double rests_until;     /* while RESTING */
};

TAILQ_HEAD(fetch_jobs, fetch_job);

/* How many jobs are in each state that ends, and all that was received, given-up attempts too. */
struct fetch_tally {
    size_t done, failed, cancelled;
    int64_t bytes;
};

/* One run of the command. */
struct fetch {
    const struct fetch_options *options;
    struct fetch_job *jobs;
    size_t count;
    size_t next;              /* the first job that nobody has taken */
    struct fetch_jobs active; /* the oldest first */
    struct fetch_tally tally;
    struct fetch_sink sink;
    eddy_http_session *session;
    eddy_task *main_task;  /* borrowed, while the loop runs */
    double started, ended; /* eddy_time() */
    int signal;            /* what stopped it, or 0 */
    char *broken;          /* the output that failed and stopped it, a sentence, or NULL */
};

/* Ends the run because its output cannot be written: no further page would fare better. */
void fetch_break_off(struct fetch *fetch, const char *sentence);

#endif
