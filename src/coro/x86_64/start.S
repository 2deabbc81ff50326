/* SPDX-License-Identifier: MIT
 * start.S - where the first function of a flow seems to have been called from.
 *
 * Undefined rip: unwinding ends here. In assembly, also because the file then lacks the note of a
 * compiler that its code heeds shadow stacks, and so the library does: a switch of stacks
 * does not switch those. */
        .text
        .p2align 4
        .cfi_startproc
        .cfi_undefined rip
        nop     /* unwinding looks up the byte before */
        .globl  eddy__switch_end
        .hidden eddy__switch_end
        .type   eddy__switch_end, @function
eddy__switch_end:
        ud2
        .cfi_endproc
        .size   eddy__switch_end, .-eddy__switch_end

        .section .note.GNU-stack, "", @progbits
