/* SPDX-License-Identifier: MIT
 * virtual.c - loops in virtual time, the trace, the actors, and processes that end badly. */
#include "virtual.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

/* --- text that gathers ------------------------------------------------------------------------ */

struct gathered {
    char text[1 << 16], taken[1 << 16];
    size_t length;
};

static struct gathered trace, reported;

static void gather(struct gathered *to, const char *format, va_list arguments) {
    size_t room = sizeof(to->text) - to->length;
    int length = vsnprintf(to->text + to->length, room, format, arguments);

    if (length < 0 || (size_t)length >= room)
        TEST_FAIL("the text of a test has no room left");
    to->length += (size_t)length;
}

static const char *take(struct gathered *from) {
    memcpy(from->taken, from->text, from->length + 1);
    from->text[from->length = 0] = '\0';
    return from->taken;
}

void note(const char *format, ...) {
    va_list arguments;

    if (trace.length > 0)
        trace.text[trace.length++] = ' ';
    va_start(arguments, format);
    gather(&trace, format, arguments);
    va_end(arguments);
}

const char *noted(void) {
    return take(&trace);
}

static void report(const char *format, ...) TEST_PRINTF(1, 2);
static void report(const char *format, ...) {
    va_list arguments;

    va_start(arguments, format);
    gather(&reported, format, arguments);
    va_end(arguments);
}

static void report_failure(eddy_loop *loop, const eddy_error *error, const char *what, void *arg) {
    (void)loop;
    (void)arg;
    report("%s: %s: %s\n", what, eddy_error_name(error->code), error->message);
}

static void report_log(eddy_log_level level, const char *text, void *arg) {
    (void)arg;
    if (level != EDDY_LOG_DEBUG) /* which says no more than what a loop is made of */
        report("%s\n", text);
}

void gather_reports(void) {
    eddy_set_log(report_log, NULL);
}

const char *reports(void) {
    return take(&reported);
}

/* --- loops ------------------------------------------------------------------------------------ */

eddy_loop *virtual_loop(void) {
    const eddy_loop_options options = {.clock = EDDY_CLOCK_VIRTUAL,
                                       .exception_handler = report_failure};
    eddy_loop *loop;

    gather_reports();
    ASSERT_OK(eddy_loop_new(&options, &loop));
    return loop;
}

int virtual_run(eddy_loop *loop, eddy_fn *fn, void *arg) {
    const eddy_task_options options = {.name = "main", .loop = loop};

    return eddy_loop_run_until_complete(loop, eddy_create_task_with(&options, fn, arg));
}

void virtual_close(eddy_loop *loop) {
    eddy_loop_statistics info;

    ASSERT_OK(eddy_loop_info(loop, &info));
    ASSERT_UINT_EQ(info.tasks, 0);
    ASSERT_NULL(eddy_loop_close(loop));
    ASSERT_STR_EQ(reports(), "");
}

struct body {
    void (*run)(void);
};

static int run_body(void *arg) {
    const struct body *body = arg;

    body->run();
    return 0;
}

void run_in_virtual_time(void (*body)(void)) {
    eddy_loop *loop = virtual_loop();

    ASSERT_OK(virtual_run(loop, run_body, &(struct body){body}));
    virtual_close(loop);
}

long milliseconds(void) {
    return lround(eddy_time() * 1000);
}

int live_tasks(void) {
    eddy_loop_statistics info;

    ASSERT_OK(eddy_loop_info(eddy_running_loop(), &info));
    return (int)info.tasks;
}

/* --- actors ----------------------------------------------------------------------------------- */

static int actor_ends(const struct actor *actor, int r) {
    if (actor->name)
        note("%s%s", actor->name, r == -ECANCELED ? "!" : "");
    return r < 0 ? r : actor->result;
}

int sleeper(void *arg) {
    const struct actor *actor = arg;

    return actor_ends(actor, eddy_sleep(actor->seconds));
}

int stubborn(void *arg) {
    const struct actor *actor = arg;
    int r = eddy_sleep(actor->seconds);

    if (r == -ECANCELED) {
        eddy_uncancel();
        r = eddy_sleep(actor->clean_up);
    }
    return actor_ends(actor, r);
}

int tidy(void *arg) {
    const struct actor *actor = arg;
    int r = eddy_sleep(actor->seconds);
    eddy_shield_scope shield;

    if (r == -ECANCELED) {
        eddy_shield_begin(&shield);
        ASSERT_OK(eddy_sleep(actor->clean_up));
        eddy_shield_end(&shield);
    }
    return actor_ends(actor, r);
}

int returner(void *result) {
    return *(int *)result;
}

int raiser(void *sentence) {
    return eddy_raise(-EIO, "%s", (const char *)sentence);
}

int noter(void *name) {
    note("%s", (const char *)name);
    return 0;
}

static void cancel_task(void *task) {
    eddy_cancel(task);
    eddy_unref(task);
}

void cancel_later(double seconds, eddy_task *task) {
    ASSERT(eddy_call_later(NULL, seconds, cancel_task, eddy_ref(task)).token != 0);
}

/* --- processes -------------------------------------------------------------------------------- */

static void child_main(int (*body)(void), int out) __attribute__((noreturn));
static void child_main(int (*body)(void), int out) {
    dup2(out, STDERR_FILENO);
    signal(SIGINT, SIG_DFL); /* the runner has its own handler */
    eddy_set_log(NULL, NULL);
    _exit(body());
}

static void read_all(int fd, char *text, size_t size) {
    size_t length = 0;
    ssize_t r;

    while ((r = read(fd, text + length, size - 1 - length)) > 0)
        length += (size_t)r;
    text[length] = '\0';
}

struct ending in_child(int (*body)(void)) {
    struct ending ending;
    int fds[2];

    ASSERT_OK(pipe(fds));
    pid_t child = fork();
    if (child == 0)
        child_main(body, fds[1]);
    ASSERT(child > 0);
    close(fds[1]);
    read_all(fds[0], ending.text, sizeof(ending.text));
    close(fds[0]);
    ASSERT_INT_EQ(waitpid(child, &ending.status, 0), child);
    return ending;
}

struct ending aborts(int (*body)(void)) {
    struct ending ending = in_child(body);

    if (!WIFSIGNALED(ending.status) || WTERMSIG(ending.status) != SIGABRT)
        TEST_FAIL("it did not abort: status 0x%x, and it said: %s", ending.status, ending.text);
    return ending;
}
