/* SPDX-License-Identifier: MIT
 * switch.h - a switch of stacks for AAPCS64, inlined where it is used.
 *
 * The compiler is told that every register is lost, so it saves what is live there and no more.
 * What it may not be told (x29, the frame pointer, and x19, which may stand in for it) is saved
 * here:
 *
 *   a suspended flow's sp -> [ x19 | x29 | where it goes on | unused ] its own sp
 *
 * It goes on by a jump, for the reason that ../x86_64/switch.h gives; hint 36 is "bti j",
 * which allows that where branch targets are checked. */
#ifndef EDDY__SWITCH_H
#define EDDY__SWITCH_H

#include <stdint.h>

enum { SWITCH_X19, SWITCH_X29, SWITCH_RESUME, SWITCH_WORDS = 4 };

#ifdef __ARM_FEATURE_SVE
#define SWITCH_SVE                                                                            \
    , "p0", "p1", "p2", "p3", "p4", "p5", "p6", "p7", "p8", "p9", "p10", "p11", "p12", "p13", \
        "p14", "p15", "ffr"
#else
#define SWITCH_SVE
#endif

/* Goes on with a flow whose place is in x1. sp comes last: below it lies what is read before. */
#define SWITCH_RESUME_X1        \
    "ldp    x19, x29, [x1]\n\t" \
    "ldr    x16, [x1, #16]\n\t" \
    "add    sp, x1, #32\n\t"    \
    "br     x16\n\t"

/* Saves this flow in *from, goes on with the one in `to`. */
static inline __attribute__((always_inline)) void eddy__switch(void **from, void *to) {
    register void **x0 __asm__("x0") = from;
    register void *x1 __asm__("x1") = to;

    __asm__ volatile("sub    sp, sp, #32\n\t"
                     "adr    x16, 1f\n\t"
                     "stp    x19, x29, [sp]\n\t"
                     "str    x16, [sp, #16]\n\t"
                     "mov    x17, sp\n\t"
                     "str    x17, [x0]\n\t" SWITCH_RESUME_X1 "1:\n\t"
                     "hint   #36"
                     : "+r"(x0), "+r"(x1)
                     :
                     : "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13",
                       "x14", "x15", "x16", "x17", "x18", "x20", "x21", "x22", "x23", "x24", "x25",
                       "x26", "x27", "x28", "x30", "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7",
                       "v8", "v9", "v10", "v11", "v12", "v13", "v14", "v15", "v16", "v17", "v18",
                       "v19", "v20", "v21", "v22", "v23", "v24", "v25", "v26", "v27", "v28", "v29",
                       "v30", "v31", "cc", "memory" SWITCH_SVE);
}

/* Goes on with the flow in `to`, and never with this one again. */
_Noreturn static inline __attribute__((always_inline)) void eddy__switch_for_good(void *to) {
    register void *x1 __asm__("x1") = to;

    __asm__ volatile(SWITCH_RESUME_X1 : : "r"(x1) : "memory");
    __builtin_unreachable();
}

void eddy__switch_start(void);

#define SWITCH_VISITS 1

/* Calls fn(arg) on the stack of the flow that is suspended at `place`, below all that it uses, as
 * if that flow had made the call: so it can be unwound. In ucontext's switch nothing is called. */
void eddy__switch_visit(void *place, void (*fn)(void *arg), void *arg);

/* A flow that starts in entry(), which never returns, on the stack below `top`. */
static inline void *eddy__switch_prepare(void *bottom, void *top, void (*entry)(void)) {
    uintptr_t *sp = (uintptr_t *)((uintptr_t)top & ~(uintptr_t)15) - SWITCH_WORDS;

    (void)bottom;
    sp[SWITCH_X19] = (uintptr_t)entry;
    sp[SWITCH_X29] = 0;
    sp[SWITCH_RESUME] = (uintptr_t)eddy__switch_start;
    return sp;
}

#endif
