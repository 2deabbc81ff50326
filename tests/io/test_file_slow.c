/* SPDX-License-Identifier: MIT
 * test_file_slow.c - a disk that does not answer holds up who asked it, and nobody else. */
#include <errno.h>
#include <sys/wait.h>
#include <unistd.h>

#include "disk.h"
#include "file.h"
#include "net.h"

struct asker {
    eddy_file *file;
    const char *path;
    char bytes[8];
};

static int read_it(void *arg) {
    struct asker *asker = arg;

    return (int)eddy_file_pread(asker->file, asker->bytes, 4, 0);
}

static int in_a_thread(void *unused) {
    (void)unused;
    return 7;
}

static int connect_to_nobody(void *unused) {
    eddy_stream *stream;

    (void)unused;
    return eddy_open_connection("localhost", "1", NULL, &stream);
}

static bool reads_now(int fd) {
    char byte;

    return preadv2(fd, &(struct iovec){&byte, 1}, 1, 0, RWF_NOWAIT) == 1;
}

/* Every thread that waits for disks waits, and some more jobs wait for a thread. */
TASK_TEST(a_disk_that_hangs_holds_up_neither_the_loop_nor_names_nor_threads_nor_what_is_in_memory) {
    CLEANUP(folder_remove) struct folder folder = folder_make();
    eddy_file *file;
    struct asker askers[40];
    eddy_task *tasks[40];
    char text[5] = "";

    put(in(&folder, "a"), "data");
    file = opened(in(&folder, "a"), O_RDONLY);
    disk_hold();
    for (int i = 0; i < 40; i++) {
        askers[i] = (struct asker){.file = file};
        tasks[i] = eddy_create_task(read_it, &askers[i]);
    }
    disk_await(32);
    ASSERT_OK(eddy_sleep(0.001));
    ASSERT_INT_EQ(eddy_to_thread(in_a_thread, NULL), 7);
    ASSERT_CODE(-ECONNREFUSED, eddy_await(eddy_create_task(connect_to_nobody, NULL)));
    disk_cold(false);
    if (reads_now(eddy_file_fd(file))) {
        ASSERT_INT_EQ(eddy_file_pread(file, text, 4, 0), 4);
        ASSERT_STR_EQ(text, "data");
    } else {
        printf("skipped: this filesystem does not say what is in memory\n");
    }
    for (int i = 0; i < 40; i++)
        ASSERT(!eddy_is_done(tasks[i]));
    disk_release();
    ASSERT_OK(eddy_gather_array(tasks, 40, NULL));
    ASSERT_INT_EQ(eddy_file_close(file), 0);
    return 0;
}

/* --- time-outs ---------------------------------------------------------------------------------
 */

/* What was lent is the caller's again, whatever comes later. */
TASK_TEST(a_read_that_times_out_returns_at_once_and_leaves_the_memory_alone) {
    CLEANUP(folder_remove) struct folder folder = folder_make();
    CLEANUP(file_closep) eddy_file *file = NULL;
    char text[5] = "mine";
    eddy_timeout timeout;

    put(in(&folder, "a"), "data");
    file = opened(in(&folder, "a"), O_RDONLY);
    disk_hold();
    do { /* until a thread was fast enough to begin with it */
        eddy_timeout_begin(&timeout, 0.01);
        ASSERT_CODE(-ETIMEDOUT, eddy_timeout_end(&timeout, (int)eddy_file_read(file, text, 4)));
    } while (disk_waiting() == 0);
    disk_release();
    for (int i = 0; i < 10; i++)
        ASSERT_OK(eddy_sleep(0.001));
    ASSERT_STR_EQ(text, "mine");
    ASSERT_INT_EQ(eddy_file_tell(file), 0);
    ASSERT_INT_EQ(eddy_file_read(file, text, 4), 4);
    ASSERT_STR_EQ(text, "data");
    return 0;
}

static int open_it(void *arg) {
    struct asker *asker = arg;

    return eddy_file_open(asker->path, O_RDONLY, 0, &asker->file);
}

static int stat_it(void *arg) {
    struct stat status;

    return eddy_stat(((struct asker *)arg)->path, &status);
}

static int sync_it(void *arg) {
    return eddy_file_fsync(((struct asker *)arg)->file);
}

static int read_whole(void *arg) {
    char *text;

    return (int)eddy_read_file(((struct asker *)arg)->path, 0, &text);
}

static int list_it(void *arg) {
    eddy_directory *directory;

    return eddy_scandir(((struct asker *)arg)->path, &directory);
}

static int read_link(void *arg) {
    char *target;

    return (int)eddy_readlink(((struct asker *)arg)->path, &target);
}

static eddy_fn *const questions[] = {read_it,    open_it, stat_it,  sync_it,
                                     read_whole, list_it, read_link};

TASK_TEST(every_question_is_left_behind_by_a_cancel_and_frees_itself_when_it_is_answered) {
    CLEANUP(folder_remove) struct folder folder = folder_make();
    struct asker askers[ARRAY_SIZE(questions)];
    eddy_file *file;
    eddy_task *tasks[ARRAY_SIZE(questions)];

    put(in(&folder, "a"), "data");
    ASSERT_INT_EQ(symlink("a", in(&folder, "link")), 0);
    file = opened(in(&folder, "a"), O_RDONLY);
    disk_hold();
    for (size_t i = 0; i < ARRAY_SIZE(questions); i++) {
        const char *path = questions[i] == list_it     ? folder.path
                           : questions[i] == read_link ? in(&folder, "link")
                                                       : in(&folder, "a");
        askers[i] = (struct asker){.file = file, .path = path};
        tasks[i] = eddy_create_task(questions[i], &askers[i]);
    }
    disk_await(ARRAY_SIZE(questions));
    for (size_t i = 0; i < ARRAY_SIZE(questions); i++) {
        eddy_cancel(tasks[i]);
        ASSERT_CODE(-ECANCELED, eddy_await(tasks[i]));
    }
    ASSERT_OK(eddy_file_close(file)); /* at once: behind those that were left */
    ASSERT(fcntl(eddy_file_fd(askers[0].file), F_GETFD) >= 0);
    disk_release();
    return 0; /* the run looks for descriptors that are left */
}

/* --- the loop goes first -----------------------------------------------------------------------
 */

static struct folder here;
static eddy_file *file_here;

static int ask_and_end(void *unused) {
    static struct asker askers[ARRAY_SIZE(questions)];

    (void)unused;
    put(in(&here, "a"), "data");
    file_here = opened(in(&here, "a"), O_RDONLY);
    disk_hold();
    for (size_t i = 0; i < ARRAY_SIZE(questions); i++) {
        askers[i] = (struct asker){.file = file_here, .path = here.path};
        eddy_detach(eddy_create_task(questions[i], &askers[i]));
    }
    disk_await(ARRAY_SIZE(questions));
    return 0;
}

static void drop_log(eddy_log_level level, const char *text, void *arg) {
    (void)level, (void)text, (void)arg;
}

/* The run cancels what is left; a loop of one's own is closed over it. */
TEST(a_loop_does_not_wait_for_the_answers_and_they_free_themselves_later) {
    eddy_loop *loop;
    int before;

    eddy_set_log(drop_log, NULL);
    ASSERT_OK(eddy_yield());
    for (int is_run = 0; is_run < 2; is_run++) {
        here = folder_make();
        before = count_descriptors();
        if (is_run) {
            ASSERT_OK(eddy_run(ask_and_end, NULL));
        } else {
            ASSERT_OK(eddy_loop_new(NULL, &loop));
            eddy_task_options options = {.loop = loop};
            ASSERT_OK(eddy_loop_run_until_complete(
                loop, eddy_create_task_with(&options, ask_and_end, NULL)));
            ASSERT_NULL(eddy_loop_close(loop));
        }
        ASSERT_INT_EQ(disk_waiting(), ARRAY_SIZE(questions));
        disk_release();
        ASSERT_OK(eddy_file_close(file_here));
        assert_descriptors(before);
        folder_remove(&here);
    }
}

/* --- errors that nobody heard ------------------------------------------------------------------
 */

TASK_TEST(a_failed_sync_that_was_left_behind_is_told_by_the_next) {
    CLEANUP(folder_remove) struct folder folder = folder_make();
    struct asker asker = {.file = opened(in(&folder, "a"), O_RDWR | O_CREAT)};
    int fd = eddy_file_fd(asker.file), kept = dup(fd), ends[2];
    eddy_task *task;

    disk_hold();
    task = eddy_create_task(sync_it, &asker);
    disk_await(1);
    eddy_cancel(task);
    ASSERT_CODE(-ECANCELED, eddy_await(task));
    ASSERT_INT_EQ(pipe(ends), 0); /* what cannot be synced */
    dup2(ends[0], fd);
    disk_release();
    for (int i = 0; i < 10000 && atomic_load(&asker.file->sync_error) == 0; i++)
        ASSERT_OK(eddy_sleep(0.001));
    dup2(kept, fd);
    ASSERT_CODE(-EINVAL, eddy_file_fsync(asker.file));
    ASSERT_STR_CONTAINS(eddy_last_error()->message, "cannot sync \"/tmp/");
    ASSERT_OK(eddy_file_fsync(asker.file));
    ASSERT_OK(eddy_file_close(asker.file));
    close(kept), close(ends[0]), close(ends[1]);
    return 0;
}

/* --- forks -------------------------------------------------------------------------------------
 */

static int read_in_child(void *path) {
    char *text;

    disk_cold(true);
    ASSERT_INT_EQ(eddy_read_file(path, 0, &text), 4);
    ASSERT_STR_EQ(text, "data");
    eddy_free(text);
    return 0;
}

TEST(the_child_of_a_fork_has_threads_of_its_own) {
    CLEANUP(folder_remove) struct folder folder = folder_make();
    int status;
    pid_t child;

    if (UNDER_TSAN) { /* it does not let the child of a process with threads have some */
        printf("skipped: forks and threads under ThreadSanitizer\n");
        return;
    }
    put(in(&folder, "a"), "data");
    ASSERT_OK(eddy_run(read_in_child, (void *)in(&folder, "a")));
    child = fork();
    if (child == 0)
        _exit(eddy_run(read_in_child, (void *)in(&folder, "a")) == 0 ? 0 : 1);
    ASSERT_INT_EQ(waitpid(child, &status, 0), child);
    ASSERT_INT_EQ(status, 0);
}
