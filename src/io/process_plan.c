/* SPDX-License-Identifier: MIT
 * process_plan.c - options turned into what the child is to do (base/os_spawn.h).
 *
 * All that may fail for a reason of its own is done here, in the parent: files are opened, pipes
 * made, names of users looked up, and PATH becomes a list of paths. */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "memory.h"
#include "os.h"
#include "os_process.h"
#include "process.h"

#define PATH_DEFAULT "/bin:/usr/bin" /* without one: as execvp() */

/* --- which program ---------------------------------------------------------------------------- */

/* The value of PATH that the child will have. */
static const char *path_of(const char *const *environment) {
    for (; *environment; environment++)
        if (strncmp(*environment, "PATH=", 5) == 0)
            return *environment + 5;
    return PATH_DEFAULT;
}

static size_t count_of(const char *text, char wanted) {
    size_t count = 0;

    for (; *text; text++)
        count += *text == wanted;
    return count;
}

/* The pointers, their end, and the texts behind them. An empty element is the directory itself. */
static char *programs_along(const char *path, const char *name) {
    size_t elements = count_of(path, ':') + 1, name_bytes = strlen(name) + 1;
    size_t pointer_bytes = (elements + 1) * sizeof(char *);
    char *block = eddy__alloc(pointer_bytes + strlen(path) + elements * (1 + name_bytes));
    char **program = (char **)block, *text = block + pointer_bytes;

    if (!block)
        return NULL;
    for (size_t i = 0; i < elements; i++, path++) {
        size_t size = strcspn(path, ":");
        *program++ = text;
        text = mempcpy(text, path, size);
        if (size > 0)
            *text++ = '/';
        text = mempcpy(text, name, name_bytes);
        path += size;
    }
    *program = NULL;
    return block;
}

static int plan_programs(struct process_plan *plan, const char *name) {
    bool has_slash = strchr(name, '/') || !*name;

    plan->name = name;
    plan->programs = programs_along(has_slash ? "" : path_of(plan->spawn.environment), name);
    plan->spawn.programs = (const char *const *)plan->programs;
    return plan->programs ? 0 : eddy__fail(-ENOMEM);
}

/* --- the streams ------------------------------------------------------------------------------ */

static const char *const stream_names[] = {"input", "output", "errors"};

static int plan_file(struct process_plan *plan, int stream, const char *path, bool append) {
    int fd = stream == 0 ? eddy__os_open_to_read(path) : eddy__os_open_to_write(path, append);

    if (fd < 0)
        return eddy_raise(fd, "cannot run \"%.255s\": cannot open \"%.255s\" as its %s: %s",
                          plan->name, path, stream_names[stream], eddy_error_text(fd));
    plan->spawn.streams[stream] = plan->child_fds[stream] = fd;
    return 0;
}

static int plan_pipe(struct process_plan *plan, int stream) {
    int ends[2], childs = stream == 0 ? 0 : 1, r = eddy__os_blocking_pipe(ends);

    if (r < 0)
        return eddy_raise(r, "cannot run \"%.255s\": cannot make a pipe: %s", plan->name,
                          eddy_error_text(r));
    plan->spawn.streams[stream] = plan->child_fds[stream] = ends[childs];
    plan->our_fds[stream] = ends[!childs];
    return 0;
}

static int plan_stream(struct process_plan *plan, int stream, int wanted, const char *path,
                       bool append) {
    if (path && wanted != EDDY_PROCESS_INHERIT)
        return eddy_raise(-EINVAL,
                          "the %s of a process is either a file or something else: not "
                          "both",
                          stream_names[stream]);
    if (path)
        return plan_file(plan, stream, path, append);
    if (wanted == EDDY_PROCESS_PIPE)
        return plan_pipe(plan, stream);
    if (wanted == EDDY_PROCESS_NULL)
        return plan_file(plan, stream, "/dev/null", true);
    if (wanted < 0 && (wanted != EDDY_PROCESS_STDOUT || stream != 2))
        return eddy_raise(-EINVAL, "%d is nothing that the %s of a process could be", wanted,
                          stream_names[stream]);
    plan->spawn.streams[stream] = wanted > 0                      ? wanted
                                  : wanted == EDDY_PROCESS_STDOUT ? SPAWN_AS_OUTPUT
                                                                  : SPAWN_INHERITED;
    return 0;
}

static int plan_streams(struct process_plan *plan, const eddy_process_options *options) {
    int r = plan_stream(plan, 0, options->input, options->input_path, false);

    if (r == 0)
        r = plan_stream(plan, 1, options->output, options->output_path, options->append);
    if (r == 0)
        r = plan_stream(plan, 2, options->errors, options->errors_path, options->append);
    return r;
}

/* --- who it is -------------------------------------------------------------------------------- */

/* Nobody's name is a mistake in the options. */
static int plan_raise_name(const struct process_plan *plan, const char *what, const char *name,
                           int code) {
    if (code == -ENOENT)
        return eddy_raise(-EINVAL, "cannot run \"%.255s\": there is no %s \"%.64s\"", plan->name,
                          what, name);
    return code < 0 ? eddy__fail(code) : 0;
}

static int plan_groups(struct process_plan *plan, const char *const *names) {
    size_t count = 0;
    int r = 0;

    while (names[count])
        count++;
    plan->groups = eddy__alloc(count * sizeof(*plan->groups));
    if (!plan->groups)
        return eddy__fail(-ENOMEM);
    for (size_t i = 0; i < count && r == 0; i++) {
        r = eddy__os_group_id(names[i], &plan->groups[i]);
        r = plan_raise_name(plan, "group", names[i], r);
    }
    plan->spawn.groups = plan->groups;
    plan->spawn.groups_count = count;
    return r;
}

static int plan_user(struct process_plan *plan, const eddy_process_options *options) {
    struct eddy__spawn *spawn = &plan->spawn;
    int r = 0;

    spawn->user = spawn->group = SPAWN_NO_ID;
    plan->user = options->user;
    plan->group = options->group;
    if (options->user)
        r = plan_raise_name(plan, "user", options->user,
                            eddy__os_user_id(options->user, &spawn->user));
    if (options->group && r == 0)
        r = plan_raise_name(plan, "group", options->group,
                            eddy__os_group_id(options->group, &spawn->group));
    return options->groups && r == 0 ? plan_groups(plan, options->groups) : r;
}

/* --- all of it -------------------------------------------------------------------------------- */

static void plan_init(struct process_plan *plan) {
    *plan = (struct process_plan){0};
    for (int i = 0; i < 3; i++)
        plan->child_fds[i] = plan->our_fds[i] = -1;
}

/* What only has to be handed on. */
static void plan_copy(struct eddy__spawn *spawn, const char *const arguments[],
                      const eddy_process_options *options) {
    static const char *const nothing[] = {NULL};
    const char *const *ours = environ ? (const char *const *)environ : nothing; /* clearenv() */

    spawn->arguments = arguments;
    spawn->environment = options->environment ? options->environment : ours;
    spawn->directory = options->directory;
    spawn->has_session = options->new_session;
    spawn->process_group = options->process_group > 0   ? options->process_group
                           : options->new_process_group ? 0
                                                        : -1;
    spawn->nice = options->nice;
    spawn->has_umask = options->set_umask;
    spawn->umask = options->umask;
    spawn->passed = options->pass_fds;
    spawn->passed_count = (size_t)options->pass_fds_count;
    spawn->passes_all = options->keep_fds;
    spawn->keeps_signals = options->keep_signals;
    spawn->death_signal = options->death_signal;
}

/* Before pipes and files take numbers that are free: one of those is not what was meant. */
static int plan_check_descriptors(const eddy_process_options *options) {
    const int streams[3] = {options->input, options->output, options->errors};

    for (int i = 0; i < 3; i++)
        if (streams[i] > 0 && !eddy__os_is_open(streams[i]))
            return eddy_raise(-EBADF,
                              "the descriptor %d, which is to be the %s of a process, is "
                              "not open",
                              streams[i], stream_names[i]);
    for (int i = 0; i < options->pass_fds_count; i++)
        if (!eddy__os_is_open(options->pass_fds[i]))
            return eddy_raise(-EBADF,
                              "the descriptor %d, which is to be passed to a process, is "
                              "not open",
                              options->pass_fds[i]);
    return 0;
}

static int plan_check(const char *const arguments[], const eddy_process_options *options) {
    if (!arguments || !arguments[0])
        return eddy_raise(-EINVAL, "a process needs arguments: the first is its name");
    if (options->pass_fds_count < 0 || options->process_group < 0)
        return eddy_raise(-EINVAL, "pass_fds_count and process_group are never negative");
    if (options->new_session && (options->new_process_group || options->process_group))
        return eddy_raise(-EINVAL, "the leader of a new session leads a process group already");
    if (options->new_process_group && options->process_group)
        return eddy_raise(-EINVAL, "a process leads a new process group or enters one: not both");
    if (options->death_signal < 0 || options->death_signal >= NSIG)
        return eddy_raise(-EINVAL, "%d is no signal", options->death_signal);
    return plan_check_descriptors(options);
}

int eddy__process_plan(struct process_plan *plan, const char *const arguments[],
                       const eddy_process_options *options) {
    int r;

    plan_init(plan);
    r = plan_check(arguments, options);
    if (r < 0)
        return r;
    plan_copy(&plan->spawn, arguments, options);
    r = plan_programs(plan, options->program ? options->program : arguments[0]);
    if (r == 0)
        r = plan_user(plan, options);
    return r == 0 ? plan_streams(plan, options) : r;
}

void eddy__process_plan_deinit(struct process_plan *plan) {
    for (int i = 0; i < 3; i++) {
        eddy__os_close(TAKE_FD(plan->child_fds[i]));
        eddy__os_close(TAKE_FD(plan->our_fds[i]));
    }
    eddy__free(plan->groups);
    eddy__free(plan->programs);
}

/* --- what went wrong -------------------------------------------------------------------------- */

/* The step as a text: "cannot change to directory "/x"". NULL: the program itself. */
static const char *step_text(const struct process_plan *plan, char *text, size_t size) {
    const struct eddy__spawn *spawn = &plan->spawn;

    switch (spawn->step) {
    case SPAWN_STREAMS:
        return "cannot set its standard streams";
    case SPAWN_DIRECTORY:
        snprintf(text, size, "cannot change to directory \"%.255s\"", spawn->directory);
        return text;
    case SPAWN_SESSION:
        return "cannot begin a session";
    case SPAWN_PROCESS_GROUP:
        snprintf(text, size, "cannot enter the process group %d", (int)spawn->process_group);
        return text;
    case SPAWN_NICE:
        snprintf(text, size, "cannot change its priority by %d", spawn->nice);
        return text;
    case SPAWN_GROUPS:
        return "cannot set its supplementary groups";
    case SPAWN_GROUP:
        snprintf(text, size, "cannot become group \"%.64s\"", plan->group);
        return text;
    case SPAWN_USER:
        snprintf(text, size, "cannot become user \"%.64s\"", plan->user);
        return text;
    case SPAWN_DESCRIPTORS:
        return "cannot pass the descriptors";
    case SPAWN_DEATH_SIGNAL:
        return "cannot set its death signal";
    case SPAWN_BIRTH:
        return "cannot create a process";
    default:
        return NULL;
    }
}

int eddy__process_plan_raise(const struct process_plan *plan, int code) {
    char text[320];
    const char *step = step_text(plan, text, sizeof(text));

    if (step)
        return eddy_raise(code, "cannot run \"%.255s\": %s: %s", plan->name, step,
                          eddy_error_text(code));
    return eddy_raise(code, "cannot run \"%.255s\": %s", plan->name, eddy_error_text(code));
}
