/* SPDX-License-Identifier: MIT
 * test_copy_file.c - copies: whole or not at all. */
#include <errno.h>
#include <unistd.h>

#include "disk.h"
#include "net.h"

enum { MUCH = (20 << 20) + 5 };

static void put_much(const char *path) {
    char *data = malloc(MUCH);

    for (size_t i = 0; i < MUCH; i++)
        data[i] = (char)(i * 7 + i / 1000);
    ASSERT_OK(eddy_write_file(path, data, MUCH, NULL));
    free(data);
}

static void assert_same(const char *path, const char *other) {
    char *text, *copy;
    ssize_t size = eddy_read_file(path, 0, &text);

    ASSERT(size >= 0);
    ASSERT_INT_EQ(eddy_read_file(other, 0, &copy), size);
    ASSERT(memcmp(text, copy, (size_t)size) == 0);
    eddy_free(text);
    eddy_free(copy);
}

static int note_progress(off_t copied_bytes, off_t total_bytes, void *arg) {
    off_t *last = arg;

    ASSERT(copied_bytes > *last && copied_bytes <= total_bytes);
    ASSERT_INT_EQ(total_bytes, MUCH);
    *last = copied_bytes;
    return 0;
}

TASK_TEST(a_copy_has_the_bytes_and_the_mode_and_tells_how_far_it_is) {
    CLEANUP(folder_remove) struct folder folder = folder_make();
    struct stat status;
    off_t last = 0;
    const eddy_copy_file_options options = {note_progress, &last, .sync = true};

    put_much(in(&folder, "a"));
    chmod(in(&folder, "a"), 0741);
    put(in(&folder, "b"), "old");
    ASSERT_INT_EQ(eddy_copy_file(in(&folder, "a"), in(&folder, "b"), &options), MUCH);
    ASSERT_INT_EQ(last, MUCH);
    assert_same(in(&folder, "a"), in(&folder, "b"));
    ASSERT_INT_EQ(stat(in(&folder, "b"), &status), 0);
    ASSERT_INT_EQ(status.st_mode & 0777, 0741);
    ASSERT_INT_EQ(entries_of(&folder), 2);
    return 0;
}

TASK_TEST(an_empty_file_is_copied) {
    CLEANUP(folder_remove) struct folder folder = folder_make();

    put(in(&folder, "a"), "");
    ASSERT_INT_EQ(eddy_copy_file(in(&folder, "a"), in(&folder, "b"), NULL), 0);
    ASSERT_STR_EQ(contents(in(&folder, "b")), "");
    return 0;
}

/* The kernel's own ways say that there is nothing, or refuse. */
TASK_TEST(a_file_that_says_no_size_is_copied) {
    CLEANUP(folder_remove) struct folder folder = folder_make();

    ASSERT(eddy_copy_file("/proc/self/status", in(&folder, "a"), NULL) > 100);
    ASSERT_STR_CONTAINS(contents(in(&folder, "a")), "Name:");
    return 0;
}

TASK_TEST(a_file_is_copied_to_another_filesystem) {
    CLEANUP(folder_remove) struct folder folder = folder_make();
    char elsewhere[] = "/dev/shm/eddy-test-XXXXXX";
    int fd = mkstemp(elsewhere);

    if (fd < 0) {
        printf("skipped: there is no /dev/shm\n");
        return 0;
    }
    close(fd);
    put_much(in(&folder, "a"));
    ASSERT_INT_EQ(eddy_copy_file(in(&folder, "a"), elsewhere, NULL), MUCH);
    assert_same(in(&folder, "a"), elsewhere);
    ASSERT_INT_EQ(eddy_copy_file(elsewhere, in(&folder, "b"), NULL), MUCH);
    assert_same(in(&folder, "b"), elsewhere);
    unlink(elsewhere);
    return 0;
}

TASK_TEST(what_cannot_be_copied_is_told_with_both_names) {
    CLEANUP(folder_remove) struct folder folder = folder_make();

    put(in(&folder, "a"), "abc");
    mkfifo(in(&folder, "fifo"), 0600);
    ASSERT_INT_EQ(symlink("a", in(&folder, "link")), 0);
    ASSERT_CODE(-ENOENT, (int)eddy_copy_file("/no/such/file", in(&folder, "b"), NULL));
    ASSERT_STR_CONTAINS(eddy_last_error()->message, "cannot copy \"/no/such/file\" to \"/tmp/");
    ASSERT_STR_CONTAINS(eddy_last_error()->message, "/b\": No such file or directory");
    ASSERT_CODE(-EISDIR, (int)eddy_copy_file(folder.path, in(&folder, "b"), NULL));
    ASSERT_CODE(-EINVAL, (int)eddy_copy_file(in(&folder, "fifo"), in(&folder, "b"), NULL));
    ASSERT_CODE(-EINVAL, (int)eddy_copy_file(in(&folder, "a"), in(&folder, "link"), NULL));
    ASSERT_CODE(-EISDIR, (int)eddy_copy_file(in(&folder, "a"), folder.path, NULL));
    ASSERT_STR_EQ(contents(in(&folder, "a")), "abc");
    ASSERT_INT_EQ(entries_of(&folder), 3);
    return 0;
}

static int refuse_progress(off_t copied_bytes, off_t total_bytes, void *arg) {
    (void)copied_bytes, (void)total_bytes, (void)arg;
    return eddy_raise(-ENOTSUP, "this is enough");
}

TASK_TEST(who_is_told_of_the_progress_may_end_the_copy) {
    CLEANUP(folder_remove) struct folder folder = folder_make();
    const eddy_copy_file_options options = {.progress = refuse_progress};

    put_much(in(&folder, "a"));
    ASSERT_CODE(-ENOTSUP, (int)eddy_copy_file(in(&folder, "a"), in(&folder, "b"), &options));
    ASSERT_STR_EQ(eddy_last_error()->message, "this is enough");
    ASSERT_INT_EQ(entries_of(&folder), 1);
    return 0;
}

/* --- ended early -------------------------------------------------------------------------------
 */

struct copier {
    const char *from, *to;
    eddy_copy_file_options options;
};

static int copy_it(void *arg) {
    struct copier *copier = arg;
    off_t r = eddy_copy_file(copier->from, copier->to, &copier->options);

    return (int)r;
}

static int cancel_itself(off_t copied_bytes, off_t total_bytes, void *task) {
    if (copied_bytes < total_bytes)
        eddy_cancel(*(eddy_task **)task);
    return 0;
}

TASK_TEST(a_cancelled_copy_leaves_the_target_as_it_was_and_nothing_beside_it) {
    CLEANUP(folder_remove) struct folder folder = folder_make();
    eddy_task *task = NULL;
    struct copier copier = {
        in(&folder, "a"), in(&folder, "b"), {.progress = cancel_itself, .arg = &task}};

    put_much(in(&folder, "a"));
    put(in(&folder, "b"), "old");
    task = eddy_create_task(copy_it, &copier);
    ASSERT_CODE(-ECANCELED, eddy_await(task));
    ASSERT_STR_EQ(contents(in(&folder, "b")), "old");
    ASSERT_INT_EQ(entries_of(&folder), 2);
    return 0;
}

/* In the midst of each of its steps. */
TASK_TEST(a_copy_may_be_cancelled_at_any_step) {
    for (int step = 1; step <= 5; step++) {
        CLEANUP(folder_remove) struct folder folder = folder_make();
        struct copier copier = {in(&folder, "a"), in(&folder, "b"), {0}};
        eddy_task *task;
        int r;

        put(in(&folder, "a"), "new");
        put(in(&folder, "b"), "old");
        task = eddy_create_task(copy_it, &copier);
        for (int i = 0; i < step; i++) {
            disk_hold();
            if (!eddy_is_done(task) && i + 1 < step) {
                for (int k = 0; k < 50 && disk_waiting() == 0 && !eddy_is_done(task); k++)
                    ASSERT_OK(eddy_sleep(0.001));
            }
            disk_release();
        }
        eddy_cancel(task);
        r = eddy_await(task);
        ASSERT(r == 3 || r == -ECANCELED);
        ASSERT_STR_EQ(contents(in(&folder, "b")), r == 3 ? "new" : "old");
        ASSERT_INT_EQ(entries_of(&folder), 2);
    }
    return 0;
}

/* --- the loop is closed over it ----------------------------------------------------------------
 */

static struct copier left;

static int start_and_end(void *unused) {
    (void)unused;
    disk_hold();
    eddy_detach(eddy_create_task(copy_it, &left));
    disk_await(1);
    disk_release(); /* the close waits for what has begun */
    return 0;
}

static void drop_log(eddy_log_level level, const char *text, void *arg) {
    (void)level, (void)text, (void)arg;
}

TEST(a_loop_that_is_closed_over_a_copy_leaves_nothing_of_it) {
    CLEANUP(folder_remove) struct folder folder = folder_make();
    eddy_loop *loop;
    int before;

    eddy_set_log(drop_log, NULL);
    ASSERT_OK(eddy_yield());
    put(in(&folder, "a"), "new");
    put(in(&folder, "b"), "old");
    left = (struct copier){in(&folder, "a"), in(&folder, "b"), {0}};
    before = count_descriptors();
    ASSERT_OK(eddy_loop_new(NULL, &loop));
    ASSERT_OK(eddy_loop_run_until_complete(
        loop, eddy_create_task_with(&(eddy_task_options){.loop = loop}, start_and_end, NULL)));
    ASSERT_NULL(eddy_loop_close(loop));
    assert_descriptors(before);
    ASSERT_STR_EQ(contents(in(&folder, "b")), "old");
    ASSERT_INT_EQ(entries_of(&folder), 2);
}
