/* SPDX-License-Identifier: MIT
 * test_overflow.c - the line about a stack that was used up, and the faults that are not ours. */
#include "overflow.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fixture.h"

/* How a child that ran fn ended, and what it wrote to standard error. */
struct outcome {
    int signal;
    char text[2000];
};

/* An emulator adds a line of its own when a program crashes. */
static void cut_emulator(char *text) {
    char *line = strstr(text, "qemu: ");

    if (line)
        *line = '\0';
}

static struct outcome outcome_of(void (*fn)(void)) {
    struct outcome outcome = {0};
    int ends[2], status;
    size_t length = 0;
    ssize_t size;
    ASSERT_INT_EQ(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        dup2(ends[1], STDERR_FILENO);
        fn();
        _exit(0);
    }
    close(ends[1]);
    while ((size = read(ends[0], outcome.text + length, sizeof(outcome.text) - 1 - length)) > 0)
        length += (size_t)size;
    close(ends[0]);
    waitpid(child, &status, 0);
    cut_emulator(outcome.text);
    outcome.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    return outcome;
}

#define GREEDY_LINE                                                                       \
    "eddy: stack overflow in task \"greedy\" (created at main.c:12): it used all of its " \
    "64 KiB; give it more with eddy_task_options.stack_bytes\n"

static void abort_greedy(void) {
    struct eddy__stack stack = {.slot_bytes = 64 << 10};
    eddy__overflow_abort(&stack, (eddy_slice){"greedy", 6}, "main.c:12");
}

TEST(a_missing_canary_is_told_in_the_same_words_and_aborts) {
    struct outcome outcome = outcome_of(abort_greedy);

    ASSERT_INT_EQ(outcome.signal, SIGABRT);
    ASSERT_STR_EQ(outcome.text, GREEDY_LINE);
}

static void abort_with_long_name(void) {
    struct eddy__stack stack = {.slot_bytes = 64 << 10};
    char name[2000];
    memset(name, 'n', sizeof(name));
    eddy__overflow_abort(&stack, (eddy_slice){name, sizeof(name)}, "main.c:12");
}

TEST(a_long_name_is_cut_and_the_line_still_says_it_all) {
    struct outcome outcome = outcome_of(abort_with_long_name);

    ASSERT_STR_CONTAINS(outcome.text, "eddy: stack overflow in task \"nnnn");
    ASSERT_STR_CONTAINS(outcome.text, "main.c:12");
    ASSERT_STR_CONTAINS(outcome.text, "64 KiB");
    ASSERT(outcome.text[strlen(outcome.text) - 1] == '\n');
}

#if !EDDY__ASAN && !EDDY__TSAN /* which have handlers of their own */

/* What the layer above tells of the flow that runs. */
static const struct eddy__stack *running_stack(eddy_slice *name, const char **place) {
    if (!flow_running)
        return NULL;
    *name = (eddy_slice){"greedy", 6};
    *place = "main.c:12";
    return flow_running->stack;
}

static void watch(void) {
    eddy__overflow_stack = running_stack;
    eddy__overflow_watch();
}

/* --- the line --------------------------------------------------------------------------------- */

__attribute__((noinline)) static int recurse(int depth) {
    volatile char local[500];
    local[depth % 500] = 1;
    return depth < 0 ? 0 : recurse(depth + 1) + local[depth % 500];
}

static void use_up(void *unused) {
    (void)unused;
    recurse(0);
}

static void overflow(void) {
    static struct eddy__stack_pool pool;
    pool = test_pool();
    watch();
    struct flow flow = flow_new(&pool, use_up, NULL);
    flow_resume_sized(&flow, 64 << 10);
}

TEST(a_stack_overflow_is_one_line_that_names_the_task) {
    struct outcome outcome = outcome_of(overflow);

    ASSERT_INT_EQ(outcome.signal, SIGSEGV); /* the exit status stays what it was */
    ASSERT_STR_EQ(outcome.text, GREEDY_LINE);
}

static void *overflow_elsewhere(void *arg) {
    overflow();
    return arg;
}

static void overflow_in_a_thread(void) {
    pthread_t thread;
    watch();
    pthread_create(&thread, NULL, overflow_elsewhere, NULL);
    pthread_join(thread, NULL);
}

TEST(a_stack_overflow_in_any_thread_is_told) {
    struct outcome outcome = outcome_of(overflow_in_a_thread);

    ASSERT_INT_EQ(outcome.signal, SIGSEGV);
    ASSERT_STR_CONTAINS(outcome.text, "stack overflow in task \"greedy\"");
}

/* --- what is not ours ------------------------------------------------------------------------- */

static void touch_nothing(void *unused) {
    (void)unused;
    volatile int *volatile nowhere = NULL;
    *nowhere = 1;
}

static void fault_in_a_flow(void) {
    static struct eddy__stack_pool pool;
    pool = test_pool();
    watch();
    struct flow flow = flow_new(&pool, touch_nothing, NULL);
    flow_resume(&flow);
}

TEST(another_fault_in_a_task_is_no_stack_overflow) {
    struct outcome outcome = outcome_of(fault_in_a_flow);

    ASSERT_INT_EQ(outcome.signal, SIGSEGV);
    ASSERT_STR_EQ(outcome.text, "");
}

static void fault_outside(void) {
    watch();
    touch_nothing(NULL);
}

TEST(a_fault_outside_of_any_task_is_a_plain_crash) {
    struct outcome outcome = outcome_of(fault_outside);

    ASSERT_INT_EQ(outcome.signal, SIGSEGV);
    ASSERT_STR_EQ(outcome.text, "");
}

static void be_sent_a_fault(void) {
    watch();
    kill(getpid(), SIGSEGV);
    kill(getpid(), SIGBUS);
}

TEST(a_fault_that_somebody_sends_kills_as_ever) {
    ASSERT_INT_EQ(outcome_of(be_sent_a_fault).signal, SIGSEGV);
}

static void handler_of_the_program(int signo) {
    (void)signo;
    _exit(0);
}

TEST(a_handler_of_the_programs_own_is_left_alone) {
    struct sigaction action = {.sa_handler = handler_of_the_program}, after;
    sigaction(SIGSEGV, &action, NULL);
    watch();

    sigaction(SIGSEGV, NULL, &after);
    ASSERT(after.sa_handler == handler_of_the_program);
    sigaction(SIGBUS, NULL, &after);
    ASSERT(after.sa_flags & SA_SIGINFO); /* this one was free */
}

/* --- the alternate stack ---------------------------------------------------------------------- */

TEST(a_thread_without_an_alternate_stack_gets_one) {
    stack_t before, after;
    sigaltstack(NULL, &before);
    ASSERT(before.ss_flags & SS_DISABLE);
    watch();
    sigaltstack(NULL, &after);

    ASSERT(!(after.ss_flags & SS_DISABLE));
    ASSERT(after.ss_size >= 16384);
}

TEST(an_alternate_stack_of_the_programs_own_is_left_alone) {
    static char memory[65536];
    stack_t own = {.ss_sp = memory, .ss_size = sizeof(memory)}, after;
    ASSERT_INT_EQ(sigaltstack(&own, NULL), 0);
    watch();
    sigaltstack(NULL, &after);

    ASSERT_PTR_EQ(after.ss_sp, memory);
}

static void *note_alternate_stack(void *arg) {
    watch();
    sigaltstack(NULL, arg);
    return NULL;
}

TEST(the_alternate_stack_of_a_thread_ends_with_it) {
    stack_t of_thread = {0};
    pthread_t thread;
    unsigned char in_core;
    pthread_create(&thread, NULL, note_alternate_stack, &of_thread);
    pthread_join(thread, NULL);

    ASSERT_NOT_NULL(of_thread.ss_sp);
    ASSERT(mincore(of_thread.ss_sp, 4096, &in_core) < 0); /* ENOMEM: nothing is mapped there */
}

#endif
