/* SPDX-License-Identifier: MIT
 * test_worker.c - threads for what blocks: side by side, up to a limit, back on the loop. */
#include "worker.h"

#include <errno.h>
#include <semaphore.h>
#include <signal.h>

#include "fixture.h"

enum { THREADS_MAX = 4 }; /* of test_loop() */

/* A job that notes where it ran. */
struct errand {
    struct eddy__job job;
    sem_t *started, *may_end; /* NULL: it waits for nothing */
    pthread_t worked_in, done_in;
    int *done_count;
};

static void work(struct eddy__job *job) {
    struct errand *errand = container_of(job, struct errand, job);

    errand->worked_in = pthread_self();
    if (errand->started)
        sem_post(errand->started);
    if (errand->may_end)
        sem_wait(errand->may_end);
}

static void done(struct eddy__job *job) {
    struct errand *errand = container_of(job, struct errand, job);

    errand->done_in = pthread_self();
    if (--*errand->done_count == 0)
        eddy_loop_stop(job->loop);
}

/* The loop stops when *left errands are done. */
static struct errand errand_of(eddy_loop *loop, int *left) {
    return (struct errand){.job = {.loop = loop, .work = work, .done = done}, .done_count = left};
}

static eddy_executor *pool_of(eddy_loop *loop) {
    eddy_executor *pool;

    ASSERT_OK(eddy__loop_executor(loop, &pool));
    return pool;
}

static void submit(struct errand *errand) {
    ASSERT_OK(eddy__executor_submit(pool_of(errand->job.loop), &errand->job));
}

TEST(a_job_works_in_another_thread_and_is_done_in_the_loops) {
    LOOP loop = test_loop();
    int left = 1;
    struct errand errand = errand_of(loop, &left);
    submit(&errand);
    ASSERT_OK(eddy_loop_run_forever(loop));

    ASSERT(!pthread_equal(errand.worked_in, pthread_self()));
    ASSERT(pthread_equal(errand.done_in, pthread_self()));
}

/* Each of them ends only when all have begun. */
static void run_side_by_side(eddy_loop *loop, int jobs) {
    struct errand errands[THREADS_MAX];
    sem_t started, may_end;
    int left = jobs;
    sem_init(&started, 0, 0);
    sem_init(&may_end, 0, 0);
    for (int i = 0; i < jobs; i++) {
        errands[i] = errand_of(loop, &left);
        errands[i].started = &started;
        errands[i].may_end = &may_end;
        submit(&errands[i]);
    }
    for (int i = 0; i < jobs; i++)
        sem_wait(&started);
    for (int i = 0; i < jobs; i++)
        sem_post(&may_end);
    ASSERT_OK(eddy_loop_run_forever(loop));
    sem_destroy(&started);
    sem_destroy(&may_end);
}

TEST(jobs_run_side_by_side) {
    LOOP loop = test_loop();
    run_side_by_side(loop, THREADS_MAX);
}

TEST(jobs_run_side_by_side_also_when_a_thread_is_idle) {
    LOOP loop = test_loop();
    for (int jobs = 1; jobs <= THREADS_MAX; jobs++)
        for (int round = 0; round < 20; round++)
            run_side_by_side(loop, jobs);
}

TEST(an_idle_thread_is_used_before_another_is_started) {
    LOOP loop = test_loop();
    for (int i = 0; i < 50; i++) {
        run_side_by_side(loop, 1);
        while (true) { /* until the thread rests again */
            pthread_mutex_lock(&pool_of(loop)->lock);
            int asleep = pool_of(loop)->asleep;
            pthread_mutex_unlock(&pool_of(loop)->lock);
            if (asleep == 1)
                break;
            sched_yield();
        }
    }
    ASSERT_INT_EQ(pool_of(loop)->threads_count, 1);
}

/* A job that is submitted again where it is done. */
static void submit_again(struct eddy__job *job) {
    struct errand *errand = container_of(job, struct errand, job);

    if (--*errand->done_count == 0)
        eddy_loop_stop(job->loop);
    else
        submit(errand);
}

TEST(a_thread_that_is_through_with_a_job_takes_the_next_though_it_may_not_have_gone_to_sleep) {
    LOOP loop = test_loop();
    int left = 2000;
    struct errand errand = errand_of(loop, &left);
    errand.job.done = submit_again;
    submit(&errand);
    ASSERT_OK(eddy_loop_run_forever(loop));

    ASSERT_INT_EQ(pool_of(loop)->threads_count, 1);
}

/* Whether they find a job while they look for one or while they sleep. */
TEST(threads_that_look_for_jobs_a_while_do_them_all_the_same) {
    const double seconds[] = {1e-9, 20e-6, 60};
    for (size_t i = 0; i < ARRAY_SIZE(seconds); i++) {
        const eddy_loop_options options = {.executor_threads = THREADS_MAX,
                                           .executor_spin_seconds = seconds[i]};
        eddy_loop *loop;
        int left = 20;
        ASSERT_OK(eddy_loop_new(&options, &loop));
        struct errand errand = errand_of(loop, &left);
        errand.job.done = submit_again;
        submit(&errand);
        ASSERT_OK(eddy_loop_run_forever(loop));
        run_side_by_side(loop, THREADS_MAX);
        ASSERT_NULL(eddy_loop_close(loop)); /* which those who look for a minute hear of */
    }
}

TEST(no_more_threads_are_started_than_the_limit) {
    enum { JOBS = 200 };
    LOOP loop = test_loop();
    struct errand errands[JOBS];
    int left = JOBS;
    for (int i = 0; i < JOBS; i++) {
        errands[i] = errand_of(loop, &left);
        submit(&errands[i]);
    }
    ASSERT_OK(eddy_loop_run_forever(loop));

    ASSERT(pool_of(loop)->threads_count <= THREADS_MAX);
    ASSERT_INT_EQ(left, 0);
}

/* Fills the pool, so that what is submitted next waits. */
struct jam {
    struct errand errands[THREADS_MAX];
    sem_t started, may_end;
    int left;
};

static void jam_begin(struct jam *jam, eddy_loop *loop) {
    sem_init(&jam->started, 0, 0);
    sem_init(&jam->may_end, 0, 0);
    jam->left = THREADS_MAX;
    for (int i = 0; i < THREADS_MAX; i++) {
        jam->errands[i] = errand_of(loop, &jam->left);
        jam->errands[i].started = &jam->started;
        jam->errands[i].may_end = &jam->may_end;
        submit(&jam->errands[i]);
    }
    for (int i = 0; i < THREADS_MAX; i++)
        sem_wait(&jam->started);
}

static void jam_end(struct jam *jam) {
    for (int i = 0; i < THREADS_MAX; i++)
        sem_post(&jam->may_end);
}

static bool cancel(struct errand *errand) {
    return eddy__executor_withdraw(&errand->job);
}

TEST(a_job_that_waits_can_be_cancelled_and_never_runs) {
    LOOP loop = test_loop();
    struct jam jam;
    int left = 1;
    struct errand errand = errand_of(loop, &left);
    jam_begin(&jam, loop);
    submit(&errand);
    ASSERT(cancel(&errand));
    ASSERT(!cancel(&errand));
    ASSERT_INT_EQ(loop->outside, THREADS_MAX); /* virtual time does not wait for it */
    jam_end(&jam);
    ASSERT_OK(eddy_loop_run_forever(loop));
    run_side_by_side(loop, 1); /* the pool goes on */

    ASSERT_INT_EQ(left, 1);
}

TEST(a_job_that_has_started_is_not_cancelled) {
    LOOP loop = test_loop();
    struct jam jam;
    jam_begin(&jam, loop);
    for (int i = 0; i < THREADS_MAX; i++)
        ASSERT(!cancel(&jam.errands[i]));
    jam_end(&jam);
    ASSERT_OK(eddy_loop_run_forever(loop));

    ASSERT_INT_EQ(jam.left, 0);
}

TEST(jobs_that_wait_start_in_the_order_in_which_they_were_submitted) {
    LOOP loop = test_loop();
    struct jam jam;
    struct errand errands[3];
    sem_t started, may_end;
    int left = 3;
    sem_init(&started, 0, 0);
    sem_init(&may_end, 0, 0);
    jam_begin(&jam, loop);
    for (int i = 0; i < 3; i++) {
        errands[i] = errand_of(loop, &left);
        errands[i].started = &started;
        errands[i].may_end = &may_end;
        submit(&errands[i]);
    }
    sem_post(&jam.may_end); /* one thread is free */
    sem_wait(&started);
    ASSERT(!cancel(&errands[0]));
    ASSERT(cancel(&errands[2]));
    ASSERT(cancel(&errands[1]));

    left = 1;
    sem_post(&may_end);
    for (int i = 1; i < THREADS_MAX; i++)
        sem_post(&jam.may_end);
    ASSERT_OK(eddy_loop_run_forever(loop));
    while (jam.left > 0 || left > 0)
        ASSERT_OK(eddy_loop_run_once(loop, 1));
}

TEST(virtual_time_stands_still_while_a_job_works) {
    LOOP loop = test_loop();
    struct jam jam;
    int ran = 0;
    jam_begin(&jam, loop);
    eddy_call_later(loop, 0.001, count, &ran);
    for (int i = 0; i < 5; i++)
        ASSERT_OK(eddy_loop_run_once(loop, 0));
    ASSERT_INT_EQ(ran, 0);
    ASSERT_INT_EQ(eddy__loop_now(loop), 0);
    jam_end(&jam);
    ASSERT_OK(eddy_loop_run_forever(loop));
    run_dry(loop);
    ASSERT_INT_EQ(ran, 1);
}

TEST(closing_the_loop_waits_for_jobs_that_work_and_drops_the_others) {
    struct jam jam;
    int left = 1;
    eddy_loop *loop = test_loop();
    struct errand errand = errand_of(loop, &left);
    jam_begin(&jam, loop);
    submit(&errand);
    jam_end(&jam);
    eddy_loop_close(loop);

    ASSERT_INT_EQ(jam.left, 0); /* told of their end by the close */
    ASSERT(left == 0 || left == 1);
}

/* Threads of more stack than there are addresses cannot be started. */
static void refuse_threads(bool refuse) {
    pthread_attr_t attributes;

    pthread_attr_init(&attributes);
    ASSERT_INT_EQ(pthread_attr_setstacksize(&attributes, refuse ? 1UL << 60 : 1UL << 20), 0);
    ASSERT_INT_EQ(pthread_setattr_default_np(&attributes), 0);
    pthread_attr_destroy(&attributes);
}

TEST(without_any_thread_a_job_is_refused) {
    LOOP loop = test_loop();
    int left = 1;
    struct errand errand = errand_of(loop, &left);
    refuse_threads(true);
    ASSERT_CODE(-EAGAIN, eddy__executor_submit(pool_of(loop), &errand.job));
    ASSERT_INT_EQ(loop->outside, 0);
    refuse_threads(false);
    submit(&errand);
    ASSERT_OK(eddy_loop_run_forever(loop));

    ASSERT_INT_EQ(left, 0);
}

TEST(without_one_more_thread_a_job_waits_for_those_there_are) {
    LOOP loop = test_loop();
    struct errand first, second;
    sem_t started, may_end;
    int left = 2;
    sem_init(&started, 0, 0);
    sem_init(&may_end, 0, 0);
    first = errand_of(loop, &left);
    first.started = &started;
    first.may_end = &may_end;
    second = errand_of(loop, &left);
    submit(&first);
    sem_wait(&started);
    refuse_threads(true);
    submit(&second); /* the only thread is busy */
    sem_post(&may_end);
    ASSERT_OK(eddy_loop_run_forever(loop));

    ASSERT(pthread_equal(first.worked_in, second.worked_in));
}

static sigset_t mask_seen;

static void note_mask(struct eddy__job *job) {
    (void)job;
    pthread_sigmask(SIG_SETMASK, NULL, &mask_seen);
}

TEST(signals_do_not_go_to_the_pools_threads) {
    LOOP loop = test_loop();
    int left = 1;
    struct errand errand = errand_of(loop, &left);
    sigset_t own;
    errand.job.work = note_mask;
    submit(&errand);
    ASSERT_OK(eddy_loop_run_forever(loop));
    pthread_sigmask(SIG_SETMASK, NULL, &own);

    ASSERT(sigismember(&mask_seen, SIGINT) && sigismember(&mask_seen, SIGTERM));
    ASSERT(!sigismember(&own, SIGINT)); /* ours is as it was */
}

static bool seen_in_pool;

static void note_thread(struct eddy__job *job) {
    (void)job;
    seen_in_pool = eddy__thread.in_pool;
}

TEST(a_pools_thread_knows_that_it_must_not_suspend) {
    LOOP loop = test_loop();
    int left = 1;
    struct errand errand = errand_of(loop, &left);
    errand.job.work = note_thread;
    submit(&errand);
    ASSERT_OK(eddy_loop_run_forever(loop));

    ASSERT(seen_in_pool);
    ASSERT(!eddy__thread.in_pool);
}
