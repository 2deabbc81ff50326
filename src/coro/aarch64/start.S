/* SPDX-License-Identifier: MIT
 * start.S - where a new flow starts: x19 is its entry function, which is jumped to as if it had been
 * called. Undefined x30: unwinding ends here. */
        .text
        .globl  eddy__switch_start
        .hidden eddy__switch_start
        .type   eddy__switch_start, %function
        .p2align 4
eddy__switch_start:
        .cfi_startproc
        .cfi_undefined x30
        hint    #36     /* bti j */
        mov     x16, x19
        adr     x30, 1f
        br      x16
1:      brk     #1
        .cfi_endproc
        .size   eddy__switch_start, .-eddy__switch_start

/* eddy__switch_visit(place, fn, arg): what lies at the place looks like the frame of a function that
 * the suspended flow has called, and that has saved x19, x29 and x30. So it is declared to be this
 * one's, and whoever unwinds in fn goes on into that flow. Our own frame is in x19 meanwhile. */
        .p2align 4
        .globl  eddy__switch_visit
        .hidden eddy__switch_visit
        .type   eddy__switch_visit, %function
eddy__switch_visit:
        .cfi_startproc
        hint    #34             /* bti c */
        stp     x29, x30, [sp, #-32]!
        .cfi_def_cfa_offset 32
        .cfi_offset x29, -32
        .cfi_offset x30, -24
        str     x19, [sp, #16]
        .cfi_offset x19, -16
        mov     x19, sp
        mov     x29, x0
        mov     sp, x0
        mov     x0, x2
        .cfi_remember_state
        .cfi_def_cfa x29, 32
        .cfi_offset x19, -32
        .cfi_offset x29, -24
        .cfi_offset x30, -16
        blr     x1
        .cfi_restore_state
        mov     sp, x19
        ldr     x19, [sp, #16]
        ldp     x29, x30, [sp], #32
        ret
        .cfi_endproc
        .size   eddy__switch_visit, .-eddy__switch_visit

        .section .note.GNU-stack, "", %progbits
