/* SPDX-License-Identifier: MIT
 * overflow.c - tells a fault in a stack's guard from other faults, and says whose it was.
 *
 * A signal handler: only write() and arithmetic here. After the line the signal goes its default
 * way, so that a core dump and the exit status stay what they were. */
#include "overflow.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "util.h"

#define ALTERNATE_STACK_BYTES (64u << 10)
#define NAME_BYTES_SHOWN      100
#define PLACE_BYTES_SHOWN     200

static const struct eddy__stack *no_stack(eddy_slice *name, const char **place) {
    *name = (eddy_slice){0};
    *place = "";
    return NULL;
}

const struct eddy__stack *(*eddy__overflow_stack)(eddy_slice *name, const char **place) = no_stack;

/* --- the line --------------------------------------------------------------------------------- */

struct line {
    char text[512];
    size_t length;
};

static void line_add_slice(struct line *line, eddy_slice text) {
    for (size_t i = 0; i < text.size && line->length < sizeof(line->text); i++)
        line->text[line->length++] = text.data[i];
}

static void line_add(struct line *line, const char *text) {
    line_add_slice(line, (eddy_slice){text, strlen(text)});
}

static void line_add_number(struct line *line, size_t number) {
    char digits[24], *at = digits + sizeof(digits) - 1;

    *at = '\0';
    do {
        *--at = (char)('0' + number % 10);
    } while (number /= 10);
    line_add(line, at);
}

static void overflow_report(const struct eddy__stack *stack, eddy_slice name, const char *place) {
    struct line line = {.length = 0};

    line_add(&line, "eddy: stack overflow in task \"");
    name.size = MIN(name.size, NAME_BYTES_SHOWN);
    line_add_slice(&line, name);
    line_add(&line, "\" (created at ");
    line_add_slice(&line, (eddy_slice){place, strnlen(place, PLACE_BYTES_SHOWN)});
    line_add(&line, "): it used all of its ");
    line_add_number(&line, stack->slot_bytes >> 10);
    line_add(&line, " KiB; give it more with eddy_task_options.stack_bytes\n");
    if (write(STDERR_FILENO, line.text, line.length) < 0)
        return; /* there is nobody left to tell */
}

void eddy__overflow_abort(const struct eddy__stack *stack, eddy_slice name, const char *place) {
    overflow_report(stack, name, place);
    abort();
}

/* --- the handler ------------------------------------------------------------------------------ */

/* A frame larger than the guard may fault further down: in the slot below, which is a neighbour's.
 * Only the guard is sure. */
static bool is_in_guard(const struct eddy__stack *stack, const char *address) {
    return address >= stack->slot && address < stack->slot + stack->guard_bytes;
}

static void fault_arrived(int signo, siginfo_t *info, void *context) {
    eddy_slice name;
    const char *place;
    const struct eddy__stack *stack = eddy__overflow_stack(&name, &place);

    (void)context;
    signal(signo, SIG_DFL);
    if (info->si_code <= 0)
        raise(signo); /* somebody sent it: no instruction will fault again */
    else if (stack && is_in_guard(stack, info->si_addr))
        overflow_report(stack, name, place);
    /* The faulting instruction runs again, and the default action follows. */
}

static void handler_install(int signo) {
    struct sigaction action = {.sa_sigaction = fault_arrived, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    struct sigaction former;

    if (sigaction(signo, NULL, &former) < 0 || former.sa_flags & SA_SIGINFO ||
        former.sa_handler != SIG_DFL)
        return; /* somebody else's: leave it alone */
    sigemptyset(&action.sa_mask);
    sigaction(signo, &action, NULL);
}

static void handlers_install(void) {
    handler_install(SIGSEGV);
    handler_install(SIGBUS);
}

/* --- a stack to run the handler on ------------------------------------------------------------ */

static pthread_key_t alternate_key;
static pthread_once_t alternate_once = PTHREAD_ONCE_INIT;

static void alternate_free(void *memory) {
    stack_t none = {.ss_flags = SS_DISABLE}, current;

    if (sigaltstack(NULL, &current) == 0 && current.ss_sp == memory)
        sigaltstack(&none, NULL);
    munmap(memory, ALTERNATE_STACK_BYTES);
}

static void alternate_init(void) {
    pthread_key_create(&alternate_key, alternate_free);
    handlers_install();
}

void eddy__overflow_watch(void) {
    stack_t current;
    void *memory;

    pthread_once(&alternate_once, alternate_init);
    if (sigaltstack(NULL, &current) < 0 || !(current.ss_flags & SS_DISABLE))
        return;
    memory = mmap(NULL, ALTERNATE_STACK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
                  -1, 0);
    if (memory == MAP_FAILED)
        return;
    current = (stack_t){.ss_sp = memory, .ss_size = ALTERNATE_STACK_BYTES};
    if (sigaltstack(&current, NULL) < 0 || pthread_setspecific(alternate_key, memory) != 0)
        alternate_free(memory);
}
