/* SPDX-License-Identifier: MIT
 * rows_process.c - the suspending calls of processes. Each waits for a child that waits for the end
 * of its input, a pipe whose other end the scene has. */
#include <fcntl.h>
#include <unistd.h>

#include "row.h"
#include "util.h"

static void open_input(struct scene *scene) {
    int fds[2];

    ASSERT_INT_EQ(pipe2(fds, O_CLOEXEC), 0);
    scene->listener = fds[0];
    scene->peer = fds[1];
}

static void end_input(struct scene *scene) {
    close(TAKE_FD(scene->peer));
}

static void spawn_reader(struct scene *scene) {
    const char *const arguments[] = {"cat", NULL};

    open_input(scene);
    ASSERT_OK(eddy_process_spawn(
        arguments, &(eddy_process_options){.input = scene->listener, .output = EDDY_PROCESS_PIPE},
        &scene->process));
}

static void drop_process(struct scene *scene) {
    scene->process = eddy_process_close(scene->process);
    if (scene->peer >= 0)
        close(TAKE_FD(scene->peer));
    if (scene->listener >= 0)
        close(TAKE_FD(scene->listener));
}

static int waits_for_process(struct scene *scene) {
    int code = -1, r = eddy_process_wait(scene->process, &code);

    ASSERT_INT_EQ(code, r < 0 ? -1 : 0);
    return r;
}

static int communicates(struct scene *scene) {
    eddy_slice output = {0};
    int r = eddy_process_communicate(scene->process, (eddy_slice){0}, &output, NULL);

    ASSERT((r == 0) == (output.data != NULL));
    return r;
}

static int runs_process(struct scene *scene) {
    const char *const arguments[] = {"cat", NULL};
    eddy_process *process = NULL;
    int r = eddy_process_run(arguments, &(eddy_process_options){.input = scene->listener},
                             (eddy_slice){0}, &process);

    ASSERT((r == 0) == (process != NULL));
    eddy_process_close(process);
    return r;
}

const struct row process_rows[] = {
    {"eddy_process_wait", waits_for_process, end_input, spawn_reader, drop_process,
     LATCHES | RACES},
    {"eddy_process_communicate", communicates, end_input, spawn_reader, drop_process,
     LATCHES | RACES},
    {"eddy_process_run", runs_process, end_input, open_input, drop_process, LATCHES | RACES},
    {NULL},
};
