/* SPDX-License-Identifier: MIT */
/*
 * See tables.h. Nothing but the instruction under test touches the other stack: interrupts are off,
 * and EBP keeps the old one.
 */
#include "tables.h"
#include <arch/page.h>
#include <arch/processor.h>
#include <arch/segment.h>

	.macro ON_STACK name
	.globl \name
\name:
	pushl %ebp
	movl %esp, %ebp
	pushfl
	cli
	movl 8(%ebp), %esp
	.endm

	.macro BACK
	leal -4(%ebp), %esp
	popfl
	popl %ebp
	ret
	.endm

	.text
	ON_STACK stack_push
	pushl 12(%ebp)
	BACK

	ON_STACK stack_call
	call 1f
	.globl stack_call_return
stack_call_return:
	BACK
1:	ret

	ON_STACK stack_far_call
	lcall $__KERNEL_CS, $1f
	.globl stack_far_call_return
stack_far_call_return:
	BACK
1:	lret

	ON_STACK stack_int
	int $TABLES_GATE
	.globl stack_int_return
stack_int_return:
	BACK
	.globl tables_gate_handler
tables_gate_handler:
	iret

	ON_STACK stack_iret
	pushfl
	pushl %cs
	pushl $stack_iret_return
	iret
	.globl stack_iret_return
stack_iret_return:
	BACK

	ON_STACK stack_swap
	subl $4, %esp
	movl 12(%ebp), %ecx
	movl 16(%ebp), %edx
	movl %edx, (%ecx)
	movl %esp, %edx
	invlpg (%edx)
	popl %eax
	BACK

	.globl paging_off_read, paging_off_start
paging_off_read:
	pushfl
	cli
	pushl %ebx
	movl 12(%esp), %ecx
	movl $(paging_off_start - PAGE_OFFSET), %eax
	jmp *%eax
paging_off_start:
	movl %cr0, %ebx
	movl %ebx, %edx
	andl $~X86_CR0_PG, %edx
	movl %edx, %cr0
	movl (%ecx), %eax
	movl %ebx, %cr0
	movl $1f, %ecx
	jmp *%ecx
1:	popl %ebx
	popfl
	ret

	.globl own_code, own_code_number, own_code_end
own_code:
	movl 4(%esp), %ecx
	movl 8(%esp), %edx
	movl 12(%esp), %eax
	movl %edx, (%ecx)
	invlpg (%eax)
	.byte 0xb8			/* movl $number, %eax */
own_code_number:
	.long 1
	ret
own_code_end:

	.section .note.GNU-stack, "", @progbits
