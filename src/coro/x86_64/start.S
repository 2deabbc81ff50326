/* SPDX-License-Identifier: MIT
 * start.S - where the first function of a flow seems to have been called from; and a visit.
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

/* eddy__switch_visit(place, fn, arg): what lies at the place looks like the frame of a function that
 * the suspended flow has called, and that has pushed rbp and rbx. So it is declared to be this one's,
 * and whoever unwinds in fn goes on into that flow. Our own frame is in rbx meanwhile. */
        .p2align 4
        .globl  eddy__switch_visit
        .hidden eddy__switch_visit
        .type   eddy__switch_visit, @function
eddy__switch_visit:
        .cfi_startproc
        pushq   %rbp
        .cfi_def_cfa_offset 16
        .cfi_offset %rbp, -16
        pushq   %rbx
        .cfi_def_cfa_offset 24
        .cfi_offset %rbx, -24
        movq    %rsp, %rbx
        movq    %rdi, %rbp
        movq    %rdi, %rsp
        andq    $-16, %rsp
        movq    %rdx, %rdi
        .cfi_remember_state
        .cfi_def_cfa %rbp, 24
        call    *%rsi
        .cfi_restore_state
        movq    %rbx, %rsp
        popq    %rbx
        popq    %rbp
        ret
        .cfi_endproc
        .size   eddy__switch_visit, .-eddy__switch_visit

        .section .note.GNU-stack, "", @progbits
