/* SPDX-License-Identifier: MIT
 * switch_aarch64.S - a switch of stacks for AAPCS64: void eddy__switch(void **from, void *to).
 *
 * Saves x19-x30 and the low halves of v8-v15, which a callee must keep. Ends in `ret`, for
 * the reason that switch_x86_64.S gives. */
        .text
        .globl  eddy__switch
        .hidden eddy__switch
        .type   eddy__switch, %function
        .p2align 4
eddy__switch:
        .cfi_startproc
        sub     sp, sp, #160
        stp     x19, x20, [sp, #0]
        stp     x21, x22, [sp, #16]
        stp     x23, x24, [sp, #32]
        stp     x25, x26, [sp, #48]
        stp     x27, x28, [sp, #64]
        stp     x29, x30, [sp, #80]
        stp     d8,  d9,  [sp, #96]
        stp     d10, d11, [sp, #112]
        stp     d12, d13, [sp, #128]
        stp     d14, d15, [sp, #144]
        mov     x9, sp
        str     x9, [x0]
        mov     sp, x1
        ldp     x19, x20, [sp, #0]
        ldp     x21, x22, [sp, #16]
        ldp     x23, x24, [sp, #32]
        ldp     x25, x26, [sp, #48]
        ldp     x27, x28, [sp, #64]
        ldp     x29, x30, [sp, #80]
        ldp     d8,  d9,  [sp, #96]
        ldp     d10, d11, [sp, #112]
        ldp     d12, d13, [sp, #128]
        ldp     d14, d15, [sp, #144]
        add     sp, sp, #160
        ret
        .cfi_endproc
        .size   eddy__switch, .-eddy__switch

/* Where a new flow starts: x19 is its entry function. Undefined x30: unwinding ends here. */
        .globl  eddy__switch_start
        .hidden eddy__switch_start
        .type   eddy__switch_start, %function
eddy__switch_start:
        .cfi_startproc
        .cfi_undefined x30
        mov     x29, xzr
        mov     x30, xzr
        blr     x19
        brk     #1
        .cfi_endproc
        .size   eddy__switch_start, .-eddy__switch_start

        .section .note.GNU-stack, "", %progbits
