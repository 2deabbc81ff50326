/* SPDX-License-Identifier: MIT
 * switch.h - a switch of stacks for the System V ABI of x86-64, inlined where it is used.
 *
 * The compiler is told that every register is lost, so it saves what is live there and no more.
 * What it may not be told (rbp in a build with frame pointers; rbx, which may stand in for it) is
 * saved here, on the stack:
 *
 *   a suspended flow's sp -> [ rbx | rbp | where it goes on ] its own rsp
 *
 * So whoever inlines this must not have a red zone there: coro_dep brings -mno-red-zone along.
 * It goes on by a jump. There was no call, so the processor's return stack is as it would be
 * without the switch, and the returns above are predicted right (docs/internals/coro.md has the
 * figures). The floating-point control words are the thread's, and stay. */
#ifndef EDDY__SWITCH_H
#define EDDY__SWITCH_H

#include <stdint.h>

enum { SWITCH_RBX, SWITCH_RBP, SWITCH_RESUME, SWITCH_WORDS };

/* Beyond what every x86-64 has. */
#ifdef __AVX512F__
#define SWITCH_AVX512                                                                             \
    , "xmm16", "xmm17", "xmm18", "xmm19", "xmm20", "xmm21", "xmm22", "xmm23", "xmm24", "xmm25",   \
        "xmm26", "xmm27", "xmm28", "xmm29", "xmm30", "xmm31", "k0", "k1", "k2", "k3", "k4", "k5", \
        "k6", "k7"
#else
#define SWITCH_AVX512
#endif

/* Goes on with a flow whose place is in rsi. rsp comes last: below it lies what is read before. */
#define SWITCH_RESUME_RSI         \
    "movq   (%%rsi), %%rbx\n\t"   \
    "movq   8(%%rsi), %%rbp\n\t"  \
    "movq   16(%%rsi), %%rax\n\t" \
    "leaq   24(%%rsi), %%rsp\n\t" \
    "jmp    *%%rax\n\t"

/* Saves this flow in *from, goes on with the one in `to`. */
static inline __attribute__((always_inline)) void eddy__switch(void **from, void *to) {
    __asm__ volatile("leaq   -24(%%rsp), %%rsp\n\t"
                     "leaq   1f(%%rip), %%rax\n\t"
                     "movq   %%rbx, (%%rsp)\n\t"
                     "movq   %%rbp, 8(%%rsp)\n\t"
                     "movq   %%rax, 16(%%rsp)\n\t"
                     "movq   %%rsp, (%%rdi)\n\t" SWITCH_RESUME_RSI "1:"
                     : "+D"(from), "+S"(to)
                     :
                     : "rax", "rcx", "rdx", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15",
                       "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8",
                       "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15", "st", "st(1)",
                       "st(2)", "st(3)", "st(4)", "st(5)", "st(6)", "st(7)", "cc",
                       "memory" SWITCH_AVX512);
}

/* Goes on with the flow in `to`, and never with this one again. */
_Noreturn static inline __attribute__((always_inline)) void eddy__switch_for_good(void *to) {
    __asm__ volatile(SWITCH_RESUME_RSI : : "S"(to) : "memory");
    __builtin_unreachable();
}

void eddy__switch_end(void);

#define SWITCH_VISITS 1

/* Calls fn(arg) on the stack of the flow that is suspended at `place`, below all that it uses, as
 * if that flow had made the call: so it can be unwound. In ucontext's switch nothing is called. */
void eddy__switch_visit(void *place, void (*fn)(void *arg), void *arg);

/* A flow that starts in entry(), which never returns, on the stack below `top`. It is jumped to, as
 * if eddy__switch_end() had called it. */
static inline void *eddy__switch_prepare(void *bottom, void *top, void (*entry)(void)) {
    uintptr_t *rsp = (uintptr_t *)((uintptr_t)top & ~(uintptr_t)15) - 1;
    uintptr_t *sp = rsp - SWITCH_WORDS;

    (void)bottom;
    *rsp = (uintptr_t)eddy__switch_end;
    sp[SWITCH_RBX] = sp[SWITCH_RBP] = 0;
    sp[SWITCH_RESUME] = (uintptr_t)entry;
    return sp;
}

#endif
