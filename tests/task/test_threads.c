/* SPDX-License-Identifier: MIT
 * test_threads.c - eddy_run_threads(): a loop in each thread, one end for all. */
#include <dlfcn.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "virtual.h"

static atomic_int begun, ended;

static int run_on(int threads, eddy_fn *fn, void *arg) {
    return eddy_run_threads(fn, arg, &(eddy_threads_options){.threads = threads});
}

/* Until all threads of the run have come here. */
static void meet(void) {
    begun++;
    while (begun < eddy_thread_count())
        eddy_yield();
}

static int sleeps(void) {
    int r = eddy_sleep(INFINITY);

    ended++;
    return r;
}

static int sleeps_for_ever(void *unused) {
    (void)unused;
    meet();
    return sleeps();
}

/* --- where it runs ---------------------------------------------------------------------------- */

enum { THREADS = 3 };

struct places {
    pthread_t threads[THREADS];
    eddy_loop *loops[THREADS];
};

static int says_place(void *arg) {
    struct places *places = arg;
    int index = eddy_thread_index();
    char name[16];

    snprintf(name, sizeof(name), "main %d", index);
    ASSERT_STR_EQ(eddy_task_name(eddy_current_task()), name);
    ASSERT_INT_EQ(eddy_thread_count(), THREADS);
    ASSERT_PTR_EQ(eddy_thread_loop(index), eddy_running_loop());
    places->threads[index] = pthread_self();
    places->loops[index] = eddy_running_loop();
    meet();
    return index;
}

TEST(each_thread_has_a_loop_of_its_own_and_a_number) {
    struct places places;

    ASSERT_INT_EQ(run_on(THREADS, says_place, &places), 0);
    ASSERT_INT_EQ(begun, THREADS);
    for (int i = 0; i < THREADS; i++) {
        ASSERT(!pthread_equal(places.threads[i], pthread_self()));
        for (int k = 0; k < i; k++) {
            ASSERT(!pthread_equal(places.threads[i], places.threads[k]));
            ASSERT(places.loops[i] != places.loops[k]);
        }
    }
    ASSERT_NULL(eddy_running_loop());
}

static int counts(void *unused) {
    (void)unused;
    begun++;
    ASSERT_INT_EQ(eddy_thread_count(), eddy_processor_count());
    return 0;
}

TEST(without_a_number_there_is_a_thread_for_each_processor) {
    ASSERT(eddy_processor_count() >= 1);
    ASSERT_OK(eddy_run_threads(counts, NULL, NULL));
    ASSERT_INT_EQ(begun, eddy_processor_count());
}

static int is_alone(void *unused) {
    (void)unused;
    ASSERT_INT_EQ(eddy_thread_index(), 0);
    ASSERT_INT_EQ(eddy_thread_count(), 1);
    ASSERT_PTR_EQ(eddy_thread_loop(7), eddy_running_loop());
    ASSERT_CODE(EDDY_EINVALID_STATE, eddy_threads_stop());
    ASSERT_STR_CONTAINS(eddy_last_error()->message, "eddy_run_threads()");
    return 0;
}

TEST(elsewhere_a_thread_is_the_first_of_one) {
    ASSERT_OK(eddy_run(is_alone, NULL));
    ASSERT_NOT_NULL(eddy_thread_loop(0));
}

TEST(it_may_be_called_again_and_again) {
    struct places places;

    for (int i = 0; i < 30; i++) {
        begun = 0;
        ASSERT_INT_EQ(run_on(THREADS, says_place, &places), 0);
    }
}

static int runs_inside(void *unused) {
    (void)unused;
    ASSERT_CODE(-EDEADLK, run_on(2, sleeps_for_ever, NULL));
    ASSERT_STR_CONTAINS(eddy_last_error()->message, "inside a running loop");
    return 0;
}

TEST(inside_a_running_loop_it_is_refused_with_a_sentence) {
    ASSERT_OK(eddy_run(runs_inside, NULL));
    ASSERT_OK(run_on(2, runs_inside, NULL));
    ASSERT_INT_EQ(begun, 0);
}

static int runs_in_pool(void *unused) {
    (void)unused;
    return run_on(2, sleeps_for_ever, NULL);
}

TEST(in_a_thread_of_the_pool_it_is_refused_with_a_sentence) {
    ASSERT_CODE(-EDEADLK, eddy_to_thread(runs_in_pool, NULL));
    ASSERT_STR_CONTAINS(eddy_last_error()->message, "thread of the pool");
    ASSERT_INT_EQ(begun, 0);
}

TEST(a_negative_number_of_threads_is_refused) {
    ASSERT_CODE(-EINVAL, run_on(-1, sleeps_for_ever, NULL));
}

static int is_pinned(void *masks) {
    cpu_set_t *mask = &((cpu_set_t *)masks)[eddy_thread_index()];

    ASSERT_OK(sched_getaffinity(0, sizeof(*mask), mask));
    return 0;
}

TEST(pinned_threads_stay_on_one_processor_each) {
    cpu_set_t masks[THREADS], all;

    ASSERT_OK(sched_getaffinity(0, sizeof(all), &all));
    ASSERT_OK(eddy_run_threads(is_pinned, masks,
                               &(eddy_threads_options){.threads = THREADS, .pin = true}));
    for (int i = 0; i < THREADS; i++) {
        ASSERT_INT_EQ(CPU_COUNT(&masks[i]), 1);
        ASSERT_INT_EQ(CPU_EQUAL(&masks[i], &masks[0]), i % CPU_COUNT(&all) == 0);
    }
    ASSERT_OK(sched_getaffinity(0, sizeof(masks[0]), &masks[0]));
    ASSERT(CPU_EQUAL(&masks[0], &all)); /* the caller is not */
}

/* --- how it ends ------------------------------------------------------------------------------ */

static int first_fails(void *unused) {
    (void)unused;
    if (eddy_thread_index() != 1)
        return sleeps_for_ever(NULL);
    meet();
    return eddy_raise(-EIO, "the disk is full");
}

TEST(the_first_failure_cancels_the_others_and_is_the_result) {
    ASSERT_CODE(-EIO, run_on(THREADS, first_fails, NULL));
    ASSERT_STR_EQ(eddy_last_error()->message, "the disk is full");
    ASSERT_STR_EQ(eddy_last_error()->task, "main 1");
    ASSERT_INT_EQ(ended, THREADS - 1);
}

static int says_why(void *unused) {
    (void)unused;
    if (eddy_thread_index() == 0) {
        meet();
        return -EPIPE;
    }
    meet();
    ASSERT_CODE(-ECANCELED, eddy_sleep(INFINITY));
    ASSERT_STR_EQ(eddy_last_error()->message, "thread 0 has failed");
    return eddy_raise(-EIO, "a later failure");
}

TEST(the_others_are_told_why_and_their_failures_come_later) {
    ASSERT_CODE(-EPIPE, run_on(2, says_why, NULL));
    ASSERT_STR_EQ(eddy_last_error()->message, "Broken pipe");
    ASSERT_INT_EQ(eddy_last_error()->others_count, 1);
    ASSERT_STR_EQ(eddy_last_error()->others[0]->message, "a later failure");
    ASSERT_STR_EQ(eddy_last_error()->others[0]->task, "main 1");
}

static int one_is_cancelled(void *unused) {
    (void)unused;
    if (eddy_thread_index() == 0) {
        eddy_cancel(eddy_current_task());
        return eddy_yield();
    }
    for (int i = 0; i < 100; i++)
        ASSERT_OK(eddy_yield());
    ended++;
    return 0;
}

TEST(one_that_was_cancelled_alone_is_no_failure) {
    ASSERT_INT_EQ(run_on(THREADS, one_is_cancelled, NULL), 0);
    ASSERT_INT_EQ(ended, THREADS - 1);
}

static int one_stops_all(void *unused) {
    (void)unused;
    meet();
    if (eddy_thread_index() == 1) {
        ASSERT_OK(eddy_threads_stop());
        ASSERT_OK(eddy_threads_stop());
    }
    return sleeps();
}

TEST(stop_cancels_all_of_them_and_is_no_failure) {
    ASSERT_INT_EQ(run_on(THREADS, one_stops_all, NULL), 0);
    ASSERT_INT_EQ(ended, THREADS);
}

static int stops_and_fails(void *unused) {
    (void)unused;
    meet();
    if (eddy_thread_index() == 0)
        ASSERT_OK(eddy_threads_stop());
    ASSERT_CODE(-ECANCELED, eddy_sleep(INFINITY));
    ASSERT_STR_EQ(eddy_last_error()->message, "eddy_threads_stop()");
    return eddy_thread_index() == 1 ? -EIO : -ECANCELED;
}

TEST(a_failure_after_a_stop_is_still_one) {
    ASSERT_CODE(-EIO, run_on(2, stops_and_fails, NULL));
}

static int leaves_a_task(void *unused) {
    static struct actor actor = {.seconds = 1000, .clean_up = 0.0001};

    (void)unused;
    ASSERT_OK(eddy_detach(eddy_create_task(tidy, &actor)));
    return eddy_yield();
}

TEST(what_is_left_in_each_thread_is_cancelled_and_awaited) {
    gather_reports();
    ASSERT_OK(run_on(THREADS, leaves_a_task, NULL));
    ASSERT_STR_EQ(reports(), "");
}

static int sleeps_alone(void *unused) {
    (void)unused;
    return sleeps();
}

TEST(a_time_out_around_the_call_cancels_all) {
    eddy_timeout timeout;

    eddy_timeout_begin(&timeout, 0.001);
    int r = run_on(THREADS, sleeps_alone, NULL);
    ASSERT_CODE(-ECANCELED, r);
    ASSERT_CODE(-ETIMEDOUT, eddy_timeout_end(&timeout, r));
}

TEST(an_expired_time_out_cancels_them_at_once) {
    eddy_timeout timeout;

    eddy_timeout_begin(&timeout, 0);
    int r = run_on(2, sleeps_alone, NULL);
    ASSERT_CODE(-ETIMEDOUT, eddy_timeout_end(&timeout, r));
}

/* --- signals ---------------------------------------------------------------------------------- */

static int one_interrupts(void *signo) {
    meet();
    if (eddy_thread_index() == 0)
        ASSERT_OK(kill(getpid(), *(int *)signo));
    return sleeps();
}

TEST(sigint_cancels_the_main_tasks_of_all) {
    signal(SIGINT, SIG_DFL); /* the runner has its own idea */
    ASSERT_CODE(-ECANCELED, run_on(THREADS, one_interrupts, &(int){SIGINT}));
    ASSERT_STR_EQ(eddy_last_error()->message, "interrupted by SIGINT");
    ASSERT_INT_EQ(ended, THREADS);

    struct sigaction after;
    ASSERT_OK(sigaction(SIGINT, NULL, &after));
    ASSERT(after.sa_handler == SIG_DFL);
}

static int exit_status(int signo) {
    return eddy_main_threads(one_interrupts, &signo,
                             &(eddy_threads_options){.threads = 2, .sigterm = true});
}

static int main_interrupted(void) {
    return exit_status(SIGINT);
}

static int main_terminated(void) {
    return exit_status(SIGTERM);
}

static int main_fails(void) {
    return eddy_main_threads(first_fails, NULL, &(eddy_threads_options){.threads = 2});
}

static int ends_well(void *unused) {
    (void)unused;
    return 5;
}

static int main_well(void) {
    return eddy_main_threads(ends_well, NULL, &(eddy_threads_options){.threads = 2});
}

static int exits(int (*body)(void), const char *text) {
    struct ending ending = in_child(body);

    ASSERT(WIFEXITED(ending.status));
    ASSERT_STR_CONTAINS(ending.text, text);
    return WEXITSTATUS(ending.status);
}

TEST(main_has_the_exit_status_of_its_end) {
    ASSERT_INT_EQ(exits(main_interrupted, ""), 128 + SIGINT);
    ASSERT_INT_EQ(exits(main_terminated, ""), 128 + SIGTERM);
    ASSERT_INT_EQ(exits(main_fails, "EIO: the disk is full"), 1);
    ASSERT_INT_EQ(exits(main_well, ""), 0);
}

static int dies_of_sigterm(void) {
    return run_on(2, one_interrupts, &(int){SIGTERM});
}

TEST(sigterm_is_heeded_only_when_asked_for) {
    struct ending ending = in_child(dies_of_sigterm);

    ASSERT(WIFSIGNALED(ending.status));
    ASSERT_INT_EQ(WTERMSIG(ending.status), SIGTERM);
}

static int needs_two(void *unused) {
    (void)unused;
    meet();
    if (eddy_thread_index() == 0)
        kill(getpid(), SIGINT);
    eddy_sleep(INFINITY);
    kill(getpid(), SIGINT); /* the next one kills, whichever thread it is from */
    for (;;) {
        eddy_uncancel();
        eddy_sleep(INFINITY);
    }
    return 0;
}

static int dies_of_the_second(void) {
    return run_on(2, needs_two, NULL);
}

TEST(a_second_sigint_kills) {
    struct ending ending = in_child(dies_of_the_second);

    ASSERT(WIFSIGNALED(ending.status));
    ASSERT_INT_EQ(WTERMSIG(ending.status), SIGINT);
}

/* --- work for the others ---------------------------------------------------------------------- */

static atomic_int worked[THREADS];

static int works(void *unused) {
    (void)unused;
    worked[eddy_thread_index()]++;
    return eddy_thread_index();
}

static int hands_round(void *unused) {
    (void)unused;
    for (int i = -THREADS; i < 4 * THREADS; i++) {
        eddy_future *future = eddy_run_coroutine_threadsafe(eddy_thread_loop(i), works, NULL);
        ASSERT_INT_EQ(eddy_await(future), (i + THREADS) % THREADS);
    }
    meet(); /* or a loop is closed before the others have done with it */
    return 0;
}

TEST(work_is_handed_round_to_all) {
    ASSERT_OK(run_on(THREADS, hands_round, NULL));
    for (int i = 0; i < THREADS; i++)
        ASSERT_INT_EQ(worked[i], 5 * THREADS);
}

static int hands_to_one_that_has_ended(void *unused) {
    int r;

    if (eddy_thread_index() == 0)
        return 0;
    do {
        r = eddy_await(eddy_run_coroutine_threadsafe(eddy_thread_loop(0), works, unused));
        ASSERT(r == 0 || r == -ECANCELED || r == EDDY_ESHUTDOWN);
    } while (r != EDDY_ESHUTDOWN);
    return 0;
}

TEST(a_thread_that_has_ended_takes_no_work) {
    ASSERT_OK(run_on(2, hands_to_one_that_has_ended, NULL));
}

static int asks_for_ever(void *unused) {
    int r = 0;

    meet();
    for (int i = 0; r >= 0; i++)
        r = eddy_await(eddy_run_coroutine_threadsafe(eddy_thread_loop(i), works, unused));
    ASSERT(r == -ECANCELED || r == EDDY_ESHUTDOWN);
    return r == EDDY_ESHUTDOWN ? 0 : r;
}

static int stops_in_the_middle(void *unused) {
    if (eddy_thread_index() > 0)
        return asks_for_ever(unused);
    meet();
    for (int i = 0; i < 50; i++)
        ASSERT_OK(eddy_yield());
    ASSERT_OK(eddy_threads_stop());
    return asks_for_ever(unused);
}

TEST(a_stop_in_the_middle_of_work_for_each_other_ends_all) {
    for (int i = 0; i < 20; i++) {
        begun = 0;
        ASSERT_OK(run_on(THREADS, stops_in_the_middle, NULL));
    }
}

/* --- threads that cannot be had --------------------------------------------------------------- */

static int threads_left = INT_MAX;

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*fn)(void *),
                   void *arg) {
    static int (*real)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);

    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "pthread_create");
    if (threads_left == 0)
        return EAGAIN;
    threads_left--;
    return real(thread, attributes, fn, arg);
}

static int never_runs(void *unused) {
    (void)unused;
    TEST_FAIL("it runs");
    return 0;
}

TEST(if_not_all_threads_can_be_had_none_runs) {
    for (int n = 0; n < THREADS; n++) {
        threads_left = n;
        ASSERT_CODE(-EAGAIN, run_on(THREADS, never_runs, NULL));
        ASSERT_STR_CONTAINS(eddy_last_error()->message, "cannot start thread");
    }
    threads_left = INT_MAX;
    ASSERT_OK(run_on(THREADS, ends_well, NULL));
}

static atomic_int allocations_left = INT_MAX, allocations_out;

static void *allocate(size_t size) {
    if (allocations_left-- <= 0)
        return NULL;
    allocations_out++;
    return malloc(size);
}

static void *resize(void *memory, size_t size) {
    if (allocations_left-- <= 0)
        return NULL;
    allocations_out += memory == NULL;
    return realloc(memory, size);
}

static void release(void *memory) {
    allocations_out -= memory != NULL;
    free(memory);
}

TEST(whichever_allocation_fails_nothing_leaks_and_the_run_ends) {
    int r, failures = 0;

    ASSERT_OK(eddy_set_allocator(&(eddy_allocator){allocate, resize, release}));
    ASSERT_OK(run_on(2, ends_well, NULL));
    ASSERT_CODE(-ENOMEM, eddy_await(NULL));
    int before = allocations_out;
    for (int n = 0;; n++) {
        allocations_left = n;
        r = run_on(2, ends_well, NULL);
        bool was_enough = allocations_left >= 0;
        allocations_left = INT_MAX;
        ASSERT_CODE(-ENOMEM, eddy_await(NULL)); /* the last error is a block, too */
        ASSERT_INT_EQ(allocations_out, before);
        ASSERT(r == 0 || r == -ENOMEM);
        failures += r < 0;
        if (was_enough)
            break;
    }
    ASSERT_INT_EQ(r, 0);
    ASSERT(failures > 5);
}

/* --- fork ------------------------------------------------------------------------------------- */

static int forks(void *unused) {
    int status;
    pid_t child = fork();

    (void)unused;
    if (child == 0) {
        bool well = eddy_threads_stop() == EDDY_EFORKED;
        well = well && eddy_run(ends_well, NULL) == 5;
        _exit(well ? 42 : 1);
    }
    ASSERT_INT_EQ(waitpid(child, &status, 0), child);
    ASSERT(WIFEXITED(status) && WEXITSTATUS(status) == 42);
    return 0;
}

TEST(a_forked_child_cannot_stop_its_parents_threads) {
    ASSERT_OK(run_on(1, forks, NULL));
}

/* --- loops with options ----------------------------------------------------------------------- */

static int sleeps_an_hour(void *unused) {
    (void)unused;
    return eddy_sleep(3600);
}

TEST(each_threads_loop_has_the_options_that_were_given) {
    eddy_threads_options options = {.threads = 3, .loop = {.clock = EDDY_CLOCK_VIRTUAL}};

    ASSERT_OK(eddy_run_threads(sleeps_an_hour, NULL, &options)); /* takes no time */
}

TEST(options_of_a_program_that_knows_no_loop_options_are_shorter) {
    eddy_threads_options options = {.threads = 2, .loop = {.backend = EDDY_BACKEND_SIM}};

    ASSERT_OK(eddy_run_threads_sized(returner, &(int){0}, &options,
                                     offsetof(eddy_threads_options, loop)));
    ASSERT_CODE(-ENOTSUP, eddy_run_threads(returner, &(int){0}, &options));
}

/* --- all at once ------------------------------------------------------------------------------ */

enum { STORM_LOOPS = 4, STORM_ROUNDS = UNDER_TSAN ? 20 : 100 };

static atomic_int calls, answers, jobs;

static void counts_call(void *unused) {
    (void)unused;
    calls++;
}

static int counts_answer(void *unused) {
    (void)unused;
    int r = eddy_yield();
    answers++;
    return r;
}

static int counts_job(void *unused) {
    (void)unused;
    jobs++;
    return 0;
}

/* Posts to all loops, asks all loops, uses a pool that all share, and sleeps between. */
static int takes_part(void *pool) {
    for (int i = 0; i < STORM_ROUNDS; i++) {
        eddy_future *asked[STORM_LOOPS];
        for (int k = 0; k < STORM_LOOPS; k++) {
            ASSERT_OK(eddy_call_soon_threadsafe(eddy_thread_loop(k), counts_call, NULL));
            asked[k] = eddy_run_coroutine_threadsafe(eddy_thread_loop(k), counts_answer, NULL);
        }
        ASSERT_OK(eddy_to_executor(pool, counts_job, NULL));
        ASSERT_OK(eddy_gather_array(asked, STORM_LOOPS, NULL));
    }
    return 0;
}

/* Several tasks in each loop; and no loop ends before all have done. */
static int storms(void *pool) {
    eddy_task_group *group = eddy_task_group_new();

    for (int i = 0; i < 3; i++)
        eddy_task_group_create_task(group, takes_part, pool);
    ASSERT_OK(eddy_task_group_wait(group));
    meet();
    return 0;
}

TEST(loops_of_several_threads_call_each_other_and_share_a_pool) {
    const int rounds = STORM_LOOPS * 3 * STORM_ROUNDS;
    eddy_executor *pool;

    ASSERT_OK(eddy_executor_new(&(eddy_executor_options){.threads = 2}, &pool));
    ASSERT_OK(run_on(STORM_LOOPS, storms, pool));
    ASSERT_OK(eddy_executor_close(pool));
    ASSERT_INT_EQ(calls, rounds * STORM_LOOPS);
    ASSERT_INT_EQ(answers, rounds * STORM_LOOPS);
    ASSERT_INT_EQ(jobs, rounds);
}
