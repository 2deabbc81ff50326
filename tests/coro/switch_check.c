/* SPDX-License-Identifier: MIT
 * switch_check.c - the switch of stacks alone, for any processor: prints "ok", or what is wrong.
 *
 * Needs neither a test framework nor the rest of eddy, so that a cross compiler and an emulator are
 * enough. Values that live across a call lie in the registers that a callee must keep; with
 * optimisation there are enough of them here to fill all, whole numbers and floating point. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "coro.h"

#define FLOWS       3
#define SWITCHES    20000
#define STACK_BYTES (256u << 10)
#define DEEP        400

/* A whole number and a float that the compiler knows nothing about. */
static uint64_t opaque(uint64_t value) {
    __asm__ volatile("" : "+r"(value));
    return value;
}

static double opaque_float(double value) {
    volatile double hidden = value;
    return hidden;
}

static void fail(const char *what) {
    printf("failed: %s\n", what);
    exit(1);
}

/* --- flows that take turns -------------------------------------------------------------------- */

static void *main_flow, *flows[FLOWS];
static int current; /* the flow that runs */
static unsigned long switches;

/* To the next flow, in a circle, or to main when all is done: in the function that says so, where
 * any register may be in use, or in one that keeps what its caller counts on. */
__attribute__((always_inline)) static inline void leave_here(void) {
    int from = current;

    if (++switches >= SWITCHES) {
        eddy__switch(&flows[from], main_flow);
        return;
    }
    current = (current + 1) % FLOWS;
    eddy__switch(&flows[from], flows[current]);
}

__attribute__((noinline)) static void leave(void) {
    leave_here();
}

/* Ten whole numbers and eight floats, all alive across the switch, all different in each flow. */
__attribute__((noinline)) static void keep_registers(uint64_t seed) {
    uint64_t a = opaque(seed), b = opaque(seed * 3), c = opaque(seed * 5), d = opaque(seed * 7),
             e = opaque(seed * 11), f = opaque(seed * 13), g = opaque(seed * 17),
             h = opaque(seed * 19), i = opaque(seed * 23), j = opaque(seed * 29);
    double k = opaque_float((double)seed), l = opaque_float((double)seed * 3),
           m = opaque_float((double)seed * 5), n = opaque_float((double)seed * 7),
           o = opaque_float((double)seed * 11), p = opaque_float((double)seed * 13),
           q = opaque_float((double)seed * 17), r = opaque_float((double)seed * 19);
    uintptr_t frame = (uintptr_t)opaque((uintptr_t)__builtin_frame_address(0));

    if (seed % 2)
        leave();
    else
        leave_here();
    if (frame != (uintptr_t)__builtin_frame_address(0))
        fail("the frame pointer changed across a switch");
    if (a != seed || b != seed * 3 || c != seed * 5 || d != seed * 7 || e != seed * 11 ||
        f != seed * 13 || g != seed * 17 || h != seed * 19 || i != seed * 23 || j != seed * 29)
        fail("a whole number changed across a switch");
    if (k != (double)seed || l != (double)seed * 3 || m != (double)seed * 5 ||
        n != (double)seed * 7 || o != (double)seed * 11 || p != (double)seed * 13 ||
        q != (double)seed * 17 || r != (double)seed * 19)
        fail("a floating-point number changed across a switch");
}

/* The deepest call switches, and so does every call on the way back. */
__attribute__((noinline)) static uint64_t recurse(uint64_t depth) {
    volatile char local[100];
    uint64_t below;

    memset((void *)local, (int)depth, sizeof(local));
    below = depth == 0 ? 0 : recurse(depth - 1);
    if (depth % 50 == 0)
        leave();
    for (size_t i = 0; i < sizeof(local); i++)
        if (local[i] != (char)depth)
            fail("a local variable changed across a switch");
    return below + depth;
}

/* What the ABI promises at a function's entry: vector instructions count on it. */
__attribute__((noinline)) static void check_alignment(void) {
    _Alignas(16) volatile char aligned[16];
    uintptr_t frame = (uintptr_t)__builtin_frame_address(0);

    aligned[0] = 1;
    if ((uintptr_t)aligned % 16 != 0 || frame % 16 != 0)
        fail("the stack is misaligned at the entry");
}

static void flow_main(void) {
    char text[64];

    check_alignment();
    snprintf(text, sizeof(text), "%d %.3f", current, 1.5); /* libc uses vectors, too */
    if (strstr(text, "1.500") == NULL)
        fail("printf of a floating-point number");
    if (recurse(DEEP) != DEEP * (DEEP + 1) / 2)
        fail("a deep recursion");
    for (uint64_t seed = 1;; seed++)
        keep_registers(seed * 1000003 + (uint64_t)current);
}

static void run_flows(void) {
    char *stacks[FLOWS];

    for (int i = 0; i < FLOWS; i++) {
        stacks[i] = malloc(STACK_BYTES);
        if (!stacks[i])
            fail("no memory");
        /* Tops of any alignment: the colours of eddy's stacks are multiples of 64, the record at
         * their top is not. */
        flows[i] =
            eddy__switch_prepare(stacks[i], stacks[i] + STACK_BYTES - 8 * (i + 1), flow_main);
    }
    current = 0;
    eddy__switch(&main_flow, flows[0]);
    for (int i = 0; i < FLOWS; i++)
        free(stacks[i]);
}

int main(void) {
    uint64_t before = opaque(42);

    run_flows();
    if (before != 42 || switches < SWITCHES)
        fail("the main flow");
    puts("ok");
    return 0;
}
