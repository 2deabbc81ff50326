/* SPDX-License-Identifier: MIT
 * limit.c - the switch in assembly, and stacks with the cheapest guard that the kernel has. */
#include "limit.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "bench.h"

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102 /* Linux 6.13 */
#endif
#define GUARD_BYTES 4096
#define GUARD_BATCH 512 /* of one process_madvise: at most UIO_MAXIOV, and flat from here on */

#if defined(__x86_64__)

__asm__(".text\n"
        ".p2align 6\n"
        ".globl limit_switch\n"
        ".type limit_switch, @function\n"
        "limit_switch:\n"
        "    pushq %rbp\n"
        "    pushq %rbx\n"
        "    pushq %r12\n"
        "    pushq %r13\n"
        "    pushq %r14\n"
        "    pushq %r15\n"
        "    movq %rsp, (%rdi)\n"
        "    movq %rsi, %rsp\n"
        "    popq %r15\n"
        "    popq %r14\n"
        "    popq %r13\n"
        "    popq %r12\n"
        "    popq %rbx\n"
        "    popq %rbp\n"
        "    popq %rcx\n"
        "    jmp *%rcx\n"
        ".size limit_switch, . - limit_switch\n");

void *limit_prepare(void *top, void (*entry)(void)) {
    void **sp = top;

    *--sp = NULL; /* where entry() would return to; also what aligns it as a call does */
    *--sp = (void *)entry;
    return sp - 6;
}

void *limit_prepare_inline(void *top, void (*entry)(void)) {
    void **sp = top;

    *--sp = NULL;
    *--sp = (void *)entry;
    return sp;
}

#elif defined(__aarch64__)

__asm__(".text\n"
        ".p2align 6\n"
        ".globl limit_switch\n"
        ".type limit_switch, %function\n"
        "limit_switch:\n"
        "    sub sp, sp, #160\n"
        "    stp x19, x20, [sp]\n"
        "    stp x21, x22, [sp, #16]\n"
        "    stp x23, x24, [sp, #32]\n"
        "    stp x25, x26, [sp, #48]\n"
        "    stp x27, x28, [sp, #64]\n"
        "    stp x29, x30, [sp, #80]\n"
        "    stp d8, d9, [sp, #96]\n"
        "    stp d10, d11, [sp, #112]\n"
        "    stp d12, d13, [sp, #128]\n"
        "    stp d14, d15, [sp, #144]\n"
        "    mov x9, sp\n"
        "    str x9, [x0]\n"
        "    mov sp, x1\n"
        "    ldp x19, x20, [sp]\n"
        "    ldp x21, x22, [sp, #16]\n"
        "    ldp x23, x24, [sp, #32]\n"
        "    ldp x25, x26, [sp, #48]\n"
        "    ldp x27, x28, [sp, #64]\n"
        "    ldp x29, x30, [sp, #80]\n"
        "    ldp d8, d9, [sp, #96]\n"
        "    ldp d10, d11, [sp, #112]\n"
        "    ldp d12, d13, [sp, #128]\n"
        "    ldp d14, d15, [sp, #144]\n"
        "    add sp, sp, #160\n"
        "    br x30\n"
        ".size limit_switch, . - limit_switch\n");

void *limit_prepare(void *top, void (*entry)(void)) {
    void **sp = (void **)top - 20;

    sp[10] = NULL;          /* x29: the last frame */
    sp[11] = (void *)entry; /* x30 */
    return sp;
}

void *limit_prepare_inline(void *top, void (*entry)(void)) {
    void **sp = (void **)top - 4;

    sp[2] = (void *)entry;
    return sp;
}

#else

void limit_switch(void **from, void *to) {
    (void)from, (void)to;
    abort();
}

void *limit_prepare(void *top, void (*entry)(void)) {
    (void)top, (void)entry;
    abort();
}

void *limit_prepare_inline(void *top, void (*entry)(void)) {
    return limit_prepare(top, entry);
}

#endif

/* Guards in one call per batch: no system call and no map area for each. Returns 0 or -errno. */
static int guards_install(const struct limit_stacks *stacks, int pidfd) {
    struct iovec guards[GUARD_BATCH];

    for (size_t first = 0; first < stacks->count; first += GUARD_BATCH) {
        size_t count = stacks->count - first < GUARD_BATCH ? stacks->count - first : GUARD_BATCH;
        for (size_t i = 0; i < count; i++)
            guards[i] = (struct iovec){stacks->base + (first + i) * LIMIT_STACK_BYTES, GUARD_BYTES};
        long done = syscall(SYS_process_madvise, pidfd, guards, count, MADV_GUARD_INSTALL, 0);
        if (done != (long)(count * GUARD_BYTES))
            return done < 0 ? -errno : -EAGAIN;
    }
    return 0;
}

/* Two map areas each: works for some 30,000 stacks. Returns 0 or -errno. */
static int guards_protect(const struct limit_stacks *stacks) {
    for (size_t i = 0; i < stacks->count; i++)
        if (mprotect(stacks->base + i * LIMIT_STACK_BYTES, GUARD_BYTES, PROT_NONE) < 0)
            return -errno;
    return 0;
}

static const char *guards_make(const struct limit_stacks *stacks) {
    int pidfd = (int)syscall(SYS_pidfd_open, getpid(), 0);
    int r = guards_install(stacks, pidfd);

    close(pidfd);
    if (r == 0)
        return "MADV_GUARD_INSTALL";
    return guards_protect(stacks) == 0 ? "mprotect" : "incomplete";
}

void limit_stacks_map(struct limit_stacks *stacks, size_t count) {
    stacks->count = count;
    stacks->base = mmap(NULL, count * LIMIT_STACK_BYTES, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    bench_require(stacks->base == MAP_FAILED ? -errno : 0, "address space for stacks");

    madvise(stacks->base, count * LIMIT_STACK_BYTES, MADV_NOHUGEPAGE);
    stacks->guard = guards_make(stacks);
}

void limit_stacks_unmap(struct limit_stacks *stacks) {
    munmap(stacks->base, stacks->count * LIMIT_STACK_BYTES);
}
