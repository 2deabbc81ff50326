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

        .section .note.GNU-stack, "", %progbits
