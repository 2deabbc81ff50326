/* SPDX-License-Identifier: MIT
 * limit.h - what a coroutine needs at the very least: a switch, and stacks to switch between.
 *
 * The limit programs are the ceilings that eddy is measured against: no cancellation, no errors, no
 * names, no checks, nothing shared with eddy's code. What is here is what the processor and the
 * kernel demand, and nothing else. */
#ifndef LIMIT_H
#define LIMIT_H

#include <stddef.h>
#include <stdint.h>

#if defined(__x86_64__) || defined(__aarch64__)
#define LIMIT_SUPPORTED 1
#else
#define LIMIT_SUPPORTED 0
#endif
#define LIMIT_UNSUPPORTED "there is no limit program for this architecture"

#define LIMIT_STACK_BYTES ((size_t)64 << 10)

/* Saves this flow of control in *from and goes on with `to`. Only the registers that the calling
 * convention preserves; ends in a jump, because a return to another stack is always mispredicted.
 */
void limit_switch(void **from, void *to);

/* A flow that starts in entry(), which must not return, on the stack below `top`. */
void *limit_prepare(void *top, void (*entry)(void));

/* The same in the middle of a function, for flows that park further down than where they run: where
 * limit_switch() leaves its own entry on the processor's return stack, each return above it is
 * mispredicted. All registers are named as lost, so the compiler saves those in use; the frame
 * pointer it may not lose. Flows of limit_prepare_inline() only. */
#if defined(__x86_64__)

__attribute__((always_inline)) static inline void limit_switch_inline(void **from, void *to) {
    __asm__ volatile("leaq -128(%%rsp), %%rsp\n\t" /* the red zone */
                     "pushq %%rbp\n\t"
                     "leaq 1f(%%rip), %%rax\n\t"
                     "pushq %%rax\n\t"
                     "movq %%rsp, (%%rdi)\n\t"
                     "movq %%rsi, %%rsp\n\t"
                     "popq %%rcx\n\t"
                     "jmp *%%rcx\n"
                     "1:\n\t"
                     "popq %%rbp\n\t"
                     "leaq 128(%%rsp), %%rsp"
                     : "+D"(from), "+S"(to)
                     :
                     : "rax", "rbx", "rcx", "rdx", "r8", "r9", "r10", "r11", "r12", "r13", "r14",
                       "r15", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7",
                       "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15", "cc",
                       "memory");
}

#elif defined(__aarch64__)

__attribute__((always_inline)) static inline void limit_switch_inline(void **from, void *to) {
    register void **x0 __asm__("x0") = from;
    register void *x1 __asm__("x1") = to;

    __asm__ volatile("adr x9, 1f\n\t"
                     "stp x29, x30, [sp, #-32]!\n\t"
                     "str x9, [sp, #16]\n\t"
                     "mov x10, sp\n\t"
                     "str x10, [x0]\n\t"
                     "mov sp, x1\n\t"
                     "ldr x9, [sp, #16]\n\t"
                     "br x9\n"
                     "1:\n\t"
                     "ldp x29, x30, [sp], #32"
                     : "+r"(x0), "+r"(x1)
                     :
                     : "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13",
                       "x14", "x15", "x16", "x17", "x18", "x19", "x20", "x21", "x22", "x23", "x24",
                       "x25", "x26", "x27", "x28", "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7",
                       "v8", "v9", "v10", "v11", "v12", "v13", "v14", "v15", "v16", "v17", "v18",
                       "v19", "v20", "v21", "v22", "v23", "v24", "v25", "v26", "v27", "v28", "v29",
                       "v30", "v31", "cc", "memory");
}

#else
#define limit_switch_inline limit_switch
#endif

void *limit_prepare_inline(void *top, void (*entry)(void));

/* One mapping cut into guarded stacks; only what is touched becomes memory. Ends the process if
 * there is no room. `guard` says how they are guarded. */
struct limit_stacks {
    char *base;
    size_t count;
    const char *guard;
};
void limit_stacks_map(struct limit_stacks *stacks, size_t count);
void limit_stacks_unmap(struct limit_stacks *stacks);

/* The end of a stack, shifted by a colour: without it all tops meet in the same cache sets. */
static inline void *limit_stack_top(const struct limit_stacks *stacks, size_t index) {
    return stacks->base + (index + 1) * LIMIT_STACK_BYTES - index * 7 % 32 * 64;
}

#endif
