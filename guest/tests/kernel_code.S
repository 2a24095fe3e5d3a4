/* SPDX-License-Identifier: MIT */
/*
 * See kernel_code.h. What may run in a segment with a base jumps by distances only; DS is flat
 * always, so data is at its address.
 */
#include "kernel_code.h"
#include <arch/segment.h>

	.text

	/* The stack as the handler found it lies above the return address. */
gate_keep:
	pushfl
	popl gate_flags
	movl %cs, %ecx
	movl %ecx, gate_cs
	leal 4(%esp), %esi
	movl $gate_frame, %edi
	movl $KEPT_WORDS, %ecx
	cld
	rep movsl
	incl gate_count
	ret

	.globl gate_lret8
gate_lret8:
	call gate_keep
	lret $8

	.globl gate_iret16
gate_iret16:
	call gate_keep
	iretw

	.globl gate_unwind
gate_unwind:
	call gate_keep
	ljmp $__KERNEL_CS, $probe_unwind

	.globl kernel_int, kernel_int_return
kernel_int:
	pushl %esi
	pushl %edi
	int $KERNEL_INT_GATE
kernel_int_return:
	popl %edi
	popl %esi
	/* falls through */

	.globl kernel_far_procedure
kernel_far_procedure:
	movl %cs, %eax
	lret

	.globl call_far
call_far:
	movl 4(%esp), %edx
	movl 8(%esp), %eax
	pushl %edx
	pushl %eax
	lcall *(%esp)
	addl $8, %esp
	ret

	.globl jump_far
jump_far:
	pushl 4(%esp)
	pushl $0
	ljmp *(%esp)

	.globl breakpoint_execute, breakpoint_insn
breakpoint_execute:
breakpoint_insn:
	incl breakpoint_runs
	ret

	.globl breakpoint_store, breakpoint_after_store
breakpoint_store:
	movl 4(%esp), %eax
	movl %eax, breakpoint_word + 4
breakpoint_after_store:
	ret

	.globl breakpoint_store_byte, breakpoint_after_store_byte
breakpoint_store_byte:
	movb 4(%esp), %al
	movb %al, breakpoint_word + 5
breakpoint_after_store_byte:
	ret

	.globl breakpoint_load, breakpoint_after_load
breakpoint_load:
	movl breakpoint_word + 4, %eax
breakpoint_after_load:
	ret

	.bss
	.balign 16
	.globl breakpoint_word, breakpoint_runs
breakpoint_word:
	.skip 16
breakpoint_runs:
	.skip 4
	.globl gate_frame, gate_cs, gate_flags, gate_count
gate_frame:
	.skip KEPT_WORDS * 4
gate_cs:
	.skip 4
gate_flags:
	.skip 4
gate_count:
	.skip 4

	.section .note.GNU-stack, "", @progbits
