/* SPDX-License-Identifier: MIT
 * test_process_streams.c - what a child has as its standard streams, by what comes out of it. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "processes.h"

/* --- files --------------------------------------------------------------------------------------
 */

struct file {
    char path[32];
};

static void file_unlinkp(struct file *file) {
    unlink(file->path);
}

static struct file file_with(const char *text) {
    struct file file = {"/tmp/eddy-process-XXXXXX"};
    int fd = mkstemp(file.path);

    ASSERT(fd >= 0);
    ASSERT_INT_EQ(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
    return file;
}

static void assert_file(const struct file *file, const char *expected) {
    char text[256] = "";
    int fd = open(file->path, O_RDONLY | O_CLOEXEC);

    ASSERT(read(fd, text, sizeof(text) - 1) >= 0);
    close(fd);
    ASSERT_STR_EQ(text, expected);
}

PROCESS_TEST(input_and_output_may_be_files) {
    CLEANUP(file_unlinkp) struct file in = file_with("from a file\n"), out = file_with("old");

    ASSERT_INT_EQ(
        shell("cat; echo more >&2", OPTIONS(.input_path = in.path, .output_path = out.path,
                                            .errors = EDDY_PROCESS_STDOUT)),
        0);
    assert_file(&out, "from a file\nmore\n");
    return 0;
}

PROCESS_TEST(files_may_be_appended_to) {
    CLEANUP(file_unlinkp) struct file out = file_with("old "), err = file_with("older ");

    ASSERT_INT_EQ(shell("echo new; echo newer >&2",
                        OPTIONS(.output_path = out.path, .errors_path = err.path, .append = true)),
                  0);
    assert_file(&out, "old new\n");
    assert_file(&err, "older newer\n");
    return 0;
}

PROCESS_TEST(a_file_that_cannot_be_opened_is_named) {
    eddy_process *process = NULL;

    ASSERT_CODE(-ENOENT,
                eddy_process_spawn(ARGUMENTS("cat"), OPTIONS(.input_path = "/no/file"), &process));
    ASSERT_STR_EQ(
        eddy_last_error()->message,
        "cannot run \"cat\": cannot open \"/no/file\" as its input: No such file or directory");
    return 0;
}

PROCESS_TEST(null_is_empty_and_takes_everything) {
    ASSERT_STR_EQ(shell_output("wc -c", OPTIONS(.input = EDDY_PROCESS_NULL)), "0\n");
    ASSERT_INT_EQ(shell("echo x && [ /proc/self/fd/1 -ef /dev/null ] && echo y >&2 && [ "
                        "/proc/self/fd/2 -ef /dev/null ]",
                        OPTIONS(.output = EDDY_PROCESS_NULL, .errors = EDDY_PROCESS_NULL)),
                  0);
    return 0;
}

PROCESS_TEST(errors_may_go_where_the_output_goes) {
    ASSERT_STR_EQ(
        shell_output("echo a; echo b >&2; echo c", OPTIONS(.errors = EDDY_PROCESS_STDOUT)),
        "a\nb\nc\n");
    return 0;
}

PROCESS_TEST(a_descriptor_becomes_a_stream) {
    CLEANUP(file_unlinkp) struct file out = file_with("");
    int fd = open(out.path, O_WRONLY | O_CLOEXEC);

    ASSERT_INT_EQ(shell("echo one; echo two >&2", OPTIONS(.output = fd, .errors = fd)), 0);
    close(fd);
    assert_file(&out, "one\ntwo\n");
    return 0;
}

static int open_to_write(const struct file *file) {
    int fd = open(file->path, O_WRONLY | O_CLOEXEC);

    ASSERT(fd >= 0);
    return fd;
}

/* Puts a file in the place of one of our own streams, and gives what was there. */
static int replace_stream(int stream, const struct file *file) {
    int saved = fcntl(stream, F_DUPFD_CLOEXEC, 3), fd = open_to_write(file);

    ASSERT_INT_EQ(dup2(fd, stream), stream);
    close(fd);
    return saved;
}

static void restore_stream(int stream, int saved) {
    ASSERT_INT_EQ(dup2(saved, stream), stream);
    close(saved);
}

/* Each would overwrite the other's source. */
PROCESS_TEST(the_streams_may_be_exchanged) {
    CLEANUP(file_unlinkp) struct file one = file_with(""), two = file_with("");
    int output, errors, code;

    output = replace_stream(1, &one);
    errors = replace_stream(2, &two);
    code = shell("echo output; echo errors >&2", OPTIONS(.output = 2, .errors = 1));
    restore_stream(1, output);
    restore_stream(2, errors);
    ASSERT_INT_EQ(code, 0);
    assert_file(&one, "errors\n");
    assert_file(&two, "output\n");
    return 0;
}

/* Pipes then get the numbers of the streams. */
TEST(a_parent_without_standard_streams_has_children_with_them) {
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        close(0), close(1), close(2);
        eddy_process *process = NULL;
        int r = eddy_process_run(ARGUMENTS("sh", "-c", "cat; echo err >&2"), NULL, slice_of("in"),
                                 &process);
        _exit(r == 0 && eddy_process_output(process).size == 2 &&
                      eddy_process_errors(process).size == 4
                  ? 0
                  : 1);
    }
    ASSERT_INT_EQ(waitpid(pid, &status, 0), pid);
    ASSERT_INT_EQ(status, 0);
}

PROCESS_TEST(streams_that_make_no_sense_are_refused) {
    eddy_process *process = NULL;

    ASSERT_CODE(-EINVAL, eddy_process_spawn(ARGUMENTS("true"),
                                            OPTIONS(.output = EDDY_PROCESS_STDOUT), &process));
    ASSERT_CODE(-EINVAL, eddy_process_spawn(ARGUMENTS("true"), OPTIONS(.input = -17), &process));
    ASSERT_CODE(-EINVAL,
                eddy_process_spawn(ARGUMENTS("true"),
                                   OPTIONS(.input = EDDY_PROCESS_PIPE, .input_path = "/dev/null"),
                                   &process));
    ASSERT_CODE(-EBADF, eddy_process_spawn(ARGUMENTS("true"), OPTIONS(.output = 1000), &process));
    ASSERT_STR_EQ(eddy_last_error()->message,
                  "the descriptor 1000, which is to be the output of a process, is not open");
    return 0;
}

/* /dev/stdout can be opened, which it could not if it were a socket. */
PROCESS_TEST(a_pipe_may_be_opened_again_by_its_name) {
    ASSERT_STR_EQ(shell_output("echo again > /dev/stdout", NULL), "again\n");
    ASSERT_STR_EQ(shell_output("cat /dev/stdin", OPTIONS(.input = EDDY_PROCESS_PIPE)), "");
    return 0;
}
