/* SPDX-License-Identifier: MIT
 * eddy/process.h - other programs as child processes: asyncio's subprocesses.
 *
 * A child is reaped when it ends, whether or not somebody waits for it, and one that is let go of
 * is killed: none stays behind, as a zombie or running. Neither SIGCHLD nor its handler is touched.
 * Needs Linux 5.4; where a filter hides pidfds, spawning fails with -ENOSYS or -EPERM. All calls
 * belong to the loop's thread. */
#ifndef EDDY_PROCESS_H
#define EDDY_PROCESS_H

#include <eddy/stream.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct eddy_process eddy_process;

/* What becomes of a standard stream; any number above 0 is a descriptor that becomes it. */
typedef enum eddy_process_stream {
    EDDY_PROCESS_INHERIT = 0, /* ours */
    EDDY_PROCESS_PIPE = -1,   /* a pipe to us: eddy_process_stdin() and the like */
    EDDY_PROCESS_STDOUT = -2, /* of errors: where the output goes */
    EDDY_PROCESS_NULL = -3,   /* /dev/null */
} eddy_process_stream;

/* All zero is the default of everything. Texts and arrays are borrowed for the call. */
typedef struct eddy_process_options {
    int input; /* the standard streams: one of the above, or a descriptor of ours */
    int output;
    int errors;
    const char *input_path;  /* instead, a file to read; opened from our directory. A FIFO blocks */
    const char *output_path; /* a file to write: created, or emptied unless `append` is set */
    const char *errors_path;
    bool append;

    const char *program;   /* what to run, if its arguments[0] shall say something else */
    const char *directory; /* to run in; a program with a slash, or found by a relative element of
                              PATH, is looked for from there */
    const char *const *environment; /* "NAME=value" ..., NULL; the program is looked for in its
                                       PATH. NULL: ours */

    const char *user;  /* a name or a number; its groups do not come with it: see `groups` */
    const char *group; /* likewise */
    const char *const *groups; /* the supplementary groups: names or numbers ..., NULL */
    bool new_session;       /* setsid: the child leads a session and a process group of its own */
    bool new_process_group; /* the child leads one; so Ctrl-C does not reach it */
    int process_group;      /* that the child enters; 0: ours */
    bool set_umask;
    unsigned umask; /* if set_umask */
    int nice;       /* is added to ours */

    const int *pass_fds; /* descriptors that the child gets, under the same numbers; no others but
                            the three streams, close-on-exec or not */
    int pass_fds_count;
    bool keep_fds;     /* gets all that are not close-on-exec as well. eddy's own are */
    bool keep_signals; /* signals that this thread blocks, SIGPIPE and SIGXFSZ stay as they are
                          here; otherwise none is blocked, and these two have their default action.
                          What else is ignored here is ignored there in either case */
    int death_signal;  /* that the kernel sends the child when the thread that spawned it ends, even
                          by a crash: PR_SET_PDEATHSIG; 0: none */

    size_t limit_bytes; /* of each pipe's stream, as in eddy_connect_options */
    size_t high_water_bytes;
    size_t output_max_bytes; /* the most that communicate() takes of each output; 0: no limit */
} eddy_process_options;

/* Runs a program: arguments[0], which is looked for in PATH as execvp() does unless it has a slash,
 * with `arguments`, which end with NULL. options may be NULL. The caller owns *out:
 * eddy_process_close(). Does not suspend: the loop's thread stands still until the kernel has taken
 * over the program, some 40 us however large this process is, or until a slow disk has brought
 * the head of its file.
 *
 * What goes wrong in the child before the program runs comes back here: -ENOENT, -EACCES, -ENOEXEC
 * (no program: a script needs its #! line), -EPERM (not allowed to become that user), -E2BIG ...
 * Others are -EINVAL (options that contradict each other; no such user or group), -EBADF (a
 * descriptor that is not open), -EMFILE, -EAGAIN (too many processes), -ENOMEM. The sentence names
 * program and step: cannot run "x": cannot change to directory "/y": No such file or directory. */
EDDY_API int eddy_process_spawn_sized(const char *const arguments[],
                                      const eddy_process_options *options, size_t options_size,
                                      eddy_process **out);
static inline int eddy_process_spawn(const char *const arguments[],
                                     const eddy_process_options *options, eddy_process **out) {
    return eddy_process_spawn_sized(arguments, options, sizeof(eddy_process_options), out);
}

/* The same with a command of the shell, /bin/sh. Words that come from elsewhere do not belong into
 * its text: pass them in the environment, or spawn the program itself. */
EDDY_API int eddy_process_spawn_shell_sized(const char *command,
                                            const eddy_process_options *options,
                                            size_t options_size, eddy_process **out);
static inline int eddy_process_spawn_shell(const char *command, const eddy_process_options *options,
                                           eddy_process **out) {
    return eddy_process_spawn_shell_sized(command, options, sizeof(eddy_process_options), out);
}

/* Waits until it has ended. Suspends. *returncode (may be NULL) is what it exited with, 0 to 255,
 * or the negative number of the signal that ended it. Cancelled, it has no effect: the child runs
 * on. A child that writes more into a pipe than fits waits for a reader: communicate() reads.
 * Returns 0; EDDY_ECLOSED; -ECHILD: this program has waited for the child elsewhere (waitpid(-1),
 * or SIGCHLD is ignored), and the kernel (before Linux 6.15) no longer knows how it ended; -ENOMEM:
 * it could not be watched, and was killed. */
EDDY_API int eddy_process_wait(eddy_process *process, int *returncode);

/* Writes `input` to its standard input and closes that, reads its output and errors to their ends,
 * all at the same time, and waits until it has ended. Streams that are no pipes are left out. A
 * child that does not read to the end is no error. The pipes end when nobody has them any more: a
 * grandchild that inherited one is waited for. Suspends.
 *
 * *output and *errors (each may be NULL) are views of what was read, followed by a NUL; they belong
 * to the process and end with it. Returns 0; EDDY_ELIMIT (output_max_bytes); EDDY_ECLOSED; -EBUSY:
 * another task is at it; -ECHILD as above; -ENOMEM. Cancelled or failed, child and pipes are as
 * they are, and nothing is lost: the same call with the same input goes on. */
EDDY_API int eddy_process_communicate(eddy_process *process, eddy_slice input, eddy_slice *output,
                                      eddy_slice *errors);

/* What communicate() has read so far, also when it was cancelled. Borrowed until the next
 * communicate() or the close. */
EDDY_API eddy_slice eddy_process_output(const eddy_process *process);
EDDY_API eddy_slice eddy_process_errors(const eddy_process *process);

/* subprocess.run(): spawns with output and errors as pipes, and input too if there is any (where
 * the options say nothing else), and communicates. The caller owns *out, which has ended. Suspends.
 * On failure, and when it is cancelled or out of time, the child has been killed and *out is
 * untouched. Returns 0, whatever the program returned, or the codes of the two. */
EDDY_API int eddy_process_run_sized(const char *const arguments[],
                                    const eddy_process_options *options, size_t options_size,
                                    eddy_slice input, eddy_process **out);
static inline int eddy_process_run(const char *const arguments[],
                                   const eddy_process_options *options, eddy_slice input,
                                   eddy_process **out) {
    return eddy_process_run_sized(arguments, options, sizeof(eddy_process_options), input, out);
}

/* The ends of its pipes; NULL where there is no pipe, or it is closed. Borrowed from the process,
 * which closes them; to close one earlier, as the end of the child's input, is fine. */
EDDY_API eddy_stream *eddy_process_stdin(const eddy_process *process);
EDDY_API eddy_stream *eddy_process_stdout(const eddy_process *process);
EDDY_API eddy_stream *eddy_process_stderr(const eddy_process *process);

/* Sends a signal; terminate: SIGTERM, kill: SIGKILL. Never hits another process, whatever number
 * that has. Returns 0; -ESRCH: it has ended; -EPERM: it has become another user's; -EINVAL. */
EDDY_API int eddy_process_send_signal(eddy_process *process, int signo);
EDDY_API int eddy_process_terminate(eddy_process *process);
EDDY_API int eddy_process_kill(eddy_process *process);

/* Its number, also when it has ended: then another process may have it. */
EDDY_API int eddy_process_pid(const eddy_process *process);

/* How it ended, as wait() tells it. Returns 0; EDDY_EINVALID_STATE while it runs; -ECHILD. */
EDDY_API int eddy_process_returncode(const eddy_process *process, int *returncode);

/* Lets go: closes the pipes, kills a child that still runs, and frees; returns NULL. Never
 * suspends: what was not yet written is dropped, and the child is reaped in the background, or when
 * the loop closes, which kills and reaps all children it still has. Who waits gets EDDY_ECLOSED.
 * Its children are not killed: give it a process group, and kill that. close(NULL) is NULL. */
EDDY_API eddy_process *eddy_process_close(eddy_process *process);

#ifdef __cplusplus
}
#endif

#endif
